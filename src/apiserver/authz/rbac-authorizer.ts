/**
 * Role-based access control. What a user may do is the sum of the rules of all roles bound to it; nothing takes anything
 * away. Rules are compiled for each user when first asked for, and again after any role or binding has changed. Upstream:
 * `plugin/pkg/auth/authorizer/rbac`.
 */
import type { PolicyRule, RoleRef, Subject } from '#api/rbac/v1.ts'
import type { Attributes, Authorizer, Decision, User, UserRules } from '../user.ts'
import type { Binding, Grant, Grants } from './grants.ts'
import { RuleTable } from './rule-table.ts'

/** Users that are remembered by name and groups. What is forgotten is worked out again. */
const MAX_REMEMBERED = 2048
/** Namespaces of one user with rules of their own that are remembered. */
const MAX_NAMESPACES = 4096

const NO_OPINION: Decision = Object.freeze({ allowed: false, reason: '' })

interface Compiled {
  readonly version: number
  readonly scopes: ReturnType<Grants['scopesOf']>
  readonly cluster: ScopeRules
  readonly byNamespace: Map<string, ScopeRules>
}

interface ScopeRules {
  readonly table: RuleTable
  readonly errors: readonly string[]
}

export class RbacAuthorizer implements Authorizer {
  readonly #grants: Grants
  readonly #byUser = new WeakMap<User, Compiled>()
  /** For users that are made anew with each request. */
  readonly #byName = new Map<string, Compiled>()

  constructor(grants: Grants) {
    this.#grants = grants
  }

  authorize(attributes: Attributes): Decision {
    const { user, namespace } = attributes
    const compiled = this.#compiled(user)
    const found = compiled.cluster.table.find(attributes)
    if (found) return found
    const local = namespace === '' ? undefined : this.#inNamespace(compiled, user, namespace)
    const foundLocal = local?.table.find(attributes)
    if (foundLocal) return foundLocal
    const errors = local ? [...compiled.cluster.errors, ...local.errors] : compiled.cluster.errors
    return errors.length === 0 ? NO_OPINION : { allowed: false, reason: `RBAC: ${aggregated(errors)}` }
  }

  rulesFor(user: User, namespace: string): UserRules {
    const { rules, errors } = this.policyRulesFor(user, namespace)
    const resourceRules = rules.flatMap(({ verbs, apiGroups = [], resources = [], resourceNames }) =>
      resources.length > 0 ? [{ verbs, apiGroups, resources, ...(resourceNames?.length && { resourceNames }) }] : [],
    )
    const nonResourceRules = rules.flatMap(({ verbs, nonResourceURLs = [] }) =>
      nonResourceURLs.length > 0 ? [{ verbs, nonResourceURLs }] : [],
    )
    return { resourceRules, nonResourceRules, incomplete: false, errors }
  }

  /** All rules that hold for `user` in `namespace` ('': cluster-wide only), and what kept some from being found. */
  policyRulesFor(user: User, namespace: string): { rules: PolicyRule[]; errors: string[] } {
    const grants = this.#grants.grantsOf(user, '')
    if (namespace !== '') grants.push(...this.#grants.grantsOf(user, namespace))
    return {
      rules: grants.flatMap(({ rules = [] }) => rules),
      errors: grants.filter(({ rules }) => !rules).map(({ binding }) => missingRole(binding.roleRef)),
    }
  }

  #compiled(user: User): Compiled {
    const { version } = this.#grants
    const known = this.#byUser.get(user)
    if (known?.version === version) return known
    const key = JSON.stringify([user.name, user.groups])
    const named = this.#byName.get(key)
    const compiled = named?.version === version ? named : this.#compile(user)
    this.#byUser.set(user, compiled)
    if (compiled !== named) {
      if (this.#byName.size >= MAX_REMEMBERED) this.#byName.clear()
      this.#byName.set(key, compiled)
    }
    return compiled
  }

  #compile(user: User): Compiled {
    const { version } = this.#grants
    const scopes = this.#grants.scopesOf(user)
    const cluster = scopeRules(this.#grants.grantsOf(user, '', scopes))
    return { version, scopes, cluster, byNamespace: new Map() }
  }

  #inNamespace({ scopes, byNamespace }: Compiled, user: User, namespace: string): ScopeRules | undefined {
    if (!scopes.some((scope) => scope.has(namespace))) return undefined
    let rules = byNamespace.get(namespace)
    if (!rules) {
      if (byNamespace.size >= MAX_NAMESPACES) byNamespace.clear()
      byNamespace.set(namespace, (rules = scopeRules(this.#grants.grantsOf(user, namespace, scopes))))
    }
    return rules
  }
}

function scopeRules(grants: readonly Grant[]): ScopeRules {
  const table = new RuleTable()
  const errors: string[] = []
  for (const { binding, subject, rules } of grants) {
    if (!rules) errors.push(missingRole(binding.roleRef))
    const decision = { allowed: true, reason: `RBAC: allowed by ${grantText(binding, subject)}` }
    for (const rule of rules ?? []) table.add(rule, decision)
  }
  return { table, errors }
}

const missingRole = ({ kind, name }: RoleRef) =>
  `${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`

/** Several errors as one text, each of them once. Upstream: `utilerrors.Aggregate`. */
export function aggregated(errors: readonly string[]): string {
  const distinct = [...new Set(errors)]
  return distinct.length === 1 ? distinct[0]! : `[${distinct.join(', ')}]`
}

function grantText({ metadata, roleRef }: Binding, subject: Subject): string {
  const { name, namespace } = metadata
  const where = namespace ? `RoleBinding "${name}/${namespace}"` : `ClusterRoleBinding ${JSON.stringify(name)}`
  return `${where} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subjectText(subject, namespace ?? '')}`
}

function subjectText({ kind, name, namespace }: Subject, bindingNamespace: string): string {
  return kind === 'ServiceAccount'
    ? `${kind} "${name}/${namespace || bindingNamespace}"`
    : `${kind} ${JSON.stringify(name)}`
}
