/** What a node that somebody has taken over tries, and those who would like to be one. */
import { type Attempt, json, mergePatch, strategicPatch } from './attempt.ts'

const n1 = 'system:node:n1 in system:nodes'
const secretsOf = (namespace: string) => `/api/v1/namespaces/${namespace}/secrets`
const podsOf = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`
const REQUESTS = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
const mirror = {
  'kubernetes.io/config.mirror': 'x',
  'kubernetes.io/config.source': 'file',
  'kubernetes.io/config.hash': 'x',
}

const node = (name: string, attempt: Omit<Attempt, 'name' | 'as'>): Attempt => ({ name, as: n1, ...attempt })

export const nodeAttempts: readonly Attempt[] = [
  node('reads a secret that no pod of it needs', {
    path: `${secretsOf('team-a')}/closed`,
    says: 'no relationship found',
  }),
  node('reads a secret of another node’s pod', {
    path: `${secretsOf('team-b')}/closed`,
    says: 'no relationship found',
  }),
  node('lists secrets', { path: secretsOf('team-a'), says: 'No Object name found' }),
  node('lists secrets everywhere', { path: '/api/v1/secrets', says: 'can only read namespaced object of this type' }),
  node('watches all secrets of a namespace', { path: `${secretsOf('team-a')}?watch=1`, says: 'No Object name found' }),
  node('reads a claim of another node’s pod', {
    path: '/api/v1/namespaces/team-b/persistentvolumeclaims/claim',
    says: 'no relationship found',
  }),
  node('reads a volume of another node’s pod', {
    path: '/api/v1/persistentvolumes/volume',
    says: 'no relationship found',
  }),
  node('reads another node', { path: '/api/v1/nodes/n2', says: 'only its own Node object' }),
  node('lists nodes', { path: '/api/v1/nodes', says: 'cannot read all nodes' }),
  node('lists pods', { path: '/api/v1/pods', says: 'can only list/watch pods with spec.nodeName field selector' }),
  node('lists another node’s pods', {
    path: '/api/v1/pods?fieldSelector=spec.nodeName%3Dn2',
    says: 'can only list/watch pods with spec.nodeName field selector',
  }),
  node('lists the pods that are not another’s', {
    path: '/api/v1/pods?fieldSelector=spec.nodeName!%3Dn1',
    says: 'can only list/watch pods with spec.nodeName field selector',
  }),
  node('reads a pod of another node', { path: `${podsOf('team-b')}/web`, says: 'no relationship found' }),
  node('changes a pod', {
    method: 'PATCH',
    path: `${podsOf('team-a')}/web`,
    headers: mergePatch,
    body: { metadata: { labels: { a: 'b' } } },
    says: 'cannot patch resource "pods"',
  }),
  node('changes the status of another node’s pod', {
    method: 'PATCH',
    path: `${podsOf('team-b')}/web/status`,
    headers: strategicPatch,
    body: { status: { phase: 'Failed' } },
    says: 'can only update pod status for pods with spec.nodeName set to itself',
  }),
  node('deletes another node’s pod', {
    method: 'DELETE',
    path: `${podsOf('team-b')}/web`,
    says: 'can only delete pods with spec.nodeName set to itself',
  }),
  node('evicts another node’s pod', {
    method: 'POST',
    path: `${podsOf('team-b')}/web/eviction`,
    body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web', namespace: 'team-b' } },
    says: 'can only evict pods with spec.nodeName set to itself',
  }),
  node('runs a command in its own pod', {
    method: 'POST',
    path: `${podsOf('team-a')}/web/exec?command=sh`,
    says: 'cannot create resource "pods/exec"',
  }),
  node('makes a pod of its own', {
    method: 'POST',
    path: podsOf('team-a'),
    body: { metadata: { name: 'new' }, spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] } },
    says: 'can only create mirror pods',
  }),
  node('makes a mirror pod that refers to a secret', {
    method: 'POST',
    path: podsOf('team-a'),
    body: {
      metadata: {
        name: 'new',
        annotations: mirror,
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'x', controller: true }],
      },
      spec: {
        nodeName: 'n1',
        containers: [{ name: 'c', image: 'i' }],
        volumes: [{ name: 's', secret: { secretName: 'closed' } }],
      },
    },
    says: 'is forbidden',
  }),
  node('makes a mirror pod of another node', {
    method: 'POST',
    path: podsOf('team-a'),
    body: {
      metadata: { name: 'new', annotations: mirror },
      spec: { nodeName: 'n2', containers: [{ name: 'c', image: 'i' }] },
    },
    says: 'is forbidden',
  }),
  node('changes another node', {
    method: 'PATCH',
    path: '/api/v1/nodes/n2',
    headers: mergePatch,
    body: { metadata: { labels: { a: 'b' } } },
    says: 'is not allowed to modify node "n2"',
  }),
  node('changes another node’s status', {
    method: 'PATCH',
    path: '/api/v1/nodes/n2/status',
    headers: strategicPatch,
    body: { status: { capacity: { cpu: '1000' } } },
    says: 'is not allowed to modify node "n2"',
  }),
  node('takes a taint from itself', {
    method: 'PATCH',
    path: '/api/v1/nodes/n1',
    headers: mergePatch,
    body: { spec: { taints: null } },
    says: 'is not allowed to modify taints',
  }),
  node('labels itself so that what is for others comes to it', {
    method: 'PATCH',
    path: '/api/v1/nodes/n1',
    headers: mergePatch,
    body: { metadata: { labels: { 'node-restriction.kubernetes.io/trusted': 'true' } } },
    says: 'is not allowed to modify labels',
  }),
  node('deletes itself', { method: 'DELETE', path: '/api/v1/nodes/n1', says: 'cannot delete resource "nodes"' }),
  node('makes another node', {
    method: 'POST',
    path: '/api/v1/nodes',
    body: { metadata: { name: 'n9' } },
    says: 'is not allowed to modify node "n9"',
  }),
  node('makes a token of an account that none of its pods has', {
    method: 'POST',
    path: '/api/v1/namespaces/team-b/serviceaccounts/robot/token',
    body: {},
    says: 'no relationship found',
  }),
  node('makes a token that is not bound to a pod', {
    method: 'POST',
    path: '/api/v1/namespaces/team-a/serviceaccounts/robot/token',
    body: {},
    says: 'node requested token not bound to a pod',
  }),
  node('holds another node’s lease', {
    path: '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n2',
    says: 'can only access node lease with the same name as the requesting node',
  }),
  node('makes another node’s lease', {
    method: 'POST',
    path: '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases',
    body: { metadata: { name: 'n2' }, spec: {} },
    says: 'is forbidden',
  }),
  node('holds a lease of the control plane', {
    path: '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler',
    says: 'can only access leases in the "kube-node-lease" system namespace',
  }),
  node('reads a config map of no pod of it', {
    path: '/api/v1/namespaces/kube-system/configmaps/settings',
    says: 'no relationship found',
  }),
  node('reads roles', {
    path: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
    says: 'cannot list resource "clusterroles"',
  }),
  node('is another node', {
    path: `${secretsOf('team-b')}/closed`,
    headers: { 'impersonate-user': 'system:node:n2' },
    says: 'cannot impersonate',
  }),
  {
    name: 'is a node by name alone',
    as: 'system:node:n1',
    path: `${secretsOf('team-a')}/open`,
    says: 'cannot get resource "secrets"',
  },
  {
    name: 'is a node by group alone',
    as: 'n1 in system:nodes',
    path: `${secretsOf('team-a')}/open`,
    says: 'cannot get resource "secrets"',
  },
  {
    name: 'is some node or other',
    as: 'system:node: in system:nodes',
    path: '/api/v1/services',
    says: 'unknown node for user',
  },
  {
    name: 'approves for a signer that it may not',
    as: 'csr-approver',
    method: 'PUT',
    path: `${REQUESTS}/pending/approval`,
    headers: json,
    body: {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name: 'pending' },
      status: { conditions: [{ type: 'Approved', status: 'True', reason: 'x', message: 'x' }] },
    },
    says: 'user not permitted to approve requests with signerName "kubernetes.io/kube-apiserver-client"',
  },
  {
    name: 'approves by the right to ask',
    as: 'csr-maker',
    method: 'PUT',
    path: `${REQUESTS}/pending/approval`,
    body: { metadata: { name: 'pending' } },
    says: 'cannot update resource "certificatesigningrequests/approval"',
  },
  {
    name: 'signs for a signer that it may not',
    as: 'csr-signer',
    method: 'PATCH',
    path: `${REQUESTS}/pending/status`,
    headers: mergePatch,
    body: ({ server }) => ({
      status: { certificate: Buffer.from(server.pki.authority.cert).toString('base64') },
    }),
    says: 'user not permitted to sign requests with signerName "kubernetes.io/kube-apiserver-client"',
  },
  {
    name: 'asks for a superuser’s certificate',
    as: 'csr-maker',
    method: 'POST',
    path: REQUESTS,
    body: ({ request }) => ({
      metadata: { name: 'masters' },
      spec: {
        signerName: 'kubernetes.io/kube-apiserver-client',
        usages: ['client auth'],
        request: request('kubernetes-admin', ['system:masters']),
      },
    }),
    says: 'system:masters',
  },
  {
    name: 'asks for a certificate in somebody else’s name',
    as: 'csr-maker',
    method: 'PUT',
    path: `${REQUESTS}/pending`,
    body: { metadata: { name: 'pending' }, spec: { username: 'kubernetes-admin', groups: ['system:masters'] } },
    says: 'cannot update resource "certificatesigningrequests"',
  },
]
