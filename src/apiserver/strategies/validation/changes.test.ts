import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changesText } from './changes.ts'

describe('changesText', () => {
  it('shows what has changed with its surroundings', () => {
    const was = { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: 9 }
    expect(changesText(was, { ...was, e: 50 })).toBe(
      '@@ -3,7 +3,7 @@\n   "b": 2,\n   "c": 3,\n   "d": 4,\n-  "e": 5,\n+  "e": 50,\n   "f": 6,\n   "g": 7,\n   "h": 8,\n',
    )
  })

  it('is empty where nothing has', () => expect(changesText({ a: [1] }, { a: [1] })).toBe(''))

  it('tells how to get from one to the other', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { maxLength: 12 }), fc.array(fc.nat(3), { maxLength: 12 }), (a, b) => {
        const lines = changesText(a, b).split('\n')
        const count = (sign: string) => lines.filter((line) => line.startsWith(sign) && !line.startsWith('@@')).length
        const [linesA, linesB] = [a, b].map((value) => JSON.stringify(value, undefined, 2).split('\n').length)
        expect(count('+') - count('-')).toBe(linesB! - linesA!)
      }),
    )
  })
})
