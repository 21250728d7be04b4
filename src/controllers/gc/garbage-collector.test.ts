import { afterEach, describe, expect, it } from 'vitest'
import { configMaps, events, namespaces, nodes, secrets } from '#api/resources.ts'
import type { ConfigMap } from '#api/core/v1/config.ts'
import type { OwnerReference } from '#machinery/owner.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { createGarbageCollector } from './garbage-collector.ts'

let cluster: InProcessApi
afterEach(() => cluster.close())

async function start(): Promise<InProcessApi> {
  cluster = await startInProcessApi()
  for (const name of ['ns', 'other']) await cluster.client.create(namespaces, { metadata: { name } })
  return cluster
}
const collect = () => createGarbageCollector().start(cluster)

const ownedBy = (owner: ConfigMap, blockOwnerDeletion = true): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  blockOwnerDeletion,
})
const create = (name: string, ownerReferences: OwnerReference[] = [], finalizers: string[] = [], namespace = 'ns') =>
  cluster.client.create(configMaps, { metadata: { name, namespace, ownerReferences, finalizers } })
const get = (name: string) => cluster.informers.for(configMaps).get('ns', name)
const until = <T>(test: () => T | undefined | false | 0) => cluster.until(test, [configMaps])
const remove = (name: string, propagationPolicy: 'Background' | 'Foreground' | 'Orphan') =>
  cluster.client.delete(configMaps, { namespace: 'ns', name }, { propagationPolicy })
/** Something that the collector does after all that came before has been looked at. */
async function settled(): Promise<void> {
  const probe = await create(`probe-${cluster.random.int(1e9)}`)
  await create(`${probe.metadata.name}-child`, [ownedBy(probe)])
  await until(() => get(`${probe.metadata.name}-child`))
  await remove(probe.metadata.name, 'Background')
  await until(() => !get(`${probe.metadata.name}-child`))
}

describe('the garbage collector', () => {
  it('deletes the dependents of an owner that is gone, and theirs', async () => {
    await start()
    collect()
    const owner = await create('owner')
    const child = await create('child', [ownedBy(owner)])
    await create('grandchild', [ownedBy(child)])
    const unrelated = await create('unrelated')
    await until(() => get('grandchild'))
    await remove('owner', 'Background')
    await until(() => !get('child') && !get('grandchild'))
    expect(get('unrelated')?.metadata.uid).toBe(unrelated.metadata.uid)
  })

  it('collects what lost its owner before it ran', async () => {
    await start()
    const owner = await create('owner')
    await create('child', [ownedBy(owner)])
    await remove('owner', 'Background')
    expect(await cluster.client.find(configMaps, { namespace: 'ns', name: 'child' })).toBeDefined()
    collect()
    await until(() => !get('child') && cluster.informers.for(configMaps).isSynced)
  })

  it('keeps what has another owner, and forgets the one that is gone', async () => {
    await start()
    collect()
    const [a, b] = [await create('a'), await create('b')]
    await create('child', [ownedBy(a), ownedBy(b)])
    await until(() => get('child'))
    await remove('a', 'Background')
    const child = await until(() => get('child')?.metadata.ownerReferences?.length === 1 && get('child'))
    expect(child.metadata.ownerReferences).toEqual([ownedBy(b)])
  })

  it('deletes an owner in the foreground only after its blocking dependents', async () => {
    await start()
    collect()
    const owner = await create('owner')
    await create('stubborn', [ownedBy(owner)], ['example.com/hold'])
    await create('quick', [ownedBy(owner)])
    await create('not-blocking', [ownedBy(owner, false)])
    await until(() => get('not-blocking'))
    await remove('owner', 'Foreground')
    await until(() => !get('quick') && get('stubborn')?.metadata.deletionTimestamp)
    expect(get('owner')!.metadata.finalizers).toEqual(['foregroundDeletion'])
    await cluster.client.patch(
      configMaps,
      { namespace: 'ns', name: 'stubborn' },
      { metadata: { finalizers: null } },
      { type: 'merge' },
    )
    await until(() => !get('stubborn') && !get('owner') && !get('not-blocking'))
  })

  it('deletes in the foreground through several levels, leaves first', async () => {
    await start()
    collect()
    const order: string[] = []
    cluster.informers.for(configMaps).handle({ deleted: ({ metadata }) => order.push(metadata.name) })
    const owner = await create('owner')
    const child = await create('child', [ownedBy(owner)])
    await create('leaf', [ownedBy(child)])
    await until(() => get('leaf'))
    await remove('owner', 'Foreground')
    await until(() => !get('owner'))
    expect(order).toEqual(['leaf', 'child', 'owner'])
  })

  it('lets dependents go when their owner is deleted with orphan', async () => {
    await start()
    collect()
    const owner = await create('owner')
    await create('child', [ownedBy(owner)])
    await until(() => get('child'))
    await remove('owner', 'Orphan')
    await until(() => !get('owner') && get('child')?.metadata.ownerReferences === undefined)
    await settled()
    expect(get('child')).toBeDefined()
  })

  it('resolves circles of owners that are deleted in the foreground', async () => {
    await start()
    collect()
    const a = await create('a')
    const b = await create('b', [ownedBy(a)])
    await cluster.client.patch(configMaps, a.metadata, { metadata: { ownerReferences: [ownedBy(b)] } })
    await until(() => get('a')?.metadata.ownerReferences?.length)
    await remove('a', 'Foreground')
    await until(() => !get('a') && !get('b'))
  })

  it('takes an owner of another kind, or of the whole cluster, as it is', async () => {
    await start()
    collect()
    const node = await cluster.client.create(nodes, { metadata: { name: 'n1' } })
    const secret = await cluster.client.create(secrets, { metadata: { name: 's', namespace: 'ns' } })
    const nodeReference = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: node.metadata.uid }
    await create('of-node', [nodeReference])
    await create('of-secret', [{ apiVersion: 'v1', kind: 'Secret', name: 's', uid: secret.metadata.uid }])
    await settled()
    expect([get('of-node') && 1, get('of-secret') && 1]).toEqual([1, 1])
    await cluster.client.delete(nodes, { name: 'n1' })
    await until(() => !get('of-node'))
    expect(get('of-secret')).toBeDefined()
  })

  it('does not accept an owner of another namespace, and says so', async () => {
    await start()
    collect()
    const elsewhere = await create('owner', [], [], 'other')
    await until(() => cluster.informers.for(configMaps).get('other', 'owner'))
    const isDeleted = new Promise((resolve) => cluster.informers.for(configMaps).handle({ deleted: resolve }))
    await create('child', [ownedBy(elsewhere)])
    await isDeleted
    await cluster.recorder.flushed()
    const { items } = await cluster.client.list(events, { namespace: 'ns' })
    expect(items.map((e) => e.reason)).toEqual(['OwnerRefInvalidNamespace'])
  })

  it('keeps what belongs to a kind that nobody serves', async () => {
    await start()
    collect()
    await create('child', [{ apiVersion: 'example.com/v1', kind: 'Widget', name: 'w', uid: 'u-w' }])
    await settled()
    expect(get('child')).toBeDefined()
  })
})
