/**
 * What it takes to bring roles and bindings to what they should at least be: missing rules, selectors and subjects are
 * added, nothing is taken away. Upstream: `component-helpers/auth/rbac/reconciliation`.
 */
import { jsonEqual } from '#base/equal.ts'
import type { Draft } from '#api/kind.ts'
import type { ObjectMeta } from '#api/meta/v1.ts'
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '#api/rbac/v1.ts'
import { AUTO_UPDATE } from './policy/default-policy.ts'
import { uncovered } from './rule-coverage.ts'

type AnyRole = ClusterRole | Role
type AnyBinding = ClusterRoleBinding | RoleBinding

export type PolicyAction<T> =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'update'; readonly object: T }
  /** A binding can't be made to refer to another role. */
  | { readonly kind: 'replace' }

const NOTHING = { kind: 'nothing' } as const

/** An object that says `false` is left alone. */
const isProtected = (metadata: ObjectMeta) => metadata.annotations?.[AUTO_UPDATE] === 'false'

export function planRole<T extends AnyRole>(existing: T, wanted: Draft<T>): PolicyAction<T> {
  if (isProtected(existing.metadata)) return NOTHING
  const { rules: wantedRules = [], aggregationRule: wantedAggregation } = wanted as Draft<ClusterRole>
  const { rules = [], aggregationRule } = existing as ClusterRole
  const missing = uncovered(rules, wantedRules)
  const selectors = aggregationRule?.clusterRoleSelectors ?? []
  const missingSelectors = (wantedAggregation?.clusterRoleSelectors ?? []).filter(
    (selector) => !selectors.some((own) => jsonEqual(own, selector)),
  )
  const metadata = withWanted(existing.metadata, wanted.metadata)
  const isAggregatedByMistake = aggregationRule !== undefined && wantedAggregation === undefined
  if (!metadata && missing.length === 0 && missingSelectors.length === 0 && !isAggregatedByMistake) return NOTHING
  const { aggregationRule: _, ...rest } = existing as ClusterRole
  const object = {
    ...rest,
    metadata: metadata ?? existing.metadata,
    ...(rules.length + missing.length > 0 && { rules: [...rules, ...missing] }),
    ...(wantedAggregation && { aggregationRule: { clusterRoleSelectors: [...selectors, ...missingSelectors] } }),
  }
  return { kind: 'update', object: object as unknown as T }
}

export function planBinding<T extends AnyBinding>(existing: T, wanted: Draft<T>): PolicyAction<T> {
  if (isProtected(existing.metadata)) return NOTHING
  const { roleRef, subjects: wantedSubjects = [] } = wanted as Draft<AnyBinding>
  if (!jsonEqual(existing.roleRef, roleRef)) return { kind: 'replace' }
  const { subjects = [] } = existing
  const missing = wantedSubjects.filter((subject) => !subjects.some((own) => jsonEqual(own, subject)))
  const metadata = withWanted(existing.metadata, wanted.metadata)
  if (!metadata && missing.length === 0) return NOTHING
  const object = { ...existing, metadata: metadata ?? existing.metadata, subjects: [...subjects, ...missing] }
  return { kind: 'update', object }
}

/** Labels and annotations that are missing are added, others kept as they are; undefined where nothing is missing. */
function withWanted<M extends ObjectMeta>(metadata: M, { labels, annotations }: ObjectMeta): M | undefined {
  const merged = {
    labels: { ...labels, ...metadata.labels },
    annotations: { ...annotations, ...metadata.annotations },
  }
  const { labels: oldLabels = {}, annotations: oldAnnotations = {} } = metadata
  if (jsonEqual(merged, { labels: oldLabels, annotations: oldAnnotations })) return undefined
  return { ...metadata, ...merged }
}
