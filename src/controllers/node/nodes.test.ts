import { afterEach, describe, expect, it } from 'vitest'
import { FakeClock } from '#base/fake-clock.ts'
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { events, namespaces, nodes, pods, serviceAccounts } from '#api/resources.ts'
import { conditionOf } from '#machinery/conditions.ts'
import { formatTime } from '#machinery/time.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { createPodGarbageCollector, planPodGc } from '../pod-gc.ts'
import { createNodeIpamController } from './node-ipam-controller.ts'
import { createNodeLifecycleController } from './node-lifecycle-controller.ts'
import { createTaintEvictionController } from './taint-eviction-controller.ts'

let cluster: InProcessApi
let clock: FakeClock
afterEach(() => cluster.close())

async function start(): Promise<InProcessApi> {
  clock = new FakeClock()
  cluster = await startInProcessApi({ clock })
  // Events of nodes are in the default namespace.
  for (const name of ['ns', 'default']) await cluster.client.create(namespaces, { metadata: { name } })
  await cluster.client.create(serviceAccounts, { metadata: { name: 'default', namespace: 'ns' } })
  return cluster
}

/** In steps, so that what each second brings about is done before the next. */
async function pass(seconds: number, eachSecond: () => Promise<unknown> = async () => {}): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    await eachSecond()
    for (let j = 0; j < 4; j++) await clock.advance(250)
  }
}

async function heartbeat(name: string, status = 'True'): Promise<Node> {
  const time = formatTime(clock.now())
  const conditions = [
    { type: 'Ready', status, lastHeartbeatTime: time, lastTransitionTime: time, reason: 'KubeletReady' },
  ]
  return cluster.client.patch(nodes, { name }, { status: { conditions } }, { subresource: 'status' })
}
async function addNode(name: string): Promise<Node> {
  await cluster.client.create(nodes, { metadata: { name } })
  return heartbeat(name)
}
async function runPod(name: string, nodeName: string, spec: Partial<Pod['spec']> = {}): Promise<Pod> {
  const containers = [{ name: 'c', image: 'i' }]
  const draft = { metadata: { name, namespace: 'ns' }, spec: { nodeName, containers, ...spec } as Pod['spec'] }
  const { metadata } = await cluster.client.create(pods, draft)
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: formatTime(clock.now()) }]
  return cluster.client.patch(pods, metadata, { status: { phase: 'Running', conditions } }, { subresource: 'status' })
}
const nodeNamed = (name: string) => cluster.client.get(nodes, { name })
const podNamed = (name: string) => cluster.client.find(pods, { namespace: 'ns', name })
const taintsOf = ({ spec }: Node) =>
  (spec.taints ?? []).map(({ key, effect }) => `${key.replace('node.kubernetes.io/', '')}:${effect}`).toSorted()
const reasons = async () => (await cluster.client.list(events)).items.map((e) => e.reason)

