/**
 * Protobuf for every built-in kind, from the same schema as JSON. An object travels as `runtime.Unknown` behind four magic
 * bytes. Upstream: `apimachinery/pkg/runtime/serializer/protobuf` and each group's `generated.proto`.
 */
import { ByteReader, ByteWriter, WIRE } from '#machinery/protobuf-wire.ts'
import type { Field, Message, ScalarName } from './schema.ts'

export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf'
const MAGIC = Buffer.from('k8s\0')

type Json = Record<string, unknown>

/** The envelope of an object: its kind, and its bytes. Throws SyntaxError. */
export function openEnvelope(bytes: Buffer): { apiVersion: string; kind: string; raw: Buffer } {
  if (!bytes.subarray(0, 4).equals(MAGIC))
    throw new SyntaxError('provided data does not appear to be a protobuf message')
  const reader = new ByteReader(bytes.subarray(4))
  const out = { apiVersion: '', kind: '', raw: Buffer.alloc(0) as Buffer }
  while (!reader.isAtEnd) {
    const { tag, wire } = reader.key()
    if (tag === 1 && wire === WIRE.bytes) {
      const meta = new ByteReader(reader.bytes())
      while (!meta.isAtEnd) {
        const inner = meta.key()
        if (inner.tag === 1) out.apiVersion = meta.bytes().toString()
        else if (inner.tag === 2) out.kind = meta.bytes().toString()
        else meta.skip(inner.wire)
      }
    } else if (tag === 2 && wire === WIRE.bytes) out.raw = reader.bytes()
    else reader.skip(wire)
  }
  return out
}

/** `raw` as an object of `apiVersion` and `kind`, ready to be sent. */
export function closeEnvelope(apiVersion: string, kind: string, raw: Buffer): Buffer {
  const meta = new ByteWriter()
  meta.key(1, WIRE.bytes).bytes(Buffer.from(apiVersion)).key(2, WIRE.bytes).bytes(Buffer.from(kind))
  const writer = new ByteWriter()
  writer.key(1, WIRE.bytes).bytes(meta.finish()).key(2, WIRE.bytes).bytes(raw)
  // Both of these are empty, and upstream's encoder sends them all the same.
  writer.key(3, WIRE.bytes).bytes(Buffer.alloc(0)).key(4, WIRE.bytes).bytes(Buffer.alloc(0))
  return Buffer.concat([MAGIC, writer.finish()])
}

/** How a field is found by its number: directly, or in an embedded message. */
type Entry = { name: string; field: Field } | { embedded: Table }
type Table = Map<number, Entry>
const kTable = Symbol('fields by number')

function tableOf(type: Message & { [kTable]?: Table }): Table {
  if (type[kTable]) return type[kTable]
  const table: Table = new Map()
  for (const [name, field] of Object.entries(type.fields)) {
    if (field.tag === 0) continue
    let at = table
    for (const tag of field.embedTags) {
      let entry = at.get(tag)
      if (!entry) at.set(tag, (entry = { embedded: new Map() }))
      at = (entry as { embedded: Table }).embedded
    }
    at.set(field.tag, { name, field })
  }
  return (type[kTable] = byNumber(table))
}

/** Upstream's encoder writes fields in the order of their numbers; equal objects then have equal bytes. */
function byNumber(table: Table): Table {
  const entries = [...table].map(
    ([tag, entry]) => [tag, 'embedded' in entry ? { embedded: byNumber(entry.embedded) } : entry] as const,
  )
  return new Map(entries.toSorted(([a], [b]) => a - b))
}

const MAX_DEPTH = 200

/** The JSON form of a message; nothing is validated beyond what the wire format needs. Throws SyntaxError. */
export function decodeProtobuf(type: Message, bytes: Buffer): Json {
  const out: Json = {}
  readFields(tableOf(type), new ByteReader(bytes), out, 0)
  return out
}

