/**
 * The expressions of a policy and the variables that they share. A policy's variables are evaluated when an expression
 * first asks for them, once for each group of expressions. Upstream: `plugin/cel.CompositedCompiler`.
 */
import type { MatchCondition, Variable } from '#api/admissionregistration/v1.ts'
import { type Environment } from '#cel/environment.ts'
import { type Bindings, Lazy } from '#cel/bindings.ts'
import { DYN, type Type } from '#cel/types.ts'
import { adaptDynamic } from '#cel/json-values.ts'
import { composedVariables, createAdmissionEnvironment } from '../../cel/admission-environment.ts'
import type { Stored } from '../../registry/strategy.ts'
import { type ExpressionInput, requestBindings } from '../expressions/bindings.ts'
import { compileExpression, Evaluation, type Expression } from '../expressions/expression.ts'
import { type FailurePolicy, MatchConditions } from '../expressions/match-conditions.ts'

export interface PolicyExpressionsOptions {
  base: Environment
  hasParams: boolean
  variables: readonly Variable[]
}

/** A request with the parameters of one binding. */
export interface PolicyInput extends ExpressionInput {
  /** undefined where the policy takes none, or its binding gives it none. */
  readonly params: Stored | undefined
}

export class PolicyExpressions {
  readonly #options: PolicyExpressionsOptions
  /** In the order in which the policy lists them. */
  readonly variables: readonly { readonly name: string; readonly expression: Expression }[]
  readonly #types: ReadonlyMap<string, Type>

  constructor(options: PolicyExpressionsOptions) {
    const types = new Map<string, Type>()
    this.#options = options
    this.#types = types
    this.variables = options.variables.map(({ name, expression: source }) => {
      const expression = this.compile(source, [])
      types.set(name, expression.program?.resultType ?? DYN)
      return { name, expression }
    })
  }

  #environment({ hasAuthorizer = true, hasPatchTypes = false } = {}): Environment {
    const { base, hasParams, variables } = this.#options
    const composed = variables.length > 0 && { composed: new Map(this.#types) }
    return createAdmissionEnvironment(base, { hasParams, hasAuthorizer, hasPatchTypes, ...composed })
  }

  compile(
    source: string,
    types: readonly Type[],
    options?: { hasAuthorizer?: boolean; hasPatchTypes?: boolean },
  ): Expression {
    return compileExpression(this.#environment(options), source, types)
  }

  conditions(sources: readonly MatchCondition[], failurePolicy: FailurePolicy): MatchConditions {
    return new MatchConditions(sources, failurePolicy, () => this.#environment())
  }

  /** For expressions that share variables and a budget. */
  evaluation(input: PolicyInput, budget: number): Evaluation {
    return new Evaluation((evaluation) => this.bindings(input, evaluation), budget)
  }

  bindings(input: PolicyInput, evaluation: Evaluation): Bindings {
    const { params } = input
    const variables = this.variables.map(({ name, expression }) => [name, () => evaluation.variable(name, expression)])
    return {
      ...requestBindings(input),
      params: params ? new Lazy(() => adaptDynamic(params)) : null,
      variables: composedVariables(Object.fromEntries(variables)),
    }
  }
}
