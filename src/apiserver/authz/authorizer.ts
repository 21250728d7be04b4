/**
 * Everything that decides what a request may do: members of `system:masters` may do anything; then nodes are asked about
 * by what they run, and last everybody by the roles bound to them. One that allows is enough; none of them forbids.
 * Upstream: `pkg/kubeapiserver/authorizer` with `--authorization-mode=Node,RBAC`.
 */
import type { PolicyRule } from '#api/rbac/v1.ts'
import type { Resource } from '#api/kind.ts'
import type { Registry } from '../registry/registry.ts'
import { type Attributes, type Authorizer, type Decision, SUPERUSERS, type User, type UserRules } from '../user.ts'
import { Grants } from './grants.ts'
import { NodeAuthorizer } from './node-authorizer.ts'
import { nodeNameOf } from './node-identity.ts'
import { RbacAuthorizer } from './rbac-authorizer.ts'

const ALLOWED: Decision = Object.freeze({ allowed: true, reason: '' })

export class ClusterAuthorizer implements Authorizer {
  readonly grants: Grants
  readonly rbac: RbacAuthorizer
  readonly #nodes: NodeAuthorizer

  /** `registry` is not asked before `start`; `nodeRules` are what every node may. */
  constructor(registry: (resource: Resource) => Registry, nodeRules: readonly PolicyRule[]) {
    this.grants = new Grants(registry)
    this.rbac = new RbacAuthorizer(this.grants)
    this.#nodes = new NodeAuthorizer(registry, nodeRules)
  }

  /** The watch caches are loaded; until then nobody but superusers may do anything. */
  start(): void {
    this.grants.start()
  }

  authorize(attributes: Attributes): Decision {
    const { user } = attributes
    if (user.groups.includes(SUPERUSERS)) return ALLOWED
    if (nodeNameOf(user) === undefined) return this.rbac.authorize(attributes)
    const byNode = this.#nodes.authorize(attributes)
    if (byNode.allowed) return byNode
    const byRole = this.rbac.authorize(attributes)
    if (byRole.allowed || byNode.reason === '') return byRole
    return { allowed: false, reason: byRole.reason ? `${byNode.reason}\n${byRole.reason}` : byNode.reason }
  }

  rulesFor(user: User, namespace: string): UserRules {
    const byNode = this.#nodes.rulesFor(user, namespace)
    const byRole = this.rbac.rulesFor(user, namespace)
    return {
      resourceRules: byRole.resourceRules,
      nonResourceRules: byRole.nonResourceRules,
      incomplete: byNode.incomplete || byRole.incomplete,
      errors: [...byNode.errors, ...byRole.errors],
    }
  }
}
