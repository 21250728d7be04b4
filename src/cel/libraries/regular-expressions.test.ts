import { describe, expect, it } from 'vitest'
import { kubernetesEnvironment, outcomeOf, rowsOf } from '#testing/expression-table.ts'

const environment = kubernetesEnvironment()

describe('patterns', () => {
  it.each(
    rowsOf(String.raw`
    'abc'.matches('^a.c$') => true
    'abc'.matches('b') => true
    'abc'.matches('^b') => false
    'ab\nc'.matches('a.*c') => false
    'ab\nc'.matches('(?s)a.*c') => true
    'ABC'.matches('(?i)abc') => true
    'abc'.matches('a{1,3}') => true
    'aaaa'.matches('^(a|aa)+$') => true
    'é'.matches('^.$') => true
    'é'.matches('\\pL') => true
    'é'.matches('\\w') => false
    'abc'.matches('(?P<x>a)b') => true
    matches('abc', 'c$') => true
    'abc'.matches('(') => invalid: 1:15 invalid matches argument
    'abc'.matches('a**') => invalid: 1:15 invalid matches argument
    'abc'.matches('[z-a]') => invalid: 1:15 invalid matches argument
    'abc'.matches('(?=a)') => invalid: 1:15 invalid matches argument
    'abc'.matches('(a)\\1') => invalid: 1:15 invalid matches argument
    'abc'.matches('a{1001}') => invalid: 1:15 invalid matches argument
    'abc'.matches('\\') => invalid: 1:15 invalid matches argument
    'abc 123'.find('[0-9]+') => "123"
    'abc'.find('[0-9]+') => ""
    '123 abc 456'.findAll('[0-9]+') => ["123", "456"]
    '123 abc 456'.findAll('[0-9]+', 1) => ["123"]
    '123 abc 456'.findAll('[0-9]+', 0) => []
    '123 abc 456'.findAll('[0-9]+', -1) => ["123", "456"]
    'abc'.findAll('') => ["", "", "", ""]
    'abc'.find('b*') => ""
    'abc'.findAll('(a)(b)') => ["ab"]
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})
