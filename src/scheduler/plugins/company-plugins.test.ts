import { describe, expect, it } from 'vitest'
import { seededRandom } from '#base/random.ts'
import type { Node } from '#api/core/v1/node.ts'
import type { Pod, PodSpec } from '#api/core/v1/pod.ts'
import { type NodeFixture, type PodFixture, TestCluster, testNode, testPod } from '../fixtures.ts'
import { action, type ClusterEvent, events, matchesEvent } from '../framework/cluster-event.ts'
import type { EventHint } from '../framework/plugin.ts'
import { podInfo } from '../state/pod-info.ts'
import { PodShapes } from '../state/pod-shape.ts'
import { interPodAffinityEvents } from './inter-pod-affinity-events.ts'
import { podTopologySpreadEvents } from './pod-topology-spread-events.ts'

const ZONE = 'topology.kubernetes.io/zone'
const zones = (assignment: Record<string, string>): Record<string, NodeFixture> =>
  Object.fromEntries(Object.entries(assignment).map(([name, zone]) => [name, { labels: { [ZONE]: zone } }]))

function clusterOf(nodes: Record<string, NodeFixture>, present: [string, PodFixture][] = []) {
  const cluster = new TestCluster(seededRandom(1))
  for (const [name, fixture] of Object.entries(nodes)) cluster.cache.setNode(testNode(name, fixture))
  present.forEach(([nodeName, p], i) => cluster.cache.addPod(cluster.info(testPod(`present-${i}`, { ...p, nodeName }))))
  return cluster
}
const feasible = (cluster: TestCluster, fixture: PodFixture) =>
  Object.keys(cluster.scores(testPod('p', fixture))).sort()

const spread = (more: object): Partial<PodSpec> => ({
  topologySpreadConstraints: [
    {
      topologyKey: ZONE,
      maxSkew: 1,
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: 'x' } },
      ...more,
    },
  ],
})
const term = (app: string, topologyKey = ZONE) => ({ topologyKey, labelSelector: { matchLabels: { app } } })
const near = (app: string): Partial<PodSpec> => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(app)] } },
})
const apart = (app: string): Partial<PodSpec> => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(app)] } },
})
const x = { labels: { app: 'x' } }

