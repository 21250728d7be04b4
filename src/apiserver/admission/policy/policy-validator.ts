/**
 * A validating policy's expressions applied to one request with one parameter: what is denied, and which annotations the
 * audit log is to have. Upstream: `plugin/policy/validating.validator`.
 */
import type { AuditAnnotation, MatchCondition, Validation, Variable } from '#api/admissionregistration/v1.ts'
import type { Environment } from '#cel/environment.ts'
import { BOOL, NULL, STRING } from '#cel/types.ts'
import { RUNTIME_COST_BUDGET } from '../../cel/base-environment.ts'
import type { Stored } from '../../registry/strategy.ts'
import { type Evaluation, type Expression, type Outcome, OutOfBudget } from '../expressions/expression.ts'
import { failurePolicyOf, type FailurePolicy, type MatchConditions } from '../expressions/match-conditions.ts'
import { PolicyExpressions, type PolicyInput } from './policy-expressions.ts'

export interface Denial {
  readonly message: string
  /** Of metav1.StatusReason; empty where the policy itself has failed. */
  readonly reason: string
  /** Place of the validation; of an annotation, none. */
  readonly index?: number
}

export interface Verdict {
  /** What the binding's actions are taken for. */
  readonly denials: readonly Denial[]
  /** What denies the request whatever the binding's actions are. */
  readonly failures: readonly Denial[]
  /** Values by key. */
  readonly annotations: ReadonlyMap<string, string>
}

const NOTHING: Verdict = { denials: [], failures: [], annotations: new Map() }
const MAX_MESSAGE_BYTES = 5 * 1024

export class PolicyValidator {
  readonly #expressions: PolicyExpressions
  readonly #failurePolicy: FailurePolicy
  readonly #conditions: MatchConditions
  readonly #validations: readonly { validation: Validation; expression: Expression }[]
  /** By the places of their validations. */
  readonly #messages: readonly (Expression | undefined)[]
  readonly #annotations: readonly { key: string; source: string; expression: Expression }[]

  constructor({ spec }: Stored, base: Environment) {
    const variables: Variable[] = spec.variables ?? []
    const validations: Validation[] = spec.validations ?? []
    const annotations: AuditAnnotation[] = spec.auditAnnotations ?? []
    const conditions: MatchCondition[] = spec.matchConditions ?? []
    const expressions = new PolicyExpressions({ base, hasParams: spec.paramKind !== undefined, variables })
    this.#expressions = expressions
    this.#failurePolicy = failurePolicyOf(spec)
    this.#conditions = expressions.conditions(conditions, this.#failurePolicy)
    this.#validations = validations.map((validation) => ({
      validation,
      expression: expressions.compile(validation.expression, [BOOL]),
    }))
    this.#messages = validations.map(({ messageExpression: source }) =>
      source ? expressions.compile(source, [STRING], { hasAuthorizer: false }) : undefined,
    )
    this.#annotations = annotations.map(({ key, valueExpression: source }) => ({
      key,
      source,
      expression: expressions.compile(source, [STRING, NULL]),
    }))
  }

  validate(input: PolicyInput): Verdict {
    const { matches, error } = this.#conditions.evaluate({ ...input, namespace: undefined }, (evaluation) =>
      this.#expressions.bindings({ ...input, namespace: undefined }, evaluation),
    )
    if (error !== undefined) return this.#failed(error)
    if (!matches) return NOTHING
    try {
      const evaluation = this.#expressions.evaluation(input, RUNTIME_COST_BUDGET)
      const outcomes = this.#validations.map(({ expression }) => evaluation.evaluate(expression))
      const denials = this.#denials(outcomes, input, evaluation.budget)
      const { annotations, failures } = this.#annotate(input)
      return { denials, failures, annotations }
    } catch (err) {
      if (err instanceof OutOfBudget) return this.#failed(err.message)
      throw err
    }
  }

  /** What an error of the policy itself comes to. */
  #failed(message: string): Verdict {
    return { ...NOTHING, denials: this.#denialOf(message) }
  }

  #denialOf(message: string, index?: number): Denial[] {
    if (this.#failurePolicy === 'Ignore') return []
    return [{ message, reason: '', ...(index !== undefined && { index }) }]
  }

  #denials(outcomes: readonly Outcome[], input: PolicyInput, budget: number): Denial[] {
    const isDenied = ({ value, error }: Outcome) => error === undefined && value !== true
    const messages = outcomes.some(isDenied) ? this.#evaluateMessages(input, budget) : undefined
    return outcomes.flatMap((outcome, i) => {
      if (outcome.error !== undefined) return this.#denialOf(outcome.error, i)
      if (messages instanceof OutOfBudget) return this.#denialOf(`failed messageExpression: ${messages.message}`, i)
      if (!isDenied(outcome)) return []
      const { validation } = this.#validations[i]!
      const message = usableMessage(messages?.[i]) || (validation.message ?? '').trim()
      const reason = validation.reason || 'Invalid'
      return [{ message: message || `failed expression: ${validation.expression.trim()}`, reason, index: i }]
    })
  }

  #evaluateMessages(input: PolicyInput, budget: number): readonly (Outcome | undefined)[] | OutOfBudget {
    try {
      const evaluation: Evaluation = this.#expressions.evaluation(input, budget)
      return this.#messages.map((expression) => expression && evaluation.evaluate(expression))
    } catch (err) {
      if (err instanceof OutOfBudget) return err
      throw err
    }
  }

  #annotate(input: PolicyInput): Pick<Verdict, 'annotations' | 'failures'> {
    const annotations = new Map<string, string>()
    const failures: Denial[] = []
    if (this.#annotations.length === 0) return { annotations, failures }
    const evaluation = this.#expressions.evaluation(input, RUNTIME_COST_BUDGET)
    for (const { key, expression } of this.#annotations) {
      const { value, error } = evaluation.evaluate(expression)
      if (error !== undefined) failures.push(...this.#denialOf(error))
      else if (typeof value === 'string' && value.trim() !== '') annotations.set(key, value.trim())
    }
    return { annotations, failures }
  }
}

/** A message has to be one line, and not a long one. */
function usableMessage(outcome: Outcome | undefined): string {
  if (typeof outcome?.value !== 'string') return ''
  const message = outcome.value.trim()
  return message.includes('\n') || Buffer.byteLength(message) > MAX_MESSAGE_BYTES ? '' : message
}
