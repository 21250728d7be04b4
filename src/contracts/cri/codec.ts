/**
 * Encodes and decodes the message tables of this folder (protobuf, proto3). Decoded messages are complete: absent scalars
 * are zero, absent lists and maps are empty, only absent sub-messages are undefined. 64-bit integers are numbers: byte counts
 * and limits fit into 2^53, and nanosecond timestamps keep a precision of 256 ns, which nobody who reads them needs.
 */
import protobuf from 'protobufjs/minimal.js'
import type { Reader, Writer } from 'protobufjs/minimal.js'
import { ARCHIVE_MESSAGES } from './archive-messages.ts'
import { CRI_ENUMS } from './enums.ts'
import { IMAGE_MESSAGES } from './image-messages.ts'
import { RUNTIME_MESSAGES } from './runtime-messages.ts'
import { STATS_MESSAGES } from './stats-messages.ts'
import type { CriMessage, CriMessageInit, CriMessageName } from './types.ts'

interface Scalar {
  wireType: number
  zero: () => unknown
  write(writer: Writer, value: never): unknown
  read(reader: Reader): unknown
}

/** Beyond 2^53 (e.g. "no limit" as 2^63-1) the nearest number. */
const toNumber = (value: unknown) => (typeof value === 'number' ? value : Number(String(value)))

const SCALARS: Record<string, Scalar> = {
  string: { wireType: 2, zero: () => '', write: (w, v: string) => w.string(v), read: readString },
  bytes: { wireType: 2, zero: () => new Uint8Array(), write: (w, v: Uint8Array) => w.bytes(v), read: (r) => r.bytes() },
  bool: { wireType: 0, zero: () => false, write: (w, v: boolean) => w.bool(v), read: (r) => r.bool() },
  int32: { wireType: 0, zero: () => 0, write: (w, v: number) => w.int32(v), read: (r) => r.int32() },
  uint32: { wireType: 0, zero: () => 0, write: (w, v: number) => w.uint32(v), read: (r) => r.uint32() },
  int64: { wireType: 0, zero: () => 0, write: (w, v: number) => w.int64(v), read: (r) => toNumber(r.int64()) },
  uint64: { wireType: 0, zero: () => 0, write: (w, v: number) => w.uint64(v), read: (r) => toNumber(r.uint64()) },
  double: { wireType: 1, zero: () => 0, write: (w, v: number) => w.double(v), read: (r) => r.double() },
}

interface Field {
  key: string
  number: number
  repeated: boolean
  /** Exactly one of these three says what a value is. */
  scalar?: Scalar
  message?: MessageType
  map?: true
}

interface MessageType {
  fields: Field[]
  byNumber: Map<number, Field>
}

const TABLE: Record<string, Record<string, string>> = {
  ...RUNTIME_MESSAGES,
  ...STATS_MESSAGES,
  ...IMAGE_MESSAGES,
  ...ARCHIVE_MESSAGES,
}

const TYPES: ReadonlyMap<string, MessageType> = (() => {
  const types = new Map<string, MessageType>()
  for (const name of Object.keys(TABLE)) types.set(name, { fields: [], byNumber: new Map() })
  for (const [name, fields] of Object.entries(TABLE)) {
    const type = types.get(name)!
    for (const [key, text] of Object.entries(fields)) {
      const [, valueType = '', list, number] = /^(\w+)(\[\])? (\d+)$/.exec(text)!
      const field: Field = { key, number: Number(number), repeated: list !== undefined }
      if (valueType === 'map') field.map = true
      else if (types.has(valueType)) field.message = types.get(valueType)!
      else field.scalar = SCALARS[valueType in CRI_ENUMS ? 'int32' : valueType]!
      if (!field.map && !field.message && !field.scalar)
        throw new TypeError(`${name}.${key}: unknown type "${valueType}"`)
      type.fields.push(field)
      type.byNumber.set(field.number, field)
    }
  }
  return types
})()

export function encodeMessage<N extends CriMessageName>(name: N, message: CriMessageInit<N>): Buffer {
  const writer = protobuf.Writer.create()
  writeMessage(TYPES.get(name)!, message as Record<string, unknown>, writer)
  return writer.finish() as Buffer
}

