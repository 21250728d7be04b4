/**
 * A schema as OpenAPI documents show it. OpenAPI v3 takes nearly everything; v2 has no alternatives and no nulls, and its
 * clients refuse what they would have to leave open, so that there such values are of no type at all.
 * Upstream: `apiextensions-apiserver/pkg/controller/openapi`, its `builder` and `v2`.
 */
import { jsonEqual } from '#base/equal.ts'
import type { ObjectSchema } from '#api/schema.ts'
import { isSchema, type SchemaProps } from './structural.ts'

type Json = Record<string, unknown>
type Dialect = Parameters<ObjectSchema['published']>[0]

/** What all schemas say the same way; `default` only where there is room for it. */
const plainFields = [
  'description',
  'title',
  'format',
  'externalDocs',
  'example',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'pattern',
  'maxItems',
  'minItems',
  'uniqueItems',
  'multipleOf',
  'enum',
  'maxProperties',
  'minProperties',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-list-type',
  'x-kubernetes-map-type',
  'x-kubernetes-validations',
] as const

/** `schema` is of whole objects, and structural; `metadata` is how the document shows those. */
export function publishedSchema(schema: SchemaProps, dialect: Dialect, metadata: Json): Json {
  // Clients would take whatever is not mentioned for forbidden, so nothing is mentioned.
  if (dialect === 'v2' && schema['x-kubernetes-preserve-unknown-fields']) return { type: 'object' }
  const published = publish(schema, dialect, metadata)
  return { ...published, properties: { ...(published.properties as Json), ...typeFields, metadata } }
}

/** Of every object. */
export const typeFields = {
  apiVersion: { description: 'APIVersion defines the group and the version of this object.', type: 'string' },
  kind: { description: 'Kind defines what this object is, by the name of its type in CamelCase.', type: 'string' },
}

function publish(schema: SchemaProps, dialect: Dialect, metadata: Json): Json {
  const isV2 = dialect === 'v2'
  const inner = (one: unknown) => publish(one as SchemaProps, dialect, metadata)
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true
  const isBare = isV2 && (isOpen || schema.nullable === true)
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true && !(isV2 && isOpen)
  const { items, properties, additionalProperties: others } = schema
  const out: Json = {}
  for (const field of plainFields) if (isThere(schema[field])) out[field] = schema[field]
  const hasItems = isSchema(items) && !isBare
  if (isThere(schema.type) && !(isV2 && hasNoType(schema, hasItems))) out.type = schema.type
  if (hasItems) out.items = inner(items)
  if (!isBare && (properties || isEmbedded)) {
    out.properties = Object.fromEntries(Object.entries((properties ?? {}) as Json).map(([k, v]) => [k, inner(v)]))
    if (isEmbedded) Object.assign(out.properties as Json, typeFields, { metadata })
  }
  if (others !== undefined) out.additionalProperties = isSchema(others) ? inner(others) : others
  const required = requiredFields(schema, isV2, isEmbedded)
  if (required.length > 0) out.required = required
  if (!isV2) Object.assign(out, onlyInV3(schema))
  return out
}

const isThere = (value: unknown) => value !== undefined && value !== '' && value !== false

/** Clients of v2 know no lists without elements, no objects of which anything goes, and no nulls. */
function hasNoType({ type, nullable, ...schema }: SchemaProps, hasItems: boolean): boolean {
  if (nullable || (type === 'array' && !hasItems)) return true
  return type === 'object' && schema['x-kubernetes-preserve-unknown-fields'] === true
}

/** In v2, what may be null need not be there. */
function requiredFields(schema: SchemaProps, isV2: boolean, isEmbedded: boolean): string[] {
  const { properties = {}, additionalProperties: others } = schema
  const isNullable = (one: unknown) => isSchema(one) && one.nullable === true
  const all: readonly string[] = schema.required ?? []
  const own = !isV2 ? all : isNullable(others) ? [] : all.filter((name) => !isNullable((properties as Json)[name]))
  const added = isEmbedded ? ['kind', 'apiVersion'].filter((name) => !own.includes(name)) : []
  return [...own, ...added]
}

const INTEGER_OR_STRING = [{ type: 'integer' }, { type: 'string' }]

function onlyInV3(schema: SchemaProps): Json {
  const { nullable, not, oneOf, default: value } = schema
  let { anyOf, allOf } = schema as { anyOf?: Json[]; allOf?: Json[] }
  if (schema['x-kubernetes-int-or-string']) {
    const isSaid = jsonEqual(anyOf, INTEGER_OR_STRING) || jsonEqual(allOf?.[0]?.anyOf, INTEGER_OR_STRING)
    if (!anyOf) anyOf = INTEGER_OR_STRING
    else if (!isSaid) allOf = [{ anyOf: INTEGER_OR_STRING }, ...(allOf ?? [])]
  }
  const fields = { default: value ?? undefined, allOf, anyOf, oneOf, not, nullable: nullable || undefined }
  return Object.fromEntries(Object.entries(fields).filter(([, field]) => field !== undefined))
}
