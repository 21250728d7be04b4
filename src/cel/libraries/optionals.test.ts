import { describe, expect, it } from 'vitest'
import { kubernetesEnvironment, outcomeOf, rowsOf } from '#testing/expression-table.ts'

const environment = kubernetesEnvironment()

describe('optional values', () => {
  it.each(
    rowsOf(String.raw`
    optional.of(1) => optional(1)
    optional.none() => none
    optional.of(1).hasValue() => true
    optional.none().hasValue() => false
    optional.of(1).value() => 1
    optional.none().value() => error: optional.none() dereference
    optional.of(1).orValue(2) => 1
    optional.none().orValue(2) => 2
    optional.none().or(optional.of(2)) => optional(2)
    optional.of(1).or(optional.of(1 / 0)) => optional(1)
    optional.ofNonZeroValue(0) => none
    optional.ofNonZeroValue('') => none
    optional.ofNonZeroValue([]) => none
    optional.ofNonZeroValue({}) => none
    optional.ofNonZeroValue(0.0) => none
    optional.ofNonZeroValue(null) => none
    optional.ofNonZeroValue(false) => none
    optional.ofNonZeroValue(duration('0s')) => none
    optional.ofNonZeroValue('a') => optional("a")
    {'a': 1}.?a => optional(1)
    {'a': 1}.?b => none
    {'a': {'b': 1}}.?a.b => optional(1)
    {'a': {'b': 1}}.?a.c => none
    {'a': {'b': 1}}.?x.b => none
    {'a': {'b': 1}}.?a.?c.orValue(7) => 7
    {'a': 1}[?'a'] => optional(1)
    {'a': 1}[?'b'] => none
    [1, 2][?1] => optional(2)
    [1, 2][?2] => none
    [1, 2][?-1] => none
    [?optional.of(1), ?optional.none(), 3] => [1, 3]
    {?'a': optional.of(1), ?'b': optional.none()} => {"a": 1}
    [?1] => invalid: 1:3 expected type 'optional_type(int)' but found 'int'
    optional.of(2).optMap(x, x * 2) => optional(4)
    optional.none().optMap(x, x * 2) => none
    optional.of(2).optFlatMap(x, optional.of(x + 1)) => optional(3)
    optional.of([1]).optFlatMap(x, x[?0]) => optional(1)
    optional.of([1]).optFlatMap(x, x[?1]) => none
    optional.of(1) == optional.of(1) => true
    optional.of(1) == optional.none() => false
    optional.none() == optional.none() => true
    optional.of(1) == optional.of(1.0) => invalid: 1:16 found no matching overload for '_==_' applied to '(optional_type(int), optional_type(double))'
    has(optional.of({'a': 1}).a) => true
    optional.of({'a': 1}).a => optional(1)
    optional.of({'a': 1}).b => none
    [1, 2].first() => optional(1)
    [].first() => none
    [1, 2].last() => optional(2)
    optional.unwrap([optional.of(1), optional.none()]) => [1]
    [optional.of(1), optional.none()].unwrapOpt() => [1]
    type(optional.of(1)) == optional_type => true
    optional.of(1).optMap(1, 2) => invalid: 1:23 optMap() variable name must be a simple identifier
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})
