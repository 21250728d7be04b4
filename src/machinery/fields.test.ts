import { describe, expect, it } from 'vitest'
import { escapeValue, parseFieldSelector, readerOf } from './fields.ts'
import { SelectorError } from './labels.ts'

const pod = { metadata: { name: 'web' }, spec: { nodeName: 'n1', hostNetwork: true }, status: { phase: 'Running' } }
const readers = Object.fromEntries(
  ['metadata.name', 'spec.nodeName', 'spec.hostNetwork', 'spec.schedulerName'].map((path) => [path, readerOf(path)]),
)

describe('field selectors', () => {
  const cases: [selector: string, expected: boolean][] = [
    ['', true],
    ['metadata.name=web', true],
    ['metadata.name==web,spec.nodeName!=n2', true],
    ['metadata.name!=web', false],
    ['spec.hostNetwork=true', true],
    ['spec.schedulerName=', true],
    [',metadata.name=web,', true],
  ]
  it.each(cases)('%j is %s', (selector, expected) => {
    expect(parseFieldSelector(selector).compile(readers)(pod)).toBe(expected)
  })

  it('read back the values they escape', () => {
    const value = 'a,b=c\\d'
    const selector = parseFieldSelector(`metadata.name=${escapeValue(value)}`)
    expect(selector.exactValue('metadata.name')).toBe(value)
    expect(selector.toString()).toBe('metadata.name=a\\,b\\=c\\\\d')
  })

  const wrong: [selector: string, message: string][] = [
    ['a', "invalid selector: 'a'; can't understand 'a'"],
    ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
    ['a=b\\c', 'invalid field selector: invalid escape sequence: \\c'],
    ['a=b\\', 'invalid field selector: invalid escape sequence: \\'],
  ]
  it.each(wrong)('refuses %j', (selector, message) => {
    expect(() => parseFieldSelector(selector)).toThrow(new SelectorError(message))
  })

  it('refuse fields that the resource does not have', () => {
    expect(() => parseFieldSelector('spec.image=x').compile(readers)).toThrow('field label not supported: spec.image')
    expect(() => parseFieldSelector('constructor=x').compile(readers)).toThrow('field label not supported: constructor')
  })
})
