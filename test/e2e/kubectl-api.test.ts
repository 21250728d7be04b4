/**
 * The real kubectl against the API server alone: no nodes, no root, so that whatever goes wrong is the API's. Controllers
 * run only where a command waits for what they do.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configMaps, deployments, pods } from '#api/resources.ts'
import { execAny, type ExecResult } from '#base/exec.ts'
import { createGarbageCollector } from '#controllers/gc/garbage-collector.ts'
import { createReplicaSetController } from '#controllers/replicaset/replica-controller.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'
import { lacking } from './programs.ts'

const lacks = lacking('kubectl')

describe.skipIf(lacks)(lacks ? `kubectl and the API (skipped: needs ${lacks})` : 'kubectl and the API', () => {
  let server: TestServer
  let dir: string
  let env: Record<string, string>

  beforeAll(async () => {
    server = await startTestServer({ controllers: [createGarbageCollector(), createReplicaSetController()] })
    dir = mkdtempSync(join(tmpdir(), 'rostrum-kubectl-'))
    writeFileSync(join(dir, 'config'), server.kubeconfig, { mode: 0o600 })
    // A home of its own keeps kubectl's discovery cache from other clusters at this port.
    env = { PATH: process.env.PATH!, HOME: dir, KUBECONFIG: join(dir, 'config') }
  })
  afterAll(async () => {
    await server.close()
    rmSync(dir, { recursive: true, force: true })
  })

  const run = (args: readonly string[], input?: string, more: Record<string, string> = {}): Promise<ExecResult> =>
    execAny(['kubectl', ...args], { env: { ...env, ...more }, ...(input !== undefined && { input }) })
  /** Words separated by spaces, or a list of them. What kubectl prints; throws where it fails. */
  const ask = async (command: string | readonly string[], input?: string, more?: Record<string, string>) => {
    const args = typeof command === 'string' ? command.split(' ') : command
    const { code, stdout, stderr } = await run(args, input, more)
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: exit ${code}: ${stderr}${stdout}`)
    return stdout.trim() + (stderr && `\n${stderr.trim()}`)
  }
  const json = async (command: string) => JSON.parse(await ask(`${command} -o json`))

  const web = (name: string, { replicas = 2, image = 'web:1', env: variables = [] as object[] } = {}) =>
    JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, labels: { app: name } },
      spec: {
        replicas,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: {
            containers: [
              { name: 'web', image, env: variables },
              { name: 'side', image: 'side:1' },
            ],
          },
        },
      },
    })
  const configMap = (name: string, data: object, metadata: object = {}) =>
    JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data })

  describe('apply', () => {
    it('creates, changes, prunes what is left out, and leaves alone what is the same', async () => {
      expect(await ask('apply -f -', configMap('applied', { a: '1', b: '2' }))).toBe('configmap/applied created')
      expect(await ask('apply -f -', configMap('applied', { a: '1', b: '2' }))).toBe('configmap/applied unchanged')
      await ask('patch configmap applied -p {"data":{"other":"theirs"}}')
      expect(await ask('apply -f -', configMap('applied', { a: '9', c: '3' }))).toBe('configmap/applied configured')
      expect((await json('get configmap applied')).data).toEqual({ a: '9', c: '3', other: 'theirs' })
    })

    it('merges lists by their keys, in the order of the file', async () => {
      const both = [
        { name: 'A', value: '1' },
        { name: 'B', value: '2' },
      ]
      await ask('apply -f -', web('merged', { env: both }))
      await ask([
        'patch',
        'deployment',
        'merged',
        '-p',
        '{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"X","value":"theirs"}]}]}}}}',
      ])
      await ask(
        'apply -f -',
        web('merged', {
          env: [
            { name: 'C', value: '3' },
            { name: 'A', value: '4' },
          ],
        }),
      )
      const { containers } = (await json('get deployment merged')).spec.template.spec
      expect(containers.map(({ name }: any) => name)).toEqual(['web', 'side'])
      expect(containers[0].env.filter(({ name }: any) => name !== 'X')).toEqual([
        { name: 'C', value: '3' },
        { name: 'A', value: '4' },
      ])
      expect(containers[0].env).toContainEqual({ name: 'X', value: 'theirs' })
    })

    it('tries on the server first, and tells what would change', async () => {
      await ask('apply -f -', configMap('compared', { a: '1' }))
      expect(await ask('apply --dry-run=server -f -', configMap('compared', { a: '2' }))).toBe(
        'configmap/compared configured (server dry run)',
      )
      expect((await json('get configmap compared')).data).toEqual({ a: '1' })
      expect((await run(['diff', '-f', '-'], configMap('compared', { a: '1' }))).code).toBe(0)
      const { code, stdout } = await run(['diff', '-f', '-'], configMap('compared', { a: '2' }))
      expect(code).toBe(1)
      expect(stdout).toMatch(/^-\s+a: "1"$/m)
      expect(stdout).toMatch(/^\+\s+a: "2"$/m)
    })

    it('refuses unknown fields, and says where they are', async () => {
      const { code, stderr } = await run(['apply', '-f', '-'], configMap('strict', {}, { colour: 'red' }))
      expect(code).toBe(1)
      expect(stderr).toContain('strict decoding error: unknown field "metadata.colour"')
      const warned = await ask('apply --validate=warn -f -', configMap('strict', {}, { colour: 'red' }))
      expect(warned).toContain('Warning: unknown field "metadata.colour"')
      expect(warned).toContain('configmap/strict created')
    })
  })

  describe('changes', () => {
    it('edit', async () => {
      await ask('apply -f -', configMap('edited', { a: 'before' }))
      expect(await ask('edit configmap edited', undefined, { KUBE_EDITOR: 'sed -i s/before/after/' })).toContain(
        'configmap/edited edited',
      )
      expect((await json('get configmap edited')).data).toEqual({ a: 'after' })
      expect(await ask('edit configmap edited', undefined, { KUBE_EDITOR: 'true' })).toContain(
        'Edit cancelled, no changes made.',
      )
    })

    it('patch in three types, and of a subresource', async () => {
      await ask('apply -f -', web('patched'))
      await ask([
        'patch',
        'deployment',
        'patched',
        '-p',
        '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"side:2"}]}}}}',
      ])
      await ask(['patch', 'deployment', 'patched', '--type=merge', '-p', '{"spec":{"minReadySeconds":7}}'])
      await ask([
        'patch',
        'deployment',
        'patched',
        '--type=json',
        '-p',
        '[{"op":"replace","path":"/spec/revisionHistoryLimit","value":3}]',
      ])
      await ask([
        'patch',
        'deployment',
        'patched',
        '--subresource=status',
        '--type=merge',
        '-p',
        '{"status":{"replicas":4}}',
      ])
      const { spec, status } = await json('get deployment patched')
      expect(spec).toMatchObject({ minReadySeconds: 7, revisionHistoryLimit: 3 })
      expect(spec.template.spec.containers.map(({ image }: any) => image)).toEqual(['web:1', 'side:2'])
      expect(status.replicas).toBe(4)
      expect(
        await ask(['patch', 'deployment', 'patched', '--type=merge', '-p', '{"spec":{"minReadySeconds":7}}']),
      ).toBe('deployment.apps/patched patched (no change)')
    })

    it('label and annotate', async () => {
      await ask('apply -f -', configMap('marked', {}))
      expect(await ask('label configmap marked tier=front')).toBe('configmap/marked labeled')
      expect((await run(['label', 'configmap', 'marked', 'tier=back'])).stderr).toContain("'tier' already has a value")
      await ask('label configmap marked tier=back --overwrite')
      await ask('annotate configmap marked note=hello')
      expect(await ask('get configmap -l tier=back -o name')).toBe('configmap/marked')
      await ask('label configmap marked tier-')
      expect((await json('get configmap marked')).metadata).toMatchObject({ annotations: { note: 'hello' } })
      expect(await ask('get configmap -l tier=back -o name')).toBe('')
    })

    it('scale, set image, and restart', async () => {
      await ask('apply -f -', web('rolled', { replicas: 1 }))
      expect(await ask('scale deployment rolled --replicas=5')).toBe('deployment.apps/rolled scaled')
      expect((await run(['scale', 'deployment', 'rolled', '--replicas=1', '--current-replicas=9'])).stderr).toContain(
        'Expected replicas to be 9, was 5',
      )
      await ask('set image deployment/rolled web=web:2')
      await ask('set env deployment/rolled -c web KEY=value')
      await ask('rollout restart deployment rolled')
      const { spec, metadata } = await json('get deployment rolled')
      expect(spec.replicas).toBe(5)
      expect(spec.template.spec.containers[0]).toMatchObject({ image: 'web:2', env: [{ name: 'KEY', value: 'value' }] })
      expect(spec.template.metadata.annotations).toHaveProperty(['kubectl.kubernetes.io/restartedAt'])
      expect(metadata.generation).toBe(5)
    })

    it('replace, by force too', async () => {
      await ask('create -f -', configMap('replaced', { a: '1' }))
      const before = await json('get configmap replaced')
      await ask('replace -f -', configMap('replaced', { b: '2' }))
      const after = await json('get configmap replaced')
      expect(after.data).toEqual({ b: '2' })
      expect(after.metadata.uid).toBe(before.metadata.uid)
      await ask('replace --force -f -', configMap('replaced', { c: '3' }))
      expect((await json('get configmap replaced')).metadata.uid).not.toBe(before.metadata.uid)
      const stale = JSON.stringify({ ...after, data: {} })
      expect((await run(['replace', '-f', '-'], stale)).stderr).toContain('Conflict')
    })
  })

  describe('creates from nothing', () => {
    it.each([
      ['configmap', 'configmap gen --from-literal=a=b'],
      ['secret generic', 'secret generic gen --from-literal=a=b'],
      [
        'secret docker-registry',
        'secret docker-registry gen-reg --docker-username=u --docker-password=p --docker-server=r.example.com',
      ],
      ['deployment', 'deployment gen --image=i --replicas=2 --port=80'],
      ['job', 'job gen --image=i -- true'],
      ['cronjob', 'cronjob gen --image=i --schedule=*/5_*_*_*_* -- true'],
      ['job from a cronjob', 'job gen-from --from=cronjob/gen'],
      ['namespace', 'namespace gen'],
      ['serviceaccount', 'serviceaccount gen'],
      ['role', 'role gen --verb=get,list --resource=pods,deployments.apps'],
      ['rolebinding', 'rolebinding gen --role=gen --serviceaccount=default:gen'],
      ['clusterrole', 'clusterrole gen --verb=* --resource=nodes --non-resource-url=/x'],
      ['clusterrolebinding', 'clusterrolebinding gen --clusterrole=gen --user=u --group=g'],
      ['service clusterip', 'service clusterip gen-ip --tcp=80:8080'],
      ['service nodeport', 'service nodeport gen-port --tcp=80 --node-port=31234'],
      ['service loadbalancer', 'service loadbalancer gen-lb --tcp=80'],
      ['service externalname', 'service externalname gen-name --external-name=example.com'],
      ['ingress', 'ingress gen --rule=example.com/*=gen-ip:80,tls=gen --class=nginx'],
      ['poddisruptionbudget', 'poddisruptionbudget gen --selector=app=gen --min-available=50%'],
      ['priorityclass', 'priorityclass gen --value=10 --description=d'],
      // One that the rest of this file does not run into.
      ['quota', 'quota gen --hard=pods=500,count/jobs.batch=200'],
    ])('a %s', async (_what, command) => {
      const args = command.split(' ').map((word) => word.replaceAll('_', ' '))
      expect(await ask(['create', ...args])).toMatch(/ created$/)
    })

    it('a token, which says who its owner is', async () => {
      await ask('create serviceaccount tokened')
      const token = await ask('create token tokened --duration=20m')
      const payload = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())
      expect(payload).toMatchObject({ sub: 'system:serviceaccount:default:tokened' })
      expect(payload.exp - payload.iat).toBe(1200)
      expect((await run(['create', 'token', 'nobody'])).stderr).toContain('serviceaccounts "nobody" not found')
    })

    it('pods and services, by run, expose and autoscale', async () => {
      expect(await ask('run box --image=i --labels=app=box --port=80')).toBe('pod/box created')
      expect(await ask('expose pod box --port=80 --target-port=8080')).toBe('service/box exposed')
      expect((await json('get service box')).spec).toMatchObject({
        selector: { app: 'box' },
        ports: [{ port: 80, targetPort: 8080 }],
      })
      await ask('apply -f -', web('scaled'))
      await ask('autoscale deployment scaled --min=2 --max=5 --cpu-percent=60')
      expect((await json('get hpa scaled')).spec.metrics[0].resource.target.averageUtilization).toBe(60)
    })
  })

  describe('delete', () => {
    const children = async (name: string) => (await json(`get replicaset,pods -l app=${name}`)).items.length
    const replicaSet = (name: string) =>
      JSON.stringify({
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: { name, labels: { app: name } },
        spec: {
          replicas: 2,
          selector: { matchLabels: { app: name } },
          template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
        },
      })

    it.each(['background', 'foreground', 'orphan'])('cascading: %s', async (cascade) => {
      const name = `gone-${cascade}`
      await ask('apply -f -', replicaSet(name))
      await expect.poll(() => children(name), { timeout: 10_000 }).toBe(3)
      expect(await ask(`delete replicaset ${name} --cascade=${cascade} --timeout=20s`)).toContain('deleted')
      await expect.poll(() => children(name), { timeout: 10_000 }).toBe(cascade === 'orphan' ? 2 : 0)
    })

    it('of many by label, by file, and of what is not there', async () => {
      for (const name of ['many-1', 'many-2'])
        await ask('create -f -', configMap(name, {}, { labels: { batch: 'many' } }))
      expect((await ask('delete configmap -l batch=many')).split('\n')).toHaveLength(2)
      await ask('create -f -', configMap('by-file', {}))
      expect(await ask('delete -f -', configMap('by-file', {}))).toBe('configmap "by-file" deleted')
      expect((await run(['delete', 'configmap', 'by-file'])).stderr).toContain('configmaps "by-file" not found')
      expect(await ask('delete configmap by-file --ignore-not-found')).toBe('')
    })

    it('of a pod on a node, now and by force', async () => {
      const pod = (name: string) =>
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name },
          spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
        })
      await ask('create -f -', pod('stuck'))
      await ask('delete pod stuck --wait=false')
      expect((await json('get pod stuck')).metadata.deletionGracePeriodSeconds).toBe(30)
      await ask('delete pod stuck --now --wait=false')
      expect((await json('get pod stuck')).metadata.deletionGracePeriodSeconds).toBe(1)
      await ask('delete pod stuck --force --grace-period=0')
      expect(await server.client.find(pods, { namespace: 'default', name: 'stuck' })).toBeUndefined()
    })
  })

  describe('wait', () => {
    it('for a condition, a value, and a deletion', async () => {
      await ask('apply -f -', web('awaited'))
      const key = { namespace: 'default', name: 'awaited' }
      const conditioned = ask('wait deployment awaited --for=condition=Available --timeout=20s')
      const valued = ask(['wait', 'deployment', 'awaited', '--for=jsonpath={.status.readyReplicas}=2', '--timeout=20s'])
      const status = { readyReplicas: 2, replicas: 2, conditions: [{ type: 'Available', status: 'True' }] }
      await server.client.patch(deployments, key, { status }, { subresource: 'status' })
      expect(await conditioned).toBe('deployment.apps/awaited condition met')
      expect(await valued).toBe('deployment.apps/awaited condition met')
      const deleted = ask('wait deployment awaited --for=delete --timeout=20s')
      await server.client.delete(deployments, key)
      expect(await deleted).toMatch(/condition met|^$/)
      expect((await run('wait configmap kube-root-ca.crt --for=condition=X --timeout=1s'.split(' '))).code).toBe(1)
    })
  })

  describe('get', () => {
    it('watches', async () => {
      await ask('create -f -', configMap('seen', { a: '1' }))
      const child = spawn('kubectl', ['get', 'configmap', 'seen', '-w', '--output-watch-events'], { env })
      try {
        let text = ''
        child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
        await expect.poll(() => text, { timeout: 10_000 }).toMatch(/^EVENT\s+NAME\s+DATA\s+AGE\nADDED\s+seen\s+1/)
        await server.client.patch(configMaps, { namespace: 'default', name: 'seen' }, { data: { b: '2' } })
        await expect.poll(() => text, { timeout: 10_000 }).toMatch(/MODIFIED\s+seen\s+2/)
        await server.client.delete(configMaps, { namespace: 'default', name: 'seen' })
        await expect.poll(() => text, { timeout: 10_000 }).toMatch(/DELETED\s+seen\s+2/)
      } finally {
        child.kill()
      }
    })

    it('in pieces, with columns of its own, and raw', async () => {
      await Promise.all(
        Array.from({ length: 30 }, (_, i) =>
          server.client.create(configMaps, {
            metadata: { namespace: 'default', name: `piece-${i}`, labels: { piece: 'yes' } },
          }),
        ),
      )
      const whole = await ask('get configmap -l piece -o name')
      expect(await ask('get configmap -l piece -o name --chunk-size=7')).toBe(whole)
      expect(whole.split('\n')).toHaveLength(30)
      expect(await ask('get configmap piece-0 --server-print=false')).toMatch(/^NAME\s+AGE\npiece-0\s+\d+s$/)
      expect(
        await ask('get configmap -l piece --no-headers --sort-by=.metadata.name -o custom-columns=N:.metadata.name'),
      ).toContain('piece-0\npiece-1\npiece-10')
      expect(await ask('get --raw /readyz')).toBe('ok')
      expect(JSON.parse(await ask('get --raw /api/v1/namespaces/default/configmaps/piece-0')).kind).toBe('ConfigMap')
      expect((await run(['get', '--raw', '/nothing'])).stderr).toContain(
        'the server could not find the requested resource',
      )
      expect(await ask('get configmap piece-0 piece-1 -o jsonpath={.items[*].metadata.name}')).toBe('piece-0 piece-1')
      expect(await ask('get configmap --field-selector metadata.name=piece-3 -o name')).toBe('configmap/piece-3')
    })

    it('of what is not there, and of no such kind', async () => {
      expect((await run(['get', 'pod', 'none'])).stderr.trim()).toBe(
        'Error from server (NotFound): pods "none" not found',
      )
      expect((await run(['get', 'unicorns'])).stderr).toContain(`the server doesn't have a resource type "unicorns"`)
      expect(await ask('get pods -n kube-public')).toBe('\nNo resources found in kube-public namespace.')
    })

    it.each([
      'all',
      'nodes',
      'namespaces',
      'events',
      'services,endpoints',
      'roles,rolebindings',
      'crd',
      'pv,pvc,sc',
      'leases',
      'csr',
    ])('%s prints a table', async (what) => {
      const { code, stderr } = await run(['get', what, '-A', '-o', 'wide'])
      expect(stderr.replace(/^Warning: v1 Endpoints is deprecated in v1\.33\+.*\n/m, '')).toMatch(
        /^(No resources found\n)?$/,
      )
      expect(code).toBe(0)
    })

    it('describes', async () => {
      await ask('apply -f -', web('described'))
      expect(await ask('describe deployment described')).toMatch(/^Name:\s+described$/m)
      expect(await ask('describe configmap piece-0')).toMatch(/^Name:\s+piece-0$/m)
      expect(await ask('describe namespace default')).toMatch(/^Status:\s+Active$/m)
      expect(await ask('describe service kubernetes')).toMatch(/^IP:\s+10\.96\.0\.1$/m)
    })
  })

  describe('about the API', () => {
    it('versions, resources and fields', async () => {
      const versions = (await ask('api-versions')).split('\n')
      expect(versions).toEqual(
        expect.arrayContaining(['v1', 'apps/v1', 'batch/v1', 'autoscaling/v2', 'events.k8s.io/v1']),
      )
      const resources = await ask('api-resources --verbs=list --namespaced -o name')
      expect(resources.split('\n')).toEqual(
        expect.arrayContaining(['pods', 'deployments.apps', 'events', 'events.events.k8s.io']),
      )
      expect(await ask('explain pod.spec.containers.image')).toMatch(/FIELD:\s+image\s+<string>/)
      expect(await ask('explain deployment.spec --recursive')).toContain('revisionHistoryLimit')
      expect(await ask('explain hpa.spec --api-version=autoscaling/v1')).toContain('targetCPUUtilizationPercentage')
      // An older kubectl adds on standard error that it is older.
      const { stdout } = await run(['version', '-o', 'json'])
      expect(JSON.parse(stdout).serverVersion.minor).toBe('36')
      expect(await ask('cluster-info')).toContain('is running at')
    })

    it('who I am, and what I may do', async () => {
      expect(await ask('auth whoami -o jsonpath={.status.userInfo.username}')).toBe('kubernetes-admin')
      expect(await ask('auth can-i create pods')).toBe('yes')
      expect(await ask('auth can-i get /metrics')).toBe('yes')
      expect(await ask('auth can-i --list')).toMatch(/\*\.\*\s+\[\]\s+\[\]\s+\[\*\]/)
    })

    it('refuses who has no rights, in words that say what and where', async () => {
      const token = await ask('create token default')
      const config = join(dir, 'token-config')
      const cluster = server.kubeconfig
        .replace(/client-certificate-data: .*\n/, `token: ${token}\n`)
        .replace(/ +client-key-data: .*\n/, '')
      writeFileSync(config, cluster, { mode: 0o600 })
      const { code, stderr } = await run(['get', '--raw', '/api/v1/namespaces/default/pods'], undefined, {
        KUBECONFIG: config,
      })
      expect(code).toBe(1)
      expect(stderr).toContain(
        'pods is forbidden: User "system:serviceaccount:default:default" cannot list resource "pods" in API group "" in the namespace "default"',
      )
    })

    it('waits for no one while a namespace goes', async () => {
      await ask('create namespace leaving')
      await ask('delete namespace leaving --wait=false')
      expect((await json('get namespace leaving')).status.phase).toBe('Terminating')
      const { stderr } = await run(['create', 'configmap', 'late', '-n', 'leaving'])
      expect(stderr).toContain('because it is being terminated')
    })
  })
})
