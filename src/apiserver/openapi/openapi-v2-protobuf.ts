/**
 * The OpenAPI v2 document in protobuf, the only form of it that kubectl asks for. Upstream: gnostic's `openapi.v2.Document`,
 * which has a message for each kind of object in the document and pairs of name and value for its maps.
 *
 * The messages are a table. Members that it has no place for are left out; the message a value becomes follows from the
 * value alone, so the same document always makes the same bytes.
 */
import { ByteWriter, WIRE } from '#machinery/protobuf-wire.ts'

/** What a value that is no array says about itself, and the members that all kinds of parameters share. */
const SIMPLE = `type:string format:string items:PrimitivesItems collectionFormat:string default:Any maximum:double
  exclusiveMaximum:bool minimum:double exclusiveMinimum:bool maxLength:int64 minLength:int64 pattern:string maxItems:int64
  minItems:int64 uniqueItems:bool enum:Any[] multipleOf:double`
const PARAMETER = 'required:bool in:string description:string name:string'

/**
 * Members of each message as `name:type`, in the order of their field numbers, which count from 1 without gaps; `-` is a
 * number that no document of ours uses. `[]` repeats; a `*` stands for all other members whose names begin with what is
 * before it, as pairs of name and value.
 */
const table: Readonly<Record<string, string>> = {
  Document: `swagger:string info:Info host:string basePath:string schemes:string[] consumes:string[] produces:string[]
    paths:Paths definitions:SchemaMap - - security:SecurityRequirement[] securityDefinitions:SecurityDefinitions tags:Tag[]
    externalDocs:ExternalDocs x-*:Any`,
  Info: `title:string version:string description:string termsOfService:string contact:Contact license:License x-*:Any`,
  Contact: 'name:string url:string email:string x-*:Any',
  License: 'name:string url:string x-*:Any',
  Tag: 'name:string description:string externalDocs:ExternalDocs x-*:Any',
  ExternalDocs: 'description:string url:string x-*:Any',
  JsonReference: '$ref:string description:string',

  Paths: 'x-*:Any /*:PathItem',
  PathItem: `$ref:string get:Operation put:Operation post:Operation delete:Operation options:Operation head:Operation
    patch:Operation parameters:ParametersItem[] x-*:Any`,
  Operation: `tags:string[] summary:string description:string externalDocs:ExternalDocs operationId:string produces:string[]
    consumes:string[] parameters:ParametersItem[] responses:Responses schemes:string[] deprecated:bool
    security:SecurityRequirement[] x-*:Any`,
  BodyParameter: 'description:string name:string in:string required:bool schema:Schema x-*:Any',
  HeaderParameter: `${PARAMETER} ${SIMPLE} x-*:Any`,
  FormDataParameter: `${PARAMETER} allowEmptyValue:bool ${SIMPLE} x-*:Any`,
  QueryParameter: `${PARAMETER} allowEmptyValue:bool ${SIMPLE} x-*:Any`,
  PathParameter: `${PARAMETER} ${SIMPLE} x-*:Any`,
  PrimitivesItems: `${SIMPLE} x-*:Any`,
  Responses: '*:ResponseValue x-*:Any',
  Response: 'description:string schema:SchemaItem headers:Headers examples:Examples x-*:Any',
  Headers: '*:Header',
  Header: `${SIMPLE} description:string x-*:Any`,
  Examples: '*:Any',

  SchemaMap: '*:Schema',
  Schema: `$ref:string format:string title:string description:string default:Any multipleOf:double maximum:double
    exclusiveMaximum:bool minimum:double exclusiveMinimum:bool maxLength:int64 minLength:int64 pattern:string maxItems:int64
    minItems:int64 uniqueItems:bool maxProperties:int64 minProperties:int64 required:string[] enum:Any[]
    additionalProperties:AdditionalPropertiesItem type:TypeItem items:ItemsItem allOf:Schema[] properties:SchemaMap
    discriminator:string readOnly:bool - externalDocs:ExternalDocs example:Any x-*:Any`,

  SecurityDefinitions: '*:SecurityDefinitionsItem',
  BasicAuthenticationSecurity: 'type:string description:string x-*:Any',
  ApiKeySecurity: 'type:string name:string in:string description:string x-*:Any',
  SecurityRequirement: '*:StringArray',
}

type Json = Readonly<Record<string, unknown>>

const parameters: Readonly<Record<string, readonly [tag: number, type: string]>> = {
  header: [1, 'HeaderParameter'],
  formData: [2, 'FormDataParameter'],
  query: [3, 'QueryParameter'],
  path: [4, 'PathParameter'],
}

