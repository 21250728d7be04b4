/**
 * The scheduler against the real API server, in one process, on a clock that stands still until it is moved. The seeded
 * runs throw pods and nodes at it while bindings fail or lose their answers; whatever happens, no node gets more than it
 * has, and in the end every pod that fits is on a node.
 */
import { describe, expect, it } from 'vitest'
import { FakeClock } from '#base/fake-clock.ts'
import { type Random, seededRandom } from '#base/random.ts'
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { events, namespaces, nodes, pods, serviceAccounts } from '#api/resources.ts'
import { Client } from '#client/client.ts'
import type { Transport } from '#client/transport.ts'
import { type Scheduler, startScheduler } from '#scheduler/scheduler.ts'
import { amountsOf, podRequests } from '#scheduler/state/pod-requests.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'

class Cluster {
  readonly clock: FakeClock
  readonly client: Client
  readonly scheduler: Scheduler
  readonly #api: InProcessApi

  private constructor(clock: FakeClock, api: InProcessApi, scheduler: Scheduler) {
    this.clock = clock
    this.client = api.client
    this.#api = api
    this.scheduler = scheduler
  }

  static async start(seed: number, disturb: (transport: Transport, random: Random) => Transport = (t) => t) {
    const clock = new FakeClock()
    const api = await startInProcessApi({ clock, seed })
    const { informers, recorder, random, log, signal } = api
    const client = new Client(disturb(api.transport, seededRandom(seed + 1)))
    const scheduler = startScheduler({ client, informers, recorder, clock, random, log, signal })
    const cluster = new Cluster(clock, api, scheduler)
    await api.client.create(namespaces, { metadata: { name: 'sim' } })
    // Admission waits for it, and no controller runs here that would make it.
    await api.client.create(serviceAccounts, { metadata: { name: 'default', namespace: 'sim' } })
    await clock.advance(1000)
    await scheduler.synced()
    return cluster
  }

  async createNode(name: string, allocatable: Record<string, string>) {
    await this.client.create(nodes, { metadata: { name }, status: { allocatable, capacity: allocatable } } as Node)
    // No controller runs here that would find the node ready.
    await this.client.patch(nodes, { name }, { spec: { taints: null } })
  }

  async createPod(name: string, requests: Record<string, string>, spec: object = {}) {
    const containers = [{ name: 'main', image: 'app', resources: { requests } }]
    await this.client.create(pods, { metadata: { name, namespace: 'sim' }, spec: { containers, ...spec } } as Pod)
  }

  async pods(): Promise<Pod[]> {
    return (await this.client.list(pods, { namespace: 'sim' })).items
  }

  pod(name: string): Promise<Pod> {
    return this.client.get(pods, { namespace: 'sim', name })
  }

  /** Fails where a node has more on it than it has room for. */
  async checkRoom() {
    const all = await this.pods()
    for (const node of (await this.client.list(nodes)).items) {
      const { name } = node.metadata
      const present = all.filter((p) => p.spec.nodeName === name && !['Succeeded', 'Failed'].includes(p.status.phase!))
      const allocatable = amountsOf(node.status.allocatable)
      expect(present.length, `pods on ${name}`).toBeLessThanOrEqual(allocatable.get('pods')!)
      for (const resource of ['cpu', 'memory']) {
        const taken = present.reduce((sum, p) => sum + (podRequests(p).get(resource) ?? 0), 0)
        expect(taken, `${resource} on ${name}`).toBeLessThanOrEqual(allocatable.get(resource)!)
      }
    }
  }

  async stop() {
    await this.#api.close()
  }
}

