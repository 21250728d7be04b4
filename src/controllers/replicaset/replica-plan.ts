/** Decides for a set of identical pods (ReplicaSet, ReplicationController) how many to create or which to delete, and what its status is. */
import type { ReplicaSet } from '#api/apps/v1.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { ReplicationController } from '#api/core/v1/replication-controller.ts'
import { conditionOf, withoutCondition } from '#machinery/conditions.ts'
import { selectorFromMap } from '#machinery/labels.ts'
import { formatTime } from '#machinery/time.ts'
import { isAvailable, isReady } from '../pod-state.ts'
import { withoutZeros } from '../without-zeros.ts'
import { inDeletionOrder } from './deletion-order.ts'

export type Replicated = ReplicaSet | ReplicationController
export type ReplicaStatus = ReplicaSet['status']

export interface ReplicaPlan {
  create: number
  delete: Pod[]
}

/** No more than so many are created or deleted before their events have been seen. */
export const BURST_REPLICAS = 500

/** `active` are the pods that the object owns and that have neither ended nor been told to. */
export function planReplicas(
  object: Replicated,
  active: readonly Pod[],
  related: () => readonly Pod[],
  nowMs: number,
): ReplicaPlan {
  const surplus = active.length - desiredReplicas(object)
  if (surplus <= 0) return { create: Math.min(-surplus, BURST_REPLICAS), delete: [] }
  const count = Math.min(surplus, BURST_REPLICAS)
  const candidates = count < active.length ? inDeletionOrder(active, related(), nowMs) : active
  return { create: 0, delete: candidates.slice(0, count) }
}

export function desiredReplicas({ spec }: Replicated): number {
  return spec.replicas ?? 1
}

export interface ReplicaFacts {
  active: readonly Pod[]
  /** Undefined where the kind has no such count. */
  terminating: number | undefined
  /** Why the last plan could not be carried out in full. */
  failure?: string
}

export function statusOf(
  object: Replicated,
  { active, terminating, failure }: ReplicaFacts,
  nowMs: number,
): ReplicaStatus {
  const minReadySeconds = object.spec.minReadySeconds ?? 0
  const template = selectorFromMap(object.spec.template?.metadata?.labels)
  const status: ReplicaStatus = {
    replicas: active.length,
    ...withoutZeros({
      fullyLabeledReplicas: active.filter((pod) => template.matches(pod.metadata.labels)).length,
      readyReplicas: active.filter(isReady).length,
      availableReplicas: active.filter((pod) => isAvailable(pod, minReadySeconds, nowMs)).length,
      observedGeneration: object.metadata.generation,
    }),
    ...(terminating !== undefined && { terminatingReplicas: terminating }),
  }
  const conditions = conditionsOf(object, active.length, failure, nowMs)
  if (conditions.length > 0) status.conditions = conditions
  return status
}

function conditionsOf(object: Replicated, count: number, failure: string | undefined, nowMs: number) {
  const { conditions = [] } = object.status
  const existing = conditionOf(conditions, 'ReplicaFailure')
  if (failure === undefined) return existing ? withoutCondition(conditions, 'ReplicaFailure') : conditions
  if (existing) return conditions
  const reason = count < desiredReplicas(object) ? 'FailedCreate' : 'FailedDelete'
  const lastTransitionTime = formatTime(nowMs)
  return [...conditions, { type: 'ReplicaFailure', status: 'True', lastTransitionTime, reason, message: failure }]
}
