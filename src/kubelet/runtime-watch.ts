/**
 * Keeps the view of the runtime current: by its events where it has them, with a listing now and then in case one was lost,
 * else by listing every second. Upstream: the evented and the generic PLEG.
 */
import { type Clock, sleep } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import { type CriClient, isCriUnimplemented } from '#contracts/cri/client.ts'
import type { RuntimeView } from './runtime-view.ts'

export interface RuntimeWatchOptions {
  cri: CriClient
  view: RuntimeView
  clock: Clock
  log: Log
  signal: AbortSignal
}

const RELIST_WITH_EVENTS_MS = 10_000
const RELIST_WITHOUT_EVENTS_MS = 1_000
const RECONNECT_FIRST_MS = 200
const RECONNECT_LONGEST_MS = 5_000
/** Asked again whether there are events now: the runtime may have been upgraded. */
const ASK_AGAIN_MS = 60_000

export class RuntimeWatch {
  readonly #options: RuntimeWatchOptions
  #hasEvents = false
  #lastListingMs: number
  #lastError: string | undefined

  constructor(options: RuntimeWatchOptions) {
    this.#options = options
    this.#lastListingMs = options.clock.monotonic()
  }

  /** Why the runtime can't be listed, or undefined. */
  get error(): string | undefined {
    return this.#lastError
  }

  /** Milliseconds since the last listing that worked. */
  get ageMs(): number {
    return this.#options.clock.monotonic() - this.#lastListingMs
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(): Promise<void> {
    await Promise.all([this.#listForEver(), this.#followEvents()])
  }

  async #listForEver() {
    const { clock, log, signal, view } = this.#options
    while (!signal.aborted) {
      const periodMs = this.#hasEvents ? RELIST_WITH_EVENTS_MS : RELIST_WITHOUT_EVENTS_MS
      await sleep(clock, periodMs, signal).catch(() => {})
      if (signal.aborted) return
      try {
        await view.relist()
        this.#lastListingMs = clock.monotonic()
        this.#lastError = undefined
      } catch (thrown) {
        if (signal.aborted) return
        const reason = messageOf(thrown)
        if (this.#lastError === undefined) log.warn({ reason }, 'cannot list what runs on this node')
        this.#lastError = reason
      }
    }
  }

  async #followEvents() {
    const { clock, cri, log, signal, view } = this.#options
    let pauseMs = RECONNECT_FIRST_MS
    while (!signal.aborted) {
      try {
        for await (const event of cri.runtime.getContainerEvents({}, { signal })) {
          this.#hasEvents = true
          pauseMs = RECONNECT_FIRST_MS
          // Not waited for: events of other pods must not queue behind the reading of a termination message.
          void view.applyEvent(event)
        }
      } catch (thrown) {
        if (signal.aborted) return
        if (isCriUnimplemented(thrown)) pauseMs = ASK_AGAIN_MS
        else log.debug({ reason: messageOf(thrown) }, 'the stream of runtime events broke')
      }
      this.#hasEvents = false
      await sleep(clock, pauseMs, signal).catch(() => {})
      if (pauseMs < RECONNECT_LONGEST_MS) pauseMs *= 2
    }
  }
}
