/**
 * Structural schemas: the schema of one version of a CustomResourceDefinition as a tree that says for every value which
 * fields it has, made once from what the user wrote. What only narrows values (patterns, bounds, `anyOf`) stays in
 * `source`, for validation. Upstream: `apiextensions-apiserver/pkg/apiserver/schema.Structural`.
 *
 * Invariant: a tree is immutable, except while it is built; whoever hands out a default copies it.
 */
import { isObject } from '#base/json.ts'
import type { JSONSchemaProps } from '#api/apiextensions/v1.ts'

/** A schema as it is written, with schemas inside of it. */
export type SchemaProps = Readonly<JSONSchemaProps> & { readonly [key: string]: any }

export class Structural {
  readonly source: SchemaProps
  /** '' where none is given. */
  readonly type: string
  readonly isNullable: boolean
  /** Fields that are not mentioned are kept. */
  readonly preservesUnknown: boolean
  /** The value is an object with apiVersion, kind and metadata. */
  readonly isEmbedded: boolean
  readonly isIntOrString: boolean
  readonly listType: string
  readonly listMapKeys: readonly string[]
  readonly mapType: string
  readonly properties: ReadonlyMap<string, Structural>
  /** Whether fields may have any name; `others` is their schema, where there is one. */
  readonly hasOthers: boolean
  readonly others: Structural | undefined
  readonly items: Structural | undefined
  /** undefined where there is none. */
  readonly default: unknown
  /** The properties that have defaults. */
  readonly defaulted: readonly (readonly [string, Structural])[]

  constructor(source: SchemaProps, defaultValue: unknown = source.default) {
    this.source = source
    this.type = source.type ?? ''
    this.isNullable = source.nullable === true
    this.preservesUnknown = source['x-kubernetes-preserve-unknown-fields'] === true
    this.isEmbedded = source['x-kubernetes-embedded-resource'] === true
    this.isIntOrString = source['x-kubernetes-int-or-string'] === true
    this.listType = source['x-kubernetes-list-type'] ?? ''
    this.listMapKeys = source['x-kubernetes-list-map-keys'] ?? []
    this.mapType = source['x-kubernetes-map-type'] ?? ''
    const properties = Object.entries((source.properties ?? {}) as Record<string, SchemaProps>)
    this.properties = new Map(properties.map(([name, schema]) => [name, new Structural(schema)]))
    const others = source.additionalProperties as SchemaProps | boolean | undefined
    this.hasOthers = others !== undefined
    this.others = typeof others === 'object' ? new Structural(others) : undefined
    this.items = isSchema(source.items) ? new Structural(source.items) : undefined
    this.default = defaultValue ?? undefined
    this.defaulted = [...this.properties].filter(([, schema]) => schema.default !== undefined)
  }

  /** The schema that a field's value has; undefined where it has none. */
  field(name: string): Structural | undefined {
    return this.properties.get(name) ?? this.others
  }

  /** Whether anything in the tree has what `test` looks for; schemas under `allOf` and its like are not looked at. */
  some(test: (schema: Structural) => boolean): boolean {
    if (test(this)) return true
    for (const property of this.properties.values()) if (property.some(test)) return true
    return (this.others?.some(test) ?? false) || (this.items?.some(test) ?? false)
  }
}

export const isSchema = (value: unknown): value is SchemaProps => isObject(value)

/** What a schema must not have to be read as a structural one, with the name that errors give it. */
const unsupported: readonly (readonly [string, string])[] = [
  ['id', 'id'],
  ['$schema', 'schema'],
  ['$ref', '$ref'],
  ['patternProperties', 'patternProperties'],
  ['dependencies', 'dependencies'],
  ['additionalItems', 'additionalItems'],
  ['definitions', 'definitions'],
]

/** Why `schema` can't be read as a structural one; undefined where it can. */
export function unreadable(schema: SchemaProps): string | undefined {
  for (const [field, name] of unsupported) {
    if (!isEmpty(schema[field]) || (field === 'additionalItems' && schema[field] !== undefined))
      return `OpenAPIV3Schema '${name}' is not supported`
  }
  if (Array.isArray(schema.items) && schema.items.length > 0)
    return "OpenAPIV3Schema 'items' must be a schema, but is an array"
  if (schema['x-kubernetes-preserve-unknown-fields'] === false)
    return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined"
  for (const inner of schemasIn(schema)) {
    const why = unreadable(inner)
    if (why !== undefined) return why
  }
  return undefined
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === '' || (typeof value === 'object' && Object.keys(value as object).length === 0)
}

/** The schemas directly inside of a schema, wherever schemas may stand. */
export function schemasIn(schema: SchemaProps): SchemaProps[] {
  const found: SchemaProps[] = []
  const add = (values: readonly unknown[]) => {
    for (const value of values) if (isSchema(value)) found.push(value)
  }
  for (const field of SINGLE) {
    const value: unknown = schema[field]
    if (value !== undefined) add(Array.isArray(value) ? value : [value])
  }
  for (const field of JUNCTORS) if (schema[field] !== undefined) add(schema[field] as unknown[])
  for (const field of BY_NAME) if (schema[field] !== undefined) add(Object.values(schema[field] as object))
  return found
}

const SINGLE = ['items', 'not', 'additionalProperties', 'additionalItems']
const JUNCTORS = ['allOf', 'anyOf', 'oneOf']
const BY_NAME = ['properties', 'patternProperties', 'definitions', 'dependencies']

/** Whether the schema, or one anywhere inside of it, has what `test` looks for. */
export function someSchema(schema: SchemaProps, test: (schema: SchemaProps) => boolean): boolean {
  if (test(schema)) return true
  for (const inner of schemasIn(schema)) if (someSchema(inner, test)) return true
  return false
}

/** The schema and all inside of it. */
export function schemasWithin(schema: SchemaProps): SchemaProps[] {
  const found: SchemaProps[] = []
  const walk = (one: SchemaProps) => {
    found.push(one)
    for (const inner of schemasIn(one)) walk(inner)
  }
  walk(schema)
  return found
}
