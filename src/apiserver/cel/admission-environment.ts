/**
 * What expressions of admission see: match conditions of webhooks, and policies (upstream:
 * `apiserver/pkg/admission/plugin/cel`).
 */
import type { Environment } from '#cel/environment.ts'
import type { DeclaredType } from '#cel/declared-type.ts'
import type { Type } from '#cel/types.ts'
import type { Dictionary, Result } from '#cel/values.ts'

export interface AdmissionVariables {
  readonly hasParams: boolean
  readonly hasAuthorizer: boolean
  /** Offers `Object{}`, `JSONPatch{}` and `jsonpatch.escapeKey`. */
  readonly hasPatchTypes?: boolean
  /** Types of `object`, `oldObject` and `params`, for the type checking that produces warnings; `dyn` by default. */
  readonly objectType?: DeclaredType
  readonly paramsType?: DeclaredType
  /** The policy's variables that are compiled so far: name and result type. Undefined where there is no `variables`. */
  readonly composed?: ReadonlyMap<string, Type>
}

/** `object`, `oldObject`, `request`, `namespaceObject`, and what the options say. */
export function createAdmissionEnvironment(_base: Environment, _variables: AdmissionVariables): Environment {
  throw new Error('not there yet')
}

/** Binding for `variables`: each is computed on first use. An EvaluationError of a variable is that of its reader. */
export function composedVariables(_variables: Readonly<Record<string, () => Result>>): Dictionary {
  throw new Error('not there yet')
}
