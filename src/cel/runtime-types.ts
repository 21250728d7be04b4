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

/** Whether an overload that wants `type` takes `value`. Of lists and maps only the first entry is looked at. */
export function accepts(type: Type, value: Value): boolean {
  switch (type.kind) {
    case 'dyn':
    case 'parameter':
      return true
    case 'string':
      return typeof value === 'string'
    case 'int':
      return typeof value === 'number' || typeof value === 'bigint'
    case 'bool':
      return typeof value === 'boolean'
    case 'list': {
      if (!(value instanceof List)) return false
      if (value.size === 0) return true
      const first = value.at(0)
      return !(first instanceof EvaluationError) && accepts(type.parameters[0]!, first)
    }
    case 'map': {
      if (!(value instanceof Dictionary)) return false
      if (value.size === 0) return true
      const key = value.keys()[0]
      const first = key === undefined ? undefined : value.find(key)
      if (key === undefined || first === undefined || first instanceof EvaluationError) return true
      return accepts(type.parameters[0]!, key) && accepts(type.parameters[1]!, first)
    }
    default:
      return runtimeType(value).name === type.name
  }
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
  return value instanceof Opaque ? value.type.name : 'types.Bytes'
}
