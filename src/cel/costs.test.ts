/** Estimated and actual costs, as upstream has them. Source: `staging/src/k8s.io/apiserver/pkg/cel/library/cost.go`. */
import { describe, expect, it } from 'vitest'
import { costOf, kubernetesEnvironment, rowsOf } from '#testing/expression-table.ts'

const environment = kubernetesEnvironment()

// Literals without variables are made once, before anything is counted; the estimate does count them.
describe('costs', () => {
  it.each(
    rowsOf(String.raw`
    'ABCDEFGHIJ abcdefghij'.lowerAscii() => 3 of 3..3
    'ABCDEFGHIJ abcdefghij'.upperAscii() == 'abcdefghij ABCDEFGHIJ'.upperAscii() => 9 of 7..9
    strings.quote('ABCDEFGHIJ abcdefghij') == strings.quote('ABCDEFGHIJ abcdefghij') => 9 of 7..11
    'abc 123 def 123'.replace('123', '456', 1) => 3 of 3..3
    'abc 123 def 123'.substring(5, 8) => 2 of 2..2
    'abc 123 def 123'.findAll('123', 1) => 2 of 2..2
    quantity("2M") == quantity("0.002G") && quantity("2000k") == quantity("2M") => 6 of 3..6
    quantity("50k").add(20).sub(quantity("100k")).asInteger() > 0 => 6 of 6..6
    format.named("dns1123Label").value().validate("my-name") => 10 of 34..34
    format.named("dns1123Label").value() == format.named("dns1123Label").value() => 5 of 5..11
    sets.contains([1, 2, 3, 4], [2, 3]) => 9 of 29..29
    sets.intersects([1], [1, 1]) => 3 of 23..23
    [[1], [2], [3, 4]].flatten(-1) => 8 of 51..51
    [[1], [2], [3, 4]].flatten(-9) => Infinity of 51..51
    `),
  )('%s', (expression, expected) => expect(costOf(environment, expression)).toBe(expected))
})
