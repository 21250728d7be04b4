/**
 * What is around an object in protobuf: `runtime.Unknown` behind four magic bytes, which names the kind; the message of a
 * list; the frame of a watch event. An encoded object is always field 2 of what is around it (the bytes of an Unknown,
 * an item of a list), so the same bytes, key and length included, go into all of these. Upstream:
 * `apimachinery/pkg/runtime/serializer/protobuf`, `metav1.WatchEvent`.
 */
import { ByteReader, ByteWriter, WIRE } from '#machinery/protobuf-wire.ts'

export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf'

/** Number of the field that an encoded object is in whatever is around it. */
export const OBJECT_TAG = 2

const MAGIC = Buffer.from('k8s\0')
/** Encoding and content type of an Unknown: both are empty, and upstream's encoder sends them all the same. */
const ENVELOPE_END = Buffer.from([(3 << 3) | WIRE.bytes, 0, (4 << 3) | WIRE.bytes, 0])

/** The envelope of an object: its kind, and its bytes. Throws SyntaxError. */
export function openEnvelope(bytes: Buffer): { apiVersion: string; kind: string; raw: Buffer } {
  if (bytes.length === 0) throw new SyntaxError('empty data')
  if (!bytes.subarray(0, 4).equals(MAGIC)) {
    const expected = [...MAGIC].join(' ')
    throw new SyntaxError(`provided data does not appear to be a protobuf message, expected prefix [${expected}]`)
  }
  if (bytes.length === MAGIC.length) throw new SyntaxError('empty body')
  const reader = new ByteReader(bytes.subarray(4))
  const out = { apiVersion: '', kind: '', raw: Buffer.alloc(0) as Buffer }
  while (!reader.isAtEnd) {
    const key = reader.key()
    if (key === ((1 << 3) | WIRE.bytes)) {
      const outer = reader.enter()
      while (!reader.isAtEnd) {
        const inner = reader.key()
        if (inner === ((1 << 3) | WIRE.bytes)) out.apiVersion = reader.text()
        else if (inner === ((2 << 3) | WIRE.bytes)) out.kind = reader.text()
        else reader.skip(inner & 7)
      }
      reader.leave(outer)
    } else if (key === ((2 << 3) | WIRE.bytes)) out.raw = reader.bytes()
    else reader.skip(key & 7)
  }
  return out
}

/** Key and length of a length-delimited field. */
function fieldHead(tag: number, length: number): Buffer {
  return new ByteWriter().key(tag, WIRE.bytes).varint(BigInt(length)).finish()
}

/** What precedes the bytes of an object of this kind. */
function envelopeHead(apiVersion: string, kind: string): Buffer {
  const meta = new ByteWriter()
  meta.key(1, WIRE.bytes).bytes(Buffer.from(apiVersion)).key(2, WIRE.bytes).bytes(Buffer.from(kind))
  return Buffer.concat([MAGIC, new ByteWriter().key(1, WIRE.bytes).bytes(meta.finish()).finish()])
}

/** An encoded object, with its key and length, ready to be sent. */
export function enveloped(apiVersion: string, kind: string, field: Buffer): Buffer {
  return Buffer.concat([envelopeHead(apiVersion, kind), field, ENVELOPE_END])
}

/** The bytes of an object, ready to be sent. */
export function closeEnvelope(apiVersion: string, kind: string, raw: Buffer): Buffer {
  return enveloped(apiVersion, kind, Buffer.concat([fieldHead(OBJECT_TAG, raw.length), raw]))
}

/** A list as pieces: `metadata` is the encoded ListMeta, each item has its key and length. */
export function listPieces(apiVersion: string, kind: string, metadata: Buffer, items: readonly Buffer[]): Buffer[] {
  const head = Buffer.concat([fieldHead(1, metadata.length), metadata])
  let bytes = head.length
  for (const item of items) bytes += item.length
  return [Buffer.concat([envelopeHead(apiVersion, kind), fieldHead(OBJECT_TAG, bytes), head]), ...items, ENVELOPE_END]
}

/** One event of a watch: its length in four bytes, then a WatchEvent whose object is an envelope. */
export function watchFrame(type: string, apiVersion: string, kind: string, field: Buffer): Buffer {
  const head = envelopeHead(apiVersion, kind)
  const object = head.length + field.length + ENVELOPE_END.length
  // The envelope is field 1 of a RawExtension, and that is field 2 of the event.
  const rawHead = fieldHead(1, object)
  const event = new ByteWriter().key(1, WIRE.bytes).bytes(Buffer.from(type)).finish()
  const objectHead = fieldHead(2, rawHead.length + object)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(event.length + objectHead.length + rawHead.length + object)
  return Buffer.concat([length, event, objectHead, rawHead, head, field, ENVELOPE_END])
}
