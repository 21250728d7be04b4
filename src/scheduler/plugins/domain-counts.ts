/**
 * A number for each value of one topology label: how many pods, or how much score, are in the zone, on the host, and so
 * on. The value is looked up through the label column, so that adding up is an array access per node.
 */
import type { LabelColumn } from '../state/label-columns.ts'
import type { NodeTable } from '../state/node-table.ts'

export class DomainCounts {
  readonly #column: LabelColumn | undefined
  readonly #counts: Float64Array
  /** Whether anything was added, be the sum 0. */
  isTouched = false

  constructor(nodes: NodeTable, topologyKey: string) {
    this.#column = nodes.labels.column(topologyKey)
    this.#counts = new Float64Array(this.#column ? nodes.labels.valueCount : 0)
  }

  /** Whether the node has the topology label at all. */
  has(node: number): boolean {
    return this.#column !== undefined && this.#column.values[node] !== 0
  }

  /** The number of the node's value; 0 where it has none. */
  valueId(node: number): number {
    return this.#column === undefined ? 0 : this.#column.values[node]!
  }

  /** Does nothing for a node without the label. */
  add(node: number, amount: number): void {
    const value = this.valueId(node)
    if (value === 0) return
    this.#counts[value]! += amount
    this.isTouched = true
  }

  /** The number of the node's domain; 0 for a node without the label. */
  of(node: number): number {
    const value = this.valueId(node)
    return value === 0 ? 0 : this.#counts[value]!
  }
}
