import { describe, expect, it } from 'vitest'
import { kubernetesEnvironment, outcomeOf, rowsOf } from '#testing/expression-table.ts'

const environment = kubernetesEnvironment()

describe('order', () => {
  it.each(
    rowsOf(String.raw`
    [1, 2, 2].isSorted() => true
    [2, 1].isSorted() => false
    [].isSorted() => true
    ['a', 'b'].isSorted() => true
    [1.5, 1.0].isSorted() => false
    [duration('1s'), duration('1m')].isSorted() => true
    [[1], [2]].isSorted() => invalid: 1:20 found no matching overload for 'isSorted' applied to 'list(list(int)).()'
    [3, 1, 2].sort() => [1, 2, 3]
    ['b', 'a'].sort() => ["a", "b"]
    [].sort() => []
    [true, false].sort() => [false, true]
    dyn([1, 'a']).sort() => invalid: 1:9 expected type 'int' but found 'string'
    ['bb', 'a', 'ccc'].sortBy(x, x.size()) => ["a", "bb", "ccc"]
    [3, 1, 2].sortBy(x, -x) => [3, 2, 1]
    [1].sortBy(x, [x]) => invalid: 1:11 found no matching overload for '@sortByAssociatedKeys' applied to 'list(int).(list(list(int)))'
    [1, 2, 3].reverse() => [3, 2, 1]
    [].reverse() => []
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('numbers', () => {
  it.each(
    rowsOf(String.raw`
    [1, 2, 3].sum() => 6
    [].sum() => 0
    [1.5, 2.0].sum() => 3.5
    [1u, 2u].sum() => 3u
    [duration('1s'), duration('1m')].sum() => duration(61s)
    ['a'].sum() => invalid: 1:10 found no matching overload for 'sum' applied to 'list(string).()'
    [9223372036854775807, 1].sum() => error: integer overflow
    [1, 3, 2].min() => 1
    [1, 3, 2].max() => 3
    ['a', 'b'].max() => "b"
    [].min() => error: min called on empty list
    [].max() => error: max called on empty list
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('places', () => {
  it.each(
    rowsOf(String.raw`
    [1, 2, 2].indexOf(2) => 1
    [1, 2, 2].lastIndexOf(2) => 2
    [1, 2].indexOf(3) => -1
    ['a'].indexOf(1) => invalid: 1:14 found no matching overload for 'indexOf' applied to 'list(string).(int)'
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('shapes', () => {
  it.each(
    rowsOf(String.raw`
    [1, 2, 3].slice(0, 2) => [1, 2]
    [1, 2, 3].slice(1, 1) => []
    [1, 2, 3].slice(0, 4) => error: cannot slice(0, 4), list is length 3
    [1, 2, 3].slice(-1, 2) => error: cannot slice(-1, 2), negative indexes not supported
    [1, 2, 3].slice(2, 1) => error: cannot slice(2, 1), start index must be less than or equal to end index
    [1, 2, 1, 1.0].distinct() => invalid: 1:11 expected type 'int' but found 'double'
    [1, 2, 1].distinct() => [1, 2]
    [[1], [1]].distinct() => [[1]]
    [[1], [2, 3]].flatten() => [1, 2, 3]
    [[1, [2]], [[[3]]]].flatten() => invalid: 1:6 expected type 'int' but found 'list(int)'; 1:12 expected type 'list(dyn)' but found 'list(list(list(int)))'
    dyn([1, [2, [3, [4]]]]).flatten(2) => invalid: 1:9 expected type 'int' but found 'list(dyn)'; 1:13 expected type 'int' but found 'list(dyn)'; 1:17 expected type 'int' but found 'list(int)'
    [[1]].flatten(-1) => error: level must be non-negative
    lists.range(3) => [0, 1, 2]
    lists.range(0) => []
    lists.range(-1) => []
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})
