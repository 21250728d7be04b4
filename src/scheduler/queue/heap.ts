/** A binary heap whose elements know their position, so that any of them can be removed or moved in logarithmic time. */

export interface HeapElement {
  /** -1 while in no heap. An element is in at most one heap at a time. */
  heapIndex: number
}

export class Heap<T extends HeapElement> {
  readonly #less: (a: T, b: T) => boolean
  readonly #elements: T[] = []

  constructor(less: (a: T, b: T) => boolean) {
    this.#less = less
  }

  get size(): number {
    return this.#elements.length
  }

  peek(): T | undefined {
    return this.#elements[0]
  }

  elements(): readonly T[] {
    return this.#elements
  }

  push(element: T): void {
    element.heapIndex = this.#elements.length
    this.#elements.push(element)
    this.#up(element.heapIndex)
  }

  pop(): T | undefined {
    const first = this.#elements[0]
    if (first) this.remove(first)
    return first
  }

  /** The element must be in this heap. */
  remove(element: T): void {
    const index = element.heapIndex
    const last = this.#elements.pop()!
    element.heapIndex = -1
    if (last === element) return
    this.#elements[index] = last
    last.heapIndex = index
    this.moved(last)
  }

  /** To be called when what an element is ordered by has changed. */
  moved(element: T): void {
    this.#up(element.heapIndex)
    this.#down(element.heapIndex)
  }

  #up(from: number) {
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!this.#less(this.#elements[index]!, this.#elements[parent]!)) return
      this.#swap(index, parent)
      index = parent
    }
  }

  #down(from: number) {
    let index = from
    for (;;) {
      let least = index
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < this.#elements.length && this.#less(this.#elements[child]!, this.#elements[least]!)) least = child
      }
      if (least === index) return
      this.#swap(index, least)
      index = least
    }
  }

  #swap(i: number, j: number) {
    const [a, b] = [this.#elements[i]!, this.#elements[j]!]
    this.#elements[i] = b
    this.#elements[j] = a
    b.heapIndex = i
    a.heapIndex = j
  }
}
