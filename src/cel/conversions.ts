/** Conversions between scalar types: `int('1')`, `string(1.5)`, `timestamp(0)`. */
import { EvaluationError } from './errors.ts'
import { formatDuration, parseDuration } from './durations.ts'
import { formatG } from './go-numbers.ts'
import { MAX_INT, MAX_UINT, MIN_INT, doubleToInt, doubleToUint, intToUint, makeInt, uintToInt } from './int64.ts'
import { makeTimestamp, formatTimestamp, parseTimestamp } from './timestamps.ts'
import { Double, Uint } from './values.ts'
import type { Duration, Int, Result, Timestamp } from './values.ts'

export const INT_OVERFLOW = new EvaluationError('overflow', 'integer overflow')
export const UINT_OVERFLOW = new EvaluationError('overflow', 'unsigned integer overflow')
export const DURATION_OVERFLOW = new EvaluationError('overflow', 'integer overflow')
export const TIMESTAMP_OVERFLOW = new EvaluationError('overflow', 'timestamp overflow')

const fromString = (to: string): EvaluationError =>
  new EvaluationError('conversion', `type conversion error from 'string' to '${to}'`)

export const intOf = (value: Int | undefined): Result => value ?? INT_OVERFLOW

export function uintOf(value: Int | undefined): Result {
  return value === undefined ? UINT_OVERFLOW : new Uint(value)
}

export const doubleToIntValue = (value: Double): Result => intOf(doubleToInt(value.value))
export const doubleToUintValue = (value: Double): Result => uintOf(doubleToUint(value.value))
export const intToUintValue = (value: Int): Result => uintOf(intToUint(value))
export const uintToIntValue = (value: Uint): Result => intOf(uintToInt(value.value))
export const durationToInt = (value: Duration): Result => makeInt(value.nanos)
export const timestampToInt = (value: Timestamp): Result => value.seconds
export const numberToDouble = (value: Int): Result => new Double(Number(value))

export function intToTimestamp(value: Int): Result {
  return makeTimestamp(Number(value)) ?? TIMESTAMP_OVERFLOW
}

/** Decimal digits with a sign, as Go's `strconv.ParseInt`. */
export function stringToInt(text: string): Result {
  if (!/^[+-]?\d+$/.test(text) || text.length > 1000) return fromString('int')
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  return value > MAX_INT || value < MIN_INT ? fromString('int') : makeInt(value)
}

export function stringToUint(text: string): Result {
  if (!/^\d+$/.test(text) || text.length > 1000) return fromString('uint')
  const value = BigInt(text)
  return value > MAX_UINT ? fromString('uint') : new Uint(makeInt(value))
}

const DECIMAL = /^[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d[\d_]*)?$/
const NAMED = /^[+-]?(inf|infinity|nan)$/i

/** As Go's `strconv.ParseFloat`, hexadecimal numbers aside. */
export function stringToDouble(text: string): Result {
  if (NAMED.test(text)) {
    if (/nan/i.test(text)) return /^[+-]/.test(text) ? fromString('double') : new Double(NaN)
    return new Double(text.startsWith('-') ? -Infinity : Infinity)
  }
  if (!DECIMAL.test(text) || text.includes('_')) return fromString('double')
  const value = Number(text)
  return Number.isFinite(value) ? new Double(value) : fromString('double')
}

const TRUE: ReadonlySet<string> = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const FALSE: ReadonlySet<string> = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

export function stringToBool(text: string): Result {
  if (TRUE.has(text)) return true
  return FALSE.has(text) ? false : fromString('bool')
}

export function stringToDuration(text: string): Result {
  return parseDuration(text) ?? fromString('google.protobuf.Duration')
}

export function stringToTimestamp(text: string): Result {
  const timestamp = parseTimestamp(text)
  if (timestamp === 'range') return TIMESTAMP_OVERFLOW
  return timestamp === 'syntax' ? fromString('google.protobuf.Timestamp') : timestamp
}

export const stringToBytes = (text: string): Result => new Uint8Array(Buffer.from(text))

export function bytesToString(bytes: Uint8Array): Result {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return new EvaluationError('conversion', 'invalid UTF-8 in bytes, cannot convert to string')
  }
}

export const doubleToString = (value: Double): Result => formatG(value.value)
export const durationToString = (value: Duration): Result => formatDuration(value)
export const timestampToString = (value: Timestamp): Result => formatTimestamp(value)
