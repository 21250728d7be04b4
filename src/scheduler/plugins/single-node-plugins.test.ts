import { describe, expect, it } from 'vitest'
import { seededRandom } from '#base/random.ts'
import type { PodSpec } from '#api/core/v1/pod.ts'
import { type NodeFixture, type PodFixture, TestCluster, testNode, testPod } from '../fixtures.ts'

/** The answer for one pod on one node: the name of the node, or why not. */
function decide(node: NodeFixture, pod: PodFixture, present: PodFixture[] = []): string {
  const cluster = new TestCluster(seededRandom(1))
  cluster.cache.setNode(testNode('n', node))
  present.forEach((p, i) => cluster.cache.addPod(cluster.info(testPod(`present-${i}`, { ...p, nodeName: 'n' }))))
  return cluster.decide(testPod('p', pod))
}

const affinity = (terms: object[]): Partial<PodSpec> => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } },
})
const refused = (reasons: string) => `0/1 nodes are available: ${reasons}.`
const container = (requests: Record<string, string>, more: object = {}) => ({
  name: 'c',
  image: 'i',
  resources: { requests },
  ...more,
})

describe('NodeUnschedulable', () => {
  it.each([
    [{}, refused('1 node(s) were unschedulable')],
    [{ tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' }] }, 'n'],
    [{ tolerations: [{ operator: 'Exists' }] }, 'n'],
    [{ tolerations: [{ key: 'other', operator: 'Exists' }] }, refused('1 node(s) were unschedulable')],
  ])('on a cordoned node, a pod with %j: %s', (spec, expected) => {
    expect(decide({ spec: { unschedulable: true } }, { spec })).toBe(expected)
  })
})

describe('TaintToleration', () => {
  const no = refused('1 node(s) had untolerated taint(s)')
  it.each([
    ['NoSchedule', [], no],
    ['NoExecute', [], no],
    ['PreferNoSchedule', [], 'n'],
    ['NoSchedule', [{ key: 'k', operator: 'Equal', value: 'v', effect: 'NoSchedule' }], 'n'],
    ['NoSchedule', [{ key: 'k', value: 'v' }], 'n'],
    ['NoSchedule', [{ key: 'k', operator: 'Equal', value: 'w', effect: 'NoSchedule' }], no],
    ['NoSchedule', [{ key: 'k', operator: 'Exists', effect: 'NoExecute' }], no],
    ['NoSchedule', [{ key: 'k', operator: 'Exists' }], 'n'],
    ['NoExecute', [{ operator: 'Exists' }], 'n'],
    ['NoSchedule', [{ key: 'k', operator: 'Gt', value: '1' }], no],
  ])('a %s taint and tolerations %j: %s', (effect, tolerations, expected) => {
    expect(decide({ spec: { taints: [{ key: 'k', value: 'v', effect }] } }, { spec: { tolerations } })).toBe(expected)
  })
})

describe('NodeAffinity', () => {
  const no = refused("1 node(s) didn't match Pod's node affinity/selector")
  const labels = { zone: 'a', size: '7' }
  it.each<[Partial<PodSpec>, string]>([
    [{ nodeSelector: { zone: 'a' } }, 'n'],
    [{ nodeSelector: { zone: 'b' } }, no],
    [{ nodeSelector: { zone: 'a', other: 'x' } }, no],
    [{ nodeSelector: {} }, 'n'],
    [affinity([{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['b', 'a'] }] }]), 'n'],
    [affinity([{ matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['b'] }] }]), 'n'],
    [affinity([{ matchExpressions: [{ key: 'none', operator: 'NotIn', values: ['b'] }] }]), 'n'],
    [affinity([{ matchExpressions: [{ key: 'none', operator: 'Exists' }] }]), no],
    [affinity([{ matchExpressions: [{ key: 'none', operator: 'DoesNotExist' }] }]), 'n'],
    [affinity([{ matchExpressions: [{ key: 'size', operator: 'Gt', values: ['6'] }] }]), 'n'],
    [affinity([{ matchExpressions: [{ key: 'size', operator: 'Lt', values: ['7'] }] }]), no],
    [affinity([{ matchExpressions: [{ key: 'zone', operator: 'Gt', values: ['6'] }] }]), no],
    [affinity([{ matchExpressions: [{ key: 'size', operator: 'Gt', values: ['x'] }] }]), no],
    [affinity([{ matchExpressions: [{ key: 'zone', operator: 'In', values: [] }] }]), no],
    [affinity([{}]), no],
    [affinity([]), no],
    [
      affinity([
        { matchExpressions: [{ key: 'zone', operator: 'In', values: ['b'] }] },
        { matchExpressions: [{ key: 'size', operator: 'Exists' }] },
      ]),
      'n',
    ],
    [affinity([{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }] }]), 'n'],
    [affinity([{ matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['n'] }] }]), no],
    [
      affinity([{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['m'] }] }]),
      refused("1 node(s) didn't satisfy plugin(s) [NodeAffinity]"),
    ],
    [
      affinity([
        {
          matchFields: [
            { key: 'metadata.name', operator: 'In', values: ['m'] },
            { key: 'metadata.name', operator: 'In', values: ['n'] },
          ],
        },
      ]),
      refused('pod affinity terms conflict'),
    ],
    [
      {
        nodeSelector: { zone: 'b' },
        ...affinity([{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }]),
      },
      no,
    ],
  ])('%j: %s', (spec, expected) => {
    expect(decide({ labels }, { spec })).toBe(expected)
  })
})

