/**
 * What can go wrong with an expression: it does not compile (CelCompileError), or its evaluation fails (EvaluationError,
 * which is a value: an error in one operand of `||` is forgotten where the other is true). The messages are cel-go's
 * word for word, because users of Kubernetes know them; nobody decides anything by their text, `code` is for that.
 */

/** One complaint about an expression. Lines count from 1, columns from 0 in code points, as cel-go has them. */
export interface Issue {
  readonly line: number
  readonly column: number
  readonly message: string
}

/** The expression is not valid. `message` is all that users see: `ERROR: <input>:1:6: ...` with the line pointed at. */
export class CelCompileError extends Error {
  override readonly name = 'CelCompileError'
  readonly issues: readonly Issue[]
  /**
   * `program`: the expression checks, but an operation on constants in it fails, as in `int('a')`. Upstream finds that
   * out later and says so with other words before it ("program instantiation failed" rather than "compilation failed").
   */
  readonly stage: 'check' | 'program'

  constructor(message: string, issues: readonly Issue[], stage: 'check' | 'program' = 'check') {
    super(message)
    this.issues = issues
    this.stage = stage
  }
}

export type EvaluationErrorCode =
  /** No function for the types that the operands turned out to have. */
  | 'noSuchOverload'
  | 'noSuchKey'
  | 'noSuchField'
  | 'noSuchAttribute'
  | 'divisionByZero'
  | 'modulusByZero'
  | 'overflow'
  | 'indexOutOfBounds'
  | 'conversion'
  /** The evaluation took more than its `costLimit`; nothing further should be evaluated. */
  | 'costExceeded'
  /** Anything else: what a function of a library says about its arguments. */
  | 'function'

/**
 * The outcome of an evaluation that failed. Not an Error: evaluation makes and forgets these in ordinary expressions,
 * and a stack trace into the evaluator would tell nobody anything.
 */
export class EvaluationError {
  readonly code: EvaluationErrorCode
  readonly message: string

  constructor(code: EvaluationErrorCode, message: string) {
    this.code = code
    this.message = message
  }
}
