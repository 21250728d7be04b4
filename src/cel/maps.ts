/** Maps that expressions make. Keys that are equal numbers are one key, whatever their types. */
import { EvaluationError } from './errors.ts'
import { formatValue } from './format-value.ts'
import { Dictionary, Double, Uint } from './values.ts'
import type { Result, Value } from './values.ts'

/** Stands for a key in a JavaScript Map: numbers by value and type, the rest as it is. */
type Handle = unknown

const uintHandle = (value: number | bigint): Handle => `u${value}`

function handleOf(key: Value): Handle {
  switch (typeof key) {
    case 'string':
      return `s${key}`
    case 'object':
      if (key instanceof Uint) return uintHandle(key.value)
      if (key instanceof Double) return `d${key.value}`
      return key
    default:
      return key
  }
}

export class ValueMap extends Dictionary {
  readonly #entries = new Map<Handle, [Value, Value]>()

  get size(): number {
    return this.#entries.size
  }

  find(key: Value): Value | undefined {
    const entry = this.#entries.get(handleOf(key)) ?? this.#findNumber(key)
    return entry?.[1]
  }

  keys(): Value[] {
    return Array.from(this.#entries.values(), ([key]) => key)
  }

  /** While it is being made; a later value takes the place of an earlier one. */
  set(key: Value, value: Value): void {
    this.#entries.set(handleOf(key), [key, value])
  }

  delete(key: Value): void {
    this.#entries.delete(handleOf(key))
  }

  /** The same number as a key of another type. */
  #findNumber(key: Value): [Value, Value] | undefined {
    if (typeof key === 'number' || typeof key === 'bigint')
      return key >= 0 ? this.#entries.get(uintHandle(key)) : undefined
    if (key instanceof Uint) return this.#entries.get(key.value)
    if (!(key instanceof Double) || !Number.isInteger(key.value)) return undefined
    const { value } = key
    const int = Number.isSafeInteger(value) ? value + 0 : BigInt(value)
    return this.#entries.get(int) ?? this.#entries.get(uintHandle(int))
  }
}

/** A map that a loop inserts into; only macros have it as their accumulator. */
export class GrowingMap extends ValueMap {
  insert(key: Value, value: Value): Result {
    if (this.find(key) !== undefined)
      return new EvaluationError('function', `insert failed: key ${formatValue(key)} already exists`)
    this.set(key, value)
    return this
  }
}

export const EMPTY_MAP: Dictionary = new ValueMap()