/** Messages that wrap one of several others: the number and type of the one that a value becomes. */
const choices: Readonly<Record<string, (value: Json) => readonly [tag: number, type: string] | undefined>> = {
  ParametersItem: (value) => ('$ref' in value ? [2, 'JsonReference'] : [1, 'Parameter']),
  Parameter: (value) => (value.in === 'body' ? [1, 'BodyParameter'] : [2, 'NonBodyParameter']),
  NonBodyParameter: (value) => parameters[String(value.in)],
  ResponseValue: (value) => ('$ref' in value ? [2, 'JsonReference'] : [1, 'Response']),
  SchemaItem: (value) => (value.type === 'file' ? undefined : [1, 'Schema']),
  AdditionalPropertiesItem: (value) => (typeof value === 'boolean' ? [2, 'bool'] : [1, 'Schema']),
  SecurityDefinitionsItem: ({ type }) =>
    ({ basic: [1, 'BasicAuthenticationSecurity'] as const, apiKey: [2, 'ApiKeySecurity'] as const })[String(type)],
}

/** Messages around a list, which the document may write as its only element. */
const lists: Readonly<Record<string, string>> = { TypeItem: 'string', ItemsItem: 'Schema', StringArray: 'string' }

interface Member {
  readonly tag: number
  /** The member's name, or how the names begin that it takes. */
  readonly name: string
  readonly type: string
  readonly isRepeated: boolean
  readonly isMap: boolean
}

const messages: ReadonlyMap<string, readonly Member[]> = new Map(
  Object.entries(table).map(([message, members]) => [message, members.split(/\s+/).flatMap(parseMember)]),
)

function parseMember(text: string, index: number): Member[] {
  const [, name, star, type, brackets] = /^([^:*]*)(\*?):(\w+)(\[\])?$/.exec(text) ?? []
  if (type === undefined) return []
  return [{ tag: index + 1, name: name!, type, isRepeated: brackets !== undefined, isMap: star === '*' }]
}

/** The bytes of `openapi.v2.Document`. Throws a TypeError for a value that the format has no message for. */
export function encodeOpenApiV2(document: Json): Buffer {
  return encodeMessage('Document', document)
}

function encodeMessage(type: string, value: unknown): Buffer {
  const writer = new ByteWriter()
  if (type === 'Any')
    return writer
      .key(2, WIRE.bytes)
      .bytes(Buffer.from(yamlOf(value)))
      .finish()
  const element = lists[type]
  if (element !== undefined) {
    for (const item of Array.isArray(value) ? value : [value]) write(writer, 1, element, item)
    return writer.finish()
  }
  const choose = choices[type]
  if (choose) {
    const choice = choose(value as Json)
    if (!choice) throw new TypeError(`OpenAPI v2: no message for this ${type}: ${JSON.stringify(value)}`)
    write(writer, choice[0], choice[1], value)
    return writer.finish()
  }
  writeMembers(writer, messages.get(type)!, value as Json)
  return writer.finish()
}

function writeMembers(writer: ByteWriter, members: readonly Member[], value: Json) {
  for (const member of members) {
    const { tag, name, type } = member
    if (member.isMap) {
      for (const [key, inner] of Object.entries(value)) {
        if (takes(member, members, key)) writer.key(tag, WIRE.bytes).bytes(pair(key, type, inner))
      }
      continue
    }
    const inner = value[name]
    if (inner === undefined) continue
    if (member.isRepeated) for (const item of inner as readonly unknown[]) write(writer, tag, type, item)
    else if (!isZero(inner, type)) write(writer, tag, type, inner)
  }
}

/** A star takes a name unless a longer beginning beside it, such as that of extensions, does. */
function takes({ name: start }: Member, members: readonly Member[], key: string): boolean {
  return (
    key.startsWith(start) &&
    !members.some(({ isMap, name }) => isMap && name.length > start.length && key.startsWith(name))
  )
}

function pair(name: string, type: string, value: unknown): Buffer {
  const writer = new ByteWriter()
  if (name !== '') write(writer, 1, 'string', name)
  write(writer, 2, type, value)
  return writer.finish()
}

/** Absent scalars are zero, so zeros are not written. */
function isZero(value: unknown, type: string): boolean {
  return type in scalars && (value === '' || value === false || value === 0)
}

const scalars: Readonly<Record<string, (writer: ByteWriter, tag: number, value: unknown) => void>> = {
  string: (writer, tag, value) => writer.key(tag, WIRE.bytes).bytes(Buffer.from(value as string)),
  bool: (writer, tag, value) => writer.key(tag, WIRE.varint).varint(value ? 1n : 0n),
  int64: (writer, tag, value) => writer.key(tag, WIRE.varint).varint(BigInt.asUintN(64, BigInt(value as number))),
  double: (writer, tag, value) => writer.key(tag, WIRE.fixed64).double(value as number),
}

function write(writer: ByteWriter, tag: number, type: string, value: unknown) {
  const scalar = scalars[type]
  if (scalar) scalar(writer, tag, value)
  else writer.key(tag, WIRE.bytes).bytes(encodeMessage(type, value))
}

/** JSON is YAML, but for characters that YAML takes for line breaks or does not allow: those are written as escapes. */
function yamlOf(value: unknown): string {
  const escaped = JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `${escaped}\n`
}
