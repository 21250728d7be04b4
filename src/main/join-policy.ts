/**
 * What a cluster grants so that nodes can join it and work: the bindings that kubeadm makes. They are made where they are
 * missing; who changes or unbinds them has the last word until the server starts again.
 */
import type { ClusterRoleBinding, Role, RoleBinding } from '#api/rbac/v1.ts'
import type { Draft, KubeObject, Resource } from '#api/kind.ts'
import { clusterRoleBindings, roleBindings, roles } from '#api/resources.ts'
import type { Client } from '#client/client.ts'
import { isStatus } from '#machinery/status-error.ts'

/** Bootstrap tokens by which nodes join name this group; tokens for anything else do not. */
export const JOINING_NODES = 'system:bootstrappers:rostrum:default-node-token'

type Subject = { kind: 'Group' | 'User'; name: string }
const group = (name: string): Subject => ({ kind: 'Group', name })
const user = (name: string): Subject => ({ kind: 'User', name })
const REQUESTS = 'system:certificates.k8s.io:certificatesigningrequests'

/** Name of the binding, the ClusterRole that it gives, and to whom. */
const bindings: readonly (readonly [string, string, Subject])[] = [
  ['rostrum:node-bootstrapper', 'system:node-bootstrapper', group(JOINING_NODES)],
  ['rostrum:node-autoapprove-bootstrap', `${REQUESTS}:nodeclient`, group(JOINING_NODES)],
  ['rostrum:node-autoapprove-renewal', `${REQUESTS}:selfnodeclient`, group('system:nodes')],
  // An agent is kubelet and service proxy in one.
  ['rostrum:node-proxier', 'system:node-proxier', group('system:nodes')],
]

/** Whoever is about to join can't have credentials yet; what is in it is signed, and no secret. */
const clusterInfoReader: Draft<Role> = {
  metadata: { name: 'rostrum:cluster-info', namespace: 'kube-public' },
  rules: [{ apiGroups: [''], resources: ['configmaps'], resourceNames: ['cluster-info'], verbs: ['get'] }],
}

const API_GROUP = 'rbac.authorization.k8s.io'
const refTo = (kind: 'Role' | 'ClusterRole', name: string) => ({ apiGroup: API_GROUP, kind, name })
const subject = (one: Subject) => ({ apiGroup: API_GROUP, ...one })

/** Throws StatusError. */
export async function ensureJoinPolicy(client: Client): Promise<void> {
  const made = bindings.map(([name, role, to]) => {
    const binding = { metadata: { name }, roleRef: refTo('ClusterRole', role), subjects: [subject(to)] }
    return ensure(client, clusterRoleBindings, binding as Draft<ClusterRoleBinding>)
  })
  const anybody = {
    metadata: clusterInfoReader.metadata,
    roleRef: refTo('Role', clusterInfoReader.metadata.name!),
    subjects: [subject(user('system:anonymous'))],
  }
  await Promise.all([
    ...made,
    ensure(client, roles, clusterInfoReader),
    ensure(client, roleBindings, anybody as Draft<RoleBinding>),
  ])
}

async function ensure<T extends KubeObject>(client: Client, resource: Resource<T>, draft: Draft<T>): Promise<void> {
  if (await client.find(resource, draft.metadata as { name: string })) return
  try {
    await client.create(resource, draft)
  } catch (err) {
    if (!isStatus(err, 'AlreadyExists')) throw err
  }
}
