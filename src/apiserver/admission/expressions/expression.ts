/**
 * One expression of a webhook or policy: compiled once, evaluated against requests within a budget. An expression that
 * does not compile is kept with its problem, which whoever evaluates it is told. Upstream: `admission/plugin/cel`.
 */
import type { Environment, Program } from '#cel/environment.ts'
import type { Bindings } from '#cel/bindings.ts'
import { CelCompileError, EvaluationError } from '#cel/errors.ts'
import { sameType, type Type, typeName } from '#cel/types.ts'
import type { Result, Value } from '#cel/values.ts'
import { PER_CALL_LIMIT } from '../../cel/base-environment.ts'

export interface Expression {
  readonly source: string
  /** undefined where it does not compile. */
  readonly program: Program | undefined
  /** Why it does not compile. */
  readonly problem: string
}

/** `types` are those that it may have; none are any. */
export function compileExpression(environment: Environment, source: string, types: readonly Type[]): Expression {
  const failed = (problem: string): Expression => ({ source, program: undefined, problem })
  let program: Program
  try {
    program = environment.compile(source)
  } catch (err) {
    if (!(err instanceof CelCompileError)) throw err
    return failed(`compilation failed: ${err.message}`)
  }
  const { resultType } = program
  if (types.length > 0 && !types.some((type) => sameType(type, resultType))) {
    const wanted =
      types.length === 1
        ? `must evaluate to ${typeName(types[0]!)}`
        : `must evaluate to one of [${types.map(typeName).join(' ')}]`
    return failed(`${wanted} but got ${typeName(resultType)}`)
  }
  return { source, program, problem: '' }
}

export type Outcome = { value: Value; error?: undefined } | { value?: undefined; error: string }

/** The expressions of one webhook or binding together have cost more than they may. */
export class OutOfBudget extends Error {
  override readonly name = 'OutOfBudget'
  constructor() {
    super('validation failed due to running out of cost budget, no further validation rules will be run')
  }
}

/** Evaluates expressions against one request, counting what they cost. */
export class Evaluation {
  readonly #bindings: Bindings
  #budget: number

  /** `bindings` may depend on the evaluation itself: a policy's variables spend from the same budget. */
  constructor(bindings: (evaluation: Evaluation) => Bindings, budget: number) {
    this.#budget = budget
    this.#bindings = bindings(this)
  }

  get budget(): number {
    return this.#budget
  }

  /** Throws OutOfBudget. */
  evaluate({ source, program, problem }: Expression): Outcome {
    if (!program) return { error: `compilation error: ${problem}` }
    const { value, error, cost } = program.evaluate(this.#bindings, { costLimit: PER_CALL_LIMIT })
    this.#budget -= cost
    if (this.#budget < 0) throw new OutOfBudget()
    if (error) return { error: `expression '${source}' resulted in error: ${error.message}` }
    return { value }
  }

  /** The value of a variable that an expression has asked for. What it costs is noticed once that expression is done. */
  variable(name: string, { program, problem }: Expression): Result {
    const called = `composited variable ${JSON.stringify(name)}`
    if (!program) return new EvaluationError('function', `${called} fails to compile: ${problem}`)
    const { value, error, cost } = program.evaluate(this.#bindings, { costLimit: PER_CALL_LIMIT })
    this.#budget -= cost
    return error ? new EvaluationError('function', `${called} fails to evaluate: ${error.message}`) : value
  }
}
