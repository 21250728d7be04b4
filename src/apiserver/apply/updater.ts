/**
 * The core of field ownership: who owns what after a write, and what an object becomes when somebody applies to it. Pure
 * but for conversions to versions in which other managers have named their fields; those are asked for by `yield`, so that
 * all of it is synchronous where none is needed. Upstream: `structured-merge-diff/merge.Updater`.
 */
import { type CompareOptions, compare, compareInSteps, type Comparison, comparison } from './compare.ts'
import { ConflictError, conflictsOf } from './conflicts.ts'
import { difference, EMPTY, type FieldSet, intersection, isEmpty, union } from './field-set.ts'
import type { JsonObject, ManagedKind } from './managed-kind.ts'
import { ManagerEntry, type Managers, type Writer } from './managers.ts'
import { merge } from './merge.ts'
import type { NewFields } from './new-fields.ts'
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

/** Asks for a turn of others, where there is much to do. */
export const PAUSE = Symbol('pause')

/** What is computed in steps, between which objects are converted and others have their turn. */
export type Steps<T> = Generator<ConversionRequest | typeof PAUSE, T, JsonObject>

/** A write by somebody. */
export interface Write {
  readonly writer: Writer
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
  { id, filter }: Pick<Write, 'id' | 'filter'>,
  newFields: NewFields,
): Steps<FieldSet> {
  const options = { isComplete: true, newFields }
  const differences = yield* compareInVersions(live, next, managers, filter, options)
  for (const [of, owned] of managers) {
    const { changed, removed } = differences.get(owned.apiVersion)!
    // What the writer takes from itself it gets back.
    const left = of === id ? owned.set : difference(owned.set, changed)
    keep(managers, of, owned, difference(left, removed))
  }
  return differences.get(next.kind.apiVersion)!.changed
}

/**
 * How the two differ, in the version of each manager. Removes managers of versions that are no more. Managers name fields
 * as they were in their version, so that what they own is looked up there.
 */
function* compareInVersions(
  live: Versioned,
  next: Versioned,
  managers: Managers,
  filter: FieldFilter | undefined,
  options: CompareOptions,
): Steps<ReadonlyMap<string, Comparison>> {
  const put = compareInSteps(next.kind.schema, live.object, next.object, options)
  yield PAUSE
  const found = new Map([[next.kind.apiVersion, filteredBy(filter, put())]])
  for (const [id, { apiVersion }] of managers) {
    if (found.has(apiVersion)) continue
    const [before, after] = [yield* inVersion(live, apiVersion), yield* inVersion(next, apiVersion)]
    if (!before || !after) managers.delete(id)
    else {
      const other = compare(after.kind.schema, before.object, after.object, { isComplete: true })
      found.set(apiVersion, filteredBy(filter, other))
    }
  }
  return found
}

/** Lets a manager own `left`, or go. */
function keep(managers: Managers, id: string, owned: ManagerEntry, left: FieldSet) {
  if (isEmpty(left)) managers.delete(id)
  else if (left !== owned.set) managers.set(id, owned.owning(left))
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
  yield PAUSE
  const set = filter ? filter(mentioned) : mentioned
  managers.set(id, new ManagerEntry(writer, set, before?.time, kind.schema, id))
  const merged: Versioned = { kind, object: merge(kind.schema, live.object, applied) as JsonObject }
  yield PAUSE
  const next = before ? yield* prune(merged, managers, before) : merged
  yield PAUSE
  const differences = yield* compareInVersions(live, next, managers, filter, { isComplete: false })
  yield PAUSE
  const conflicts = new Map<string, FieldSet>()
  for (const [of, owned] of managers) {
    if (of === id) continue
    const taken = intersection(owned.set, differences.get(owned.apiVersion)!.changed)
    if (!isEmpty(taken)) conflicts.set(of, taken)
  }
  if (!force && conflicts.size > 0) throw new ConflictError(conflictsOf(conflicts, managers))
  for (const [of, owned] of managers) {
    const { removed } = differences.get(owned.apiVersion)!
    const left = of === id ? set : difference(difference(owned.set, conflicts.get(of) ?? EMPTY), removed)
    keep(managers, of, owned, left)
  }
  return next.object
}

/** Without what `before` owned and nobody owns any more. */
function* prune(merged: Versioned, managers: Managers, before: ManagerEntry): Steps<Versioned> {
  if (isEmpty(before.set)) return merged
  const sameVersion = [...managers.values()].filter(({ apiVersion }) => apiVersion === before.apiVersion)
  // Mostly everything that was applied still has an owner, so that there is nothing to look for.
  if (isEmpty(sameVersion.reduce((left, { set }) => difference(left, set), before.set))) return merged
  const then = yield* inVersion(merged, before.apiVersion)
  if (!then) return merged
  const { schema } = then.kind
  yield PAUSE
  const last = withNamedFields(before.set, schema)
  const without: Versioned = { kind: then.kind, object: removeItems(schema, then.object, last) }
  yield PAUSE
  const restored = yield* addOwned(then, without, managers)
  yield PAUSE
  const back = (yield* inVersion(restored, before.apiVersion)) ?? restored
  const all = withNamedFields(toFieldSet(schema, then.object), schema)
  yield PAUSE
  const kept = withNamedFields(toFieldSet(schema, back.object), schema)
  yield PAUSE
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
    yield PAUSE
    const keep = union(withNamedFields(toFieldSet(schema, y.object), schema), withNamedFields(set, schema))
    left = { kind: x.kind, object: removeItems(schema, x.object, difference(all, keep)) }
  }
  return left
}
