/**
 * Why somebody may or may not do something: which bindings allow it, which nearly do, and which roles would. Pure; it goes
 * by the roles and bindings alone, and says of others who decide (superusers, what nodes run) only that they do.
 */
import { isAbout, nameMatches, ruleAllows, verbMatches, type WantedAccess } from '#api/rbac/policy-rule.ts'
import { type Somebody, subjectOf } from '#api/rbac/subjects.ts'
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from '#api/rbac/v1.ts'

export interface Question extends WantedAccess {
  readonly user: Somebody
  /** '' for what is done at the cluster scope, or in all namespaces. */
  readonly namespace: string
}

/** As far as whoever asks may read them. */
export interface Policy {
  readonly clusterRoles: readonly ClusterRole[]
  readonly clusterRoleBindings: readonly ClusterRoleBinding[]
  readonly roles: readonly Role[]
  readonly roleBindings: readonly RoleBinding[]
}

/** A binding by which `user` has a rule. */
export interface Held {
  /** `ClusterRoleBinding readers`, `RoleBinding team/readers`. */
  readonly binding: string
  /** '' where it holds everywhere. */
  readonly namespace: string
  readonly role: string
  readonly subject: Subject
  readonly rule: PolicyRule
}

/** What a rule that is about the same thing lacks. */
export interface NearMiss extends Held {
  readonly lacks: ('namespace' | 'verb' | 'name')[]
}

export interface Explanation {
  readonly allowedBy: readonly Held[]
  /** Those that lack least first. */
  readonly nearest: readonly NearMiss[]
  /** Bindings of the user whose role is not there. */
  readonly broken: readonly { readonly binding: string; readonly role: string }[]
  /** Roles that would allow it, the narrowest first. A Role is one of the namespace in question. */
  readonly wouldAllow: readonly { readonly kind: 'ClusterRole' | 'Role'; readonly name: string }[]
  /** How many bindings there are for the user and its groups. */
  readonly bindings: number
}

/** So many near misses and roles are named. */
const MAX_NAMED = 5

export function explain(question: Question, policy: Policy): Explanation {
  const { user, namespace } = question
  const clusterRules = new Map(policy.clusterRoles.map(({ metadata, rules = [] }) => [metadata.name, rules]))
  const localRules = new Map(
    policy.roles.map(({ metadata, rules = [] }) => [`${metadata.namespace}/${metadata.name}`, rules]),
  )
  const allowedBy: Held[] = []
  const nearest: NearMiss[] = []
  const broken: { binding: string; role: string }[] = []
  let bindings = 0
  for (const bound of [...policy.clusterRoleBindings, ...policy.roleBindings]) {
    const subject = subjectOf(bound, user)
    if (!subject) continue
    bindings++
    const { metadata, roleRef } = bound
    const where = metadata.namespace ?? ''
    const binding = where ? `RoleBinding ${where}/${metadata.name}` : `ClusterRoleBinding ${metadata.name}`
    const role = `${roleRef.kind} ${roleRef.name}`
    const rules = roleRef.kind === 'Role' ? localRules.get(`${where}/${roleRef.name}`) : clusterRules.get(roleRef.name)
    if (!rules) broken.push({ binding, role })
    for (const rule of rules ?? []) {
      // Paths are granted cluster-wide or not at all.
      if (!isAbout(rule, question) || (question.path !== undefined && where !== '')) continue
      const held: Held = { binding, namespace: where, role, subject, rule }
      const lacks: NearMiss['lacks'] = []
      if (where !== '' && where !== namespace) lacks.push('namespace')
      if (!verbMatches(rule, question.verb)) lacks.push('verb')
      if (question.path === undefined && !nameMatches(rule.resourceNames, question.name)) lacks.push('name')
      if (lacks.length === 0) allowedBy.push(held)
      else nearest.push({ ...held, lacks })
    }
  }
  nearest.sort((a, b) => a.lacks.length - b.lacks.length)
  return { allowedBy, nearest: nearest.slice(0, MAX_NAMED), broken, wouldAllow: sufficient(question, policy), bindings }
}

function sufficient(question: Question, { clusterRoles, roles }: Policy): Explanation['wouldAllow'] {
  const found: { kind: 'ClusterRole' | 'Role'; name: string; width: number }[] = []
  const add = (kind: 'ClusterRole' | 'Role', { metadata, rules = [] }: ClusterRole | Role) => {
    if (rules.some((rule) => ruleAllows(rule, question)))
      found.push({ kind, name: metadata.name, width: widthOf(rules) })
  }
  if (question.path === undefined && question.namespace !== '')
    for (const role of roles) if (role.metadata.namespace === question.namespace) add('Role', role)
  for (const role of clusterRoles) add('ClusterRole', role)
  // Those for parts of the cluster are made for nobody else.
  const rank = ({ name, width }: (typeof found)[number]) => width + (name.startsWith('system:') ? 1e9 : 0)
  found.sort((a, b) => rank(a) - rank(b))
  return found.slice(0, MAX_NAMED).map(({ kind, name }) => ({ kind, name }))
}

/** How much the rules allow altogether; `*` counts for a lot. */
function widthOf(rules: readonly PolicyRule[]): number {
  const count = (values: readonly string[] = []) => (values.includes('*') ? 1000 : values.length)
  const widths = rules.map(
    ({ verbs, resources, nonResourceURLs }) => count(verbs) * (count(resources) + count(nonResourceURLs)),
  )
  return widths.reduce((sum, width) => sum + width, 0)
}