describe('NodePorts', () => {
  const ports = (hostPort: number, protocol?: string, hostIP?: string): Partial<PodSpec> => ({
    containers: [
      { name: 'c', image: 'i', ports: [{ containerPort: 1, hostPort, protocol, hostIP }] },
    ] as PodSpec['containers'],
  })
  const no = refused("1 node(s) didn't have free ports for the requested pod ports")
  it.each([
    [ports(80), ports(80), no],
    [ports(80), ports(81), 'n'],
    [ports(80, 'UDP'), ports(80, 'TCP'), 'n'],
    [ports(80, 'TCP', '10.0.0.1'), ports(80, 'TCP', '10.0.0.2'), 'n'],
    [ports(80, 'TCP', '10.0.0.1'), ports(80, 'TCP', '10.0.0.1'), no],
    [ports(80, 'TCP', '10.0.0.1'), ports(80, 'TCP', '0.0.0.0'), no],
    [ports(80, 'TCP', '0.0.0.0'), ports(80, 'TCP', '10.0.0.1'), no],
  ])('%j are used, %j are wanted: %s', (used, wanted, expected) => {
    expect(decide({}, { spec: wanted }, [{ spec: used }])).toBe(expected)
  })

  it('gives a port free with the last pod that used it', () => {
    const cluster = new TestCluster(seededRandom(1))
    cluster.cache.setNode(testNode('n'))
    cluster.cache.addPod(cluster.info(testPod('first', { spec: ports(80), nodeName: 'n' })))
    expect(cluster.decide(testPod('p', { spec: ports(80) }))).toBe(no)
    cluster.cache.removePod('pod-default-first')
    expect(cluster.decide(testPod('p', { spec: ports(80) }))).toBe('n')
  })
})

