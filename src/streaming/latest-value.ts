/**
 * A queue of one: a reader that is slow gets the newest value and misses those between. Terminal sizes need no more, and
 * it cannot grow.
 */
export class LatestValue<T> implements AsyncIterable<T> {
  #next: { value: T } | undefined
  #ended = false
  #wake: (() => void) | undefined

  put(value: T): void {
    if (this.#ended) return
    this.#next = { value }
    this.#wake?.()
  }

  /** What was put last is still delivered; then iteration ends. */
  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  /** For one reader at a time. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const next = this.#next
      this.#next = undefined
      if (next) yield next.value
      else if (this.#ended) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
