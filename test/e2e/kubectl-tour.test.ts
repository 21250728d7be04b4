/** The real kubectl, unchanged: what people do with it all day, over WebSocket and over SPDY where it streams. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeToolsImage, TOOLS, toolsPod } from './tools-image.ts'
import { eventually, isRoot, WholeCluster } from './whole-cluster.ts'

const SERVER = `require('node:http').createServer((q, s) => s.end('hello from ' + process.env.HOSTNAME)).listen(8080); process.on('SIGTERM', () => process.exit())`

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: ${TOOLS}
        imagePullPolicy: Never
        command: [node, -e, ${JSON.stringify(SERVER)}]
        ports: [{ name: http, containerPort: 8080 }]
        readinessProbe: { httpGet: { port: http }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ name: http, port: 80, targetPort: http }] }
`

/** kubectl's two ways to stream. */
const MODES: { mode: string; env: Record<string, string> }[] = [
  { mode: 'WebSocket', env: {} },
  {
    mode: 'SPDY',
    env: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' },
  },
]

describe.skipIf(!isRoot)(isRoot ? 'kubectl' : 'kubectl (skipped: needs root)', () => {
  const cluster = new WholeCluster('tour')
  const dir = mkdtempSync(join(tmpdir(), 'rostrum-tour-'))
  const { ask, kubectl } = { ask: cluster.ask.bind(cluster), kubectl: cluster.kubectl.bind(cluster) }
  const words = (text: string) => text.trim().split(/\s+/)

  /** Starts a kubectl that goes on; `text` is what it has printed so far. Ends it at the end of `use`. */
  async function during<T>(
    args: string[],
    use: (child: { text(): string; type(line: string): void; exit: Promise<number> }) => Promise<T>,
    env: Record<string, string> = {},
    file = 'kubectl',
  ): Promise<T> {
    const child = spawn(file, args, { env: { ...process.env, KUBECONFIG: cluster.kubeconfig, ...env } })
    let printed = ''
    child.stdout.on('data', (chunk: Buffer) => void (printed += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => void (printed += chunk.toString()))
    const exit = new Promise<number>((done) => child.on('close', (code) => done(code ?? -1)))
    try {
      return await use({ text: () => printed, type: (line) => void child.stdin.write(line), exit })
    } finally {
      child.kill('SIGKILL')
      await exit
    }
  }
  const printed = (child: { text(): string }, pattern: RegExp) =>
    eventually(
      `${pattern}`,
      async () => child.text(),
      (text) => pattern.test(text),
      20_000,
    )

  beforeAll(async () => {
    await cluster.up()
    await makeToolsImage(cluster)
    await cluster.apply(WEB + '\n---\n' + toolsPod('box', {}))
    await ask('rollout status deployment/web --timeout=60s')
    await ask('wait --for=condition=Ready pod/box --timeout=60s')
  })
  afterAll(async () => {
    rmSync(dir, { recursive: true, force: true })
    await cluster.down()
  })

  it('shows objects in every form', async () => {
    const pod = await cluster.object('pod box')
    const [header, row] = (await ask('get pod box -o wide')).trim().split('\n')
    expect(words(header!).slice(0, 7)).toEqual(['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE', 'IP', 'NODE'])
    expect(row).toMatch(new RegExp(`^box +1/1 +Running +0 +\\d+s +${pod.status.podIP} +tour-0`))
    expect(await ask('get pod box -o yaml')).toContain(`uid: ${pod.metadata.uid}`)
    expect(await ask(['get', 'pod', 'box', '-o', 'jsonpath={.status.phase} {.spec.containers[*].name}'])).toBe(
      'Running main',
    )
    expect(await ask('get pods -l app=web -o name')).toMatch(/^(pod\/web-[a-z0-9]+-[a-z0-9]+\n){2}$/)
    expect(await ask('get pods --field-selector=metadata.name=box -o name')).toBe('pod/box\n')
    expect(await ask('get pods -o custom-columns=N:.metadata.name --no-headers --sort-by=.metadata.name')).toMatch(
      /^box\n/,
    )
    expect(await ask('get pods --show-labels')).toMatch(/app=web,pod-template-hash=/)
    expect(await ask('get pods -A')).toMatch(/^NAMESPACE +NAME/)
    const all = await ask('get all')
    for (const name of ['pod/box', 'service/web', 'deployment.apps/web', 'replicaset.apps/web-'])
      expect(all).toContain(name)
    expect(await ask('get deployment web')).toMatch(/web +2\/2 +2 +2 /)
    expect(await ask('get service web')).toMatch(/web +ClusterIP +10\.[\d.]+ +<none> +80\/TCP/)
    expect(await ask('get nodes')).toMatch(/tour-0 +Ready +<none> +\d+s +v1\.36/)
    expect(await ask('get endpointslices,events,configmaps,serviceaccounts,namespaces')).toContain('kube-root-ca.crt')
    expect((await kubectl('get pod absent')).stderr).toBe('Error from server (NotFound): pods "absent" not found\n')
    expect((await kubectl('get nonsense')).stderr).toContain(`the server doesn't have a resource type "nonsense"`)
  })

  it('describes', async () => {
    const pod = await eventually(
      'all events',
      () => ask('describe pod box'),
      (text) => /Started +/.test(text),
    )
    for (const line of [/^Node: +tour-0\/172\./m, /^Status: +Running/m, /QoS Class: +BestEffort/, /Normal +Scheduled/])
      expect(pod).toMatch(line)
    expect(await ask('describe node tour-0')).toMatch(/Non-terminated Pods: +\(3 in total\)/)
    expect(await ask('describe deployment web')).toMatch(/Replicas: +2 desired \| 2 updated \| 2 total \| 2 available/)
    expect(await ask('describe service web')).toMatch(/Endpoints: +10\.\d+\.\d+\.\d+:8080,10\./)
    expect(await ask('describe namespace default')).toMatch(/Status: +Active/)
  })

  it('explains', async () => {
    expect(await ask('explain pod.spec.containers.image')).toMatch(/FIELD: image <string>/)
    expect(await ask('explain deployment --recursive')).toMatch(/progressDeadlineSeconds\s+<integer>/)
    expect((await kubectl('explain pod.spec.nonsense')).stderr).toContain('field "nonsense" does not exist')
  })

  it('says what there is', async () => {
    expect(words(await ask('api-versions'))).toEqual(
      expect.arrayContaining(['v1', 'apps/v1', 'batch/v1', 'networking.k8s.io/v1']),
    )
    expect(await ask('api-resources --namespaced=true --verbs=list')).toMatch(
      /deployments +deploy +apps\/v1 +true +Deployment/,
    )
    expect(JSON.parse(await ask('version -o json')).serverVersion.minor).toBe('36')
    expect(await ask('cluster-info')).toContain('is running at')
    expect(await ask('auth can-i create pods')).toBe('yes\n')
    expect(await ask('auth whoami')).toMatch(/system:masters/)
    expect(await ask('get --raw /readyz')).toBe('ok')
  })

  it('edits, patches, labels and annotates', async () => {
    await ask('create configmap settings --from-literal=a=1 --from-literal=b=2')
    const editor = join(dir, 'editor')
    writeFileSync(editor, '#!/bin/sh\nexec sed -i "s/^  a: .*/  a: three/" "$1"\n', { mode: 0o755 })
    expect(await ask('edit configmap settings', { env: { KUBE_EDITOR: editor } })).toContain('edited')
    expect((await cluster.object('configmap settings')).data).toEqual({ a: 'three', b: '2' })
    await ask(['patch', 'configmap', 'settings', '-p', '{"data":{"c":"4"}}'])
    await ask(['patch', 'configmap', 'settings', '--type=merge', '-p', '{"data":{"b":null}}'])
    await ask([
      'patch',
      'configmap',
      'settings',
      '--type=json',
      '-p',
      '[{"op":"replace","path":"/data/a","value":"5"}]',
    ])
    expect((await cluster.object('configmap settings')).data).toEqual({ a: '5', c: '4' })
    await ask('label configmap settings colour=red')
    expect((await kubectl('label configmap settings colour=blue')).stderr).toContain('already has a value')
    await ask('label configmap settings colour=blue --overwrite')
    await ask('annotate configmap settings note=x')
    expect((await cluster.object('configmap settings')).metadata).toMatchObject({
      labels: { colour: 'blue' },
      annotations: { note: 'x' },
    })
    await ask('label configmap settings colour-')
    expect((await cluster.object('configmap settings')).metadata.labels).toBeUndefined()
    await ask('patch deployment web --subresource=scale --type=merge -p {"spec":{"replicas":3}}')
    expect((await cluster.object('deployment web')).spec.replicas).toBe(3)
    await ask('delete configmap settings')
  })

  it('applies, compares and replaces', async () => {
    const file = join(dir, 'map.yaml')
    const map = (data: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: applied }\ndata: { ${data} }\n`
    writeFileSync(file, map('a: "1", b: "2"'))
    expect(await ask(['diff', '-f', file], {}).catch((err: Error) => err.message)).toContain('kubectl diff')
    expect(await ask(['apply', '-f', file, '--dry-run=server'])).toBe('configmap/applied created (server dry run)\n')
    expect((await kubectl('get configmap applied')).code).toBe(1)
    expect(await ask(['apply', '-f', file])).toBe('configmap/applied created\n')
    expect(await ask(['apply', '-f', file])).toBe('configmap/applied unchanged\n')
    writeFileSync(file, map('a: "3"'))
    const diff = await kubectl(['diff', '-f', file])
    expect(diff.code).toBe(1)
    expect(diff.stdout).toMatch(/^-  a: "1"$/m)
    expect(diff.stdout).toMatch(/^\+  a: "3"$/m)
    expect(await ask(['apply', '-f', file])).toBe('configmap/applied configured\n')
    expect((await cluster.object('configmap applied')).data).toEqual({ a: '3' })
    writeFileSync(file, map('z: "9"'))
    expect(await ask(['replace', '-f', file])).toContain('replaced')
    expect(await ask('create deployment dry --image=x --dry-run=server -o jsonpath={.spec.strategy.type}')).toBe(
      'RollingUpdate',
    )
    expect((await kubectl('get deployment dry')).code).toBe(1)
    expect(await ask(['delete', '-f', file])).toContain('configmap "applied" deleted')
  })

  it('applies on the server', async (context) => {
    const map = (data: string) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: owned, namespace: default }\ndata: { ${data} }\n`
    const apply = (manager: string, data: string, ...more: string[]) =>
      kubectl(['apply', '--server-side', `--field-manager=${manager}`, '-f', '-', ...more], { input: map(data) })
    const first = await apply('one', 'a: "1", b: "2"')
    if (first.stderr.includes('NotImplemented')) context.skip('server-side apply is not implemented')
    expect(first.stdout).toBe('configmap/owned serverside-applied\n')
    expect((await apply('two', 'a: "9"')).stderr).toMatch(/conflict with "one": \.data\.a/)
    expect((await apply('two', 'a: "9"', '--force-conflicts')).code).toBe(0)
    expect((await apply('one', 'c: "3"')).code).toBe(0)
    expect((await cluster.object('configmap owned')).data).toEqual({ a: '9', c: '3' })
    await ask('delete configmap owned')
  })

  it('scales, and rolls out', async () => {
    await ask('scale deployment web --replicas=2')
    expect(await ask('rollout status deployment/web --timeout=60s')).toContain('successfully rolled out')
    await ask('set env deployment/web COLOUR=red')
    await ask(['annotate', 'deployment/web', 'kubernetes.io/change-cause=red'])
    expect(await ask('rollout status deployment/web --timeout=60s')).toContain('successfully rolled out')
    expect(await ask('rollout history deployment/web')).toMatch(/\n1 +<none>\n2 +red\n/)
    expect(await ask('rollout history deployment/web --revision=2')).toMatch(/COLOUR:\s+red/)
    expect(await ask('rollout undo deployment/web')).toContain('rolled back')
    await ask('rollout status deployment/web --timeout=60s')
    expect((await cluster.object('deployment web')).spec.template.spec.containers[0].env).toBeUndefined()
    await ask('rollout pause deployment/web')
    await ask('set env deployment/web COLOUR=blue')
    expect((await kubectl('rollout undo deployment/web')).stderr).toContain('paused')
    expect((await cluster.object('replicasets -l app=web')).items).toHaveLength(2)
    await ask('rollout resume deployment/web')
    await ask('rollout status deployment/web --timeout=60s')
    expect((await cluster.object('replicasets -l app=web')).items).toHaveLength(3)
    await ask('rollout restart deployment/web')
    await ask('rollout status deployment/web --timeout=60s')
    expect((await cluster.object('deployment web')).spec.template.metadata.annotations).toHaveProperty([
      'kubectl.kubernetes.io/restartedAt',
    ])
  })

  it('shows logs', async () => {
    await cluster.apply(
      toolsPod('talker', {
        command: [
          'sh',
          '-c',
          'for i in 1 2 3; do echo line $i; done; echo bad >&2; while sleep 0.2; do echo tick; [ -e /tmp/end ] && exit 3; done; :',
        ],
        spec: `initContainers: [{ name: first, image: "${TOOLS}", imagePullPolicy: Never, command: [echo, from init] }], volumes: [{ name: t, emptyDir: {} }]`,
        container: 'volumeMounts: [{ name: t, mountPath: /tmp }]',
      }).replace('echo, from init', 'sh, -c, echo from init'),
    )
    await ask('wait --for=condition=Ready pod/talker --timeout=30s')
    await eventually(
      'lines',
      () => ask('logs talker'),
      (text) => /^line 1\nline 2\nline 3\nbad\n(tick\n)+$/.test(text),
    )
    expect(await ask('logs talker -c first')).toBe('from init\n')
    expect(await ask('logs talker --tail=1')).toBe('tick\n')
    expect(await ask('logs talker --timestamps --limit-bytes=20')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:/)
    await eventually(
      'older lines to be left out',
      () => ask('logs talker --since=1s'),
      (text) => text !== '' && !text.includes('line 1'),
    )
    expect(await ask('logs -l app=talker --all-containers --prefix --tail=-1')).toMatch(
      /\[pod\/talker\/first\] from init/,
    )
    expect(await ask('logs deployment/web')).toBe('')
    await during(['logs', '-f', 'talker', '--tail=0'], async (child) => {
      await printed(child, /tick\ntick\n/)
      await ask('exec talker -- touch /tmp/end')
      // It follows to the end of the container, and ends itself.
      expect(await child.exit).toBe(0)
    })
    await ask('exec talker -- rm /tmp/end').catch(() => {})
    await eventually(
      'the restart',
      () => cluster.object('pod talker'),
      (pod) => pod.status.containerStatuses[0].restartCount > 0,
    )
    expect(await ask('logs talker --previous')).toMatch(/^line 1\n/)
    expect((await kubectl('logs talker -c nonsense')).stderr).toContain(
      'container nonsense is not valid for pod talker',
    )
    expect((await kubectl('logs box --previous')).stderr).toMatch(
      /previous terminated container "main" in pod "box" not found/,
    )
    await ask('delete pod talker --now')
  })

  describe.each(MODES)('over $mode', ({ mode, env }) => {
    it('runs commands', async () => {
      expect(await ask('exec box -- hostname', { env })).toBe('box\n')
      const failed = await kubectl(['exec', 'box', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7'], { env })
      expect(failed).toEqual({ code: 7, stdout: 'out\n', stderr: 'err\ncommand terminated with exit code 7\n' })
      const words = 'x'.repeat(100_000)
      expect(await ask(['exec', 'box', '--', 'sh', '-c', 'echo ${#0}', words], { env })).toBe(`${words.length}\n`)
      expect(await ask('exec -i box -- md5sum', { env, input: 'x'.repeat(1 << 20) })).toMatch(/^[0-9a-f]{32} {2}-\n$/)
      expect((await kubectl('exec box -- nonsense', { env })).stderr).toMatch(
        /"nonsense": executable file not found in \$PATH/,
      )
      expect((await kubectl('exec box -c other -- true', { env })).stderr).toContain(
        'container other is not valid for pod box',
      )
      expect(await ask('exec deploy/web -- hostname', { env })).toMatch(/^web-/)
    })

    it('gives a terminal', async () => {
      const args = ['-qec', 'stty rows 33 cols 77; kubectl exec -it box -- sh', '/dev/null']
      await during(
        args,
        async (child) => {
          await printed(child, /# $/)
          child.type('stty size; echo me=$(id -u)\n')
          await printed(child, /33 77\s[^]*me=0\s/)
          child.type('exit 5\n')
          expect(await child.exit).toBe(5)
        },
        { ...env, SHELL: '/bin/sh', TERM: 'dumb' },
        'script',
      )
    })

    it('copies files both ways', async () => {
      const text = `${mode}\n`.repeat(50_000)
      writeFileSync(join(dir, 'there.txt'), text)
      await ask(['cp', join(dir, 'there.txt'), 'box:/there.txt'], { env })
      expect((await ask('exec box -- tail -n 1 /there.txt', { env })).trim()).toBe(mode)
      await ask(['cp', 'box:/there.txt', join(dir, 'back.txt')], { env })
      expect(readFileSync(join(dir, 'back.txt'), 'utf8')).toBe(text)
    })

    it('forwards ports of pods and services', async () => {
      const pod = words(await ask('get pods -l app=web -o name'))[0]!
      for (const [target, port] of [
        [pod, '8080'],
        ['service/web', 'http'],
      ] as const) {
        await during(
          ['port-forward', target, `:${port}`],
          async (child) => {
            const [, local] = /127\.0\.0\.1:(\d+)/.exec(await printed(child, /Forwarding from 127\.0\.0\.1:\d+/))!
            const answers = await Promise.all(
              Array.from({ length: 8 }, () => fetch(`http://127.0.0.1:${local}/`).then((r) => r.text())),
            )
            for (const answer of answers) expect(answer).toMatch(/^hello from web-/)
          },
          env,
        )
      }
    })

    it('attaches', async () => {
      const name = `echo-${mode.toLowerCase()}`
      await cluster.apply(toolsPod(name, { command: ['cat'], container: 'stdin: true' }))
      await ask(`wait --for=condition=Ready pod/${name} --timeout=30s`)
      await during(
        ['attach', '-i', name],
        async (child) => {
          child.type('heard?\n')
          expect(await printed(child, /heard\?/)).toContain('heard?\n')
        },
        env,
      )
      await ask(`delete pod ${name} --now`)
    })

    it('runs a pod for one command', async () => {
      const args = [
        'run',
        `once-${mode.toLowerCase()}`,
        '--rm',
        '-i',
        '--restart=Never',
        `--image=${TOOLS}`,
        '--image-pull-policy=Never',
      ]
      const ran = await ask([...args, '--command', '--', 'sh', '-c', 'read word; echo "got $word"; sleep 0.3'], {
        env,
        input: 'this\n',
      })
      expect(ran).toMatch(/got this\n/)
      expect(ran).toMatch(/pod "once-[a-z]+" deleted/)
    })
  })

  it('runs a pod with a terminal', async () => {
    const run = `kubectl run shell --rm -it --restart=Never --image=${TOOLS} --image-pull-policy=Never --command -- sh`
    await during(
      ['-qec', run, '/dev/null'],
      async (child) => {
        // The shell may have written its prompt before anybody looked.
        await printed(child, /# $|press(ing)? enter/)
        child.type('echo $((6*7)); exit\n')
        await printed(child, /\s42\s/)
        expect(await child.exit).toBe(0)
        expect(child.text()).toContain('pod "shell" deleted')
      },
      { SHELL: '/bin/sh', TERM: 'dumb' },
      'script',
    )
  })

  it('adds a container to a pod to look into it', async () => {
    const args = `debug box --image=${TOOLS} --image-pull-policy=Never --target=main -i -c looker -- sh -c`.split(' ')
    await during([...args, 'read word; cat /proc/1/cmdline; hostname'], async (child) => {
      child.type('go\n')
      await printed(child, /sleep.100000.box\n/)
    })
    expect((await cluster.object('pod box')).status.ephemeralContainerStatuses[0].name).toBe('looker')
  })

  it('watches', async () => {
    await during(['get', 'configmaps', '-w', '--output-watch-events'], async (child) => {
      await printed(child, /ADDED +kube-root-ca\.crt/)
      await ask('create configmap seen')
      await printed(child, /ADDED +seen/)
      await ask('delete configmap seen')
      await printed(child, /DELETED +seen/)
    })
    const waited = kubectl('wait --for=create configmap/later --timeout=30s')
    await ask('create configmap later')
    expect((await waited).stdout).toContain('configmap/later condition met')
    const gone = kubectl('wait --for=delete configmap/later --timeout=30s')
    await ask('delete configmap later')
    expect((await gone).code).toBe(0)
    expect(
      (await kubectl(['wait', '--for=jsonpath={.status.phase}=Failed', 'pod/box', '--timeout=1s'])).stderr,
    ).toContain('timed out')
    expect(await ask('events --for pod/box')).toMatch(/Normal +Started +Pod\/box/)
    expect(await ask('get events --field-selector involvedObject.name=box,reason=Scheduled')).toContain(
      'Successfully assigned default/box to tour-0',
    )
  })

  it('creates without files, and exposes', async () => {
    for (const what of [
      'namespace made',
      'secret generic made --from-literal=k=v -n made',
      'serviceaccount made -n made',
      'quota made --hard=pods=2 -n made',
      'role made --verb=get --resource=pods -n made',
      'rolebinding made --role=made --serviceaccount=made:made -n made',
      'clusterrole made --verb=list --resource=nodes',
      'job made --image=x -n made',
      'cronjob made --image=x --schedule=@daily -n made',
      'ingress made --rule=a.example/=web:80 -n made',
      'poddisruptionbudget made --selector=app=web --min-available=1 -n made',
      'priorityclass made --value=7',
    ])
      expect(await ask(`create ${what}`)).toContain('created')
    expect((await ask('create token made -n made')).split('.')).toHaveLength(3)
    expect(await ask('get role,rolebinding,quota,job,cronjob,ingress,pdb,sa -n made -o name')).toContain(
      'cronjob.batch/made',
    )
    expect(await ask('expose deployment web --name=exposed --port=8000 --target-port=8080')).toContain('exposed')
    const { clusterIP } = (await cluster.object('service exposed')).spec
    await eventually(
      'an answer',
      () => fetch(`http://${clusterIP}:8000/`).then((r) => r.text()),
      (text) => text.startsWith('hello'),
    )
    await ask('delete service exposed')
    await ask('delete clusterrole/made priorityclass/made')
    await ask('delete namespace made --timeout=60s')
    expect((await kubectl('get namespace made')).code).toBe(1)
  })

  it('keeps pods off a node, and empties it', async () => {
    await ask('cordon tour-0')
    expect(await ask('get node tour-0')).toContain('Ready,SchedulingDisabled')
    await cluster.apply(toolsPod('waits', {}))
    await eventually(
      'the event',
      () => ask('events --for pod/waits'),
      (text) => /FailedScheduling.*unschedulable/.test(text),
    )
    await ask('uncordon tour-0')
    await ask('wait --for=condition=Ready pod/waits --timeout=30s')
    await ask('taint node tour-0 key=value:NoSchedule')
    expect(await ask('describe node tour-0')).toMatch(/Taints: +key=value:NoSchedule/)
    await ask('taint node tour-0 key:NoSchedule-')
    const refused = await kubectl('drain tour-0 --timeout=30s')
    expect(refused.stderr).toMatch(/cannot delete Pods that declare no controller|cannot delete cannot delete Pods/)
    const drained = await ask('drain tour-0 --force --delete-emptydir-data --ignore-daemonsets --timeout=60s')
    expect(drained).toContain('node/tour-0 drained')
    expect((await kubectl('get pod box')).code).toBe(1)
    await ask('uncordon tour-0')
    await ask('rollout status deployment/web --timeout=60s')
  })

  it('deletes in every way', async () => {
    const pods = ['one', 'two', 'three', 'four'].map((name) => toolsPod(name, {})).join('')
    await cluster.apply(pods)
    expect(await ask('delete pod one')).toBe('pod "one" deleted\n')
    expect(await ask('delete pods -l app=two')).toBe('pod "two" deleted\n')
    expect((await kubectl('delete pod three --grace-period=0 --force')).stderr).toContain('Immediate deletion')
    expect(await ask('delete pod four --wait=false')).toContain('deleted')
    expect((await kubectl('delete pod one')).stderr).toContain('NotFound')
    expect(await ask('delete pod one --ignore-not-found')).toBe('')
    await ask('delete deployment web --cascade=orphan')
    const sets = (await cluster.object('replicasets -l app=web')).items
    expect(sets.length).toBeGreaterThan(0)
    expect(sets.map((set: any) => set.metadata.ownerReferences)).toEqual(sets.map(() => undefined))
    await ask('delete replicasets -l app=web --cascade=foreground --timeout=60s')
    expect((await cluster.object('pods -l app=web')).items).toEqual([])
    await ask('delete pods,services --all --timeout=60s')
    await eventually(
      'the service of the API to be back',
      () => kubectl('get service kubernetes'),
      ({ code }) => code === 0,
    )
  })
})