describe('the node lifecycle controller', () => {
  it('marks a silent node as unknown, taints it, and its pods as not ready', async () => {
    await start()
    createNodeLifecycleController().start(cluster)
    for (const name of ['n1', 'n2']) await addNode(name)
    await runPod('p', 'n1')
    await pass(30, () => heartbeat('n2'))
    expect(taintsOf(await nodeNamed('n1'))).toEqual([])
    await pass(30, () => heartbeat('n2'))
    const node = await nodeNamed('n1')
    expect(conditionOf(node.status.conditions, 'Ready')).toMatchObject({
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    })
    expect(taintsOf(node)).toEqual(['unreachable:NoExecute', 'unreachable:NoSchedule'])
    expect(conditionOf((await podNamed('p'))!.status.conditions, 'Ready')?.status).toBe('False')
    await pass(2, () => heartbeat('n2'))
    expect(await reasons()).toEqual(expect.arrayContaining(['RegisteredNode', 'NodeNotReady']))

    await heartbeat('n1')
    await pass(8, () => Promise.all(['n1', 'n2'].map((name) => heartbeat(name))))
    expect(taintsOf(await nodeNamed('n1'))).toEqual([])
  })

  it('tells a node that says it is not ready from one that says nothing', async () => {
    await start()
    createNodeLifecycleController().start(cluster)
    for (const name of ['n1', 'n2']) await addNode(name)
    await pass(12, () => Promise.all([heartbeat('n1', 'False'), heartbeat('n2')]))
    expect(taintsOf(await nodeNamed('n1'))).toEqual(['not-ready:NoExecute', 'not-ready:NoSchedule'])
  })

  it('evicts nothing while all nodes are silent', async () => {
    await start()
    createNodeLifecycleController().start(cluster)
    for (const name of ['n1', 'n2']) await addNode(name)
    await pass(70)
    for (const name of ['n1', 'n2']) expect(taintsOf(await nodeNamed(name))).toEqual(['unreachable:NoSchedule'])
  })

  it('taints no more than one node in ten seconds', async () => {
    await start()
    createNodeLifecycleController().start(cluster)
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    for (const name of names) await addNode(name)
    const alive = names.slice(3)
    const beat = () => Promise.all(alive.map((name) => heartbeat(name)))
    const tainted = async () => {
      const all = await Promise.all(names.map(nodeNamed))
      return all.filter((node) => taintsOf(node).includes('unreachable:NoExecute')).length
    }
    await pass(52, beat)
    expect(await tainted()).toBe(1)
    await pass(10, beat)
    expect(await tainted()).toBe(2)
    await pass(12, beat)
    expect(await tainted()).toBe(3)
  })

  it('mirrors a cordoned node, and the labels that older programs read', async () => {
    await start()
    createNodeLifecycleController().start(cluster)
    await addNode('n1')
    await cluster.client.patch(
      nodes,
      { name: 'n1' },
      { metadata: { labels: { 'kubernetes.io/os': 'linux' } }, spec: { unschedulable: true } },
    )
    await pass(1)
    const node = await nodeNamed('n1')
    expect(taintsOf(node)).toEqual(['unschedulable:NoSchedule'])
    expect(node.metadata.labels).toMatchObject({ 'beta.kubernetes.io/os': 'linux' })
  })
})

describe('the taint eviction controller', () => {
  const taint = (name: string, taints: object[]) =>
    cluster.client.patch(nodes, { name }, { spec: { taints } }, { type: 'merge' })
  const toleration = (tolerationSeconds?: number) => ({
    key: 'k',
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds,
  })

  it('deletes pods as soon as their tolerations end', async () => {
    await start()
    createTaintEvictionController().start(cluster)
    await addNode('n1')
    await runPod('none', 'n1')
    await runPod('some', 'n1', { tolerations: [toleration(5)] })
    await runPod('forever', 'n1', { tolerations: [toleration()] })
    await taint('n1', [{ key: 'k', effect: 'NoExecute' }])
    await pass(1)
    const evicted = await podNamed('none')
    expect(evicted!.metadata.deletionTimestamp).toBeDefined()
    expect(conditionOf(evicted!.status.conditions, 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'DeletionByTaintManager',
    })
    await pass(3)
    expect((await podNamed('some'))!.metadata.deletionTimestamp).toBeUndefined()
    await pass(3)
    expect((await podNamed('some'))!.metadata.deletionTimestamp).toBeDefined()
    await pass(60)
    expect((await podNamed('forever'))!.metadata.deletionTimestamp).toBeUndefined()
  })

  it('spares pods when the taint is taken off in time', async () => {
    await start()
    createTaintEvictionController().start(cluster)
    await addNode('n1')
    await runPod('some', 'n1', { tolerations: [toleration(5)] })
    await taint('n1', [{ key: 'k', effect: 'NoExecute' }])
    await pass(3)
    await taint('n1', [])
    await pass(10)
    expect((await podNamed('some'))!.metadata.deletionTimestamp).toBeUndefined()
    const { items } = await cluster.client.list(events, { namespace: 'ns' })
    expect(items.map((e) => e.message)).toEqual(['Cancelling deletion of Pod ns/some'])
  })
})