describe('PodTopologySpread', () => {
  const threeZones = zones({ a1: 'a', a2: 'a', b1: 'b', c1: 'c' })

  it('leaves out the zones that would get ahead of the emptiest', () => {
    const cluster = clusterOf(threeZones, [
      ['a1', x],
      ['b1', x],
    ])
    expect(feasible(cluster, { ...x, spec: spread({}) })).toEqual(['c1'])
    expect(feasible(cluster, { ...x, spec: spread({ maxSkew: 2 }) })).toEqual(['a1', 'a2', 'b1', 'c1'])
  })

  it('does not count the pod itself where it is not selected, nor pods that terminate or live elsewhere', () => {
    const others: [string, PodFixture][] = [
      ['a1', x],
      ['b1', { ...x, terminating: true }],
      ['c1', { ...x, namespace: 'other' }],
    ]
    const cluster = clusterOf(threeZones, others)
    expect(feasible(cluster, { labels: { app: 'y' }, spec: spread({}) })).toEqual(['a1', 'a2', 'b1', 'c1'])
    expect(feasible(cluster, { ...x, spec: spread({}) })).toEqual(['b1', 'c1'])
  })

  it('takes the minimum for zero while there are fewer domains than asked for', () => {
    const cluster = clusterOf(threeZones, [
      ['a1', x],
      ['b1', x],
      ['c1', x],
    ])
    expect(feasible(cluster, { ...x, spec: spread({ minDomains: 3 }) })).toEqual(['a1', 'a2', 'b1', 'c1'])
    expect(feasible(cluster, { ...x, spec: spread({ minDomains: 4 }) })).toEqual([])
  })

  it('counts tainted nodes or not, as asked', () => {
    const nodes = { ...threeZones, c1: { ...threeZones.c1, spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } } }
    const cluster = clusterOf(nodes, [
      ['a1', x],
      ['b1', x],
    ])
    expect(feasible(cluster, { ...x, spec: spread({}) })).toEqual([])
    expect(feasible(cluster, { ...x, spec: spread({ nodeTaintsPolicy: 'Honor' }) })).toEqual(['a1', 'a2', 'b1'])
  })

  it('counts nodes that the pod cannot go to by its affinity or not, as asked', () => {
    const nodes = {
      ...threeZones,
      a1: { labels: { [ZONE]: 'a', disk: 'ssd' } },
      b1: { labels: { [ZONE]: 'b', disk: 'ssd' } },
    }
    const cluster = clusterOf(nodes, [
      ['a1', x],
      ['b1', x],
    ])
    const nodeSelector = { disk: 'ssd' }
    expect(feasible(cluster, { ...x, spec: { nodeSelector, ...spread({}) } })).toEqual(['a1', 'b1'])
    expect(feasible(cluster, { ...x, spec: { nodeSelector, ...spread({ nodeAffinityPolicy: 'Ignore' }) } })).toEqual([])
  })

  it('tells revisions of one workload apart by matchLabelKeys', () => {
    const old = { labels: { app: 'x', revision: '1' } }
    const cluster = clusterOf(threeZones, [
      ['a1', old],
      ['b1', old],
    ])
    const spec = spread({ matchLabelKeys: ['revision'] })
    expect(feasible(cluster, { labels: { app: 'x', revision: '2' }, spec })).toEqual(['a1', 'a2', 'b1', 'c1'])
  })

  it('says why', () => {
    const cluster = clusterOf({ ...zones({ a1: 'a', b1: 'b' }), bare: {} }, [['a1', x]])
    cluster.cache.setNode(testNode('b1', { labels: { [ZONE]: 'b' }, cpu: '0' }))
    expect(
      cluster.decide(
        testPod('p', {
          ...x,
          requests: { cpu: '1' },
          spec: { ...spread({}), containers: testPod('q', { requests: { cpu: '1' } }).spec.containers },
        }),
      ),
    ).toBe(
      "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match pod topology spread constraints, " +
        "1 node(s) didn't match pod topology spread constraints (missing required label).",
    )
  })

  it('prefers hosts and zones with fewer pods of the same service or owner', () => {
    const cluster = clusterOf(threeZones, [
      ['a1', x],
      ['a1', x],
      ['b1', x],
    ])
    cluster.listers.services.put({
      metadata: { name: 's', namespace: 'default' },
      spec: { selector: { app: 'x' } },
    } as object as Pod)
    const scores = cluster.scores(testPod('p', x))
    expect(scores.c1).toBeGreaterThan(scores.b1!)
    expect(scores.b1).toBeGreaterThan(scores.a1!)
    expect(scores.a2).toBeGreaterThan(scores.a1!)
    expect(cluster.decide(testPod('p', x))).toBe('c1')

    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: 'u', controller: true }
    const replicaSet = {
      metadata: { name: 'rs', namespace: 'default' },
      spec: { selector: { matchLabels: { app: 'x' } } },
    }
    const owned = clusterOf(threeZones, [
      ['a1', x],
      ['b1', x],
    ])
    owned.listers.replicaSets.put(replicaSet as object as Pod)
    const pod = testPod('p', { labels: { app: 'x', extra: 'y' } })
    pod.metadata.ownerReferences = [owner]
    expect(owned.decide(pod)).toBe('c1')
  })
})

