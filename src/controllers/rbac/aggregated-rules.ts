/** Which rules an aggregated ClusterRole consists of. Pure. */
import { jsonEqual } from '#base/equal.ts'
import type { ClusterRole, PolicyRule } from '#api/rbac/v1.ts'
import { selectorFromObject } from '#machinery/labels.ts'

/**
 * The rules of all roles that `role` selects but itself: selector by selector, within each by the roles' names, each rule
 * once. `all` is in any order. Undefined for a role that aggregates nothing. Throws SelectorError.
 */
export function aggregatedRules(role: ClusterRole, all: readonly ClusterRole[]): PolicyRule[] | undefined {
  if (!role.aggregationRule) return undefined
  const byName = all.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  const rules: PolicyRule[] = []
  for (const selector of role.aggregationRule.clusterRoleSelectors ?? []) {
    const { matches } = selectorFromObject(selector)
    for (const { metadata, rules: own = [] } of byName) {
      if (metadata.name === role.metadata.name || !matches(metadata.labels)) continue
      for (const rule of own) if (!rules.some((known) => jsonEqual(known, rule))) rules.push(rule)
    }
  }
  return rules
}
