import { describe, expect, it } from 'vitest'
import { kubernetesEnvironment, outcomeOf, rowsOf } from '#testing/expression-table.ts'

const environment = kubernetesEnvironment()

describe('quantities', () => {
  it.each(
    rowsOf(String.raw`
    quantity('1.5Gi') => quantity(1536Mi)
    quantity('50k').add(quantity('20k')) => quantity(70k)
    quantity('50k').add(20) => quantity(50020)
    quantity('50k').sub(quantity('100k')) => quantity(-50k)
    quantity('50k').sub(20).asInteger() => 49980
    quantity('1Gi').isGreaterThan(quantity('1G')) => true
    quantity('200M').isLessThan(quantity('0.3G')) => true
    quantity('1M').compareTo(quantity('1000k')) => 0
    quantity('1').compareTo(quantity('2')) => -1
    quantity('3').compareTo(quantity('2')) => 1
    quantity('1') == quantity('1000m') => true
    quantity('-5').sign() => invalid: 1:20 found no matching overload for 'sign' applied to 'kubernetes.Quantity.()'
    quantity('0').sign() => invalid: 1:19 found no matching overload for 'sign' applied to 'kubernetes.Quantity.()'
    quantity('50.5k').asInteger() => 50500
    quantity('50.703k').asApproximateFloat() => 50703.0
    quantity('50k').isInteger() => true
    quantity('9999999999999999999G').isInteger() => false
    quantity('9999999999999999999G').asInteger() => error: cannot convert value to integer
    quantity('200m').isInteger() => false
    isQuantity('1.3Gi') => true
    isQuantity('200M 1') => false
    quantity('10 mo') => error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'
    quantity('') => error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})
