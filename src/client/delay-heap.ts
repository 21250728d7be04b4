/** Keys with the time at which each falls due, cheapest to ask for the earliest. A key is in it once, at its earliest time. */
interface Entry<K> {
  key: K
  atMs: number
  index: number
}

export class DelayHeap<K> {
  /** A binary heap by `atMs`: no element is later than its children at 2i+1 and 2i+2. */
  readonly #heap: Entry<K>[] = []
  readonly #entries = new Map<K, Entry<K>>()

  get size(): number {
    return this.#heap.length
  }

  get nextAtMs(): number | undefined {
    return this.#heap[0]?.atMs
  }

  has(key: K): boolean {
    return this.#entries.has(key)
  }

  /** Adds the key, or moves it forward where it is there with a later time. */
  add(key: K, atMs: number): void {
    const existing = this.#entries.get(key)
    if (!existing) {
      const entry = { key, atMs, index: this.#heap.length }
      this.#heap.push(entry)
      this.#entries.set(key, entry)
      this.#up(entry)
    } else if (atMs < existing.atMs) {
      existing.atMs = atMs
      this.#up(existing)
    }
  }

  remove(key: K): boolean {
    const entry = this.#entries.get(key)
    if (!entry) return false
    this.#entries.delete(key)
    const last = this.#heap.pop()!
    if (last !== entry) {
      this.#place(last, entry.index)
      this.#up(last)
      this.#down(last)
    }
    return true
  }

  /** Removes and returns every key due by `nowMs`, earliest first. */
  takeDue(nowMs: number): K[] {
    const due: K[] = []
    for (let first = this.#heap[0]; first && first.atMs <= nowMs; first = this.#heap[0]) {
      this.remove(first.key)
      due.push(first.key)
    }
    return due
  }

  #place(entry: Entry<K>, index: number): void {
    this.#heap[index] = entry
    entry.index = index
  }

  #up(entry: Entry<K>): void {
    while (entry.index > 0) {
      const parent = this.#heap[(entry.index - 1) >> 1]!
      if (parent.atMs <= entry.atMs) return
      const { index } = entry
      this.#place(entry, parent.index)
      this.#place(parent, index)
    }
  }

  #down(entry: Entry<K>): void {
    for (;;) {
      const left = this.#heap[entry.index * 2 + 1]
      const right = this.#heap[entry.index * 2 + 2]
      const child = right && right.atMs < left!.atMs ? right : left
      if (!child || child.atMs >= entry.atMs) return
      const { index } = entry
      this.#place(entry, child.index)
      this.#place(child, index)
    }
  }
}
