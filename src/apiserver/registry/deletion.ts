/**
 * What a deletion does to an object: remove it, or mark it and wait for a grace period, finalizers or the garbage
 * collector. Pure. Upstream: `rest.BeforeDelete` and `deletionFinalizersForGarbageCollection`.
 */
import { type FieldError, invalid, type StatusError } from '#machinery/status-error.ts'
import { invalidValue, timestamp, unsupportedValue } from './object-meta.ts'
import type { Draft, Stored, Strategy } from './strategy.ts'

export interface DeleteRequest {
  gracePeriodSeconds?: number
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground'
  orphanDependents?: boolean
  preconditions?: { uid?: string; resourceVersion?: string }
  dryRun?: string[]
}

/** What is removed, too, is marked as its kind asks, though nobody but the one who deletes it ever sees that. */
export type DeletionPlan = { kind: 'remove'; object: Stored } | { kind: 'mark'; object: Draft } | { kind: 'nothing' }

/** The error that options contradicting one another are answered with. */
export function checkDeleteRequest({
  orphanDependents,
  propagationPolicy,
  dryRun,
}: DeleteRequest): StatusError | undefined {
  const errors: FieldError[] = []
  if (orphanDependents !== undefined && propagationPolicy !== undefined) {
    const why = 'orphanDependents and deletionPropagation cannot be both set'
    errors.push(invalidValue('propagationPolicy', propagationPolicy, why))
  }
  if (propagationPolicy !== undefined && !POLICIES.includes(propagationPolicy))
    errors.push(unsupportedValue('propagationPolicy', propagationPolicy, [...POLICIES, 'nil']))
  if (dryRun?.some((value) => value !== 'All')) errors.push(unsupportedValue('dryRun', dryRun, ['All']))
  return errors.length === 0 ? undefined : invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors)
}

const POLICIES: readonly string[] = ['Foreground', 'Background', 'Orphan']
const ORPHAN = 'orphan'
const FOREGROUND = 'foregroundDeletion'

/** The finalizers that make the garbage collector do what the request's policy asks. */
function finalizersFor(object: Stored, request: DeleteRequest, strategy: Strategy): readonly string[] {
  const before = object.metadata.finalizers ?? []
  const rest = before.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND)
  const policy =
    request.propagationPolicy ??
    (request.orphanDependents === true ? 'Orphan' : request.orphanDependents === false ? 'Background' : undefined)
  // Without a policy the object's own finalizers count, and after them what its kind is used to.
  const chosen =
    policy === undefined
      ? (before.find((finalizer) => finalizer === ORPHAN || finalizer === FOREGROUND) ??
        (strategy.orphansByDefault ? ORPHAN : undefined))
      : { Orphan: ORPHAN, Foreground: FOREGROUND, Background: undefined }[policy]
  return chosen === undefined ? rest : [...rest, chosen]
}

export function planDeletion(object: Stored, request: DeleteRequest, strategy: Strategy, nowMs: number): DeletionPlan {
  const meta = object.metadata
  const finalizers = finalizersFor(object, request, strategy)
  const waits = finalizers.length > 0 || strategy.blocksDeletion?.(object) === true
  if (meta.deletionTimestamp === undefined) {
    const asked = strategy.gracePeriod?.(object, request.gracePeriodSeconds)
    const grace = asked ?? 0
    const isRemoved = grace === 0 && !waits
    if (isRemoved && asked === undefined) return { kind: 'remove', object }
    const draft = marked(object, finalizers, { deletionTimestamp: timestamp(nowMs + grace * 1000) })
    if (strategy.beginDeletion) strategy.beginDeletion(draft)
    else {
      draft.metadata.deletionGracePeriodSeconds = grace
      if (strategy.countsGeneration) draft.metadata.generation = (meta.generation ?? 0) + 1
    }
    return { kind: isRemoved ? 'remove' : 'mark', object: draft }
  }

  const current = meta.deletionGracePeriodSeconds ?? 0
  if (current > 0) {
    // A later request may only shorten the grace period; while it runs, the policy stands.
    const asked = request.gracePeriodSeconds === undefined ? current : atLeastGraceful(request.gracePeriodSeconds)
    if (asked >= current) return { kind: 'nothing' }
    const endMs = Date.parse(meta.deletionTimestamp) + (asked - current) * 1000
    const isOver = endMs < nowMs
    const draft = marked(object, finalizers, {
      deletionTimestamp: timestamp(isOver ? nowMs : endMs),
      deletionGracePeriodSeconds: isOver && asked > 0 ? 1 : asked,
    })
    return { kind: asked === 0 && !waits ? 'remove' : 'mark', object: draft }
  }
  if (!waits) return { kind: 'remove', object }
  const before = meta.finalizers ?? []
  const isSame = finalizers.length === before.length && finalizers.every((finalizer) => before.includes(finalizer))
  return isSame ? { kind: 'nothing' } : { kind: 'mark', object: marked(object, finalizers, {}) }
}

/** A negative period stands for the shortest that is still graceful. */
export const atLeastGraceful = (seconds: number) => (seconds < 0 ? 1 : seconds)

function marked(object: Stored, finalizers: readonly string[], changes: Partial<Draft['metadata']>): Draft {
  const { finalizers: _finalizers, ...meta } = object.metadata
  return {
    ...object,
    metadata: { ...meta, ...(finalizers.length > 0 && { finalizers: [...finalizers] }), ...changes },
  } as Draft
}
