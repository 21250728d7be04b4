import { describe, expect, it } from 'vitest'
import { kubernetesEnvironment, outcomeOf, rowsOf } from '#testing/expression-table.ts'

const environment = kubernetesEnvironment()

describe('to int', () => {
  it.each(
    rowsOf(String.raw`
    int(1) => 1
    int(1u) => 1
    int(1.9) => 1
    int(-1.9) => -1
    int('42') => 42
    int('-42') => -42
    int('0x1F') => invalid: type conversion error from 'string' to 'int'
    int('1.5') => invalid: type conversion error from 'string' to 'int'
    int('') => invalid: type conversion error from 'string' to 'int'
    int(' 1') => invalid: type conversion error from 'string' to 'int'
    int('9223372036854775808') => invalid: type conversion error from 'string' to 'int'
    int(9223372036854775807u) => 9223372036854775807
    int(9223372036854775808u) => invalid: integer overflow
    int(1e19) => invalid: integer overflow
    int(-1e19) => invalid: integer overflow
    int(0.0 / 0.0) => error: integer overflow
    int(timestamp('2001-09-09T01:46:40Z')) => 1000000000
    int(true) => invalid: 1:4 found no matching overload for 'int' applied to '(bool)'
    int(dyn(true)) => invalid: no such overload: int(bool)
    int(dyn(b'a')) => invalid: no such overload: int(bytes)
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('to uint', () => {
  it.each(
    rowsOf(String.raw`
    uint(1) => 1u
    uint(-1) => invalid: unsigned integer overflow
    uint(1.9) => 1u
    uint(-0.5) => invalid: unsigned integer overflow
    uint('42') => 42u
    uint('-1') => invalid: type conversion error from 'string' to 'uint'
    uint(18446744073709551615u) => 18446744073709551615u
    uint(1e20) => invalid: unsigned integer overflow
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('to double', () => {
  it.each(
    rowsOf(String.raw`
    double(1) => 1.0
    double(1u) => 1.0
    double('1.5') => 1.5
    double('1e3') => 1000.0
    double('NaN') => NaN
    double('-Inf') => -Infinity
    double('a') => invalid: type conversion error from 'string' to 'double'
    double(9007199254740993) => 9007199254740992.0
    double(dyn([])) => invalid: no such overload: double(list)
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('to string', () => {
  it.each(
    rowsOf(String.raw`
    string(1) => "1"
    string(-9223372036854775808) => "-9223372036854775808"
    string(1u) => "1"
    string(1.5) => "1.5"
    string(1.0) => "1"
    string(1e21) => "1e+21"
    string(1e-7) => "1e-07"
    string(123456789.125) => "1.23456789125e+08"
    string(1.0 / 0.0) => "+Inf"
    string(true) => "true"
    string(b'abc') => "abc"
    string(b'\xff') => invalid: invalid UTF-8 in bytes, cannot convert to string
    string('a') => "a"
    string(duration('1h30m1.5s')) => "5401.5s"
    string(duration('-1ms')) => "-0.001s"
    string(duration('0s')) => "0s"
    string(timestamp('2020-01-01T00:00:00.5Z')) => "2020-01-01T00:00:00.5Z"
    string(timestamp('2020-01-01T02:00:00+02:00')) => "2020-01-01T02:00:00+02:00"
    string([1]) => invalid: 1:7 found no matching overload for 'string' applied to '(list(int))'
    string(null) => invalid: no such overload: string(null_type)
    string(dyn({})) => invalid: no such overload: string(map)
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('to bytes and bool', () => {
  it.each(
    rowsOf(String.raw`
    bytes('é') => b'c3a9'
    bytes(b'a') => b'61'
    bool('true') => true
    bool('TRUE') => true
    bool('True') => true
    bool('t') => true
    bool('1') => true
    bool('false') => false
    bool('0') => false
    bool('tRUE') => invalid: type conversion error from 'string' to 'bool'
    bool('yes') => invalid: type conversion error from 'string' to 'bool'
    bool(true) => true
    bool(dyn(1)) => invalid: no such overload: bool(int)
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('sizes', () => {
  it.each(
    rowsOf(String.raw`
    size('') => 0
    size('héllo') => 5
    size('😀') => 1
    size(b'é') => 2
    size([1, 2]) => 2
    size({'a': 1}) => 1
    'abc'.size() => 3
    [].size() => 0
    size(1) => invalid: 1:5 found no matching overload for 'size' applied to '(int)'
    size(dyn(1)) => error: no such overload: size
    dyn('abc').size() => 3
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})
