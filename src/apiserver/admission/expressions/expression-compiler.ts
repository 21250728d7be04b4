/** Whether expressions are valid, told when their policy or webhook is written. */
import type { Environment } from '#cel/environment.ts'
import { BOOL, NULL, STRING, type Type } from '#cel/types.ts'
import { createAdmissionEnvironment } from '../../cel/admission-environment.ts'
import { APPLY_CONFIGURATION_TYPE, JSON_PATCH_TYPE } from '../../cel/mutation-types.ts'
import type { ExpressionCompiler } from '../../strategies/validation/check.ts'
import { PolicyExpressions } from '../policy/policy-expressions.ts'
import { compileExpression } from './expression.ts'

/** `environment` is the one that all expressions start from. */
export function expressionCompiler(environment: () => Environment): ExpressionCompiler {
  const conditions = new Map<boolean, Environment>()
  const forConditions = (hasParams: boolean): Environment => {
    let found = conditions.get(hasParams)
    if (!found) {
      found = createAdmissionEnvironment(environment(), { hasParams, hasAuthorizer: true })
      conditions.set(hasParams, found)
    }
    return found
  }
  return {
    condition(source, { hasParams }) {
      return compileExpression(forConditions(hasParams), source, [BOOL]).problem || undefined
    },
    policy({ hasParams, variables }) {
      const expressions = new PolicyExpressions({ base: environment(), hasParams, variables })
      const judged =
        (types: readonly Type[], options?: { hasAuthorizer?: boolean; hasPatchTypes?: boolean }) => (source: string) =>
          expressions.compile(source, types, options).problem || undefined
      return {
        variable: (index) => expressions.variable(index)?.problem || undefined,
        validation: judged([BOOL]),
        message: judged([STRING], { hasAuthorizer: false }),
        annotation: judged([STRING, NULL]),
        applyConfiguration: judged([APPLY_CONFIGURATION_TYPE], { hasPatchTypes: true }),
        jsonPatch: judged([JSON_PATCH_TYPE], { hasPatchTypes: true }),
      }
    },
  }
}
