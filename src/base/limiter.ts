/** Lets a bounded number of tasks run at a time, the others in the order in which they came. */
export class Limiter {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(limit: number) {
    if (!(limit >= 1)) throw new RangeError(`a limiter needs room for one task, got ${limit}`)
    this.#free = limit
  }

  async run<R>(task: () => Promise<R>): Promise<R> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await task()
    } finally {
      // The place is handed over, so nobody who comes later gets in between.
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }
}
