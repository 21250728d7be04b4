import { describe, expect, it } from 'vitest'
import { kubernetesEnvironment, outcomeOf, rowsOf } from '#testing/expression-table.ts'

const environment = kubernetesEnvironment()

describe('two variables', () => {
  it.each(
    rowsOf(String.raw`
    [10, 20].all(i, v, v == (i + 1) * 10) => true
    [10, 20].all(i, v, i > 0) => false
    {'a': 1}.all(k, v, k == 'a' && v == 1) => true
    [10, 20].exists(i, v, i == 1 && v == 20) => true
    {'a': 1}.exists(k, v, v > 1) => false
    [10, 20].existsOne(i, v, v > 10) => true
    [10, 20].exists_one(i, v, v > 10) => true
    {'a': 1, 'b': 1}.existsOne(k, v, v == 1) => false
    [10, 20].transformList(i, v, i + v) => [10, 21]
    [10, 20].transformList(i, v, i > 0, v) => [20]
    {'a': 1}.transformList(k, v, k) => ["a"]
    {'a': 1, 'b': 2}.transformMap(k, v, v * 2) => {"a": 2, "b": 4}
    {'a': 1, 'b': 2}.transformMap(k, v, v > 1, v * 2) => {"b": 4}
    [10, 20].transformMap(i, v, v) => {0: 10, 1: 20}
    {'a': 'x'}.transformMapEntry(k, v, {v: k}) => {"x": "a"}
    {'a': 'x', 'b': 'x'}.transformMapEntry(k, v, {v: k}) => error: insert failed: key x already exists
    ['a', 'b'].transformMapEntry(i, v, {v: i}) => {"a": 0, "b": 1}
    {'a': 'x'}.transformMapEntry(k, v, v == 'y', {v: k}) => {}
    [1].all(x, x, true) => invalid: 1:12 duplicate variable name: x
    [1].transformList(i, 1, true) => invalid: 1:22 argument must be a simple name
    {'a': 1}.transformMapEntry(k, v, 1) => invalid: 1:27 found no matching overload for 'cel.@mapInsert' applied to '(map(dyn, dyn), int)'
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})
