/**
 * JSON of the API read by its declared type (upstream: `apiserver/pkg/cel/common.UnstructuredToVal`): dates become
 * timestamps, lists of type set and map are compared regardless of order, fields go by the names that expressions use.
 */
import { isObject } from '#base/json.ts'
import { jsonEqual } from '#base/equal.ts'
import type { DeclaredType } from './declared-type.ts'
import { parseSchemaBytes, parseSchemaDate, parseSchemaDuration, parseSchemaTime } from './schema-scalars.ts'
import { equal } from './equality.ts'
import { EvaluationError } from './errors.ts'
import { adaptDynamic } from './json-values.ts'
import { elementsOf } from './lists.ts'
import { intOfNumber } from './int64.ts'
import { opaqueType } from './types.ts'
import { Dictionary, Double, List, Opaque } from './values.ts'
import type { Result, Value } from './values.ts'

type JsonObject = Readonly<Record<string, unknown>>

const NO_SUCH_OVERLOAD = new EvaluationError('noSuchOverload', 'no such overload')
const invalid = (message: string): EvaluationError => new EvaluationError('conversion', message)
const expected = (what: string, json: unknown): EvaluationError =>
  invalid(`invalid data, expected ${what}, got ${goTypeOfJson(json)}`)

/** `json` as a value of this type; an EvaluationError where it is something else. */
export function adapt(type: DeclaredType, json: unknown): Result {
  if (json === null || json === undefined)
    return type.nullable || type.kind === 'dyn'
      ? null
      : invalid('invalid data, got null for schema with nullable=false')
  switch (type.kind) {
    case 'string':
      return typeof json === 'string' ? json : expected('string', json)
    case 'int':
      return intOf(json) ?? expected('int', json)
    case 'bool':
      return typeof json === 'boolean' ? json : expected('bool', json)
    case 'object':
      return isObject(json) ? new SchemaObject(type, json) : invalid(EXPECTED_MAP)
    case 'list':
      return Array.isArray(json) ? new SchemaList(type, json) : invalid(EXPECTED_ARRAY)
    case 'map':
      return isObject(json) ? new SchemaMap(type, json) : invalid(EXPECTED_MAP)
    case 'double':
      return typeof json === 'number' ? new Double(json) : expected('float', json)
    case 'intOrString':
      return typeof json === 'string' ? json : (intOf(json) ?? invalid(EXPECTED_INT_OR_STRING))
    case 'dyn':
      return adaptDynamic(json)
    case 'preserved':
      return new PreservedValue(json)
    case 'null':
    case 'untyped':
      return invalid(EXPECTED_TYPE)
    default:
      return typeof json === 'string' ? scalarOf(type.kind, json) : expected('string', json)
  }
}

const EXPECTED_MAP = 'invalid data, expected a map for the provided schema with type=object'
const EXPECTED_ARRAY = 'invalid data, expected an array for the provided schema with type=array'
const EXPECTED_INT_OR_STRING = 'invalid data, expected XIntOrString value to be either a string or integer'
const EXPECTED_TYPE =
  'invalid type, expected object, array, number, integer, boolean or string, or no type with x-kubernetes-int-or-string or x-kubernetes-preserve-unknown-fields is true, got '

function scalarOf(kind: 'bytes' | 'duration' | 'date' | 'timestamp', text: string): Result {
  switch (kind) {
    case 'bytes':
      return parseSchemaBytes(text)
    case 'duration':
      return parseSchemaDuration(text)
    case 'date':
      return parseSchemaDate(text)
    case 'timestamp':
      return parseSchemaTime(text)
  }
}

function intOf(json: unknown): Value | undefined {
  return typeof json === 'number' ? intOfNumber(json) : undefined
}

/** The Go type that upstream's decoder gives a JSON value. */
function goTypeOfJson(json: unknown): string {
  if (typeof json === 'string') return 'string'
  if (typeof json === 'boolean') return 'bool'
  if (typeof json === 'number') return Number.isInteger(json) ? 'int64' : 'float64'
  return Array.isArray(json) ? '[]interface {}' : 'map[string]interface {}'
}

/** Whether `name` must be asked for as an own property, lest it be found on every object. */
const isInherited = (name: string): boolean => name in Object.prototype

function ownValue(json: JsonObject, name: string): unknown {
  return isInherited(name) && !Object.hasOwn(json, name) ? undefined : json[name]
}

/** What has a declared type, kept as the JSON that it came as. */
abstract class SchemaDictionary extends Dictionary {
  readonly json: JsonObject
  protected readonly type: DeclaredType

  constructor(type: DeclaredType, json: JsonObject) {
    super()
    this.type = type
    this.json = json
  }

  get size(): number {
    return Object.keys(this.json).length
  }

  /** Whether the type says what `name` is. */
  abstract declares(name: string): boolean

  override equals(other: Value): boolean | EvaluationError {
    return mapsEqual(this, other)
  }
}

/** An object with declared fields. */
class SchemaObject extends SchemaDictionary {
  /** A field that is null counts as absent. */
  find(key: Value): Result | undefined {
    if (typeof key !== 'string') return NO_SUCH_OVERLOAD
    const field = this.type.lookup!.get(key)
    if (!field) return undefined
    const value = ownValue(this.json, field.jsonName)
    return value === undefined || value === null ? undefined : adapt(field.type, value)
  }

  keys(): Value[] {
    const names = new Map(Array.from(this.type.fields!, ([name, { jsonName }]) => [jsonName, name]))
    return Object.keys(this.json)
      .filter((name) => this.declares(name))
      .map((name) => names.get(name) ?? name)
  }

