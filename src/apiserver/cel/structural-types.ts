/**
 * Declared types from structural schemas of custom resources (upstream: `apiserver/pkg/cel/common.SchemaDeclType`).
 * Their bounds decide what rules are estimated to cost, so they are upstream's.
 */
import { declare } from '#cel/declared-type.ts'
import type { Declaration, DeclaredField, DeclaredType } from '#cel/declared-type.ts'
import type { SizeHints } from '#cel/cost-estimate.ts'
import { MAX_REQUEST_SIZE_BYTES } from './base-environment.ts'
import { escapeFieldName } from './field-names.ts'

/** The parts of apiextensions.k8s.io/v1 JSONSchemaProps that matter here, as JSON has them. */
export interface JsonSchema {
  readonly type?: string
  readonly format?: string
  readonly nullable?: boolean
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
  readonly required?: readonly string[]
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly maxLength?: number
  readonly maxItems?: number
  readonly maxProperties?: number
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-embedded-resource'?: boolean
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-list-type'?: string
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
}

/** Length of the longest string in a request: all of it but the quotes. */
const MAX_STRING_LENGTH = MAX_REQUEST_SIZE_BYTES - 2
/** A code point takes at most four bytes. */
const MAX_BYTES_PER_CHARACTER = 4
/** Longest texts of formats, and the shortest with their quotes. */
const MAX_DURATION_LENGTH = 32
const MAX_DATE_LENGTH = 12
const MAX_TIME_LENGTH = 32
const MIN_TIME_SIZE = 21

/** What a schema says, and whether expressions can see such data at all. */
interface Described {
  readonly type: DeclaredType
  readonly visible: boolean
}

/**
 * undefined where expressions cannot see such data (no type, or only unknown fields). `isResourceRoot` adds apiVersion,
 * kind and metadata.name, which rules on a whole resource always see. Objects are named after `typeName`.
 */
export function declareSchema(
  schema: JsonSchema,
  { typeName, isResourceRoot }: { typeName: string; isResourceRoot: boolean },
): DeclaredType | undefined {
  const { type, visible } = describe(schema, typeName, isResourceRoot)
  return visible ? type : undefined
}

function describe(schema: JsonSchema, name: string, isResourceRoot = isEmbedded(schema)): Described {
  const nullable = schema.nullable === true
  if (schema['x-kubernetes-int-or-string'])
    return seen(declare.intOrString({ nullable, maxElements: boundOf(schema) ?? MAX_STRING_LENGTH }))
  const whole = isResourceRoot ? withTypeAndObjectMeta(schema) : schema
  switch (whole.type) {
    case 'array':
      return describeList(whole, name)
    case 'object':
      return describeObject(whole, name)
    case 'string':
      return seen(stringType(whole))
    case 'boolean':
      return seen(declare.bool({ nullable }))
    case 'number':
      return seen(declare.double({ nullable }))
    case 'integer':
      return seen(declare.int({ nullable }))
    default:
      return hidden(whole['x-kubernetes-preserve-unknown-fields'] ? declare.preserved({ nullable }) : declare.untyped())
  }
}

const seen = (type: DeclaredType): Described => ({ type, visible: true })
const hidden = (type: DeclaredType): Described => ({ type, visible: false })
const isEmbedded = (schema: JsonSchema): boolean => schema['x-kubernetes-embedded-resource'] === true

const notNegative = (value: number): number => Math.max(0, value)

/** A schema's bound of the length of a string, in bytes. */
function boundOf({ maxLength }: JsonSchema): number | undefined {
  return maxLength === undefined ? undefined : notNegative(maxLength) * MAX_BYTES_PER_CHARACTER
}

function stringType(schema: JsonSchema): DeclaredType {
  const nullable = schema.nullable === true
  switch (schema.format) {
    case 'byte':
      return declare.bytes({
        nullable,
        maxElements: schema.maxLength === undefined ? MAX_STRING_LENGTH : notNegative(schema.maxLength),
      })
    case 'duration':
      return declare.duration({ nullable, maxElements: MAX_DURATION_LENGTH })
    case 'date':
      return declare.date({ nullable, maxElements: MAX_DATE_LENGTH })
    case 'date-time':
      return declare.timestamp({ nullable, maxElements: MAX_TIME_LENGTH, minSerializedSize: MIN_TIME_SIZE })
    default:
  }
  const longest = schema.enum?.length
    ? Math.max(0, ...schema.enum.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0)))
    : MAX_STRING_LENGTH
  return declare.string({ nullable, maxElements: boundOf(schema) ?? longest })
}

