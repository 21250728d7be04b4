/**
 * Stored custom resources as bytes. Unlike objects of built-in kinds those of one resource need not be of one version, so
 * that where the resourceVersion goes is looked for in each.
 */
import type { Message } from '#api/schema.ts'
import { type KindCodec, kindCodec } from '../registry/codec.ts'

const METADATA = Buffer.from('"metadata":{')

/** Writes and reads objects of any version of `type`'s kind. */
export function storedCodec(type: Message): KindCodec {
  const { group, version, kind } = type.gvk!
  const own = kindCodec(`${group}/${version}`, kind, type)
  const byVersion = new Map([[`${group}/${version}`, own]])
  const codecOf = (apiVersion: string): KindCodec => {
    let codec = byVersion.get(apiVersion)
    if (!codec) byVersion.set(apiVersion, (codec = kindCodec(apiVersion, kind, type)))
    return codec
  }
  return {
    // One that was deleted is written once more, and is of whatever version it was.
    encode: (object) => codecOf(object.apiVersion).encode(object),
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
