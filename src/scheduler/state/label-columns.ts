/**
 * The labels of all nodes, one column of integers for each key: 0 where the node does not have it, else the number of
 * its value. Only keys and values that nodes carry have numbers, so that what pods ask for cannot make this grow.
 */
import { growInt32 } from './grow.ts'

export interface LabelColumn {
  readonly key: string
  /** By node index. Replaced when it grows, so read it from here each time. */
  values: Int32Array
}

export class LabelColumns {
  readonly #columns = new Map<string, LabelColumn>()
  readonly #valueIds = new Map<string, number>()
  readonly #values: string[] = ['']
  #capacity: number
  /** Goes up with every new key. */
  keysVersion = 0
  /** Goes up with every new value. */
  valuesVersion = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Undefined where no node has ever had the key. */
  column(key: string): LabelColumn | undefined {
    return this.#columns.get(key)
  }

  /** Undefined where no node has ever had the value, under any key. */
  valueId(value: string): number | undefined {
    return this.#valueIds.get(value)
  }

  value(id: number): string {
    return this.#values[id]!
  }

  /** One more than the greatest value id. */
  get valueCount(): number {
    return this.#values.length
  }

  set(node: number, labels: Readonly<Record<string, string>>, previous: Readonly<Record<string, string>>): void {
    for (const key in previous) if (!(key in labels)) this.#columns.get(key)!.values[node] = 0
    for (const key in labels) this.#columnFor(key).values[node] = this.#idFor(labels[key]!)
  }

  grow(capacity: number): void {
    this.#capacity = capacity
    for (const column of this.#columns.values()) column.values = growInt32(column.values, capacity)
  }

  #columnFor(key: string): LabelColumn {
    let column = this.#columns.get(key)
    if (!column) {
      column = { key, values: new Int32Array(this.#capacity) }
      this.#columns.set(key, column)
      this.keysVersion++
    }
    return column
  }

  #idFor(value: string): number {
    let id = this.#valueIds.get(value)
    if (id === undefined) {
      id = this.#values.length
      this.#values.push(value)
      this.#valueIds.set(value, id)
      this.valuesVersion++
    }
    return id
  }
}
