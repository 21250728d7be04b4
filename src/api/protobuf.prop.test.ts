/** Both encodings of an object say the same: JSON to protobuf and back is what JSON alone is once it is decoded. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteReader, ByteWriter, WIRE } from '#machinery/protobuf-wire.ts'
import { seededRandom } from '#base/random.ts'
import { CustomResourceValidation } from './apiextensions/v1.ts'
import { anyOf } from './arbitrary.ts'
import { decode } from './decode.ts'
import { fullObject } from './full-object.ts'
import { decodeProtobuf } from './protobuf-decode.ts'
import { encodeProtobuf } from './protobuf-encode.ts'
import { closeEnvelope, openEnvelope } from './protobuf-envelope.ts'
import { allResources, customResourceDefinitions, pods } from './resources.ts'
import type { Message } from './schema.ts'

type Json = Record<string, unknown>

const kinds = allResources.map((resource) => [`${resource.apiVersion} ${resource.kind}`, resource] as const)

/**
 * What protobuf can't say: lists and maps without elements, which are as good as absent, and the kind of an object inside
 * another one, which has no number.
 */
function withoutEmpty(type: Message, object: Json): Json {
  const out: Json = {}
  for (const [key, value] of Object.entries(object)) {
    if (type.fields[key]!.tag === 0) continue
    const { shape, type: of } = type.fields[key]!
    const inner = (element: unknown) => (typeof of === 'string' ? element : withoutEmpty(of, element as Json))
    if (shape === 'one') out[key] = inner(value)
    else if (Object.keys(value as object).length === 0) continue
    else if (shape === 'list') out[key] = (value as unknown[]).map(inner)
    else out[key] = Object.fromEntries(Object.entries(value as Json).map(([name, element]) => [name, inner(element)]))
  }
  return out
}

const SEED = 1

