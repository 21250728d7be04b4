/**
 * Who owns which fields of an object: `metadata.managedFields` and what is worked with instead. Upstream:
 * `managedfields/internal/managedfields.go`.
 *
 * A manager is known by name, operation and subresource, and one that updates by its version too.
 */
import type { ManagedFieldsEntry } from '#api/meta/v1.ts'
import { jsonEqual } from '#base/equal.ts'
import { canonicalSet, EMPTY, type FieldSet } from './field-set.ts'
import { NoPathElement } from './path-element.ts'

export type Operation = 'Apply' | 'Update'

/** What a manager owns, in a version of the kind. Not written to. */
export interface Owned {
  readonly manager: string
  readonly operation: Operation
  readonly subresource: string
  readonly apiVersion: string
  /** RFC 3339; undefined where nobody knows. */
  readonly time: string | undefined
  readonly set: FieldSet
}

/** By `managerId`. */
export type Managers = Map<string, Owned>

/** A list of managedFields that means nothing. */
export class InvalidManagedFields extends Error {
  override readonly name = 'InvalidManagedFields'
}

export function managerId(owned: Pick<Owned, 'manager' | 'operation' | 'subresource' | 'apiVersion'>): string {
  const { manager, operation, subresource, apiVersion } = owned
  // The text upstream knows them by, because managers are sorted by it where nothing else tells them apart.
  const name = manager && `"manager":${JSON.stringify(manager)},`
  const version = operation === 'Apply' ? '' : `,"apiVersion":${JSON.stringify(apiVersion)}`
  return `{${name}"operation":"${operation}"${version}${subresource && `,"subresource":${JSON.stringify(subresource)}`}}`
}

/**
 * Reads and writes managedFields. It knows the sets that it has made itself, so that they need not be looked at again
 * when they come back with the stored object.
 */
export class ManagedFieldsCodec {
  readonly #canonical = new WeakSet<object>()

  /** Throws InvalidManagedFields. */
  decode(entries: readonly ManagedFieldsEntry[] | undefined): Managers {
    const managers: Managers = new Map()
    entries?.forEach((entry, i) => {
      const { operation, apiVersion = '', fieldsType = '', subresource = '', time } = entry
      if (operation !== 'Apply' && operation !== 'Update')
        throw new InvalidManagedFields('operation must be `Apply` or `Update`')
      if (apiVersion === '') throw new InvalidManagedFields('apiVersion must not be empty')
      if (fieldsType === '') throw new InvalidManagedFields(`missing fieldsType in managed fields entry ${i}`)
      if (fieldsType !== 'FieldsV1') {
        const shown = JSON.stringify(fieldsType)
        throw new InvalidManagedFields(`invalid fieldsType ${shown} in managed fields entry ${i}`)
      }
      const { manager = '' } = entry
      const owned = { manager, operation, subresource, apiVersion, time, set: this.#set(entry) } as const
      managers.set(managerId(owned), owned)
    })
    return managers
  }

  #set({ fieldsV1 }: ManagedFieldsEntry): FieldSet {
    if (fieldsV1 === undefined) return EMPTY
    if (this.#canonical.has(fieldsV1)) return fieldsV1 as FieldSet
    try {
      return this.#known(canonicalSet(fieldsV1))
    } catch (cause) {
      if (!(cause instanceof NoPathElement)) throw cause
      throw new InvalidManagedFields(`error decoding set: ${cause.message}`, { cause })
    }
  }

  #known(set: FieldSet): FieldSet {
    this.#canonical.add(set)
    return set
  }

  /** In the order in which objects have them; undefined where nobody owns anything. Entries of `before` that say the same are kept. */
  encode(managers: Managers, before: readonly ManagedFieldsEntry[] = []): ManagedFieldsEntry[] | undefined {
    if (managers.size === 0) return undefined
    const sorted = [...managers.values()].sort(compareOwned)
    return sorted.map((owned) => {
      const { manager, operation, apiVersion, time, set, subresource } = owned
      const same = before.find((entry) => entry.fieldsV1 === set && entry.manager === manager)
      const entry: ManagedFieldsEntry = {
        ...(manager && { manager }),
        operation,
        apiVersion,
        ...(time !== undefined && { time }),
        fieldsType: 'FieldsV1',
        fieldsV1: this.#known(set) as Record<string, unknown>,
        ...(subresource && { subresource }),
      }
      return same && jsonEqual(same, entry) ? same : entry
    })
  }
}

type Sortable = Pick<Owned, 'manager' | 'operation' | 'subresource' | 'apiVersion' | 'time'>

/** The order in which objects have their managers: appliers first, then by time. */
export function compareOwned(a: Sortable, b: Sortable): number {
  if (a.operation !== b.operation) return a.operation < b.operation ? -1 : 1
  const [x, y] = [seconds(a.time), seconds(b.time)]
  if (x !== y) return x - y
  if (a.manager !== b.manager) return a.manager < b.manager ? -1 : 1
  if (a.apiVersion !== b.apiVersion) return a.apiVersion < b.apiVersion ? -1 : 1
  return a.subresource < b.subresource ? -1 : a.subresource > b.subresource ? 1 : 0
}

/** Since the epoch; 0 for an unknown time. */
export const seconds = (time: string | undefined): number =>
  time === undefined ? 0 : Math.floor(Date.parse(time) / 1000)
