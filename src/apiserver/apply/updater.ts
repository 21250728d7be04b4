/**
 * The core of field ownership: who owns what after a write, and what an object becomes when somebody applies to it. Pure
 * but for conversions to versions in which other managers have named their fields; those are asked for by `yield`, so that
 * all of it is synchronous where none is needed. Upstream: `structured-merge-diff/merge.Updater`.
 */
import { type CompareOptions, compare, type Comparison, comparison } from './compare.ts'
import { ConflictError, conflictsOf } from './conflicts.ts'
import { difference, EMPTY, type FieldSet, intersection, isEmpty, union } from './field-set.ts'
import type { JsonObject, ManagedKind } from './managed-kind.ts'
import type { Managers, Owned } from './managers.ts'
import { merge } from './merge.ts'
import { withNamedFields } from './named-fields.ts'
import { removeItems } from './remove-items.ts'
import type { FieldFilter } from './reset-fields.ts'
import { toFieldSet } from './to-field-set.ts'

/** An object in one version of its kind. */
export interface Versioned {
  readonly kind: ManagedKind
  readonly object: JsonObject
}

/** The object in another version that its kind knows. */
export interface ConversionRequest {
  readonly from: Versioned
  readonly apiVersion: string
}

/** What is computed in steps, between which objects are converted. */
export type Steps<T> = Generator<ConversionRequest, T, JsonObject>

/** Who writes, and under which conditions. */
export interface Write {
  /** The writer; for an update its `set` does not matter. */
  readonly writer: Omit<Owned, 'set' | 'time'>
  /** Its `managerId`. */
  readonly id: string
  /** Takes out what the strategy resets whatever the writer says; in every version of a kind the same. */
  readonly filter: FieldFilter | undefined
}

function* inVersion(from: Versioned, apiVersion: string): Steps<Versioned | undefined> {
  if (apiVersion === from.kind.apiVersion) return from
  const kind = from.kind.version(apiVersion)
  return kind && { kind, object: yield { from, apiVersion } }
}

/**
 * After a write that is not an apply. What has changed belongs to the writer, and to nobody else any more; what is gone
 * belongs to nobody. Returns what the writer has won, which is not among `managers` yet.
 */
export function* update(
  live: Versioned,
  next: Versioned,
  managers: Managers,
  { filter }: Pick<Write, 'filter'>,
): Steps<FieldSet> {
  const { changed } = yield* take(live, next, managers, undefined, true, filter, { isComplete: true })
  return changed
}

/**
 * Takes from all managers but `self` what has changed or is gone, each in its own version. Throws ConflictError where
 * that would take from somebody what has changed, unless it is forced. Changes `managers`.
 */
function* take(
  live: Versioned,
  next: Versioned,
  managers: Managers,
  self: string | undefined,
  force: boolean,
  filter: Write['filter'],
  options: CompareOptions,
): Steps<Comparison> {
  const own = compare(next.kind.schema, live.object, next.object, options)
  const byVersion = new Map<string, Comparison | undefined>([[next.kind.apiVersion, filteredBy(filter, own)]])
  const conflicts = new Map<string, FieldSet>()
  for (const [id, { apiVersion, set }] of managers) {
    if (id === self) continue
    if (!byVersion.has(apiVersion)) {
      const [before, after] = [yield* inVersion(live, apiVersion), yield* inVersion(next, apiVersion)]
      const found = before && after && compare(after.kind.schema, before.object, after.object, { isComplete: true })
      byVersion.set(apiVersion, found && filteredBy(filter, found))
    }
    const differences = byVersion.get(apiVersion)
    // Of a version that is no more, nobody owns anything.
    if (!differences) managers.delete(id)
    else {
      const taken = intersection(set, differences.changed)
      if (!isEmpty(taken)) conflicts.set(id, taken)
    }
  }
  if (!force && conflicts.size > 0) throw new ConflictError(conflictsOf(conflicts, managers))
  for (const [id, owned] of managers) {
    if (id === self) continue
    const { removed } = byVersion.get(owned.apiVersion)!
    const left = difference(difference(owned.set, conflicts.get(id) ?? EMPTY), removed)
    if (isEmpty(left)) managers.delete(id)
    else if (left !== owned.set) managers.set(id, { ...owned, set: left })
  }
  return byVersion.get(next.kind.apiVersion)!
}

