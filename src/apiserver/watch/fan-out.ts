/**
 * The pace at which watchers over the network are told of changes. Telling thousands of them takes a while; what happens
 * in that time and in as long again is told together, so that a fan-out takes at most half of the server, and what each
 * of its writes costs is shared by several events. Where it takes less than a millisecond, nobody waits.
 */
import type { Clock } from '#base/clock.ts'

/** Shorter than what timers can wait for. */
const MIN_REST_MS = 1
/** How long an event may have to wait. */
const MAX_REST_MS = 10

export class FanOut {
  readonly #clock: Clock
  /** What has something to tell. */
  #waiting = new Set<() => void>()
  #isResting = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `tell`, now or soon; once, however often it is asked for until then. It must neither throw nor block. */
  request(tell: () => void) {
    this.#waiting.add(tell)
    if (!this.#isResting) this.#tellAndRest()
  }

  /** Tells now what waits. */
  flush() {
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const tell of waiting) tell()
  }

  #tellAndRest() {
    this.#isResting = true
    const start = this.#clock.monotonic()
    this.flush()
    // By then the connections have encrypted and sent what they were given.
    setImmediate(() => {
      const restMs = Math.min(this.#clock.monotonic() - start, MAX_REST_MS)
      if (restMs < MIN_REST_MS) this.#wake()
      else this.#clock.after(restMs, () => this.#wake())
    })
  }

  #wake() {
    this.#isResting = false
    if (this.#waiting.size > 0) this.#tellAndRest()
  }
}
