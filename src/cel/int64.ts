/**
 * Arithmetic of int64 and uint64 on `Int`: numbers while they are safe integers, bigints beyond. Results are canonical
 * (never a bigint that would be a safe integer), so that `===` compares. What leaves its range is undefined.
 */
import type { Int } from './values.ts'

export const MAX_INT = 9223372036854775807n
export const MIN_INT = -9223372036854775808n
export const MAX_UINT = 18446744073709551615n

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER)

/** The canonical form of a bigint. */
export function makeInt(value: bigint): Int {
  return value <= MAX_SAFE && value >= -MAX_SAFE ? Number(value) : value
}

const inInt64 = (value: bigint): Int | undefined => (value > MAX_INT || value < MIN_INT ? undefined : makeInt(value))
const inUint64 = (value: bigint): Int | undefined => (value > MAX_UINT || value < 0n ? undefined : makeInt(value))

export function addInt(a: Int, b: Int): Int | undefined {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b
    if (Number.isSafeInteger(sum)) return sum
  }
  return inInt64(BigInt(a) + BigInt(b))
}

export function subtractInt(a: Int, b: Int): Int | undefined {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b
    if (Number.isSafeInteger(difference)) return difference
  }
  return inInt64(BigInt(a) - BigInt(b))
}

export function multiplyInt(a: Int, b: Int): Int | undefined {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b
    // Adding zero turns -0 into 0.
    if (Number.isSafeInteger(product)) return product + 0
  }
  return inInt64(BigInt(a) * BigInt(b))
}

/** Towards zero. `b` is not zero. */
export function divideInt(a: Int, b: Int): Int | undefined {
  if (typeof a === 'number' && typeof b === 'number') return Math.trunc(a / b) + 0
  return inInt64(BigInt(a) / BigInt(b))
}

/** With the sign of `a`. `b` is not zero. */
export function moduloInt(a: Int, b: Int): Int | undefined {
  if (typeof a === 'number' && typeof b === 'number') return (a % b) + 0
  // The quotient of the least int64 and -1 is out of range, which upstream reports here, too.
  if (BigInt(a) === MIN_INT && BigInt(b) === -1n) return undefined
  return inInt64(BigInt(a) % BigInt(b))
}

export function negateInt(a: Int): Int | undefined {
  return typeof a === 'number' ? 0 - a : inInt64(-a)
}

export function addUint(a: Int, b: Int): Int | undefined {
  return inUint64(BigInt(a) + BigInt(b))
}

export function subtractUint(a: Int, b: Int): Int | undefined {
  return inUint64(BigInt(a) - BigInt(b))
}

export function multiplyUint(a: Int, b: Int): Int | undefined {
  return inUint64(BigInt(a) * BigInt(b))
}

/** An int64 as a uint64 and the other way round; undefined out of range. */
export const intToUint = (a: Int): Int | undefined => (a < 0 ? undefined : a)
export const uintToInt = (a: Int): Int | undefined => (typeof a === 'bigint' && a > MAX_INT ? undefined : a)

/** A double without its fraction; undefined where that is not an int64. The bounds are upstream's: exclusive. */
export function doubleToInt(value: number): Int | undefined {
  if (!(value > -9223372036854775808 && value < 9223372036854775808)) return undefined
  const whole = Math.trunc(value)
  return Number.isSafeInteger(whole) ? whole + 0 : makeInt(BigInt(whole))
}

/** A whole number of JSON. Where JSON said the largest int64, JavaScript has read the number after it. */
export function intOfNumber(value: number): Int | undefined {
  if (Number.isSafeInteger(value)) return value + 0
  if (!Number.isInteger(value) || Math.abs(value) > 2 ** 63) return undefined
  return value === 2 ** 63 ? MAX_INT : BigInt(value)
}

export function doubleToUint(value: number): Int | undefined {
  if (!(value >= 0 && value < 18446744073709551616)) return undefined
  const whole = Math.trunc(value)
  return Number.isSafeInteger(whole) ? whole + 0 : makeInt(BigInt(whole))
}
