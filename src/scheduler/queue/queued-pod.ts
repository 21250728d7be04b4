/** A pod in the scheduling queue, with its history there (upstream: `framework.QueuedPodInfo`). Owned by the queue. */
import type { ClusterEvent } from '../framework/cluster-event.ts'
import type { PodInfo } from '../state/pod-info.ts'

/** `none`: taken out to be scheduled, or gone. */
export type QueuePlace = 'none' | 'active' | 'backoff' | 'errorBackoff' | 'unschedulable'

export interface QueuedPod {
  info: PodInfo
  place: QueuePlace
  /** Its position in the heap it is in. */
  heapIndex: number
  /** When it entered the queue, or came back to it after the latest attempt; wall time, milliseconds. */
  timestampMs: number
  /** Order of entering, where timestamps are equal. */
  sequence: number
  /** How often it was taken out to be scheduled. */
  attempts: number
  /** How many attempts ended with no node to go to. */
  unschedulableCount: number
  /** How many attempts in a row, up to now, ended with an error. */
  consecutiveErrors: number
  /** When its back-off ends; undefined where it has to be worked out. */
  backoffUntilMs: number | undefined
  /** The plugins that rejected it in the latest attempt; none after an error. */
  unschedulablePlugins: Set<string>
  /** Those that wait for something, after which the pod is to be retried at once. */
  pendingPlugins: Set<string>
  /** The PreEnqueue plugin that keeps it out, and the events that may change its mind. */
  gatedBy: string | undefined
  gateEvents: readonly ClusterEvent[]
}

export function queuedPod(info: PodInfo, nowMs: number, sequence: number): QueuedPod {
  return {
    info,
    place: 'none',
    heapIndex: -1,
    timestampMs: nowMs,
    sequence,
    attempts: 0,
    unschedulableCount: 0,
    consecutiveErrors: 0,
    backoffUntilMs: undefined,
    unschedulablePlugins: new Set(),
    pendingPlugins: new Set(),
    gatedBy: undefined,
    gateEvents: [],
  }
}
