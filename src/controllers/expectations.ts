/**
 * What a controller has done and not yet seen: while its own creations and deletions are missing from the informer's
 * copy, that copy must not be acted on, or replicas would be created twice. Expectations are given up after five
 * minutes, should an event never come. Upstream: ControllerExpectations.
 */
import type { Clock } from '#base/clock.ts'

const TIMEOUT_MS = 300_000

interface Expected {
  creations: number
  /** Keys of objects whose deletion has been asked for. */
  deletions: Set<string>
  sinceMs: number
}

export class Expectations {
  readonly #clock: Clock
  readonly #expected = new Map<string, Expected>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  expectCreations(owner: string, count: number): void {
    this.#expected.set(owner, { creations: count, deletions: new Set(), sinceMs: this.#clock.monotonic() })
  }

  expectDeletions(owner: string, keys: Iterable<string>): void {
    this.#expected.set(owner, { creations: 0, deletions: new Set(keys), sinceMs: this.#clock.monotonic() })
  }

  /** One was seen, or failed and will never be. */
  creationObserved(owner: string): void {
    const expected = this.#expected.get(owner)
    if (expected && expected.creations > 0) expected.creations--
  }

  /** This one was seen, or failed. Deletions that nobody expects are ignored. */
  deletionObserved(owner: string, key: string): void {
    this.#expected.get(owner)?.deletions.delete(key)
  }

  /** Whether the copy can be trusted to show all that this controller has done for `owner`. */
  areMet(owner: string): boolean {
    const expected = this.#expected.get(owner)
    if (!expected) return true
    const isMet = expected.creations === 0 && expected.deletions.size === 0
    if (!isMet && this.#clock.monotonic() - expected.sinceMs < TIMEOUT_MS) return false
    this.#expected.delete(owner)
    return true
  }

  /** The owner is gone. */
  forget(owner: string): void {
    this.#expected.delete(owner)
  }
}