  declares(name: string): boolean {
    return this.type.lookup!.has(name)
  }
}

/** A map with declared values. */
class SchemaMap extends SchemaDictionary {
  find(key: Value): Result | undefined {
    if (typeof key !== 'string') return NO_SUCH_OVERLOAD
    const value = ownValue(this.json, key)
    return value === undefined ? undefined : adapt(this.type.element!, value)
  }

  keys(): Value[] {
    return Object.keys(this.json)
  }

  declares(): boolean {
    return true
  }
}

/** Fields without a declaration are compared as JSON, and only where both have them. */
function mapsEqual(map: SchemaDictionary, other: Value): boolean | EvaluationError {
  if (!(other instanceof Dictionary)) return NO_SUCH_OVERLOAD
  if (map.size !== other.size) return false
  for (const name of Object.keys(map.json)) {
    if (!map.declares(name)) {
      if (!(other instanceof SchemaDictionary)) return NO_SUCH_OVERLOAD
      if (Object.hasOwn(other.json, name) && !jsonEqual(map.json[name], other.json[name])) return false
      continue
    }
    const [left, right] = [map.find(name), other.find(name)]
    if ((left === undefined) !== (right === undefined)) return false
    if (left === undefined || right === undefined) continue
    const same = equalResults(left, right)
    if (same !== true) return same
  }
  return true
}

function equalResults(a: Result, b: Result): boolean | EvaluationError {
  if (a instanceof EvaluationError) return a
  return b instanceof EvaluationError ? b : equal(a, b)
}

/** A list whose declared type says what its elements are, and by what they are told apart. */
abstract class TypedList extends List {
  protected readonly type: DeclaredType

  constructor(type: DeclaredType) {
    super()
    this.type = type
  }

  override equals(other: Value): boolean | EvaluationError {
    return listsEqual(this, this.type, other)
  }

  override concat(other: Value): Result {
    return joinLists(this, this.type, other)
  }
}

/** As it came. */
class SchemaList extends TypedList {
  readonly #json: readonly unknown[]

  constructor(type: DeclaredType, json: readonly unknown[]) {
    super(type)
    this.#json = json
  }

  get size(): number {
    return this.#json.length
  }

  at(index: number): Result {
    return adapt(this.type.element!, this.#json[index])
  }
}

/** What `+` makes of a list with a declared type: elements are values already, the rules of the type still hold. */
class JoinedSchemaList extends TypedList {
  readonly #elements: readonly Value[]

  constructor(type: DeclaredType, elements: readonly Value[]) {
    super(type)
    this.#elements = elements
  }

  get size(): number {
    return this.#elements.length
  }

  at(index: number): Value {
    return this.#elements[index]!
  }
}

/** Elements of a set by themselves, of a map list by their keys. */
function identity(type: DeclaredType, element: Value): string {
  if (type.listType === 'set') return scalarIdentity(element)
  if (!(element instanceof Dictionary)) return ''
  const parts = type.listMapKeys.map((key) => {
    const part = element.find(key)
    return part === undefined || part instanceof EvaluationError ? '' : scalarIdentity(part)
  })
  return JSON.stringify(parts)
}

function scalarIdentity(value: Value): string {
  if (value instanceof Double) return `double ${value.value}`
  return typeof value === 'object' ? JSON.stringify(value) : `${typeof value} ${value}`
}

function listsEqual(list: List, type: DeclaredType, other: Value): boolean | EvaluationError {
  if (!(other instanceof List)) return NO_SUCH_OVERLOAD
  if (list.size !== other.size) return false
  if (type.listType === 'atomic') {
    for (let i = 0; i < list.size; i++) {
      const same = equalResults(list.at(i), other.at(i))
      if (same !== true) return same
    }
    return true
  }
  const [mine, theirs] = [elementsOf(list), elementsOf(other)]
  if (mine instanceof EvaluationError) return mine
  if (theirs instanceof EvaluationError) return theirs
  const byIdentity = new Map(mine.map((element) => [identity(type, element), element]))
  for (const element of theirs) {
    const match = byIdentity.get(identity(type, element))
    if (match === undefined) return false
    if (type.listType === 'set') continue
    const same = equal(match, element)
    if (same !== true) return same
  }
  return true
}

/** Sets are united, map lists merged: what is in both keeps its place, and of map lists the other's value counts. */
function joinLists(list: List, type: DeclaredType, other: Value): Result {
  if (!(other instanceof List)) return NO_SUCH_OVERLOAD
  const [mine, theirs] = [elementsOf(list), elementsOf(other)]
  if (mine instanceof EvaluationError) return mine
  if (theirs instanceof EvaluationError) return theirs
  if (type.listType === 'atomic') return new JoinedSchemaList(type, [...mine, ...theirs])
  const elements = [...mine]
  const places = new Map(mine.map((element, i) => [identity(type, element), i]))
  for (const element of theirs) {
    const key = identity(type, element)
    const place = places.get(key)
    if (place === undefined) {
      places.set(key, elements.length)
      elements.push(element)
    } else if (type.listType === 'map') elements[place] = element
  }
  return new JoinedSchemaList(type, elements)
}

const PRESERVED = opaqueType('unknown')

/** Data that a schema preserves without describing it: it can be compared, and nothing else. */
class PreservedValue extends Opaque {
  readonly type = PRESERVED
  readonly #json: unknown

  constructor(json: unknown) {
    super()
    this.#json = json
  }

  equals(other: Value): boolean {
    return other instanceof PreservedValue && jsonEqual(this.#json, other.#json)
  }
}
