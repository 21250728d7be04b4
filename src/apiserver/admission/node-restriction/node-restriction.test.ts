import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Resource } from '#api/kind.ts'
import {
  certificateSigningRequests,
  csiDrivers,
  csiNodes,
  leases,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  resourceSlices,
  serviceAccounts,
} from '#api/resources.ts'
import { createCertificateRequest } from '#base/certificate-request.ts'
import { createKeys } from '#base/x509.ts'
import type { Client } from '#client/client.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { refusal } from '#testing/refusal.ts'
import { mirrorPodProblem } from './mirror-pods.ts'
import { forbiddenLabels } from './node-labels.ts'

let cluster: InProcessApi
let node: Client
beforeEach(async () => {
  cluster = await startInProcessApi()
  // Superusers, so that only admission is in the way.
  node = cluster.clientFor({ name: 'system:node:n1', groups: ['system:nodes', 'system:masters'] })
  for (const name of ['default', 'kube-node-lease']) await cluster.client.create(namespaces, { metadata: { name } })
  await cluster.client.create(serviceAccounts, { metadata: { name: 'default', namespace: 'default' } })
})
afterEach(() => cluster.close())

const at = (name: string) => ({ name, namespace: 'default' })
const create = (client: Client, resource: unknown, object: object) =>
  client.create(resource as Resource, object as never)
const reasonOf = async (request: Promise<unknown>) =>
  (await refusal(request)).message.replace(/^.*? is forbidden: /, '')
const makePod = (name: string, nodeName: string, spec: object = {}) =>
  create(cluster.client, pods, {
    metadata: at(name),
    spec: { nodeName, containers: [{ name: 'c', image: 'i' }], ...spec },
  })

describe('a node\u2019s own Node', () => {
  it('is the only one that it writes', async () => {
    await create(node, nodes, { metadata: { name: 'n1', labels: { 'kubernetes.io/hostname': 'n1', mine: 'x' } } })
    expect(await reasonOf(create(node, nodes, { metadata: { name: 'n2' } }))).toBe(
      'node "n1" is not allowed to modify node "n2"',
    )
    await create(cluster.client, nodes, { metadata: { name: 'n2' } })
    const patch = { metadata: { annotations: { a: 'b' } } }
    for (const request of [node.patch(nodes, { name: 'n2' }, patch), node.delete(nodes, { name: 'n2' })])
      expect(await reasonOf(request)).toBe('node "n1" is not allowed to modify node "n2"')
    await node.patch(nodes, { name: 'n1' }, patch)
    await node.patch(nodes, { name: 'n1' }, { status: { capacity: { cpu: '1' } } }, { subresource: 'status' })
  })

  it('gets no labels, taints or owners by which it could draw or shed pods', async () => {
    expect(
      await reasonOf(
        create(node, nodes, {
          metadata: { name: 'n1', labels: { 'node-role.kubernetes.io/control-plane': '', 'a.k8s.io/b': '' } },
        }),
      ),
    ).toBe('node "n1" is not allowed to set the following labels: a.k8s.io/b, node-role.kubernetes.io/control-plane')
    await create(node, nodes, { metadata: { name: 'n1' } })
    const change = (patch: object, subresource?: string) =>
      reasonOf(node.patch(nodes, { name: 'n1' }, patch, { ...(subresource && { subresource }) }))
    const label = { metadata: { labels: { 'node-restriction.kubernetes.io/pool': 'a' } } }
    for (const through of ['', 'status'])
      expect(await change(label, through)).toBe('is not allowed to modify labels: node-restriction.kubernetes.io/pool')
    expect(await change({ spec: { taints: [] } })).toBe('node "n1" is not allowed to modify taints')
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' }]
    expect(await change({ metadata: { ownerReferences } })).toBe('node "n1" is not allowed to modify ownerReferences')
  })

  it('may be labelled with what it is', () => {
    const own = [
      'kubernetes.io/arch',
      'topology.kubernetes.io/zone',
      'x.node.kubernetes.io/y',
      'kubelet.kubernetes.io/z',
    ]
    expect(forbiddenLabels(Object.fromEntries(['mine', 'example.com/a', ...own].map((key) => [key, '1'])))).toEqual([])
    expect(forbiddenLabels({}, { 'kubernetes.io/role': '1', 'notk8s.io/a': '1' })).toEqual(['kubernetes.io/role'])
    expect(forbiddenLabels({ 'k8s.io/a': '1' }, { 'k8s.io/a': '1' })).toEqual([])
  })
})

