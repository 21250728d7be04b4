/** What variables stand for while an expression is evaluated (cel-go: `interpreter.Activation`). */
import type { Result, Value } from './values.ts'

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
