/**
 * MergeSchemas of custom resources, from the OpenAPI schema of a CustomResourceDefinition's version. Reads
 * `x-kubernetes-list-type`, `-list-map-keys`, `-map-type`, `-preserve-unknown-fields`, `-embedded-resource` and
 * `-int-or-string`; validation is somebody else's. Upstream: `kube-openapi/pkg/schemaconv` on what
 * `apiextensions-apiserver/pkg/controller/openapi/builder` publishes.
 */
import { ObjectMeta } from '#api/meta/v1.ts'
import {
  fieldOf,
  type ListSchema,
  type MapSchema,
  type MergeSchema,
  type ScalarSchema,
  untypedAtomic,
  untypedDeduced,
} from './merge-schema.ts'
import { messageSchema } from './message-schema.ts'

/** The members of apiextensions/v1 JSONSchemaProps that are read here. */
export interface StructuralSchema {
  type?: string
  format?: string
  default?: unknown
  properties?: Readonly<Record<string, StructuralSchema>>
  additionalProperties?: StructuralSchema | boolean
  items?: StructuralSchema | readonly StructuralSchema[]
  'x-kubernetes-list-type'?: string
  'x-kubernetes-list-map-keys'?: readonly string[]
  'x-kubernetes-map-type'?: string
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-embedded-resource'?: boolean
}

/**
 * The schema of one version of a custom kind; `preserveUnknownFields` is that of the definition's `spec`. Without a
 * `schema` everything is deduced from the values.
 */
export function structuralSchema(
  schema: StructuralSchema | undefined,
  { preserveUnknownFields = false }: { preserveUnknownFields?: boolean } = {},
): MergeSchema {
  return schema === undefined ? untypedDeduced : convert(schema, preserveUnknownFields, true)
}

/** An object of the API, at the root or embedded, has members that no schema of a custom resource describes. */
function convert(schema: StructuralSchema, inherited: boolean, isRoot = false): MergeSchema {
  const preserves = inherited || schema['x-kubernetes-preserve-unknown-fields'] === true
  const isApiObject = isRoot || schema['x-kubernetes-embedded-resource'] === true
  switch (schema.type ?? '') {
    case 'object':
      return { map: mapOf(schema, preserves, isApiObject) }
    case 'array':
      return { list: listOf(schema, preserves) }
    case 'integer':
    case 'number':
      return { scalar: 'numeric' }
    case 'boolean':
      return { scalar: 'boolean' }
    case 'string':
      return { scalar: scalarOf(schema.format) }
    default:
      return { scalar: 'untyped', list: listOf(schema, preserves), map: mapOf(schema, preserves, isApiObject) }
  }
}

const scalarOf = (format: string | undefined): ScalarSchema => (!format || format === 'byte' ? 'string' : 'untyped')

function listOf(schema: StructuralSchema, preserves: boolean): ListSchema {
  const items = (Array.isArray(schema.items) ? schema.items[0] : schema.items) as StructuralSchema | undefined
  const type = schema['x-kubernetes-list-type']
  return {
    element: items === undefined ? untypedAtomic : convert(items, preserves),
    relationship: type === 'set' || type === 'map' ? type : 'atomic',
    keys: type === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []).toSorted() : [],
  }
}

function mapOf(schema: StructuralSchema, preserves: boolean, isApiObject: boolean): MapSchema {
  const { properties = {}, additionalProperties } = schema
  const fields = new Map(
    Object.entries(properties).map(([name, property]) => fieldOf(name, convert(property, preserves))),
  )
  if (isApiObject) {
    for (const name of ['apiVersion', 'kind']) fields.set(...fieldOf(name, { scalar: 'string' }))
    fields.set(...fieldOf('metadata', messageSchema(ObjectMeta)))
  }
  let element: MergeSchema | undefined
  if (additionalProperties === undefined) element = preserves || fields.size === 0 ? untypedDeduced : undefined
  else if (additionalProperties === true) element = untypedDeduced
  else if (additionalProperties !== false) element = convert(additionalProperties, preserves)
  const defaults = new Map<string, string | number | boolean>()
  for (const [name, { default: value }] of Object.entries(properties))
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') defaults.set(name, value)
  return { fields, element, isAtomic: schema['x-kubernetes-map-type'] === 'atomic', defaults }
}
