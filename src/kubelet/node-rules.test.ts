/** The small decisions of the node agent, each as a table: image names, credentials, DNS, limits, admission, eviction, access. */
import { describe, expect, it } from 'vitest'
import type { Secret } from '#api/core/v1/config.ts'
import type { Node } from '#api/core/v1/node.ts'
import { admit } from './admission.ts'
import { parseResolvConf, podDns } from './dns-config.ts'
import { durationText } from './duration-text.ts'
import { evictionOrder, metThresholds } from './eviction.ts'
import { makeContainer, makeObserved, makePod, makeSandbox, observedOf } from './fixtures.ts'
import { superfluous } from './garbage.ts'
import { kernelHostname, podHostname } from './hostname.ts'
import { parseImageName, withDefaultTag } from './image-name.ts'
import { computeQosClass } from './pod-spec.ts'
import { credentialsFor } from './pull-credentials.ts'
import { cpuQuotaUs, cpuShares, oomScoreAdjustment, podCgroupLimits, podRequests } from './resource-amounts.ts'
import { attributesOf } from './server/attributes.ts'
import { containerOfLog, parseLogRequest } from './server/log-request.ts'

describe('image names', () => {
  it.each([
    ['nginx', 'docker.io/library/nginx', 'latest', ''],
    ['me/app:1', 'docker.io/me/app', '1', ''],
    ['localhost/x', 'localhost/x', 'latest', ''],
    ['reg.io:5000/a/b@sha256:' + 'a'.repeat(64), 'reg.io:5000/a/b', '', 'sha256:' + 'a'.repeat(64)],
    ['index.docker.io/library/x', 'docker.io/library/x', 'latest', ''],
  ])('%s', (text, repository, tag, digest) => expect(parseImageName(text)).toEqual({ repository, tag, digest }))

  it.each(['', 'UPPER', 'a b', 'x:', '-x', 'a//b', 'a@sha256:12'])('refuses %j', (text) =>
    expect(() => parseImageName(text)).toThrow("couldn't parse image name"),
  )

  it('adds the default tag only where there is none', () => {
    expect(withDefaultTag('reg:5000/app')).toBe('reg:5000/app:latest')
    expect(withDefaultTag('app:v1')).toBe('app:v1')
    expect(withDefaultTag(`app@sha256:${'b'.repeat(64)}`)).toBe(`app@sha256:${'b'.repeat(64)}`)
  })
})

