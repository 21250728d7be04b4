/**
 * The expressions of a policy and the variables that they share. A policy's variables are evaluated when an expression
 * first asks for them, once for each group of expressions. Upstream: `plugin/cel.CompositedCompiler`.
 */
import type { MatchCondition, Variable } from '#api/admissionregistration/v1.ts'
import { type Environment } from '#cel/environment.ts'
import { type Bindings, Lazy } from '#cel/bindings.ts'
import { DYN, type Type } from '#cel/types.ts'
import { adaptDynamic } from '#cel/json-values.ts'
import { ComposedTypes, ComposedVariables, createAdmissionEnvironment } from '../../cel/admission-environment.ts'
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
  /** Those that are compiled, in the order in which the policy lists them. */
  readonly #compiled: Expression[] = []
  readonly #byName = new Map<string, Expression>()
  readonly #types = new ComposedTypes()
  /** By what they are made with. */
  readonly #environments = new Map<string, Environment>()

  constructor(options: PolicyExpressionsOptions) {
    this.#options = options
  }

  /** By its place in the policy. Each sees those before it; later ones are not looked at. */
  variable(index: number): Expression | undefined {
    const { variables } = this.#options
    for (const { name, expression: source } of variables.slice(this.#compiled.length, index + 1)) {
      const expression = compileExpression(this.#environment(), source, [])
      this.#types.add(name, expression.program?.resultType ?? DYN)
      this.#compiled.push(expression)
      this.#byName.set(name, expression)
    }
    return this.#compiled[index]
  }

  #environment({ hasAuthorizer = true, hasPatchTypes = false } = {}): Environment {
    const key = `${hasAuthorizer} ${hasPatchTypes}`
    let environment = this.#environments.get(key)
    if (!environment) {
      const { base, hasParams, variables } = this.#options
      const composed = variables.length > 0 && { composed: this.#types }
      environment = createAdmissionEnvironment(base, { hasParams, hasAuthorizer, hasPatchTypes, ...composed })
      this.#environments.set(key, environment)
    }
    return environment
  }

  compile(
    source: string,
    types: readonly Type[],
    options?: { hasAuthorizer?: boolean; hasPatchTypes?: boolean },
  ): Expression {
    this.variable(this.#options.variables.length - 1)
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
    this.variable(this.#options.variables.length - 1)
    return {
      ...requestBindings(input),
      params: params ? new Lazy(() => adaptDynamic(params)) : null,
      variables: new ComposedVariables(this.#byName, (name, expression) => evaluation.variable(name, expression)),
    }
  }
}
