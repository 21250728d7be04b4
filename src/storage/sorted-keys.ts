/** An ordered set of keys, of which those under a prefix can be had. */
import { type Order, SortedList } from '#base/sorted-list.ts'
import { compareKeys, justAfter, lastUnder } from './keys.ts'

const byItself: Order<string> = { keyOf: (key) => key, compare: compareKeys }

export class SortedKeys {
  readonly #keys: SortedList<string>

  /** The set of `keys`, which ascend and differ. */
  constructor(keys: readonly string[] = []) {
    this.#keys = new SortedList(byItself, keys)
  }

  get size(): number {
    return this.#keys.size
  }

  /** Adds `key`; does nothing when it is there. */
  add(key: string): void {
    this.#keys.set(key)
  }

  /** Removes `key`; does nothing when it is absent. */
  delete(key: string): void {
    this.#keys.delete(key)
  }

  /** Keys that start with `prefix` and come after `startAfter`, ascending, at most `limit`. */
  under(prefix: string, startAfter: string, limit: number): string[] {
    const first = this.#keys.countBefore(compareKeys(startAfter, prefix) >= 0 ? justAfter(startAfter) : prefix)
    return this.#keys.slice(first, Math.min(first + limit, this.#keys.countBefore(lastUnder(prefix))))
  }
}
