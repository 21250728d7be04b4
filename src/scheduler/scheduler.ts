/**
 * The scheduler: keeps the cache and the queue current from informers, takes one pod after the other, decides where it
 * goes, and binds it in the background (upstream: kube-scheduler's `Scheduler`).
 *
 * A decision is made and assumed in one go, without waiting for anything, so that no event can come in between; every
 * pod taken from the queue either is handed to the binding cycle or comes back to the queue.
 */
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { namespaces, nodes, pods, replicaSets, replicationControllers, services, statefulSets } from '#api/resources.ts'
import type { Client } from '#client/client.ts'
import type { EventRecorder } from '#client/event-recorder.ts'
import type { Informer, Informers } from '#client/informer.ts'
import { BindingCycle } from './binding-cycle.ts'
import { DEFAULT_SCHEDULER_NAME, defaultProfile } from './default-profile.ts'
import { FailureHandler } from './failure-handler.ts'
import { events, nodeChangeEvents, podChangeEvents } from './framework/cluster-event.ts'
import type { PluginHandle, PluginListers, Profile } from './framework/plugin.ts'
import type { QueuedPod } from './queue/queued-pod.ts'
import { SchedulingQueue } from './queue/scheduling-queue.ts'
import { SchedulingAlgorithm } from './scheduling-algorithm.ts'
import { ClusterCache } from './state/cluster-cache.ts'
import { type PodInfo, podInfo } from './state/pod-info.ts'
import { PodShapes } from './state/pod-shape.ts'

export interface SchedulerOptions {
  client: Client
  informers: Informers
  recorder: EventRecorder
  clock: Clock
  random: Random
  log: Log
  /** Stops the scheduler. */
  signal: AbortSignal
  /** The `spec.schedulerName` of the pods that are scheduled. */
  schedulerName?: string
  /** In place of the default profile. */
  profiles?: (handle: PluginHandle) => readonly Profile[]
}

export interface SchedulerCounts {
  active: number
  backoff: number
  unschedulable: number
  inFlight: number
  /** Bindings under way or waiting. */
  binding: number
  assumed: number
}

export interface Scheduler {
  /** Resolves once all pods and nodes that there were at the start are known; rejects when the signal aborts before. */
  synced(): Promise<void>
  counts(): SchedulerCounts
}

/** Pods scheduled before others get their turn on this thread. */
const SLICE = 32

export function startScheduler(options: SchedulerOptions): Scheduler {
  return new RunningScheduler(options)
}

class RunningScheduler implements Scheduler {
  readonly #options: SchedulerOptions
  readonly #log: Log
  readonly #cache = new ClusterCache()
  readonly #shapes = new PodShapes()
  readonly #profiles: ReadonlyMap<string, Profile>
  readonly #algorithms: ReadonlyMap<string, SchedulingAlgorithm>
  readonly #queue: SchedulingQueue
  readonly #pods: Informer<Pod>
  readonly #nodes: Informer<Node>
  readonly #listers: { [K in keyof PluginListers]: PluginListers[K] & Pick<Informer<never>, 'synced'> }
  readonly #failures: FailureHandler
  readonly #bindings: BindingCycle
  readonly #synced: Promise<void>
  #isSynced = false
  #isAwake = false

