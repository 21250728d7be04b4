/**
 * Requests that wait for their client behind a one-time token: the token in a streaming URL is all the authentication
 * there is, so it is random, short-lived and works once. Upstream: the request cache of cri-streaming.
 */
import type { Clock } from '#base/clock.ts'
import type { Random } from '#base/random.ts'

/** Too many requests wait for their clients. Maps to gRPC ResourceExhausted. */
export class TooManyRequestsError extends Error {
  override readonly name = 'TooManyRequestsError'
}

export const TOKEN_TTL_MS = 60_000
export const MAX_WAITING_REQUESTS = 1000
const TOKEN_BYTES = 18

export class RequestCache<T> {
  readonly #clock: Clock
  readonly #random: Random
  /** In order of insertion, hence of expiry. */
  readonly #entries = new Map<string, { request: T; expiresMs: number }>()

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  /** Returns the token. Throws TooManyRequestsError when 1000 requests wait. */
  insert(request: T): string {
    this.#dropExpired()
    if (this.#entries.size >= MAX_WAITING_REQUESTS) {
      throw new TooManyRequestsError('maximum number of in-flight requests exceeded')
    }
    const token = Buffer.from(this.#random.bytes(TOKEN_BYTES)).toString('base64url')
    this.#entries.set(token, { request, expiresMs: this.#clock.monotonic() + TOKEN_TTL_MS })
    return token
  }

  /** The request, the first time it is asked for within a minute; after that undefined. */
  consume(token: string): T | undefined {
    this.#dropExpired()
    const entry = this.#entries.get(token)
    this.#entries.delete(token)
    return entry?.request
  }

  #dropExpired(): void {
    const nowMs = this.#clock.monotonic()
    for (const [token, entry] of this.#entries) {
      if (entry.expiresMs > nowMs) return
      this.#entries.delete(token)
    }
  }
}
