/**
 * The API as data. A type is described once, by a Message: its fields with their types, protobuf numbers, merge keys
 * and a short doc line. Everything else is derived from that: static types (`Infer`), strict decoding, defaulting,
 * structural validation, OpenAPI, patches, `kubectl explain`. Adding a field is adding a line.
 */

/** Scalars and opaque values, by the name of their wire behaviour. */
export interface ScalarTypes {
  string: string
  int32: number
  int64: number
  double: number
  bool: boolean
  /** Base64 in JSON. */
  bytes: string
  /** apimachinery `resource.Quantity`, e.g. `1500m`, `2Gi`. */
  quantity: string
  /** RFC 3339, whole seconds, UTC. */
  time: string
  /** RFC 3339 with six fractional digits, UTC. */
  microTime: string
  intOrString: number | string
  /** Any JSON object; not looked into (`RawExtension`, `FieldsV1`). */
  object: Record<string, unknown>
  /** Any JSON value. */
  json: unknown
}
export type ScalarName = keyof ScalarTypes

export type ListMerge = 'atomic' | 'set' | 'map'
export type Shape = 'one' | 'list' | 'map' | 'mapOfLists'

/** A field of a Message. `T` is its value's static type, `R` whether it is always there. */
export class Field<T = unknown, R extends boolean = boolean> {
  /** Type-level only. */
  declare readonly value: T
  declare readonly always: R

  readonly shape: Shape
  /** A scalar, or the message; a message that contains itself names itself `self`, which its constructor resolves. */
  readonly type: ScalarName | Message
  /** Protobuf field number; 0 where the type is never sent as protobuf. */
  readonly tag: number
  readonly doc: string
  /** The API marks it as required (Go: no `omitempty`). */
  isRequired = false
  /**
   * Never absent: an empty struct or a zero is kept, and created where it is missing (Go: a struct rather than a pointer,
   * a scalar without `omitempty`).
   */
  isPresent = false
  /** A scalar whose zero means something else than its absence (Go: a pointer). Other optional zeros are dropped. */
  isPointer = false
  defaultValue: unknown = undefined
  listType: ListMerge | undefined
  listMapKeys: readonly string[] | undefined
  mapType: 'atomic' | 'granular' | undefined
  patchStrategy: 'merge' | 'replace' | 'retainKeys' | 'merge,retainKeys' | undefined
  patchMergeKey: string | undefined
  allowed: readonly string[] | undefined
  /** Numbers of the embedded protobuf messages that really hold this field (Go embedded structs), outermost first. */
  embedTags: readonly number[] = []
  /** Of a field of type `json`: what its value may be, which protobuf tells apart by a message around it. */
  union: Union | undefined
  /** Of a field of type `object`: protobuf has a message without any fields for it rather than JSON text. */
  isEmptyMessage = false

  constructor(shape: Shape, type: ScalarName | Message, tag: number, doc: string) {
    this.shape = shape
    this.type = type
    this.tag = tag
    this.doc = doc
  }

  /** The value is a `type`, or else what `other` says. */
  orElse(other: Union['other'], type: Message | 'self'): this {
    this.union = { other, type: type as Message }
    return this
  }

  emptyMessage(): this {
    this.isEmptyMessage = true
    return this
  }

  required(): Field<T, true> {
    this.isRequired = true
    return this as unknown as Field<T, true>
  }

  present(): Field<T, true> {
    this.isPresent = true
    return this as unknown as Field<T, true>
  }

  pointer(): this {
    this.isPointer = true
    return this
  }

  /** Given to the field when its parent is there and it is not. Upstream: the `SetDefaults_*` functions. */
  default(value: T): this {
    this.defaultValue = value
    return this
  }

  /** The accepted values of a string. */
  oneOf<const V extends string>(...values: V[]): this {
    this.allowed = values
    return this
  }

  /** A list whose elements are told apart by these keys (server-side apply, strict validation of duplicates). */
  map(...keys: string[]): this {
    this.listType = 'map'
    this.listMapKeys = keys
    return this
  }

  set(): this {
    this.listType = 'set'
    return this
  }

  atomic(): this {
    if (this.shape === 'list' || this.type === 'bytes') this.listType = 'atomic'
    else this.mapType = 'atomic'
    return this
  }

  granular(): this {
    this.mapType = 'granular'
    return this
  }

  /** Strategic merge patch merges this list, by `key` where its elements are objects. */
  merge(key?: string): this {
    this.patchStrategy = 'merge'
    this.patchMergeKey = key
    return this
  }

  /** Strategic merge patch replaces this object as a whole. */
  replace(): this {
    this.patchStrategy = 'replace'
    return this
  }

  /** Strategic merge patch replaces this object but keeps the keys named by `$retainKeys`. */
  retainKeys(): this {
    this.patchStrategy = this.patchStrategy === 'merge' ? 'merge,retainKeys' : 'retainKeys'
    return this
  }
}

/** A message, or in its place a boolean, a list of such messages, or a list of texts. */
export interface Union {
  readonly other: 'bool' | 'messages' | 'texts'
  readonly type: Message
}

export type Fields = Record<string, Field>

