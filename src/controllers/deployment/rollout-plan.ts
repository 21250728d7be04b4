/**
 * Decides what a Deployment does next: which ReplicaSets to create, resize, annotate or delete, and what its status
 * becomes. Pure: the sizes are worked out on SetPlans, whose differences from the ReplicaSets are then carried out.
 *
 * A rolling update keeps two promises at every step: no more than replicas + maxSurge pods are asked for, and
 * ReplicaSets are only made smaller while replicas - maxUnavailable pods stay available.
 */
import type { Deployment, ReplicaSet } from '#api/apps/v1.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { isFinished } from '../pod-state.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { templateHash } from '../template-hash.ts'
import {
  type Annotations,
  byAge,
  countAnnotation,
  currentAnnotations,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  maxRevision,
  REVISION,
  revisionOf,
  sizeAnnotations,
  TEMPLATE_HASH_LABEL,
} from './revision.ts'
import { desiredReplicas, isRollingUpdate, revisionHistoryLimit, rolloutLimits } from './rollout-limits.ts'
import { type RolloutStatus, StatusDraft } from './rollout-status.ts'

/** One ReplicaSet as it is and as it shall be. */
export interface SetPlan {
  /** Undefined for the one that is to be created. */
  readonly existing: ReplicaSet | undefined
  readonly name: string
  replicas: number
  annotations: Annotations
  minReadySeconds: number
}

export interface RolloutPlan {
  /** Label and name suffix of the ReplicaSet that is to be created. */
  create: (SetPlan & { hash: string }) | undefined
  update: SetPlan[]
  delete: ReplicaSet[]
  status: RolloutStatus
}

export interface RolloutState {
  deployment: Deployment
  /** Those that it owns. */
  replicaSets: readonly ReplicaSet[]
  /** The pods of each, by its uid. Only asked for by the Recreate strategy. */
  podsOf(uid: string): readonly Pod[]
  nowMs: number
}

export function planRollout(state: RolloutState): RolloutPlan {
  return new Planner(state).plan()
}

class Planner {
  readonly #state: RolloutState
  readonly #deployment: Deployment
  readonly #desired: number
  readonly #maxSurge: number
  readonly #maxUnavailable: number
  /** By age. */
  readonly #old: SetPlan[]
  #current: SetPlan | undefined
  #created: (SetPlan & { hash: string }) | undefined
  readonly #deleted: ReplicaSet[] = []
  readonly #status: StatusDraft

  constructor(state: RolloutState) {
    const { deployment, replicaSets, nowMs } = state
    this.#state = state
    this.#deployment = deployment
    this.#desired = desiredReplicas(deployment)
    const { maxSurge, maxUnavailable } = rolloutLimits(deployment)
    this.#maxSurge = maxSurge
    this.#maxUnavailable = maxUnavailable
    const sorted = replicaSets.toSorted(byAge).map(setPlanOf)
    const { template } = deployment.spec
    this.#current = sorted.find(({ existing }) => isSameTemplate(existing!.spec.template, template))
    this.#old = sorted.filter((set) => set !== this.#current)
    this.#status = new StatusDraft(deployment, nowMs)
  }

  plan(): RolloutPlan {
    const { spec, metadata } = this.#deployment
    this.#refreshCurrent()
    if (metadata.deletionTimestamp) return this.#finish('counts')
    this.#status.notePause()
    if (spec.paused || this.#wasResized()) {
      this.#scale()
      if (spec.paused) this.#cleanUpHistory()
      return this.#finish('counts')
    }
    if (isRollingUpdate(this.#deployment)) this.#rollingUpdate()
    else this.#recreate()
    return this.#finish('progress')
  }

  get #all(): SetPlan[] {
    return this.#current ? [...this.#old, this.#current] : this.#old
  }

  #finish(mode: 'counts' | 'progress'): RolloutPlan {
    const sets = this.#all.flatMap(({ existing }) => existing ?? [])
    const current = this.#current && { name: this.#current.name, set: this.#current.existing }
    return {
      create: this.#created,
      update: this.#all.filter(needsUpdate),
      delete: this.#deleted,
      status: this.#status.finish(sets, current, this.#maxUnavailable, mode),
    }
  }

  /** Brings revision, annotations and minReadySeconds of the current ReplicaSet up to date, where there is one. */
  #refreshCurrent(): void {
    const current = this.#current
    if (!current) return
    current.annotations = currentAnnotations(this.#deployment, current.annotations, maxRevision(this.#old) + 1)
    current.minReadySeconds = this.#deployment.spec.minReadySeconds ?? 0
    this.#status.setRevision(current.annotations[REVISION])
    this.#status.noteFound(current.name)
  }

