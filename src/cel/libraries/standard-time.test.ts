import { describe, expect, it } from 'vitest'
import { kubernetesEnvironment, outcomeOf, rowsOf } from '#testing/expression-table.ts'

const environment = kubernetesEnvironment()

describe('durations', () => {
  it.each(
    rowsOf(String.raw`
    duration('1h') => duration(3600s)
    duration('1.5h') => duration(5400s)
    duration('1h2m3s4ms5us6ns') => duration(3723.004005006s)
    duration('1µs') => duration(0.000001s)
    duration('-1h') => duration(-3600s)
    duration('.5s') => duration(0.5s)
    duration('0') => duration(0s)
    duration('1') => invalid: 1:10 invalid duration argument
    duration('1d') => invalid: 1:10 invalid duration argument
    duration('') => invalid: 1:10 invalid duration argument
    duration('9223372036854775807ns') => duration(9223372036.854776s)
    duration('9223372036854775808ns') => invalid: 1:10 invalid duration argument
    duration('2562048h') => invalid: 1:10 invalid duration argument
    duration(dyn(1)) => invalid: type conversion error from 'int' to 'google.protobuf.Duration'
    duration('1s') + duration('1m') => duration(61s)
    duration('1s') - duration('1m') => duration(-59s)
    duration('9223372036s') + duration('1s') => error: integer overflow
    duration('1h30m').getHours() => 1
    duration('1h30m').getMinutes() => 90
    duration('1h30m').getSeconds() => 5400
    duration('1h30m1.5s').getMilliseconds() => 5401500
    duration('-90s').getMinutes() => -1
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('timestamps', () => {
  it.each(
    rowsOf(String.raw`
    timestamp('2023-05-06T07:08:09Z') => timestamp(2023-05-06T07:08:09Z)
    timestamp('2023-05-06T07:08:09.123456789Z') => timestamp(2023-05-06T07:08:09.123456789Z)
    timestamp('2023-05-06T07:08:09+05:30') => timestamp(2023-05-06T07:08:09+05:30)
    timestamp('2023-05-06t07:08:09z') => invalid: 1:11 invalid timestamp argument
    timestamp('2023-05-06') => invalid: 1:11 invalid timestamp argument
    timestamp('2023-02-29T00:00:00Z') => invalid: 1:11 invalid timestamp argument
    timestamp('2023-05-06T24:00:00Z') => invalid: 1:11 invalid timestamp argument
    timestamp('0001-01-01T00:00:00Z') => timestamp(0001-01-01T00:00:00Z)
    timestamp('9999-12-31T23:59:59.999999999Z') => timestamp(9999-12-31T23:59:59.999999999Z)
    timestamp('10000-01-01T00:00:00Z') => invalid: 1:11 invalid timestamp argument
    timestamp(1000000000) => timestamp(2001-09-09T01:46:40Z)
    timestamp(-62135596801) => invalid: 1:11 invalid timestamp argument
    timestamp(dyn(253402300800)) => invalid: timestamp overflow
    timestamp(dyn('x')) => invalid: type conversion error from 'string' to 'google.protobuf.Timestamp'
    timestamp('2020-01-01T00:00:00Z') + duration('1h') => timestamp(2020-01-01T01:00:00Z)
    duration('1h') + timestamp('2020-01-01T00:00:00Z') => timestamp(2020-01-01T01:00:00Z)
    timestamp('2020-01-01T00:00:00Z') - duration('1ns') => timestamp(2019-12-31T23:59:59.999999999Z)
    timestamp('2020-01-02T00:00:00Z') - timestamp('2020-01-01T00:00:00Z') => duration(86400s)
    timestamp('9999-12-31T23:59:59Z') + duration('1s') => error: timestamp overflow
    timestamp('0001-01-01T00:00:00Z') - duration('1ns') => error: timestamp overflow
    timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z') => error: integer overflow
    timestamp('2023-05-06T07:08:09.123Z').getFullYear() => 2023
    timestamp('2023-05-06T07:08:09.123Z').getMonth() => 4
    timestamp('2023-05-06T07:08:09.123Z').getDayOfYear() => 125
    timestamp('2023-05-06T07:08:09.123Z').getDayOfMonth() => 5
    timestamp('2023-05-06T07:08:09.123Z').getDate() => 6
    timestamp('2023-05-06T07:08:09.123Z').getDayOfWeek() => 6
    timestamp('2023-05-06T07:08:09.123Z').getHours() => 7
    timestamp('2023-05-06T07:08:09.123Z').getMinutes() => 8
    timestamp('2023-05-06T07:08:09.123Z').getSeconds() => 9
    timestamp('2023-05-06T07:08:09.123Z').getMilliseconds() => 123
    timestamp('2023-05-06T07:08:09Z').getHours('America/New_York') => 3
    timestamp('2023-01-06T07:08:09Z').getHours('America/New_York') => 2
    timestamp('2023-05-06T07:08:09Z').getMinutes('Asia/Kathmandu') => 53
    timestamp('2023-05-06T07:08:09Z').getHours('+02:30') => 9
    timestamp('2023-05-06T07:08:09Z').getMinutes('-02:30') => 38
    timestamp('2023-05-06T07:08:09Z').getHours('05:00') => 12
    timestamp('2023-05-06T01:00:00Z').getDayOfMonth('-08:00') => 4
    timestamp('2023-05-06T07:08:09Z').getHours('Nowhere/Land') => error: unknown time zone Nowhere/Land
    timestamp('2023-05-06T07:08:09Z').getHours('') => 7
    timestamp('2023-05-06T07:08:09Z').getHours('UTC') => 7
    timestamp('2020-12-31T23:59:59Z').getDayOfYear() => 365
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})