type RequiredNames<F extends Fields> = { [K in keyof F]: F[K]['always'] extends true ? K : never }[keyof F]
type InferFields<F extends Fields> = { [K in RequiredNames<F>]: F[K]['value'] } & {
  [K in Exclude<keyof F, RequiredNames<F>>]?: F[K]['value']
}
/** The static type of a Message's value. */
export type Infer<M extends Message> = M extends Message<infer F> ? InferFields<F> : never

/** What `decode` is to do with what it is given. */
export interface DecodeOptions {
  /** Default: true. Without, nothing is filled in: for patches and for reading back what was stored. */
  withDefaults?: boolean
  /** Nulls of custom resources stay where their schema has no use for them. Default: false. */
  keepsNulls?: boolean
  /**
   * Another object of the same type. Of `spec`, `status` and other members besides metadata, those that the input shares with
   * it are taken over as they are where they are frozen, which says that they are complete.
   */
  known?: Readonly<Record<string, unknown>> | undefined
}

/** How objects look that users have described themselves, as they do in a CustomResourceDefinition. */
export interface ObjectSchema {
  /**
   * `decode` for an object of this type: checks what can't be left to validation, drops what the schema does not know,
   * and fills in defaults where they are wanted. Copies, but for what is known. Throws DecodeError.
   */
  decode(
    input: Record<string, unknown>,
    options: DecodeOptions & { withDefaults: boolean },
  ): { object: Record<string, unknown>; unknown: string[] }
  /** As JSON, in the words of apiextensions.k8s.io/v1 JSONSchemaProps. */
  readonly source: Readonly<Record<string, unknown>>
  /** As an OpenAPI document shows it; `metadata` is how that shows the field of this name. */
  published(dialect: 'v2' | 'v3', metadata: Record<string, unknown>): Record<string, unknown>
}

/** The description of one API type. Immutable once built. */
export class Message<F extends Fields = Fields> {
  /** Short name with group and version, e.g. `core.v1.Container`. */
  readonly name: string
  readonly doc: string
  readonly fields: F
  /** Server-side apply owns values of this type as a whole (Go: `+structType=atomic`). */
  isAtomic = false
  /** Set where users have described the type: it stands in for all fields but apiVersion, kind and metadata. */
  schema: ObjectSchema | undefined = undefined
  /** Set for top-level kinds. */
  readonly gvk: { group: string; version: string; kind: string } | undefined

  constructor(name: string, doc: string, fields: F, gvk?: { group: string; version: string; kind: string }) {
    this.name = name
    this.doc = doc
    this.fields = fields
    this.gvk = gvk
    for (const field of Object.values(fields)) {
      if ((field.type as string) === 'self') (field as { type: Message }).type = this
      if ((field.union?.type as unknown) === 'self') (field.union as { type: Message }).type = this
    }
  }

  atomic(): this {
    this.isAtomic = true
    return this
  }
}

export function message<F extends Fields>(name: string, doc: string, fields: F): Message<F> {
  return new Message(name, doc, fields)
}

type Value<S extends ScalarName | Message> = S extends ScalarName
  ? ScalarTypes[S]
  : S extends Message
    ? Infer<S>
    : never

const scalar =
  <S extends ScalarName>(type: S) =>
  (tag: number, doc: string): Field<ScalarTypes[S], false> =>
    new Field<ScalarTypes[S], false>('one', type, tag, doc)

/** Field constructors; `tag` is the protobuf number, `doc` one line for `kubectl explain`. */
export const f = {
  string: scalar('string'),
  int32: scalar('int32'),
  int64: scalar('int64'),
  double: scalar('double'),
  bool: scalar('bool'),
  bytes: scalar('bytes'),
  quantity: scalar('quantity'),
  time: scalar('time'),
  microTime: scalar('microTime'),
  intOrString: scalar('intOrString'),
  object: scalar('object'),
  json: scalar('json'),
  message: <M extends Message>(type: M, tag: number, doc: string): Field<Infer<M>, false> =>
    new Field<Infer<M>, false>('one', type, tag, doc),
  list: <S extends ScalarName | Message>(type: S, tag: number, doc: string): Field<Value<S>[], false> =>
    new Field<Value<S>[], false>('list', type, tag, doc),
  mapOf: <S extends ScalarName | Message>(type: S, tag: number, doc: string): Field<Record<string, Value<S>>, false> =>
    new Field<Record<string, Value<S>>, false>('map', type, tag, doc),
  mapOfLists: <S extends ScalarName>(
    type: S,
    tag: number,
    doc: string,
  ): Field<Record<string, ScalarTypes[S][]>, false> =>
    new Field<Record<string, ScalarTypes[S][]>, false>('mapOfLists', type, tag, doc),
}

/** A field whose type is the message that contains it. */
export function selfField<S extends Shape>(shape: S, tag: number, doc: string): Field<SelfValue<S>, false> {
  return new Field<SelfValue<S>, false>(shape, 'self' as unknown as Message, tag, doc)
}
type SelfValue<S extends Shape> = S extends 'list' ? Record<string, any>[] : Record<string, any>

/** Fields that JSON shows on the parent, but protobuf keeps in an embedded message with number `tag`. */
export function embedded<F extends Fields>(tag: number, fields: F): F {
  const out: Fields = {}
  for (const [name, field] of Object.entries(fields)) {
    const copy: Field = Object.create(Field.prototype)
    out[name] = Object.assign(copy, field, { embedTags: [tag, ...field.embedTags] })
  }
  return out as F
}
