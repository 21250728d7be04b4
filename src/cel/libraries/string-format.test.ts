import { describe, expect, it } from 'vitest'
import { kubernetesEnvironment, outcomeOf, rowsOf } from '#testing/expression-table.ts'

const environment = kubernetesEnvironment()

describe('format', () => {
  it.each(
    rowsOf(String.raw`
    '%s'.format(['a']) => "a"
    '%s %d'.format(['a', 1]) => "a 1"
    '%s'.format([1]) => "1"
    '%s'.format([1.5]) => "1.5"
    '%s'.format([true]) => "true"
    '%s'.format([null]) => "null"
    '%s'.format([b'abc']) => "abc"
    '%s'.format([[1, 'a', 2.5, null]]) => "[1, \"a\", 2.500000, null]"
    '%s'.format([{'b': 1, 'a': [2]}]) => "{\"a\":[2], \"b\":1}"
    '%s'.format([duration('90s')]) => "90s"
    '%s'.format([timestamp('2020-01-01T00:00:00Z')]) => "2020-01-01T00:00:00Z"
    '%s'.format([int]) => "int"
    '%s'.format([1u]) => "1"
    '%d'.format([10u]) => "10"
    '%d'.format([1.5]) => invalid: 1:14 error during formatting: decimal clause can only be used on integers, was given double
    '%d'.format(['a']) => invalid: 1:14 error during formatting: decimal clause can only be used on integers, was given string
    '%f'.format([2.71828]) => "2.718280"
    '%.3f'.format([2.71828]) => "2.718"
    '%.1f'.format([0.05]) => "0.1"
    '%f'.format([1]) => invalid: 1:14 error during formatting: fixed-point clause can only be used on doubles, was given int
    '%e'.format([1052.032911275]) => "1.052033×10⁰³"
    '%.3e'.format([1052.032911275]) => "1.052033×10⁰³"
    '%f'.format([1.0 / 0.0]) => "∞"
    '%x'.format([26]) => "1a"
    '%X'.format([26]) => "1A"
    '%x'.format(['Hello']) => "48656c6c6f"
    '%X'.format([b'abc']) => "616263"
    '%x'.format([-1]) => "-1"
    '%o'.format([64]) => "100"
    '%b'.format([5]) => "101"
    '%b'.format([true]) => "1"
    '%b'.format(['a']) => invalid: 1:14 error during formatting: only integers and bools can be formatted as binary, was given string
    '%%'.format([]) => "%"
    '%s%%'.format([1]) => "1%"
    '%'.format([1]) => invalid: 1:11 unexpected end of string
    '%z'.format([1]) => invalid: 1:12 could not parse formatting clause: unrecognized formatting clause "z"
    '%s'.format([]) => invalid: 1:12 index 0 out of range
    '%s'.format([1, 2]) => invalid: 1:12 too many arguments supplied to string.format (expected 1, got 2)
    '%.s'.format([1]) => invalid: 1:13 could not parse formatting clause: error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing "": invalid syntax
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})
