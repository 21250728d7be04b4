/** The life of pods under the node agent, with the built-in runtime and a control plane: needs root and Debian's base programs. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Container } from '#api/core/v1/container.ts'
import { configMaps, nodes, pods, secrets } from '#api/resources.ts'
import { KubeletNode } from './kubelet-node.ts'
import { IMAGE } from './runtime-node.ts'

const isRoot = process.getuid?.() === 0
const namespace = 'default'

/** A container of the test's image that runs a shell script. */
function script(name: string, text: string, extra: Partial<Container> = {}): Container {
  return { name, image: IMAGE, imagePullPolicy: 'Never', command: ['sh', '-c', text], resources: {}, ...extra }
}

describe.skipIf(!isRoot)(isRoot ? 'pods on a node' : 'pods on a node (skipped: needs root)', () => {
  const node = new KubeletNode()
  const { runtime } = node
  beforeAll(() => node.start())
  afterAll(() => node.dispose())

  const reasons = async (name: string) => (await node.eventsOf(name)).map((e) => e.reason)
  const status = async (name: string) => (await node.get(name))!.status.containerStatuses![0]!
  const log = async (name: string, query = '') => (await node.fetch(`/containerLogs/default/${name}/main${query}`)).text

  it('makes the node known', async () => {
    const found = await node.client.get(nodes, { name: 'n1' })
    expect(found.metadata.labels).toMatchObject({ 'kubernetes.io/hostname': 'n1', 'kubernetes.io/os': 'linux' })
    expect(found.status.conditions!.map((c) => [c.type, c.status, c.reason])).toEqual([
      ['MemoryPressure', 'False', 'KubeletHasSufficientMemory'],
      ['DiskPressure', 'False', 'KubeletHasNoDiskPressure'],
      ['PIDPressure', 'False', 'KubeletHasSufficientPID'],
      ['Ready', 'True', 'KubeletReady'],
    ])
    expect(found.status.nodeInfo).toMatchObject({ kubeletVersion: 'v1.36.2-test', operatingSystem: 'linux' })
    expect(found.status.daemonEndpoints!.kubeletEndpoint!.Port).toBe(node.kubelet.port)
    expect(found.status.capacity!.pods).toBe('110')
  })

  it('runs a pod with a name, an address and a token, and takes it away', async () => {
    await node.create('first', {
      hostname: 'me',
      subdomain: 'sub',
      hostAliases: [{ ip: '10.9.8.7', hostnames: ['other', 'another'] }],
    })
    const pod = await node.ready('first')
    expect(pod.status).toMatchObject({
      phase: 'Running',
      hostIP: '127.0.0.1',
      podIP: '192.0.2.7',
      qosClass: 'BestEffort',
    })
    expect(pod.status.conditions!.map((c) => `${c.type}=${c.status}`).sort()).toEqual([
      'ContainersReady=True',
      'Initialized=True',
      'PodReadyToStartContainers=True',
      'PodScheduled=True',
      'Ready=True',
    ])
    expect((await node.exec(pod, 'hostname')).stdout).toBe('me\n')
    expect((await node.exec(pod, 'cat', '/etc/resolv.conf')).stdout).toMatch(
      /search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local.*\nnameserver 10\.96\.0\.10\noptions ndots:5/,
    )
    const hosts = (await node.exec(pod, 'cat', '/etc/hosts')).stdout
    expect(hosts).toContain('192.0.2.7\tme.sub.default.svc.cluster.local\tme\n')
    expect(hosts).toContain('10.9.8.7\tother\tanother\n')
    const account = '/var/run/secrets/kubernetes.io/serviceaccount'
    expect((await node.exec(pod, 'cat', `${account}/namespace`)).stdout).toBe('default')
    expect((await node.exec(pod, 'cat', `${account}/ca.crt`)).stdout).toContain('BEGIN CERTIFICATE')
    expect((await node.exec(pod, 'cat', `${account}/token`)).stdout.split('.')).toHaveLength(3)
    expect((await node.exec(pod, 'touch', `${account}/x`)).exitCode).not.toBe(0)
    expect(await reasons('first')).toEqual(['Scheduled', 'Pulled', 'Created', 'Started'])
    await node.remove('first')
    expect(await reasons('first')).toContain('Killing')
    await runtime.until(async () => {
      const { items } = await runtime.client.runtime.listPodSandbox({})
      return items.some((s) => s.metadata!.name === 'first') ? undefined : true
    }, 'the sandbox to go')
  })

  it('gives a container its environment', async () => {
    await node.client.create(configMaps, { metadata: { name: 'env', namespace }, data: { A: 'from map', B: 'b' } })
    await node.client.create(secrets, {
      metadata: { name: 'env', namespace },
      data: { S: Buffer.from('hush').toString('base64') },
    })
    await node.create(
      'env',
      {
        restartPolicy: 'Never',
        containers: [
          script('main', `perl -e 'print "$_=$ENV{$_}\\n" for sort keys %ENV'`, {
            resources: { limits: { cpu: '1500m', memory: '64Mi' }, requests: { cpu: '10m' } },
            envFrom: [{ prefix: 'P_', configMapRef: { name: 'env' } }, { secretRef: { name: 'none', optional: true } }],
            env: [
              { name: 'PLAIN', value: 'x' },
              { name: 'REFERS', value: '$(PLAIN)-$(P_A)-$$(PLAIN)-$(NONE)' },
              { name: 'SECRET', valueFrom: { secretKeyRef: { name: 'env', key: 'S' } } },
              { name: 'GONE', valueFrom: { configMapKeyRef: { name: 'env', key: 'no', optional: true } } },
              { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
              { name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
              { name: 'LABEL', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
              { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
              { name: 'MEM', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
            ],
          }),
        ],
      },
      { labels: { app: 'demo' } },
    )
    await node.until('env', (pod) => pod.status.phase === 'Succeeded')
    const lines = (await log('env')).split('\n')
    for (const line of [
      'P_A=from map',
      'REFERS=x-from map-$(PLAIN)-$(NONE)',
      'SECRET=hush',
      'IP=192.0.2.7',
      'HOST_IP=127.0.0.1',
      'LABEL=demo',
      'CPU=2',
      'MEM=64',
      'KUBERNETES_SERVICE_HOST=10.96.0.1',
      'KUBERNETES_PORT_443_TCP_PROTO=tcp',
    ]) {
      expect(lines).toContain(line)
    }
    expect(lines.join('\n')).not.toMatch(/^GONE=/m)
  })

  it('waits for configuration that is missing, and says so', async () => {
    await node.create('waits', {
      containers: [script('main', 'sleep 1000', { envFrom: [{ configMapRef: { name: 'later' } }] })],
    })
    const waiting = await node.until(
      'waits',
      (pod) => pod.status.containerStatuses?.[0]?.state.waiting?.reason === 'CreateContainerConfigError',
    )
    expect(waiting.status.containerStatuses![0]!.state.waiting!.message).toBe('configmap "later" not found')
    expect(waiting.status.phase).toBe('Pending')
    await node.client.create(configMaps, { metadata: { name: 'later', namespace }, data: { X: '1' } })
    await node.running('waits')
    await node.untilEvent('waits', (e) => e.message === 'Error: configmap "later" not found')
    await node.remove('waits')
  })

  it('completes and fails pods that are not to be restarted', async () => {
    await node.create('good', { restartPolicy: 'Never', command: ['true'] })
    await node.create('bad', {
      restartPolicy: 'Never',
      containers: [
        script('main', 'echo last words >&2; exit 7', { terminationMessagePolicy: 'FallbackToLogsOnError' }),
      ],
    })
    const good = await node.until('good', (pod) => pod.status.phase === 'Succeeded')
    expect(good.status.containerStatuses![0]!.state.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' })
    expect(good.status.conditions!.find((c) => c.type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'PodCompleted',
    })
    const bad = await node.until('bad', (pod) => pod.status.phase === 'Failed')
    expect(bad.status.containerStatuses![0]!.state.terminated).toMatchObject({
      exitCode: 7,
      reason: 'Error',
      message: 'last words\n',
    })
    expect(await log('bad')).toBe('last words\n')
    await node.remove('good')
    await node.remove('bad')
  })

  it('restarts what crashes, at once and then with pauses', async () => {
    await node.create('crash', {
      containers: [script('main', 'echo message > /dev/termination-log; echo run; exit 1')],
    })
    const pod = await node.until(
      'crash',
      (p) => p.status.containerStatuses?.[0]?.state.waiting?.reason === 'CrashLoopBackOff',
    )
    const [found] = pod.status.containerStatuses!
    expect(found).toMatchObject({
      restartCount: 1,
      ready: false,
      lastState: { terminated: { exitCode: 1, message: 'message\n' } },
    })
    expect(found!.state.waiting!.message).toMatch(/^back-off 10s restarting failed container=main pod=crash_default\(/)
    expect(pod.status.phase).toBe('Running')
    expect(await reasons('crash')).toContain('BackOff')
    expect(await log('crash', '?previous=true')).toBe('run\n')
    await node.remove('crash')
  })

  it('runs init containers in order, and sidecars beside the others until they have ended', async () => {
    const volumeMounts = [{ name: 'shared', mountPath: '/shared' }]
    await node.create('init', {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 10,
      volumes: [{ name: 'shared', emptyDir: {} }],
      initContainers: [
        script('one', 'echo one >> /shared/order', { volumeMounts }),
        script(
          'side',
          'trap "echo side ends >> /shared/order; exit 0" TERM; echo side >> /shared/order; touch /shared/up; while :; do sleep 0.1; done',
          {
            volumeMounts,
            restartPolicy: 'Always',
            startupProbe: { exec: { command: ['ls', '/shared/up'] }, periodSeconds: 1 },
          },
        ),
        script('two', 'echo two >> /shared/order', { volumeMounts }),
      ],
      containers: [script('main', 'sleep 1; echo main >> /shared/order; cat /shared/order', { volumeMounts })],
    })
    const pod = await node.until('init', (p) => p.status.phase === 'Succeeded')
    expect(await log('init')).toBe('one\nside\ntwo\nmain\n')
    expect(pod.status.initContainerStatuses!.map((s) => [s.name, s.state.terminated?.exitCode])).toEqual([
      ['one', 0],
      ['side', 0],
      ['two', 0],
    ])
    await node.remove('init')
  })

  it('fails a pod whose init container fails for good', async () => {
    await node.create('noinit', { restartPolicy: 'Never', initContainers: [script('one', 'exit 3')] })
    const pod = await node.until('noinit', (p) => p.status.phase === 'Failed')
    expect(pod.status.initContainerStatuses![0]!.state.terminated).toMatchObject({ exitCode: 3 })
    expect(pod.status.containerStatuses![0]!.state.waiting).toMatchObject({ reason: 'PodInitializing' })
    expect(pod.status.conditions!.find((c) => c.type === 'Initialized')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotInitialized',
      message: 'containers with incomplete status: [one]',
    })
    await node.remove('noinit')
  })

  it('believes probes: not started, not ready, not alive', async () => {
    await node.create('probed', {
      containers: [
        script('main', 'sleep 1000', {
          startupProbe: { exec: { command: ['ls', '/started'] }, periodSeconds: 1, failureThreshold: 100 },
          readinessProbe: { exec: { command: ['ls', '/ready'] }, periodSeconds: 1 },
          livenessProbe: { exec: { command: ['sh', '-c', '! ls /dead'] }, periodSeconds: 1, failureThreshold: 1 },
        }),
      ],
    })
    const first = await node.running('probed')
    expect(first.status.containerStatuses![0]).toMatchObject({ started: false, ready: false })
    await node.untilEvent('probed', (e) => e.reason === 'Unhealthy' && e.message!.startsWith('Startup probe failed:'))
    await node.exec(first, 'touch', '/started')
    const started = await node.until('probed', (p) => p.status.containerStatuses![0]!.started)
    expect(started.status.containerStatuses![0]!.ready).toBe(false)
    expect(started.status.conditions!.find((c) => c.type === 'Ready')).toMatchObject({
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [main]',
    })
    await node.exec(first, 'touch', '/ready')
    await node.ready('probed')
    await node.exec(first, 'touch', '/dead')
    await node.until(
      'probed',
      (p) => p.status.containerStatuses![0]!.restartCount === 1 && p.status.containerStatuses![0]!.state.running,
    )
    await node.untilEvent(
      'probed',
      (e) => e.reason === 'Killing' && e.message === 'Container main failed liveness probe, will be restarted',
    )
    await node.remove('probed')
  })

  it('runs hooks after the start and before the end', async () => {
    await node.create('hooks', {
      terminationGracePeriodSeconds: 20,
      volumes: [{ name: 'host', hostPath: { path: runtime.dir } }],
      containers: [
        script('main', 'trap "exit 0" TERM; while :; do sleep 0.1; done', {
          volumeMounts: [{ name: 'host', mountPath: '/host' }],
          lifecycle: {
            postStart: { exec: { command: ['touch', '/host/began'] } },
            preStop: { exec: { command: ['touch', '/host/ends'] } },
          },
        }),
      ],
    })
    await node.ready('hooks')
    readFileSync(`${runtime.dir}/began`)
    await node.remove('hooks')
    readFileSync(`${runtime.dir}/ends`)
    await node.create('badhook', {
      containers: [script('main', 'sleep 1000', { lifecycle: { postStart: { exec: { command: ['false'] } } } })],
    })
    const bad = await node.until('badhook', (p) =>
      ['PostStartHookError', 'CrashLoopBackOff'].includes(p.status.containerStatuses?.[0]?.state.waiting?.reason ?? ''),
    )
    expect(bad.status.containerStatuses![0]!.ready).toBe(false)
    expect(await reasons('badhook')).toContain('FailedPostStartHook')
    await node.remove('badhook')
  })

  it('tells why an image cannot be had', async () => {
    const cases = [
      ['never', 'docker.io/library/absent:1', 'Never', 'ErrImageNeverPull'],
      ['invalid', 'Not/Valid:x', 'IfNotPresent', 'InvalidImageName'],
      ['pull', '127.0.0.1:1/absent:1', 'IfNotPresent', 'ImagePullBackOff'],
    ] as const
    for (const [name, image, imagePullPolicy, reason] of cases) {
      await node.create(name, { containers: [{ name: 'main', image, imagePullPolicy, resources: {} }] })
      const pod = await node.until(name, (p) => {
        const waiting = p.status.containerStatuses?.[0]?.state.waiting?.reason
        return waiting === reason || (reason === 'ImagePullBackOff' && waiting === 'ErrImagePull')
      })
      expect(pod.status.phase).toBe('Pending')
    }
    expect((await status('never')).state.waiting!.message).toBe(
      'Container image "docker.io/library/absent:1" is not present with pull policy of Never',
    )
    expect(await reasons('pull')).toEqual(expect.arrayContaining(['Pulling', 'Failed']))
    for (const [name] of cases) await node.remove(name)
  })

  it('ends a pod at its deadline', async () => {
    await node.create('late', { activeDeadlineSeconds: 1 })
    const pod = await node.until('late', (p) => p.status.phase === 'Failed')
    expect(pod.status).toMatchObject({
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    })
    await node.remove('late')
  })

  it('starts ephemeral containers in a running pod', async () => {
    await node.create('debugged')
    const pod = await node.running('debugged')
    const ephemeralContainers = [{ ...script('debug', 'ps ax; sleep 1000'), targetContainerName: 'main' }]
    await node.client.patch(
      pods,
      pod.metadata,
      { spec: { ephemeralContainers } },
      { subresource: 'ephemeralcontainers' },
    )
    const after = await node.until('debugged', (p) => p.status.ephemeralContainerStatuses?.[0]?.state.running)
    expect(after.status.phase).toBe('Running')
    await runtime.until(
      async () => (await node.fetch('/containerLogs/default/debugged/debug')).text.includes('sleep 1000') || undefined,
      "the target's processes in the log",
    )
    await node.remove('debugged')
  })

  it('keeps to security contexts', async () => {
    await node.create('secured', {
      restartPolicy: 'Never',
      securityContext: { runAsUser: 1000, runAsGroup: 2000, fsGroup: 3000, supplementalGroups: [4000] },
      volumes: [{ name: 'data', emptyDir: {} }],
      containers: [
        script(
          'main',
          'id -u; id -g; id -G; ls -ldn /data; touch /data/mine && ls -ln /data/mine; touch /nowhere || echo read-only; grep NoNewPrivs /proc/self/status',
          {
            securityContext: {
              readOnlyRootFilesystem: true,
              allowPrivilegeEscalation: false,
              capabilities: { drop: ['ALL'] },
            },
            volumeMounts: [{ name: 'data', mountPath: '/data' }],
          },
        ),
      ],
    })
    await node.until('secured', (p) => p.status.phase === 'Succeeded')
    const lines = (await log('secured')).split('\n')
    expect(lines.slice(0, 3)).toEqual(['1000', '2000', '2000 3000 4000'])
    expect(lines[3]).toMatch(/^drwxrwsrwx .* 0 3000 /)
    expect(lines[4]).toMatch(/ 1000 3000 /)
    expect(lines.join('\n')).toContain('read-only')
    expect(lines.join('\n')).toMatch(/NoNewPrivs:\s+1/)
    await node.create('root', { containers: [script('main', 'true', { securityContext: { runAsNonRoot: true } })] })
    const pod = await node.until(
      'root',
      (p) => p.status.containerStatuses?.[0]?.state.waiting?.reason === 'CreateContainerConfigError',
    )
    expect(pod.status.containerStatuses![0]!.state.waiting!.message).toMatch(
      /^container has runAsNonRoot and image will run as root \(pod: "root_default\(/,
    )
    await node.remove('secured')
    await node.remove('root')
  })

  it('limits pods by control groups of their class', async () => {
    const resources = { limits: { cpu: '500m', memory: '64Mi' } }
    await node.create('limited', { containers: [script('main', 'sleep 1000', { resources })] })
    const pod = await node.running('limited')
    expect(pod.status.qosClass).toBe('Guaranteed')
    const { detectCgroups } = await import('#base/cgroup.ts')
    const group = `${node.cgroupRoot}/kubepods/pod${pod.metadata.uid}`
    expect(detectCgroups().stats(group).memoryLimitBytes).toBe(64 << 20)
    await node.remove('limited')
    expect(detectCgroups().exists(group)).toBe(false)
  })

  it('does not take what does not fit', async () => {
    const onNode = { nodeName: 'n1' }
    await node.create('huge', {
      ...onNode,
      containers: [script('main', 'true', { resources: { requests: { cpu: '1000' } } })],
    })
    await node.create('picky', { ...onNode, nodeSelector: { no: 'such' } })
    await node.create('sysctl', { ...onNode, securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } })
    const huge = await node.until('huge', (p) => p.status.phase === 'Failed')
    expect(huge.status.reason).toBe('OutOfcpu')
    expect(huge.status.message).toMatch(
      /^Pod was rejected: Node didn't have enough resource: cpu, requested: 1000000, used: \d+, capacity: \d+$/,
    )
    expect((await node.until('picky', (p) => p.status.phase === 'Failed')).status.reason).toBe('NodeAffinity')
    expect((await node.until('sysctl', (p) => p.status.phase === 'Failed')).status.reason).toBe('SysctlForbidden')
    for (const name of ['huge', 'picky', 'sysctl']) await node.remove(name)
  })
})
