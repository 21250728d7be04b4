import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonEqual } from './equal.ts'
import { copyJson, countMembers, JsonTooLarge, setMember } from './json.ts'

const json = fc.jsonValue({ maxDepth: 4 })
const parse = (text: string) => JSON.parse(text) as Record<string, unknown>

describe('copyJson', () => {
  it('makes an equal value that shares nothing', () => {
    fc.assert(
      fc.property(json, (value) => {
        const copy = copyJson(value)
        expect(JSON.stringify(copy)).toBe(JSON.stringify(value))
        if (typeof value === 'object' && value !== null) expect(copy).not.toBe(value)
      }),
    )
  })

  it('takes __proto__ for a name like any other', () => {
    const copy = copyJson(parse('{"__proto__":{"polluted":1},"constructor":2}'))
    expect(JSON.stringify(copy)).toBe('{"__proto__":{"polluted":1},"constructor":2}')
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
    const object: Record<string, unknown> = {}
    setMember(object, '__proto__', { polluted: 1 })
    expect(object.polluted).toBeUndefined()
  })
})

describe('jsonEqual', () => {
  it('agrees with the text of both, whatever the order of members', () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        const sorted = (value: unknown): unknown =>
          Array.isArray(value)
            ? value.map(sorted)
            : typeof value === 'object' && value !== null
              ? Object.fromEntries(
                  Object.entries(value)
                    .sort(([x], [y]) => (x < y ? -1 : 1))
                    .map(([key, member]) => [key, sorted(member)]),
                )
              : value
        expect(jsonEqual(a, b)).toBe(JSON.stringify(sorted(a)) === JSON.stringify(sorted(b)))
        expect(jsonEqual(a, structuredClone(a))).toBe(true)
      }),
    )
  })

  it('takes undefined for absent', () => {
    expect(jsonEqual({ a: undefined, b: 1 }, { b: 1 })).toBe(true)
    expect(jsonEqual({ a: undefined }, { b: undefined })).toBe(true)
    expect(jsonEqual({ a: null }, {})).toBe(false)
    expect(jsonEqual([], {})).toBe(false)
    expect(jsonEqual(null, {})).toBe(false)
  })
})

describe('countMembers', () => {
  it('counts those of all objects inside', () => {
    expect(countMembers(parse('{"a":{"b":[{"c":1},{"c":2}]},"d":null}'), 10, 100)).toBe(5)
    expect(countMembers([1, 'a', null], 10, 100)).toBe(0)
  })

  it('refuses what is too deep or too large', () => {
    const nested = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown
    expect(countMembers(nested(100), 100, 1000)).toBe(0)
    expect(() => countMembers(nested(101), 100, 1000)).toThrow(JsonTooLarge)
    expect(() => countMembers(nested(200_000), 100, 1e9)).toThrow(JsonTooLarge)
    expect(() => countMembers(Array(1001).fill(1), 100, 1000)).toThrow(JsonTooLarge)
  })
})
