/** The order of values that have one: numbers of any type, strings, bytes, booleans, durations and timestamps. */
import { EvaluationError } from './errors.ts'
import { Double, Duration, Timestamp, Uint } from './values.ts'
import type { Int, Value } from './values.ts'

export type Order = -1 | 0 | 1

const NO_SUCH_OVERLOAD = new EvaluationError('noSuchOverload', 'no such overload')
const NAN = new EvaluationError('function', 'NaN values cannot be ordered')

const sign = (a: Int | string, b: Int | string): Order => (a < b ? -1 : a > b ? 1 : 0)

/** Whether values of the type of `value` have an order at all. */
export function isOrdered(value: Value): boolean {
  switch (typeof value) {
    case 'object':
      return (
        value instanceof Double ||
        value instanceof Uint ||
        value instanceof Duration ||
        value instanceof Timestamp ||
        value instanceof Uint8Array
      )
    default:
      return true
  }
}

/** An error where the two are not comparable. `a` has an order. */
export function compare(a: Value, b: Value): Order | EvaluationError {
  if (typeof a === 'number' && typeof b === 'number') return sign(a, b)
  if (typeof a === 'string') return typeof b === 'string' ? compareStrings(a, b) : NO_SUCH_OVERLOAD
  if (typeof a === 'boolean') return typeof b === 'boolean' ? sign(Number(a), Number(b)) : NO_SUCH_OVERLOAD
  if (a instanceof Duration) return b instanceof Duration ? sign(a.nanos, b.nanos) : NO_SUCH_OVERLOAD
  if (a instanceof Timestamp) {
    if (!(b instanceof Timestamp)) return NO_SUCH_OVERLOAD
    return sign(a.seconds, b.seconds) || sign(a.nanos, b.nanos)
  }
  if (a instanceof Uint8Array) return b instanceof Uint8Array ? (Buffer.compare(a, b) as Order) : NO_SUCH_OVERLOAD
  return compareNumbers(a, b)
}

function compareNumbers(a: Value, b: Value): Order | EvaluationError {
  if (a instanceof Double && Number.isNaN(a.value)) return NAN
  const left = integerOf(a)
  const right = integerOf(b)
  if (left !== undefined && right !== undefined) return sign(left, right)
  if (a instanceof Double) {
    if (b instanceof Double) return Number.isNaN(b.value) ? NAN : sign(a.value, b.value)
    return right === undefined ? NO_SUCH_OVERLOAD : sign(a.value, Number(right))
  }
  if (left === undefined || !(b instanceof Double)) return NO_SUCH_OVERLOAD
  return Number.isNaN(b.value) ? NAN : sign(Number(left), b.value)
}

function integerOf(value: Value): Int | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  return value instanceof Uint ? value.value : undefined
}

/** By code point, which is the order of the bytes of UTF-8 (and not that of JavaScript's `<`). */
export function compareStrings(a: string, b: string): Order {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (left !== right) return sign(rank(left), rank(right))
  }
  return sign(a.length, b.length)
}

/** Surrogates stand for code points above all others. */
function rank(codeUnit: number): number {
  return codeUnit >= 0xd800 && codeUnit <= 0xdfff ? codeUnit + 0x10000 : codeUnit
}
