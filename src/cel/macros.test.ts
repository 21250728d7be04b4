import { describe, expect, it } from 'vitest'
import { kubernetesEnvironment, outcomeOf, rowsOf } from '#testing/expression-table.ts'

const environment = kubernetesEnvironment()

describe('all', () => {
  it.each(
    rowsOf(String.raw`
    [1, 2, 3].all(x, x > 0) => true
    [1, 2, 3].all(x, x > 1) => false
    [].all(x, false) => true
    {'a': 1, 'b': 2}.all(k, k != 'c') => true
    [1, 0].all(x, 1 / x > 0) => error: division by zero
    [0, 1].all(x, 1 / x > 1) => false
    [0, 1].all(x, x > 0 && 1 / x > 0) => false
    [0, 2, 1].all(x, 1 / x > 0) => false
    [1].all(x, x) => invalid: 1:12 expected type 'bool' but found 'int'
    [dyn(1)].all(x, x) => error: no such overload
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('exists', () => {
  it.each(
    rowsOf(String.raw`
    [1, 2, 3].exists(x, x == 2) => true
    [1, 2, 3].exists(x, x == 4) => false
    [].exists(x, true) => false
    [0, 1].exists(x, 1 / x == 1) => true
    [0, 2].exists(x, 1 / x == 1) => error: division by zero
    {'a': 1}.exists(k, k == 'a') => true
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('exists_one', () => {
  it.each(
    rowsOf(String.raw`
    [1, 2, 3].exists_one(x, x == 2) => true
    [1, 2, 2].exists_one(x, x == 2) => false
    [].exists_one(x, true) => false
    [1, 2, 3].existsOne(x, x > 2) => invalid: 1:20 undeclared reference to 'existsOne' (in container ''); 1:21 undeclared reference to 'x' (in container ''); 1:24 undeclared reference to 'x' (in container '')
    [0, 1].exists_one(x, 1 / x == 1) => error: division by zero
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('map', () => {
  it.each(
    rowsOf(String.raw`
    [1, 2, 3].map(x, x * 2) => [2, 4, 6]
    [1, 2, 3].map(x, x > 1, x * 2) => [4, 6]
    [].map(x, x) => []
    {'a': 1}.map(k, k + 'x') => ["ax"]
    [[1, 2], [3]].map(x, x.map(y, y + 1)) => [[2, 3], [4]]
    [1, 0].map(x, 1 / x) => error: division by zero
    [1, 2].map(x, [x]) => [[1], [2]]
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('filter', () => {
  it.each(
    rowsOf(String.raw`
    [1, 2, 3].filter(x, x > 1) => [2, 3]
    [1, 2, 3].filter(x, false) => []
    {'a': 1, 'b': 2}.filter(k, k == 'b') => ["b"]
    [1, 2, 3].filter(x, x > 1).map(x, x * x) => [4, 9]
    [0].filter(x, 1 / x == 1) => error: division by zero
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('scopes', () => {
  it.each(
    rowsOf(String.raw`
    [1, 2].map(x, [3, 4].map(x, x)) => [[3, 4], [3, 4]]
    [1, 2].map(x, [3, 4].map(y, x * y)) => [[3, 4], [6, 8]]
    [1].all(x, [2].all(y, x < y)) => true
    [{'a': 1}].map(m, m.a) => [1]
    [1, 2].exists(x, y == 1) => invalid: 1:18 undeclared reference to 'y' (in container '')
    x => invalid: 1:1 undeclared reference to 'x' (in container '')
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('what macros take', () => {
  it.each(
    rowsOf(String.raw`
    [1].all(1, true) => invalid: 1:9 argument must be a simple name
    [1].all(x.y, true) => invalid: 1:10 argument must be a simple name
    [1].map(x.y, 1) => invalid: 1:10 argument is not an identifier
    [1].filter(1, true) => invalid: 1:12 argument is not an identifier
    [1].exists_one([], true) => invalid: 1:16 argument must be a simple name
    has(1) => invalid: 1:5 invalid argument to has() macro
    has('a') => invalid: 1:5 invalid argument to has() macro
    has({'a': 1}['a']) => invalid: 1:13 invalid argument to has() macro
    [1].all(x) => invalid: 1:8 undeclared reference to 'all' (in container ''); 1:9 undeclared reference to 'x' (in container '')
    1.all(x, true) => invalid: 1:1 expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)
    dyn(1).all(x, true) => error: got 'types.Int', expected iterable type
    'ab'.map(x, x) => invalid: 1:1 expression of type 'string' cannot be range of a comprehension (must be list, map, or dynamic)
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})
