import fc from 'fast-check'
import { expect, it } from 'vitest'
import { anyOf } from '#api/arbitrary.ts'
import { decode } from '#api/decode.ts'
import type { KubeObject } from '#api/kind.ts'
import { configMaps, deployments, pods } from '#api/resources.ts'
import { kindCodec } from './codec.ts'

it.each([pods, deployments, configMaps])(
  'an object is the same in memory, in the store and on the wire: $kind',
  (resource) => {
    const codec = kindCodec(resource.apiVersion, resource.kind, resource.type)
    const revision = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
    fc.assert(
      fc.property(anyOf(resource.type), revision, fc.string({ unit: 'grapheme' }), (value, at, text) => {
        const decoded = decode(resource.type, value).object as { metadata: object }
        const metadata = { ...decoded.metadata, name: 'a', annotations: { text }, resourceVersion: 'stale' }
        const object = {
          ...decoded,
          apiVersion: resource.apiVersion,
          kind: resource.kind,
          metadata,
        } as unknown as KubeObject
        const expected = { ...object, metadata: { ...metadata, resourceVersion: String(at) } }
        const stored = codec.encode(object)
        expect(codec.decode(stored, at)).toEqual(expected)
        const wire = codec.withRevision(stored, at)
        expect(JSON.parse(wire.toString())).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  },
)