describe('a node\u2019s pods', () => {
  const mirror = async (change: (pod: any) => void) => {
    const pod = {
      metadata: {
        ...at('mirror'),
        annotations: { 'kubernetes.io/config.mirror': 'x' },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'u', controller: true }],
      },
      spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] } as Record<string, unknown>,
    }
    change(pod)
    return create(node, pods, pod)
  }

  it('are created by it only to show what runs from its own files', async () => {
    expect(
      await reasonOf(create(node, pods, { metadata: at('p'), spec: { containers: [{ name: 'c', image: 'i' }] } })),
    ).toBe('pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods')
    const { metadata } = await create(cluster.client, nodes, { metadata: { name: 'n1' } })
    const refusedFor = (change: (pod: any) => void) =>
      reasonOf(
        mirror((pod) => {
          pod.metadata.ownerReferences[0].uid = metadata.uid
          change(pod)
        }),
      )
    expect(await refusedFor((pod) => (pod.spec.nodeName = 'n2'))).toBe(
      'node "n1" can only create pods with spec.nodeName set to itself',
    )
    expect(await refusedFor((pod) => delete pod.metadata.ownerReferences)).toBe(
      'node "n1" can only create pods with an owner reference set to itself',
    )
    expect(await refusedFor((pod) => pod.metadata.ownerReferences.push(pod.metadata.ownerReferences[0]))).toBe(
      'node "n1" can only create pods with a single owner reference set to itself',
    )
    expect(await refusedFor((pod) => delete pod.metadata.ownerReferences[0].controller)).toBe(
      'node "n1" can only create pods with a controller owner reference set to itself',
    )
    expect(await refusedFor((pod) => (pod.metadata.ownerReferences[0].blockOwnerDeletion = true))).toBe(
      'node "n1" must not set blockOwnerDeletion on an owner reference',
    )
    expect(await refusedFor((pod) => (pod.metadata.ownerReferences[0].uid = 'other'))).toBe(
      `node n1 UID mismatch: expected other got ${metadata.uid}`,
    )
    const good = await mirror((pod) => {
      pod.metadata.ownerReferences[0].uid = metadata.uid
      pod.spec.volumes = [{ name: 'v', emptyDir: {} }]
    })
    expect(good.metadata.name).toBe('mirror')
  })

  it('refer to nothing in the API where they only show what runs', () => {
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'u', controller: true }]
    const metadata = { ...at('m'), annotations: { 'kubernetes.io/config.mirror': 'x' }, ownerReferences }
    const problem = (spec: object) =>
      mirrorPodProblem({ metadata, spec: { nodeName: 'n1', ...spec } } as never, 'n1', 'u')
    const container = (source: object) => ({ containers: [{ name: 'c', image: 'i', ...source }] })
    const volume = (source: object) => ({ containers: [], volumes: [{ name: 'v', ...source }] })
    for (const [spec, what] of [
      [{ serviceAccountName: 'default', ...container({}) }, 'serviceaccounts'],
      [{ imagePullSecrets: [{ name: 's' }], ...container({}) }, 'secrets'],
      [container({ env: [{ name: 'e', valueFrom: { secretKeyRef: { name: 's' } } }] }), 'secrets'],
      [container({ envFrom: [{ configMapRef: { name: 'm' } }] }), 'configmaps'],
      [{ resourceClaims: [{ name: 'r' }], ...container({}) }, 'resourceclaims'],
      [volume({ persistentVolumeClaim: { claimName: 'x' } }), 'persistentvolumeclaims'],
      [volume({ csi: { driver: 'd' } }), 'csidrivers (via CSI volumes)'],
      [
        volume({ projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }),
        'serviceaccounts (via projected volumes)',
      ],
    ] as const)
      expect(problem(spec)).toBe(`node "n1" can not create pods that reference ${what}`)
    expect(problem(volume({ emptyDir: {} }))).toBeUndefined()
    expect(problem(volume({ projected: { sources: [{ downwardAPI: {} }] } }))).toBeUndefined()
    expect(problem(volume({ odd: {} }))).toBe(
      'error checking mirror pod for API references: unknown volume type for volume  "v"',
    )
  })

  it('are changed and removed by it only where it runs them', async () => {
    await makePod('mine', 'n1')
    await makePod('other', 'n2')
    const patch = (name: string, change: object) => node.patch(pods, at(name), change, { subresource: 'status' })
    await patch('mine', { status: { message: 'm' } })
    expect(await reasonOf(patch('other', { status: { message: 'm' } }))).toBe(
      'node "n1" can only update pod status for pods with spec.nodeName set to itself',
    )
    expect(await reasonOf(patch('mine', { metadata: { labels: { a: 'b' } } }))).toBe(
      'node "n1" cannot update labels through pod status',
    )
    expect(
      await reasonOf(patch('mine', { status: { resourceClaimStatuses: [{ name: 'a', resourceClaimName: 'b' }] } })),
    ).toBe('node "n1" cannot update resource claim statues')
    expect(await reasonOf(node.patch(pods, at('mine'), { metadata: { labels: { a: 'b' } } }))).toBe(
      'unexpected operation "UPDATE", node "n1" can only create and delete mirror pods',
    )
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'other' } }
    expect(await reasonOf(node.createSubresource(pods as never, at('other'), 'eviction', eviction))).toBe(
      'node n1 can only evict pods with spec.nodeName set to itself',
    )
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: at('other'), target: { kind: 'Node', name: 'n1' } }
    expect(await reasonOf(node.createSubresource(pods as never, at('other'), 'binding', binding))).toBe(
      `unexpected pod subresource "binding", only 'status' and 'eviction' are allowed`,
    )
    expect(await reasonOf(node.delete(pods, at('other')))).toBe(
      'node "n1" can only delete pods with spec.nodeName set to itself',
    )
    await node.delete(pods, at('mine'), { gracePeriodSeconds: 0 })
  })

  it('have tokens for the audiences of their volumes, and no others', async () => {
    const projected = (audience?: string) => ({
      name: `t-${audience ?? 'none'}`,
      projected: { sources: [{ serviceAccountToken: { path: 't', ...(audience && { audience }) } }] },
    })
    await create(cluster.client, csiDrivers, {
      metadata: { name: 'csi.example.com' },
      spec: { tokenRequests: [{ audience: 'vault' }], podInfoOnMount: true },
    })
    await create(cluster.client, persistentVolumes, {
      metadata: { name: 'pv' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        csi: { driver: 'csi.example.com', volumeHandle: 'h' },
      },
    })
    await create(cluster.client, persistentVolumeClaims, {
      metadata: at('claim'),
      spec: { accessModes: ['ReadWriteOnce'], volumeName: 'pv', resources: { requests: { storage: '1Gi' } } },
    })
    const volumes = [
      projected('asked'),
      { name: 'claimed', persistentVolumeClaim: { claimName: 'claim' } },
      { name: 'gone', persistentVolumeClaim: { claimName: 'gone' } },
    ]
    const mine = await makePod('mine', 'n1', { volumes, automountServiceAccountToken: false })
    const other = await makePod('other', 'n2')
    const bare = await makePod('bare', 'n1', { automountServiceAccountToken: false })
    const ask = (pod: any, audiences: string[] | undefined, ref: object = {}) =>
      node.createSubresource(serviceAccounts as never, at('default'), 'token', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {
          ...(audiences && { audiences }),
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod?.metadata.name, uid: pod?.metadata.uid, ...ref },
        },
      })
    for (const audience of ['asked', 'vault']) await ask(mine, [audience])
    expect(await reasonOf(ask(other, ['asked']))).toBe(
      'node requested token bound to a pod scheduled on a different node',
    )
    expect(await reasonOf(ask(mine, ['a'], { kind: 'Secret' }))).toBe('node requested token not bound to a pod')
    expect(await reasonOf(ask(mine, ['a'], { uid: '' }))).toBe('node requested token with a pod binding without a uid')
    expect(await reasonOf(ask(mine, ['asked', 'vault']))).toBe('node may only request 0 or 1 audiences')
    expect(await reasonOf(ask(mine, ['b']))).toBe(
      'error validating audience "b": persistentvolumeclaim "gone" not found',
    )
    expect((await refusal(ask(mine, ['b'], { name: 'none' }))).message).toBe('pod "none" not found')
    // Superusers may have any; nodes are not superusers.
    const plain = cluster.clientFor({ name: 'system:node:n1', groups: ['system:nodes'] })
    const asNode = (audiences?: string[]) =>
      plain.createSubresource(serviceAccounts as never, at('default'), 'token', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {
          ...(audiences && { audiences }),
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'bare', uid: (bare as any).metadata.uid },
        },
      })
    expect(await reasonOf(asNode(['c']))).toBe(
      'audience "c" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience',
    )
    expect(await reasonOf(asNode())).toBe(
      'audience "" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience',
    )
  })
})