function filteredBy(filter: FieldFilter | undefined, found: Comparison): Comparison {
  return filter ? comparison(filter(found.added), filter(found.modified), filter(found.removed)) : found
}

/**
 * Puts what is applied into the live object, and takes out what the same manager applied before, does not apply now, and
 * nobody else owns. Changes `managers`. Returns the new object, incomplete as what was applied is. Throws ConflictError
 * where others own what would change, unless it is forced.
 */
export function* apply(
  live: Versioned,
  applied: JsonObject,
  managers: Managers,
  { writer, id, filter }: Write,
  force: boolean,
): Steps<JsonObject> {
  const { kind } = live
  const before = managers.get(id)
  const mentioned = toFieldSet(kind.schema, applied)
  const set = filter ? filter(mentioned) : mentioned
  managers.set(id, { ...writer, time: before?.time, set })
  const merged: Versioned = { kind, object: merge(kind.schema, live.object, applied) as JsonObject }
  const next = before ? yield* prune(merged, managers, before) : merged
  yield* take(live, next, managers, id, force, filter, { isComplete: false })
  if (isEmpty(set)) managers.delete(id)
  return next.object
}

/** Without what `before` owned and nobody owns any more. */
function* prune(merged: Versioned, managers: Managers, before: Owned): Steps<Versioned> {
  if (isEmpty(before.set)) return merged
  const sameVersion = [...managers.values()].filter(({ apiVersion }) => apiVersion === before.apiVersion)
  // Mostly everything that was applied still has an owner, so that there is nothing to look for.
  if (isEmpty(sameVersion.reduce((left, { set }) => difference(left, set), before.set))) return merged
  const then = yield* inVersion(merged, before.apiVersion)
  if (!then) return merged
  const { schema } = then.kind
  const last = withNamedFields(before.set, schema)
  const without: Versioned = { kind: then.kind, object: removeItems(schema, then.object, last) }
  const restored = yield* addOwned(then, without, managers)
  const back = (yield* inVersion(restored, before.apiVersion)) ?? restored
  const all = withNamedFields(toFieldSet(schema, then.object), schema)
  const kept = withNamedFields(toFieldSet(schema, back.object), schema)
  const pruned = removeItems(schema, then.object, intersection(difference(all, kept), last))
  const now = yield* inVersion({ kind: then.kind, object: pruned }, merged.kind.apiVersion)
  return now ?? merged
}

/** `pruned` with what is in `merged` and has an owner in any version. */
function* addOwned(merged: Versioned, pruned: Versioned, managers: Managers): Steps<Versioned> {
  const owned = new Map<string, FieldSet>()
  for (const { apiVersion, set } of managers.values()) owned.set(apiVersion, union(owned.get(apiVersion) ?? EMPTY, set))
  let [whole, left] = [merged, pruned]
  // The version that was pruned comes first, because what is left may not be enough to be converted.
  const first = merged.kind.apiVersion
  for (const [apiVersion, set] of [...owned].sort(([a], [b]) => Number(b === first) - Number(a === first))) {
    const [x, y] = [yield* inVersion(whole, apiVersion), yield* inVersion(left, apiVersion)]
    if (!x || !y) continue
    whole = x
    const { schema } = x.kind
    const all = withNamedFields(toFieldSet(schema, x.object), schema)
    const keep = union(withNamedFields(toFieldSet(schema, y.object), schema), withNamedFields(set, schema))
    left = { kind: x.kind, object: removeItems(schema, x.object, difference(all, keep)) }
  }
  return left
}