describe('InterPodAffinity', () => {
  const twoZones = zones({ a1: 'a', a2: 'a', b1: 'b' })

  it('goes only where the required company is', () => {
    const cluster = clusterOf({ ...twoZones, bare: {} }, [['a1', x]])
    expect(feasible(cluster, { spec: near('x') })).toEqual(['a1', 'a2'])
    expect(feasible(cluster, { spec: near('y') })).toEqual([])
  })

  it('lets the first of a kind that wants its own company start anywhere with the label', () => {
    const cluster = clusterOf({ ...twoZones, bare: {} })
    expect(feasible(cluster, { ...x, spec: near('x') })).toEqual(['a1', 'a2', 'b1'])
    expect(feasible(cluster, { labels: { app: 'y' }, spec: near('x') })).toEqual([])
  })

  it('keeps away from what it forbids, and from what forbids it', () => {
    expect(feasible(clusterOf(twoZones, [['a1', x]]), { spec: apart('x') })).toEqual(['b1'])
    expect(feasible(clusterOf(twoZones, [['a1', { spec: apart('x') }]]), x)).toEqual(['b1'])
    expect(feasible(clusterOf(twoZones, [['a1', { spec: apart('x') }]]), { labels: { app: 'y' } })).toEqual([
      'a1',
      'a2',
      'b1',
    ])
  })

  it('minds only pods of its own namespace unless told otherwise', () => {
    const cluster = clusterOf(twoZones, [['a1', { ...x, namespace: 'other' }]])
    cluster.listers.namespaces.put({ metadata: { name: 'other', labels: { team: 'b' } } } as object as Pod)
    const away = (more: object): Partial<PodSpec> => ({
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ ...term('x'), ...more }] } },
    })
    expect(feasible(cluster, { spec: away({}) })).toEqual(['a1', 'a2', 'b1'])
    expect(feasible(cluster, { spec: away({ namespaces: ['other'] }) })).toEqual(['b1'])
    expect(feasible(cluster, { spec: away({ namespaceSelector: {} }) })).toEqual(['b1'])
    expect(feasible(cluster, { spec: away({ namespaceSelector: { matchLabels: { team: 'b' } } }) })).toEqual(['b1'])
    expect(feasible(cluster, { spec: away({ namespaceSelector: { matchLabels: { team: 'c' } } }) })).toEqual([
      'a1',
      'a2',
      'b1',
    ])
  })

  it('prefers and avoids by weight', () => {
    const cluster = clusterOf(zones({ a: 'a', b: 'b', c: 'c' }), [
      ['a', x],
      ['b', { labels: { app: 'y' } }],
    ])
    const preferred = (weight: number, app: string) => ({ weight, podAffinityTerm: term(app) })
    const affinity = {
      podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [preferred(30, 'x')] },
      podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [preferred(10, 'y')] },
    }
    const scores = cluster.scores(testPod('p', { spec: { affinity } }))
    const [least, most] = [Math.min(scores.a!, scores.c!), scores.a!]
    // From -10 to 30: nothing at all is a quarter of the way. The occupied nodes lose a little for being occupied.
    expect(cluster.decide(testPod('p', { spec: { affinity } }))).toBe('a')
    expect(scores.b).toBeLessThan(least)
    expect(most).toBeGreaterThan(scores.c! + 100)
  })

  it('says why', () => {
    const cluster = clusterOf({ ...twoZones, c1: { labels: { [ZONE]: 'c' } } }, [
      ['a1', x],
      ['c1', { labels: { app: 'y' }, spec: apart('z') }],
    ])
    const affinity = { ...near('x').affinity, ...apart('x').affinity }
    expect(cluster.decide(testPod('p', { spec: { affinity } }))).toBe(
      "0/4 nodes are available: 2 node(s) didn't match pod affinity rules, 2 node(s) didn't match pod anti-affinity rules.",
    )
    expect(cluster.decide(testPod('p', { labels: { app: 'z' }, spec: { nodeSelector: { [ZONE]: 'c' } } }))).toBe(
      "0/4 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules, 3 node(s) didn't match Pod's node affinity/selector.",
    )
  })
})

describe('DefaultPreemption', () => {
  it('ends the message with what evicting pods could do', () => {
    const cluster = new TestCluster(seededRandom(1), { postFilters: true })
    cluster.cache.setNode(testNode('full', { cpu: '2' }))
    cluster.cache.setNode(testNode('small', { cpu: '1' }))
    cluster.cache.setNode(testNode('tainted', { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } }))
    cluster.cache.addPod(cluster.info(testPod('present', { requests: { cpu: '2' }, nodeName: 'full' })))
    const why = '0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. preemption: '
    const pod = (fixture: PodFixture) => testPod('p', { requests: { cpu: '1500m' }, ...fixture })
    expect(cluster.decide(pod({}))).toBe(
      `${why}0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.`,
    )
    expect(cluster.decide(pod({ spec: { ...pod({}).spec, preemptionPolicy: 'Never' } }))).toBe(
      `${why}not eligible due to preemptionPolicy=Never.`,
    )
    expect(cluster.decide(pod({ priority: 5 }))).toContain('1 Preemption is not implemented')
  })
})