function readFields(table: Table, reader: ByteReader, out: Json, depth: number) {
  if (depth > MAX_DEPTH) throw new SyntaxError('protobuf: nested too deeply')
  while (!reader.isAtEnd) {
    const { tag, wire } = reader.key()
    const entry = table.get(tag)
    if (!entry) reader.skip(wire)
    else if ('embedded' in entry) readFields(entry.embedded, new ByteReader(reader.bytes()), out, depth + 1)
    else readField(entry.name, entry.field, wire, reader, out, depth)
  }
}

function readField(name: string, field: Field, wire: number, reader: ByteReader, out: Json, depth: number) {
  const { shape, type } = field
  if (shape === 'list') {
    const list = ((out[name] as unknown[] | undefined) ??= []) as unknown[]
    if (typeof type === 'string' && wire === WIRE.bytes && isVarint(type)) {
      const packed = new ByteReader(reader.bytes())
      while (!packed.isAtEnd) list.push(readScalar(type, packed))
    } else list.push(readValue(type, reader, depth))
  } else if (shape === 'one') {
    const value = readValue(type, reader, depth)
    if (value !== undefined) out[name] = value
  } else {
    const map = ((out[name] as Json | undefined) ??= {}) as Json
    const pair = new ByteReader(reader.bytes())
    let key = ''
    let value: unknown
    while (!pair.isAtEnd) {
      const { tag, wire: inner } = pair.key()
      if (tag === 1) key = pair.bytes().toString()
      else if (tag === 2)
        value = shape === 'mapOfLists' ? readItems(type as ScalarName, pair.bytes()) : readValue(type, pair, depth)
      else pair.skip(inner)
    }
    map[key] = value ?? (typeof type === 'string' ? (type === 'string' || type === 'bytes' ? '' : 0) : {})
  }
}

/** The message around a list that is a map's value: `repeated string items = 1`. */
function readItems(type: ScalarName, bytes: Buffer): unknown[] {
  const reader = new ByteReader(bytes)
  const items: unknown[] = []
  while (!reader.isAtEnd) {
    const { tag, wire } = reader.key()
    if (tag === 1) items.push(readScalar(type, reader))
    else reader.skip(wire)
  }
  return items
}

function readValue(type: ScalarName | Message, reader: ByteReader, depth: number): unknown {
  if (typeof type === 'string') return readScalar(type, reader)
  const out: Json = {}
  readFields(tableOf(type), new ByteReader(reader.bytes()), out, depth + 1)
  return out
}

function isVarint(type: ScalarName): boolean {
  return type === 'int32' || type === 'int64' || type === 'bool'
}

function readScalar(type: ScalarName, reader: ByteReader): unknown {
  switch (type) {
    case 'string':
      return reader.bytes().toString()
    case 'bytes':
      return reader.bytes().toString('base64')
    case 'int32':
      return Number(BigInt.asIntN(32, reader.varint()))
    case 'int64':
      return Number(BigInt.asIntN(64, reader.varint()))
    case 'bool':
      return reader.varint() !== 0n
    case 'double':
      return reader.double()
    case 'quantity':
      return members(reader).get(1)?.bytes?.toString() ?? '0'
    case 'time':
    case 'microTime':
      return readTime(type, members(reader))
    case 'intOrString': {
      const parts = members(reader)
      return parts.get(1)?.number === 1n
        ? (parts.get(3)?.bytes?.toString() ?? '')
        : Number(BigInt.asIntN(32, parts.get(2)?.number ?? 0n))
    }
    case 'object':
    case 'json': {
      const raw = members(reader).get(1)?.bytes
      return raw && raw.length > 0 ? JSON.parse(raw.toString()) : undefined
    }
  }
}

/** All members of a small message by number. */
function members(reader: ByteReader): Map<number, { number?: bigint; bytes?: Buffer }> {
  const inner = new ByteReader(reader.bytes())
  const out = new Map<number, { number?: bigint; bytes?: Buffer }>()
  while (!inner.isAtEnd) {
    const { tag, wire } = inner.key()
    if (wire === WIRE.varint) out.set(tag, { number: inner.varint() })
    else if (wire === WIRE.bytes) out.set(tag, { bytes: inner.bytes() })
    else inner.skip(wire)
  }
  return out
}

