/** @@HEAD rbac/v1.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { LabelSelector } from '#api/meta/v1.ts'

export const AggregationRule = message('rbac.v1.AggregationRule', '', {
  clusterRoleSelectors: f.list(LabelSelector, 1, '').atomic(),
})
export interface AggregationRule extends Infer<typeof AggregationRule> {}

export const PolicyRule = message('rbac.v1.PolicyRule', '', {
  verbs: f.list('string', 1, '').required().atomic(),
  apiGroups: f.list('string', 2, '').atomic(),
  resources: f.list('string', 3, '').atomic(),
  resourceNames: f.list('string', 4, '').atomic(),
  nonResourceURLs: f.list('string', 5, '').atomic(),
})
export interface PolicyRule extends Infer<typeof PolicyRule> {}

export const ClusterRole = kind('rbac.authorization.k8s.io', 'v1', 'ClusterRole', '', {
  rules: f.list(PolicyRule, 2, '').atomic(),
  aggregationRule: f.message(AggregationRule, 3, ''),
})
export interface ClusterRole extends Infer<typeof ClusterRole> {}

export const RoleRef = message('rbac.v1.RoleRef', '', {
  apiGroup: f.string(1, ''),
  kind: f.string(2, '').required(),
  name: f.string(3, '').required(),
})
export interface RoleRef extends Infer<typeof RoleRef> {}

export const Subject = message('rbac.v1.Subject', '', {
  kind: f.string(1, '').required(),
  apiGroup: f.string(2, ''),
  name: f.string(3, '').required(),
  namespace: f.string(4, ''),
})
export interface Subject extends Infer<typeof Subject> {}

export const ClusterRoleBinding = kind('rbac.authorization.k8s.io', 'v1', 'ClusterRoleBinding', '', {
  subjects: f.list(Subject, 2, '').atomic(),
  roleRef: f.message(RoleRef, 3, '').required(),
})
export interface ClusterRoleBinding extends Infer<typeof ClusterRoleBinding> {}

export const Role = kind('rbac.authorization.k8s.io', 'v1', 'Role', '', {
  rules: f.list(PolicyRule, 2, '').atomic(),
})
export interface Role extends Infer<typeof Role> {}

export const RoleBinding = kind('rbac.authorization.k8s.io', 'v1', 'RoleBinding', '', {
  subjects: f.list(Subject, 2, '').atomic(),
  roleRef: f.message(RoleRef, 3, '').required(),
})
export interface RoleBinding extends Infer<typeof RoleBinding> {}
