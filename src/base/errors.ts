/** Errors that mean something to code: match on the class, never on the text. */

/** Retrying cannot help: the input itself is at fault. Work queues drop the item and report it. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError'
}

/** An invariant of this program does not hold: a bug, not a user's mistake. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** The one-line text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** The `code` of a Node system error (`ENOENT`, `EADDRINUSE`, ...), or undefined. */
export function systemCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined
}
