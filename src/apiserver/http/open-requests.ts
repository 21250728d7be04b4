/**
 * Requests that are not answered yet. Those that take too long are given up, and whoever closes the server can wait until
 * none is left. Deadlines are looked at once a second: a timer for each request would cost more than many a request.
 * Upstream: `WithRequestDeadline` and `WithTimeoutForNonLongRunningRequests`.
 */
import { type Clock, every, type Timer } from '#base/clock.ts'
import { badRequest, StatusError } from '#machinery/status-error.ts'

export interface OpenRequest {
  /** On the monotonic clock; Infinity where the request may last as long as it likes. */
  deadlineMs: number
  /** Called at most once, when the deadline has passed. */
  readonly giveUp: (error: StatusError) => void
}

export const REQUEST_TIMEOUT_MS = 60_000
const SWEEP_MS = 1000

export class OpenRequests {
  readonly #clock: Clock
  readonly #open = new Set<OpenRequest>()
  #sweep: Timer | undefined
  #onNone: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(request: OpenRequest) {
    this.#open.add(request)
    this.#sweep ??= every(this.#clock, SWEEP_MS, () => this.#giveUpLate())
  }

  remove(request: OpenRequest) {
    this.#open.delete(request)
    if (this.#open.size === 0) this.#onNone?.()
  }

  /** Resolves when none is left, or after `maxMs`. Deadlines are not looked at any more. */
  async settled(maxMs: number): Promise<void> {
    this.#sweep?.cancel()
    if (this.#open.size === 0) return
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(maxMs, resolve)
      this.#onNone = () => {
        timer.cancel()
        resolve()
      }
    })
  }

  #giveUpLate() {
    const now = this.#clock.monotonic()
    for (const request of this.#open) {
      if (request.deadlineMs > now) continue
      request.deadlineMs = Infinity
      request.giveUp(
        new StatusError('Timeout', 'Timeout: request did not complete within the allotted timeout', { details: {} }),
      )
    }
  }
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

const DURATION = /^[-+]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$/

/**
 * How long a request may take: as its `timeout` parameter says, a Go duration of which those out of range mean the longest
 * there is. Throws BadRequest.
 */
export function requestTimeoutMs(query: URLSearchParams): number {
  const text = query.size > 0 && query.get('timeout')
  if (!text || text === '0') return REQUEST_TIMEOUT_MS
  if (!DURATION.test(text)) {
    const why = `time: invalid duration ${JSON.stringify(text)}`
    throw badRequest(`invalid timeout specified in the request URL - ${why}`)
  }
  let ms = 0
  for (const [, amount, , unit] of text.matchAll(/(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g))
    ms += Number(amount) * UNITS_MS[unit!]!
  const isPossible = !text.startsWith('-') && ms > 0 && ms < REQUEST_TIMEOUT_MS
  return isPossible ? ms : REQUEST_TIMEOUT_MS
}
