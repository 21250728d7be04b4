/**
 * Elements in order of their keys, each key once, in chunks of bounded size: a change costs two binary searches and a move
 * within one chunk, however many elements there are. Invariant: no chunk is empty, and chunks and what is in them ascend.
 */

/** A chunk that has grown to so many is cut in two. */
const MAX_CHUNK = 1024

export interface Order<E> {
  keyOf(element: E): string
  /** Negative, zero or positive, as `Array.sort` has it. */
  compare(a: string, b: string): number
}

export class SortedList<E> {
  readonly #order: Order<E>
  readonly #chunks: E[][] = []
  #size = 0

  /** Of `elements`, which ascend and differ. */
  constructor(order: Order<E>, elements: readonly E[] = []) {
    this.#order = order
    for (let at = 0; at < elements.length; at += MAX_CHUNK - 1)
      this.#chunks.push(elements.slice(at, at + MAX_CHUNK - 1))
    this.#size = elements.length
  }

  get size(): number {
    return this.#size
  }

  /** Puts an element in, in the place of the one that has its key. */
  set(element: E): void {
    const key = this.#order.keyOf(element)
    const at = this.#chunkFor(key)
    const chunk = this.#chunks[at]
    if (!chunk) {
      this.#chunks.push([element])
      this.#size++
      return
    }
    const position = firstNotBefore(chunk, key, this.#order)
    if (this.#hasKey(chunk, position, key)) {
      chunk[position] = element
      return
    }
    chunk.splice(position, 0, element)
    this.#size++
    if (chunk.length < MAX_CHUNK) return
    // A list that only grows at its end has full chunks.
    const isLast = position === chunk.length - 1
    this.#chunks.splice(at + 1, 0, chunk.splice(isLast ? position : chunk.length >>> 1))
  }

  /** Does nothing where there is no such key. */
  delete(key: string): void {
    const at = this.#chunkFor(key)
    const chunk = this.#chunks[at]
    if (!chunk) return
    const position = firstNotBefore(chunk, key, this.#order)
    if (!this.#hasKey(chunk, position, key)) return
    chunk.splice(position, 1)
    this.#size--
    if (chunk.length === 0) this.#chunks.splice(at, 1)
  }

  /** How many elements have keys that come before `key`. */
  countBefore(key: string): number {
    const at = this.#chunkFor(key)
    const chunk = this.#chunks[at]
    if (!chunk) return 0
    let count = firstNotBefore(chunk, key, this.#order)
    for (let i = 0; i < at; i++) count += this.#chunks[i]!.length
    return count
  }

  /** The elements from position `from` to before position `to`. */
  slice(from = 0, to = this.#size): E[] {
    const out: E[] = []
    let start = 0
    for (const chunk of this.#chunks) {
      if (start >= to) break
      const last = Math.min(chunk.length, to - start)
      for (let i = Math.max(0, from - start); i < last; i++) out.push(chunk[i]!)
      start += chunk.length
    }
    return out
  }

  #hasKey(chunk: readonly E[], position: number, key: string): boolean {
    return position < chunk.length && this.#order.keyOf(chunk[position]!) === key
  }

  /** Index of the last chunk whose first key is not after `key`, or the first chunk. */
  #chunkFor(key: string): number {
    const { keyOf, compare } = this.#order
    let low = 0
    let high = this.#chunks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (compare(keyOf(this.#chunks[middle]![0]!), key) <= 0) low = middle
      else high = middle - 1
    }
    return low
  }
}

/** Index of the first of ascending elements whose key does not come before `key`. */
export function firstNotBefore<E>(elements: readonly E[], key: string, { keyOf, compare }: Order<E>): number {
  let low = 0
  let high = elements.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compare(keyOf(elements[middle]!), key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
