/**
 * Managers of an object seen through its scale, where there is one field to own: the number of replicas.
 * Upstream: `managedfields/scalehandler.go`.
 */
import type { ManagedFieldsEntry } from '#api/meta/v1.ts'
import { difference, type FieldSet, has, isEmpty, type Path, setOf } from './field-set.ts'
import { compareManagers, managerId, type Operation } from './managers.ts'

/** Where the number of replicas is in the object, by the version in which a manager names it. */
export type ReplicasPaths = (apiVersion: string) => Path | undefined

const SCALE = 'autoscaling/v1'
const IN_SCALE = ['f:spec', 'f:replicas']

/** The managers of `entries` that own the replicas, as managers of the scale. */
export function managersOfScale(
  entries: readonly ManagedFieldsEntry[] | undefined,
  paths: ReplicasPaths,
): ManagedFieldsEntry[] | undefined {
  const owners = (entries ?? []).filter((entry) => ownsReplicas(entry, paths))
  const own = (entry: ManagedFieldsEntry) => ({ ...entry, apiVersion: SCALE, fieldsV1: setOf(IN_SCALE) })
  return owners.length > 0 ? owners.map(own) : undefined
}

function ownsReplicas({ apiVersion, fieldsV1 }: ManagedFieldsEntry, paths: ReplicasPaths): boolean {
  const path = paths(apiVersion ?? '')
  return path !== undefined && has((fieldsV1 ?? {}) as FieldSet, path)
}

/** `entries` of the object, whose version is `apiVersion`, after its scale has come to have the managers `scale`. */
export function managersAfterScale(
  entries: readonly ManagedFieldsEntry[] | undefined,
  scale: readonly ManagedFieldsEntry[] | undefined,
  apiVersion: string,
  paths: ReplicasPaths,
): ManagedFieldsEntry[] | undefined {
  const owners = new Map((scale ?? []).map((entry) => [idOf(entry), entry]))
  const known = new Map((entries ?? []).map((entry) => [idOf(entry), entry]))
  const out: ManagedFieldsEntry[] = []
  for (const [id, entry] of known) {
    if (ownsReplicas(entry, paths) && !owners.delete(id)) {
      const left = difference(entry.fieldsV1 as FieldSet, setOf(paths(entry.apiVersion!)!))
      if (!isEmpty(left)) out.push({ ...entry, fieldsV1: left })
    } else out.push(entry)
  }
  for (const [id, entry] of owners) {
    if (!has((entry.fieldsV1 ?? {}) as FieldSet, IN_SCALE)) continue
    const { time: _time, ...named } = entry
    const time = known.get(id)?.time
    out.push({ ...named, apiVersion, fieldsV1: setOf(paths(apiVersion)!), ...(time !== undefined && { time }) })
  }
  return out.length > 0 ? out.sort(compareManagers) : undefined
}

const idOf = ({ manager = '', operation, subresource = '', apiVersion = '' }: ManagedFieldsEntry) =>
  managerId({ manager, operation: operation as Operation, subresource, apiVersion })
