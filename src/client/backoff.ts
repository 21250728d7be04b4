/**
 * Exponential back-off with jitter: each failure in a row waits longer, up to a limit; a success starts over.
 * Jitter adds up to `jitter` times the delay, so that clients that failed together do not return together.
 */
import type { Random } from '#base/random.ts'

export interface BackoffOptions {
  random: Random
  initialMs: number
  maxMs: number
  /** Default 2. */
  factor?: number
  /** Default 1: a delay of d becomes d to 2d. */
  jitter?: number
}

export class Backoff {
  readonly #options: Required<BackoffOptions>
  #nextMs: number
  /** Failures since the last success. */
  failures = 0

  constructor(options: BackoffOptions) {
    this.#options = { factor: 2, jitter: 1, ...options }
    this.#nextMs = options.initialMs
  }

  /** How long to wait after one more failure, in milliseconds. */
  next(): number {
    const { random, maxMs, factor, jitter } = this.#options
    const delayMs = this.#nextMs
    this.#nextMs = Math.min(delayMs * factor, maxMs)
    this.failures++
    return delayMs * (1 + random.float() * jitter)
  }

  succeeded(): void {
    this.#nextMs = this.#options.initialMs
    this.failures = 0
  }
}
