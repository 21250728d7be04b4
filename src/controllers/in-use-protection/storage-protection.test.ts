import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { KubeObject, Resource } from '#api/kind.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import {
  namespaces,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  serviceAccounts,
  volumeAttributesClasses,
} from '#api/resources.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import {
  createClaimProtectionController,
  createVolumeAttributesClassProtectionController,
  createVolumeProtectionController,
} from './storage-protection.ts'

let cluster: InProcessApi
beforeEach(async () => {
  cluster = await startInProcessApi()
  await cluster.client.create(namespaces, { metadata: { name: 'ns' } })
  await cluster.client.create(serviceAccounts, { metadata: { name: 'default', namespace: 'ns' } })
  createClaimProtectionController().start(cluster)
  createVolumeProtectionController().start(cluster)
  createVolumeAttributesClassProtectionController().start(cluster)
})
afterEach(() => cluster.close())

const at = (name: string) => ({ namespace: 'ns', name })
const addClaim = (name: string, spec: object = {}) =>
  cluster.client.create(persistentVolumeClaims, {
    metadata: at(name),
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  })
const addPod = (name: string, claimName: string, spec: object = {}) =>
  cluster.client.create(pods, {
    metadata: at(name),
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }],
      ...spec,
    } as Pod['spec'],
  })
const gone = <T extends KubeObject>(resource: Resource<T>, name: string) => {
  const informer = cluster.informers.for(resource)
  return cluster.until(() => !informer.get(resource.namespaced ? 'ns' : undefined, name), [resource])
}

describe('a claim that is deleted', () => {
  it('goes at once where no pod is running with it', async () => {
    await addClaim('c')
    await addPod('pending', 'c')
    await cluster.client.delete(persistentVolumeClaims, at('c'))
    await gone(persistentVolumeClaims, 'c')
    expect(await cluster.client.find(pods, at('pending'))).toBeDefined()
  })

  it('waits for the pod that uses it', async () => {
    await addClaim('c')
    await addPod('p', 'c', { nodeName: 'n' })
    await cluster.client.delete(persistentVolumeClaims, at('c'))
    // Another one in between shows that the controller has seen the first.
    await addClaim('unused')
    await cluster.client.delete(persistentVolumeClaims, at('unused'))
    await gone(persistentVolumeClaims, 'unused')
    const waiting = await cluster.client.get(persistentVolumeClaims, at('c'))
    expect(waiting.metadata).toMatchObject({ finalizers: ['kubernetes.io/pvc-protection'] })
    await cluster.client.delete(pods, at('p'), { gracePeriodSeconds: 0 })
    await gone(persistentVolumeClaims, 'c')
  })
})

describe('a volume that is deleted', () => {
  const addVolume = (name: string) =>
    cluster.client.create(persistentVolumes, {
      metadata: { name },
      spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } },
    })
  const setPhase = (name: string, phase: string) =>
    cluster.client.patch(persistentVolumes, { name }, { status: { phase } }, { subresource: 'status' })

  it('waits until it is bound no more', async () => {
    await addVolume('v')
    await setPhase('v', 'Bound')
    await addVolume('free')
    await cluster.client.delete(persistentVolumes, { name: 'v' })
    await cluster.client.delete(persistentVolumes, { name: 'free' })
    await gone(persistentVolumes, 'free')
    expect(await cluster.client.find(persistentVolumes, { name: 'v' })).toBeDefined()
    await setPhase('v', 'Released')
    await gone(persistentVolumes, 'v')
  })
})

describe('a class of attributes that is deleted', () => {
  it('waits for the claims that name it', async () => {
    const addClass = (name: string) =>
      cluster.client.create(volumeAttributesClasses, { metadata: { name }, driverName: 'd', parameters: { a: 'b' } })
    await addClass('a')
    await addClass('unused')
    await addClaim('c', { volumeAttributesClassName: 'a' })
    await cluster.client.delete(volumeAttributesClasses, { name: 'a' })
    await cluster.client.delete(volumeAttributesClasses, { name: 'unused' })
    await gone(volumeAttributesClasses, 'unused')
    expect(await cluster.client.find(volumeAttributesClasses, { name: 'a' })).toBeDefined()
    await cluster.client.delete(persistentVolumeClaims, at('c'))
    await gone(volumeAttributesClasses, 'a')
  })
})
