/** Which nodes a term of a node selector matches (upstream: component-helpers `nodeaffinity`). */
import { own } from '#base/own.ts'
import type { Node } from './node.ts'
import type { NodeSelectorRequirement, NodeSelectorTerm } from './shared.ts'

/** Whether all requirements of the term hold; one without requirements, or with one that makes no sense, matches nothing. */
export function matchesTerm(term: NodeSelectorTerm, node: Node): boolean {
  const { matchExpressions = [], matchFields = [] } = term
  if (matchExpressions.length + matchFields.length === 0) return false
  const labels = node.metadata.labels ?? {}
  return (
    matchExpressions.every((r) => {
      if (!isSound(r)) return false
      const value = own(labels, r.key)
      const values = r.values ?? []
      switch (r.operator) {
        case 'In':
          return value !== undefined && values.includes(value)
        case 'NotIn':
          return value === undefined || !values.includes(value)
        case 'Exists':
          return value !== undefined
        case 'DoesNotExist':
          return value === undefined
        default: {
          const actual = value === undefined ? undefined : integer(value)
          const limit = BigInt(values[0]!)
          return actual !== undefined && (r.operator === 'Gt' ? actual > limit : actual < limit)
        }
      }
    }) &&
    matchFields.every(({ key, operator, values = [] }) => {
      if (values.length !== 1 || (operator !== 'In' && operator !== 'NotIn')) return false
      return ((key === 'metadata.name' ? node.metadata.name : '') === values[0]) === (operator === 'In')
    })
  )
}

/** Whether the operator is known and has as many values as it takes, of the right form. */
export function isSound({ operator, values = [] }: NodeSelectorRequirement): boolean {
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length > 0
    case 'Exists':
    case 'DoesNotExist':
      return values.length === 0
    case 'Gt':
    case 'Lt':
      return values.length === 1 && integer(values[0]!) !== undefined
    default:
      return false
  }
}

/** A 64-bit integer as Go reads it; undefined for anything else. */
export function integer(text: string): bigint | undefined {
  if (!/^[+-]?\d{1,19}$/.test(text)) return undefined
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  return BigInt.asIntN(64, value) === value ? value : undefined
}