describe('protobuf', () => {
  it.each(kinds)('carries every field of a %s, whatever is in it', (_name, { type }) => {
    const object = decode(type, fullObject(type, seededRandom(SEED)), { withDefaults: false }).object
    const back = decodeProtobuf(type, encodeProtobuf(type, object))
    expect(back).toEqual(object)
    expect(encodeProtobuf(type, back).equals(encodeProtobuf(type, object))).toBe(true)
  })

  it.each(kinds)('carries a %s without loss', (_name, { type, apiVersion, kind }) => {
    fc.assert(
      fc.property(anyOf(type), (value) => {
        const object = decode(type, value).object
        const bytes = closeEnvelope(apiVersion, kind, encodeProtobuf(type, object))
        const opened = openEnvelope(bytes)
        expect([opened.apiVersion, opened.kind]).toEqual([apiVersion, kind])
        const { apiVersion: _version, kind: _kind, ...rest } = object
        const { apiVersion: _v, kind: _k, ...back } = decode(type, decodeProtobuf(type, opened.raw)).object
        expect(withoutEmpty(type, back)).toEqual(withoutEmpty(type, rest))
      }),
      { numRuns: 20 },
    )
  })

  it('writes the same bytes for the same object, whatever the order of its fields', () => {
    fc.assert(
      fc.property(anyOf(pods.type), (value) => {
        const object = decode(pods.type, value).object
        const reversed = Object.fromEntries(Object.entries(object).reverse())
        expect(encodeProtobuf(pods.type, reversed).equals(encodeProtobuf(pods.type, object))).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  it('writes the members of maps in the order of their keys', () => {
    const of = (labels: object) => encodeProtobuf(pods.type, { metadata: { labels } })
    expect(of({ b: '2', a: '1', c: '3' }).equals(of({ c: '3', b: '2', a: '1' }))).toBe(true)
  })

  it.each([
    ['items', { type: 'array', items: { type: 'string' } }],
    ['items', { items: [{ type: 'string' }, { type: 'integer' }] }],
    ['additionalProperties', { additionalProperties: true }],
    ['additionalProperties', { additionalProperties: false }],
    ['additionalProperties', { additionalProperties: { type: 'string' } }],
    ['dependencies', { dependencies: { a: ['b', 'c'], d: { type: 'object' } } }],
    ['enum', { enum: [null, 1, 'a', { b: [] }] }],
    ['default', { default: { a: null } }],
  ])('carries the %s of a JSON schema: %j', (_field, schema) => {
    const object = { openAPIV3Schema: schema }
    const { object: decoded } = decode(CustomResourceValidation, object)
    expect(decoded).toEqual(object)
    expect(decodeProtobuf(CustomResourceValidation, encodeProtobuf(CustomResourceValidation, decoded))).toEqual(object)
  })

  it('tells an empty message from none', () => {
    const { type } = customResourceDefinitions
    const object = { spec: { versions: [{ subresources: { status: {} } }, { subresources: {} }] } }
    expect(decodeProtobuf(type, encodeProtobuf(type, object))).toEqual({ metadata: undefined, ...object })
  })

  it('passes over fields that it does not know', () => {
    const known = encodeProtobuf(pods.type, { metadata: { name: 'a' } })
    const more = new ByteWriter()
    more
      .key(1000, WIRE.varint)
      .varint(2n ** 63n)
      .key(1001, WIRE.bytes)
      .bytes(Buffer.from('x'))
      .key(1002, WIRE.fixed64)
      .double(1.5)
    expect((decodeProtobuf(pods.type, Buffer.concat([more.finish(), known])) as any).metadata.name).toBe('a')
  })

  it.each([0, 1, 127, 128, 2 ** 31 - 1, -1, -(2 ** 31)])('carries the integer %d', (n) => {
    const object = { spec: { containers: [], activeDeadlineSeconds: n, priority: n } }
    const back = decodeProtobuf(pods.type, encodeProtobuf(pods.type, object)) as { spec: Json }
    expect(back.spec).toMatchObject({ activeDeadlineSeconds: n, priority: n })
  })

  it.each(['2026-01-31T12:00:00Z', '1970-01-01T00:00:00Z', '1969-12-31T23:59:59Z', '9999-12-31T23:59:59Z'])(
    'carries the time %s',
    (time) => {
      const back = decodeProtobuf(pods.type, encodeProtobuf(pods.type, { metadata: { creationTimestamp: time } }))
      expect((back as any).metadata.creationTimestamp).toBe(time)
    },
  )

  it('refuses what is no message, whatever it is, and never otherwise fails', () => {
    const outcome = (bytes: Uint8Array) => {
      try {
        decode(pods.type, decodeProtobuf(pods.type, Buffer.from(bytes)))
        return 'read'
      } catch (err) {
        return (err as Error).name
      }
    }
    const valid = encodeProtobuf(pods.type, {
      metadata: { name: 'a', labels: { a: 'b' }, creationTimestamp: '2026-01-31T12:00:00Z' },
      spec: { containers: [{ name: 'c', resources: { limits: { cpu: '1' } }, ports: [{ containerPort: 80 }] }] },
    })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(valid.length), (noise, at) => {
        const damaged = Buffer.concat([valid.subarray(0, at), noise, valid.subarray(at + noise.length)])
        for (const bytes of [noise, damaged, valid.subarray(0, at)])
          expect(['read', 'SyntaxError', 'DecodeError']).toContain(outcome(bytes))
      }),
      { numRuns: 1000 },
    )
  })

  it('refuses lengths beyond the end before anything is allocated', () => {
    const huge = new ByteWriter()
      .key(1, WIRE.varint)
      .varint(2n ** 62n)
      .finish()
    huge[0] = (1 << 3) | WIRE.bytes
    expect(() => decodeProtobuf(pods.type, huge)).toThrow(SyntaxError)
    expect(() => new ByteReader(Buffer.alloc(11, 0xff)).int64()).toThrow('varint overflow')
  })

  it('refuses nesting without end', () => {
    // JSONSchemaProps contains itself.
    const { type } = allResources.find(({ kind }) => kind === 'CustomResourceDefinition')!
    let bytes = Buffer.alloc(0)
    for (let i = 0; i < 5000; i++) bytes = Buffer.from(new ByteWriter().key(1, WIRE.bytes).bytes(bytes).finish())
    const outcome = () => decodeProtobuf(type, bytes)
    try {
      outcome()
    } catch (err) {
      expect(err).toBeInstanceOf(SyntaxError)
    }
  })
})
