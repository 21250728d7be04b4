/**
 * What parts of this program may do that upstream has no counterpart for, or has at another place. Each has what it calls,
 * and nothing else.
 */
import type { PolicyRule } from '#api/rbac/v1.ts'
import type { ClusterRoleData } from './cluster-roles.ts'
import type { NamespacedRoleData } from './namespaced-roles.ts'
import { serviceAccount, type SubjectData, user } from './bindings.ts'
import { allow, recordEvents } from './rule.ts'

/** By the name of the service account in kube-system, as those of `controller-roles.ts`. */
export const ownControllerRules: Readonly<Record<string, readonly PolicyRule[]>> = {
  'kubelet-serving-approver': [
    allow('get list watch', 'certificatesigningrequests', 'certificates.k8s.io'),
    allow('update', 'certificatesigningrequests/approval', 'certificates.k8s.io'),
    allow('approve', 'signers', 'certificates.k8s.io', 'kubernetes.io/kubelet-serving'),
    allow('get list watch', 'nodes'),
    recordEvents,
  ],
  'tokens-controller': [
    allow('create delete get list patch update watch', 'secrets'),
    allow('get list update watch', 'serviceaccounts'),
  ],
}

export const ownClusterRoles: readonly ClusterRoleData[] = [
  {
    // They are many nodes in one, without their pods' secrets.
    name: 'system:simulated-nodes',
    rules: [
      allow('create get list watch', 'nodes'),
      allow('patch update', 'nodes/status'),
      allow('delete get list watch', 'pods'),
      allow('patch update', 'pods/status'),
      recordEvents,
    ],
  },
]

/** By the name of the binding, with that of the role. */
export const ownClusterBindings: Readonly<Record<string, { role: string; subjects: readonly SubjectData[] }>> = {
  'system:simulated-nodes': { role: 'system:simulated-nodes', subjects: [user('system:simulated-nodes')] },
  // The API server towards kubelets, which ask what its certificate's name may do.
  'system:kubelet-api-admin': {
    role: 'system:kubelet-api-admin',
    subjects: [user('kube-apiserver-kubelet-client')],
  },
}

export const ownNamespacedRoles: readonly NamespacedRoleData[] = [
  {
    // The name server puts itself behind its Service.
    namespace: 'kube-system',
    name: 'system:kube-dns',
    rules: [
      allow('create', 'endpoints services'),
      allow('get patch', 'endpoints services', '', 'kube-dns'),
      allow('create', 'endpointslices', 'discovery.k8s.io'),
      allow('get patch', 'endpointslices', 'discovery.k8s.io', 'kube-dns'),
    ],
    subjects: [serviceAccount('kube-system', 'kube-dns')],
  },
  {
    namespace: 'kube-node-lease',
    name: 'system:simulated-nodes',
    rules: [allow('create get patch', 'leases', 'coordination.k8s.io')],
    subjects: [user('system:simulated-nodes')],
  },
]
