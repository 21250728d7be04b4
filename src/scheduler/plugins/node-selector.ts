/**
 * Node selectors compiled to tests on the label columns (upstream: component-helpers `nodeaffinity`). Terms are ORed,
 * the requirements of a term ANDed; a term without requirements, or with one that makes no sense, matches nothing.
 *
 * A compiled test refers to columns and value numbers that existed when it was made: it holds until `stamp` changes.
 */
import type { Node } from '#api/core/v1/node.ts'
import { integer, isSound, matchesTerm } from '#api/core/v1/node-selector-term.ts'
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from '#api/core/v1/shared.ts'
import type { NodeTable } from '../state/node-table.ts'
import type { PodShape } from '../state/pod-shape.ts'

export type NodeTest = (node: number) => boolean

const never: NodeTest = () => false

export class NodeSelectorCompiler {
  readonly #table: NodeTable
  #dependsOnNewKeys = false
  #dependsOnNewValues = false

  constructor(table: NodeTable) {
    this.#table = table
  }

  /** Changes when a key or value appeared on a node that a compiled test asked for in vain. */
  get stamp(): number {
    const { labels } = this.#table
    return (this.#dependsOnNewKeys ? labels.keysVersion : 0) + (this.#dependsOnNewValues ? labels.valuesVersion : 0)
  }

  /** `spec.nodeSelector` and the required node affinity; undefined where the shape has neither. */
  required(shape: PodShape): NodeTest | undefined {
    const selector = shape.nodeSelector
    const affinity = shape.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
    const byMap = selector && all(Object.entries(selector).map(([key, value]) => this.#equals(key, value)))
    const byAffinity = affinity && this.selector(affinity)
    if (byMap && byAffinity) return (node) => byMap(node) && byAffinity(node)
    return byMap ?? byAffinity
  }

  selector(selector: NodeSelector): NodeTest {
    const terms = (selector.nodeSelectorTerms ?? []).map((term) => this.term(term))
    return (node) => terms.some((matches) => matches(node))
  }

  term(term: NodeSelectorTerm): NodeTest {
    const tests = [
      ...(term.matchExpressions ?? []).map((r) => (isSound(r) ? this.#expression(r) : undefined)),
      ...(term.matchFields ?? []).map((r) => this.#field(r)),
    ]
    if (tests.length === 0 || tests.includes(undefined)) return never
    return all(tests as NodeTest[])
  }

  #field({ key, operator, values = [] }: NodeSelectorRequirement): NodeTest | undefined {
    if (values.length !== 1 || (operator !== 'In' && operator !== 'NotIn')) return undefined
    const isIn = operator === 'In'
    // Only the name can be selected by; any other field reads as empty.
    return (node) => ((key === 'metadata.name' ? this.#table.name(node) : '') === values[0]) === isIn
  }

  #expression({ key, operator, values = [] }: NodeSelectorRequirement): NodeTest {
    const column = this.#table.labels.column(key)
    if (!column) this.#dependsOnNewKeys = true
    const at: (node: number) => number = column ? (node) => column.values[node]! : () => 0
    switch (operator) {
      case 'In': {
        const ids = this.#ids(values)
        if (ids.size === 1) {
          const [only] = ids
          return (node) => at(node) === only
        }
        return (node) => ids.has(at(node))
      }
      case 'NotIn': {
        const ids = this.#ids(values)
        return (node) => !ids.has(at(node))
      }
      case 'Exists':
        return (node) => at(node) !== 0
      case 'DoesNotExist':
        return (node) => at(node) === 0
      default: {
        const limit = BigInt(values[0]!)
        const isGreater = operator === 'Gt'
        return (node) => {
          const id = at(node)
          const actual = id === 0 ? undefined : integer(this.#table.labels.value(id))
          return actual !== undefined && (isGreater ? actual > limit : actual < limit)
        }
      }
    }
  }

  #equals(key: string, value: string): NodeTest {
    return this.#expression({ key, operator: 'In', values: [value] })
  }

  #ids(values: readonly string[]): Set<number> {
    const ids = new Set<number>()
    for (const value of values) {
      const id = this.#table.labels.valueId(value)
      if (id === undefined) this.#dependsOnNewValues = true
      else ids.add(id)
    }
    return ids
  }
}

/** The same for one Node object, which need not be in the table: for looking at a node as it was before a change. */
export function matchesRequired(shape: PodShape, node: Node): boolean {
  const labels = node.metadata.labels ?? {}
  for (const key in shape.nodeSelector) if (labels[key] !== shape.nodeSelector[key]) return false
  const affinity = shape.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return !affinity || (affinity.nodeSelectorTerms ?? []).some((term) => matchesTerm(term, node))
}

function all(tests: readonly NodeTest[]): NodeTest {
  if (tests.length === 1) return tests[0]!
  return (node) => tests.every((test) => test(node))
}
