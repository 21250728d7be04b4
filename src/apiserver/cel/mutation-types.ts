/**
 * The types that expressions of mutating policies construct: `Object{spec: Object.spec{...}}` and
 * `JSONPatch{op: "add", path: "/spec/x", value: ...}` (upstream: `apiserver/pkg/cel/mutation`). Nothing is known of the
 * fields of objects when an expression is checked; what it makes is looked over afterwards.
 */
import type { StructTypes } from '#cel/struct-types.ts'
import { equal } from '#cel/equality.ts'
import { EvaluationError } from '#cel/errors.ts'
import { JsonList, JsonMap, toJson } from '#cel/json-values.ts'
import { DYN, STRING, listOf, objectType } from '#cel/types.ts'
import type { Type } from '#cel/types.ts'
import { Dictionary, List, Struct } from '#cel/values.ts'
import type { Result, Value } from '#cel/values.ts'

const OBJECT = 'Object'
const JSON_PATCH = objectType('JSONPatch')

/** What an ApplyConfiguration expression must evaluate to. */
export const APPLY_CONFIGURATION_TYPE = objectType(OBJECT)
/** What a JSONPatch expression must evaluate to. */
export const JSON_PATCH_TYPE = listOf(JSON_PATCH)

export interface JsonPatchOperation {
  readonly op: string
  readonly path: string
  readonly from?: string
  readonly value?: unknown
}

const failure = (message: string): EvaluationError => new EvaluationError('function', message)

/** `Object{...}` and `Object.spec.template{...}`. */
class ObjectValue extends Struct {
  readonly type: Type
  readonly fields: ReadonlyMap<string, Value>

  constructor(type: Type, fields: ReadonlyMap<string, Value>) {
    super()
    this.type = type
    this.fields = fields
  }

  get isZero(): boolean {
    return this.fields.size === 0
  }

  /** Fields that are not there are null. */
  get(name: string): Value {
    return this.fields.get(name) ?? null
  }

  has(name: string): boolean {
    return this.fields.has(name)
  }

  equals(other: Value): boolean | EvaluationError {
    if (!(other instanceof ObjectValue) || other.type.name !== this.type.name) return false
    if (other.fields.size !== this.fields.size) return false
    for (const [name, value] of this.fields) {
      const theirs = other.fields.get(name)
      if (theirs === undefined) return false
      const same = equal(value, theirs)
      if (same !== true) return same
    }
    return true
  }
}

const TEXTS: ReadonlySet<string> = new Set(['op', 'path', 'from'])
const isPatchField = (name: string): boolean => TEXTS.has(name) || name === 'value'

/** `JSONPatch{...}` */
class PatchValue extends Struct {
  readonly type = JSON_PATCH
  readonly isZero = false
  readonly fields: ReadonlyMap<string, Value>

  constructor(fields: ReadonlyMap<string, Value>) {
    super()
    this.fields = fields
  }

  text(name: 'op' | 'path' | 'from'): string {
    return (this.fields.get(name) as string | undefined) ?? ''
  }

  get(name: string): Result {
    if (!isPatchField(name)) return failure(`unsupported indexer: ${name}`)
    return this.fields.get(name) ?? (name === 'value' ? null : '')
  }

  /** Empty texts count as absent. */
  has(name: string): boolean | EvaluationError {
    if (!isPatchField(name)) return failure(`unsupported field: ${name}`)
    const value = this.fields.get(name)
    return value !== undefined && (name === 'value' || value !== '')
  }

  equals(other: Value): boolean | EvaluationError {
    if (!(other instanceof PatchValue)) return false
    if (this.text('op') !== other.text('op')) return false
    if (this.text('path') !== other.text('path') || this.text('from') !== other.text('from')) return false
    const [mine, theirs] = [this.fields.get('value'), other.fields.get('value')]
    if (mine === undefined || theirs === undefined) return mine === theirs
    return equal(mine, theirs)
  }
}

