/**
 * Objects in their JSON form to protobuf. Fields are written in the order of their numbers and maps in the order of their
 * keys, as upstream's encoder does it, so equal objects have equal bytes. Upstream: the `MarshalToSizedBuffer` functions
 * of each group's `generated.pb.go`, which write backwards too.
 */
import { BackwardWriter, WIRE } from '#machinery/protobuf-wire.ts'
import { type Table, type TableEntry, tableOf } from './protobuf-table.ts'
import type { Message } from './schema.ts'

type Json = Readonly<Record<string, unknown>>

/** The bytes of an object of `type`, which has been decoded or is as good. */
export function encodeProtobuf(type: Message, object: Json, writer: BackwardWriter = new BackwardWriter()): Buffer {
  return finished(writer, () => writeFields(tableOf(type), object, writer))
}

/** The object as a field with the number `tag`, so that it can be put into another message without being copied. */
export function encodeAsField(type: Message, object: Json, tag: number, writer: BackwardWriter): Buffer {
  return finished(writer, () => writeMessage(tag, tableOf(type), object, writer))
}

function finished(writer: BackwardWriter, write: () => void): Buffer {
  try {
    write()
  } catch (err) {
    writer.reset()
    throw err
  }
  return writer.finish()
}

function writeFields({ descending }: Table, object: Json, writer: BackwardWriter) {
  for (let i = 0; i < descending.length; i++) {
    const entry = descending[i]!
    if (entry.shape === 'embedded') {
      writeMessage(entry.tag, entry.inner!, object, writer)
      continue
    }
    const value = object[entry.name]
    if (value === undefined || value === null) continue
    if (entry.shape === 'one') writeValue(entry.tag, entry, value, writer)
    else if (entry.shape === 'list') {
      const list = value as unknown[]
      for (let at = list.length - 1; at >= 0; at--) writeValue(entry.tag, entry, list[at], writer)
    } else writeMap(entry, value as Json, writer)
  }
}

function writeMap(entry: TableEntry, map: Json, writer: BackwardWriter) {
  const keys = Object.keys(map)
  if (keys.length > 1) keys.sort()
  for (let i = keys.length - 1; i >= 0; i--) {
    const key = keys[i]!
    const end = writer.written
    if (entry.shape === 'map') writeValue(2, entry, map[key], writer)
    else {
      // A map's value can't be a list, so there is a message around it with the list as its field 1.
      const items = map[key] as unknown[]
      for (let at = items.length - 1; at >= 0; at--) writeValue(1, entry, items[at], writer)
      close(2, end, writer)
    }
    writer.text(key)
    writer.uint32((1 << 3) | WIRE.bytes)
    close(entry.tag, end, writer)
  }
}

function writeMessage(tag: number, table: Table, object: Json, writer: BackwardWriter) {
  const end = writer.written
  writeFields(table, object, writer)
  close(tag, end, writer)
}

/** Makes a field of what has been written since `end`. */
function close(tag: number, end: number, writer: BackwardWriter) {
  writer.uint32(writer.written - end)
  writer.uint32((tag << 3) | WIRE.bytes)
}

function writeInteger(tag: number, value: number, writer: BackwardWriter) {
  writer.int64(value)
  writer.uint32((tag << 3) | WIRE.varint)
}

function writeText(tag: number, value: string, writer: BackwardWriter) {
  writer.text(value)
  writer.uint32((tag << 3) | WIRE.bytes)
}

function writeValue(tag: number, entry: TableEntry, value: unknown, writer: BackwardWriter) {
  switch (entry.wire) {
    case 'message':
      writeMessage(tag, tableOf(entry.type!), value as Json, writer)
      return
    case 'string':
      writeText(tag, value as string, writer)
      return
    case 'int32':
    case 'int64':
      writeInteger(tag, value as number, writer)
      return
    case 'bool':
      writeInteger(tag, value ? 1 : 0, writer)
      return
    case 'double':
      writer.double(value as number)
      writer.uint32((tag << 3) | WIRE.fixed64)
      return
    case 'bytes':
      writer.bytes(Buffer.from(value as string, 'base64'))
      writer.uint32((tag << 3) | WIRE.bytes)
      return
  }
  const end = writer.written
  writeSmallMessage(entry, value, writer)
  close(tag, end, writer)
}

/** Values that JSON shows as text or number, and protobuf as a message. */
function writeSmallMessage({ wire, union }: TableEntry, value: unknown, writer: BackwardWriter) {
  switch (wire) {
    case 'quantity':
      writeText(1, String(value), writer)
      break
    case 'time':
    case 'microTime':
      writeTime(wire, value as string, writer)
      break
    case 'intOrString': {
      const isText = typeof value === 'string'
      writeText(3, isText ? value : '', writer)
      writeInteger(2, isText ? 0 : (value as number), writer)
      writeInteger(1, isText ? 1 : 0, writer)
      break
    }
    case 'object':
      writeText(1, JSON.stringify(value), writer)
      break
    case 'json':
      // Upstream's decoder of JSON leaves a null without text.
      if (value !== null) writeText(1, JSON.stringify(value), writer)
      break
    case 'union': {
      const table = tableOf(union!.type)
      const messageTag = union!.other === 'bool' ? 2 : 1
      if (typeof value === 'boolean') writeInteger(1, value ? 1 : 0, writer)
      else if (Array.isArray(value)) {
        for (let at = value.length - 1; at >= 0; at--) {
          if (union!.other === 'texts') writeText(2, value[at] as string, writer)
          else writeMessage(2, table, value[at] as Json, writer)
        }
      } else {
        writeMessage(messageTag, table, value as Json, writer)
        if (union!.other === 'bool') writeInteger(1, 1, writer)
      }
      break
    }
  }
}

const NANOSECONDS = 1000

function writeTime(wire: 'time' | 'microTime', value: string, writer: BackwardWriter) {
  const ms = Date.parse(value)
  const fraction = wire === 'time' ? '' : (/\.(\d{1,6})/.exec(value)?.[1] ?? '')
  writeInteger(2, Number(fraction.padEnd(6, '0')) * NANOSECONDS, writer)
  writeInteger(1, Math.floor(ms / 1000), writer)
}