describe('pull credentials', () => {
  const secret = (auths: object) =>
    ({ data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') } }) as unknown as Secret
  const users = (repository: string, auths: object) =>
    credentialsFor(repository, [secret(auths)]).map((c) => c.username)

  it.each([
    ['reg.io/team/app', { 'reg.io': { username: 'a', password: 'p' } }, ['a']],
    ['reg.io/team/app', { 'https://reg.io/v1/': { auth: Buffer.from('b:c:d').toString('base64') } }, ['b']],
    [
      'reg.io/team/app',
      { 'reg.io': { username: 'a', password: 'p' }, 'reg.io/team': { username: 't', password: 'p' } },
      ['t', 'a'],
    ],
    ['sub.reg.io/x', { '*.reg.io': { username: 'w', password: 'p' } }, ['w']],
    ['a.b.reg.io/x', { '*.reg.io': { username: 'w', password: 'p' } }, []],
    ['reg.io:5000/x', { 'reg.io': { username: 'a', password: 'p' } }, []],
    ['docker.io/library/x', { 'https://index.docker.io/v1/': { username: 'hub', password: 'p' } }, ['hub']],
  ])('for %s', (repository, auths, expected) => expect(users(repository, auths)).toEqual(expected))

  it('skips what it cannot read', () => {
    expect(
      credentialsFor('x.io/y', [{ data: { '.dockerconfigjson': '!!' } } as unknown as Secret, secret({ 'x.io': 7 })]),
    ).toEqual([])
  })
})

describe('name resolution', () => {
  const node = {
    host: parseResolvConf(
      '# c\nnameserver 1.1.1.1\nsearch old\nsearch corp. example\noptions ndots:2 rotate\nnameserver 2.2.2.2',
    ),
    clusterDns: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
  }
  it.each([
    [
      {},
      {
        servers: ['10.96.0.10'],
        searches: ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'corp', 'example'],
        options: ['ndots:5'],
      },
    ],
    [
      { hostNetwork: true },
      { servers: ['1.1.1.1', '2.2.2.2'], searches: ['corp', 'example'], options: ['ndots:2', 'rotate'] },
    ],
    [
      { dnsPolicy: 'None', dnsConfig: { nameservers: ['9.9.9.9'], options: [{ name: 'ndots', value: '1' }] } },
      { servers: ['9.9.9.9'], searches: [], options: ['ndots:1'] },
    ],
  ])('of %j', (spec, expected) => expect(podDns(makePod(spec), node).config).toEqual(expected))

  it('leaves out what resolvers do not take, and says so', () => {
    const { config, warnings } = podDns(
      makePod({ dnsConfig: { nameservers: ['1.0.0.1', '1.0.0.2', '1.0.0.3'] } }),
      node,
    )
    expect(config.servers).toEqual(['10.96.0.10', '1.0.0.1', '1.0.0.2'])
    expect(warnings).toHaveLength(1)
  })

  it('builds host names', () => {
    expect(podHostname(makePod({ hostname: 'a', subdomain: 's' }), 'c.l')).toEqual({
      hostname: 'a',
      domain: 's.default.svc.c.l',
    })
    expect(podHostname(makePod({}, { name: `${'x'.repeat(62)}-y` }), 'c.l').hostname).toBe('x'.repeat(62))
    const fqdn = makePod({ subdomain: 's', setHostnameAsFQDN: true }, { name: 'p'.repeat(60) })
    expect(() => kernelHostname(fqdn, podHostname(fqdn, 'c.l'))).toThrow('64 characters is the max')
  })
})

describe('resources', () => {
  const container = (
    name: string,
    limits: Record<string, string>,
    requests: Record<string, string> = limits,
    extra = {},
  ) => makeContainer(name, { resources: { limits, requests }, ...extra })

  it('have upstream’s numbers', () => {
    expect([0, 1, 500, 1000, 1_000_000].map(cpuShares)).toEqual([2, 2, 512, 1024, 262144])
    expect([0, 1, 500].map(cpuQuotaUs)).toEqual([0, 1000, 50_000])
  })

  it('tell the class of a pod', () => {
    const all = { cpu: '1', memory: '1Gi' }
    expect(computeQosClass(makePod())).toBe('BestEffort')
    expect(computeQosClass(makePod({ containers: [container('a', all)] }))).toBe('Guaranteed')
    expect(computeQosClass(makePod({ containers: [container('a', all, { cpu: '500m', memory: '1Gi' })] }))).toBe(
      'Burstable',
    )
    expect(computeQosClass(makePod({ containers: [container('a', all), makeContainer('b')] }))).toBe('Burstable')
  })

  it('add up over containers, and take the peak of initialization', () => {
    const pod = makePod({
      initContainers: [
        container('i', { cpu: '3' }),
        container('s', { cpu: '1' }, { cpu: '1' }, { restartPolicy: 'Always' }),
        container('j', { cpu: '3' }),
      ],
      containers: [container('a', { cpu: '500m' }), container('b', { cpu: '1' })],
    })
    expect(podRequests(pod).cpu!.toString()).toBe('4')
    expect(podCgroupLimits(pod)).toMatchObject({ cpuShares: 4096, cpuQuotaUs: 400_000 })
  })

  it('decide whom the kernel kills first', () => {
    const capacity = 1000 << 20
    const burstable = container('a', {}, { memory: '100Mi' })
    const score = (pod: ReturnType<typeof makePod>) => oomScoreAdjustment(pod, pod.spec.containers[0]!, capacity)
    expect(score(makePod())).toBe(1000)
    expect(score(makePod({ containers: [burstable] }))).toBe(900)
    expect(score(makePod({ containers: [container('a', { cpu: '1', memory: '1Mi' })] }))).toBe(-997)
    expect(score(makePod({ containers: [container('a', {}, { cpu: '1' })] }))).toBe(999)
  })
})

describe('admission', () => {
  const node = {
    metadata: { name: 'n', labels: { disk: 'ssd', gen: '5' } },
    spec: {},
    status: { allocatable: { cpu: '1', memory: '1Gi', pods: '2' } },
  } as unknown as Node
  const free = { memory: false, disk: false, pid: false }
  const check = (pod = makePod(), others: ReturnType<typeof makePod>[] = [], extra = {}) =>
    admit({ pod, others, node, underPressure: free, ...extra })?.reason
  const requesting = (requests: Record<string, string>) =>
    makePod({ containers: [makeContainer('a', { resources: { requests } })] })
  const affine = (key: string, operator: string, values: string[]) =>
    makePod({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }],
          },
        },
      },
    })
  const port = (hostPort: number, hostIP?: string) =>
    makePod({
      containers: [makeContainer('a', { ports: [{ containerPort: 1, hostPort, ...(hostIP && { hostIP }) }] })],
    })

  it('counts what is left', () => {
    expect(check()).toBeUndefined()
    expect(check(requesting({ cpu: '2' }))).toBe('OutOfcpu')
    expect(check(requesting({ cpu: '600m' }), [requesting({ cpu: '600m' })])).toBe('OutOfcpu')
    expect(check(requesting({ memory: '2Gi' }))).toBe('OutOfmemory')
    expect(check(makePod(), [makePod(), makePod()])).toBe('OutOfpods')
    expect(check(requesting({ 'example.org/gpu': '1' }))).toBeUndefined()
  })

  it.each([
    [makePod({ nodeSelector: { disk: 'hdd' } }), 'NodeAffinity'],
    [affine('disk', 'In', ['ssd']), undefined],
    [affine('gen', 'Gt', ['5']), 'NodeAffinity'],
    [affine('gen', 'Lt', ['6']), undefined],
    [affine('gen', 'Gt', ['many']), 'NodeAffinity'],
    [affine('none', 'DoesNotExist', []), undefined],
    [makePod({ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }), 'SysctlForbidden'],
    [makePod({ os: { name: 'windows' } }), 'PodOSNotSupported'],
  ])('%#', (pod, reason) => expect(check(pod)).toBe(reason))

  it('sees ports that are taken, and taints that are not tolerated', () => {
    expect(check(port(80), [port(80)])).toBe('NodePorts')
    expect(check(port(80, '1.1.1.1'), [port(80, '2.2.2.2')])).toBeUndefined()
    const tainted = { ...node, spec: { taints: [{ key: 'k', effect: 'NoExecute' }] } }
    expect(check(makePod(), [], { node: tainted })).toBe('TaintToleration')
    expect(check(makePod({ tolerations: [{ operator: 'Exists' }] }), [], { node: tainted })).toBeUndefined()
  })

  it('keeps pods out while the node is short', () => {
    const bestEffort = { ...makePod(), status: { qosClass: 'BestEffort' } }
    expect(check(bestEffort, [], { underPressure: { ...free, memory: true } })).toBe('Evicted')
    expect(
      check({ ...requesting({ cpu: '1m' }), status: { qosClass: 'Burstable' } }, [], {
        underPressure: { ...free, memory: true },
      }),
    ).toBeUndefined()
    expect(check(makePod(), [], { underPressure: { ...free, disk: true } })).toBe('Evicted')
  })
})

