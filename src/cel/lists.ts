/** Lists that expressions make: of given elements, joined from two, and the one that a loop appends to. */
import { EvaluationError } from './errors.ts'
import { List } from './values.ts'
import type { Result, Value } from './values.ts'

export class ValueList extends List {
  readonly #elements: readonly Value[]

  constructor(elements: readonly Value[]) {
    super()
    this.#elements = elements
  }

  get size(): number {
    return this.#elements.length
  }

  at(index: number): Value {
    return this.#elements[index]!
  }
}

export const EMPTY_LIST: List = new ValueList([])

/** Two lists seen as one; neither is copied. */
class JoinedList extends List {
  readonly #first: List
  readonly #second: List
  readonly size: number

  constructor(first: List, second: List) {
    super()
    this.#first = first
    this.#second = second
    this.size = first.size + second.size
  }

  at(index: number): Result {
    const [list, rest] = this.#part(index)
    return list instanceof JoinedList ? JoinedList.walk(list, rest) : list.at(rest)
  }

  /** The half that has the element, and the element's place in it. */
  #part(index: number): [List, number] {
    const { size } = this.#first
    return index < size ? [this.#first, index] : [this.#second, index - size]
  }

  /** Down a long chain of lists without recursion. */
  static walk(from: JoinedList, index: number): Result {
    let [list, at]: [List, number] = [from, index]
    while (list instanceof JoinedList) [list, at] = list.#part(at)
    return list.at(at)
  }
}

/** Grows in place; only macros have it as their accumulator, so nobody sees it before it is done. */
export class GrowingList extends List {
  readonly #elements: Value[] = []

  get size(): number {
    return this.#elements.length
  }

  at(index: number): Value {
    return this.#elements[index]!
  }

  append(value: Value): void {
    this.#elements.push(value)
  }

  /** The list as it is now and stays. */
  finished(): List {
    return new ValueList(this.#elements)
  }
}

export function concat(a: List, b: List): Result {
  if (a instanceof GrowingList) {
    for (let i = 0; i < b.size; i++) {
      const element = b.at(i)
      if (element instanceof EvaluationError) return element
      a.append(element)
    }
    return a
  }
  if (a.concat) return a.concat(b)
  if (a.size === 0) return b
  return b.size === 0 ? a : new JoinedList(a, b)
}

/** The elements as an array, or the first error among them. */
export function elementsOf(list: List): Value[] | EvaluationError {
  const elements: Value[] = []
  for (let i = 0; i < list.size; i++) {
    const element = list.at(i)
    if (element instanceof EvaluationError) return element
    elements.push(element)
  }
  return elements
}
