/**
 * Match conditions: expressions that all have to be true for a webhook or policy to be asked at all. Upstream:
 * `plugin/webhook/matchconditions`.
 */
import type { Environment } from '#cel/environment.ts'
import type { Bindings } from '#cel/bindings.ts'
import { BOOL } from '#cel/types.ts'
import { MATCH_CONDITIONS_COST_BUDGET } from '../../cel/base-environment.ts'
import { requestBindings, type ExpressionInput } from './bindings.ts'
import { compileExpression, Evaluation, type Expression, OutOfBudget } from './expression.ts'

export type FailurePolicy = 'Fail' | 'Ignore'

/** What becomes of a request where it can't be told whether it is fine; `Fail` unless somebody wants it otherwise. */
export const failurePolicyOf = ({ failurePolicy }: { readonly failurePolicy?: unknown }): FailurePolicy =>
  failurePolicy === 'Ignore' ? 'Ignore' : 'Fail'

/** `error` is set where the request is to fail. */
export type ConditionOutcome = { matches: boolean; error?: undefined } | { matches?: undefined; error: string }

export interface ConditionSource {
  name: string
  expression: string
}

const MATCHES: ConditionOutcome = { matches: true }
const DIFFERS: ConditionOutcome = { matches: false }

export class MatchConditions {
  readonly #sources: readonly ConditionSource[]
  readonly #failurePolicy: FailurePolicy
  readonly #environment: () => Environment
  #expressions: readonly Expression[] | undefined

  /** Nothing is compiled before it is needed. */
  constructor(sources: readonly ConditionSource[], failurePolicy: FailurePolicy, environment: () => Environment) {
    this.#sources = sources
    this.#failurePolicy = failurePolicy
    this.#environment = environment
  }

  get isEmpty(): boolean {
    return this.#sources.length === 0
  }

  /** `bindings` are those of a policy, which has parameters and variables besides. */
  evaluate(
    input: ExpressionInput,
    bindings: (evaluation: Evaluation) => Bindings = () => requestBindings(input),
  ): ConditionOutcome {
    if (this.isEmpty) return MATCHES
    this.#expressions ??= this.#sources.map(({ expression }) =>
      compileExpression(this.#environment(), expression, [BOOL]),
    )
    const errors = new Set<string>()
    let isFalse = false
    try {
      const evaluation = new Evaluation(bindings, MATCH_CONDITIONS_COST_BUDGET)
      for (const expression of this.#expressions) {
        const { value, error } = evaluation.evaluate(expression)
        if (error !== undefined) errors.add(error)
        else if (value === false) isFalse = true
      }
    } catch (err) {
      if (!(err instanceof OutOfBudget)) throw err
      return this.#failed(err.message)
    }
    if (isFalse) return DIFFERS
    if (errors.size === 0) return MATCHES
    return this.#failed(errors.size === 1 ? [...errors][0]! : `[${[...errors].join(', ')}]`)
  }

  #failed(error: string): ConditionOutcome {
    return this.#failurePolicy === 'Fail' ? { error } : DIFFERS
  }
}