/** Throws RangeError when `bytes` is not a message of this shape. */
export function decodeMessage<N extends CriMessageName>(name: N, bytes: Uint8Array): CriMessage<N> {
  return readMessage(TYPES.get(name)!, protobuf.Reader.create(bytes), bytes.length) as CriMessage<N>
}

function writeMessage(type: MessageType, message: Record<string, unknown>, writer: Writer) {
  for (const field of type.fields) {
    const value = message[field.key]
    if (value === undefined || value === null) continue
    if (field.map) {
      for (const [k, v] of Object.entries(value as Record<string, string>)) {
        writer.uint32((field.number << 3) | 2).fork()
        writer.uint32(10).string(k).uint32(18).string(v).ldelim()
      }
    } else if (!field.repeated) {
      if (field.message) writeValue(field, value, writer)
      else if (!isZero(value)) writeValue(field, value, writer)
    } else if (field.message || field.scalar!.wireType === 2) {
      for (const item of value as unknown[]) writeValue(field, item, writer)
    } else if ((value as unknown[]).length > 0) {
      writer.uint32((field.number << 3) | 2).fork()
      for (const item of value as never[]) field.scalar!.write(writer, item)
      writer.ldelim()
    }
  }
}

function writeValue(field: Field, value: unknown, writer: Writer) {
  if (field.message) {
    writer.uint32((field.number << 3) | 2).fork()
    writeMessage(field.message, value as Record<string, unknown>, writer)
    writer.ldelim()
  } else {
    writer.uint32((field.number << 3) | field.scalar!.wireType)
    field.scalar!.write(writer, value as never)
  }
}

function isZero(value: unknown): boolean {
  return value === 0 || value === '' || value === false || (value instanceof Uint8Array && value.length === 0)
}

function readMessage(type: MessageType, reader: Reader, end: number): Record<string, unknown> {
  const message: Record<string, unknown> = {}
  for (const field of type.fields) {
    if (field.repeated) message[field.key] = []
    else if (field.map) message[field.key] = {}
    else if (field.scalar) message[field.key] = field.scalar.zero()
    else message[field.key] = undefined
  }
  while (reader.pos < end) {
    const tag = reader.uint32()
    const field = type.byNumber.get(tag >>> 3)
    const wireType = tag & 7
    if (!field || wireType !== (field.scalar?.wireType ?? 2)) {
      if (field?.repeated && wireType === 2) {
        const packedEnd = readEnd(reader)
        while (reader.pos < packedEnd) (message[field.key] as unknown[]).push(field.scalar!.read(reader))
      } else reader.skipType(wireType)
      continue
    }
    if (field.map) {
      const [k, v] = readEntry(reader)
      Object.defineProperty(message[field.key], k, { value: v, enumerable: true, writable: true, configurable: true })
    } else {
      const value = field.message ? readMessage(field.message, reader, readEnd(reader)) : field.scalar!.read(reader)
      if (field.repeated) (message[field.key] as unknown[]).push(value)
      else message[field.key] = value
    }
  }
  return message
}

function readEntry(reader: Reader): [string, string] {
  const end = readEnd(reader)
  let key = ''
  let value = ''
  while (reader.pos < end) {
    const tag = reader.uint32()
    if (tag === 10) key = readString(reader)
    else if (tag === 18) value = readString(reader)
    else reader.skipType(tag & 7)
  }
  return [key, value]
}

/** Where the length-delimited field that starts here ends. */
function readEnd(reader: Reader): number {
  const length = reader.uint32()
  if (reader.pos + length > reader.len)
    throw new RangeError(`message ends ${reader.pos + length - reader.len} bytes early`)
  return reader.pos + length
}

/** The library's own `string()` silently shortens a string that exceeds the message. */
function readString(reader: Reader): string {
  const end = readEnd(reader)
  const { buffer, byteOffset } = reader.buf
  const text = Buffer.from(buffer, byteOffset + reader.pos, end - reader.pos).toString()
  reader.pos = end
  return text
}
