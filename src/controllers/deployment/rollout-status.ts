/**
 * The status of a Deployment: its counts, and the conditions Available, Progressing and ReplicaFailure with the reasons
 * and messages that `kubectl rollout status` and users know. Progress is any new updated, ready or available replica
 * and any old one gone; without it for `progressDeadlineSeconds` the rollout has timed out.
 */
import type { Deployment, DeploymentCondition, ReplicaSet } from '#api/apps/v1.ts'
import { conditionOf, withoutCondition } from '#machinery/conditions.ts'
import { formatTime, parseTime } from '#machinery/time.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { withoutZeros } from '../without-zeros.ts'
import { REVISION } from './revision.ts'
import { desiredReplicas, progressDeadline } from './rollout-limits.ts'

export type DeploymentStatus = Deployment['status']

export interface RolloutStatus {
  status: DeploymentStatus
  /** The revision annotation that the Deployment shall carry; undefined where it stays. */
  revision: string | undefined
  /** It differs from what is stored. */
  isChanged: boolean
  /** When to look again whether the rollout has timed out. */
  checkAfterMs: number | undefined
}

type Counts = Required<Pick<DeploymentStatus, 'replicas' | 'updatedReplicas' | 'readyReplicas' | 'availableReplicas'>>

/** Collects what happens in one round; ends with `finish`. */
export class StatusDraft {
  readonly #deployment: Deployment
  readonly #nowMs: number
  #conditions: DeploymentCondition[]
  #revision: string | undefined

  constructor(deployment: Deployment, nowMs: number) {
    this.#deployment = deployment
    this.#nowMs = nowMs
    this.#conditions = deployment.status.conditions ?? []
  }