describe('events that may help', () => {
  const shapes = new PodShapes()
  const mayHelp = (
    hints: readonly EventHint[],
    event: ClusterEvent,
    pod: Pod,
    before?: Pod | Node,
    after?: Pod | Node,
  ) => hints.some((h) => matchesEvent(h.event, event) && (h.mayHelp?.(podInfo(pod, shapes), before, after) ?? true))
  const placed = (labels: Record<string, string>, more: PodFixture = {}) =>
    testPod('other', { labels, nodeName: 'n', ...more })
  const nodeIn = (zone?: string) => testNode('n', zone ? { labels: { [ZONE]: zone } } : {})
  const relabel = { resource: 'Node', actions: action.updateNodeLabel } as const

  it.each<[string, Partial<PodSpec>, ClusterEvent, Pod | Node | undefined, Pod | Node | undefined, boolean]>([
    ['the wanted company came', near('x'), events.assignedPodAdd, undefined, placed({ app: 'x' }), true],
    ['other company came', near('x'), events.assignedPodAdd, undefined, placed({ app: 'y' }), false],
    ['the wanted company is not placed yet', near('x'), events.assignedPodAdd, undefined, testPod('o', x), false],
    ['unwanted company left', apart('x'), events.assignedPodDelete, placed({ app: 'x' }), undefined, true],
    ['other company left', apart('x'), events.assignedPodDelete, placed({ app: 'y' }), undefined, false],
    ['who forbade it left', {}, events.assignedPodDelete, placed({}, { spec: apart('p') }), undefined, true],
    ['a node in some zone came', near('x'), events.nodeAdd, undefined, nodeIn('a'), true],
    ['a node in no zone came', near('x'), events.nodeAdd, undefined, nodeIn(), false],
    ['a node changed zones', near('x'), relabel, nodeIn('a'), nodeIn('b'), true],
    ['a node left its zone', apart('x'), relabel, nodeIn('a'), nodeIn(), true],
    ['a node got a zone', apart('x'), relabel, nodeIn(), nodeIn('a'), false],
  ])('InterPodAffinity: %s', (_, spec, event, before, after, expected) => {
    const pod = testPod('p', { labels: { app: 'p' }, spec })
    expect(mayHelp(interPodAffinityEvents, event, pod, before, after)).toBe(expected)
  })

  it.each<[string, ClusterEvent, Pod | Node | undefined, Pod | Node | undefined, boolean]>([
    ['a counted pod left', events.assignedPodDelete, placed({ app: 'x' }), undefined, true],
    ['another pod left', events.assignedPodDelete, placed({ app: 'y' }), undefined, false],
    [
      'a pod of another namespace left',
      events.assignedPodDelete,
      placed({ app: 'x' }, { namespace: 'other' }),
      undefined,
      false,
    ],
    ['a counted pod came', events.assignedPodAdd, undefined, placed({ app: 'x' }), true],
    ['a node in some zone came', events.nodeAdd, undefined, nodeIn('a'), true],
    ['a node in no zone came', events.nodeAdd, undefined, nodeIn(), false],
    ['a node in some zone left', events.nodeDelete, nodeIn('a'), undefined, true],
    ['a node changed zones', relabel, nodeIn('a'), nodeIn('b'), true],
    ['a node got a zone', relabel, nodeIn(), nodeIn('a'), true],
    ['a node changed in other ways', relabel, nodeIn('a'), nodeIn('a'), false],
  ])('PodTopologySpread: %s', (_, event, before, after, expected) => {
    expect(mayHelp(podTopologySpreadEvents, event, testPod('p', { ...x, spec: spread({}) }), before, after)).toBe(
      expected,
    )
  })
})
