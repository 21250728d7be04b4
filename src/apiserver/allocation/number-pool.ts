/** Numbers of a range that are taken and free: addresses of a service network, node ports. Held in memory, rebuilt from the objects that use them. */
import type { Random } from '#base/random.ts'

export class NumberPool {
  readonly size: number
  readonly #taken = new Set<number>()
  readonly #random: Random
  /** The first numbers are drawn only when the rest is used up, so that they stay free for those who ask for one (KEP-3070). */
  readonly #reserved: number

  constructor(size: number, reserved: number, random: Random) {
    this.size = size
    this.#reserved = Math.min(reserved, size)
    this.#random = random
  }

  isTaken(n: number): boolean {
    return this.#taken.has(n)
  }

  /** False where it is taken already. */
  take(n: number): boolean {
    if (this.#taken.has(n)) return false
    this.#taken.add(n)
    return true
  }

  release(n: number) {
    this.#taken.delete(n)
  }

  /** A free number, or undefined where there is none. */
  draw(): number | undefined {
    return this.#drawFrom(this.#reserved, this.size) ?? this.#drawFrom(0, this.#reserved)
  }

  #drawFrom(from: number, to: number): number | undefined {
    const span = to - from
    if (span <= 0) return undefined
    const start = this.#random.int(span)
    for (let i = 0; i < span; i++) {
      const n = from + ((start + i) % span)
      if (this.take(n)) return n
    }
    return undefined
  }
}
