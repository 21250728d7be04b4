/**
 * How values merge, place by place: what server-side apply and the tracking of field owners need to know about a type,
 * and nothing more. Built from a Message (`message-schema.ts`) or from the OpenAPI schema of a custom resource
 * (`structural-schema.ts`). Schemas of recursive types are recursive; once built, none is written to.
 * Upstream: `structured-merge-diff/schema`.
 */

/** `untyped` takes a string, a number or a boolean. */
export type ScalarSchema = 'string' | 'numeric' | 'boolean' | 'untyped'

export interface ListSchema {
  readonly element: MergeSchema
  /** An atomic list has one owner; elements of the others have owners of their own. */
  readonly relationship: 'atomic' | 'set' | 'map'
  /** Members that tell the elements of a `map` apart, sorted. */
  readonly keys: readonly string[]
}

export interface FieldSchema {
  /** Its path element, `f:name`. */
  readonly element: string
  readonly schema: MergeSchema
}

/** A struct, a map, or both: members that are no fields are of the type `element`. */
export interface MapSchema {
  /** By name. */
  readonly fields: ReadonlyMap<string, FieldSchema>
  /** Undefined where a member that is no field is an error. */
  readonly element: MergeSchema | undefined
  /** All of it has one owner. */
  readonly isAtomic: boolean
  /** Values that fields have where they are absent; asked for keys of list elements only. */
  readonly defaults: ReadonlyMap<string, string | number | boolean>
  /**
   * What is in every complete object of a built-in type, whether or not anybody has set it: for Go writes it in any case.
   * Not written to.
   */
  readonly zeros?: Readonly<Record<string, unknown>> | undefined
}

/** What may stand in a place: at least one of the three; with several the value's own form decides. */
export interface MergeSchema {
  readonly scalar?: ScalarSchema | undefined
  readonly list?: ListSchema | undefined
  readonly map?: MapSchema | undefined
}

/** Anything, all of it with one owner. */
export const untypedAtomic: MergeSchema = recursive((self) => ({
  scalar: 'untyped',
  list: { element: self, relationship: 'atomic', keys: [] },
  map: { fields: new Map(), element: self, isAtomic: true, defaults: new Map() },
}))

/** Anything of which nothing is known: objects merge member by member, lists have one owner each. */
export const untypedDeduced: MergeSchema = recursive((self) => ({
  scalar: 'untyped',
  list: { element: untypedAtomic, relationship: 'atomic', keys: [] },
  map: { fields: new Map(), element: self, isAtomic: false, defaults: new Map() },
}))

/** A field for `MapSchema.fields`. */
export const fieldOf = (name: string, schema: MergeSchema): [string, FieldSchema] => [
  name,
  { element: `f:${name}`, schema },
]

/** What a member of a struct or map is; undefined where it may not be there. */
export const memberSchema = ({ fields, element }: MapSchema, name: string): MergeSchema | undefined =>
  fields.get(name)?.schema ?? element

/** A schema that refers to itself. */
export function recursive(build: (self: MergeSchema) => MergeSchema): MergeSchema {
  const self: MergeSchema = {}
  return Object.assign(self, build(self))
}

export type Form = 'map' | 'list' | 'scalar'

/** As what the schema takes a value; one that fits nothing is taken as the first that the schema has. */
export function formOf(schema: MergeSchema, value: unknown): Form {
  if (schema.list && Array.isArray(value)) return 'list'
  if (schema.map) return schema.scalar && typeof value !== 'object' ? 'scalar' : 'map'
  return schema.scalar ? 'scalar' : 'list'
}
