import { describe, expect, it } from 'vitest'
import { LabelSelector, selectorFromMap, selectorFromObject, SelectorError, validateLabelSelector } from './labels.ts'
import { parseLabelSelector } from './selector-syntax.ts'

const matches: [selector: string, labels: Record<string, string> | undefined, expected: boolean][] = [
  ['', undefined, true],
  ['a=b', { a: 'b' }, true],
  ['a==b', { a: 'c' }, false],
  ['a=b', undefined, false],
  ['a=', { a: '' }, true],
  ['a!=b', {}, true],
  ['a!=b', { a: 'b' }, false],
  ['a in (x, y)', { a: 'y' }, true],
  ['a in (x,)', { a: '' }, true],
  ['a in (x,y)', {}, false],
  ['a notin (x,y)', {}, true],
  ['a notin (x,y)', { a: 'x' }, false],
  ['a notin ()', { a: '' }, false],
  ['a', { a: '' }, true],
  ['!a', { b: '' }, true],
  ['!a', { a: '' }, false],
  ['a>5', { a: '6' }, true],
  ['a>5', { a: '5' }, false],
  ['a<5', { a: '-7' }, true],
  ['a<5', { a: 'x' }, false],
  ['constructor', {}, false],
  ['!constructor', {}, true],
  ['in in (in,notin)', { in: 'notin' }, true],
  ['a=b,c=d,e', { a: 'b', c: 'd', e: '' }, true],
  ['a=b,c=d,e', { a: 'b', c: 'd' }, false],
]

describe('label selectors', () => {
  it.each(matches)('%j against %j is %s', (selector, labels, expected) => {
    expect(parseLabelSelector(selector).matches(labels)).toBe(expected)
  })

  const printed: [written: string, printed: string][] = [
    ['c,b=1,a==2', 'a==2,b=1,c'],
    ['x in (b,a,b) , !y,z notin(c)', 'x in (a,b),!y,z notin (c)'],
    ['n>1,m<2', 'm<2,n>1'],
  ]
  it.each(printed)('print %j sorted by key', (written, expected) => {
    expect(parseLabelSelector(written).toString()).toBe(expected)
  })

  const wrong: [selector: string, message: string][] = [
    ['a=b,', "found '', expected: identifier after ','"],
    [',', "found ',', expected: !, identifier, or 'end of string'"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['!a=b', "found '=', expected: ',' or 'end of string'"],
    ['a in b', "unable to parse requirement: found 'b' expected: '('"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a=b=c', "found '=', expected: ',' or 'end of string'"],
    ['a constructor b', "unable to parse requirement: found 'constructor', expected: in, notin, =, ==, !=, gt, lt"],
    [
      'a>x',
      `unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
    [
      'a@=b',
      `unable to parse requirement: <nil>: Invalid value: "a@": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
    ],
    [
      'a=-',
      `unable to parse requirement: values[0][a]: Invalid value: "-": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
    ],
  ]
  it.each(wrong)('refuses %j', (selector, message) => {
    expect(() => parseLabelSelector(selector)).toThrow(new SelectorError(message))
  })

  it('gives the one value a label must have', () => {
    expect(parseLabelSelector('a=b,c').exactValue('a')).toBe('b')
    expect(parseLabelSelector('a in (b)').exactValue('a')).toBe('b')
    expect(parseLabelSelector('a in (b,c)').exactValue('a')).toBeUndefined()
  })
})

describe('LabelSelector objects', () => {
  it('select nothing when absent and everything when empty', () => {
    expect(selectorFromObject(undefined).matches({ a: 'b' })).toBe(false)
    expect(selectorFromObject({}).isEverything).toBe(true)
  })

  it('combine labels and expressions', () => {
    const selector = selectorFromObject({
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'NotIn', values: ['back'] },
        { key: 'canary', operator: 'DoesNotExist' },
      ],
    })
    expect(selector.toString()).toBe('app=web,!canary,tier notin (back)')
    expect(selector.matches({ app: 'web', tier: 'front' })).toBe(true)
    expect(selector.matches({ app: 'web', canary: '' })).toBe(false)
  })

  it('with an unknown operator are refused', () => {
    expect(() => selectorFromObject({ matchExpressions: [{ key: 'a', operator: 'toString' }] })).toThrow(
      new SelectorError('"toString" is not a valid label selector operator'),
    )
  })

  it('are validated with the paths of their fields', () => {
    const errors = validateLabelSelector(
      {
        matchLabels: { 'a/b/c': 'ok' },
        matchExpressions: [
          { key: 'a', operator: 'In' },
          { key: 'b', operator: 'Exists', values: ['x'] },
          { key: 'c', operator: 'Maybe' },
        ],
      },
      'spec.selector',
    )
    expect(errors.map((e) => [e.type, e.field])).toEqual([
      ['Invalid', 'spec.selector.matchLabels'],
      ['Required', 'spec.selector.matchExpressions[0].values'],
      ['Forbidden', 'spec.selector.matchExpressions[1].values'],
      ['Invalid', 'spec.selector.matchExpressions[2].operator'],
    ])
  })
})

describe('selectors from maps', () => {
  it('need every label of the map', () => {
    expect(selectorFromMap({ a: '1', b: '2' }).matches({ a: '1', b: '2', c: '3' })).toBe(true)
    expect(selectorFromMap({ a: '1', b: '2' }).matches({ a: '1' })).toBe(false)
    expect(selectorFromMap(undefined)).toBe(LabelSelector.everything)
  })
})
