/**
 * MergeSchemas of built-in types, from their Messages. Built once for each Message and kept with it; types that contain
 * themselves become schemas that do. Upstream: the OpenAPI definitions that `openapi-gen` derives from Go types, through
 * `kube-openapi/pkg/schemaconv`.
 */
import type { Field, Message, ScalarName } from '#api/schema.ts'
import {
  type ListSchema,
  type MapSchema,
  type MergeSchema,
  type ScalarSchema,
  untypedAtomic,
  untypedDeduced,
} from './merge-schema.ts'

const kSchema = Symbol('merge schema')
const kAtomic = Symbol('merge schema with one owner')
type Known = Message & { [kSchema]?: MergeSchema; [kAtomic]?: MergeSchema }

/** How values of the type merge. */
export function messageSchema(type: Message): MergeSchema {
  const known = type as Known
  if (known[kSchema]) return known[kSchema]
  const fields = new Map<string, MergeSchema>()
  const schema: MergeSchema = { map: mapOf(type, fields, type.isAtomic) }
  // Before the fields are looked at, because one of them may be of this very type.
  known[kSchema] = schema
  for (const [name, field] of Object.entries(type.fields)) fields.set(name, fieldSchema(field))
  return schema
}

function mapOf(type: Message, fields: ReadonlyMap<string, MergeSchema>, isAtomic: boolean): MapSchema {
  const entries = Object.entries(type.fields)
  const defaults = entries.flatMap(([name, field]) => {
    const value = defaultOf(field)
    return value === undefined ? [] : [[name, value] as const]
  })
  // A type without fields takes anything.
  return { fields, element: entries.length === 0 ? untypedDeduced : undefined, isAtomic, defaults: new Map(defaults) }
}

/** The same type in a place that has one owner. */
function atomicSchema(type: Message): MergeSchema {
  const known = type as Known
  return (known[kAtomic] ??= { map: { ...messageSchema(type).map!, isAtomic: true } })
}

const scalars: Readonly<Record<ScalarName, MergeSchema>> = {
  string: { scalar: 'string' },
  bytes: { scalar: 'string' },
  int32: { scalar: 'numeric' },
  int64: { scalar: 'numeric' },
  double: { scalar: 'numeric' },
  bool: { scalar: 'boolean' },
  quantity: { scalar: 'untyped' },
  time: { scalar: 'untyped' },
  microTime: { scalar: 'untyped' },
  intOrString: { scalar: 'untyped' },
  object: untypedAtomic,
  json: untypedDeduced,
}

function fieldSchema(field: Field): MergeSchema {
  const { shape, type } = field
  const one = typeof type === 'string' ? scalars[type] : messageSchema(type)
  switch (shape) {
    case 'one':
      return field.mapType === 'atomic' && typeof type !== 'string' ? atomicSchema(type) : one
    case 'list':
      return { list: listOf(field, one) }
    case 'map':
      return { map: valuesOf(field, one) }
    case 'mapOfLists':
      return { map: valuesOf(field, { list: { element: one, relationship: 'atomic', keys: [] } }) }
  }
}

function listOf(field: Field, element: MergeSchema): ListSchema {
  const { listType, listMapKeys, patchStrategy, patchMergeKey } = field
  if (listType === 'map') return { element, relationship: 'map', keys: (listMapKeys ?? []).toSorted() }
  if (listType !== undefined) return { element, relationship: listType, keys: [] }
  if (patchStrategy === 'merge' || patchStrategy === 'merge,retainKeys') {
    return patchMergeKey
      ? { element, relationship: 'map', keys: [patchMergeKey] }
      : { element, relationship: 'set', keys: [] }
  }
  return { element, relationship: 'atomic', keys: [] }
}

const valuesOf = (field: Field, element: MergeSchema): MapSchema => ({
  fields: new Map(),
  element,
  isAtomic: field.mapType === 'atomic',
  defaults: new Map(),
})

const zeros: Partial<Record<ScalarName, string | number | boolean>> = {
  string: '',
  int32: 0,
  int64: 0,
  double: 0,
  bool: false,
}

function defaultOf(field: Field): string | number | boolean | undefined {
  const { defaultValue, type } = field
  if (typeof defaultValue === 'string' || typeof defaultValue === 'number' || typeof defaultValue === 'boolean')
    return defaultValue
  if (field.shape !== 'one' || field.isPointer || !field.isRequired) return undefined
  return zeros[type as ScalarName] satisfies ScalarSchema | string | number | boolean | undefined
}
