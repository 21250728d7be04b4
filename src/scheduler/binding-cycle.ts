/**
 * From the decision to the bound pod: assume, Reserve and Permit at once; PreBind, Bind and PostBind in the background.
 * Whatever fails undoes what was done before, in reverse order, and the pod goes back to the queue.
 */
import { messageOf } from '#base/errors.ts'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { EventRecorder } from '#client/event-recorder.ts'
import { Lane } from './api-calls.ts'
import { DEFAULT_SCHEDULER_NAME } from './default-profile.ts'
import type { FailureHandler } from './failure-handler.ts'
import { events } from './framework/cluster-event.ts'
import { fitErrorMessage } from './framework/diagnosis.ts'
import type { Profile } from './framework/plugin.ts'
import { Rejection } from './framework/status.ts'
import type { QueuedPod } from './queue/queued-pod.ts'
import type { SchedulingQueue } from './queue/scheduling-queue.ts'
import type { Misfit } from './scheduling-algorithm.ts'
import type { ClusterCache } from './state/cluster-cache.ts'

export interface BindingCycleOptions {
  clock: Clock
  log: Log
  signal: AbortSignal
  cache: ClusterCache
  queue: SchedulingQueue
  failures: FailureHandler
  recorder: EventRecorder
  /** Called when bindings no longer hold the scheduler up. */
  onDrained: () => void
}

const CONCURRENT_BINDINGS = 64
const MAX_BACKLOG = 512
/** No pod waits longer for permission than this. */
const PERMIT_TIMEOUT_MS = 15 * 60_000
const PERMIT_TIMEOUT_MESSAGE = 'timeout waiting for permission'

export class BindingCycle {
  readonly #options: BindingCycleOptions
  readonly #lane: Lane
  #waitingForPermit = 0

  constructor(options: BindingCycleOptions) {
    this.#options = options
    this.#lane = new Lane(CONCURRENT_BINDINGS, MAX_BACKLOG, options.onDrained)
  }

  get isFull(): boolean {
    return this.#lane.isFull
  }

  /** Pods decided on that are neither bound nor back in the queue. */
  get pending(): number {
    return this.#lane.running + this.#lane.backlog + this.#waitingForPermit
  }

  /** Takes over a pod in flight. Does not throw. */
  start(queued: QueuedPod, nodeName: string, profile: Profile): void {
    const { cache, queue } = this.#options
    const { info } = queued
    const waits: Promise<Rejection | undefined>[] = []
    const permits = new AbortController()
    try {
      cache.assume(info, nodeName)
      for (const plugin of profile.reserve) {
        const rejection = plugin.reserve(info, nodeName)
        if (rejection) return this.#undo(queued, nodeName, profile, rejection)
      }
      for (const plugin of profile.permit) {
        const answer = plugin.permit(info, nodeName, permits.signal)
        if (answer instanceof Promise) waits.push(answer)
        else if (answer) {
          permits.abort()
          return this.#undo(queued, nodeName, profile, answer)
        }
      }
    } catch (err) {
      permits.abort()
      return this.#undo(queued, nodeName, profile, err)
    }
    if (waits.length > 0) {
      void this.#waitForPermits(queued, nodeName, profile, waits, permits)
      return
    }
    // From here on the pod cannot become unschedulable any more: it is bound, or it failed.
    queue.done(info.uid)
    this.#lane.run(() => this.#bind(queued, nodeName, profile))
  }

  async #waitForPermits(
    queued: QueuedPod,
    nodeName: string,
    profile: Profile,
    waits: Promise<Rejection | undefined>[],
    permits: AbortController,
  ) {
    this.#waitingForPermit++
    const { clock, queue, signal } = this.#options
    let stop = () => {}
    const ended = new Promise<Rejection>((resolve) => {
      const plugin = profile.permit[0]!.name
      const timer = clock.after(PERMIT_TIMEOUT_MS, () => resolve(new Rejection(plugin, [PERMIT_TIMEOUT_MESSAGE])))
      const onAbort = () => resolve(new Rejection(plugin, ['the scheduler stops']))
      signal.addEventListener('abort', onAbort, { once: true })
      stop = () => {
        timer.cancel()
        signal.removeEventListener('abort', onAbort)
      }
    })
    let outcome: unknown
    try {
      const refused = new Promise<Rejection>((resolve, reject) => {
        for (const wait of waits) wait.then((answer) => answer && resolve(answer), reject)
      })
      outcome = await Promise.race([ended, refused, Promise.all(waits).then(() => undefined)])
    } catch (err) {
      outcome = err
    }
    stop()
    permits.abort()
    this.#waitingForPermit--
    if (outcome !== undefined) return this.#undo(queued, nodeName, profile, outcome)
    queue.done(queued.info.uid)
    this.#lane.run(() => this.#bind(queued, nodeName, profile))
  }

  async #bind(queued: QueuedPod, nodeName: string, profile: Profile): Promise<void> {
    const { log, recorder, signal } = this.#options
    const { info } = queued
    try {
      for (const plugin of profile.preBind) await plugin.preBind(info, nodeName, signal)
      await profile.bind.bind(info, nodeName, signal)
    } catch (err) {
      if (!signal.aborted) log.warn({ pod: info.key, node: nodeName, why: messageOf(err) }, 'cannot bind a pod')
      this.#undo(queued, nodeName, profile, err)
      return
    }
    recorder
      .as(info.pod.spec.schedulerName ?? DEFAULT_SCHEDULER_NAME)
      .event(info.pod, 'Normal', 'Scheduled', `Successfully assigned ${info.key} to ${nodeName}`)
    for (const plugin of profile.postBind) {
      try {
        plugin.postBind(info, nodeName)
      } catch (err) {
        log.error({ err, plugin: plugin.name, pod: info.key }, 'a plugin failed after a pod was bound')
      }
    }
  }

  /** `why`: a Rejection, or whatever was thrown. */
  #undo(queued: QueuedPod, nodeName: string, profile: Profile, why: unknown) {
    const { cache, queue, failures, log } = this.#options
    const { info } = queued
    for (const plugin of profile.reserve.toReversed()) {
      try {
        plugin.unreserve(info, nodeName)
      } catch (err) {
        log.error({ err, plugin: plugin.name, pod: info.key }, 'a plugin failed to give up what it had reserved')
      }
    }
    const wasAssumed = cache.forget(info.uid)
    const isRejected = why instanceof Rejection
    // The rejected pod itself must not take the room that it leaves for an event that helps it.
    if (isRejected) this.#rejected(queued, why)
    if (wasAssumed) {
      const before = { ...info.pod, spec: { ...info.pod.spec, nodeName } }
      queue.moveOn({ event: events.assignedPodDelete, before, after: undefined }, (pod) => pod.uid !== info.uid)
    }
    if (!isRejected) failures.error(queued, messageOf(why))
  }

  #rejected(queued: QueuedPod, rejection: Rejection) {
    const message = fitErrorMessage({
      nodeCount: 1,
      preFilterMessage: '',
      reasons: new Map(rejection.reasons.map((reason) => [reason, 1])),
      postFilterMessage: '',
    })
    const names = new Set([rejection.plugin])
    const misfit: Misfit = {
      message,
      plugins: names,
      pendingPlugins: rejection.code === 'pending' ? names : new Set(),
      nominatedNodeName: '',
    }
    this.#options.failures.misfit(queued, misfit)
  }
}
