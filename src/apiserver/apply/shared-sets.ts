/**
 * Sets of fields that many objects have, kept once. Objects of a kind mostly look alike, and their sets are the larger
 * part of them; those that are shared need no memory of their own, and are encoded once.
 *
 * Invariant: what `share` returns is frozen at its root, and equal sets are the very same one for as long as they are
 * among the last ones that were asked for.
 */
import { jsonEqual } from '#base/equal.ts'
import type { FieldSet } from './field-set.ts'

/** How many sets are remembered, and of how many it is tried first whether they are the one. */
const REMEMBERED = 512
const RECENT = 8
/** Larger sets (in characters of text) are few, and are not kept for others. */
const MAX_SHARED_LENGTH = 64 << 10

export class SharedSets {
  /** By their text, the least recently used first. */
  readonly #sets = new Map<string, FieldSet>()
  /** The most recently asked for first. */
  readonly #recent: FieldSet[] = []

  share(set: FieldSet): FieldSet {
    if (Object.isFrozen(set)) return set
    // Parts of sets are mostly shared already, so that comparing is less work than encoding.
    const at = this.#recent.findIndex((recent) => jsonEqual(recent, set))
    const shared = at < 0 ? this.#byText(set) : this.#recent.splice(at, 1)[0]!
    if (!shared) return Object.freeze(set)
    this.#recent.unshift(shared)
    if (this.#recent.length > RECENT) this.#recent.pop()
    return shared
  }

  /** Undefined for one that is too large. */
  #byText(set: FieldSet): FieldSet | undefined {
    const text = JSON.stringify(set)
    if (text.length > MAX_SHARED_LENGTH) return undefined
    const shared = this.#sets.get(text) ?? Object.freeze(set)
    this.#sets.delete(text)
    this.#sets.set(text, shared)
    if (this.#sets.size > REMEMBERED) {
      const [oldest] = this.#sets.keys()
      this.#sets.delete(oldest!)
    }
    return shared
  }
}
