/**
 * Who has the built-in cluster roles, apart from controllers, each of which has the role of its own name. Upstream:
 * `plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go`.
 */
import type { Subject } from '#api/rbac/v1.ts'
import { ALL_AUTHENTICATED, ALL_SERVICE_ACCOUNTS, ALL_UNAUTHENTICATED, SUPERUSERS } from '../../user.ts'

export const GROUP = 'rbac.authorization.k8s.io'

export type SubjectData = Readonly<Subject>

export const user = (name: string): SubjectData => ({ kind: 'User', apiGroup: GROUP, name })
export const group = (name: string): SubjectData => ({ kind: 'Group', apiGroup: GROUP, name })
export const serviceAccount = (namespace: string, name: string): SubjectData => ({
  kind: 'ServiceAccount',
  name,
  namespace,
})

/** By the name of the binding, which is that of its role. */
export const clusterSubjects: Readonly<Record<string, readonly SubjectData[]>> = {
  'cluster-admin': [group(SUPERUSERS)],
  'system:basic-user': [group(ALL_AUTHENTICATED)],
  'system:discovery': [group(ALL_AUTHENTICATED)],
  'system:kube-controller-manager': [user('system:kube-controller-manager')],
  'system:kube-dns': [serviceAccount('kube-system', 'kube-dns')],
  'system:kube-scheduler': [user('system:kube-scheduler')],
  'system:monitoring': [group('system:monitoring')],
  // What nodes may do is for the node authoriser to say; the binding is there to be given subjects.
  'system:node': [],
  'system:node-proxier': [user('system:kube-proxy')],
  'system:public-info-viewer': [group(ALL_AUTHENTICATED), group(ALL_UNAUTHENTICATED)],
  'system:service-account-issuer-discovery': [group(ALL_SERVICE_ACCOUNTS)],
  'system:volume-scheduler': [user('system:kube-scheduler')],
}
