/**
 * Types as JSON Schema, in the two dialects of OpenAPI: v2 (Swagger) and v3. The `x-kubernetes-*` extensions say how lists
 * and maps merge. Upstream: `kube-openapi/pkg/generators` and `builder`.
 */
import { ObjectMeta } from '#api/meta/v1.ts'
import { f, type Field, type Fields, type Message, type ObjectSchema, type ScalarName } from '#api/schema.ts'
import {
  definitionName,
  INT_OR_STRING,
  JSON_VALUE,
  META,
  opaqueDocs,
  opaqueTypes,
  QUANTITY,
  RAW_EXTENSION,
} from './definition-names.ts'

export type Dialect = 'v2' | 'v3'
export type JsonSchema = Record<string, unknown>

/** Lists of custom resources say as their elements do what they can be selected by. */
const SELECTABLE = 'x-kubernetes-selectable-fields'

const prefixes: Record<Dialect, string> = { v2: '#/definitions/', v3: '#/components/schemas/' }
export const reference = (name: string, dialect: Dialect) => ({ $ref: prefixes[dialect] + name })

const scalars: Partial<Record<ScalarName, JsonSchema>> = {
  string: { type: 'string' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  bool: { type: 'boolean' },
  bytes: { type: 'string', format: 'byte' },
}

const named: Partial<Record<ScalarName, string>> = {
  quantity: QUANTITY,
  time: `${META}.Time`,
  microTime: `${META}.MicroTime`,
  intOrString: INT_OR_STRING,
  object: RAW_EXTENSION,
  json: JSON_VALUE,
}

const typeFields = {
  apiVersion: f.string(0, 'Group and version of this object.'),
  kind: f.string(0, 'Kind of this object.'),
}
/** Types of meta/v1 that travel on their own and so say what they are. */
const typedMeta: Readonly<Record<string, Fields>> = Object.fromEntries(
  ['APIGroup', 'APIGroupList', 'APIResourceList', 'APIVersions', 'Status'].map((name) => [
    `meta.v1.${name}`,
    typeFields,
  ]),
)

/** Definitions of types that are no messages. */
const scalarDefinitions: Readonly<Record<string, Record<Dialect, JsonSchema>>> = {
  [QUANTITY]: same('An amount such as 500m, 2Gi or 1e3: a number with a decimal or binary suffix.', {
    v2: { type: 'string' },
    v3: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  }),
  [INT_OR_STRING]: same('An integer or a string, such as a port number or name, or a percentage.', {
    v2: { type: 'string', format: 'int-or-string' },
    v3: { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  }),
  [`${META}.Time`]: both('A time as RFC 3339 writes it, to the second.', { type: 'string', format: 'date-time' }),
  [`${META}.MicroTime`]: both('A time as RFC 3339 writes it, to the microsecond.', {
    type: 'string',
    format: 'date-time',
  }),
  [RAW_EXTENSION]: both('Any object, of a type that is not known here.', { type: 'object' }),
  ...Object.fromEntries(
    Object.entries(opaqueDocs).map(([name, doc]) => [
      name,
      both(doc, /FieldsV1|Status$/.test(name) ? { type: 'object' } : {}),
    ]),
  ),
}

function same(description: string, schemas: Record<Dialect, JsonSchema>): Record<Dialect, JsonSchema> {
  return { v2: { description, ...schemas.v2 }, v3: { description, ...schemas.v3 } }
}

function both(description: string, schema: JsonSchema) {
  return same(description, { v2: schema, v3: schema })
}

/** Collects definitions, each once, with all that they refer to. */
export class Definitions {
  readonly #dialect: Dialect
  readonly #schemas = new Map<string, JsonSchema>()

  constructor(dialect: Dialect) {
    this.#dialect = dialect
  }

  /** By name, in alphabetical order. */
  toJSON(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.#schemas].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }

  add(name: string, schema: JsonSchema): JsonSchema {
    this.#schemas.set(name, schema)
    return reference(name, this.#dialect)
  }

  /** A reference to the type, which is defined if it was not yet. */
  refer(type: Message): JsonSchema {
    const name = definitionName(type)
    if (!this.#schemas.has(name)) {
      // Types may contain themselves, so the name is taken before the fields are looked at.
      const schema: JsonSchema = {}
      this.#schemas.set(name, schema)
      Object.assign(schema, type.schema ? this.#customSchemaOf(type.schema) : this.#schemaOf(type))
    }
    return reference(name, this.#dialect)
  }

  /** The list type of a kind. */
  referList(type: Message, listKind = `${type.gvk!.kind}List`): JsonSchema {
    const gvk = type.gvk!
    const name = `${definitionName(type).slice(0, -gvk.kind.length)}${listKind}`
    if (this.#schemas.has(name)) return reference(name, this.#dialect)
    const items = this.refer(type)
    const selectable = this.#schemas.get(definitionName(type))?.[SELECTABLE]
    return this.add(name, {
      description: `A list of objects of kind ${gvk.kind}.`,
      type: 'object',
      required: ['items'],
      properties: {
        apiVersion: { type: 'string', description: 'Group and version of the list.' },
        items: { type: 'array', description: 'The objects.', items },
        kind: { type: 'string', description: `Kind of the list, ${listKind}.` },
        metadata: this.#wrapped(reference(`${META}.ListMeta`, this.#dialect), {
          description: 'Version and page of the list.',
        }),
      },
      'x-kubernetes-group-version-kind': [{ group: gvk.group, kind: listKind, version: gvk.version }],
      ...(selectable !== undefined && { [SELECTABLE]: selectable }),
    })
  }

  #customSchemaOf(schema: ObjectSchema): JsonSchema {
    const description = "Standard object's metadata: its name, labels and the rest of what every object carries."
    return schema.published(this.#dialect, this.#wrapped(this.refer(ObjectMeta), { description }))
  }

  #schemaOf(type: Message): JsonSchema {
    const fields = Object.entries({ ...typedMeta[type.name], ...type.fields }).toSorted(([a], [b]) => (a < b ? -1 : 1))
    const required = fields.filter(([, field]) => field.isRequired).map(([name]) => name)
    const gvk =
      type.gvk ??
      (type.name in typedMeta ? { group: '', version: 'v1', kind: type.name.slice('meta.v1.'.length) } : undefined)
    return {
      description: type.doc,
      type: 'object',
      ...(required.length > 0 && { required }),
      ...(fields.length > 0 && {
        properties: Object.fromEntries(fields.map(([name, field]) => [name, this.#fieldSchema(type, name, field)])),
      }),
      ...(type.isAtomic && { 'x-kubernetes-map-type': 'atomic' }),
      ...(gvk && {
        'x-kubernetes-group-version-kind': [{ group: gvk.group, kind: gvk.kind, version: gvk.version }],
      }),
    }
  }

  #fieldSchema(type: Message, name: string, field: Field): JsonSchema {
    const value = this.#valueSchema(type, name, field)
    const enumerated = field.allowed && { enum: field.allowed.toSorted() }
    const extensions = {
      description: field.doc,
      ...(this.#dialect === 'v3' && defaultOf(field)),
      ...(field.listMapKeys && { 'x-kubernetes-list-map-keys': field.listMapKeys }),
      ...(field.listType && { 'x-kubernetes-list-type': field.listType }),
      ...(field.mapType && { 'x-kubernetes-map-type': field.mapType }),
      ...(field.patchMergeKey && { 'x-kubernetes-patch-merge-key': field.patchMergeKey }),
      ...(field.patchStrategy && { 'x-kubernetes-patch-strategy': field.patchStrategy }),
    }
    switch (field.shape) {
      case 'one':
        return '$ref' in value ? this.#wrapped(value, extensions) : { ...value, ...extensions, ...enumerated }
      case 'list':
        return { type: 'array', items: { ...value, ...enumerated }, ...extensions }
      case 'map':
        return { type: 'object', additionalProperties: { ...value, ...enumerated }, ...extensions }
      case 'mapOfLists':
        return { type: 'object', additionalProperties: { type: 'array', items: value }, ...extensions }
    }
  }

  /** v3 ignores what stands beside a `$ref`, so there it goes into an `allOf`. */
  #wrapped(ref: JsonSchema, siblings: JsonSchema): JsonSchema {
    return this.#dialect === 'v2' ? { ...siblings, ...ref } : { allOf: [ref], ...siblings }
  }

  #valueSchema(parent: Message, fieldName: string, { type }: Field): JsonSchema {
    if (typeof type !== 'string') return this.refer(type)
    const name = opaqueTypes[`${parent.name}.${fieldName}`] ?? named[type]
    if (name === undefined) return scalars[type]!
    if (!this.#schemas.has(name)) this.add(name, scalarDefinitions[name]![this.#dialect])
    return reference(name, this.#dialect)
  }
}

function defaultOf(field: Field): JsonSchema | undefined {
  if (field.defaultValue !== undefined) return { default: field.defaultValue }
  if (field.isPresent && typeof field.type !== 'string') return { default: {} }
  return undefined
}
