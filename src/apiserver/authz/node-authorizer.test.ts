import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Pod } from '#api/core/v1/pod.ts'
import { namespaces, nodes, persistentVolumes, pods, serviceAccounts } from '#api/resources.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import type { Attributes, User } from '../user.ts'
import { referencesOf } from './pod-references.ts'

const nodeUser = (name: string): User => ({
  name: `system:node:${name}`,
  groups: ['system:nodes', 'system:authenticated'],
})

describe('the node authoriser', () => {
  let api: InProcessApi
  beforeEach(async () => {
    api = await startInProcessApi()
    await api.client.create(namespaces, { metadata: { name: 'ns' } })
    await api.client.create(serviceAccounts, { metadata: { namespace: 'ns', name: 'robot' } })
    for (const name of ['n1', 'n2']) await api.client.create(nodes, { metadata: { name } })
  })
  afterEach(() => api.close())

  const run = (name: string, nodeName: string | undefined, spec: Partial<Pod['spec']> = {}, annotations = {}) =>
    api.client.create(pods, {
      metadata: { namespace: 'ns', name, annotations },
      spec: {
        containers: [{ name: 'c', image: 'i' }],
        automountServiceAccountToken: false,
        serviceAccountName: 'robot',
        ...(nodeName && { nodeName }),
        ...spec,
      },
    } as never)

  const decide = (verb: string, what: string, more: Partial<Attributes> = {}, node = 'n1') => {
    const [resource = '', subresource = ''] = what.split('/')
    const base = {
      user: nodeUser(node),
      verb,
      group: '',
      version: 'v1',
      resource,
      subresource,
      namespace: 'ns',
      name: '',
    }
    return api.api.authorizer.authorize({ ...base, ...more })
  }
  const can = (...args: Parameters<typeof decide>) => decide(...args).allowed
  const selects = (field: string, value: string, operator: '=' | '!=' = '=') => ({
    namespace: '',
    fieldSelector: [{ field, operator, value }],
  })

  it('lets a node read what its own pods refer to, as long as they are there', async () => {
    const volumes = [
      { name: 'a', secret: { secretName: 'by-volume' } },
      { name: 'b', projected: { sources: [{ secret: { name: 'by-projection' } }, { configMap: { name: 'map' } }] } },
      { name: 'c', persistentVolumeClaim: { claimName: 'claim' } },
      { name: 'd', csi: { driver: 'x', nodePublishSecretRef: { name: 'by-csi' } } },
    ]
    const env = [{ name: 'E', valueFrom: { secretKeyRef: { name: 'by-env', key: 'k' } } }]
    const envFrom = [{ configMapRef: { name: 'env-map' } }]
    const spec = {
      volumes,
      imagePullSecrets: [{ name: 'pull' }],
      initContainers: [{ name: 'init', image: 'i', env }],
      containers: [{ name: 'c', image: 'i', envFrom }],
    } as unknown as Partial<Pod['spec']>
    const pod = await run('p', 'n1', spec)
    const secrets = ['by-volume', 'by-projection', 'by-csi', 'by-env', 'pull']
    for (const name of secrets) {
      expect(can('get', 'secrets', { name }), name).toBe(true)
      expect(can('watch', 'secrets', { name }), name).toBe(true)
      expect(decide('get', 'secrets', { name }, 'n2'), name).toEqual({
        allowed: false,
        reason: `no relationship found between node 'n2' and this object`,
      })
      expect(can('get', 'secrets', { name, namespace: 'other' }), name).toBe(false)
    }
    for (const name of ['map', 'env-map']) expect(can('get', 'configmaps', { name }), name).toBe(true)
    expect(can('get', 'persistentvolumeclaims', { name: 'claim' })).toBe(true)
    expect(can('patch', 'persistentvolumeclaims/status', { name: 'claim' })).toBe(true)
    expect(can('get', 'persistentvolumeclaims/status', { name: 'claim' })).toBe(false)
    expect(can('get', 'serviceaccounts', { name: 'robot' })).toBe(true)
    expect(can('create', 'serviceaccounts/token', { name: 'robot' })).toBe(true)
    expect(can('create', 'serviceaccounts/token', { name: 'robot' }, 'n2')).toBe(false)
    await run('same', 'n1', { imagePullSecrets: [{ name: 'pull' }] })
    await api.client.delete(pods, pod.metadata, { gracePeriodSeconds: 0 })
    expect(can('get', 'secrets', { name: 'by-volume' })).toBe(false)
    expect(can('get', 'secrets', { name: 'pull' })).toBe(true)
  })

  it('goes by what is bound after the first question too', async () => {
    await run('p', undefined, { imagePullSecrets: [{ name: 'pull' }] })
    expect(can('get', 'secrets', { name: 'pull' })).toBe(false)
    const binding = { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n1' } }
    await api.client.createSubresource(pods, { namespace: 'ns', name: 'p' }, 'binding', binding)
    expect(can('get', 'secrets', { name: 'pull' })).toBe(true)
    expect(can('get', 'pods', { name: 'p' })).toBe(true)
  })

  it('follows a claim to its volume and the secrets of that', async () => {
    await api.client.create(persistentVolumes, {
      metadata: { name: 'v' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        claimRef: { namespace: 'ns', name: 'claim' },
        csi: {
          driver: 'x',
          volumeHandle: 'h',
          nodeStageSecretRef: { namespace: 'vault', name: 'stage' },
          controllerPublishSecretRef: { namespace: 'vault', name: 'attach' },
        },
      },
    } as never)
    expect(can('get', 'persistentvolumes', { namespace: '', name: 'v' })).toBe(false)
    await run('p', 'n1', { volumes: [{ name: 'c', persistentVolumeClaim: { claimName: 'claim' } }] })
    expect(can('get', 'persistentvolumes', { namespace: '', name: 'v' })).toBe(true)
    expect(can('get', 'persistentvolumes', { namespace: '', name: 'v' }, 'n2')).toBe(false)
    expect(can('get', 'secrets', { namespace: 'vault', name: 'stage' })).toBe(true)
    expect(can('get', 'secrets', { namespace: 'vault', name: 'attach' })).toBe(false)
  })

  it('gives a node nothing for a pod that only mirrors its own file', async () => {
    const annotations = { 'kubernetes.io/config.mirror': 'x', 'kubernetes.io/config.source': 'file' }
    await run('p', 'n1', { serviceAccountName: '' }, annotations)
    expect(can('get', 'pods', { name: 'p' })).toBe(true)
    // Admission refuses such a pod, and this does not rely on it.
    const pod = {
      metadata: { namespace: 'ns', name: 'p', annotations },
      spec: { serviceAccountName: 'robot', containers: [] },
    }
    expect([...referencesOf(pod as unknown as Pod)]).toEqual([])
    expect([...referencesOf({ ...pod, metadata: { namespace: 'ns' } } as unknown as Pod)]).toEqual([
      'serviceaccounts/ns/robot',
    ])
  })

  it.each<[string, string, Partial<Attributes>, string]>([
    ['list', 'secrets', {}, 'No Object name found'],
    ['delete', 'secrets', { name: 's' }, 'can only read resources of this type'],
    ['get', 'secrets/status', { name: 's' }, 'cannot read subresource'],
    ['list', 'secrets', { namespace: '' }, 'can only read namespaced object of this type'],
    ['list', 'persistentvolumes', { namespace: '' }, 'can only get individual resources of this type'],
    ['get', 'persistentvolumeclaims/x', { name: 'c' }, 'cannot get subresource'],
    ['update', 'serviceaccounts', { name: 'robot' }, 'can only create tokens for individual service accounts'],
    ['create', 'serviceaccounts', { name: 'robot' }, 'can only create token subresource of serviceaccount'],
    ['list', 'nodes', { namespace: '' }, `node 'n1' cannot read all nodes, only its own Node object`],
    ['get', 'nodes', { namespace: '', name: 'n2' }, `node 'n1' cannot read 'n2', only its own Node object`],
    ['delete', 'nodes', { namespace: '', name: 'n1' }, ''],
    ['get', 'nodes/proxy', { namespace: '', name: 'n1' }, ''],
    ['list', 'pods', selects('spec.nodeName', 'n2'), 'can only list/watch pods with spec.nodeName field selector'],
    [
      'list',
      'pods',
      selects('spec.nodeName', 'n1', '!='),
      'can only list/watch pods with spec.nodeName field selector',
    ],
    ['watch', 'pods', { namespace: '' }, 'can only list/watch pods with spec.nodeName field selector'],
    ['create', 'pods/exec', { name: 'p' }, ''],
    ['update', 'pods', { name: 'p' }, ''],
    ['deletecollection', 'pods', {}, ''],
    [
      'get',
      'leases',
      { group: 'coordination.k8s.io', name: 'n1' },
      'can only access leases in the "kube-node-lease" system namespace',
    ],
    [
      'update',
      'leases',
      { group: 'coordination.k8s.io', namespace: 'kube-node-lease', name: 'n2' },
      'can only access node lease with the same name as the requesting node',
    ],
    [
      'list',
      'leases',
      { group: 'coordination.k8s.io', namespace: 'kube-node-lease' },
      'can only get, create, update, patch, or delete a node lease',
    ],
    [
      'get',
      'csinodes',
      { group: 'storage.k8s.io', namespace: '', name: 'n2' },
      'can only access CSINode with the same name as the requesting node',
    ],
    [
      'list',
      'resourceslices',
      { group: 'resource.k8s.io', namespace: '' },
      'can only list/watch/deletecollection resourceslices with nodeName field selector',
    ],
    ['create', 'clusterroles', { group: 'rbac.authorization.k8s.io', namespace: '' }, ''],
    ['get', '', { path: '/metrics' }, ''],
  ])('refuses to %s %s %j', (verb, what, more, reason) => {
    expect(decide(verb, what, more)).toEqual({ allowed: false, reason })
  })

  it.each<[string, string, Partial<Attributes>]>([
    ['list', 'pods', selects('spec.nodeName', 'n1')],
    ['create', 'pods', {}],
    ['patch', 'pods/status', { name: 'p' }],
    ['create', 'pods/eviction', { name: 'p' }],
    ['get', 'nodes', { namespace: '', name: 'n1' }],
    ['create', 'nodes', { namespace: '' }],
    ['patch', 'nodes/status', { namespace: '', name: 'n1' }],
    ['list', 'services', { namespace: '' }],
    ['create', 'events', { group: 'events.k8s.io' }],
    ['create', 'leases', { group: 'coordination.k8s.io', namespace: 'kube-node-lease' }],
    ['update', 'leases', { group: 'coordination.k8s.io', namespace: 'kube-node-lease', name: 'n1' }],
    ['create', 'certificatesigningrequests', { group: 'certificates.k8s.io', namespace: '' }],
    ['create', 'tokenreviews', { group: 'authentication.k8s.io', namespace: '' }],
    ['list', 'resourceslices', { group: 'resource.k8s.io', ...selects('spec.nodeName', 'n1') }],
  ])('lets every node %s %s %j', (verb, what, more) => {
    expect(decide(verb, what, more)).toEqual({ allowed: true, reason: '' })
  })

  it('is for members of system:nodes with a name of their own', () => {
    const as = (user: User) =>
      api.api.authorizer.authorize({
        user,
        verb: 'list',
        group: '',
        version: 'v1',
        resource: 'services',
        subresource: '',
        namespace: '',
        name: '',
      })
    expect(as(nodeUser('n1')).allowed).toBe(true)
    expect(as({ name: 'system:node:n1', groups: ['system:authenticated'] }).allowed).toBe(false)
    expect(as({ name: 'n1', groups: ['system:nodes'] }).allowed).toBe(false)
    expect(as(nodeUser(''))).toEqual({ allowed: false, reason: 'unknown node for user "system:node:"' })
  })

  it('says that it can not list what a node may do', () => {
    expect(api.api.authorizer.rulesFor(nodeUser('n1'), 'ns')).toMatchObject({
      incomplete: true,
      errors: ['node authorizer does not support user rule resolution'],
    })
  })
})
