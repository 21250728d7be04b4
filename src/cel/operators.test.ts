import { describe, expect, it } from 'vitest'
import { kubernetesEnvironment, outcomeOf, rowsOf } from '#testing/expression-table.ts'

const environment = kubernetesEnvironment()

describe('integers', () => {
  it.each(
    rowsOf(String.raw`
    1 + 2 => 3
    7 - 10 => -3
    -3 * 4 => -12
    7 / 2 => 3
    -7 / 2 => -3
    7 % 3 => 1
    -7 % 3 => -1
    7 % -3 => 1
    -(5) => -5
    --5 => 5
    - -5 => 5
    0x1F => 31
    -0x10 => -16
    9007199254740991 + 2 => 9007199254740993
    9007199254740993 * 3 => 27021597764222979
    9223372036854775807 => 9223372036854775807
    -9223372036854775808 => -9223372036854775808
    9223372036854775807 + 1 => error: integer overflow
    -9223372036854775808 - 1 => error: integer overflow
    4611686018427387904 * 2 => error: integer overflow
    4611686018427387904 + 4611686018427387903 => 9223372036854775807
    -(-9223372036854775808) => error: integer overflow
    -9223372036854775808 / -1 => error: integer overflow
    -9223372036854775808 % -1 => error: integer overflow
    3037000500 * 3037000500 => error: integer overflow
    3037000499 * 3037000499 => 9223372030926249001
    1 / 0 => error: division by zero
    1 % 0 => error: modulus by zero
    9223372036854775808 => invalid: 1:1 invalid int literal
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('unsigned integers', () => {
  it.each(
    rowsOf(String.raw`
    1u + 2u => 3u
    0x1Fu => 31u
    5u - 3u => 2u
    3u - 5u => error: unsigned integer overflow
    6u * 7u => 42u
    18446744073709551615u => 18446744073709551615u
    18446744073709551615u + 1u => error: unsigned integer overflow
    18446744073709551615u * 2u => error: unsigned integer overflow
    7u / 2u => 3u
    7u % 4u => 3u
    1u / 0u => error: division by zero
    1u % 0u => error: modulus by zero
    18446744073709551616u => invalid: 1:1 invalid uint literal
    -1u => invalid: 1:1 found no matching overload for '-_' applied to '(uint)'
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('doubles', () => {
  it.each(
    rowsOf(String.raw`
    1.5 + 2.25 => 3.75
    1.5 - 2.5 => -1.0
    1.5 * 2.0 => 3.0
    1.0 / 3.0 => 0.3333333333333333
    1.0 / 0.0 => Infinity
    -1.0 / 0.0 => -Infinity
    0.0 / 0.0 => NaN
    -(1.5) => -1.5
    1e308 * 10.0 => Infinity
    .5 => 0.5
    1e3 => 1000.0
    1.5e-3 => 0.0015
    5.0 % 2.0 => invalid: 1:5 found no matching overload for '_%_' applied to '(double, double)'
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('what does not go together', () => {
  it.each(
    rowsOf(String.raw`
    1 + 2u => invalid: 1:3 found no matching overload for '_+_' applied to '(int, uint)'
    1 + 2.0 => invalid: 1:3 found no matching overload for '_+_' applied to '(int, double)'
    1 + 'a' => invalid: 1:3 found no matching overload for '_+_' applied to '(int, string)'
    'a' - 'b' => invalid: 1:5 found no matching overload for '_-_' applied to '(string, string)'
    dyn(1) + dyn(2u) => error: no such overload
    dyn('a') + dyn(1) => error: no such overload
    dyn([1]) - dyn(1) => error: no such overload: _-_
    -dyn('a') => error: no such overload
    !dyn(1) => error: no such overload
    true + false => invalid: 1:6 found no matching overload for '_+_' applied to '(bool, bool)'
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('texts, bytes and lists', () => {
  it.each(
    rowsOf(String.raw`
    'a' + 'b' => "ab"
    "it's" + 'a "b"' => "it'sa \"b\""
    b'ab' + b'c' => b'616263'
    '' + '' => ""
    [1] + [2, 3] => [1, 2, 3]
    [] + [] => []
    [1] + ['a'] => invalid: 1:5 found no matching overload for '_+_' applied to '(list(int), list(string))'
    'x' * 3 => invalid: 1:5 found no matching overload for '_*_' applied to '(string, int)'
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('comparison', () => {
  it.each(
    rowsOf(String.raw`
    1 < 2 => true
    2 <= 2 => true
    3 > 4 => false
    4 >= 4 => true
    1u < 2u => true
    1.5 < 2.5 => true
    'a' < 'b' => true
    'Z' < 'a' => true
    'a' < 'aa' => true
    b'a' < b'b' => true
    false < true => true
    duration('1s') < duration('1m') => true
    timestamp('2020-01-01T00:00:00Z') < timestamp('2020-01-01T00:00:00.000000001Z') => true
    1 < 1.5 => true
    1 < 2u => true
    2.0 <= 2u => true
    9007199254740993 > 9007199254740992.0 => false
    9223372036854775807 < 9223372036854775808.0 => false
    -1 < 0u => true
    18446744073709551615u > 9223372036854775807 => true
    dyn(1) < dyn('a') => error: no such overload
    [1] < [2] => invalid: 1:5 found no matching overload for '_<_' applied to '(list(int), list(int))'
    0.0 / 0.0 < 1.0 => error: NaN values cannot be ordered
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('equality', () => {
  it.each(
    rowsOf(String.raw`
    1 == 1 => true
    1 != 2 => true
    1 == 1.0 => invalid: 1:3 found no matching overload for '_==_' applied to '(int, double)'
    1u == 1 => invalid: 1:4 found no matching overload for '_==_' applied to '(uint, int)'
    1.0 == 1u => invalid: 1:5 found no matching overload for '_==_' applied to '(double, uint)'
    'a' == 'a' => true
    'a' == b'a' => invalid: 1:5 found no matching overload for '_==_' applied to '(string, bytes)'
    dyn('a') == dyn(b'a') => false
    dyn(1) == dyn('1') => false
    true == dyn(1) => false
    null == null => true
    dyn(null) == dyn(0) => false
    0.0 / 0.0 == 0.0 / 0.0 => false
    0.0 == -0.0 => true
    [1, 2] == [1, 2] => true
    [1, 2] == [2, 1] => false
    [1, 2] == [1.0, 2.0] => invalid: 1:8 found no matching overload for '_==_' applied to '(list(int), list(double))'
    [1] != [1, 2] => true
    {'a': 1} == {'a': 1} => true
    {'a': 1, 'b': 2} == {'b': 2, 'a': 1} => true
    {'a': 1} == {'b': 1} => false
    {'a': [1]} == {'a': [1u]} => invalid: 1:12 found no matching overload for '_==_' applied to '(map(string, list(int)), map(string, list(uint)))'
    duration('60s') == duration('1m') => true
    timestamp('2020-01-01T01:00:00+01:00') == timestamp('2020-01-01T00:00:00Z') => true
    type(1) == int => true
    int == uint => false
    9007199254740993 == 9007199254740992.0 => invalid: 1:18 found no matching overload for '_==_' applied to '(int, double)'
    1 == 'a' => invalid: 1:3 found no matching overload for '_==_' applied to '(int, string)'
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('logic', () => {
  it.each(
    rowsOf(String.raw`
    true && false => false
    true && true => true
    false || true => true
    !true => false
    !!true => true
    true ? 1 : 2 => 1
    false ? 1 : true ? 2 : 3 => 2
    1 > 2 || 2 > 1 && false => false
    false && 1 / 0 == 1 => false
    1 / 0 == 1 && false => false
    true || 1 / 0 == 1 => true
    1 / 0 == 1 || true => true
    1 / 0 == 1 || false => error: division by zero
    true && 1 / 0 == 1 => error: division by zero
    1 / 0 == 1 && [][0] => error: division by zero
    false || false || true || 1 / 0 == 1 => true
    dyn(1) || true => true
    dyn(1) && true => error: no such overload
    dyn('a') ? 1 : 2 => error: no such overload
    1 / 0 == 1 ? 1 : 2 => error: division by zero
    true ? 1 : 1 / 0 => 1
    1 ? 2 : 3 => invalid: 1:3 found no matching overload for '_?_:_' applied to '(int, int, int)'
    true ? 1 : 'a' => invalid: 1:6 found no matching overload for '_?_:_' applied to '(bool, int, string)'
    1 && true => invalid: 1:1 expected type 'bool' but found 'int'
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('membership and indices', () => {
  it.each(
    rowsOf(String.raw`
    1 in [1, 2] => true
    3 in [1, 2] => false
    1.0 in [1, 2] => invalid: 1:5 found no matching overload for '@in' applied to '(double, list(int))'
    2u in [1, 2] => invalid: 1:4 found no matching overload for '@in' applied to '(uint, list(int))'
    'a' in ['b'] => false
    'a' in {'a': 1} => true
    'b' in {'a': 1} => false
    1 in {1: 'a'} => true
    1 in {} => false
    1 in [] => false
    dyn(1) in {'a': 1} => false
    'a' in 'abc' => invalid: 1:5 found no matching overload for '@in' applied to '(string, string)'
    dyn('a') in dyn('abc') => error: no such overload
    [1, 2][0] => 1
    [1, 2][1.0] => invalid: 1:7 found no matching overload for '_[_]' applied to '(list(int), double)'
    [1, 2][1u] => invalid: 1:7 found no matching overload for '_[_]' applied to '(list(int), uint)'
    [1, 2][2] => error: index out of bounds: 2
    [1, 2][-1] => error: index out of bounds: -1
    [1, 2][1.5] => invalid: 1:7 found no matching overload for '_[_]' applied to '(list(int), double)'
    [1, 2]['a'] => invalid: 1:7 found no matching overload for '_[_]' applied to '(list(int), string)'
    dyn([1, 2])['a'] => error: unsupported index type 'string' in list
    {'a': 1}['a'] => 1
    {'a': 1}.a => 1
    {'a': 1}['b'] => error: no such key: b
    {'a': 1}.b => error: no such key: b
    {1: 'x'}[1] => "x"
    {1: 'x'}[1u] => invalid: 1:9 found no matching overload for '_[_]' applied to '(map(int, string), uint)'
    {1: 'x'}[1.0] => invalid: 1:9 found no matching overload for '_[_]' applied to '(map(int, string), double)'
    {true: 'x'}[true] => "x"
    {'a': {'b': [1, 2]}}.a.b[1] => 2
    {1: 'a', 1: 'b'} => {1: "b"}
    {1: 'a', 1u: 'b'} => invalid: 1:10 expected type 'int' but found 'uint'
    {1.5: 'a'} => {1.5: "a"}
    {[1]: 2} => {[1]: 2}
    has({'a': 1}.a) => true
    has({'a': 1}.b) => false
    has({'a': {}}.a.b) => false
    has({}.a.b) => error: no such key: a
    has({'a': 1}.a) && {'a': 1}.a == 1 => true
    'abc'[0] => invalid: 1:6 found no matching overload for '_[_]' applied to '(string, int)'
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})
