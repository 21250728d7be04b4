/**
 * Objects as bytes. What is stored is the object's JSON without its resourceVersion, because the revision is known only
 * when the write has been accepted; what is sent has it inserted at an offset that is the same for every object of a
 * kind. So an object is encoded once, and a committed one is never encoded again.
 */
import type { KubeObject } from '#api/kind.ts'
import { encodeAsField } from '#api/protobuf-encode.ts'
import { OBJECT_TAG } from '#api/protobuf-envelope.ts'
import type { Message } from '#api/schema.ts'
import { BackwardWriter } from '#machinery/protobuf-wire.ts'

/** Where `metadata` starts in the encoding of every object of one kind. */
export interface KindCodec {
  encode(object: KubeObject): Buffer
  /** The stored bytes with the resourceVersion put in. */
  withRevision(stored: Buffer, revision: number): Buffer
  /** Parses stored bytes and sets the resourceVersion. The result is shared and must not be written to. */
  decode(stored: Buffer, revision: number): KubeObject
  /** The object in protobuf, as field 2 of whatever it is put into. */
  toProtobuf(object: KubeObject): Buffer
}

/** How many sets of fields are kept encoded; each has a few kilobytes. */
const MAX_FIELD_SETS = 64

/** The parts one after another. Bytes that are there already are copied, which is less work than encoding text. */
function joined(parts: readonly (string | Buffer)[]): Buffer {
  let length = 0
  for (const part of parts) length += typeof part === 'string' ? Buffer.byteLength(part) : part.length
  const out = Buffer.allocUnsafeSlow(length)
  let at = 0
  for (const part of parts) at += typeof part === 'string' ? out.write(part, at) : part.copy(out, at)
  return out
}

export function kindCodec(apiVersion: string, kind: string, type: Message): KindCodec {
  const head = `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":{`
  const headBytes = Buffer.byteLength(head)
  let writer: BackwardWriter | undefined
  /** Objects that look alike share their sets of fields, which are the larger part of them. */
  const fieldBytes = new Map<object, Buffer>()
  const bytesOf = (fields: object): string | Buffer => {
    const known = fieldBytes.get(fields)
    if (known) return known
    const text = JSON.stringify(fields)
    // Only those that are shared come again.
    if (!Object.isFrozen(fields)) return text
    const bytes = Buffer.from(text)
    fieldBytes.set(fields, bytes)
    if (fieldBytes.size > MAX_FIELD_SETS) fieldBytes.delete(fieldBytes.keys().next().value!)
    return bytes
  }
  return {
    toProtobuf(object) {
      writer ??= new BackwardWriter()
      return encodeAsField(type, object as unknown as Record<string, unknown>, OBJECT_TAG, writer)
    },
    encode(object) {
      const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = object
      const { resourceVersion: _resourceVersion, managedFields, ...meta } = metadata
      const tail = JSON.stringify(rest)
      // `meta` always has a name, so no part is ever empty before the comma that follows it.
      const start = `${head}${JSON.stringify(meta).slice(1, -1)}`
      const end = tail === '{}' ? '}}' : `},${tail.slice(1)}`
      if (!managedFields) return Buffer.from(start + end)
      const parts: (string | Buffer)[] = []
      let text = `${start},"managedFields":[`
      managedFields.forEach(({ fieldsV1, ...entry }, i) => {
        const others = JSON.stringify(entry)
        if (i > 0) text += ','
        if (!fieldsV1) return void (text += others)
        parts.push(`${text}{"fieldsV1":`, bytesOf(fieldsV1))
        text = others === '{}' ? '}' : `,${others.slice(1)}`
      })
      return joined([...parts, `${text}]${end}`])
    },
    withRevision(stored, revision) {
      const inserted = `"resourceVersion":"${revision}",`
      const out = Buffer.allocUnsafeSlow(stored.length + inserted.length)
      stored.copy(out, 0, 0, headBytes)
      out.write(inserted, headBytes, 'latin1')
      stored.copy(out, headBytes + inserted.length, headBytes)
      return out
    },
    decode(stored, revision) {
      const object = JSON.parse(stored.toString()) as KubeObject
      object.metadata.resourceVersion = String(revision)
      return object
    },
  }
}
