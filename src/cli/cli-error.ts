/** What a command says when it can't do its work: one plain line, what to do about it, and an exit code that scripts can read. */

export const exitCodes = {
  ok: 0,
  failed: 1,
  /** Wrong arguments. */
  usage: 2,
  /** The cluster, node or image that was named is not there. */
  notFound: 3,
  /** This machine lacks something; `rostrum doctor` says what. */
  host: 4,
  timeout: 5,
} as const
export type ExitReason = keyof typeof exitCodes

export class CliError extends Error {
  override readonly name = 'CliError'
  readonly reason: ExitReason
  readonly hint: string | undefined

  constructor(reason: ExitReason, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.reason = reason
    this.hint = options.hint
  }
}
