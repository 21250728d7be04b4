/** Fields of timestamps and durations: `t.getHours()`, `t.getDayOfWeek('Europe/Berlin')`. Years and days as Go counts. */
import { EvaluationError } from '../errors.ts'
import { makeInt } from '../int64.ts'
import { declareFunction, memberOverload } from '../library.ts'
import type { FunctionDeclaration, Overload } from '../library.ts'
import { inZone } from '../timestamps.ts'
import { DURATION, INT, STRING, TIMESTAMP } from '../types.ts'
import type { Duration, Result, Timestamp } from '../values.ts'

type Field = (date: Date, timestamp: Timestamp) => number

function dayOfYear(date: Date): number {
  const newYear = new Date(date)
  newYear.setUTCMonth(0, 1)
  return Math.round((date.getTime() - newYear.getTime()) / 86_400_000)
}

/** The overloads of a field: in UTC and in a zone. `zonedId` where the ids do not follow the rule. */
function timestampField(id: string, field: Field, zonedId = `${id}_with_tz`): Overload[] {
  const read = (timestamp: Timestamp, zone: string): Result => {
    try {
      return field(inZone(timestamp, zone), timestamp)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      return new EvaluationError('function', error.message)
    }
  }
  return [
    memberOverload(id, [TIMESTAMP], INT, (timestamp: Timestamp) => read(timestamp, 'UTC')),
    memberOverload(zonedId, [TIMESTAMP, STRING], INT, read),
  ]
}

const durationField = (id: string, unitNanos: bigint): Overload =>
  memberOverload(id, [DURATION], INT, ({ nanos }: Duration) => makeInt(nanos / unitNanos))

export const timeFunctions: readonly FunctionDeclaration[] = [
  declareFunction('getFullYear', ...timestampField('timestamp_to_year', (date) => date.getUTCFullYear())),
  declareFunction('getMonth', ...timestampField('timestamp_to_month', (date) => date.getUTCMonth())),
  declareFunction('getDayOfYear', ...timestampField('timestamp_to_day_of_year', dayOfYear)),
  declareFunction('getDayOfMonth', ...timestampField('timestamp_to_day_of_month', (date) => date.getUTCDate() - 1)),
  declareFunction('getDate', ...timestampField('timestamp_to_day_of_month_1_based', (date) => date.getUTCDate())),
  declareFunction('getDayOfWeek', ...timestampField('timestamp_to_day_of_week', (date) => date.getUTCDay())),
  declareFunction(
    'getHours',
    ...timestampField('timestamp_to_hours', (date) => date.getUTCHours()),
    durationField('duration_to_hours', 3_600_000_000_000n),
  ),
  declareFunction(
    'getMinutes',
    ...timestampField('timestamp_to_minutes', (date) => date.getUTCMinutes()),
    durationField('duration_to_minutes', 60_000_000_000n),
  ),
  declareFunction(
    'getSeconds',
    ...timestampField('timestamp_to_seconds', (date) => date.getUTCSeconds(), 'timestamp_to_seconds_tz'),
    durationField('duration_to_seconds', 1_000_000_000n),
  ),
  declareFunction(
    'getMilliseconds',
    ...timestampField('timestamp_to_milliseconds', (_, { nanos }) => Math.trunc(nanos / 1_000_000)),
    durationField('duration_to_milliseconds', 1_000_000n),
  ),
]
