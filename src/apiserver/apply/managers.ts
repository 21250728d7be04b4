/**
 * Who owns which fields of an object: the entries of `metadata.managedFields`. Upstream:
 * `managedfields/internal/managedfields.go`.
 *
 * A manager is known by name, operation and subresource, and one that updates by its version too.
 */
import type { KubeObject } from '#api/kind.ts'
import type { ManagedFieldsEntry } from '#api/meta/v1.ts'
import { canonicalSet, EMPTY, type FieldSet } from './field-set.ts'
import type { MergeSchema } from './merge-schema.ts'
import { NoPathElement } from './path-element.ts'

export type Operation = 'Apply' | 'Update'

/** Who writes. */
export interface Writer {
  readonly manager: string
  readonly operation: Operation
  readonly subresource: string
  readonly apiVersion: string
}

/** The text upstream knows managers by, because they are sorted by it where nothing else tells them apart. */
export function managerId({ manager, operation, subresource, apiVersion }: Writer): string {
  const name = manager && `"manager":${JSON.stringify(manager)},`
  const version = operation === 'Apply' ? '' : `,"apiVersion":${JSON.stringify(apiVersion)}`
  return `{${name}"operation":"${operation}"${version}${subresource && `,"subresource":${JSON.stringify(subresource)}`}}`
}

/**
 * What a manager owns, in a version of the kind: an entry as objects have it, which knows that it is one of ours, so that
 * nothing in it has to be looked at again when it comes back with the stored object. Not written to.
 */
export class ManagerEntry implements ManagedFieldsEntry {
  declare readonly manager?: string
  declare readonly operation: Operation
  declare readonly apiVersion: string
  /** RFC 3339; absent where nobody knows. */
  declare readonly time?: string
  declare readonly fieldsType: 'FieldsV1'
  declare readonly fieldsV1: Record<string, FieldSet>
  declare readonly subresource?: string
  readonly #id: string
  /** What the set was last found to fit. */
  #schema: MergeSchema | undefined

  constructor(writer: Writer, set: FieldSet, time: string | undefined, schema?: MergeSchema, id = managerId(writer)) {
    const { manager, operation, apiVersion, subresource } = writer
    if (manager) this.manager = manager
    this.operation = operation
    this.apiVersion = apiVersion
    if (time !== undefined) this.time = time
    this.fieldsType = 'FieldsV1'
    this.fieldsV1 = set as Record<string, FieldSet>
    if (subresource) this.subresource = subresource
    this.#id = id
    this.#schema = schema
  }

  static isOurs(entry: ManagedFieldsEntry): entry is ManagerEntry {
    return #id in entry
  }

  /** See `managerId`. */
  get id(): string {
    return this.#id
  }

  get set(): FieldSet {
    return this.fieldsV1
  }

  get writer(): Writer {
    const { manager = '', operation, subresource = '', apiVersion } = this
    return { manager, operation, subresource, apiVersion }
  }

  /** Whether the set is known to fit, after asking `fit` where it is not: what it returns is another set if need be. */
  fitting(schema: MergeSchema, fit: (set: FieldSet) => FieldSet): ManagerEntry {
    if (this.#schema === schema) return this
    const set = fit(this.set)
    if (set !== this.set) return new ManagerEntry(this.writer, set, this.time, schema, this.#id)
    this.#schema = schema
    return this
  }

  /** The same manager with another set. */
  owning(set: FieldSet, time = this.time): ManagerEntry {
    return set === this.set && time === this.time
      ? this
      : new ManagerEntry(this.writer, set, time, this.#schema, this.#id)
  }
}

/** By `managerId`. */
export type Managers = Map<string, ManagerEntry>

/** The object, which nobody is said to manage. */
export function withoutManagers<T extends KubeObject>(object: T): T {
  const { managedFields: _managedFields, ...metadata } = object.metadata
  return { ...object, metadata }
}

/** A list of managedFields that means nothing. */
export class InvalidManagedFields extends Error {
  override readonly name = 'InvalidManagedFields'
}

/** Entries that share a set of fields with one of `known` are taken to have it as that one has. Throws InvalidManagedFields. */
export function decodeManagers(
  entries: readonly ManagedFieldsEntry[] | undefined,
  known: readonly ManagedFieldsEntry[] = [],
): Managers {
  const managers: Managers = new Map()
  let twins: Map<unknown, ManagerEntry> | undefined
  const twinOf = (fields: unknown) => {
    twins ??= new Map(known.flatMap((one) => (ManagerEntry.isOurs(one) ? [[one.fieldsV1, one]] : [])))
    return twins.get(fields)
  }
  entries?.forEach((entry, i) => {
    const ours = ManagerEntry.isOurs(entry) ? entry : decodeEntry(entry, i, twinOf)
    managers.set(ours.id, ours)
  })
  return managers
}

function decodeEntry(
  entry: ManagedFieldsEntry,
  i: number,
  twinOf: (fields: unknown) => ManagerEntry | undefined,
): ManagerEntry {
  const { manager = '', operation, apiVersion = '', fieldsType = '', subresource = '', time } = entry
  if (operation !== 'Apply' && operation !== 'Update')
    throw new InvalidManagedFields('operation must be `Apply` or `Update`')
  if (apiVersion === '') throw new InvalidManagedFields('apiVersion must not be empty')
  if (fieldsType === '') throw new InvalidManagedFields(`missing fieldsType in managed fields entry ${i}`)
  if (fieldsType !== 'FieldsV1') {
    const shown = JSON.stringify(fieldsType)
    throw new InvalidManagedFields(`invalid fieldsType ${shown} in managed fields entry ${i}`)
  }
  const { fieldsV1 } = entry
  const twin = twinOf(fieldsV1)
  const writer: Writer = { manager, operation, subresource, apiVersion }
  // One that comes back as it was sent is the one that was sent.
  if (twin && twin.time === time && managerId(writer) === twin.id && twin.apiVersion === apiVersion) return twin
  return new ManagerEntry(writer, twin?.set ?? decodeSet(fieldsV1), time)
}

function decodeSet(fields: unknown): FieldSet {
  if (fields === undefined) return EMPTY
  try {
    return canonicalSet(fields)
  } catch (cause) {
    if (!(cause instanceof NoPathElement)) throw cause
    throw new InvalidManagedFields(`error decoding set: ${cause.message}`, { cause })
  }
}

/** In the order in which objects have them; undefined where nobody owns anything. */
export function encodeManagers(managers: Managers): ManagerEntry[] | undefined {
  return managers.size === 0 ? undefined : [...managers.values()].sort(compareManagers)
}

/** Appliers first, then by time. */
export function compareManagers(a: ManagedFieldsEntry, b: ManagedFieldsEntry): number {
  if (a.operation !== b.operation) return byText(a.operation, b.operation)
  if (a.time !== b.time) {
    const order = seconds(a.time) - seconds(b.time)
    if (order !== 0) return order
  }
  return byText(a.manager, b.manager) || byText(a.apiVersion, b.apiVersion) || byText(a.subresource, b.subresource)
}

const byText = (a = '', b = '') => (a < b ? -1 : a > b ? 1 : 0)

/** Since the epoch; 0 for an unknown time. */
export const seconds = (time: string | undefined): number =>
  time === undefined ? 0 : Math.floor(Date.parse(time) / 1000)
