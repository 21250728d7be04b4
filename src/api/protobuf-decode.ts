/**
 * Protobuf to objects in their JSON form. Nothing is validated beyond what the wire format needs, and nothing is filled in:
 * that is `decode`'s part. Upstream: the `Unmarshal` functions of each group's `generated.pb.go`.
 */
import { setMember } from '#base/json.ts'
import { ByteReader, WIRE } from '#machinery/protobuf-wire.ts'
import { type Table, type TableEntry, tableOf } from './protobuf-table.ts'
import type { Message } from './schema.ts'

type Json = Record<string, unknown>

const MAX_DEPTH = 200

/** Throws SyntaxError. */
export function decodeProtobuf(type: Message, bytes: Buffer): Json {
  const out: Json = {}
  readFields(tableOf(type), new ByteReader(bytes), out, 0)
  return out
}

function readFields({ byTag }: Table, reader: ByteReader, out: Json, depth: number) {
  if (depth > MAX_DEPTH) throw new SyntaxError('protobuf: nested too deeply')
  while (!reader.isAtEnd) {
    const key = reader.key()
    const tag = key >>> 3
    const entry = tag < byTag.length ? byTag[tag] : undefined
    if (entry === undefined) reader.skip(key & 7)
    else if (entry.shape === 'one') {
      const value = readValue(entry, key & 7, reader, depth)
      if (value !== undefined) out[entry.name] = value
    } else if (entry.shape === 'list') readElement(entry, key & 7, reader, out, depth)
    else {
      checkWire(key & 7, WIRE.bytes)
      const outer = reader.enter()
      if (entry.shape === 'embedded') readFields(entry.inner!, reader, out, depth + 1)
      else readPair(entry, reader, out, depth)
      reader.leave(outer)
    }
  }
}

function checkWire(wire: number, wanted: number) {
  if (wire !== wanted) throw new SyntaxError(`protobuf: wrong wireType = ${wire}`)
}

function readElement(entry: TableEntry, wire: number, reader: ByteReader, out: Json, depth: number) {
  const list = ((out[entry.name] as unknown[] | undefined) ??= []) as unknown[]
  if (wire !== WIRE.bytes || wireOf(entry) === WIRE.bytes) {
    list.push(readValue(entry, wire, reader, depth) ?? null)
    return
  }
  // Numbers may be packed.
  const outer = reader.enter()
  while (!reader.isAtEnd) list.push(readValue(entry, wireOf(entry), reader, depth))
  reader.leave(outer)
}

function readPair(entry: TableEntry, reader: ByteReader, out: Json, depth: number) {
  const map = ((out[entry.name] as Json | undefined) ??= {}) as Json
  let name = ''
  let value: unknown
  while (!reader.isAtEnd) {
    const key = reader.key()
    if (key >>> 3 === 1 && (key & 7) === WIRE.bytes) name = reader.text()
    else if (key >>> 3 === 2)
      value = entry.shape === 'map' ? readValue(entry, key & 7, reader, depth) : readItems(entry, reader)
    else reader.skip(key & 7)
  }
  setMember(map, name, value ?? absentValue(entry))
}

/** The message around a list that is a map's value. */
function readItems(entry: TableEntry, reader: ByteReader): unknown[] {
  const items: unknown[] = []
  const outer = reader.enter()
  while (!reader.isAtEnd) {
    const key = reader.key()
    if (key >>> 3 === 1) items.push(readValue(entry, key & 7, reader, 0))
    else reader.skip(key & 7)
  }
  reader.leave(outer)
  return items
}

/** What a map has under a key that came without a value. */
function absentValue({ shape, wire }: TableEntry): unknown {
  if (shape === 'mapOfLists') return []
  if (wire === 'message' || wire === 'object' || wire === 'emptyMessage') return {}
  if (wire === 'bool') return false
  if (wire === 'quantity') return '0'
  if (wire === 'union' || wire === 'json') return null
  return wireOf({ wire }) === WIRE.bytes && wire !== 'intOrString' ? '' : 0
}

