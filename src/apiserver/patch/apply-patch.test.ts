import { describe, expect, it } from 'vitest'
import { ConfigMap } from '#api/core/v1/config.ts'
import { isStatus } from '#machinery/status-error.ts'
import { applyPatch, mergePatch, type PatchFormat } from './apply-patch.ts'

const apply = (format: PatchFormat, original: object, patch: unknown) => applyPatch(format, original, patch, ConfigMap)

/** The examples of RFC 7396. */
const mergeCases: readonly (readonly [original: string, patch: string, result: string])[] = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', '{}'],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['{"a":"foo"}', '"bar"', '"bar"'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
  ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ['{}', '{"__proto__":{"a":1}}', '{"__proto__":{"a":1}}'],
  ['{}', '{"a":[{"b":null},null]}', '{"a":[{},null]}'],
  ['{"a":[]}', '{"a":[{"b":{"c":null}}]}', '{"a":[{"b":{}}]}'],
  ['{"a":{}}', '{"a":[{"b":null}]}', '{"a":[{"b":null}]}'],
]

describe('a merge patch', () => {
  it.each(mergeCases)('of %s with %s is %s', (original, patch, result) => {
    expect(JSON.stringify(mergePatch(JSON.parse(original), JSON.parse(patch)))).toBe(result)
  })

  it.each([[[]], ['text'], [1]])('is refused where it is %j', (patch) => {
    expect(() => apply('merge', {}, patch)).toThrow('error decoding patch: json: cannot unmarshal')
    expect(() => apply('strategic', {}, patch)).toThrow(/^json: cannot unmarshal/)
  })

  it('is refused where it is null, unless it is a strategic one, which then changes nothing', () => {
    expect(() => apply('merge', {}, null)).toThrow('Invalid JSON Patch')
    expect(apply('strategic', { data: { a: '1' } }, null)).toEqual({ data: { a: '1' } })
  })
})

describe('a JSON patch', () => {
  const original = { data: { a: '1' }, list: [1, 2, 3] }

  it.each([
    [[{ op: 'add', path: '/data/b', value: '2' }], { data: { a: '1', b: '2' }, list: [1, 2, 3] }],
    [[{ op: 'add', path: '/list/-', value: 4 }], { data: { a: '1' }, list: [1, 2, 3, 4] }],
    [[{ op: 'add', path: '/list/0', value: 0 }], { data: { a: '1' }, list: [0, 1, 2, 3] }],
    [[{ op: 'remove', path: '/list/1' }], { data: { a: '1' }, list: [1, 3] }],
    [[{ op: 'replace', path: '/data/a', value: '9' }], { data: { a: '9' }, list: [1, 2, 3] }],
    [[{ op: 'move', from: '/data/a', path: '/data/b' }], { data: { b: '1' }, list: [1, 2, 3] }],
    [[{ op: 'copy', from: '/data/a', path: '/data/b' }], { data: { a: '1', b: '1' }, list: [1, 2, 3] }],
    [[{ op: 'test', path: '/data/a', value: '1' }], original],
    [[{ op: 'add', path: '/data/x~1y~0z', value: '2' }], { data: { a: '1', 'x/y~z': '2' }, list: [1, 2, 3] }],
    [[], original],
    [[{ op: 'replace', path: '', value: { x: 1 } }], { x: 1 }],
    [[{ op: 'replace', path: '/list/2', value: 9 }], { data: { a: '1' }, list: [1, 2, 9] }],
    [[{ op: 'move', from: '/list/0', path: '/list/2' }], { data: { a: '1' }, list: [2, 3, 1] }],
    [[{ op: 'move', from: '/data', path: '/data' }], original],
    [[{ op: 'replace', path: '/data/none', value: '9' }], { data: { a: '1', none: '9' }, list: [1, 2, 3] }],
    [[{ op: 'test', path: '/data/none', value: null }], original],
    [[{ op: 'test', path: '/data/none' }], original],
    [[{ op: 'add', path: '/data/b' }], { data: { a: '1', b: null }, list: [1, 2, 3] }],
    [[{ op: 'add', path: '/list/-1', value: 4 }], { data: { a: '1' }, list: [1, 2, 3, 4] }],
    [[{ op: 'remove', path: '/list/-1' }], { data: { a: '1' }, list: [1, 2] }],
    [[{ op: 'add', path: '/list/3', value: 4 }], { data: { a: '1' }, list: [1, 2, 3, 4] }],
    [[{ op: 'test', path: '/list', value: [1, 2, 3] }], original],
    [[{ op: 'add', path: '/', value: 1 }], { data: { a: '1' }, list: [1, 2, 3], '': 1 }],
    [[{ op: 'add', path: '/constructor', value: 1 }], { data: { a: '1' }, list: [1, 2, 3], constructor: 1 }],
  ])('%j', (patch, result) => {
    const before = structuredClone(original)
    expect(apply('json', original, patch)).toEqual(result)
    expect(original).toEqual(before)
  })

  it.each([
    [[{ op: 'test', path: '/data/a', value: '2' }]],
    [[{ op: 'remove', path: '/data/none' }]],
    [[{ op: 'replace', path: '/none/none', value: 1 }]],
    [[{ op: 'add', path: '/list/9', value: 1 }]],
    [[{ op: 'sing', path: '/data' }]],
    [[{ path: '/data' }]],
    [[{ op: 'add', path: 'data', value: 1 }]],
    [[{ op: 'add', path: '/__proto__/polluted', value: 1 }]],
    [[{ op: 'add', path: '/constructor/prototype/polluted', value: 1 }]],
    [[{ op: 'add', path: '/list/1.5', value: 1 }]],
    [[{ op: 'add', path: '/list/-5', value: 1 }]],
    [[{ op: 'replace', path: '/list/3', value: 1 }]],
    [[{ op: 'test', path: '/data/none', value: 1 }]],
    [[{ op: 'copy', from: '', path: '/copy' }]],
    [[{ op: 'remove', path: '/list/-' }]],
    [[{ op: 'remove', path: '' }]],
    [[{ op: 'add', path: '/data/a/b', value: 1 }]],
    [[{ op: 'copy', from: '/none/none', path: '/data/b' }]],
    [[{ op: 'move', from: '', path: '/data' }]],
    [[{ op: 'move', from: '/data', path: '/data/a/b' }]],
    [Array.from({ length: 40 }, (_, i) => ({ op: 'copy', from: '/data', path: `/data/copy${i}` }))],
    [['text']],
    [[null]],
  ])('is invalid: %j', (patch) => {
    try {
      apply('json', original, patch)
      expect.unreachable()
    } catch (err) {
      expect(isStatus(err, 'Invalid')).toBe(true)
      expect((err as Error).message).toBe('the server rejected our request due to an error in our request')
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it('is refused where it is no list, or too long', () => {
    expect(() => apply('json', original, {})).toThrow('error decoding patch')
    const long = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/data/a', value: '1' }))
    expect(() => apply('json', original, long)).toThrow(
      'The allowed maximum operations in a JSON patch is 10000, got 10001',
    )
  })
})
