/**
 * A limit on how many managers of updates an object keeps: the oldest become one, for each version.
 * Upstream: `managedfields/internal/capmanagers.go`.
 */
import { type FieldSet, FieldSetBuilder, forEachMember, union } from './field-set.ts'
import { ManagerEntry, managerId, type Managers, seconds, type Writer } from './managers.ts'

const MAX_UPDATERS = 10
const OLDEST = 'ancient-changes'

/** Changes `managers`. */
export function capUpdaters(managers: Managers): void {
  if (managers.size <= MAX_UPDATERS) return
  const updaters = [...managers].filter(([, { operation }]) => operation === 'Update')
  let count = updaters.length
  if (count <= MAX_UPDATERS) return
  const times = new Map(updaters.map(([id, { time }]) => [id, seconds(time)]))
  updaters.sort(([a], [b]) => times.get(a)! - times.get(b)! || (a < b ? -1 : 1))
  /** The first of each version, which becomes the bucket for the others. */
  const first = new Map<string, string>()
  /** What becomes of buckets. There may be very many sets, so they are put together at the end. */
  const buckets = new Map<string, { writer: Writer; sets: FieldSet[]; time: string | undefined }>()
  for (const [id, owned] of updaters) {
    if (count <= MAX_UPDATERS) break
    const { apiVersion } = owned
    const start = first.get(apiVersion)
    if (start === undefined) {
      first.set(apiVersion, id)
      continue
    }
    const named = { manager: OLDEST, operation: 'Update', subresource: '', apiVersion } as const
    const bucket = managerId(named)
    const so = managers.get(bucket) ?? managers.get(start)!
    if (!managers.has(bucket)) managers.delete(start)
    managers.delete(id)
    managers.set(bucket, so)
    const known = buckets.get(bucket)
    if (known) {
      known.sets.push(owned.set)
      known.time = owned.time
    } else buckets.set(bucket, { writer: named, sets: [so.set, owned.set], time: owned.time })
    count--
  }
  for (const [bucket, { writer, sets, time }] of buckets)
    managers.set(bucket, new ManagerEntry(writer, unionOf(sets), time, undefined, bucket))
}

/** To add one after the other to what grows would take the square of the time. */
function unionOf(sets: readonly FieldSet[]): FieldSet {
  if (sets.length === 2) return union(sets[0]!, sets[1]!)
  const all = new FieldSetBuilder()
  for (const set of sets) forEachMember(set, (path) => all.add(path))
  return all.build()
}
