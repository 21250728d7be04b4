import { describe, expect, it } from 'vitest'
import { expand, expandStrictly, lookupIn } from './expansion.ts'

const lookup = lookupIn(
  new Map([
    ['A', '1'],
    ['EMPTY', ''],
  ]),
  new Map([
    ['A', 'hidden'],
    ['B', '$(A)'],
  ]),
)

describe('expand', () => {
  it.each([
    ['plain', 'plain'],
    ['$(A)', '1'],
    ['x$(A)y$(A)', 'x1y1'],
    ['$(B)', '$(A)'],
    ['$(MISSING)', '$(MISSING)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$1'],
    ['$$$$(A)', '$$(A)'],
    ['$A', '$A'],
    ['$(A', '$(A'],
    ['$', '$'],
    ['a$', 'a$'],
    ['$()', '$()'],
    ['$($(A))', '$($(A))'],
    ['[$(EMPTY)]', '[]'],
  ])('%s becomes %s', (text, expected) => {
    expect(expand(text, lookup)).toBe(expected)
  })

  it('refuses a sub-path with an unset or empty variable', () => {
    expect(expandStrictly('logs/$(A)', lookup)).toBe('logs/1')
    expect(() => expandStrictly('$(Z)/$(EMPTY)', lookup)).toThrow('missing value for EMPTY, Z')
  })
})
