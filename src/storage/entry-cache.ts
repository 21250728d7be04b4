/**
 * Current values in memory, by the revision that wrote them, up to a budget of bytes; the least recently used go
 * first. Invariant: at most one Buffer per value, the one that the writer passed or that was read from disk, is shared
 * by all readers, and what the cache drops can be read again.
 */
import type { Revision, StoreEntry } from './store.ts'

/** Bookkeeping of one entry: the objects around the value, the key, and the map's slot. */
const ENTRY_BYTES = 300
/** A decoded object takes about this many times the bytes of its encoded form. */
const ATTACHMENT_FACTOR = 3

export class EntryCache {
  readonly #entries = new Map<Revision, StoreEntry>()
  readonly #budgetBytes: number
  #bytes = 0

  /** Throws RangeError unless `budgetBytes` is a non-negative number. */
  constructor(budgetBytes: number) {
    if (!(budgetBytes >= 0)) throw new RangeError(`the budget must not be negative, got ${budgetBytes}`)
    this.#budgetBytes = budgetBytes
  }

  /** The estimated bytes of everything held. */
  get bytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#entries.size
  }

  /** The entry, which thereby becomes the most recently used. */
  get(revision: Revision): StoreEntry | undefined {
    const entry = this.#entries.get(revision)
    if (entry) {
      this.#entries.delete(revision)
      this.#entries.set(revision, entry)
    }
    return entry
  }

  /** The entry, its rank unchanged: for reading many, which should not push out what is used one at a time. */
  peek(revision: Revision): StoreEntry | undefined {
    return this.#entries.get(revision)
  }

  /** Holds the entry, dropping others if need be. */
  put(entry: StoreEntry): void {
    const bytes = costOf(entry)
    if (bytes > this.#budgetBytes || this.#entries.has(entry.revision)) return
    this.#entries.set(entry.revision, entry)
    this.#bytes += bytes
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#budgetBytes) break
      this.delete(oldest)
    }
  }

  /** Holds the entry if nothing has to be dropped for it. */
  putIfRoom(entry: StoreEntry): void {
    if (this.#bytes + costOf(entry) <= this.#budgetBytes) this.put(entry)
  }

  delete(revision: Revision): void {
    const entry = this.#entries.get(revision)
    if (!entry) return
    this.#entries.delete(revision)
    this.#bytes -= costOf(entry)
  }

  clear(): void {
    this.#entries.clear()
    this.#bytes = 0
  }
}

function costOf(entry: StoreEntry): number {
  return ENTRY_BYTES + entry.value.length * (entry.attachment === undefined ? 1 : 1 + ATTACHMENT_FACTOR)
}
