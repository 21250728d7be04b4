/** Default classes, protection of what is in use, and the growth of claims. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ingressClasses,
  ingresses,
  namespaces,
  persistentVolumeClaims,
  persistentVolumes,
  storageClasses,
  volumeAttributesClasses,
} from '#api/resources.ts'
import { FakeClock } from '#base/fake-clock.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { refusal } from '#testing/refusal.ts'

let cluster: InProcessApi
const clock = new FakeClock()
beforeEach(async () => {
  cluster = await startInProcessApi({ clock })
  await cluster.client.create(namespaces, { metadata: { name: 'ns' } })
})
afterEach(() => cluster.close())

const storageClass = (name: string, annotations: Record<string, string> = {}, extra: object = {}) =>
  cluster.client.create(storageClasses, { metadata: { name, annotations }, provisioner: 'example.com/p', ...extra })
const claim = (name: string, spec: object = {}, annotations: Record<string, string> = {}) =>
  cluster.client.create(persistentVolumeClaims, {
    metadata: { name, namespace: 'ns', annotations },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  })

describe('DefaultStorageClass', () => {
  const isDefault = { 'storageclass.kubernetes.io/is-default-class': 'true' }

  it('is the newest of those that are marked', async () => {
    expect((await claim('none')).spec.storageClassName).toBeUndefined()
    await storageClass('old', isDefault)
    await clock.advance(1000)
    await storageClass('b', isDefault)
    await storageClass('a', isDefault)
    await clock.advance(1000)
    await storageClass('unmarked')
    expect((await claim('some')).spec.storageClassName).toBe('a')
  })

  it('is not for claims that have chosen, be it none', async () => {
    await storageClass('a', isDefault)
    expect((await claim('b', { storageClassName: '' })).spec.storageClassName).toBe('')
    const annotated = await claim('c', {}, { 'volume.beta.kubernetes.io/storage-class': 'x' })
    expect(annotated.spec.storageClassName).toBeUndefined()
  })
})

describe('DefaultIngressClass', () => {
  it('is given to Ingresses that name none', async () => {
    const defaultBackend = { service: { name: 's', port: { number: 80 } } }
    const ingress = (name: string, spec: object = {}, annotations: Record<string, string> = {}) =>
      cluster.client.create(ingresses, {
        metadata: { name, namespace: 'ns', annotations },
        spec: { defaultBackend, ...spec },
      })
    await cluster.client.create(ingressClasses, {
      metadata: { name: 'nginx', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
      spec: { controller: 'example.com/nginx' },
    })
    expect((await ingress('a')).spec.ingressClassName).toBe('nginx')
    expect((await ingress('b', { ingressClassName: 'x' })).spec.ingressClassName).toBe('x')
    const annotated = await ingress('c', {}, { 'kubernetes.io/ingress.class': 'old' })
    expect(annotated.spec.ingressClassName).toBeUndefined()
  })
})

describe('StorageObjectInUseProtection', () => {
  it('puts its finalizers on new objects', async () => {
    expect((await claim('c')).metadata.finalizers).toEqual(['kubernetes.io/pvc-protection'])
    const volume = await cluster.client.create(persistentVolumes, {
      metadata: { name: 'v', finalizers: ['example.com/mine'] },
      spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } },
    })
    expect(volume.metadata.finalizers).toEqual(['example.com/mine', 'kubernetes.io/pv-protection'])
    const attributes = { metadata: { name: 'a' }, driverName: 'example.com', parameters: { iops: '1' } }
    const attributesClass = await cluster.client.create(volumeAttributesClasses, attributes)
    expect(attributesClass.metadata.finalizers).toEqual(['kubernetes.io/vac-protection'])
  })
})

describe('PersistentVolumeClaimResize', () => {
  const grow = (name: string) =>
    cluster.client.patch(
      persistentVolumeClaims,
      { namespace: 'ns', name },
      { spec: { resources: { requests: { storage: '2Gi' } } } },
    )
  const bind = (name: string) =>
    cluster.client.patch(
      persistentVolumeClaims,
      { namespace: 'ns', name },
      { status: { phase: 'Bound', capacity: { storage: '1Gi' } } },
      { subresource: 'status' },
    )

  it('lets bound claims grow whose class allows it', async () => {
    await storageClass('elastic', {}, { allowVolumeExpansion: true })
    await storageClass('rigid')
    await claim('a', { storageClassName: 'elastic', volumeName: 'v' })
    expect((await refusal(grow('a'))).message).toMatch(/Only bound persistent volume claims can be expanded|immutable/)
    await bind('a')
    expect((await grow('a')).spec.resources!.requests!.storage).toBe('2Gi')
    await claim('b', { storageClassName: 'rigid', volumeName: 'v' })
    await bind('b')
    expect((await refusal(grow('b'))).message).toBe(
      'persistentvolumeclaims "b" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    )
  })
})
