/**
 * Turns untrusted JSON values into API objects by their Message: types are checked, unknown fields found, nulls dropped,
 * quantities brought to canonical form and defaults filled in. One walk that copies, so that its input may be shared.
 * Upstream: the strict JSON decoder of `sigs.k8s.io/json` followed by the scheme's defaulting functions.
 */
import { isObject, copyJson, freezeJson, setMember } from '#base/json.ts'
import { Quantity } from '#machinery/quantity.ts'
import { defaulters } from './defaults.ts'
import type { DecodeOptions, Field, Message, ScalarName, Union } from './schema.ts'

/** A value has the wrong JSON type, or text that its type can't hold. The message is worded as upstream's decoder does. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
}

export interface Decoded {
  object: Record<string, unknown>
  /** Paths of fields that the type does not have, in the order met, at most MAX_UNKNOWN. They are not in `object`. */
  unknown: string[]
}

/** The deepest nesting that is accepted; upstream refuses beyond 10,000, which JavaScript's stack does not hold. */
const MAX_DEPTH = 1000
/** As many unknown fields as upstream tells of. */
const MAX_UNKNOWN = 100

interface Walk {
  root: Message
  path: (string | number)[]
  unknown: string[]
  withDefaults: boolean
  known: DecodeOptions['known']
}

/** Throws DecodeError. */
export function decode(
  type: Message,
  input: unknown,
  { withDefaults = true, keepsNulls = false, known }: DecodeOptions = {},
): Decoded {
  const walk: Walk = { root: type, path: [], unknown: [], withDefaults, known }
  if (!isObject(input)) throw typeError(walk, type, input, goName(type))
  if (type.schema) return type.schema.decode(input, { withDefaults, keepsNulls, known })
  const object = decodeMessage(type, input, walk)
  return { object, unknown: walk.unknown }
}

function decodeMessage(type: Message, input: Record<string, unknown>, walk: Walk): Record<string, unknown> {
  if (walk.path.length > MAX_DEPTH) throw new DecodeError('exceeded max depth')
  const fields = type.fields
  const out: Record<string, unknown> = {}
  for (const key in input) {
    const value = input[key]
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined
    if (field === undefined) {
      if (walk.unknown.length < MAX_UNKNOWN) {
        walk.path.push(key)
        walk.unknown.push(pathText(walk.path))
        walk.path.pop()
      }
      continue
    }
    // A null is an absent field, as Go's decoder has it.
    if (value === null || value === undefined) continue
    if (walk.path.length === 0 && isTakenOver(walk.known, key, value)) {
      out[key] = value
      continue
    }
    walk.path.push(key)
    const decoded =
      field.shape !== 'one'
        ? decodeMany(field, value, type, walk)
        : field.union
          ? decodeUnion(field.union, value, walk)
          : decodeOne(field.type, value, type, walk)
    walk.path.pop()
    if (decoded === undefined || (walk.withDefaults && isDropped(field, decoded))) continue
    out[key] = decoded
  }
  if (walk.withDefaults) applyDefaults(type, out, walk)
  return out
}

/** Says of all of an object but its metadata that it is complete, so that others may share it; see DecodeOptions. */
export function freezeParts(object: object): void {
  for (const [key, part] of Object.entries(object)) if (key !== 'metadata') freezeJson(part)
}

/** Whether this member of an object is also that of the `known` one; see DecodeOptions. */
export const isTakenOver = (known: DecodeOptions['known'], key: string, value: unknown): boolean =>
  known !== undefined &&
  known[key] === value &&
  typeof value === 'object' &&
  Object.isFrozen(value) &&
  key !== 'metadata'

/** Go's encoder leaves out the zeros of fields with `omitempty`, so a zero and nothing must not be two states. */
function isDropped(field: Field, value: unknown): boolean {
  if (field.isRequired || field.isPresent) return false
  if (field.shape === 'list') return (value as unknown[]).length === 0
  if (field.shape !== 'one') {
    for (const _key in value as object) return false
    return true
  }
  if (value !== '' && value !== 0 && value !== false) return false
  return !field.isPointer && plainZeros.has(field.type as ScalarName)
}

const plainZeros = new Map<ScalarName, unknown>([
  ['string', ''],
  ['int32', 0],
  ['int64', 0],
  ['double', 0],
  ['bool', false],
])

function applyDefaults(type: Message, out: Record<string, unknown>, walk: Walk) {
  for (const [key, field, zero] of filledFields(type)) {
    const value = out[key]
    if (field.defaultValue === undefined) {
      if (value === undefined)
        out[key] = field.shape === 'list' ? [] : (zero ?? decodeMessage(field.type as Message, {}, walk))
    } else if (value === undefined || value === zero) out[key] = field.defaultValue
  }
  defaulters.get(type)?.(out)
}