  constructor(options: SchedulerOptions) {
    const { client, clock, random, informers, recorder, signal } = options
    const schedulerName = options.schedulerName ?? DEFAULT_SCHEDULER_NAME
    this.#options = options
    this.#log = options.log.child({ component: 'scheduler' })
    this.#listers = {
      namespaces: informers.for(namespaces),
      services: informers.for(services),
      replicationControllers: informers.for(replicationControllers),
      replicaSets: informers.for(replicaSets),
      statefulSets: informers.for(statefulSets),
    }
    const handle: PluginHandle = { nodes: this.#cache.nodes, listers: this.#listers }
    const profiles = options.profiles?.(handle) ?? [defaultProfile(handle, client, schedulerName)]
    this.#profiles = new Map(profiles.map((p) => [p.schedulerName, p]))
    this.#algorithms = new Map(
      profiles.map((p) => [p.schedulerName, new SchedulingAlgorithm(this.#cache.nodes, p, random)]),
    )
    this.#pods = informers.for(pods)
    this.#nodes = informers.for(nodes)
    this.#queue = new SchedulingQueue({ clock, log: this.#log, profiles: this.#profiles, onReady: () => this.#wake() })
    const shared = { client, clock, log: this.#log, signal, queue: this.#queue, cache: this.#cache }
    this.#failures = new FailureHandler({ ...shared, recorder, pods: this.#pods, info: (pod) => this.#info(pod) })
    this.#bindings = new BindingCycle({
      ...shared,
      recorder,
      failures: this.#failures,
      onDrained: () => this.#wake(),
    })
    signal.addEventListener('abort', () => this.#queue.close(), { once: true })
    this.#nodes.handle({
      added: (node) => this.#nodeAdded(node),
      updated: (node, before) => this.#nodeUpdated(node, before),
      deleted: (node) => this.#nodeDeleted(node),
    })
    this.#pods.handle({
      added: (pod) => this.#podChanged(undefined, alive(pod)),
      updated: (pod, before) => this.#podChanged(alive(before), alive(pod)),
      deleted: (pod) => this.#podChanged(alive(pod), undefined),
    })
    this.#synced = this.#sync()
    this.#synced.catch(() => {})
  }

  synced(): Promise<void> {
    return this.#synced
  }

  counts(): SchedulerCounts {
    return { ...this.#queue.sizes, binding: this.#bindings.pending, assumed: this.#cache.assumedCount }
  }

  async #sync() {
    const { signal } = this.#options
    await Promise.all([this.#nodes, this.#pods, ...Object.values(this.#listers)].map((i) => i.synced(signal)))
    this.#isSynced = true
    this.#wake()
  }

  /** Starts the loop, after whatever is being handled now. */
  #wake() {
    if (this.#isAwake || !this.#isSynced || this.#options.signal.aborted) return
    this.#isAwake = true
    queueMicrotask(() => this.#run())
  }

  #run() {
    for (let i = 0; i < SLICE; i++) {
      const pod = this.#options.signal.aborted || this.#bindings.isFull ? undefined : this.#queue.pop()
      if (!pod) {
        this.#isAwake = false
        return
      }
      this.#schedule(pod)
    }
    this.#options.clock.after(0, () => this.#run())
  }

  #schedule(queued: QueuedPod) {
    const { info } = queued
    const schedulerName = info.pod.spec.schedulerName ?? ''
    const profile = this.#profiles.get(schedulerName)
    if (!profile || this.#isPointless(info)) return this.#queue.done(info.uid)
    try {
      const decision = this.#algorithms.get(schedulerName)!.decide(info)
      if ('misfit' in decision) this.#failures.misfit(queued, decision.misfit)
      else this.#bindings.start(queued, decision.placement.nodeName, profile)
    } catch (err) {
      this.#log.error({ err, pod: info.key }, 'cannot schedule a pod: the attempt failed')
      this.#failures.error(queued, messageOf(err))
    }
  }

  #isPointless({ pod, key, uid }: PodInfo): boolean {
    if (pod.metadata.deletionTimestamp === undefined) return this.#cache.isAssumed(uid)
    this.#recorderFor(pod).event(pod, 'Warning', 'FailedScheduling', `skip schedule deleting pod: ${key}`)
    return true
  }

  #recorderFor(pod: Pod): EventRecorder {
    return this.#options.recorder.as(pod.spec.schedulerName ?? DEFAULT_SCHEDULER_NAME)
  }

  #info(pod: Pod): PodInfo {
    return podInfo(pod, this.#shapes)
  }

  #nodeAdded(node: Node) {
    this.#cache.setNode(node)
    this.#queue.moveOn({ event: events.nodeAdd, before: undefined, after: node })
  }

  #nodeUpdated(node: Node, before: Node) {
    this.#cache.setNode(node)
    if (!this.#queue.isAttentive) return
    for (const event of nodeChangeEvents(before, node)) this.#queue.moveOn({ event, before, after: node })
  }

  #nodeDeleted(node: Node) {
    this.#queue.moveOn({ event: events.nodeDelete, before: node, after: undefined })
    this.#cache.removeNode(node.metadata.name)
  }

  /** Pods that have ended are handed in as undefined: they hold nothing any more. */
  #podChanged(before: Pod | undefined, after: Pod | undefined) {
    if (before?.spec.nodeName) {
      if (after) this.#assignedUpdated(before, after)
      else this.#assignedGone(before)
    } else if (after?.spec.nodeName) {
      this.#assigned(after)
      this.#queue.delete(after.metadata.uid)
    } else if (after && this.#isOurs(after)) {
      if (before) this.#pendingUpdated(before, after)
      else this.#queue.add(this.#info(after))
    } else if (before && this.#isOurs(before)) {
      this.#pendingGone(before)
    }
  }

  #isOurs(pod: Pod): boolean {
    return this.#profiles.has(pod.spec.schedulerName ?? '')
  }

  #assigned(pod: Pod) {
    this.#cache.addPod(this.#info(pod))
    this.#queue.moveOn({ event: events.assignedPodAdd, before: undefined, after: pod })
  }

  #assignedUpdated(before: Pod, after: Pod) {
    this.#cache.addPod(this.#info(after))
    if (!this.#queue.isAttentive) return
    for (const event of podChangeEvents(before, after)) this.#queue.moveOn({ event, before, after })
  }

  #assignedGone(before: Pod) {
    this.#cache.removePod(before.metadata.uid)
    this.#queue.moveOn({ event: events.assignedPodDelete, before, after: undefined })
  }

  #pendingUpdated(before: Pod, after: Pod) {
    const { uid, deletionTimestamp } = after.metadata
    if (this.#cache.isAssumed(uid)) {
      if (deletionTimestamp !== undefined && before.metadata.deletionTimestamp === undefined) this.#assumedGone(after)
      return
    }
    this.#queue.update(this.#info(after), before)
    const nominated = before.status.nominatedNodeName
    if (nominated && nominated !== after.status.nominatedNodeName) this.#nominationGone(before)
  }

  #pendingGone(before: Pod) {
    this.#queue.delete(before.metadata.uid)
    if (this.#cache.isAssumed(before.metadata.uid)) this.#assumedGone(before)
    else if (before.status.nominatedNodeName) this.#nominationGone(before)
  }

  /** What was set aside for a pod is free again as soon as its deletion is known; its binding will fail by itself. */
  #assumedGone(pod: Pod) {
    const nodeName = this.#cache.nodeOf(pod.metadata.uid)
    if (!this.#cache.forget(pod.metadata.uid)) return
    const before = { ...pod, spec: { ...pod.spec, nodeName } }
    this.#queue.moveOn({ event: events.assignedPodDelete, before, after: undefined })
  }

  /** For pods of no higher priority the node was as good as taken. */
  #nominationGone(before: Pod) {
    const priority = before.spec.priority ?? 0
    this.#queue.moveOn({ event: events.assignedPodDelete, before, after: undefined }, (pod) => pod.priority <= priority)
  }
}

function alive(pod: Pod): Pod | undefined {
  return pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed' ? undefined : pod
}
