/** The types that values have when an expression runs: what `type(x)` says, and which overloads accept a value. */
import { EvaluationError } from './errors.ts'
import {
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  NULL,
  STRING,
  TIMESTAMP,
  TYPE,
  UINT,
  listOf,
  mapOf,
  optionalOf,
} from './types.ts'
import type { Type } from './types.ts'
import { Dictionary, Double, Duration, List, Opaque, Optional, Timestamp, TypeValue, Uint } from './values.ts'
import type { Value } from './values.ts'

const LIST = listOf(DYN)
const MAP = mapOf(DYN, DYN)
const OPTIONAL = optionalOf(DYN)

/** Without parameters of its own: any list is a `list(dyn)`. */
export function runtimeType(value: Value): Type {
  switch (typeof value) {
    case 'string':
      return STRING
    case 'boolean':
      return BOOL
    case 'number':
    case 'bigint':
      return INT
    default:
  }
  if (value === null) return NULL
  if (value instanceof List) return LIST
  if (value instanceof Dictionary) return MAP
  if (value instanceof Double) return DOUBLE
  if (value instanceof Uint) return UINT
  if (value instanceof Duration) return DURATION
  if (value instanceof Timestamp) return TIMESTAMP
  if (value instanceof TypeValue) return TYPE
  if (value instanceof Optional) return OPTIONAL
  if (value instanceof Opaque) return value.type
  return BYTES
}

/** Whether a value is one that an overload takes. */
export type Guard = (value: Value) => boolean

/** For an argument of this type. Of lists and maps only the first entry is looked at. */
export function guardOf(type: Type): Guard {
  switch (type.kind) {
    case 'dyn':
    case 'parameter':
      return () => true
    case 'string':
      return (value) => typeof value === 'string'
    case 'int':
      return (value) => typeof value === 'number' || typeof value === 'bigint'
    case 'bool':
      return (value) => typeof value === 'boolean'
    case 'list':
      return listGuard(guardOf(type.parameters[0]!))
    case 'map':
      return mapGuard(guardOf(type.parameters[0]!), guardOf(type.parameters[1]!))
    default:
      return (value) => runtimeType(value).name === type.name
  }
}

const listGuard =
  (isElement: Guard): Guard =>
  (value) => {
    if (!(value instanceof List)) return false
    if (value.size === 0) return true
    const first = value.at(0)
    return !(first instanceof EvaluationError) && isElement(first)
  }

const mapGuard =
  (isKey: Guard, isValue: Guard): Guard =>
  (value) => {
    if (!(value instanceof Dictionary)) return false
    const [key] = value.size === 0 ? [] : value.keys()
    const first = key === undefined ? undefined : value.find(key)
    if (key === undefined || first === undefined || first instanceof EvaluationError) return true
    return isKey(key) && isValue(first)
  }

/** The name of the Go type of a value, which some of upstream's messages show. */
export function goTypeOf(value: Value): string {
  if (value === null) return 'types.Null'
  if (typeof value === 'string') return 'types.String'
  if (typeof value === 'boolean') return 'types.Bool'
  if (typeof value !== 'object') return 'types.Int'
  if (value instanceof Double) return 'types.Double'
  if (value instanceof Uint) return 'types.Uint'
  if (value instanceof Duration) return 'types.Duration'
  if (value instanceof Timestamp) return 'types.Timestamp'
  if (value instanceof TypeValue) return '*types.Type'
  if (value instanceof Optional) return '*types.Optional'
  if (value instanceof List) return '[]interface {}'
  if (value instanceof Dictionary) return 'map[string]interface {}'
  return value instanceof Opaque ? value.type.name : 'types.Bytes'
}