describe('the scheduler with the API server', () => {
  it('binds pods, says so, and spreads them', async () => {
    const cluster = await Cluster.start(1)
    for (const name of ['a', 'b', 'c']) await cluster.createNode(name, { cpu: '4', memory: '8Gi', pods: '110' })
    for (let i = 0; i < 30; i++) await cluster.createPod(`p${i}`, { cpu: '100m', memory: '64Mi' })
    await cluster.clock.advance(5000)
    const bound = await cluster.pods()
    const count = (node: string) => bound.filter((p) => p.spec.nodeName === node).length
    expect(['a', 'b', 'c'].map(count)).toEqual([10, 10, 10])
    expect(bound[0]!.status.conditions).toMatchObject([{ type: 'PodScheduled', status: 'True' }])
    await cluster.clock.advance(5000)
    const scheduled = (await cluster.client.list(events, { namespace: 'sim' })).items.filter(
      (e) => e.reason === 'Scheduled',
    )
    const about = scheduled.find((e) => e.involvedObject.name === 'p7')
    const node = (await cluster.pod('p7')).spec.nodeName
    expect(about).toMatchObject({
      type: 'Normal',
      reportingComponent: 'default-scheduler',
      message: `Successfully assigned sim/p7 to ${node}`,
    })
    expect(scheduled.length).toBe(30)
    expect(cluster.scheduler.counts()).toEqual({
      active: 0,
      backoff: 0,
      unschedulable: 0,
      inFlight: 0,
      binding: 0,
      assumed: 0,
    })
    await cluster.stop()
  })

  it('says why a pod fits nowhere, and places it when a node comes that it fits', async () => {
    const cluster = await Cluster.start(2)
    await cluster.createNode('small', { cpu: '1', memory: '8Gi', pods: '110' })
    await cluster.createPod('big', { cpu: '2' })
    await cluster.clock.advance(1000)
    const message = '0/1 nodes are available: 1 Insufficient cpu.'
    const pending = await cluster.pod('big')
    expect(pending.spec.nodeName).toBeUndefined()
    const condition = pending.status.conditions!.find((c) => c.type === 'PodScheduled')!
    expect(condition).toMatchObject({ status: 'False', reason: 'Unschedulable' })
    expect(condition.message!.startsWith(message)).toBe(true)
    const failed = (await cluster.client.list(events, { namespace: 'sim' })).items
    expect(failed).toMatchObject([{ type: 'Warning', reason: 'FailedScheduling', message: condition.message }])
    expect(cluster.scheduler.counts().unschedulable).toBe(1)

    await cluster.createNode('large', { cpu: '4', memory: '8Gi', pods: '110' })
    await cluster.clock.advance(3000)
    expect((await cluster.pod('big')).spec.nodeName).toBe('large')
    await cluster.stop()
  })

  it('waits for scheduling gates, and leaves pods of other schedulers alone', async () => {
    const cluster = await Cluster.start(3)
    await cluster.createNode('a', { cpu: '4', memory: '8Gi', pods: '110' })
    await cluster.createPod('gated', {}, { schedulingGates: [{ name: 'example.com/wait' }] })
    await cluster.createPod('other', {}, { schedulerName: 'another' })
    await cluster.clock.advance(1000)
    expect((await cluster.pods()).map((p) => p.spec.nodeName)).toEqual([undefined, undefined])
    const { metadata } = await cluster.pod('gated')
    await cluster.client.patch(pods, metadata, { spec: { schedulingGates: null } }, { type: 'merge' })
    await cluster.clock.advance(1000)
    expect((await cluster.pod('gated')).spec.nodeName).toBe('a')
    expect((await cluster.pod('other')).spec.nodeName).toBeUndefined()
    await cluster.stop()
  })
})

/** One binding in five fails, and one in ten succeeds without the scheduler being told. */
function unreliable(transport: Transport, random: Random): Transport {
  return {
    watch: (request, sink) => transport.watch(request, sink),
    async call(request, signal) {
      if (request.subresource !== 'binding') return transport.call(request, signal)
      const dice = random.int(10)
      if (dice < 2) throw new Error('connection refused')
      const answer = await transport.call(request, signal)
      if (dice === 2) throw new Error('connection reset')
      return answer
    },
  }
}

describe('the scheduler, whatever goes wrong', () => {
  it.each([1, 2, 3, 4, 5, 6])('never gives a node more than it has (seed %i)', async (seed) => {
    const cluster = await Cluster.start(seed, unreliable)
    const random = seededRandom(seed * 1000)
    const live = new Set<string>()
    const up = new Set<string>()
    const createNode = async () => {
      const name = `n${random.int(8)}`
      if (up.has(name)) return
      up.add(name)
      await cluster.createNode(name, { cpu: `${1 + random.int(4)}`, memory: '4Gi', pods: `${3 + random.int(8)}` })
    }
    for (let i = 0; i < 3; i++) await createNode()
    for (let step = 0; step < 120; step++) {
      const dice = random.int(20)
      if (dice < 12) {
        const name = `p${step}`
        live.add(name)
        const requests = { cpu: `${100 * (1 + random.int(12))}m`, memory: `${64 * random.int(16)}Mi` }
        await cluster.createPod(name, requests, { terminationGracePeriodSeconds: 0 })
      } else if (dice < 16 && live.size > 0) {
        const name = [...live][random.int(live.size)]!
        live.delete(name)
        await cluster.client.delete(pods, { namespace: 'sim', name }, { gracePeriodSeconds: 0 })
      } else if (dice === 16) await createNode()
      else await cluster.clock.advance(random.int(3000))
      if (step % 10 === 0) await cluster.checkRoom()
    }
    // Room for everybody.
    await cluster.createNode('refuge', { cpu: '200', memory: '200Gi', pods: '500' })
    await cluster.clock.advance(400_000)
    await cluster.checkRoom()
    const homeless = (await cluster.pods()).filter((p) => !p.spec.nodeName)
    expect(homeless.map((p) => p.metadata.name)).toEqual([])
    expect((await cluster.pods()).length).toBe(live.size)
    expect(cluster.scheduler.counts()).toMatchObject({ active: 0, unschedulable: 0, inFlight: 0, assumed: 0 })
    await cluster.stop()
  })
})
