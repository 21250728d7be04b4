import { describe, expect, it } from 'vitest'
import { kubernetesEnvironment, outcomeOf, rowsOf } from '#testing/expression-table.ts'

const environment = kubernetesEnvironment()

describe('parts', () => {
  it.each(
    rowsOf(String.raw`
    'tacocat'.charAt(3) => "o"
    'tacocat'.charAt(7) => ""
    'tacocat'.charAt(8) => error: index out of range: 8
    'tacocat'.charAt(-1) => error: index out of range: -1
    '😀x'.charAt(1) => "x"
    'hello mellow'.indexOf('') => 0
    'hello mellow'.indexOf('ello') => 1
    'hello mellow'.indexOf('jello') => -1
    'hello mellow'.indexOf('ello', 2) => 7
    'hello mellow'.indexOf('ello', 20) => -1
    'hello mellow'.indexOf('ello', -1) => error: index out of range: -1
    'hello mellow'.lastIndexOf('') => 12
    'hello mellow'.lastIndexOf('ello') => 7
    'hello mellow'.lastIndexOf('ello', 6) => 1
    'hello mellow'.lastIndexOf('ello', -1) => error: index out of range: -1
    'hello mellow'.lastIndexOf('jello') => -1
    '😀a😀'.indexOf('a') => 1
    'tacocat'.substring(4) => "cat"
    'tacocat'.substring(0, 4) => "taco"
    'tacocat'.substring(4, 2) => error: invalid substring range. start: 4, end: 2
    'tacocat'.substring(8) => error: index out of range: 8
    'tacocat'.substring(-1) => error: index out of range: -1
    'tacocat'.substring(7) => ""
    '😀bc'.substring(1, 2) => "b"
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('changes', () => {
  it.each(
    rowsOf(String.raw`
    'TacoCÆt Xii'.lowerAscii() => "tacocÆt xii"
    'TacoCÆt Xii'.upperAscii() => "TACOCÆT XII"
    '  \ttrim\n '.trim() => "trim"
    '\u2003a\u00a0'.trim() => "a"
    'hello hello'.replace('he', 'we') => "wello wello"
    'hello hello'.replace('he', 'we', 1) => "wello hello"
    'hello hello'.replace('he', 'we', 0) => "hello hello"
    'hello hello'.replace('he', 'we', -1) => "wello wello"
    'abc'.replace('', '-') => "-a-b-c-"
    'abc'.replace('', '-', 2) => "-a-bc"
    'gums'.reverse() => invalid: 1:15 found no matching overload for 'reverse' applied to 'string.()'
    'a😀b'.reverse() => invalid: 1:14 found no matching overload for 'reverse' applied to 'string.()'
    ''.reverse() => invalid: 1:11 found no matching overload for 'reverse' applied to 'string.()'
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('splitting and joining', () => {
  it.each(
    rowsOf(String.raw`
    'hello world'.split(' ') => ["hello", "world"]
    'a,b,c'.split(',', 2) => ["a", "b,c"]
    'a,b,c'.split(',', 1) => ["a,b,c"]
    'a,b,c'.split(',', 0) => []
    'a,b,c'.split(',', -1) => ["a", "b", "c"]
    'abc'.split('') => ["a", "b", "c"]
    'a😀'.split('') => ["a", "😀"]
    ''.split('') => []
    ''.split(',') => [""]
    ['x', 'y'].join() => "xy"
    ['x', 'y'].join('-') => "x-y"
    [].join('-') => ""
    ['x'].join('-') => "x"
    dyn(['x', 1]).join() => invalid: 1:11 expected type 'string' but found 'int'
    strings.quote('a"b\\c\n\t\u0001é') => "\"a\\\"b\\\\c\\n\\t\u0001é\""
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('questions', () => {
  it.each(
    rowsOf(String.raw`
    'abc'.contains('b') => true
    'abc'.contains('') => true
    'abc'.startsWith('ab') => true
    'abc'.endsWith('bc') => true
    'abc'.endsWith('x') => false
    'abc'.contains(1) => invalid: 1:15 found no matching overload for 'contains' applied to 'string.(int)'
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})
