/** What controllers ask of a pod: is it active, ready, available? Times are milliseconds since the epoch. Upstream: `pkg/api/v1/pod`. */
import type { Pod } from '#api/core/v1/pod.ts'
import { conditionOf } from '#machinery/conditions.ts'
import { parseTime } from '#machinery/time.ts'

/** It has not ended, and nobody has asked it to. */
export function isActive(pod: Pod): boolean {
  return !isFinished(pod) && pod.metadata.deletionTimestamp === undefined
}

export function isFinished({ status }: Pod): boolean {
  return status.phase === 'Succeeded' || status.phase === 'Failed'
}

/** It was asked to end and has not yet. */
export function isTerminating(pod: Pod): boolean {
  return !isFinished(pod) && pod.metadata.deletionTimestamp !== undefined
}

export function isReady(pod: Pod): boolean {
  return conditionOf(pod.status.conditions, 'Ready')?.status === 'True'
}

/** Since when the pod is ready; undefined where it is not. */
export function readySinceMs(pod: Pod): number | undefined {
  const ready = conditionOf(pod.status.conditions, 'Ready')
  if (ready?.status !== 'True' || !ready.lastTransitionTime) return undefined
  return parseTime(ready.lastTransitionTime)
}

/** When the pod has been ready for `minReadySeconds`; undefined where it isn't ready. */
export function availableAtMs(pod: Pod, minReadySeconds: number): number | undefined {
  if (!isReady(pod)) return undefined
  if (minReadySeconds <= 0) return -Infinity
  const sinceMs = readySinceMs(pod)
  return sinceMs === undefined ? undefined : sinceMs + minReadySeconds * 1000
}

export function isAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  const atMs = availableAtMs(pod, minReadySeconds)
  return atMs !== undefined && atMs <= nowMs
}

/** In how many milliseconds the next of the pods becomes available; undefined where none is about to. */
export function nextAvailableInMs(pods: readonly Pod[], minReadySeconds: number, nowMs: number): number | undefined {
  let next: number | undefined
  for (const pod of pods) {
    const atMs = availableAtMs(pod, minReadySeconds)
    if (atMs !== undefined && atMs > nowMs) next = Math.min(next ?? Infinity, atMs - nowMs)
  }
  return next
}