/** Name, field, and the zero that stands for "not given". */
type Filled = readonly (readonly [string, Field, unknown])[]
const kFilled = Symbol('filled fields')

/** The fields that have something to fill in, found once per Message and kept with it. */
function filledFields(type: Message & { [kFilled]?: Filled }): Filled {
  return (type[kFilled] ??= Object.entries(type.fields)
    .filter(([, field]) => field.defaultValue !== undefined || isAlwaysThere(field))
    .map(([name, field]) => [name, field, field.isPointer ? undefined : plainZeros.get(field.type as ScalarName)]))
}

function isAlwaysThere(field: Field): boolean {
  // A required list that is missing is for validation to find, which is not the first to look at an object.
  if (field.isPresent || (field.isRequired && field.shape === 'list')) return true
  return field.isRequired && field.shape === 'one' && !field.isPointer && plainZeros.has(field.type as ScalarName)
}

function decodeMany(field: Field, value: unknown, parent: Message, walk: Walk): unknown {
  if (field.shape === 'list') return decodeList(field.type, value, parent, walk)
  if (!isObject(value)) throw typeError(walk, parent, value, `map[string]${goTypeOf(field)}`)
  const out: Record<string, unknown> = {}
  for (const key in value) {
    walk.path.push(key)
    const element = value[key]
    let decoded: unknown
    if (field.shape === 'mapOfLists') decoded = decodeList(field.type, element ?? [], parent, walk)
    else if (field.union) decoded = decodeUnion(field.union, element, walk) ?? null
    else if (element !== null && element !== undefined) decoded = decodeOne(field.type, element, parent, walk)
    // A null in a map is the zero value of its type.
    else decoded = typeof field.type === 'string' ? zeroOf(field.type) : decodeMessage(field.type, {}, walk)
    setMember(out, key, decoded)
    walk.path.pop()
  }
  return out
}

function decodeList(type: ScalarName | Message, value: unknown, parent: Message, walk: Walk): unknown[] {
  if (!Array.isArray(value))
    throw typeError(walk, parent, value, `[]${typeof type === 'string' ? goScalars[type] : goName(type)}`)
  const out = new Array(value.length)
  for (let i = 0; i < value.length; i++) {
    walk.path.push(i)
    const element = value[i]
    // A null in a list is the zero value of its type.
    out[i] =
      element === null
        ? typeof type === 'string'
          ? zeroOf(type)
          : decodeMessage(type, {}, walk)
        : decodeOne(type, element, parent, walk)
    walk.path.pop()
  }
  return out
}

function decodeOne(type: ScalarName | Message, value: unknown, parent: Message, walk: Walk): unknown {
  if (typeof type !== 'string') {
    if (!isObject(value)) throw typeError(walk, parent, value, goName(type))
    return decodeMessage(type, value, walk)
  }
  switch (type) {
    case 'string':
      if (typeof value === 'string') return value
      break
    case 'bool':
      if (typeof value === 'boolean') return value
      break
    case 'int32':
      if (Number.isInteger(value)) {
        if ((value as number) >= -0x8000_0000 && (value as number) <= 0x7fff_ffff) return value
        throw typeError(walk, parent, value, 'int32')
      }
      break
    case 'int64':
      if (Number.isSafeInteger(value)) return value
      break
    case 'double':
      if (typeof value === 'number') return value
      break
    case 'intOrString':
      if (typeof value === 'string' || Number.isInteger(value)) return value
      break
    case 'quantity':
      return decodeQuantity(value, parent, walk)
    case 'time':
    case 'microTime':
      return decodeTime(type, value, parent, walk)
    case 'bytes':
      if (typeof value === 'string') return decodeBytes(value)
      break
    case 'object':
      // Sets of fields are never written to, and are known by their identity.
      if (isObject(value)) return parent.name === FIELD_SETS ? value : copyJson(value)
      break
    case 'json':
      return copyJson(value)
  }
  throw typeError(walk, parent, value, goScalars[type])
}

/**
 * What fits neither the message nor what may stand in its place is dropped, but for a boolean's place; unknown fields are
 * dropped without a word. Upstream: the `UnmarshalJSON` of JSONSchemaPropsOrBool and its like.
 */
function decodeUnion({ other, type }: Union, value: unknown, walk: Walk): unknown {
  const quiet: Walk = { ...walk, unknown: [] }
  const message = (input: unknown) => {
    if (!isObject(input)) throw typeError(walk, type, input, goName(type))
    return decodeMessage(type, input, quiet)
  }
  if (isObject(value)) return message(value)
  if (other === 'bool') {
    if (typeof value === 'boolean') return value
    throw new DecodeError('boolean or JSON schema expected')
  }
  if (!Array.isArray(value)) return undefined
  return other === 'messages' ? value.map(message) : decodeList('string', value, type, quiet)
}

