/** All built-in roles and bindings as the objects that they are in the API. */
import type { Draft } from '#api/kind.ts'
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding } from '#api/rbac/v1.ts'
import { clusterSubjects, GROUP, serviceAccount, type SubjectData } from './bindings.ts'
import { clusterRoleData } from './cluster-roles.ts'
import { controllerRules } from './controller-roles.ts'
import { namespacedRoleData } from './namespaced-roles.ts'
import { ownClusterBindings, ownClusterRoles, ownControllerRules, ownNamespacedRoles } from './own-roles.ts'

export interface Policy {
  readonly clusterRoles: readonly Draft<ClusterRole>[]
  readonly clusterRoleBindings: readonly Draft<ClusterRoleBinding>[]
  readonly roles: readonly Draft<Role>[]
  readonly roleBindings: readonly Draft<RoleBinding>[]
}

const AGGREGATE_TO = 'rbac.authorization.k8s.io/aggregate-to-'
/** `false` keeps a role or binding from being brought back to what it was. */
export const AUTO_UPDATE = 'rbac.authorization.kubernetes.io/autoupdate'

const defaultMetadata = (labels: Record<string, string> = {}) => ({
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
  annotations: { [AUTO_UPDATE]: 'true' },
})

const bindingOf = (kind: string, roleName: string, subjects: readonly SubjectData[]) => ({
  roleRef: { apiGroup: GROUP, kind, name: roleName },
  ...(subjects.length > 0 && { subjects: subjects.map((subject) => ({ ...subject })) }),
})

export function defaultPolicy(): Policy {
  const controllers = Object.entries({ ...controllerRules, ...ownControllerRules }).map(([account, rules]) => ({
    name: `system:controller:${account}`,
    account,
    rules,
  }))
  const plain = ({ name, rules }: { name: string; rules: readonly PolicyRule[] }) => ({
    metadata: { name, ...defaultMetadata() },
    rules: [...rules],
  })
  const namespaced = [...namespacedRoleData, ...ownNamespacedRoles]
  return {
    clusterRoles: [
      ...[...clusterRoleData, ...ownClusterRoles].map(({ name, rules, aggregates, aggregatedTo }) => ({
        metadata: { name, ...defaultMetadata(aggregatedTo && { [AGGREGATE_TO + aggregatedTo]: 'true' }) },
        // The rules of an aggregated role are for its controller to write.
        ...(aggregates
          ? { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [AGGREGATE_TO + aggregates]: 'true' } }] } }
          : { rules: [...rules] }),
      })),
      ...controllers.map(plain),
    ],
    clusterRoleBindings: [
      ...Object.entries(clusterSubjects).map(([name, subjects]) => ({
        metadata: { name, ...defaultMetadata() },
        ...bindingOf('ClusterRole', name, subjects),
      })),
      ...Object.entries(ownClusterBindings).map(([name, { role, subjects }]) => ({
        metadata: { name, ...defaultMetadata() },
        ...bindingOf('ClusterRole', role, subjects),
      })),
      ...controllers.map(({ name, account }) => ({
        metadata: { name, ...defaultMetadata() },
        ...bindingOf('ClusterRole', name, [serviceAccount('kube-system', account)]),
      })),
    ],
    roles: namespaced.map(({ namespace, name, rules }) => ({
      metadata: { namespace, name, ...defaultMetadata() },
      rules: [...rules],
    })),
    roleBindings: namespaced.map(({ namespace, name, bindingName = name, subjects }) => ({
      metadata: { namespace, name: bindingName, ...defaultMetadata() },
      ...bindingOf('Role', name, subjects),
    })),
  }
}
