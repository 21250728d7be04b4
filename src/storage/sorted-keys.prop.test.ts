import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compareKeys } from './keys.ts'
import { SortedKeys } from './sorted-keys.ts'

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }).filter((key) => !/\p{Surrogate}/u.test(key))

it('keys compare as their UTF-8 bytes do', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }),
    { numRuns: 2_000 },
  )
})

it('sorted keys are a sorted set, also across chunks', () => {
  // Numbers spread over more keys than a chunk takes, in an order that splits and empties chunks.
  const steps = fc.array(fc.record({ from: fc.nat(3_000), count: fc.nat(900), add: fc.boolean() }), { maxLength: 8 })
  fc.assert(
    fc.property(steps, fc.boolean(), fc.nat(99), fc.nat(3_000), (program, bulk, group, after) => {
      const model = new Set<string>(bulk ? Array.from({ length: 1_500 }, (_, i) => keyOf(i * 2)).sort() : [])
      const keys = new SortedKeys([...model].sort())
      for (const { from, count, add } of program) {
        for (let i = 0; i < count; i++) {
          const key = keyOf((from + i * 7) % 3_000)
          if (add) keys.add(key)
          else keys.delete(key)
          if (add) model.add(key)
          else model.delete(key)
        }
      }
      expect(keys.size).toBe(model.size)
      expect(keys.under('', '', Infinity)).toEqual([...model].sort())
      const prefix = `/${String(group).padStart(2, '0')}`
      const expected = [...model].filter((key) => key.startsWith(prefix) && key > keyOf(after)).sort()
      expect(keys.under(prefix, keyOf(after), Infinity)).toEqual(expected)
      expect(keys.under(prefix, keyOf(after), 3)).toEqual(expected.slice(0, 3))
    }),
    { numRuns: 60 },
  )
})

/** Two leading digits spread the numbers over a hundred prefixes. */
function keyOf(number: number): string {
  return `/${String(number % 100).padStart(2, '0')}/${number}`
}
