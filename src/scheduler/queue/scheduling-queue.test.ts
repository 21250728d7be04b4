import { describe, expect, it } from 'vitest'
import { FakeClock } from '#base/fake-clock.ts'
import { silentLog } from '#base/log.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Client } from '#client/client.ts'
import { defaultProfile } from '../default-profile.ts'
import { type PodFixture, testListers, testNode, testPod } from '../fixtures.ts'
import { action, events } from '../framework/cluster-event.ts'
import type { PreEnqueuePlugin } from '../framework/plugin.ts'
import { NodeTable } from '../state/node-table.ts'
import { podInfo } from '../state/pod-info.ts'
import { PodShapes } from '../state/pod-shape.ts'
import type { QueuedPod } from './queued-pod.ts'
import { SchedulingQueue } from './scheduling-queue.ts'

const shapes = new PodShapes()
const info = (pod: Pod) => podInfo(pod, shapes)

function setUp(options: { preEnqueue?: PreEnqueuePlugin } = {}) {
  const clock = new FakeClock(0)
  let wakeUps = 0
  const profile = defaultProfile({ nodes: new NodeTable(), listers: testListers() }, undefined as unknown as Client)
  const queue = new SchedulingQueue({
    clock,
    log: silentLog,
    profiles: new Map([
      ['default-scheduler', options.preEnqueue ? { ...profile, preEnqueue: [options.preEnqueue] } : profile],
    ]),
    onReady: () => wakeUps++,
  })
  const add = (name: string, fixture?: PodFixture) => {
    const pod = testPod(name, fixture)
    queue.add(info(pod))
    return pod
  }
  const names = () => {
    const popped: string[] = []
    for (let pod = queue.pop(); pod; pod = queue.pop()) popped.push(pod.info.pod.metadata.name)
    return popped
  }
  /** Takes out the next pod and brings it back as rejected by these plugins; by none, as failed with an error. */
  const reject = (...plugins: string[]): QueuedPod => {
    const pod = queue.pop()!
    pod.unschedulablePlugins = new Set(plugins)
    queue.addUnschedulable(pod, pod.info)
    return pod
  }
  return { clock, queue, add, names, reject, wakeUps: () => wakeUps }
}

const nodeAdded = (cpu = '4') => ({ event: events.nodeAdd, before: undefined, after: testNode('n', { cpu }) })