describe('other objects of a node', () => {
  it('are its own lease, CSINode and resource slices', async () => {
    const lease = (name: string, namespace = 'kube-node-lease') =>
      create(node, leases, { metadata: { name, namespace }, spec: {} })
    await lease('n1')
    expect(await reasonOf(lease('n2'))).toBe('can only access node lease with the same name as the requesting node')
    expect(await reasonOf(lease('n1', 'default'))).toBe(
      'can only access leases in the "kube-node-lease" system namespace',
    )
    expect(await reasonOf(create(node, csiNodes, { metadata: { name: 'n2' }, spec: { drivers: [] } }))).toBe(
      'can only access CSINode with the same name as the requesting node',
    )
    const slice = (nodeName: string) =>
      create(node, resourceSlices, {
        metadata: { name: nodeName },
        spec: { nodeName, driver: 'd', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, devices: [] },
      })
    await slice('n1')
    expect(await reasonOf(slice('n2'))).toBe(
      'can only create ResourceSlice with the same NodeName as the requesting node',
    )
    await create(cluster.client, resourceSlices, {
      metadata: { name: 'n2' },
      spec: { nodeName: 'n2', driver: 'd', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, devices: [] },
    })
    expect(await reasonOf(node.delete(resourceSlices, { name: 'n2' }))).toBe(
      'can only delete ResourceSlice with the same NodeName as the requesting node',
    )
    await node.delete(resourceSlices, { name: 'n1' })
  })

  it('are claims only as far as it reports on them', async () => {
    await create(cluster.client, persistentVolumeClaims, {
      metadata: at('claim'),
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    })
    const patch = (change: object, subresource?: string) =>
      node.patch(persistentVolumeClaims, at('claim'), change, { ...(subresource && { subresource }) })
    await patch({ status: { capacity: { storage: '1Gi' } } }, 'status')
    expect(await reasonOf(patch({ metadata: { labels: { a: 'b' } } }))).toBe('may only update PVC status')
    expect(await reasonOf(patch({ metadata: { labels: { a: 'b' } } }, 'status'))).toMatch(
      /^node "n1" is not allowed to update fields other than status.quantity and status.conditions: /,
    )
  })

  it('are certificates for itself', async () => {
    const submit = (commonName: string, signerName: string) =>
      create(node, certificateSigningRequests, {
        metadata: { generateName: 'csr-' },
        spec: {
          request: Buffer.from(
            createCertificateRequest(createKeys(), { commonName, organizations: ['system:nodes'] }),
          ).toString('base64'),
          signerName,
          usages: ['client auth'],
        },
      })
    await submit('system:node:n1', 'kubernetes.io/kubelet-serving')
    for (const signer of ['kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client-kubelet'])
      expect(await reasonOf(submit('system:node:n2', signer))).toBe('can only create a node CSR with CN=system:node:n1')
    await submit('anybody', 'example.com/signer')
  })

  it('are nobody\u2019s who is no node in particular', async () => {
    const some = cluster.clientFor({ name: 'system:node:', groups: ['system:nodes', 'system:masters'] })
    expect(await reasonOf(create(some, nodes, { metadata: { name: 'n' } }))).toBe(
      'could not determine node from user "system:node:"',
    )
    const other = cluster.clientFor({ name: 'system:node:n1', groups: ['system:masters'] })
    await create(other, nodes, { metadata: { name: 'n2' } })
  })
})