function decodeQuantity(value: unknown, parent: Message, walk: Walk): string {
  if (typeof value !== 'string' && typeof value !== 'number') throw typeError(walk, parent, value, 'resource.Quantity')
  try {
    return Quantity.parse(String(value)).toString()
  } catch (cause) {
    throw new DecodeError((cause as Error).message, { cause })
  }
}

const FIELD_SETS = 'meta.v1.ManagedFieldsEntry'

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

function decodeTime(type: 'time' | 'microTime', value: unknown, parent: Message, walk: Walk): string {
  if (typeof value !== 'string') throw typeError(walk, parent, value, type === 'time' ? 'v1.Time' : 'v1.MicroTime')
  if (!RFC3339.test(value) || Number.isNaN(Date.parse(value))) {
    throw new DecodeError(
      `parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(value)} as "2006"`,
    )
  }
  if (value.endsWith('Z') && value.length === (type === 'time' ? 20 : 27)) return value
  const iso = new Date(value).toISOString()
  if (type === 'time') return `${iso.slice(0, 19)}Z`
  const fraction = (/\.(\d+)/.exec(value)?.[1] ?? '').padEnd(6, '0').slice(0, 6)
  return `${iso.slice(0, 19)}.${fraction}Z`
}

const BASE64 = /^[A-Za-z0-9+/\r\n]*={0,2}[\r\n]*$/

function decodeBytes(value: string): string {
  if (BASE64.test(value)) {
    const clean = value.replace(/[\r\n]/g, '')
    if (clean.length % 4 === 0) return clean
  }
  const at = Math.max(0, value.search(/[^A-Za-z0-9+/=\r\n]/))
  throw new DecodeError(`illegal base64 data at input byte ${at}`)
}

function zeroOf(type: ScalarName): unknown {
  if (type === 'bool') return false
  if (type === 'int32' || type === 'int64' || type === 'double' || type === 'intOrString') return 0
  if (type === 'quantity') return '0'
  if (type === 'object') return {}
  return type === 'json' ? null : ''
}

/** `spec.containers[0].name`. */
export function pathText(path: readonly (string | number)[]): string {
  let out = ''
  for (const part of path) out += typeof part === 'number' ? `[${part}]` : out === '' ? part : `.${part}`
  return out
}

/** Go's names, because its decoder's messages are what users know and search for. */
const goScalars: Record<ScalarName, string> = {
  string: 'string',
  int32: 'int32',
  int64: 'int64',
  double: 'float64',
  bool: 'bool',
  bytes: '[]uint8',
  quantity: 'resource.Quantity',
  time: 'v1.Time',
  microTime: 'v1.MicroTime',
  intOrString: 'intstr.IntOrString',
  object: 'map[string]interface {}',
  json: 'interface {}',
}
const goName = (type: Message) => `v1.${type.name.slice(type.name.lastIndexOf('.') + 1)}`
const goTypeOf = (field: Field) => (typeof field.type === 'string' ? goScalars[field.type] : goName(field.type))

function typeError(walk: Walk, parent: Message, value: unknown, expected: string): DecodeError {
  // Go shows the literal of a number only where an integer was wanted.
  const shown = Array.isArray(value)
    ? 'array'
    : typeof value === 'boolean'
      ? 'bool'
      : typeof value === 'number' && expected.startsWith('int')
        ? `number ${value}`
        : typeof value
  const struct = parent.name.slice(parent.name.lastIndexOf('.') + 1)
  const path = fieldsOf(walk).join('.')
  if (path === '') return new DecodeError(`json: cannot unmarshal ${shown} into Go value of type ${expected}`)
  return new DecodeError(`json: cannot unmarshal ${shown} into Go struct field ${struct}.${path} of type ${expected}`)
}

/** The fields on the way to where the walk is, without indices and the keys of maps, which Go does not tell of. */
function fieldsOf({ root, path }: Walk): string[] {
  const out: string[] = []
  let type: Message | undefined = root
  let isKey = false
  for (const part of path) {
    if (typeof part === 'number' || isKey) {
      isKey = false
      continue
    }
    out.push(part)
    const field: Field | undefined = type?.fields[part]
    isKey = field?.shape === 'map' || field?.shape === 'mapOfLists'
    type = field?.union?.type ?? (typeof field?.type === 'string' ? undefined : field?.type)
  }
  return out
}
