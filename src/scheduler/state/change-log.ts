/**
 * Which nodes changed, in order: a ring of node indexes. Whoever keeps results per node remembers the position up to
 * which they are current, and re-examines only what changed since. A reader that fell further behind than the ring is
 * long has to start over.
 */
export class ChangeLog {
  readonly #ring: Int32Array
  readonly #mask: number
  #end = 0

  /** `size` must be a power of two. */
  constructor(size = 8192) {
    if (size <= 0 || (size & (size - 1)) !== 0) throw new RangeError(`size must be a power of two, got ${size}`)
    this.#ring = new Int32Array(size)
    this.#mask = size - 1
  }

  /** The position after the latest change. */
  get end(): number {
    return this.#end
  }

  add(node: number): void {
    this.#ring[this.#end & this.#mask] = node
    this.#end++
  }

  /** Whether all changes since `position` are still there. */
  covers(position: number): boolean {
    return this.#end - position <= this.#ring.length
  }

  /** The node that changed at `position`, which must be covered and before the end. */
  at(position: number): number {
    return this.#ring[position & this.#mask]!
  }
}
