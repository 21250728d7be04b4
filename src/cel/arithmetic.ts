/**
 * `+ - * / %` and negation on values whose types are known only now. What an operator cannot take is the error that
 * upstream gives: with the operator's name where the left operand has no such operator at all, without where only the
 * right one does not fit.
 */
import { DURATION_OVERFLOW, INT_OVERFLOW, TIMESTAMP_OVERFLOW, intOf, uintOf } from './conversions.ts'
import { EvaluationError } from './errors.ts'
import {
  MAX_INT,
  MIN_INT,
  addInt,
  addUint,
  divideInt,
  moduloInt,
  multiplyInt,
  multiplyUint,
  negateInt,
  subtractInt,
  subtractUint,
} from './int64.ts'
import { concat } from './lists.ts'
import { addDuration, between } from './timestamps.ts'
import { Double, Duration, List, Timestamp, Uint } from './values.ts'
import type { Int, Result, Value } from './values.ts'

export const NO_SUCH_OVERLOAD = new EvaluationError('noSuchOverload', 'no such overload')
const DIVISION_BY_ZERO = new EvaluationError('divisionByZero', 'division by zero')
const MODULUS_BY_ZERO = new EvaluationError('modulusByZero', 'modulus by zero')

/** The operand's type has no function of this name. */
export function noSuchFunction(name: string, operand: Value): EvaluationError {
  const receives = typeof operand === 'string' || operand instanceof Duration || operand instanceof Timestamp
  return receives ? NO_SUCH_OVERLOAD : new EvaluationError('noSuchOverload', `no such overload: ${name}`)
}

const isInt = (value: Value): value is Int => typeof value === 'number' || typeof value === 'bigint'

function durationOf(nanos: bigint): Result {
  return nanos > MAX_INT || nanos < MIN_INT ? DURATION_OVERFLOW : new Duration(nanos)
}

export function add(a: Value, b: Value): Result {
  if (isInt(a)) return isInt(b) ? (addInt(a, b) ?? INT_OVERFLOW) : NO_SUCH_OVERLOAD
  if (typeof a === 'string') return typeof b === 'string' ? a + b : NO_SUCH_OVERLOAD
  if (a instanceof List) return b instanceof List ? concat(a, b) : NO_SUCH_OVERLOAD
  if (a instanceof Double) return b instanceof Double ? new Double(a.value + b.value) : NO_SUCH_OVERLOAD
  if (a instanceof Uint) return b instanceof Uint ? uintOf(addUint(a.value, b.value)) : NO_SUCH_OVERLOAD
  if (a instanceof Uint8Array) return b instanceof Uint8Array ? new Uint8Array(Buffer.concat([a, b])) : NO_SUCH_OVERLOAD
  if (a instanceof Duration) {
    if (b instanceof Duration) return durationOf(a.nanos + b.nanos)
    return b instanceof Timestamp ? (addDuration(b, a.nanos) ?? TIMESTAMP_OVERFLOW) : NO_SUCH_OVERLOAD
  }
  if (a instanceof Timestamp)
    return b instanceof Duration ? (addDuration(a, b.nanos) ?? TIMESTAMP_OVERFLOW) : NO_SUCH_OVERLOAD
  return noSuchFunction('_+_', a)
}

export function subtract(a: Value, b: Value): Result {
  if (isInt(a)) return isInt(b) ? (subtractInt(a, b) ?? INT_OVERFLOW) : NO_SUCH_OVERLOAD
  if (a instanceof Double) return b instanceof Double ? new Double(a.value - b.value) : NO_SUCH_OVERLOAD
  if (a instanceof Uint) return b instanceof Uint ? uintOf(subtractUint(a.value, b.value)) : NO_SUCH_OVERLOAD
  if (a instanceof Duration) return b instanceof Duration ? durationOf(a.nanos - b.nanos) : NO_SUCH_OVERLOAD
  if (a instanceof Timestamp) {
    if (b instanceof Timestamp) return between(a, b) ?? DURATION_OVERFLOW
    if (!(b instanceof Duration)) return NO_SUCH_OVERLOAD
    if (b.nanos === MIN_INT) return DURATION_OVERFLOW
    return addDuration(a, -b.nanos) ?? TIMESTAMP_OVERFLOW
  }
  return noSuchFunction('_-_', a)
}

export function multiply(a: Value, b: Value): Result {
  if (isInt(a)) return isInt(b) ? (multiplyInt(a, b) ?? INT_OVERFLOW) : NO_SUCH_OVERLOAD
  if (a instanceof Double) return b instanceof Double ? new Double(a.value * b.value) : NO_SUCH_OVERLOAD
  if (a instanceof Uint) return b instanceof Uint ? uintOf(multiplyUint(a.value, b.value)) : NO_SUCH_OVERLOAD
  return noSuchFunction('_*_', a)
}

export function divide(a: Value, b: Value): Result {
  if (isInt(a)) {
    if (!isInt(b)) return NO_SUCH_OVERLOAD
    return b === 0 ? DIVISION_BY_ZERO : intOf(divideInt(a, b))
  }
  if (a instanceof Double) return b instanceof Double ? new Double(a.value / b.value) : NO_SUCH_OVERLOAD
  if (!(a instanceof Uint)) return noSuchFunction('_/_', a)
  if (!(b instanceof Uint)) return NO_SUCH_OVERLOAD
  return b.value === 0 ? DIVISION_BY_ZERO : new Uint(divideInt(a.value, b.value) ?? BigInt(a.value) / BigInt(b.value))
}

export function modulo(a: Value, b: Value): Result {
  if (isInt(a)) {
    if (!isInt(b)) return NO_SUCH_OVERLOAD
    return b === 0 ? MODULUS_BY_ZERO : intOf(moduloInt(a, b))
  }
  if (!(a instanceof Uint)) return noSuchFunction('_%_', a)
  if (!(b instanceof Uint)) return NO_SUCH_OVERLOAD
  return b.value === 0 ? MODULUS_BY_ZERO : new Uint(moduloInt(a.value, b.value) ?? BigInt(a.value) % BigInt(b.value))
}

export function negate(value: Value): Result {
  if (isInt(value)) return negateInt(value) ?? INT_OVERFLOW
  if (value instanceof Double) return new Double(-value.value)
  if (value instanceof Duration) return durationOf(-value.nanos)
  return typeof value === 'boolean' ? NO_SUCH_OVERLOAD : noSuchFunction('-_', value)
}