export function createMutationTypes(): StructTypes {
  const isObject = (name: string) => name === OBJECT || name.startsWith(`${OBJECT}.`)
  return {
    has: (name) => name === JSON_PATCH.name || isObject(name),
    // Of other fields of patches there is no type, so that no value fits.
    fieldType: (name, field) =>
      isObject(name) || field === 'value' ? DYN : TEXTS.has(field) ? STRING : objectType(''),
    create: (name, fields) => (isObject(name) ? new ObjectValue(objectType(name), fields) : createPatch(fields)),
  }
}

function createPatch(fields: ReadonlyMap<string, Value>): Result {
  for (const [name, value] of fields) {
    if (!isPatchField(name)) return failure(`unexpected JSONPatchType field: ${name}`)
    if (TEXTS.has(name) && typeof value !== 'string')
      return failure(`unexpected type ${goTypeOfValue(value)} for JSONPatchType '${name}' field`)
  }
  return new PatchValue(fields)
}

/** The name of the Go type that such a value is made of, as far as it has a short one. */
function goTypeOfValue(value: Value): string {
  if (typeof value === 'number' || typeof value === 'bigint') return 'int64'
  if (typeof value === 'boolean') return 'bool'
  if (value instanceof List) return '[]ref.Val'
  return value instanceof Dictionary ? 'map[ref.Val]ref.Val' : 'interface {}'
}

/** The value of an ApplyConfiguration expression as JSON. */
export function applyConfigurationOf(
  value: Value,
): { json: Record<string, unknown>; error?: undefined } | { error: EvaluationError } {
  const misnamed = misnamedIn(value, OBJECT)
  if (misnamed.length > 0) return { error: failure(misnamed.join('\n')) }
  const made = toJson(value)
  return made.error ? { error: made.error } : { json: made.json as Record<string, unknown> }
}

/** Objects must be of the type that their place says: `spec` of an `Object` is an `Object.spec`. */
function misnamedIn(value: Value | EvaluationError | undefined, path: string): string[] {
  if (value instanceof ObjectValue) {
    const { name } = value.type
    const found =
      name === path
        ? []
        : [
            `unexpected type name ${JSON.stringify(name)}, expected ${JSON.stringify(path)}, which matches field name path from root Object type`,
          ]
    for (const [field, member] of value.fields) found.push(...misnamedIn(member, `${path}.${field}`))
    return found
  }
  // There are no such objects in JSON.
  if (value instanceof JsonList || value instanceof JsonMap) return []
  if (value instanceof List) return Array.from({ length: value.size }, (_, i) => misnamedIn(value.at(i), path)).flat()
  if (value instanceof Dictionary) return value.keys().flatMap((key) => misnamedIn(value.find(key), path))
  return []
}

/** The value of a JSONPatch expression as operations. */
export function jsonPatchOf(
  value: Value,
): { operations: JsonPatchOperation[]; error?: undefined } | { error: EvaluationError } {
  const operations: JsonPatchOperation[] = []
  if (!(value instanceof List))
    return { error: failure('type mismatch: JSONPatchType.expression should evaluate to array') }
  for (let i = 0; i < value.size; i++) {
    const element = value.at(i)
    if (!(element instanceof PatchValue))
      return { error: failure('type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch') }
    const operation = operationOf(element)
    if (operation instanceof EvaluationError) return { error: operation }
    operations.push(operation)
  }
  return { operations }
}

function operationOf(patch: PatchValue): JsonPatchOperation | EvaluationError {
  const from = patch.text('from')
  const operation = { op: patch.text('op'), path: patch.text('path'), ...(from !== '' && { from }) }
  const value = patch.fields.get('value')
  if (value === undefined) return operation
  const misnamed = value instanceof ObjectValue ? misnamedIn(value, value.type.name) : []
  if (misnamed.length > 0) return failure(`type mismatch: ${misnamed.join('\n')}`)
  const made = toJson(value)
  if (!made.error) return { ...operation, value: made.json }
  return failure(`JSONPath valueExpression evaluated to a type that could not marshal to JSON: ${made.error.message}`)
}
