import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Quantity } from './quantity.ts'

const suffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'Ki', 'Mi', 'Gi', 'Ti', 'e3', 'E-2', 'e+5']
const text = fc
  .tuple(
    fc.constantFrom('', '-', '+'),
    fc.integer({ min: 0, max: 9_999_999 }),
    fc.option(fc.integer({ min: 0, max: 99_999 }), { nil: undefined }),
    fc.constantFrom(...suffixes),
  )
  .map(([sign, whole, fraction, suffix]) => `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}${suffix}`)
const quantity = text.map((t) => Quantity.parse(t))

describe('Quantity, for any amounts', () => {
  it('prints what reads back as the same amount, and printing again changes nothing', () => {
    fc.assert(
      fc.property(quantity, (q) => {
        const canonical = q.add(Quantity.of(0)).toString()
        const back = Quantity.parse(canonical)
        expect(back.cmp(q)).toBe(0)
        expect(back.toString()).toBe(canonical)
        expect(canonical).not.toMatch(/[.+]/)
      }),
    )
  })

  it('orders and adds like exact numbers at nano scale', () => {
    fc.assert(
      fc.property(quantity, quantity, (a, b) => {
        const [x, y] = [a.exactValue(-9), b.exactValue(-9)]
        expect(a.cmp(b)).toBe(x < y ? -1 : x > y ? 1 : 0)
        expect(a.add(b).exactValue(-9)).toBe(x + y)
        expect(a.sub(b).exactValue(-9)).toBe(x - y)
        expect(a.add(b).sub(b).cmp(a)).toBe(0)
        expect(a.neg().exactValue(-9)).toBe(-x)
      }),
    )
  })

  it('rounds whole and milli units away from zero by less than one', () => {
    fc.assert(
      fc.property(quantity, (q) => {
        for (const scale of [0, -3]) {
          const rounded = Quantity.of(q.exactValue(scale)).exactValue(-9) * 10n ** BigInt(scale + 9)
          const exact = q.exactValue(-9) * 10n ** 9n
          const distance = rounded - exact
          expect(q.sign >= 0 ? distance >= 0n : distance <= 0n).toBe(true)
          expect(distance < 10n ** BigInt(scale + 18) && -distance < 10n ** BigInt(scale + 18)).toBe(true)
        }
      }),
    )
  })

  it('either reads a text or says what is wrong, and never runs away', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789.+-eEinumkKMGTP x'), maxLength: 30 }), (t) => {
        let printed: string
        try {
          printed = Quantity.parse(t).toString()
        } catch (err) {
          expect((err as Error).name).toBe('QuantityError')
          return
        }
        expect(Quantity.parse(printed).cmp(Quantity.parse(t))).toBe(0)
      }),
      { numRuns: 1000 },
    )
  })
})
