import { afterEach, describe, expect, it } from 'vitest'
import type { Pod } from '#api/core/v1/pod.ts'
import { configMaps, namespaces, pods, secrets, serviceAccounts } from '#api/resources.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { createResourceSource } from '../resource-source.ts'
import { contentConditions } from './content-report.ts'
import { createRootCaPublisher, createServiceAccountController } from './defaults.ts'
import { createNamespaceController } from './namespace-controller.ts'

let cluster: InProcessApi
afterEach(() => cluster.close())

async function start(): Promise<InProcessApi> {
  cluster = await startInProcessApi()
  await cluster.client.create(namespaces, { metadata: { name: 'ns' } })
  return cluster
}
const namespaceNamed = (name: string) => cluster.informers.for(namespaces).get(undefined, name)

describe('a deleted namespace', () => {
  it('is emptied and removed', async () => {
    const { client } = await start()
    createNamespaceController().start(cluster)
    await client.create(configMaps, { metadata: { name: 'c', namespace: 'ns' } })
    await client.create(secrets, { metadata: { name: 's', namespace: 'ns' } })
    await cluster.until(() => namespaceNamed('ns'))
    await client.delete(namespaces, { name: 'ns' })
    await cluster.until(() => !namespaceNamed('ns'))
    expect((await client.list(configMaps)).items).toEqual([])
  })

  it('waits for its pods before it deletes anything else, and tells what it waits for', async () => {
    const { client } = await start()
    await client.create(serviceAccounts, { metadata: { name: 'default', namespace: 'ns' } })
    await client.create(configMaps, { metadata: { name: 'c', namespace: 'ns' } })
    const metadata = { name: 'p', namespace: 'ns', finalizers: ['example.com/hold'] }
    const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] } as Pod['spec']
    await client.create(pods, { metadata, spec })
    createNamespaceController().start(cluster)
    await client.delete(namespaces, { name: 'ns' })
    const waiting = await cluster.until(() => namespaceNamed('ns')?.status.conditions && namespaceNamed('ns'))
    expect(waiting!.status.phase).toBe('Terminating')
    expect(waiting!.status.conditions!.map((c) => [c.type, c.status, c.reason, c.message])).toEqual([
      ['NamespaceDeletionDiscoveryFailure', 'False', 'ResourcesDiscovered', 'All resources successfully discovered'],
      [
        'NamespaceDeletionGroupVersionParsingFailure',
        'False',
        'ParsedGroupVersions',
        'All legacy kube types successfully parsed',
      ],
      [
        'NamespaceDeletionContentFailure',
        'False',
        'ContentDeleted',
        'All content successfully deleted, may be waiting on finalization',
      ],
      [
        'NamespaceContentRemaining',
        'True',
        'SomeResourcesRemain',
        'Some resources are remaining: pods. has 1 resource instances',
      ],
      [
        'NamespaceFinalizersRemaining',
        'True',
        'SomeFinalizersRemain',
        'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
      ],
    ])
    expect(await client.find(configMaps, { namespace: 'ns', name: 'c' })).toBeDefined()
    await client.patch(pods, { namespace: 'ns', name: 'p' }, { metadata: { finalizers: null } }, { type: 'merge' })
    await client.delete(pods, { namespace: 'ns', name: 'p' }, { gracePeriodSeconds: 0 }).catch(() => {})
    await cluster.until(() => !namespaceNamed('ns'))
  })
})

describe('a deleted namespace in which others may have something', () => {
  it('stays until they say so', async () => {
    const { client, informers } = await start()
    let undiscovered = ['example.com/v1']
    const extensions = { current: () => [], undiscovered: () => undiscovered, subscribe: () => () => {} }
    createNamespaceController({ resources: createResourceSource(informers, { extensions }) }).start(cluster)
    await client.delete(namespaces, { name: 'ns' })
    const waiting = await cluster.until(() => namespaceNamed('ns')?.status.conditions)
    expect(waiting[0]).toMatchObject({
      type: 'NamespaceDeletionDiscoveryFailure',
      status: 'True',
      reason: 'DiscoveryFailed',
      message:
        'Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: example.com/v1: stale GroupVersion discovery: example.com/v1',
    })
    undiscovered = []
    await cluster.until(() => !namespaceNamed('ns'))
  })
})

describe('the conditions of an emptied namespace', () => {
  it('stay the same list while nothing changes', () => {
    const first = contentConditions(undefined, [], '2026-01-01T00:00:00Z')
    expect(first.map((c) => c.status)).toEqual(Array(5).fill('False'))
    expect(contentConditions(first, [], '2026-01-02T00:00:00Z')).toBe(first)
  })

  it('name each error, sorted', () => {
    const report = (error: string) => ({ resource: configMaps, remaining: 1, finalizers: new Map(), error })
    const conditions = contentConditions(undefined, [report('b'), report('a')], '2026-01-01T00:00:00Z')
    expect(conditions[2]).toMatchObject({
      reason: 'ContentDeletionFailed',
      message: 'Failed to delete all resource types, 2 remaining: a, b',
    })
  })
})

describe('every namespace', () => {
  const resources = [namespaces, serviceAccounts, configMaps]
  it('has a default service account, again after it was deleted', async () => {
    const { client, informers } = await start()
    createServiceAccountController().start(cluster)
    const accounts = informers.for(serviceAccounts)
    const first = await cluster.until(() => accounts.get('ns', 'default'), resources)
    await client.delete(serviceAccounts, { namespace: 'ns', name: 'default' })
    await cluster.until(() => accounts.get('ns', 'default') && accounts.get('ns', 'default') !== first, resources)
    await client.create(namespaces, { metadata: { name: 'late' } })
    await cluster.until(() => accounts.get('late', 'default'), resources)
  })

  it('has the root certificate, repaired when somebody changes it', async () => {
    const { client, informers } = await start()
    createRootCaPublisher({ caBundle: 'PEM' }).start(cluster)
    const maps = informers.for(configMaps)
    await cluster.until(() => maps.get('ns', 'kube-root-ca.crt')?.data?.['ca.crt'] === 'PEM', resources)
    await client.patch(
      configMaps,
      { namespace: 'ns', name: 'kube-root-ca.crt' },
      { data: { 'ca.crt': 'forged', more: 'x' } },
    )
    await cluster.until(() => maps.get('ns', 'kube-root-ca.crt')?.data?.['ca.crt'] === 'forged', resources)
    const repaired = await cluster.until(
      () => maps.get('ns', 'kube-root-ca.crt')?.data?.['ca.crt'] === 'PEM' && maps.get('ns', 'kube-root-ca.crt'),
      resources,
    )
    expect(repaired.data).toEqual({ 'ca.crt': 'PEM' })
    expect(repaired.metadata.annotations!['kubernetes.io/description']).toContain('Contains a CA bundle')
  })
})
