/**
 * MergeSchemas of built-in types, from their Messages. Built once for each Message and kept with it; types that contain
 * themselves become schemas that do. Upstream: the OpenAPI definitions that `openapi-gen` derives from Go types, through
 * `kube-openapi/pkg/schemaconv`.
 */
import type { Field, Message, ScalarName } from '#api/schema.ts'
import { zeroOf, zerosOf } from './go-zeros.ts'
import {
  type FieldSchema,
  fieldOf,
  type ListSchema,
  type MapSchema,
  type MergeSchema,
  untypedAtomic,
  untypedDeduced,
} from './merge-schema.ts'

const kSchema = Symbol('merge schema')
const kOther = Symbol('merge schema where a place says otherwise')
type Known = Message & { [kSchema]?: MergeSchema; [kOther]?: MergeSchema }

/** How values of the type merge. */
export function messageSchema(type: Message): MergeSchema {
  const known = type as Known
  if (known[kSchema]) return known[kSchema]
  const fields = new Map<string, FieldSchema>()
  const schema: MergeSchema = { map: mapOf(type, fields, type.isAtomic) }
  // Before the fields are looked at, because one of them may be of this very type.
  known[kSchema] = schema
  for (const [name, field] of Object.entries(type.fields)) fields.set(...fieldOf(name, fieldSchema(field)))
  return schema
}

function mapOf(type: Message, fields: ReadonlyMap<string, FieldSchema>, isAtomic: boolean): MapSchema {
  const entries = Object.entries(type.fields)
  const defaults = entries.flatMap(([name, field]) => {
    const value = defaultOf(type, name, field)
    return value === undefined ? [] : [[name, value] as const]
  })
  // A type without fields takes anything.
  const element = entries.length === 0 ? untypedDeduced : undefined
  return { fields, element, isAtomic, defaults: new Map(defaults), zeros: zerosOf(type) }
}

/** The same type in a place that says otherwise. */
function inPlace(type: Message, mapType: 'atomic' | 'granular' | undefined): MergeSchema {
  const usual = messageSchema(type)
  if (mapType === undefined || (mapType === 'atomic') === type.isAtomic) return usual
  return ((type as Known)[kOther] ??= { map: { ...usual.map!, isAtomic: !type.isAtomic } })
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
  const one = typeof type === 'string' ? scalars[type] : inPlace(type, shape === 'one' ? field.mapType : undefined)
  switch (shape) {
    case 'one':
      return one
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

function defaultOf(type: Message, name: string, field: Field): string | number | boolean | undefined {
  const { defaultValue } = field
  if (isScalar(defaultValue)) return defaultValue
  // The one field that has a default only where elements of lists are told apart.
  if (type.name === 'core.v1.LocalObjectReference' && name === 'name') return ''
  const zero = zeroOf(type, name, field)
  return isScalar(zero) ? zero : undefined
}

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
