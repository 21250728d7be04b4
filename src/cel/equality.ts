/**
 * Equality as `==` and the functions that compare have it: numbers of different types are equal where their values are,
 * other values of different types are not (cel-go: `types.Equal`).
 */
import { EvaluationError } from './errors.ts'
import { Dictionary, Double, Duration, List, Opaque, Optional, Timestamp, TypeValue, Uint } from './values.ts'
import type { Int, Value } from './values.ts'

export function equal(a: Value, b: Value): boolean | EvaluationError {
  switch (typeof a) {
    case 'string':
    case 'boolean':
      return a === b
    case 'number':
    case 'bigint':
      return typeof b === 'number' || typeof b === 'bigint' ? a === b : numbersEqual(a, b)
    default:
  }
  if (a === null || b === null) return a === b
  if (a instanceof Double || a instanceof Uint) return numbersEqual(a, b)
  if (a instanceof List) return a.equals ? a.equals(b) : listsEqual(a, b)
  if (a instanceof Dictionary) return a.equals ? a.equals(b) : mapsEqual(a, b)
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos
  if (a instanceof Timestamp) return b instanceof Timestamp && a.seconds === b.seconds && a.nanos === b.nanos
  if (a instanceof TypeValue) return b instanceof TypeValue && a.type.name === b.type.name
  if (a instanceof Opaque) return a.equals(b)
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0
  if (!(b instanceof Optional)) return false
  if (a.value === undefined || b.value === undefined) return a.value === b.value
  return equal(a.value, b.value)
}

/** Errors of elements count as equal, as upstream has it. */
function listsEqual(a: List, b: Value): boolean {
  if (!(b instanceof List) || a.size !== b.size) return false
  for (let i = 0; i < a.size; i++) {
    const [left, right] = [a.at(i), b.at(i)]
    if (left instanceof EvaluationError || right instanceof EvaluationError) continue
    if (equal(left, right) === false) return false
  }
  return true
}

function mapsEqual(a: Dictionary, b: Value): boolean {
  if (!(b instanceof Dictionary) || a.size !== b.size) return false
  for (const key of a.keys()) {
    const right = b.find(key)
    if (right === undefined) return false
    const left = a.find(key)!
    if (left instanceof EvaluationError || right instanceof EvaluationError) continue
    if (equal(left, right) === false) return false
  }
  return true
}

/** A number without its CEL type; undefined for other values. */
function numeric(value: Value): Int | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  return value instanceof Uint || value instanceof Double ? value.value : undefined
}

/** At least one of them is a double or a uint. */
function numbersEqual(a: Value, b: Value): boolean {
  const [left, right] = [numeric(a), numeric(b)]
  if (left === undefined || right === undefined) return false
  // An integer meets a double as the nearest double that there is.
  if (a instanceof Double || b instanceof Double) return Number(left) === Number(right)
  return left === right
}
