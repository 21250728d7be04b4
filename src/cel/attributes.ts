/**
 * Attributes: a variable or a value with the fields and indices that are looked up in it, `self.spec.ports[0].name`
 * (cel-go: `interpreter/attributes.go`). They are planned as one, because that decides what they cost: 1 for each step
 * that was tried, and 1 for the whole unless it is a branch of a conditional.
 */
import { EvaluationError } from './errors.ts'
import { formatValue } from './format-value.ts'
import { charge } from './frame.ts'
import type { Evaluate, Frame } from './frame.ts'
import { goTypeOf, runtimeType } from './runtime-types.ts'
import { typeName } from './types.ts'
import { Dictionary, Double, List, Optional, Struct, Uint } from './values.ts'
import type { Result, Value } from './values.ts'

export const NONE = new Optional(undefined)

export interface Qualifier {
  /** The field or index, where it is written in the expression. */
  readonly constant?: Value
  /** The index, where it has to be worked out; it charges for itself. */
  readonly dynamic?: Evaluate
  /** `.?field` and `[?index]`: the result is an optional. */
  readonly optional: boolean
  /** `has()`: the result is whether it is there. */
  readonly testOnly: boolean
}

/** Something that qualifiers can be added to. Immutable. */
export interface Attribute {
  /** The value without the charge for the attribute as a whole. */
  readonly resolve: Evaluate
  /** The charge for the attribute as a whole: nothing for conditionals. */
  readonly cost: number
  qualified(qualifier: Qualifier): Attribute
}

/** The attribute that begins with what `base` yields; `base` charges for itself. */
export function attributeOf(base: Evaluate, qualifiers: readonly Qualifier[] = []): Attribute {
  let resolve: Evaluate | undefined
  return {
    cost: 1,
    get resolve() {
      resolve ??= qualifiers.length === 0 ? base : (frame) => applyQualifiers(frame, base(frame), qualifiers)
      return resolve
    },
    qualified: (qualifier) => attributeOf(base, [...qualifiers, qualifier]),
  }
}

/** `condition ? yes : no`; what is looked up in it is looked up in the branch. */
export function conditionalAttribute(condition: Evaluate, yes: Attribute, no: Attribute): Attribute {
  let branches: readonly [Evaluate, Evaluate] | undefined
  return {
    cost: 0,
    resolve(frame) {
      branches ??= [yes.resolve, no.resolve]
      const holds = condition(frame)
      if (holds === true) return branches[0](frame)
      if (holds === false) return branches[1](frame)
      return holds instanceof EvaluationError ? holds : new EvaluationError('noSuchOverload', 'no such overload')
    },
    qualified: (qualifier) => conditionalAttribute(condition, yes.qualified(qualifier), no.qualified(qualifier)),
  }
}

function applyQualifiers(frame: Frame, base: Result, qualifiers: readonly Qualifier[]): Result {
  let value = base
  if (value instanceof EvaluationError) return value
  let optional = false
  if (value instanceof Optional) {
    if (value.value === undefined) return hasNone(qualifiers)
    value = value.value
    optional = true
  }
  for (const qualifier of qualifiers) {
    optional ||= qualifier.optional
    const { dynamic } = qualifier
    let key = qualifier.constant
    if (dynamic) {
      const index = dynamic(frame)
      if (index instanceof EvaluationError) {
        if (!optional) charge(frame, 1)
        return index
      }
      key = index
    }
    if (!optional) charge(frame, 1)
    const found = lookUp(value, key!, optional || qualifier.testOnly)
    if (found instanceof EvaluationError) return found
    if (qualifier.testOnly) {
      if (optional && found !== undefined) charge(frame, 1)
      return found !== undefined
    }
    if (found === undefined) return hasNone(qualifiers)
    if (optional) charge(frame, 1)
    value = found
  }
  return optional ? new Optional(value) : value
}

/** An optional without a value has nothing, and `has()` says so. */
function hasNone(qualifiers: readonly Qualifier[]): Result {
  return qualifiers.at(-1)!.testOnly ? false : NONE
}

/** What is at `key`; undefined where nothing is and that may be so, an error where it may not. */
function lookUp(value: Value, key: Value, mayBeAbsent: boolean): Result | undefined {
  if (!isQualifier(key)) return invalidQualifier(key)
  if (value instanceof Dictionary) {
    const found = value.find(key)
    return found !== undefined || mayBeAbsent ? found : noSuchKey(key)
  }
  if (value instanceof List) {
    const index = indexOf(key)
    if (index instanceof EvaluationError) return index
    if (index >= 0 && index < value.size) return value.at(index)
    return mayBeAbsent ? undefined : new EvaluationError('indexOutOfBounds', `index out of bounds: ${formatValue(key)}`)
  }
  if (value instanceof Struct) return fieldOf(value, String(key), mayBeAbsent)
  return mayBeAbsent ? undefined : noSuchKey(key)
}

function fieldOf(struct: Struct, name: string, mayBeAbsent: boolean): Result | undefined {
  if (!mayBeAbsent) return struct.get(name)
  const present = struct.has(name)
  if (present instanceof EvaluationError) return present
  return present ? struct.get(name) : undefined
}

/** Only scalars can be looked up by. */
export function isQualifier(key: Value): boolean {
  return typeof key !== 'object' || key instanceof Uint || key instanceof Double
}

export function invalidQualifier(key: Value): EvaluationError {
  return new EvaluationError('noSuchOverload', `invalid qualifier type: ${goTypeOf(key)}`)
}

function noSuchKey(key: Value): EvaluationError {
  return new EvaluationError('noSuchKey', `no such key: ${formatValue(key)}`)
}

/** An index as a number, which is no index of any list where it is too large. */
function indexOf(key: Value): number | EvaluationError {
  if (typeof key === 'number') return key
  if (typeof key === 'bigint') return -1
  if (key instanceof Uint || key instanceof Double) {
    const value = Number(key.value)
    if (Number.isInteger(value)) return value
    return new EvaluationError('noSuchOverload', `unsupported index value ${formatValue(key)} in list`)
  }
  return new EvaluationError('noSuchOverload', `unsupported index type '${typeName(runtimeType(key))}' in list`)
}
