/**
 * JSON of the API as values of CEL, read in place: nothing is copied or converted before an expression looks at it
 * (upstream: `apiserver/pkg/cel/common.UnstructuredToVal`). The JSON must not change while its values are in use.
 */
import { EvaluationError } from './errors.ts'
import { intOfNumber } from './int64.ts'
import { Dictionary, Double, Duration, List, Optional, Struct, Timestamp, Uint } from './values.ts'
import { formatDuration } from './durations.ts'
import { formatTimestamp } from './timestamps.ts'
import type { Int, Opaque, Result, TypeValue, Value } from './values.ts'

type JsonObject = Readonly<Record<string, unknown>>

/** `json` by its own shape, for variables of type `dyn`: whole numbers are ints, the others doubles. */
export function adaptDynamic(json: unknown): Value {
  switch (typeof json) {
    case 'string':
    case 'boolean':
      return json
    case 'number':
      return numberOf(json)
    case 'object':
      if (json === null) return null
      return Array.isArray(json) ? new JsonList(json) : new JsonMap(json as JsonObject)
    default:
      return null
  }
}

/** An int where the number is whole and fits, a double otherwise. */
const numberOf = (value: number): Value => intOfNumber(value) ?? new Double(value)

/** An array without a schema. */
export class JsonList extends List {
  readonly json: readonly unknown[]

  constructor(json: readonly unknown[]) {
    super()
    this.json = json
  }

  get size(): number {
    return this.json.length
  }

  at(index: number): Value {
    return adaptDynamic(this.json[index])
  }
}

/** An object without a schema. */
export class JsonMap extends Dictionary {
  readonly json: JsonObject
  #size: number | undefined

  constructor(json: JsonObject) {
    super()
    this.json = json
  }

  get size(): number {
    this.#size ??= Object.keys(this.json).length
    return this.#size
  }

  find(key: Value): Value | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.json, key)) return undefined
    const value = this.json[key]
    return value === undefined ? undefined : adaptDynamic(value)
  }

  keys(): Value[] {
    return Object.keys(this.json)
  }
}

/** A value as JSON, freshly made; an EvaluationError (as `error`) for what JSON cannot hold. */
export function toJson(value: Value): { json: unknown; error?: undefined } | { error: EvaluationError } {
  const json = jsonOf(value)
  return json instanceof EvaluationError ? { error: json } : { json }
}

function jsonOf(value: Result): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' || typeof value === 'bigint') return integerJson(value)
  if (value instanceof EvaluationError) return value
  if (value instanceof Double) return doubleJson(value.value)
  if (value instanceof Uint) return integerJson(value.value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof Duration) return formatDuration(value)
  if (value instanceof Timestamp) return formatTimestamp(value)
  if (value instanceof List) return listJson(value)
  if (value instanceof Dictionary) return mapJson(value)
  if (value instanceof Struct) return structJson(value)
  if (value instanceof Optional)
    return value.value === undefined
      ? new EvaluationError('conversion', 'optional.none() dereference')
      : jsonOf(value.value)
  return inconvertible(value)
}

const doubleJson = (value: number): unknown =>
  Number.isFinite(value)
    ? value
    : new EvaluationError('conversion', 'JSON has no infinite numbers, and none that is no number')

/** Beyond what a double holds, the digits are kept as a string. */
const integerJson = (value: Int): unknown => (typeof value === 'number' ? value : String(value))

function inconvertible(value: TypeValue | Opaque): EvaluationError {
  return new EvaluationError('conversion', `cannot convert a value of type ${value.type.name} to JSON`)
}

function listJson(list: List): unknown {
  const out: unknown[] = []
  for (let i = 0; i < list.size; i++) {
    const element = jsonOf(list.at(i))
    if (element instanceof EvaluationError) return element
    out.push(element)
  }
  return out
}

function structJson({ fields }: Struct): unknown {
  const out: Record<string, unknown> = {}
  for (const [name, field] of fields) {
    const value = jsonOf(field)
    if (value instanceof EvaluationError) return value
    setOwn(out, name, value)
  }
  return out
}

/** Also where the name is one that every object inherits. */
function setOwn(object: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
}

function mapJson(map: Dictionary): unknown {
  const out: Record<string, unknown> = {}
  for (const key of map.keys()) {
    if (typeof key === 'object') return new EvaluationError('conversion', 'keys of JSON objects must be strings')
    const value = jsonOf(map.find(key)!)
    if (value instanceof EvaluationError) return value
    setOwn(out, String(key), value)
  }
  return out
}