function describeList(schema: JsonSchema, name: string): Described {
  if (!schema.items) return hidden(declare.untyped())
  const element = describe(schema.items, `${name}.@idx`)
  const fits = Math.trunc((MAX_REQUEST_SIZE_BYTES - 2) / (element.type.minSerializedSize + 1))
  const listType = schema['x-kubernetes-list-type']
  const declaration: Declaration = {
    nullable: schema.nullable === true,
    maxElements: schema.maxItems === undefined ? fits : notNegative(schema.maxItems),
    listType: listType === 'set' || listType === 'map' ? listType : 'atomic',
    listMapKeys: schema['x-kubernetes-list-map-keys'] ?? [],
  }
  return { type: declare.list(element.type, declaration), visible: element.visible }
}

function describeObject(schema: JsonSchema, name: string): Described {
  const nullable = schema.nullable === true
  const { additionalProperties } = schema
  if (typeof additionalProperties === 'object') {
    const value = describe(additionalProperties, `${name}.@elem`)
    // Two bytes for a key with a colon and a comma, the quotes aside.
    const fits = Math.trunc((MAX_REQUEST_SIZE_BYTES - 2) / (value.type.minSerializedSize + 6))
    const maxElements = schema.maxProperties === undefined ? fits : notNegative(schema.maxProperties)
    return { type: declare.map(value.type, { nullable, maxElements }), visible: value.visible }
  }
  const fields = new Map<string, DeclaredField>()
  const unnamed: DeclaredField[] = []
  let minSerializedSize = 2
  for (const [jsonName, property] of Object.entries(schema.properties ?? {})) {
    const escaped = escapeFieldName(jsonName)
    const { type, visible } = describe(property, `${name}.${escaped ?? jsonName}`)
    const required = schema.required?.includes(jsonName) === true
    const field = { type, required, jsonName }
    if (visible && escaped !== undefined) fields.set(escaped, field)
    else unnamed.push(field)
    // What has a default is filled in by the server.
    if (visible && required && property.default === undefined)
      minSerializedSize += Buffer.byteLength(jsonName) + type.minSerializedSize + 4
  }
  return seen(declare.object(name, fields, { nullable, minSerializedSize, hidden: unnamed }))
}

const TEXT: JsonSchema = { type: 'string' }

/** What every resource has, whether its schema says so or not. */
function withTypeAndObjectMeta(schema: JsonSchema): JsonSchema {
  const { kind, apiVersion, metadata } = schema.properties ?? {}
  const named = metadata?.properties
  if (
    kind?.type === 'string' &&
    apiVersion?.type === 'string' &&
    metadata?.type === 'object' &&
    named?.['name']?.type === 'string' &&
    named['generateName']?.type === 'string'
  )
    return schema
  const objectMeta: JsonSchema = { type: 'object', properties: { name: TEXT, generateName: TEXT } }
  return { ...schema, properties: { ...schema.properties, kind: TEXT, apiVersion: TEXT, metadata: objectMeta } }
}

/** Size hints for expressions whose variables (`self`, `oldSelf`) all have this type. */
export function sizeHintsOf(root: DeclaredType): SizeHints {
  return (path) => {
    let type: DeclaredType | undefined = root
    for (const step of path.slice(1)) {
      if (step === '@items' || step === '@values') type = type.element
      else if (step === '@keys') type = type.kind === 'map' ? KEY : undefined
      else type = type.fields?.get(step)?.type
      if (!type) return undefined
    }
    return { min: 0, max: type.maxElements }
  }
}

/** Of keys nothing is known, which upstream takes for no length at all. */
const KEY = declare.string({ maxElements: 0 })

/** How often data of this type can occur in one request where nothing bounds it. Upstream: `maxCardinality`. */
export function maxCardinality({ minSerializedSize }: DeclaredType): number {
  return Math.trunc(MAX_REQUEST_SIZE_BYTES / (minSerializedSize + 1))
}
