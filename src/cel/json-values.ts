/**
 * JSON of the API as values of CEL, read in place: nothing is copied or converted before an expression looks at it
 * (upstream: `apiserver/pkg/cel/common.UnstructuredToVal`). The JSON must not change while its values are in use.
 */
import type { DeclaredType } from './declared-type.ts'
import type { EvaluationError } from './errors.ts'
import type { Result, Value } from './values.ts'

/** `json` as a value of this type; an EvaluationError where it is something else. */
export function adapt(_type: DeclaredType, _json: unknown): Result {
  throw new Error('not there yet')
}

/** `json` by its own shape, for variables of type `dyn`: whole numbers are ints, the others doubles. */
export function adaptDynamic(_json: unknown): Value {
  throw new Error('not there yet')
}

/** A value as JSON, freshly made; an EvaluationError (as `error`) for what JSON cannot hold. */
export function toJson(_value: Value): { json: unknown; error?: undefined } | { error: EvaluationError } {
  throw new Error('not there yet')
}
