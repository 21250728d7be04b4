/**
 * An ordered set of keys in chunks of bounded size: adding costs two binary searches and a move within one chunk,
 * however many keys there are. Invariant: no chunk is empty, and chunks and the keys inside them ascend.
 */
import { compareKeys } from './keys.ts'

const CHUNK_KEYS = 512

export class SortedKeys {
  #chunks: string[][] = []
  #size = 0

  /** The set of `keys`, which ascend and differ. */
  static of(keys: readonly string[]): SortedKeys {
    const set = new SortedKeys()
    for (let i = 0; i < keys.length; i += CHUNK_KEYS) set.#chunks.push(keys.slice(i, i + CHUNK_KEYS))
    set.#size = keys.length
    return set
  }

  get size(): number {
    return this.#size
  }

  /** Adds `key`; does nothing when it is there. */
  add(key: string): void {
    if (this.#chunks.length === 0) {
      this.#chunks.push([key])
      this.#size++
      return
    }
    const c = Math.max(this.#chunkOf(key), 0)
    const chunk = this.#chunks[c]!
    const i = lowerBound(chunk, key)
    if (chunk[i] === key) return
    chunk.splice(i, 0, key)
    this.#size++
    if (chunk.length > CHUNK_KEYS) this.#chunks.splice(c + 1, 0, chunk.splice(CHUNK_KEYS >> 1))
  }

  /** Removes `key`; does nothing when it is absent. */
  delete(key: string): void {
    const c = this.#chunkOf(key)
    const chunk = this.#chunks[c]
    if (!chunk) return
    const i = lowerBound(chunk, key)
    if (chunk[i] !== key) return
    chunk.splice(i, 1)
    this.#size--
    if (chunk.length === 0) this.#chunks.splice(c, 1)
  }

  /** Keys that start with `prefix` and come after `startAfter`, ascending, at most `limit`. */
  under(prefix: string, startAfter: string, limit: number): string[] {
    const from = compareKeys(startAfter, prefix) > 0 ? startAfter : prefix
    const found: string[] = []
    let c = Math.max(this.#chunkOf(from), 0)
    let i = c < this.#chunks.length ? lowerBound(this.#chunks[c]!, from) : 0
    for (; c < this.#chunks.length; c++, i = 0) {
      const chunk = this.#chunks[c]!
      for (; i < chunk.length; i++) {
        const key = chunk[i]!
        if (!key.startsWith(prefix) || found.length >= limit) return found
        if (key !== startAfter) found.push(key)
      }
    }
    return found
  }

  /** The index of the last chunk whose first key is not after `key`, or -1. */
  #chunkOf(key: string): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareKeys(this.#chunks[middle]![0]!, key) <= 0) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}

/** The first index whose key is not before `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareKeys(keys[middle]!, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
