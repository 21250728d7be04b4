/** What happens to a pod that could not be scheduled: back to the queue, an event, and a condition that says why. */
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Pod, PodCondition } from '#api/core/v1/pod.ts'
import type { Client } from '#client/client.ts'
import type { EventRecorder } from '#client/event-recorder.ts'
import type { Lister } from '#client/informer.ts'
import { formatTime } from '#machinery/time.ts'
import { StatusPatches } from './api-calls.ts'
import { DEFAULT_SCHEDULER_NAME } from './default-profile.ts'
import type { QueuedPod } from './queue/queued-pod.ts'
import type { SchedulingQueue } from './queue/scheduling-queue.ts'
import type { Misfit } from './scheduling-algorithm.ts'
import type { PodInfo } from './state/pod-info.ts'

export interface FailureHandlerOptions {
  client: Client
  clock: Clock
  log: Log
  signal: AbortSignal
  queue: SchedulingQueue
  recorder: EventRecorder
  pods: Lister<Pod>
  info: (pod: Pod) => PodInfo
}

/** Longest message of an event. */
const MAX_NOTE_LENGTH = 1024

export class FailureHandler {
  readonly #options: FailureHandlerOptions
  readonly #patches: StatusPatches

  constructor(options: FailureHandlerOptions) {
    this.#options = options
    this.#patches = new StatusPatches(options)
  }

  /** No node can take the pod now; it waits for an event that may change that. */
  misfit(queued: QueuedPod, misfit: Misfit): void {
    queued.unschedulablePlugins = new Set(misfit.plugins)
    queued.pendingPlugins = new Set(misfit.pendingPlugins)
    this.#fail(queued, 'Unschedulable', misfit.message, misfit.nominatedNodeName)
  }

  /** Something went wrong that has nothing to do with the pod; it is tried again after a back-off. */
  error(queued: QueuedPod, message: string): void {
    queued.unschedulablePlugins = new Set()
    queued.pendingPlugins = new Set()
    this.#fail(queued, 'SchedulerError', message, '')
  }

  #fail(queued: QueuedPod, reason: string, message: string, nominatedNodeName: string | undefined) {
    const { queue, pods, recorder, signal } = this.#options
    const { namespace, name } = queued.info.pod.metadata
    const latest = pods.get(namespace, name)
    // Deleted, replaced by another of its name, or bound after all (a binding whose answer got lost).
    if (!latest || latest.metadata.uid !== queued.info.uid || latest.spec.nodeName) {
      queue.delete(queued.info.uid)
      queue.done(queued.info.uid)
      return
    }
    queue.addUnschedulable(queued, this.#options.info(latest))
    if (signal.aborted) return
    recorder
      .as(latest.spec.schedulerName ?? DEFAULT_SCHEDULER_NAME)
      .event(latest, 'Warning', 'FailedScheduling', truncate(message))
    const status = statusPatch(latest, { reason, message, nominatedNodeName }, this.#options.clock.now())
    if (status) this.#patches.send({ uid: latest.metadata.uid, key: { namespace, name }, status })
  }
}

/** The part of the status to be changed; undefined where it says so already. */
export function statusPatch(
  pod: Pod,
  failure: { reason: string; message: string; nominatedNodeName: string | undefined },
  nowMs: number,
): Record<string, unknown> | undefined {
  const { reason, message, nominatedNodeName } = failure
  const before = pod.status.conditions?.find((c) => c.type === 'PodScheduled')
  const isSame = before?.status === 'False' && before.reason === reason && before.message === message
  const condition: PodCondition = {
    type: 'PodScheduled',
    status: 'False',
    reason,
    message,
    lastTransitionTime: before?.status === 'False' ? before.lastTransitionTime : formatTime(nowMs),
    observedGeneration: pod.metadata.generation,
  }
  const renominate = nominatedNodeName !== undefined && nominatedNodeName !== (pod.status.nominatedNodeName ?? '')
  if (isSame && !renominate) return undefined
  return {
    ...(!isSame && { conditions: [condition] }),
    ...(renominate && { nominatedNodeName: nominatedNodeName || null }),
  }
}

function truncate(message: string): string {
  return message.length <= MAX_NOTE_LENGTH ? message : `${message.slice(0, MAX_NOTE_LENGTH - 4)} ...`
}
