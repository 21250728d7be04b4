/**
 * Growing pauses by key: doubled on each event, forgotten when twice the longest pause passed without one. Used for
 * containers that crash and images that can't be pulled. Upstream: client-go `flowcontrol.Backoff`.
 */
export interface BackOffLimits {
  initialMs: number
  maxMs: number
}

interface Entry {
  delayMs: number
  updatedAtMs: number
}

export class BackOff {
  readonly #limits: BackOffLimits
  readonly #entries = new Map<string, Entry>()

  constructor(limits: BackOffLimits) {
    this.#limits = limits
  }

  /** The present pause of `key`; 0 where there is none. */
  delayMs(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0
  }

  /** When the pause that follows the event at `eventAtMs` ends, or undefined when `nowMs` is past it. */
  until(key: string, eventAtMs: number, nowMs: number): number | undefined {
    const entry = this.#entries.get(key)
    if (!entry || this.#isForgotten(entry, eventAtMs)) return undefined
    const endsAtMs = eventAtMs + entry.delayMs
    return endsAtMs > nowMs ? endsAtMs : undefined
  }

  /** As `until`, counting from when the pause was last lengthened. */
  untilFromUpdate(key: string, nowMs: number): number | undefined {
    const entry = this.#entries.get(key)
    return entry && this.until(key, entry.updatedAtMs, nowMs)
  }

  /** Lengthens the pause of `key` because of an event at `eventAtMs`. */
  lengthen(key: string, eventAtMs: number, nowMs: number): void {
    const entry = this.#entries.get(key)
    const isFresh = !entry || this.#isForgotten(entry, eventAtMs)
    const delayMs = isFresh ? this.#limits.initialMs : Math.min(entry.delayMs * 2, this.#limits.maxMs)
    this.#entries.set(key, { delayMs, updatedAtMs: nowMs })
  }

  clear(key: string): void {
    this.#entries.delete(key)
  }

  /** Drops what would be treated as forgotten anyway, so that the map stays as small as what fails. */
  sweep(nowMs: number): void {
    for (const [key, entry] of this.#entries) if (this.#isForgotten(entry, nowMs)) this.#entries.delete(key)
  }

  get size(): number {
    return this.#entries.size
  }

  #isForgotten(entry: Entry, atMs: number): boolean {
    return atMs - entry.updatedAtMs > this.#limits.maxMs * 2
  }
}