describe('NodeResourcesFit', () => {
  const node = {
    cpu: '2',
    memory: '4Gi',
    pods: '3',
    resources: { 'example.com/gpu': '2', 'ephemeral-storage': '10Gi' },
  }
  it.each<[string, PodFixture, PodFixture[], string]>([
    ['all of it', { requests: { cpu: '2', memory: '4Gi', 'example.com/gpu': '2' } }, [], 'n'],
    ['more cpu than there is', { requests: { cpu: '2001m' } }, [], refused('1 Insufficient cpu')],
    [
      'more cpu than is left',
      { requests: { cpu: '1' } },
      [{ requests: { cpu: '1500m' } }],
      refused('1 Insufficient cpu'),
    ],
    [
      'too much of everything',
      { requests: { cpu: '3', memory: '5Gi', 'ephemeral-storage': '11Gi', 'example.com/gpu': '3' } },
      [{}, {}, {}],
      refused(
        '1 Insufficient cpu, 1 Insufficient ephemeral-storage, 1 Insufficient example.com/gpu, 1 Insufficient memory, 1 Too many pods',
      ),
    ],
    [
      'a resource that no node has',
      { requests: { 'example.com/fpga': '1' } },
      [],
      refused('1 Insufficient example.com/fpga'),
    ],
    ['none of a resource that no node has', { requests: { 'example.com/fpga': '0' } }, [], 'n'],
    ['nothing on a node full of pods', {}, [{}, {}, {}], refused('1 Too many pods')],
    [
      'its overhead too',
      { requests: { cpu: '1900m' }, spec: { overhead: { cpu: '200m' }, containers: [container({ cpu: '1900m' })] } },
      [],
      refused('1 Insufficient cpu'),
    ],
    [
      'the peak of its init containers',
      {
        spec: {
          containers: [container({ cpu: '1' })],
          initContainers: [container({ cpu: '2' }), container({ cpu: '1' })],
        },
      },
      [],
      'n',
    ],
    [
      'an init container beside a sidecar',
      {
        spec: {
          containers: [container({ cpu: '1' })],
          initContainers: [container({ cpu: '1' }, { restartPolicy: 'Always' }), container({ cpu: '1500m' })],
        },
      },
      [],
      refused('1 Insufficient cpu'),
    ],
    [
      'what the pod itself states',
      { spec: { containers: [container({ cpu: '3' })], resources: { requests: { cpu: '2' } } } },
      [],
      'n',
    ],
  ])('a pod that wants %s', (_, pod, present, expected) => {
    expect(decide(node, pod, present)).toBe(expected)
  })

  it('counts what is allocated while a resize is under way', () => {
    const status = {
      containerStatuses: [
        { name: 'main', allocatedResources: { cpu: '1500m' }, resources: { requests: { cpu: '1500m' } } },
      ],
    } as unknown as PodFixture['status']
    const shrinking = { requests: { cpu: '500m' }, status }
    expect(decide(node, { requests: { cpu: '1' } }, [shrinking])).toBe(refused('1 Insufficient cpu'))
  })

  it('counts a resource that pods requested before any node had it', () => {
    const cluster = new TestCluster(seededRandom(1))
    cluster.cache.setNode(testNode('n'))
    cluster.cache.addPod(cluster.info(testPod('early', { requests: { 'example.com/gpu': '1' }, nodeName: 'n' })))
    cluster.cache.setNode(testNode('n', { resources: { 'example.com/gpu': '2' } }))
    expect(cluster.decide(testPod('two', { requests: { 'example.com/gpu': '2' } }))).toBe(
      refused('1 Insufficient example.com/gpu'),
    )
    expect(cluster.decide(testPod('one', { requests: { 'example.com/gpu': '1' } }))).toBe('n')
  })
})

describe('scores', () => {
  /** Totals of the default profile, less the 300 that TaintToleration gives to nodes without taints. */
  const scores = (nodes: Record<string, NodeFixture>, pod: PodFixture, on: Record<string, PodFixture> = {}) => {
    const cluster = new TestCluster(seededRandom(1))
    for (const [name, fixture] of Object.entries(nodes)) cluster.cache.setNode(testNode(name, fixture))
    for (const [nodeName, p] of Object.entries(on))
      cluster.cache.addPod(cluster.info(testPod(`on-${nodeName}`, { ...p, nodeName })))
    const totals = cluster.scores(testPod('p', pod))
    return Object.fromEntries(Object.entries(totals).map(([name, total]) => [name, total - 300]))
  }

  it('LeastAllocated prefers the emptier node, BalancedAllocation the evener one', () => {
    const node = { cpu: '10', memory: '20000Mi' }
    const pod = { requests: { cpu: '3', memory: '5000Mi' } }
    // Empty: (70 + 75) / 2 = 72, and 50 + (50 + 97 - 100) / 2 = 73. Half: (20 + 50) / 2 = 35, and 50 + (50 + 85 - 87) / 2 = 74.
    expect(scores({ empty: node, half: node }, pod, { half: { requests: { cpu: '5', memory: '5000Mi' } } })).toEqual({
      empty: 72 + 73,
      half: 35 + 74,
    })
  })

  it('a pod without requests counts as a small one, and is not balanced', () => {
    expect(scores({ n: { cpu: '1', memory: '1000Mi' } }, {})).toEqual({ n: (90 + 80) / 2 })
  })

  it('PreferNoSchedule taints cost in proportion to the worst node', () => {
    const taints = (count: number) => ({
      spec: { taints: Array.from({ length: count }, (_, i) => ({ key: `k${i}`, effect: 'PreferNoSchedule' })) },
    })
    const totals = scores({ none: {}, one: taints(1), three: taints(3) }, {})
    expect([totals.none! - totals.one!, totals.none! - totals.three!]).toEqual([3 * 33, 3 * 100])
  })

  it('preferred node affinity counts in proportion to the best node', () => {
    const preferred = (weight: number, value: string) => ({
      weight,
      preference: { matchExpressions: [{ key: 'zone', operator: 'In', values: [value] }] },
    })
    const spec = {
      affinity: {
        nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [preferred(40, 'a'), preferred(60, 'b')] },
      },
    }
    const totals = scores({ a: { labels: { zone: 'a' } }, b: { labels: { zone: 'b' } }, c: {} }, { spec })
    expect([totals.b! - totals.c!, totals.a! - totals.c!]).toEqual([2 * 100, 2 * 66])
  })

  it('images count by size and by how many nodes have them', () => {
    const images = [{ names: ['registry.example/app:1'], sizeBytes: 800 * 1024 * 1024 }]
    const totals = scores({ a: { status: { images } }, b: {} }, {})
    // Half of 800 MB, between 23 and 1000 MB.
    expect(totals.a! - totals.b!).toBe(Math.trunc((100 * (400 - 23)) / (1000 - 23)))
  })

  it('an image that comes to one node changes the score of another', () => {
    const image = (sizeMb: number) => ({
      status: { images: [{ names: ['registry.example/app:1'], sizeBytes: sizeMb * 1024 * 1024 }] },
    })
    const cluster = new TestCluster(seededRandom(1))
    cluster.cache.setNode(testNode('a', image(800)))
    cluster.cache.setNode(testNode('b'))
    const before = cluster.scores(testPod('p')).a!
    cluster.cache.setNode(testNode('b', image(800)))
    expect(cluster.scores(testPod('p')).a! - before).toBe(79 - 38)
  })
})

