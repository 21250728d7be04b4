/**
 * Stored custom resources as bytes. Unlike objects of built-in kinds those of one resource need not be of one version, so
 * that where the resourceVersion goes is looked for in each.
 */
import type { Message } from '#api/schema.ts'
import { type KindCodec, kindCodec } from '../registry/codec.ts'

const METADATA = Buffer.from('"metadata":{')

/** Writes objects of `type`, reads those of any version. */
export function storedCodec(type: Message): KindCodec {
  const { group, version, kind } = type.gvk!
  const own = kindCodec(`${group}/${version}`, kind, type)
  return {
    encode: own.encode,
    decode: own.decode,
    toProtobuf: noProtobuf,
    withRevision(stored, revision) {
      // Kind and version come before it, and neither can hold these characters.
      const at = stored.indexOf(METADATA) + METADATA.length
      const inserted = `"resourceVersion":"${revision}",`
      const out = Buffer.allocUnsafeSlow(stored.length + inserted.length)
      stored.copy(out, 0, 0, at)
      out.write(inserted, at, 'latin1')
      stored.copy(out, at + inserted.length, at)
      return out
    },
  }
}

/** Never asked for: clients that want it are refused before. */
export function noProtobuf(): never {
  throw new TypeError('custom resources have no form in protobuf')
}
