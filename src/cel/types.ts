/**
 * The types of CEL expressions (cel-go: `common/types.Type`).
 *
 * A Type is immutable and compared by structure with `sameType`. Scalars are the constants below; the rest is made by
 * the functions. Two ways of writing a type are in use, and users see both: `typeName` (`google.protobuf.Duration`,
 * what `type(x)` prints and admission policies report) and `formatType` (`duration`, what compile errors print).
 */

export type TypeKind =
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'null'
  | 'duration'
  | 'timestamp'
  /** Checked when the expression runs. */
  | 'dyn'
  /** A list, with the type of its elements as its only parameter. */
  | 'list'
  /** A map, with the types of its keys and of its values. */
  | 'map'
  /** A value with named fields, which the environment's declared types describe. */
  | 'object'
  /** A value with functions and nothing else: `kubernetes.Quantity`, `net.IP`, `optional_type`. */
  | 'opaque'
  /** The type of a type; its parameter is that type. */
  | 'type'
  /** A type variable of a function's signature. */
  | 'parameter'
  /** The type of what failed to check; suppresses errors that follow from the first. */
  | 'error'

export interface Type {
  readonly kind: TypeKind
  /** Name at run time. Of a type variable: its letter. */
  readonly name: string
  readonly parameters: readonly Type[]
}

const simple = (kind: TypeKind, name: string): Type => ({ kind, name, parameters: [] })

export const BOOL = simple('bool', 'bool')
export const INT = simple('int', 'int')
export const UINT = simple('uint', 'uint')
export const DOUBLE = simple('double', 'double')
export const STRING = simple('string', 'string')
export const BYTES = simple('bytes', 'bytes')
export const NULL = simple('null', 'null_type')
export const DURATION = simple('duration', 'google.protobuf.Duration')
export const TIMESTAMP = simple('timestamp', 'google.protobuf.Timestamp')
export const DYN = simple('dyn', 'dyn')
export const TYPE = simple('type', 'type')
export const ERROR = simple('error', 'error')

export const listOf = (element: Type): Type => ({ kind: 'list', name: 'list', parameters: [element] })
export const mapOf = (key: Type, value: Type): Type => ({ kind: 'map', name: 'map', parameters: [key, value] })
export const objectType = (name: string): Type => simple('object', name)
export const opaqueType = (name: string, ...parameters: Type[]): Type => ({ kind: 'opaque', name, parameters })
export const optionalOf = (inner: Type): Type => opaqueType('optional_type', inner)
export const typeOf = (inner: Type): Type => ({ kind: 'type', name: 'type', parameters: [inner] })
export const typeParameter = (name: string): Type => simple('parameter', name)

export const isOptional = (type: Type): boolean => type.kind === 'opaque' && type.name === 'optional_type'

/** Whether both are the same type, parameters included (cel-go: `IsExactType`). */
export function sameType(a: Type, b: Type): boolean {
  if (a === b) return true
  if (a.kind !== b.kind || a.name !== b.name || a.parameters.length !== b.parameters.length) return false
  return a.parameters.every((parameter, i) => sameType(parameter, b.parameters[i]!))
}

/** `list(int)`, `google.protobuf.Duration`: cel-go's `Type.String()`. */
export function typeName(type: Type): string {
  if (type.parameters.length === 0) return type.name
  return `${type.name}(${type.parameters.map(typeName).join(', ')})`
}

const SHORT_NAMES: Partial<Record<TypeKind, string>> = {
  duration: 'duration',
  timestamp: 'timestamp',
  null: 'null',
  error: '!error!',
}

/** `list(int)`, `duration`: how compile errors write a type. */
export function formatType(type: Type): string {
  const short = SHORT_NAMES[type.kind]
  if (short !== undefined) return short
  if (type.parameters.length === 0) return type.name
  return `${type.name}(${type.parameters.map(formatType).join(', ')})`
}

/** The `(int, string)` or `list(int).(string)` that a call was applied to. */
export function formatArguments(types: readonly Type[], member: boolean): string {
  const target = member ? `${formatType(types[0]!)}.` : ''
  return `${target}(${types
    .slice(member ? 1 : 0)
    .map(formatType)
    .join(', ')})`
}
