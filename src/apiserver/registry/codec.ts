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

export function kindCodec(apiVersion: string, kind: string, type: Message): KindCodec {
  const head = `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":{`
  const headBytes = Buffer.byteLength(head)
  let writer: BackwardWriter | undefined
  return {
    toProtobuf(object) {
      writer ??= new BackwardWriter()
      return encodeAsField(type, object as unknown as Record<string, unknown>, OBJECT_TAG, writer)
    },
    encode(object) {
      const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = object
      const { resourceVersion: _resourceVersion, ...meta } = metadata
      const tail = JSON.stringify(rest)
      // `meta` always has a name, so neither part is ever empty before the comma that follows it.
      return Buffer.from(`${head}${JSON.stringify(meta).slice(1)}${tail === '{}' ? '}' : `,${tail.slice(1)}`}`)
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