  /** `spec.replicas` has changed since the sizes were last set. */
  #wasResized(): boolean {
    return this.#all.filter(isActive).some(({ annotations }) => {
      const desired = countAnnotation(annotations, DESIRED_REPLICAS)
      return desired !== undefined && desired !== this.#desired
    })
  }

  #resize(set: SetPlan, replicas: number): void {
    if (set.replicas !== replicas) this.#resizeAndAnnotate(set, replicas)
  }

  #resizeAndAnnotate(set: SetPlan, replicas: number): void {
    set.replicas = replicas
    set.annotations = sizeAnnotations(set.annotations, this.#desired, this.#desired + this.#maxSurge)
  }

  /** Follows a change of `spec.replicas` without moving the rollout: several active ReplicaSets share it by their sizes. */
  #scale(): void {
    const active = this.#all.filter(isActive)
    if (active.length <= 1) {
      const only = active[0] ?? this.#current ?? this.#old.at(-1)
      if (only) this.#resizeAndAnnotate(only, this.#desired)
      return
    }
    if (this.#current && this.#isSaturated(this.#current)) {
      for (const set of this.#old) this.#resize(set, 0)
      return
    }
    if (isRollingUpdate(this.#deployment)) this.#scaleInProportion(active)
  }

  #scaleInProportion(active: SetPlan[]): void {
    const allowed = this.#desired > 0 ? this.#desired + this.#maxSurge : 0
    const toAdd = allowed - total(active)
    const sorted = active.toSorted(
      (a, b) => b.replicas - a.replicas || (toAdd > 0 ? compareAge(b, a) : compareAge(a, b)),
    )
    const sizes = new Map<SetPlan, number>()
    let added = 0
    for (const set of sorted) {
      const left = toAdd - added
      const share = left === 0 ? 0 : toAdd > 0 ? Math.min(this.#shareOf(set), left) : Math.max(this.#shareOf(set), left)
      sizes.set(set, set.replicas + share)
      added += share
    }
    for (const [i, set] of sorted.entries()) {
      // What rounding leaves goes to the largest.
      const leftover = i === 0 ? toAdd - added : 0
      this.#resizeAndAnnotate(set, Math.max(sizes.get(set)! + leftover, 0))
    }
  }

  /** By how much this ReplicaSet grows (or shrinks) when the whole goes from its former maximum to the present one. */
  #shareOf(set: SetPlan): number {
    if (this.#desired === 0) return -set.replicas
    const before = countAnnotation(set.annotations, MAX_REPLICAS) || this.#deployment.status.replicas || 0
    if (before === 0) return 0
    return roundHalfAway((set.replicas * (this.#desired + this.#maxSurge)) / before) - set.replicas
  }

  #isSaturated(set: SetPlan): boolean {
    const desired = countAnnotation(set.annotations, DESIRED_REPLICAS)
    const wanted = this.#desired
    return set.replicas === wanted && desired === wanted && availableIn(set) === wanted
  }

  #rollingUpdate(): void {
    const current = this.#current ?? this.#create()
    if (current.replicas > this.#desired) return this.#resize(current, this.#desired)
    const before = current.replicas
    this.#resize(current, this.#roomFor(current))
    // One direction at a time: what was just added isn't available yet.
    if (current.replicas !== before) return
    if (this.#scaleDownOld(current)) return
    if (this.#status.isComplete) this.#cleanUpHistory()
  }

  /** The size that the current ReplicaSet may grow to. */
  #roomFor(current: SetPlan): number {
    const room = this.#desired + this.#maxSurge - total(this.#all)
    if (room <= 0) return current.replicas
    return current.replicas + Math.min(room, Math.max(this.#desired - current.replicas, 0))
  }

  #scaleDownOld(current: SetPlan): boolean {
    const active = this.#old.filter(isActive)
    if (active.length === 0) return false
    const minAvailable = this.#desired - this.#maxUnavailable
    const currentUnavailable = current.replicas - availableIn(current)
    const removable = total(this.#all) - minAvailable - currentUnavailable
    if (removable <= 0) return false
    let scaledDown = 0
    // Unhealthy replicas first: removing them makes nothing worse.
    for (const set of active) {
      const unhealthy = Math.min(removable - scaledDown, set.replicas - availableIn(set))
      if (unhealthy <= 0) continue
      this.#resize(set, set.replicas - unhealthy)
      scaledDown += unhealthy
    }
    // Statuses lag behind sizes, so that neither counts more than the other allows.
    const available = active.concat(current).reduce((sum, set) => sum + Math.min(availableIn(set), set.replicas), 0)
    let spare = Math.min(available - minAvailable, removable - scaledDown)
    for (const set of active) {
      const count = Math.min(set.replicas, spare)
      if (count <= 0) continue
      this.#resize(set, set.replicas - count)
      spare -= count
      scaledDown += count
    }
    return scaledDown > 0
  }

  #recreate(): void {
    const active = this.#old.filter(isActive)
    for (const set of active) this.#resize(set, 0)
    if (active.length > 0 || this.#oldPodsRun()) return
    const current = this.#current ?? this.#create()
    this.#resize(current, this.#desired)
    if (this.#status.isComplete) this.#cleanUpHistory()
  }

  #oldPodsRun(): boolean {
    return this.#old.some(({ existing }) => {
      return (
        (existing!.status.replicas ?? 0) > 0 ||
        this.#state.podsOf(existing!.metadata.uid).some((pod) => !isFinished(pod))
      )
    })
  }

  #create(): SetPlan {
    const { metadata, spec, status } = this.#deployment
    const hash = templateHash(spec.template, status.collisionCount ?? 0)
    const revision = maxRevision(this.#old) + 1
    const created = {
      existing: undefined,
      hash,
      name: `${metadata.name.slice(0, 253 - 1 - hash.length)}-${hash}`,
      replicas: 0,
      annotations: currentAnnotations(this.#deployment, {}, revision),
      minReadySeconds: spec.minReadySeconds ?? 0,
    }
    this.#current = created
    this.#created = created
    this.#resizeAndAnnotate(created, isRollingUpdate(this.#deployment) ? this.#roomFor(created) : this.#desired)
    this.#status.setRevision(String(revision))
    this.#status.noteCreated(created.name)
    return created
  }

  /** Deletes the oldest of those ReplicaSets that are kept only to go back to. */
  #cleanUpHistory(): void {
    const limit = revisionHistoryLimit(this.#deployment)
    if (limit === undefined) return
    const kept = this.#old.filter(({ existing }) => !existing!.metadata.deletionTimestamp)
    const surplus = kept.length - limit
    if (surplus <= 0) return
    for (const set of kept.toSorted(compareRevision).slice(0, surplus)) {
      const { metadata, status } = set.existing!
      const isSettled = (metadata.generation ?? 0) <= (status.observedGeneration ?? 0)
      if ((status.replicas ?? 0) === 0 && set.replicas === 0 && isSettled) this.#deleted.push(set.existing!)
    }
  }
}

function setPlanOf(existing: ReplicaSet): SetPlan {
  return {
    existing,
    name: existing.metadata.name,
    replicas: existing.spec.replicas ?? 1,
    annotations: existing.metadata.annotations ?? {},
    minReadySeconds: existing.spec.minReadySeconds ?? 0,
  }
}

function needsUpdate({ existing, replicas, annotations, minReadySeconds }: SetPlan): boolean {
  if (!existing) return false
  const { spec, metadata } = existing
  const isSameSize = replicas === (spec.replicas ?? 1) && minReadySeconds === (spec.minReadySeconds ?? 0)
  return !isSameSize || !semanticEqual(annotations, metadata.annotations)
}

/** Equal but for the hash label, which only the ReplicaSet's template has. */
export function isSameTemplate(a: ReplicaSet['spec']['template'], b: ReplicaSet['spec']['template']): boolean {
  return semanticEqual(a?.spec, b?.spec) && semanticEqual(withoutHash(a?.metadata), withoutHash(b?.metadata))
}

function withoutHash(metadata: { labels?: Record<string, string> } | undefined) {
  const { [TEMPLATE_HASH_LABEL]: _, ...labels } = metadata?.labels ?? {}
  return { ...metadata, labels }
}

const isActive = (set: SetPlan) => set.replicas > 0
const total = (sets: readonly SetPlan[]) => sets.reduce((sum, set) => sum + set.replicas, 0)
const availableIn = (set: SetPlan) => set.existing?.status.availableReplicas ?? 0
const roundHalfAway = (value: number) => Math.sign(value) * Math.round(Math.abs(value))

/** The one that is to be created is the youngest. */
function compareAge(a: SetPlan, b: SetPlan): number {
  if (!a.existing || !b.existing) return a.existing ? -1 : b.existing ? 1 : 0
  return byAge(a.existing, b.existing)
}

function compareRevision(a: SetPlan, b: SetPlan): number {
  const [x, y] = [revisionOf(a.annotations), revisionOf(b.annotations)]
  return x === undefined || y === undefined || x === y ? compareAge(a, b) : x - y
}
