import { describe, expect, it } from 'vitest'
import { kubernetesEnvironment, outcomeOf, rowsOf } from '#testing/expression-table.ts'

const environment = kubernetesEnvironment()

describe('sets', () => {
  it.each(
    rowsOf(String.raw`
    sets.contains([1, 2, 3], [1, 3]) => true
    sets.contains([1], [1, 2]) => false
    sets.contains([1], []) => true
    sets.contains([1, 2.0], [2]) => invalid: 1:19 expected type 'int' but found 'double'
    sets.equivalent([1, 2, 1], [2, 1]) => true
    sets.equivalent([1], [1, 2]) => false
    sets.equivalent([], []) => true
    sets.intersects([1, 2], [2, 3]) => true
    sets.intersects([1], [2]) => false
    sets.intersects([], []) => false
    sets.contains([1], ['a']) => invalid: 1:14 found no matching overload for 'sets.contains' applied to '(list(int), list(string))'
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})
