/**
 * Large bodies and objects are worked on in several turns of the event loop, so that others are served in between: what is
 * made of a hundred thousand elements takes each step of a write some tenths of a second.
 *
 * Invariant: whoever waits for a turn holds nothing that others may have changed meanwhile, or compares it when it writes.
 */
import { nextTurn } from '#base/next-turn.ts'

/** What is larger (bytes of a body, or of a stored object) takes turns. */
export const LARGE_BYTES = 256 << 10

/** What `next` makes of the value, which has a turn to itself. */
export async function inTurns<T, U>(value: T | Promise<T>, next: (value: T) => U | Promise<U>): Promise<U> {
  const settled = await value
  await nextTurn()
  return next(settled)
}
