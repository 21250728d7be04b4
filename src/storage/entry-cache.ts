/**
 * Current values in memory, by the revision that wrote them, up to a budget of bytes; what was not used lately goes
 * first (the CLOCK algorithm). Invariant: at most one Buffer per value, the one that the writer passed or that was read from disk, is shared
 * by all readers, and what the cache drops can be read again.
 */
import type { Revision, StoreEntry } from './store.ts'

/** Bookkeeping of one entry: the objects around the value, the key, and the map's slot. */
const ENTRY_BYTES = 300
/** A decoded object takes about this many times the bytes of its encoded form. */
const ATTACHMENT_FACTOR = 3

interface Slot {
  readonly entry: StoreEntry
  /** Asked for since it was last considered for dropping. */
  used: boolean
}

export class EntryCache {
  /** From the first to be considered for dropping to the last. */
  readonly #slots = new Map<Revision, Slot>()
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
    return this.#slots.size
  }

  /** The entry, which is thereby spared when the next ones are dropped. */
  get(revision: Revision): StoreEntry | undefined {
    const slot = this.#slots.get(revision)
    if (!slot) return undefined
    slot.used = true
    return slot.entry
  }

  /** The entry, its rank unchanged: for reading many, which should not push out what is used one at a time. */
  peek(revision: Revision): StoreEntry | undefined {
    return this.#slots.get(revision)?.entry
  }

  /** Holds the entry, dropping others if need be. */
  put(entry: StoreEntry): void {
    const bytes = costOf(entry)
    if (bytes > this.#budgetBytes || this.#slots.has(entry.revision)) return
    this.#slots.set(entry.revision, { entry, used: false })
    this.#bytes += bytes
    if (this.#bytes > this.#budgetBytes) this.#shrink()
  }

  /** Holds the entry if nothing has to be dropped for it. */
  putIfRoom(entry: StoreEntry): void {
    if (this.#bytes + costOf(entry) <= this.#budgetBytes) this.put(entry)
  }

  delete(revision: Revision): void {
    const slot = this.#slots.get(revision)
    if (!slot) return
    this.#slots.delete(revision)
    this.#bytes -= costOf(slot.entry)
  }

  clear(): void {
    this.#slots.clear()
    this.#bytes = 0
  }

  /** Goes through the slots like the hand of a clock: who was used gets a second chance, who was not goes. */
  #shrink() {
    for (const [revision, slot] of this.#slots) {
      if (this.#bytes <= this.#budgetBytes) return
      if (slot.used) {
        slot.used = false
        this.#slots.delete(revision)
        this.#slots.set(revision, slot)
      } else {
        this.delete(revision)
      }
    }
  }
}

function costOf(entry: StoreEntry): number {
  return ENTRY_BYTES + entry.value.length * (entry.attachment === undefined ? 1 : 1 + ATTACHMENT_FACTOR)
}
