/**
 * The roles that every cluster has in its system namespaces, and who has them. Upstream:
 * `plugin/pkg/auth/authorizer/rbac/bootstrappolicy/namespace_policy.go`.
 */
import type { PolicyRule } from '#api/rbac/v1.ts'
import { type SubjectData, serviceAccount, user } from './bindings.ts'
import { allow, recordEvents } from './rule.ts'

export interface NamespacedRoleData {
  readonly namespace: string
  readonly name: string
  /** Default: the name of the role. */
  readonly bindingName?: string
  readonly rules: readonly PolicyRule[]
  readonly subjects: readonly SubjectData[]
}

const controller = (name: string) => serviceAccount('kube-system', name)

const leaderElection = [
  allow('create get list update watch', 'leases', 'coordination.k8s.io'),
  allow('create get list update watch', 'leasecandidates', 'coordination.k8s.io'),
]

export const namespacedRoleData: readonly NamespacedRoleData[] = [
  {
    namespace: 'kube-system',
    name: 'extension-apiserver-authentication-reader',
    bindingName: 'system::extension-apiserver-authentication-reader',
    rules: [allow('get list watch', 'configmaps', '', 'extension-apiserver-authentication')],
    subjects: [user('system:kube-controller-manager'), user('system:kube-scheduler')],
  },
  {
    namespace: 'kube-system',
    name: 'system:controller:bootstrap-signer',
    rules: [allow('get list watch', 'secrets')],
    subjects: [controller('bootstrap-signer')],
  },
  {
    namespace: 'kube-system',
    name: 'system:controller:cloud-provider',
    rules: [allow('create get list watch', 'configmaps')],
    subjects: [controller('cloud-provider')],
  },
  {
    namespace: 'kube-system',
    name: 'system:controller:token-cleaner',
    rules: [allow('delete get list watch', 'secrets'), recordEvents],
    subjects: [controller('token-cleaner')],
  },
  {
    namespace: 'kube-system',
    name: 'system::leader-locking-kube-controller-manager',
    rules: leaderElection,
    subjects: [
      user('system:kube-controller-manager'),
      controller('kube-controller-manager'),
      controller('leader-election-controller'),
    ],
  },
  {
    namespace: 'kube-system',
    name: 'system::leader-locking-kube-scheduler',
    rules: leaderElection,
    subjects: [user('system:kube-scheduler'), controller('kube-scheduler')],
  },
  {
    namespace: 'kube-public',
    name: 'system:controller:bootstrap-signer',
    rules: [allow('get list watch', 'configmaps'), allow('update', 'configmaps', '', 'cluster-info'), recordEvents],
    subjects: [controller('bootstrap-signer')],
  },
]