describe('SchedulingQueue', () => {
  it('hands out pods by priority, then by age', async () => {
    const { clock, add, names } = setUp()
    add('old')
    await clock.advance(5)
    add('young')
    add('younger')
    add('important', { priority: 10 })
    expect(names()).toEqual(['important', 'old', 'young', 'younger'])
  })

  it('tells when there is a pod to take', () => {
    const { add, wakeUps } = setUp()
    add('p')
    expect(wakeUps()).toBe(1)
  })

  it('keeps a rejected pod until an event that may help it', () => {
    const { queue, add, names, reject } = setUp()
    add('p', { requests: { cpu: '2' } })
    reject('NodeResourcesFit')
    expect(queue.sizes).toMatchObject({ active: 0, backoff: 0, unschedulable: 1 })
    queue.moveOn(nodeAdded('1'))
    queue.moveOn({
      event: { resource: 'Node', actions: action.updateNodeLabel },
      before: testNode('n'),
      after: testNode('n'),
    })
    queue.moveOn({ event: events.assignedPodAdd, before: undefined, after: testPod('other', { nodeName: 'n' }) })
    expect(queue.sizes).toMatchObject({ unschedulable: 1 })
    queue.moveOn(nodeAdded('2'))
    expect(queue.sizes).toMatchObject({ backoff: 1, unschedulable: 0 })
    expect(names()).toEqual(['p'])
  })

  it('asks only the plugins that rejected the pod', () => {
    const { queue, add, reject } = setUp()
    add('p')
    reject('TaintToleration')
    queue.moveOn({ event: events.assignedPodDelete, before: testPod('other', { nodeName: 'n' }), after: undefined })
    expect(queue.sizes).toMatchObject({ unschedulable: 1 })
  })

  it('lets active pods go first, and takes one that backs off when there is no other', () => {
    const { queue, add, names, reject } = setUp()
    add('failed')
    reject('NodeName')
    queue.moveOn(nodeAdded())
    add('fresh')
    expect(names()).toEqual(['fresh', 'failed'])
  })

  it('backs off twice as long after each error, from one second to ten', async () => {
    const { clock, queue, add, reject } = setUp()
    add('p')
    const delays: number[] = []
    for (let i = 0; i < 6; i++) {
      reject()
      const failedAt = clock.now()
      while (queue.sizes.active === 0) await clock.advance(1000)
      delays.push((clock.now() - failedAt) / 1000)
    }
    // A back-off ends with the second in which it is over.
    expect(delays).toEqual([2, 3, 5, 9, 11, 11])
  })

  it('does not hand out a pod that backs off after an error', async () => {
    const { clock, queue, add, names, reject } = setUp()
    add('p')
    reject()
    expect(names()).toEqual([])
    expect(queue.isReady).toBe(false)
    await clock.advance(2000)
    expect(names()).toEqual(['p'])
  })

  it('tries a pod again after five minutes without any event', async () => {
    const { clock, queue, add, reject } = setUp()
    add('p')
    reject('NodeAffinity')
    await clock.advance(299_000)
    expect(queue.sizes).toMatchObject({ unschedulable: 1 })
    await clock.advance(40_000)
    expect(queue.sizes).toMatchObject({ active: 1, unschedulable: 0 })
  })

  it('remembers what happened while a pod was in flight', () => {
    const { queue, add } = setUp()
    add('p', { requests: { cpu: '2' } })
    add('q')
    const [p, q] = [queue.pop()!, queue.pop()!]
    queue.moveOn(nodeAdded('4'))
    p.unschedulablePlugins = new Set(['NodeResourcesFit'])
    queue.addUnschedulable(p, p.info)
    expect(queue.sizes).toMatchObject({ backoff: 1, unschedulable: 0, inFlight: 1 })
    expect(queue.rememberedChanges).toBe(1)
    queue.done(q.info.uid)
    expect(queue.rememberedChanges).toBe(0)
  })

  it('holds against a pod only what happened since it was taken out', () => {
    const { queue, add } = setUp()
    add('p', { requests: { cpu: '2' } })
    add('q', { requests: { cpu: '2' } })
    queue.pop()
    queue.moveOn(nodeAdded('4'))
    const q = queue.pop()!
    q.unschedulablePlugins = new Set(['NodeResourcesFit'])
    queue.addUnschedulable(q, q.info)
    expect(queue.sizes).toMatchObject({ unschedulable: 1 })
  })

  it('retries at once where a plugin waited for what happened', () => {
    const { queue, add } = setUp()
    add('p')
    const pod = queue.pop()!
    pod.unschedulableCount = 5
    pod.unschedulablePlugins = new Set(['NodePorts'])
    pod.pendingPlugins = new Set(['NodePorts'])
    queue.addUnschedulable(pod, pod.info)
    queue.moveOn(nodeAdded())
    expect(queue.sizes).toMatchObject({ active: 1 })
  })

  it('takes back a pod whose binding failed after its attempt was done', async () => {
    const { clock, queue, add } = setUp()
    add('p')
    const pod = queue.pop()!
    queue.done(pod.info.uid)
    expect(queue.get(pod.info.uid)).toBeUndefined()
    queue.addUnschedulable(pod, pod.info)
    expect(queue.sizes).toMatchObject({ backoff: 1 })
    await clock.advance(2000)
    expect(queue.pop()).toBe(pod)
  })

  it('forgets a pod that is deleted, in the queue or in flight', () => {
    const { queue, add, names } = setUp()
    const waiting = add('waiting')
    queue.delete(waiting.metadata.uid)
    expect(names()).toEqual([])
    const flying = add('flying')
    const pod = queue.pop()!
    queue.delete(flying.metadata.uid)
    queue.addUnschedulable(pod, pod.info)
    expect(queue.sizes).toEqual({ active: 0, backoff: 0, unschedulable: 0, inFlight: 0 })
  })

  it('keeps a pod with scheduling gates out until they are gone', () => {
    const { queue, add, names } = setUp()
    const gated = add('p', { spec: { schedulingGates: [{ name: 'a' }, { name: 'b' }] } })
    expect(queue.sizes).toMatchObject({ active: 0, unschedulable: 1 })
    queue.moveOn(nodeAdded())
    const oneLess = testPod('p', { spec: { schedulingGates: [{ name: 'b' }] } })
    queue.update(info(oneLess), gated)
    expect(names()).toEqual([])
    queue.update(info(testPod('p')), oneLess)
    expect(names()).toEqual(['p'])
  })

  it('moves a rejected pod that got the toleration it lacked', () => {
    const { queue, add, names, reject } = setUp()
    const before = add('p')
    reject('TaintToleration')
    queue.update(info(testPod('p', { labels: { new: 'label' } })), before)
    expect(queue.sizes).toMatchObject({ unschedulable: 1 })
    queue.update(info(testPod('p', { spec: { tolerations: [{ operator: 'Exists' }] } })), before)
    expect(names()).toEqual(['p'])
  })

  it('puts an active pod whose priority changed in its new place', () => {
    const { queue, add, names } = setUp()
    const low = add('low')
    add('middle', { priority: 5 })
    queue.update(info(testPod('low', { priority: 9 })), low)
    expect(names()).toEqual(['low', 'middle'])
  })

  it('treats a plugin that fails to judge an event as hopeful', () => {
    const { queue, add, reject } = setUp()
    add('p', { requests: { cpu: '1' } })
    reject('NodeResourcesFit')
    queue.moveOn({ event: events.nodeAdd, before: undefined, after: undefined })
    expect(queue.sizes).toMatchObject({ backoff: 1 })
  })

  it('sets no timer while it is empty, and none once it is closed', async () => {
    const { clock, queue, add, reject } = setUp()
    expect(clock.pendingCount).toBe(0)
    add('p')
    reject('NodeName')
    expect(clock.pendingCount).toBe(1)
    queue.close()
    expect(clock.pendingCount).toBe(0)
  })
})