describe('the node IPAM controller', () => {
  it('gives each node its ranges, and those of deleted nodes to new ones', async () => {
    const { client } = await start()
    await client.create(nodes, {
      metadata: { name: 'old' },
      spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] },
    })
    createNodeIpamController({ clusterCidrs: ['10.244.0.0/22', 'fd00::/56'], reservedCidrs: ['10.244.0.0/24'] }).start(
      cluster,
    )
    for (const name of ['a', 'b']) await client.create(nodes, { metadata: { name } })
    await pass(1)
    expect((await nodeNamed('a')).spec).toMatchObject({
      podCIDR: '10.244.2.0/24',
      podCIDRs: ['10.244.2.0/24', 'fd00::/64'],
    })
    expect((await nodeNamed('b')).spec.podCIDRs).toEqual(['10.244.3.0/24', 'fd00:0:0:1::/64'])
    await client.create(nodes, { metadata: { name: 'c' } })
    await pass(1)
    expect((await nodeNamed('c')).spec.podCIDR).toBeUndefined()
    expect(await reasons()).toContain('CIDRNotAvailable')
    await client.delete(nodes, { name: 'a' })
    await pass(5)
    expect((await nodeNamed('c')).spec.podCIDR).toBe('10.244.2.0/24')
  })
})

describe('the pod garbage collector', () => {
  it('deletes pods of nodes that are gone', async () => {
    const { client } = await start()
    createPodGarbageCollector().start(cluster)
    await addNode('n1')
    await runPod('p', 'n1')
    await client.delete(nodes, { name: 'n1' })
    await pass(50)
    expect(await podNamed('p')).toBeDefined()
    await pass(31)
    expect(await podNamed('p')).toBeUndefined()
  })

  const pod = (
    name: string,
    phase: string,
    traits: { node?: string; deleted?: boolean; created?: number; reason?: string } = {},
  ) =>
    ({
      metadata: {
        name,
        creationTimestamp: formatTime((traits.created ?? 0) * 1000),
        ...(traits.deleted && { deletionTimestamp: formatTime(0) }),
      },
      spec: { nodeName: traits.node },
      status: { phase, reason: traits.reason },
    }) as unknown as Pod
  const outOfService = {
    metadata: { name: 'dead' },
    spec: { taints: [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }] },
    status: { conditions: [{ type: 'Ready', status: 'Unknown' }] },
  } as unknown as Node

  it('chooses evicted pods, then the oldest ones, of those that ended', () => {
    const ended = [
      pod('young', 'Succeeded', { node: 'n', created: 9 }),
      pod('old', 'Failed', { node: 'n', created: 1 }),
      pod('evicted', 'Failed', { node: 'n', created: 8, reason: 'Evicted' }),
      pod('running', 'Running', { node: 'n', created: 0 }),
    ]
    const plan = planPodGc({ pods: ended, nodeOf: () => undefined, deletedNodes: new Set(), terminatedPodThreshold: 1 })
    expect(plan.map((action) => action.pod.metadata.name)).toEqual(['evicted', 'old'])
  })

  it('ends what is stuck: on nodes out of service, or before it ever got a node', () => {
    const stuck = [
      pod('stuck', 'Running', { node: 'dead', deleted: true }),
      pod('alive', 'Running', { node: 'dead' }),
      pod('unscheduled', 'Pending', { deleted: true }),
      pod('waiting', 'Pending'),
      pod('orphan', 'Running', { node: 'gone' }),
    ]
    const plan = planPodGc({
      pods: stuck,
      nodeOf: (name) => (name === 'dead' ? outOfService : undefined),
      deletedNodes: new Set(['gone']),
      terminatedPodThreshold: 0,
    })
    expect(plan.map((action) => [action.pod.metadata.name, action.condition?.reason])).toEqual([
      ['stuck', undefined],
      ['unscheduled', undefined],
      ['orphan', 'DeletionByPodGC'],
    ])
  })
})
