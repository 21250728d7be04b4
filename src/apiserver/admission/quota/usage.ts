/**
 * What objects of a resource use of a quota, and which requests may change that. The resources that are more than counted
 * have files of their own. Upstream: `apiserver/pkg/quota/v1` (Evaluator, ObjectCountEvaluator).
 */
import type { KubeObject, Resource } from '#api/kind.ts'
import { qualified } from '#machinery/status-error.ts'
import type { Stored } from '../../registry/strategy.ts'
import type { AdmissionRequest } from '../admission.ts'
import { type Amounts, ONE } from './amounts.ts'

/** Upstream: `ScopedResourceSelectorRequirement`. */
export interface ScopeSelector {
  scopeName: string
  operator: string
  values?: readonly string[] | undefined
}

/** What else the use of an object depends upon. */
export interface UsageContext {
  readonly nowMs: number
  find<T extends KubeObject>(resource: Resource<T>, namespace: string | undefined, name: string): T | undefined
  all<T extends KubeObject>(resource: Resource<T>, namespace: string | undefined): readonly T[]
}

export interface Evaluator {
  /** Whether a bound of this name is about objects of the resource. */
  bounds(name: string, context: UsageContext): boolean
  /** Whether the request may make an object use more than it did. */
  concerns(request: AdmissionRequest, object: Stored): boolean
  /** Whether the object is one of those that the scope is about. Default: no scope is about objects of this resource. */
  inScope?(selector: ScopeSelector, object: Stored): boolean
  /** What the object has to say of itself to be counted, and does not. `names` are bounds about the resource. */
  lacking?(names: readonly string[], object: Stored): string | undefined
  usage(object: Stored, context: UsageContext): Amounts
  /** When the object will use less without having changed, in milliseconds since the epoch. */
  endsAt?(object: Stored): number | undefined
}

/** The name by which all objects of a resource can be counted. */
export const countName = (resource: { group: string; plural: string }) => `count/${qualified(resource)}`

/** The resource that a name counts, as `{ group, plural }`; undefined for other names. */
export function countedBy(name: string): { group: string; plural: string } | undefined {
  const found = /^count\/([^./]+)(?:\.([^/]+))?$/.exec(name)
  return found ? { plural: found[1]!, group: found[2] ?? '' } : undefined
}

/** Counts objects, whatever they are, also under the shorter name that some resources have. */
export function countEvaluator(resource: { group: string; plural: string }, alias?: string): Evaluator {
  const names = alias === undefined ? [countName(resource)] : [countName(resource), alias]
  const one: Amounts = new Map(names.map((name) => [name, ONE]))
  return {
    bounds: (name) => names.includes(name),
    concerns: ({ operation, subresource }) => operation === 'CREATE' && subresource === '',
    usage: () => one,
  }
}

/** Whether a selector holds for something that has these `values` of what it is about. */
export function selects({ operator, values = [] }: ScopeSelector, having: readonly string[]): boolean {
  switch (operator) {
    case 'Exists':
      return having.length > 0
    case 'DoesNotExist':
      return having.length === 0
    case 'In':
      return having.some((value) => values.includes(value))
    default:
      return having.length === 0 || having.some((value) => !values.includes(value))
  }
}
