/**
 * What a deletion does to an object: remove it, or mark it and wait for a grace period, finalizers or the garbage
 * collector. Pure. Upstream: `rest.BeforeDelete` and `deletionFinalizersForGarbageCollection`.
 */
import type { StatusError } from '#machinery/status-error.ts'
import { badRequest } from '#machinery/status-error.ts'
import { timestamp } from './object-meta.ts'
import type { Draft, Stored, Strategy } from './strategy.ts'

export interface DeleteRequest {
  gracePeriodSeconds?: number
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground'
  orphanDependents?: boolean
  preconditions?: { uid?: string; resourceVersion?: string }
}

export type DeletionPlan = { kind: 'remove' } | { kind: 'mark'; object: Draft } | { kind: 'nothing' }

/** Throws BadRequest for options that contradict one another. */
export function checkDeleteRequest(request: DeleteRequest): StatusError | undefined {
  if (request.orphanDependents !== undefined && request.propagationPolicy !== undefined) {
    return badRequest('orphanDependents and deletionPropagation cannot be both set')
  }
  if (request.propagationPolicy && !['Orphan', 'Background', 'Foreground'].includes(request.propagationPolicy)) {
    return badRequest(
      `invalid propagationPolicy ${JSON.stringify(request.propagationPolicy)}, supported values: "Background", "Foreground", "Orphan"`,
    )
  }
  return undefined
}

const ORPHAN = 'orphan'
const FOREGROUND = 'foregroundDeletion'

/** The finalizers that make the garbage collector do what the request's policy asks. */
function finalizersFor(object: Stored, request: DeleteRequest): string[] {
  const rest = (object.metadata.finalizers ?? []).filter(
    (finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND,
  )
  const had = new Set(object.metadata.finalizers ?? [])
  const policy =
    request.propagationPolicy ??
    (request.orphanDependents === true ? 'Orphan' : request.orphanDependents === false ? 'Background' : undefined)
  if (policy === 'Orphan' || (policy === undefined && had.has(ORPHAN))) return [...rest, ORPHAN]
  if (policy === 'Foreground' || (policy === undefined && had.has(FOREGROUND))) return [...rest, FOREGROUND]
  return rest
}

export function planDeletion(object: Stored, request: DeleteRequest, strategy: Strategy, nowMs: number): DeletionPlan {
  const meta = object.metadata
  const finalizers = finalizersFor(object, request)
  const grace = strategy.gracePeriod?.(object, request.gracePeriodSeconds)
  const waits = finalizers.length > 0 || strategy.blocksDeletion?.(object) === true

  if (meta.deletionTimestamp !== undefined) {
    const current = meta.deletionGracePeriodSeconds ?? 0
    // A later request may only shorten the grace period.
    const shortened = grace !== undefined && grace < current
    const next = shortened ? grace : current
    if (next === 0 && !waits) return { kind: 'remove' }
    if (!shortened && sameList(finalizers, meta.finalizers ?? [])) return { kind: 'nothing' }
    const startedMs = Date.parse(meta.deletionTimestamp) - current * 1000
    return {
      kind: 'mark',
      object: marked(object, finalizers, {
        ...(shortened && { deletionTimestamp: timestamp(startedMs + next * 1000), deletionGracePeriodSeconds: next }),
      }),
    }
  }
  if ((grace ?? 0) === 0 && !waits) return { kind: 'remove' }
  const draft = marked(object, finalizers, {
    deletionTimestamp: timestamp(nowMs + (grace ?? 0) * 1000),
    deletionGracePeriodSeconds: grace ?? 0,
    ...(strategy.countsGeneration && { generation: (meta.generation ?? 0) + 1 }),
  })
  strategy.beginDeletion?.(draft)
  return { kind: 'mark', object: draft }
}

function marked(object: Stored, finalizers: string[], changes: Partial<Draft['metadata']>): Draft {
  const { finalizers: _finalizers, ...meta } = object.metadata
  return { ...object, metadata: { ...meta, ...(finalizers.length > 0 && { finalizers }), ...changes } } as Draft
}

const sameList = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((value, i) => value === b[i])