  /** As it is stored: all replicas are updated and available. */
  get isComplete(): boolean {
    return isComplete(
      this.#deployment,
      countsOf(this.#deployment.status),
      this.#deployment.status.observedGeneration ?? 0,
    )
  }

  setRevision(revision: string | undefined): void {
    if (revision !== undefined && this.#deployment.metadata.annotations?.[REVISION] !== revision)
      this.#revision = revision
  }

  /** A paused rollout cannot time out, nor can one right after it was resumed. */
  notePause(): void {
    const progressing = this.#progressing
    if (progressDeadline(this.#deployment) === undefined || progressing?.reason === 'ProgressDeadlineExceeded') return
    const isNoted = progressing?.reason === 'DeploymentPaused'
    if (this.#deployment.spec.paused && !isNoted) {
      this.#set('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused')
    } else if (!this.#deployment.spec.paused && isNoted) {
      this.#set('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed')
    }
  }

  noteFound(name: string): void {
    if (progressDeadline(this.#deployment) === undefined || this.#progressing) return
    this.#set('Progressing', 'True', 'FoundNewReplicaSet', `Found new replica set "${name}"`)
  }

  noteCreated(name: string): void {
    if (progressDeadline(this.#deployment) === undefined) return
    this.#set('Progressing', 'True', 'NewReplicaSetCreated', `Created new replica set "${name}"`)
  }

  /** `sets` are all ReplicaSets that exist; `current` has no `set` while it is being created. */
  finish(
    sets: readonly ReplicaSet[],
    current: { name: string; set: ReplicaSet | undefined } | undefined,
    maxUnavailable: number,
    mode: 'counts' | 'progress',
  ): RolloutStatus {
    const { metadata, spec, status: stored } = this.#deployment
    const desired = desiredReplicas(this.#deployment)
    const counts: Counts = {
      replicas: sum(sets, (s) => s.status.replicas),
      updatedReplicas: current?.set?.status.replicas ?? 0,
      readyReplicas: sum(sets, (s) => s.status.readyReplicas),
      availableReplicas: sum(sets, (s) => s.status.availableReplicas),
    }
    if (counts.availableReplicas >= desired - maxUnavailable) {
      this.#set('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
    } else {
      const message = 'Deployment does not have minimum availability.'
      this.#set('Available', 'False', 'MinimumReplicasUnavailable', message)
    }
    if (mode === 'progress') {
      this.#judgeProgress(counts, current?.name)
      this.#reportFailure(sets, current?.set)
    }
    const terminating = terminatingIn(sets)
    const status: DeploymentStatus = {
      ...withoutZeros({
        observedGeneration: metadata.generation,
        ...counts,
        unavailableReplicas: Math.max(sum(sets, (s) => s.spec.replicas ?? 1) - counts.availableReplicas, 0),
      }),
      ...(terminating !== undefined && { terminatingReplicas: terminating }),
      ...(stored.collisionCount !== undefined && { collisionCount: stored.collisionCount }),
      conditions: this.#conditions,
    }
    const isChanged = this.#revision !== undefined || !semanticEqual(status, stored)
    const checkAfterMs = mode === 'progress' && !spec.paused ? this.#untilDeadline(counts) : undefined
    return { status, revision: this.#revision, isChanged, checkAfterMs }
  }

  #judgeProgress(counts: Counts, currentName: string | undefined): void {
    const deadline = progressDeadline(this.#deployment)
    if (deadline === undefined) {
      this.#conditions = withoutCondition(this.#conditions, 'Progressing')
      return
    }
    const before = this.#progressing
    const isDone = counts.replicas === counts.updatedReplicas && before?.reason === 'NewReplicaSetAvailable'
    if (isDone) return
    const what = currentName ? `ReplicaSet "${currentName}"` : `Deployment "${this.#deployment.metadata.name}"`
    if (isComplete(this.#deployment, counts, this.#deployment.metadata.generation ?? 0)) {
      this.#set('Progressing', 'True', 'NewReplicaSetAvailable', `${what} has successfully progressed.`)
    } else if (hasProgressed(countsOf(this.#deployment.status), counts)) {
      // Removed first, so that the time of the last progress moves although the reason stays.
      this.#conditions = withoutCondition(this.#conditions, 'Progressing')
      const since = before?.status === 'True' ? before.lastTransitionTime : undefined
      this.#set('Progressing', 'True', 'ReplicaSetUpdated', `${what} is progressing.`, since)
    } else if (this.#hasTimedOut(before, deadline)) {
      this.#set('Progressing', 'False', 'ProgressDeadlineExceeded', `${what} has timed out progressing.`)
    }
  }

  #hasTimedOut(progressing: DeploymentCondition | undefined, deadlineSeconds: number): boolean {
    if (!progressing || progressing.reason === 'NewReplicaSetAvailable') return false
    if (progressing.reason === 'ProgressDeadlineExceeded') return true
    return parseTime(progressing.lastUpdateTime!) + deadlineSeconds * 1000 < this.#nowMs
  }

  #untilDeadline(counts: Counts): number | undefined {
    const deadline = progressDeadline(this.#deployment)
    const progressing = this.#progressing
    if (deadline === undefined || !progressing?.lastUpdateTime) return undefined
    if (isComplete(this.#deployment, counts, this.#deployment.metadata.generation ?? 0)) return undefined
    if (progressing.reason === 'ProgressDeadlineExceeded' || progressing.reason === 'NewReplicaSetAvailable')
      return undefined
    // A second more, because times are cut to whole seconds.
    return Math.max(parseTime(progressing.lastUpdateTime) + deadline * 1000 - this.#nowMs, 0) + 1000
  }

  /** Shows why pods can't be created: of the current ReplicaSet, or else of any. */
  #reportFailure(sets: readonly ReplicaSet[], current: ReplicaSet | undefined): void {
    const failureOf = (set: ReplicaSet | undefined) => conditionOf(set?.status.conditions, 'ReplicaFailure')
    const failure = failureOf(current) ?? sets.map(failureOf).find((found) => found !== undefined)
    if (!failure) {
      this.#conditions = withoutCondition(this.#conditions, 'ReplicaFailure')
      return
    }
    const { status, reason = '', message = '', lastTransitionTime } = failure
    this.#set('ReplicaFailure', status, reason, message, lastTransitionTime, lastTransitionTime)
  }

  get #progressing(): DeploymentCondition | undefined {
    return conditionOf(this.#conditions, 'Progressing')
  }

  /** Nothing happens where status and reason stay, so that neither message nor times move without need. */
  #set(type: string, status: string, reason: string, message: string, since?: string, updated?: string): void {
    const existing = conditionOf(this.#conditions, type)
    if (existing?.status === status && existing.reason === reason) return
    const now = formatTime(this.#nowMs)
    const lastTransitionTime = existing?.status === status ? existing.lastTransitionTime : (since ?? now)
    const condition = { type, status, reason, message, lastUpdateTime: updated ?? now, lastTransitionTime }
    this.#conditions = [...withoutCondition(this.#conditions, type), condition]
  }
}

function countsOf({
  replicas = 0,
  updatedReplicas = 0,
  readyReplicas = 0,
  availableReplicas = 0,
}: DeploymentStatus): Counts {
  return { replicas, updatedReplicas, readyReplicas, availableReplicas }
}

function isComplete(deployment: Deployment, counts: Counts, observedGeneration: number): boolean {
  const desired = desiredReplicas(deployment)
  const { replicas, updatedReplicas, availableReplicas } = counts
  const isObserved = observedGeneration >= (deployment.metadata.generation ?? 0)
  return updatedReplicas === desired && replicas === desired && availableReplicas === desired && isObserved
}

function hasProgressed(before: Counts, after: Counts): boolean {
  const oldBefore = before.replicas - before.updatedReplicas
  const oldAfter = after.replicas - after.updatedReplicas
  return (
    after.updatedReplicas > before.updatedReplicas ||
    oldAfter < oldBefore ||
    after.readyReplicas > before.readyReplicas ||
    after.availableReplicas > before.availableReplicas
  )
}

/** Undefined as long as one of the ReplicaSets has not counted them. */
function terminatingIn(sets: readonly ReplicaSet[]): number | undefined {
  let terminating = 0
  for (const { status } of sets) {
    if (status.terminatingReplicas !== undefined) terminating += status.terminatingReplicas
    else if ((status.observedGeneration ?? 0) > 0) return undefined
  }
  return terminating
}

function sum(sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number | undefined): number {
  return sets.reduce((total, set) => total + (count(set) ?? 0), 0)
}
