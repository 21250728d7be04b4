/** What pods are promised: names, configuration, limits, probes, hooks, volumes and networks, on a cluster as users start it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeToolsImage, TOOLS, toolsPod } from './tools-image.ts'
import { eventually, isRoot, run, WholeCluster } from './whole-cluster.ts'

const SERVER = `require('node:http').createServer((q, s) => s.end(process.env.HOSTNAME)).listen(8080); process.on('SIGTERM', () => process.exit())`
const serving = ['node', '-e', SERVER]
const sh = (script: string) => ['sh', '-c', script]

describe.skipIf(!isRoot)(isRoot ? 'pods' : 'pods (skipped: needs root)', () => {
  const cluster = new WholeCluster('pods')
  const ask = cluster.ask.bind(cluster)
  const inPod = (pod: string, script: string) => ask(['exec', pod, '--', 'sh', '-c', script])
  const ready = (...pods: string[]) =>
    ask(['wait', '--for=condition=Ready', ...pods.map((pod) => `pod/${pod}`), '--timeout=60s'])
  const main = async (pod: string) => (await cluster.object(`pod ${pod}`)).status.containerStatuses[0]
  const phase = (pod: string, wanted: string) =>
    eventually(
      `${pod} to be ${wanted}`,
      () => cluster.object(`pod ${pod}`),
      (p) => p.status.phase === wanted,
    )

  beforeAll(async () => {
    await cluster.up()
    await makeToolsImage(cluster)
    await cluster.apply(`
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: headless }
spec: { clusterIP: None, selector: { set: named }, ports: [{ name: http, port: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: elsewhere }
spec: { type: ExternalName, externalName: web.default.svc.cluster.local }
---
apiVersion: v1
kind: Service
metadata: { name: sticky }
spec: { sessionAffinity: ClientIP, selector: { set: named }, ports: [{ port: 80, targetPort: 8080 }] }
---
${toolsPod('web', { command: serving, container: 'readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 }' })}
${['first', 'second']
  .map((name) =>
    toolsPod(name, {
      command: serving,
      spec: `hostname: ${name}, subdomain: headless`,
      container: 'readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 }',
    }).replace(`app: ${name}`, `app: ${name}, set: named`),
  )
  .join('')}
${toolsPod('client', {})}`)
    await ready('web', 'first', 'second', 'client')
  })
  afterAll(() => cluster.down())

  it('find services by name', async () => {
    const { clusterIP } = (await cluster.object('service web')).spec
    for (const name of ['web', 'web.default', 'web.default.svc', 'web.default.svc.cluster.local', 'elsewhere'])
      expect(await inPod('client', `getent ahostsv4 ${name} | head -n 1`)).toMatch(new RegExp(`^${clusterIP} `))
    const first = (await cluster.object('pod first')).status.podIP
    expect(await inPod('client', 'getent ahostsv4 first.headless')).toContain(first)
    const all = await inPod(
      'client',
      `node -e "require('dns').resolve4('headless.default.svc.cluster.local', (e, a) => console.log(a.length))"`,
    )
    expect(all).toBe('2\n')
    const records = await inPod(
      'client',
      `node -e "require('dns').resolveSrv('_http._tcp.web.default.svc.cluster.local', (e, a) => console.log(JSON.stringify(a)))"`,
    )
    expect(JSON.parse(records)).toMatchObject([{ name: 'web.default.svc.cluster.local', port: 80 }])
    const reversed = await inPod('client', `node -e "require('dns').reverse('${clusterIP}', (e, a) => console.log(a))"`)
    expect(reversed).toContain('web.default.svc.cluster.local')
    expect(await inPod('client', 'getent hosts absent; echo $?')).toBe('2\n')
    // There is nobody behind this cluster to ask: an answer all the same, and soon.
    const began = Date.now()
    expect(await inPod('client', 'getent ahostsv4 no.such.name.invalid.; echo $?')).toBe('2\n')
    expect(Date.now() - began).toBeLessThan(15_000)
    expect(await inPod('client', 'cat /etc/resolv.conf')).toContain(
      'search default.svc.cluster.local svc.cluster.local cluster.local',
    )
    expect(await inPod('client', 'curl -s http://elsewhere/')).toBe('web')
  })

  it('stay with one endpoint where a service says so', async () => {
    const answers = await inPod(
      'client',
      'for i in 1 2 3 4 5 6 7 8 9 10; do curl -s http://sticky/; echo; done | sort -u',
    )
    expect(['first\n', 'second\n']).toContain(answers)
  })

  it('get their configuration, and see it change', async () => {
    await cluster.apply(`
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { colour: red, "file.txt": hello }
---
apiVersion: v1
kind: Secret
metadata: { name: hidden }
stringData: { word: sesame }
---
${toolsPod('configured', {
  container: `env: [
    { name: COLOUR, valueFrom: { configMapKeyRef: { name: settings, key: colour } } },
    { name: WORD, valueFrom: { secretKeyRef: { name: hidden, key: word } } },
    { name: IP, valueFrom: { fieldRef: { fieldPath: status.podIP } } },
    { name: NODE, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } },
    { name: CPU, valueFrom: { resourceFieldRef: { resource: limits.cpu, divisor: 1m } } },
    { name: BOTH, value: "$(COLOUR)-$(WORD)" } ],
    envFrom: [{ prefix: ALL_, configMapRef: { name: settings } }],
    resources: { limits: { cpu: 300m, memory: 64Mi } },
    volumeMounts: [{ name: c, mountPath: /c }, { name: s, mountPath: /s }, { name: d, mountPath: /d }]`,
  spec: `volumes: [
    { name: c, configMap: { name: settings } },
    { name: s, secret: { secretName: hidden, defaultMode: 0400 } },
    { name: d, downwardAPI: { items: [{ path: labels, fieldRef: { fieldPath: metadata.labels } }] } }]`,
})}`)
    await ready('configured')
    const { podIP } = (await cluster.object('pod configured')).status
    expect(await inPod('configured', 'echo $COLOUR $WORD $IP $NODE $CPU $BOTH $ALL_colour $WEB_SERVICE_PORT')).toBe(
      `red sesame ${podIP} pods-0 300 red-sesame red 80\n`,
    )
    expect(await inPod('configured', 'cat /c/file.txt /s/word; stat -Lc %a /s/word')).toBe('hellosesame400\n')
    expect(await inPod('configured', 'cat /d/labels')).toBe('app="configured"')
    await ask(['patch', 'configmap', 'settings', '-p', '{"data":{"file.txt":"changed"}}'])
    await ask('label pod configured extra=yes')
    await eventually(
      'both to change',
      () => inPod('configured', 'cat /c/file.txt /d/labels'),
      (text) => /^changedapp="configured"\nextra="yes"$/.test(text),
      90_000,
    )
  })

  it('know the API, which knows them', async () => {
    const account = '/var/run/secrets/kubernetes.io/serviceaccount'
    const call = `curl -s --cacert ${account}/ca.crt`
    const url = 'https://kubernetes.default.svc/api/v1/namespaces/default/pods'
    const forbidden = JSON.parse(
      await inPod('client', `${call} -H "Authorization: Bearer $(cat ${account}/token)" ${url}`),
    )
    expect(forbidden).toMatchObject({ code: 403, reason: 'Forbidden' })
    expect(forbidden.message).toContain('User "system:serviceaccount:default:default" cannot list resource "pods"')
    expect(JSON.parse(await inPod('client', `${call} -H "Authorization: Bearer nonsense" ${url}`)).code).toBe(401)
    expect(await inPod('client', `cat ${account}/namespace`)).toBe('default')
  })

  it('start in order, and beside sidecars', async () => {
    const container = (name: string, script: string, more = '') =>
      `{ name: ${name}, image: "${TOOLS}", imagePullPolicy: Never, command: ${JSON.stringify(sh(script))}, volumeMounts: [{ name: v, mountPath: /v }]${more} }`
    await cluster.apply(`
apiVersion: v1
kind: Pod
metadata: { name: ordered }
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 2
  volumes: [{ name: v, emptyDir: {} }]
  initContainers:
  - ${container('one', 'echo one >> /v/log')}
  - ${container('side', 'echo side >> /v/log; sleep 1000', ', restartPolicy: Always, startupProbe: { exec: { command: [grep, side, /v/log] }, periodSeconds: 1 }')}
  - ${container('two', 'echo two >> /v/log')}
  containers:
  - ${container('main', 'echo main >> /v/log; cat /v/log')}`)
    const pod = await phase('ordered', 'Succeeded')
    expect(await ask('logs ordered -c main')).toBe('one\nside\ntwo\nmain\n')
    const names = pod.status.initContainerStatuses.map((s: any) => [s.name, s.state.terminated !== undefined])
    expect(names).toEqual([
      ['one', true],
      ['side', true],
      ['two', true],
    ])
  })

  it('are restarted when they do not live, and told what goes on', async () => {
    await cluster.apply(
      toolsPod('probed', {
        command: sh('touch /tmp-alive; sleep 100000'),
        container: `livenessProbe: { exec: { command: [cat, /tmp-alive] }, periodSeconds: 1, failureThreshold: 1 },
          readinessProbe: { exec: { command: [cat, /ready] }, periodSeconds: 1 },
          lifecycle: { postStart: { exec: { command: [touch, /started] } } }`,
      }),
    )
    await eventually(
      'it to run',
      () => main('probed'),
      (status) => status?.state?.running !== undefined,
    )
    expect((await main('probed')).ready).toBe(false)
    await inPod('probed', 'ls /started; touch /ready')
    await ready('probed')
    await inPod('probed', 'rm /tmp-alive')
    const status = await eventually(
      'the restart',
      () => main('probed'),
      (s) => s.restartCount === 1 && s.state.running,
    )
    expect(status.lastState.terminated.exitCode).toBe(137)
    expect(await ask('events --for pod/probed')).toMatch(/Unhealthy.*Liveness probe failed/)
  })

  it('are asked to end, and say goodbye', async () => {
    await cluster.apply(
      toolsPod('polite', {
        command: sh(`trap 'echo term >> /h/log; exit 0' TERM; while :; do sleep 0.1; done`),
        spec: `volumes: [{ name: h, hostPath: { path: ${cluster.dataDir}/polite, type: DirectoryOrCreate } }]`,
        container: `volumeMounts: [{ name: h, mountPath: /h }], lifecycle: { preStop: { exec: { command: [sh, -c, "echo stop >> /h/log"] } } }`,
      }).replace('terminationGracePeriodSeconds: 0', 'terminationGracePeriodSeconds: 20'),
    )
    await ready('polite')
    await ask('delete pod polite --timeout=60s')
    expect((await run('cat', [`${cluster.dataDir}/polite/log`])).stdout).toBe('stop\nterm\n')
  })

  it('are held to their limits', async () => {
    const limits = 'resources: { limits: { cpu: 500m, memory: 96Mi }, requests: { cpu: 250m, memory: 32Mi } }'
    await cluster.apply(
      toolsPod('limited', { container: limits }) +
        toolsPod('greedy', {
          command: ['node', '-e', 'const a = []; for (;;) a.push(Buffer.alloc(8 << 20, 1))'],
          container: limits,
          spec: 'restartPolicy: Never',
        }),
    )
    await ready('limited')
    expect((await cluster.object('pod limited')).status.qosClass).toBe('Burstable')
    const { stdout } = await run('sh', [
      '-c',
      `find /sys/fs/cgroup -path '*rostrum-pods-*burstable*' \\( -name memory.limit_in_bytes -o -name memory.max -o -name cpu.cfs_quota_us -o -name cpu.max \\) -exec cat {} +`,
    ])
    expect(stdout.split('\n')).toContain(String(96 << 20))
    expect(stdout).toMatch(/^50000\b/m)
    const { containerStatuses } = (await phase('greedy', 'Failed')).status
    expect(containerStatuses[0].state.terminated).toMatchObject({ reason: 'OOMKilled', exitCode: 137 })
  })

  it('may do only what their security context allows', async () => {
    await cluster.apply(
      toolsPod('confined', {
        spec: 'securityContext: { runAsUser: 1234, runAsGroup: 2345, fsGroup: 3456, supplementalGroups: [4567] }, volumes: [{ name: e, emptyDir: {} }]',
        container: `securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: [ALL] }, seccompProfile: { type: RuntimeDefault } },
          volumeMounts: [{ name: e, mountPath: /e }]`,
      }) + toolsPod('strict', { spec: 'securityContext: { runAsNonRoot: true }' }),
    )
    await ready('confined')
    expect(await inPod('confined', 'id -u; id -g; id -G')).toBe('1234\n2345\n2345 3456 4567\n')
    expect(await inPod('confined', 'touch /x 2>/dev/null; echo $?; touch /e/x; echo $?; stat -c %g /e/x')).toBe(
      '1\n0\n3456\n',
    )
    const status = await inPod('confined', 'cat /proc/self/status')
    expect(status).toMatch(/^CapEff:\s+0000000000000000$/m)
    expect(status).toMatch(/^CapBnd:\s+0000000000000000$/m)
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m)
    expect(status).toMatch(/^Seccomp:\s+2$/m)
    const waiting = await eventually(
      'the refusal',
      () => main('strict'),
      (s) => s?.state?.waiting?.reason === 'CreateContainerConfigError',
    )
    expect(waiting.state.waiting.message).toContain('container has runAsNonRoot and image will run as root')
  })

  it('have volumes of many kinds', async () => {
    await cluster.apply(
      toolsPod('stored', {
        spec: `volumes: [{ name: m, emptyDir: { medium: Memory, sizeLimit: 8Mi } }, { name: e, emptyDir: {} }, { name: h, hostPath: { path: /etc } }]`,
        container: `volumeMounts: [{ name: m, mountPath: /m }, { name: e, mountPath: /e }, { name: e, mountPath: /sub, subPath: a/b }, { name: h, mountPath: /host, readOnly: true }]`,
      }),
    )
    await ready('stored')
    expect(await inPod('stored', 'grep " /m " /proc/mounts')).toMatch(/tmpfs \/m tmpfs .*size=8192k/)
    expect(await inPod('stored', 'echo x > /e/f; ls -d /e/a/b; ls /host/hostname; touch /host/x 2>&1 || true')).toMatch(
      /\/e\/a\/b\n\/host\/hostname\n.*Read-only file system/,
    )
  })

  it('share the network of their node, or a port of it', async () => {
    await cluster.apply(
      toolsPod('ported', { command: serving, container: 'ports: [{ containerPort: 8080, hostPort: 8081 }]' }) +
        toolsPod('hosted', { spec: 'hostNetwork: true' }),
    )
    await ready('ported', 'hosted')
    const node = (await cluster.object('node pods-0')).status.addresses.find(
      (a: any) => a.type === 'InternalIP',
    ).address
    expect((await cluster.object('pod hosted')).status.podIP).toBe(node)
    await eventually(
      'the port',
      () => fetch(`http://${node}:8081/`).then((r) => r.text()),
      (text) => text === 'ported',
    )
    const netns = (await run('ip', ['netns'])).stdout
      .split('\n')
      .map((line) => line.split(' ')[0]!)
      .find((name) => name.endsWith('pods-n0'))!
    const rules = await run('ip', ['netns', 'exec', netns, 'nft', 'list', 'ruleset'])
    expect(rules.stdout).toMatch(/masquerade/)
  })

  it('are not taken to be images that are not there', async () => {
    await cluster.apply(toolsPod('imageless', {}).replace(TOOLS, 'rostrum.test/absent:1'))
    const { state } = await eventually(
      'the refusal',
      () => main('imageless'),
      (s) => s?.state?.waiting?.reason === 'ErrImageNeverPull',
    )
    expect(state.waiting.message).toContain(
      'Container image "rostrum.test/absent:1" is not present with pull policy of Never',
    )
  })
})
