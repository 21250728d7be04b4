/**
 * Environments: which variables, functions and types an expression may use, and the way from its text to a Program
 * (cel-go: `cel.Env`). Immutable; making one costs milliseconds, so callers keep it and extend it.
 */
import type { DeclaredType } from './declared-type.ts'
import type { EvaluationError } from './errors.ts'
import type { Library } from './library.ts'
import type { Type } from './types.ts'
import type { Result, Value } from './values.ts'

export interface Variable {
  /** May have dots: `authorizer.requestResource`. */
  readonly name: string
  readonly type: Type
}

export interface EnvironmentOptions {
  readonly variables?: readonly Variable[]
  readonly libraries?: readonly Library[]
  /** Object types (with all that they contain) that variables have. */
  readonly declaredTypes?: readonly DeclaredType[]
  /** Types that are made up as expressions name them, such as `Object.spec.template` of mutating policies. */
  readonly structTypes?: StructTypes
}

/** Types that expressions can construct: `Name{field: value}`. */
export interface StructTypes {
  /** Whether there is a type of this name. */
  has(typeName: string): boolean
  /** undefined where the type has no such field. */
  fieldType(typeName: string, field: string): Type | undefined
  create(typeName: string, fields: ReadonlyMap<string, Value>): Result
}

/** A value that is worked out once, when an expression first asks for it. */
export class Lazy {
  #compute: (() => Result) | undefined
  #result: Result | undefined

  constructor(compute: () => Result) {
    this.#compute = compute
  }

  /** Computed on the first call only. */
  get(): Result {
    const compute = this.#compute
    if (compute) {
      this.#compute = undefined
      this.#result = compute()
    }
    return this.#result!
  }
}

/** Values of variables, by name. A variable without a value is an error where an expression reads it. */
export type Bindings = Readonly<Record<string, Value | Lazy | undefined>>

export interface EvaluateOptions {
  /** Cost units after which the evaluation is given up; Infinity by default. */
  readonly costLimit?: number
}

export type Evaluation =
  | { readonly value: Value; readonly error?: undefined; readonly cost: number }
  | { readonly value?: undefined; readonly error: EvaluationError; readonly cost: number }

/** In cost units; Infinity where upstream's counter saturates. */
export interface CostEstimate {
  readonly min: number
  readonly max: number
}

/**
 * How many elements what is found at `path` can have, undefined where that isn't known. A path begins with the name of a
 * variable; `@items`, `@keys` and `@values` stand for all elements: `['self', 'spec', 'ports', '@items', 'name']`.
 */
export type SizeHints = (path: readonly string[]) => CostEstimate | undefined

/** A checked expression. Immutable and stateless; may be evaluated any number of times. */
export interface Program {
  readonly source: string
  readonly resultType: Type
  /** Whether the expression reads this variable. */
  references(variable: string): boolean
  /** Bounds of what an evaluation costs, upstream's `EstimateCost`. */
  estimateCost(hints?: SizeHints): CostEstimate
  /** Never throws; synchronous. */
  evaluate(bindings: Bindings, options?: EvaluateOptions): Evaluation
}

export interface Environment {
  /** This environment and more. */
  extend(options: EnvironmentOptions): Environment
  /** Throws CelCompileError where the expression has a syntax error, a type error, or an invalid literal. */
  compile(source: string): Program
}

/** Throws RangeError where declarations contradict one another. */
export function createEnvironment(_options: EnvironmentOptions): Environment {
  throw new Error('CEL environments are not there yet')
}
