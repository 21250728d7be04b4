/**
 * Objects as bytes. What is stored is the object's JSON without its resourceVersion, because the revision is known only
 * when the write has been accepted; what is sent has it inserted at an offset that is the same for every object of a
 * kind. So an object is encoded once, and a committed one is never encoded again.
 */
import type { KubeObject } from '#api/kind.ts'

/** Where `metadata` starts in the encoding of every object of one kind. */
export interface KindCodec {
  encode(object: KubeObject): Buffer
  /** The stored bytes with the resourceVersion put in. */
  withRevision(stored: Buffer, revision: number): Buffer
  /** Parses stored bytes and sets the resourceVersion. The result is shared and must not be written to. */
  decode(stored: Buffer, revision: number): KubeObject
}

export function kindCodec(apiVersion: string, kind: string): KindCodec {
  const head = `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":{`
  const headBytes = Buffer.byteLength(head)
  return {
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