describe('eviction', () => {
  it('begins at thresholds, absolute or relative', () => {
    const seen = {
      'memory.available': { available: 50 << 20, capacity: 1 << 30 },
      'nodefs.available': { available: 11, capacity: 100 },
    }
    const thresholds = { 'memory.available': '100Mi', 'nodefs.available': '10%', 'pid.available': '5%' }
    expect(metThresholds(thresholds, seen).map((m) => m.signal)).toEqual(['memory.available'])
    expect(metThresholds({}, seen)).toEqual([])
  })

  it('takes those first that use more than they asked for, and never critical ones', () => {
    const pod = (uid: string, request: string, priority = 0) =>
      makePod({ priority, containers: [makeContainer('a', { resources: { requests: { memory: request } } })] }, { uid })
    const pods = [
      pod('within', '100Mi'),
      pod('beyond', '10Mi'),
      pod('important', '10Mi', 100),
      pod('critical', '0', 2_000_000_000),
    ]
    const usage = new Map(pods.map((p) => [p.metadata.uid, { memoryBytes: 50 << 20, diskBytes: 0 }]))
    expect(evictionOrder(pods, usage, 'memory').map((p) => p.metadata.uid)).toEqual(['beyond', 'important', 'within'])
  })
})

describe('clean-up', () => {
  it('keeps the present container of a name and the one before', () => {
    const main = makeContainer('main')
    const dead = (id: string, createdAtMs: number, sandboxId = 'sandbox-1') =>
      makeObserved(main, { id, state: 'exited', createdAtMs, sandboxId })
    const pod = observedOf(makePod(), {
      sandboxes: [makeSandbox({ id: 'sandbox-1', attempt: 1 }), makeSandbox({ id: 'sandbox-0', isReady: false })],
      containers: [
        makeObserved(main, { id: 'now', createdAtMs: 4, sandboxId: 'sandbox-1' }),
        dead('before', 3),
        dead('older', 2),
        dead('oldest', 1, 'sandbox-0'),
      ],
    })
    expect(superfluous(pod, 1)).toMatchObject({ dead: [{ id: 'older' }, { id: 'oldest' }], sandboxes: ['sandbox-0'] })
    expect(superfluous(pod, 3)).toEqual({ dead: [], sandboxes: [] })
  })
})

