/**
 * The types that expressions of mutating policies construct: `Object{spec: Object.spec{...}}` and
 * `JSONPatch{op: "add", path: "/spec/x", value: ...}` (upstream: `apiserver/pkg/cel/mutation`).
 */
import type { StructTypes } from '#cel/environment.ts'
import type { EvaluationError } from '#cel/errors.ts'
import { listOf, objectType } from '#cel/types.ts'
import type { Value } from '#cel/values.ts'

/** What an ApplyConfiguration expression must evaluate to. */
export const APPLY_CONFIGURATION_TYPE = objectType('Object')
/** What a JSONPatch expression must evaluate to. */
export const JSON_PATCH_TYPE = listOf(objectType('JSONPatch'))

export interface JsonPatchOperation {
  readonly op: string
  readonly path: string
  readonly from?: string
  readonly value?: unknown
}

export function createMutationTypes(): StructTypes {
  throw new Error('not there yet')
}

/** The value of an ApplyConfiguration expression as JSON. */
export function applyConfigurationOf(
  _value: Value,
): { json: Record<string, unknown>; error?: undefined } | { error: EvaluationError } {
  throw new Error('not there yet')
}

/** The value of a JSONPatch expression as operations. */
export function jsonPatchOf(
  _value: Value,
): { operations: JsonPatchOperation[]; error?: undefined } | { error: EvaluationError } {
  throw new Error('not there yet')
}