function wireOf({ wire }: Pick<TableEntry, 'wire'>): number {
  if (wire === 'int32' || wire === 'int64' || wire === 'bool') return WIRE.varint
  return wire === 'double' ? WIRE.fixed64 : WIRE.bytes
}

/** Undefined for a message that stands for nothing. */
function readValue(entry: TableEntry, wire: number, reader: ByteReader, depth: number): unknown {
  checkWire(wire, wireOf(entry))
  switch (entry.wire) {
    case 'string':
      return reader.text()
    case 'bytes':
      return reader.base64()
    case 'int32':
      return reader.int32()
    case 'int64':
      return reader.int64()
    case 'bool':
      return reader.bool()
    case 'double':
      return reader.double()
  }
  const outer = reader.enter()
  const value = readMessage(entry, reader, depth)
  reader.leave(outer)
  return value
}

function readMessage(entry: TableEntry, reader: ByteReader, depth: number): unknown {
  switch (entry.wire) {
    case 'message': {
      const out: Json = {}
      readFields(tableOf(entry.type!), reader, out, depth + 1)
      return out
    }
    case 'quantity':
      return readText(reader) ?? '0'
    case 'time':
    case 'microTime':
      return readTime(entry.wire, reader)
    case 'intOrString':
      return readIntOrString(reader)
    case 'object':
    case 'json': {
      const text = readText(reader)
      return text ? JSON.parse(text) : undefined
    }
    case 'union':
      return readUnion(entry, reader, depth)
    default:
      return {}
  }
}

/** The text that is field 1 of the message that is being read. */
function readText(reader: ByteReader): string | undefined {
  let text: string | undefined
  while (!reader.isAtEnd) {
    const key = reader.key()
    if (key === ((1 << 3) | WIRE.bytes)) text = reader.text()
    else reader.skip(key & 7)
  }
  return text
}

function readIntOrString(reader: ByteReader): number | string {
  let type = 0
  let number = 0
  let text = ''
  while (!reader.isAtEnd) {
    const key = reader.key()
    if (key === ((1 << 3) | WIRE.varint)) type = reader.uint32()
    else if (key === ((2 << 3) | WIRE.varint)) number = reader.int32()
    else if (key === ((3 << 3) | WIRE.bytes)) text = reader.text()
    else reader.skip(key & 7)
  }
  return type === 1 ? text : number
}

/** An empty Timestamp is Go's zero time, which JSON shows as null. */
function readTime(wire: 'time' | 'microTime', reader: ByteReader): string | undefined {
  if (reader.isAtEnd) return undefined
  let seconds = 0
  let nanos = 0
  while (!reader.isAtEnd) {
    const key = reader.key()
    if (key === ((1 << 3) | WIRE.varint)) seconds = reader.int64()
    else if (key === ((2 << 3) | WIRE.varint)) nanos = reader.int32()
    else reader.skip(key & 7)
  }
  const date = new Date(seconds * 1000)
  if (Number.isNaN(date.getTime())) throw new SyntaxError('protobuf: time out of range')
  const whole = date.toISOString().slice(0, -5)
  return wire === 'time' ? `${whole}Z` : `${whole}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z`
}

function readUnion({ union }: TableEntry, reader: ByteReader, depth: number): unknown {
  const { other, type } = union!
  const messageTag = other === 'bool' ? 2 : 1
  let message: Json | undefined
  let allows = false
  const list: unknown[] = []
  const read = () => {
    const outer = reader.enter()
    const out: Json = {}
    readFields(tableOf(type), reader, out, depth + 1)
    reader.leave(outer)
    return out
  }
  while (!reader.isAtEnd) {
    const key = reader.key()
    if (key === ((messageTag << 3) | WIRE.bytes)) message = read()
    else if (key === ((2 << 3) | WIRE.bytes)) list.push(other === 'texts' ? reader.text() : read())
    else if (key === ((1 << 3) | WIRE.varint)) allows = reader.bool()
    else reader.skip(key & 7)
  }
  if (list.length > 0) return list
  return message ?? (other === 'bool' ? allows : undefined)
}