describe('the server', () => {
  it.each([
    ['GET', 'pods', 'get', ['pods', 'proxy']],
    ['GET', 'runningpods', 'get', ['pods', 'proxy']],
    ['GET', 'healthz', 'get', ['healthz', 'proxy']],
    ['GET', 'configz', 'get', ['configz', 'proxy']],
    ['GET', 'stats', 'get', ['stats']],
    ['GET', 'metrics', 'get', ['metrics']],
    ['GET', 'logs', 'get', ['log']],
    ['GET', 'containerLogs', 'get', ['proxy']],
    ['POST', 'exec', 'create', ['proxy']],
    ['PUT', 'constructor', 'update', ['proxy']],
    ['TRACE', '', '', ['proxy']],
  ])('takes %s %s for %s of %j', (method, route, verb, subresources) =>
    expect(attributesOf(method, route)).toEqual({ verb, subresources }),
  )

  it('understands what log is asked for', () => {
    const parse = (text: string) => parseLogRequest(new URLSearchParams(text), 10_000)
    expect(parse('follow=true&tailLines=5&previous=1')).toEqual({
      previous: true,
      options: { follow: true, timestamps: false, tailLines: 5 },
    })
    expect(parse('sinceSeconds=4').options.sinceMs).toBe(6_000)
    for (const bad of ['tailLines=-1', 'tailLines=x', 'sinceTime=x'])
      expect(() => parse(bad)).toThrow('Unable to decode')
    for (const bad of ['limitBytes=0', 'stream=Both', 'stream=Stdout&tailLines=1'])
      expect(() => parse(bad)).toThrow('Invalid request')
  })

  it('finds the container whose log is meant', () => {
    const status = (state: object, lastState = {}) => ({
      containerStatuses: [
        {
          name: 'c',
          state,
          lastState,
          containerID: 'cri://now',
          ready: false,
          restartCount: 0,
          image: '',
          imageID: '',
        },
      ],
    })
    const last = { terminated: { exitCode: 1, containerID: 'cri://last' } }
    expect(containerOfLog('p', status({ running: {} }), 'c', false)).toBe('now')
    expect(containerOfLog('p', status({ running: {} }, last), 'c', true)).toBe('last')
    expect(containerOfLog('p', status({ waiting: { reason: 'CrashLoopBackOff' } }, last), 'c', false)).toBe('last')
    expect(() => containerOfLog('p', status({ waiting: { reason: 'ContainerCreating' } }), 'c', false)).toThrow(
      'container "c" in pod "p" is waiting to start: ContainerCreating',
    )
    expect(() => containerOfLog('p', status({ waiting: { reason: 'ErrImagePull' } }), 'c', false)).toThrow(
      "image can't be pulled",
    )
    expect(() => containerOfLog('p', {}, 'c', false)).toThrow('is not available')
  })
})

describe('durations', () => {
  it.each([
    [0, '0s'],
    [250, '250ms'],
    [1500, '1.5s'],
    [90_000, '1m30s'],
    [300_000, '5m0s'],
    [3_600_000, '1h0m0s'],
  ])('%i ms is %s', (ms, text) => expect(durationText(ms)).toBe(text))
})