/** An empty Timestamp is Go's zero time, which JSON shows as null. */
function readTime(type: 'time' | 'microTime', parts: Map<number, { number?: bigint }>): string | undefined {
  if (parts.size === 0) return undefined
  const seconds = Number(BigInt.asIntN(64, parts.get(1)?.number ?? 0n))
  const nanos = Number(BigInt.asIntN(32, parts.get(2)?.number ?? 0n))
  const date = new Date(seconds * 1000)
  if (Number.isNaN(date.getTime())) throw new SyntaxError('protobuf: time out of range')
  const whole = date.toISOString().slice(0, 19)
  return type === 'time' ? `${whole}Z` : `${whole}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z`
}

/** The bytes of an object given in its JSON form. */
export function encodeProtobuf(type: Message, object: Json): Buffer {
  const writer = new ByteWriter()
  writeFields(tableOf(type), object, writer)
  return writer.finish()
}

function writeFields(table: Table, object: Json, writer: ByteWriter) {
  for (const [tag, entry] of table) {
    if ('embedded' in entry) {
      const inner = new ByteWriter()
      writeFields(entry.embedded, object, inner)
      writer.key(tag, WIRE.bytes).bytes(inner.finish())
      continue
    }
    const { name, field } = entry
    const value = object[name]
    if (value === undefined || value === null) continue
    if (field.shape === 'one') writeValue(tag, field.type, value, writer)
    else if (field.shape === 'list')
      for (const element of value as unknown[]) writeValue(tag, field.type, element, writer)
    else {
      for (const [key, element] of Object.entries(value as Json)) {
        const pair = new ByteWriter()
        pair.key(1, WIRE.bytes).bytes(Buffer.from(key))
        if (field.shape === 'map') writeValue(2, field.type, element, pair)
        else {
          const items = new ByteWriter()
          for (const item of element as unknown[]) writeValue(1, field.type, item, items)
          pair.key(2, WIRE.bytes).bytes(items.finish())
        }
        writer.key(tag, WIRE.bytes).bytes(pair.finish())
      }
    }
  }
}

function writeValue(tag: number, type: ScalarName | Message, value: unknown, writer: ByteWriter) {
  if (typeof type !== 'string') {
    const inner = new ByteWriter()
    writeFields(tableOf(type), value as Json, inner)
    writer.key(tag, WIRE.bytes).bytes(inner.finish())
    return
  }
  switch (type) {
    case 'int32':
    case 'int64':
      writer.key(tag, WIRE.varint).varint(BigInt.asUintN(64, BigInt(value as number)))
      return
    case 'bool':
      writer.key(tag, WIRE.varint).varint(value ? 1n : 0n)
      return
    case 'double':
      writer.key(tag, WIRE.fixed64).double(value as number)
      return
    default:
      writer.key(tag, WIRE.bytes).bytes(bytesOf(type, value))
  }
}

function bytesOf(type: ScalarName, value: unknown): Buffer {
  if (type === 'string') return Buffer.from(value as string)
  if (type === 'bytes') return Buffer.from(value as string, 'base64')
  const inner = new ByteWriter()
  if (type === 'quantity') inner.key(1, WIRE.bytes).bytes(Buffer.from(String(value)))
  else if (type === 'time' || type === 'microTime') {
    const ms = Date.parse(value as string)
    const micros = Number((/\.(\d{1,6})/.exec(value as string)?.[1] ?? '').padEnd(6, '0'))
    inner.key(1, WIRE.varint).varint(BigInt.asUintN(64, BigInt(Math.floor(ms / 1000))))
    inner.key(2, WIRE.varint).varint(type === 'time' ? 0n : BigInt(micros * 1000))
  } else if (type === 'intOrString') {
    const isText = typeof value === 'string'
    inner.key(1, WIRE.varint).varint(isText ? 1n : 0n)
    inner.key(2, WIRE.varint).varint(isText ? 0n : BigInt.asUintN(64, BigInt(value as number)))
    inner.key(3, WIRE.bytes).bytes(Buffer.from(isText ? value : ''))
  } else inner.key(1, WIRE.bytes).bytes(Buffer.from(JSON.stringify(value)))
  return inner.finish()
}
