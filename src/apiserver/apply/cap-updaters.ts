/**
 * A limit on how many managers of updates an object keeps: the oldest become one, for each version.
 * Upstream: `managedfields/internal/capmanagers.go`.
 */
import { union } from './field-set.ts'
import { ManagerEntry, managerId, type Managers, seconds } from './managers.ts'

const MAX_UPDATERS = 10
const OLDEST = 'ancient-changes'

/** Changes `managers`. */
export function capUpdaters(managers: Managers): void {
  if (managers.size <= MAX_UPDATERS) return
  const updaters = [...managers].filter(([, { operation }]) => operation === 'Update')
  let count = updaters.length
  if (count <= MAX_UPDATERS) return
  updaters.sort(([a, x], [b, y]) => seconds(x.time) - seconds(y.time) || (a < b ? -1 : 1))
  /** The first of each version, which becomes the bucket for the others. */
  const first = new Map<string, string>()
  for (const [id, owned] of updaters) {
    if (count <= MAX_UPDATERS) return
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
    managers.set(bucket, new ManagerEntry(named, union(so.set, owned.set), owned.time, undefined, bucket))
    count--
  }
}
