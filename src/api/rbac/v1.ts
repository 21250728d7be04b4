/**
 * Role-based access control: Role and ClusterRole say what may be done, RoleBinding and ClusterRoleBinding say by
 * whom.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { LabelSelector } from '#api/meta/v1.ts'

export const AggregationRule = message('rbac.v1.AggregationRule', 'Fills a ClusterRole with the rules of others.', {
  clusterRoleSelectors: f
    .list(LabelSelector, 1, 'Labels of the ClusterRoles to take rules from; one match is enough.')
    .atomic(),
})
export interface AggregationRule extends Infer<typeof AggregationRule> {}

export const PolicyRule = message('rbac.v1.PolicyRule', 'Permission for some verbs on some resources or URLs.', {
  verbs: f.list('string', 1, 'Verbs that are permitted, such as get, list or create; * means all.').required().atomic(),
  apiGroups: f.list('string', 2, 'API groups of the resources; empty string is the core group, * means all.').atomic(),
  resources: f.list('string', 3, 'Plural names of resources, such as pods or pods/log; * means all.').atomic(),
  resourceNames: f.list('string', 4, 'Object names the rule is limited to; empty means every name.').atomic(),
  nonResourceURLs: f
    .list('string', 5, 'URL paths such as /healthz or /metrics/*; only effective in cluster-wide bindings.')
    .atomic(),
})
export interface PolicyRule extends Infer<typeof PolicyRule> {}

export const ClusterRole = kind(
  'rbac.authorization.k8s.io',
  'v1',
  'ClusterRole',
  'A set of permissions that can be granted cluster-wide or in a namespace.',
  {
    rules: f.list(PolicyRule, 2, 'The permissions; written by the controller if aggregationRule is set.').atomic(),
    aggregationRule: f.message(
      AggregationRule,
      3,
      'Where to take rules from; manual changes to rules are then overwritten.',
    ),
  },
)
export interface ClusterRole extends Infer<typeof ClusterRole> {}

export const RoleRef = message('rbac.v1.RoleRef', 'The role that a binding grants.', {
  apiGroup: f
    .string(1, 'API group of the role: rbac.authorization.k8s.io.')
    .present()
    .default('rbac.authorization.k8s.io'),
  kind: f.string(2, 'Role or ClusterRole; a ClusterRoleBinding takes only the latter.').required(),
  name: f.string(3, 'Name of the role.').required(),
}).atomic()
export interface RoleRef extends Infer<typeof RoleRef> {}

export const Subject = message('rbac.v1.Subject', 'Someone that a role is granted to.', {
  kind: f.string(1, 'User, Group or ServiceAccount.').required(),
  apiGroup: f.string(2, 'Empty for ServiceAccount; default rbac.authorization.k8s.io for User and Group.'),
  name: f.string(3, 'Name of the user, group or service account.').required(),
  namespace: f.string(4, 'Namespace of the service account; must be empty for users and groups.'),
}).atomic()
export interface Subject extends Infer<typeof Subject> {}

export const ClusterRoleBinding = kind(
  'rbac.authorization.k8s.io',
  'v1',
  'ClusterRoleBinding',
  'Grants a ClusterRole to subjects in the whole cluster.',
  {
    subjects: f.list(Subject, 2, 'Who gets the permissions of the role.').atomic(),
    roleRef: f.message(RoleRef, 3, 'ClusterRole that is granted; cannot be changed.').required().present(),
  },
)
export interface ClusterRoleBinding extends Infer<typeof ClusterRoleBinding> {}

export const Role = kind('rbac.authorization.k8s.io', 'v1', 'Role', 'A set of permissions within one namespace.', {
  rules: f.list(PolicyRule, 2, 'The permissions that the role consists of.').atomic(),
})
export interface Role extends Infer<typeof Role> {}

export const RoleBinding = kind(
  'rbac.authorization.k8s.io',
  'v1',
  'RoleBinding',
  'Grants a Role or ClusterRole to subjects within one namespace.',
  {
    subjects: f.list(Subject, 2, 'Who gets the permissions of the role.').atomic(),
    roleRef: f
      .message(RoleRef, 3, 'Role of this namespace or ClusterRole that is granted; cannot be changed.')
      .required()
      .present(),
  },
)
export interface RoleBinding extends Infer<typeof RoleBinding> {}
