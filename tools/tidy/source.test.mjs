/** The scanner must neither take prose for code nor code for prose. */
import { describe, expect, it } from 'vitest'
import { lineAt, readSource } from './source.mjs'

const code = (text) => readSource('src/base/x.ts', text).code
const squeezed = (text) => code(text).replace(/ +/g, ' ')

describe('readSource', () => {
  it('blanks comments and keeps every line where it was', () => {
    const text = 'a // b\n/* c\n d */ e\n'
    expect(code(text)).toBe('a     \n    \n      e\n')
    expect(code(text)).toHaveLength(text.length)
  })

  it('blanks what is in strings, but keeps it for the rules about imports', () => {
    const source = readSource('src/base/x.ts', "import { a } from './b.ts' // c\n")
    expect(source.code).toBe("import { a } from '      '     \n")
    expect(source.statements).toBe("import { a } from './b.ts'     \n")
  })

  it('sees code within templates, and templates within that code', () => {
    expect(squeezed('f(`x ${a(`y ${b} z`) + "}"} w`, c)')).toBe('f(` ${a(` ${b} `) + " "} `, c)')
  })

  it('knows a regular expression from a division', () => {
    expect(squeezed('x = /[/"]\'/.test(y)')).toBe('x = / /.test(y)')
    expect(squeezed('a = b / c / d // e')).toBe('a = b / c / d ')
    expect(squeezed("s.replace(/\\/*'/g, '/* no comment */')")).toBe("s.replace(/ /g, ' ')")
  })

  it('takes a comment that is never closed to the end', () => {
    expect(squeezed('a /* b')).toBe('a ')
  })

  it('leaves files that are no programs as they are', () => {
    expect(readSource('README.md', 'it // stays').code).toBe('it // stays')
  })
})

describe('lineAt', () => {
  it('counts from 1', () => {
    expect([0, 1, 2, 3].map((offset) => lineAt('a\nb\n', offset))).toEqual([1, 1, 2, 2])
  })
})