describe('results kept for a shape', () => {
  const inZone = (zone: string): Partial<PodSpec> => ({ nodeSelector: { zone } })

  it('notice a label value that no node had when they were made', () => {
    const cluster = new TestCluster(seededRandom(1))
    for (const name of ['a', 'b', 'c', 'd']) cluster.cache.setNode(testNode(name, { labels: { zone: name } }))
    expect(cluster.decide(testPod('p', { spec: inZone('new') }))).toContain("4 node(s) didn't match")
    cluster.cache.setNode(testNode('b', { labels: { zone: 'new' } }))
    expect(cluster.decide(testPod('p', { spec: inZone('new') }))).toBe('b')
  })

  it('notice a label key that no node had when they were made', () => {
    const cluster = new TestCluster(seededRandom(1))
    for (const name of ['a', 'b', 'c', 'd']) cluster.cache.setNode(testNode(name, { labels: { other: 'new' } }))
    expect(cluster.decide(testPod('p', { spec: inZone('new') }))).toContain("4 node(s) didn't match")
    cluster.cache.setNode(testNode('b', { labels: { zone: 'new' } }))
    expect(cluster.decide(testPod('p', { spec: inZone('new') }))).toBe('b')
  })

  it('notice nodes that come, go and come back under another index', () => {
    const cluster = new TestCluster(seededRandom(1))
    expect(cluster.decide(testPod('p'))).toBe('no nodes available to schedule pods')
    for (let i = 0; i < 200; i++) cluster.cache.setNode(testNode(`n${i}`, { pods: i === 150 ? '1' : '0' }))
    expect(cluster.decide(testPod('p'))).toBe('n150')
    cluster.cache.removeNode('n150')
    expect(cluster.decide(testPod('p'))).toBe('0/199 nodes are available: 199 Too many pods.')
    cluster.cache.setNode(testNode('late'))
    expect(cluster.decide(testPod('p'))).toBe('late')
  })

  it('are shared, so that equal scores are drawn evenly', () => {
    const cluster = new TestCluster(seededRandom(42))
    for (let i = 0; i < 4; i++) cluster.cache.setNode(testNode(`n${i}`))
    const drawn = new Map<string, number>()
    for (let i = 0; i < 4000; i++) {
      const node = cluster.decide(testPod(`p${i}`))
      drawn.set(node, (drawn.get(node) ?? 0) + 1)
    }
    expect(drawn.size).toBe(4)
    for (const count of drawn.values()) expect(Math.abs(count - 1000)).toBeLessThan(120)
  })
})

describe('the message', () => {
  it('counts reasons over all nodes and sorts them as text', () => {
    const cluster = new TestCluster(seededRandom(1))
    cluster.cache.setNode(testNode('tainted', { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } }))
    cluster.cache.setNode(testNode('small', { cpu: '100m' }))
    cluster.cache.setNode(testNode('tiny', { cpu: '100m', memory: '1Mi' }))
    expect(cluster.decide(testPod('p', { requests: { cpu: '1', memory: '1Gi' } }))).toBe(
      '0/3 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint(s), 2 Insufficient cpu.',
    )
  })
})
