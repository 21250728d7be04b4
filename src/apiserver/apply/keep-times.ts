/** Upstream: `handlers/fieldmanager.IgnoreManagedFieldsTimestampsTransformer`. */
import { jsonEqual } from '#base/equal.ts'
import type { Draft, Stored } from '../registry/strategy.ts'

/**
 * Gives `draft` the old managedFields where they and everything else differ in nothing but the times of managers: a write
 * that changes nothing is no write, even if it was not seen to change nothing before the object was completed. Returns
 * whether the two are the same then; undefined where it did not look.
 */
export function keepTimes(draft: Draft, old: Stored): boolean | undefined {
  const [after, before] = [draft.metadata.managedFields, old.metadata.managedFields]
  if (!after || !before || after === before) return undefined
  if (after.length !== before.length) return false
  if (after.every((entry, i) => entry === before[i] || entry.time === before[i]!.time)) return undefined
  const isSame = after.every((entry, i) => jsonEqual({ ...entry, time: '' }, { ...before[i], time: '' }))
  if (!isSame) return false
  const { metadata, ...rest } = draft
  const { metadata: oldMetadata, ...oldRest } = old
  const others = { managedFields: undefined, resourceVersion: undefined }
  if (!jsonEqual({ ...metadata, ...others }, { ...oldMetadata, ...others }) || !jsonEqual(rest, oldRest)) return false
  draft.metadata.managedFields = before
  return true
}
