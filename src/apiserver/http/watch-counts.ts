/**
 * How many watches each user has open. A watch is cheap but not free, and nothing ends it but its client or its time-out,
 * so who leaves them behind must not use up the server.
 */
import { StatusError } from '#machinery/status-error.ts'

const MAX_PER_USER = 20_000

export class WatchCounts {
  readonly #byUser = new Map<string, number>()

  /** Counts one more. The returned function counts it no more; it may be called twice. Throws TooManyRequests. */
  enter(user: string): () => void {
    const count = this.#byUser.get(user) ?? 0
    if (count >= MAX_PER_USER) {
      throw new StatusError('TooManyRequests', `user ${JSON.stringify(user)} has ${count} watches open already`, {
        details: { retryAfterSeconds: 10 },
      })
    }
    this.#byUser.set(user, count + 1)
    let isOpen = true
    return () => {
      if (!isOpen) return
      isOpen = false
      const left = this.#byUser.get(user)! - 1
      if (left > 0) this.#byUser.set(user, left)
      else this.#byUser.delete(user)
    }
  }
}
