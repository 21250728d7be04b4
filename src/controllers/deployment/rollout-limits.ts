/** How far a rolling update may go above and below the wanted number of replicas. */
import type { Deployment } from '#api/apps/v1.ts'
import { scaledValue } from '../int-or-percent.ts'

const NO_LIMIT = 2 ** 31 - 1

export function desiredReplicas({ spec }: Deployment): number {
  return spec.replicas ?? 1
}

export function isRollingUpdate({ spec }: Deployment): boolean {
  return (spec.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate'
}

/** Percentages of replicas: surge is rounded up, unavailability down; where both come out as none, one may be unavailable. */
export function rolloutLimits(deployment: Deployment): { maxSurge: number; maxUnavailable: number } {
  if (!isRollingUpdate(deployment)) return { maxSurge: 0, maxUnavailable: 0 }
  const desired = desiredReplicas(deployment)
  const rolling = deployment.spec.strategy?.rollingUpdate
  const maxSurge = scaledValue(rolling?.maxSurge, desired, 'up')
  const unavailable = scaledValue(rolling?.maxUnavailable, desired, 'down')
  const maxUnavailable = maxSurge === 0 && unavailable === 0 ? 1 : unavailable
  return { maxSurge, maxUnavailable: Math.min(maxUnavailable, desired) }
}

/** Seconds without progress until the rollout counts as failed; undefined where it never does. */
export function progressDeadline({ spec }: Deployment): number | undefined {
  const { progressDeadlineSeconds: seconds } = spec
  return seconds === undefined || seconds === NO_LIMIT ? undefined : seconds
}

export function revisionHistoryLimit({ spec }: Deployment): number | undefined {
  const { revisionHistoryLimit: limit } = spec
  return limit === undefined || limit === NO_LIMIT ? undefined : limit
}
