import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LimitRangeItem } from '#api/core/v1/namespace.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { limitRanges, namespaces, persistentVolumeClaims, pods, serviceAccounts } from '#api/resources.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { refusal } from '#testing/refusal.ts'

let cluster: InProcessApi
beforeEach(async () => {
  cluster = await startInProcessApi()
  await cluster.client.create(namespaces, { metadata: { name: 'ns' } })
  await cluster.client.create(serviceAccounts, { metadata: { name: 'default', namespace: 'ns' } })
})
afterEach(() => cluster.close())

const limit = (...limits: Partial<LimitRangeItem>[]) =>
  cluster.client.create(limitRanges, {
    metadata: { name: 'limits', namespace: 'ns' },
    spec: { limits: limits as LimitRangeItem[] },
  })
const create = (resources: object, extra: object = {}): Promise<Pod> =>
  cluster.client.create(pods, {
    metadata: { name: 'p', namespace: 'ns' },
    spec: { containers: [{ name: 'c', image: 'i', resources }], ...extra } as Pod['spec'],
  })
const whyNot = async (resources: object, extra?: object) =>
  (await refusal(create(resources, extra))).message.replace('pods "p" is forbidden: ', '')

describe('a LimitRange', () => {
  it('completes containers, and notes what it did', async () => {
    await limit({ type: 'Container', default: { cpu: '300m', memory: '256Mi' }, defaultRequest: { cpu: '100m' } })
    const initContainers = [{ name: 'i', image: 'i', resources: { limits: { cpu: '1' } } }]
    const { spec, metadata, status } = await create({}, { initContainers })
    expect(spec.containers[0]!.resources).toEqual({
      requests: { cpu: '100m', memory: '256Mi' },
      limits: { cpu: '300m', memory: '256Mi' },
    })
    expect(spec.initContainers![0]!.resources).toEqual({
      requests: { cpu: '1', memory: '256Mi' },
      limits: { cpu: '1', memory: '256Mi' },
    })
    expect(metadata.annotations).toEqual({
      'kubernetes.io/limit-ranger':
        'LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c; memory request for init container i; memory limit for init container i',
    })
    expect(status.qosClass).toBe('Burstable')
  })

  it('sets what containers may ask for at least and at most', async () => {
    await limit({ type: 'Container', min: { cpu: '100m' }, max: { cpu: '1' }, maxLimitRequestRatio: { cpu: '2' } })
    expect(await whyNot({ requests: { cpu: '50m' }, limits: { cpu: '100m' } })).toBe(
      'minimum cpu usage per Container is 100m, but request is 50m',
    )
    expect(await whyNot({ requests: { cpu: '1' }, limits: { cpu: '2' } })).toBe(
      'maximum cpu usage per Container is 1, but limit is 2',
    )
    expect(await whyNot({ requests: { cpu: '100m' }, limits: { cpu: '250m' } })).toBe(
      'cpu max limit to request ratio per Container is 2, but provided ratio is 2.500000',
    )
    await create({ requests: { cpu: '500m' }, limits: { cpu: '1' } })
  })

  it('counts all containers of a pod together', async () => {
    await limit({ type: 'Pod', max: { memory: '1Gi' }, min: { memory: '100Mi' } })
    expect(await whyNot({})).toBe(
      '[minimum memory usage per Pod is 100Mi.  No request is specified, maximum memory usage per Pod is 1Gi.  No limit is specified]',
    )
    const resources = { limits: { memory: '600Mi' } }
    expect(
      await whyNot(resources, { initContainers: [{ name: 's', image: 'i', restartPolicy: 'Always', resources }] }),
    ).toBe('maximum memory usage per Pod is 1Gi, but limit is 1200Mi')
    // What is asked for the pod as a whole counts instead.
    await create({}, { resources: { limits: { memory: '1Gi' } } })
  })

  it('bounds what claims ask for', async () => {
    await limit({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } })
    const claim = (storage: string) =>
      cluster.client.create(persistentVolumeClaims, {
        metadata: { name: 'c', namespace: 'ns' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
      })
    await expect(claim('500Mi')).rejects.toThrow(
      'persistentvolumeclaims "c" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi',
    )
    await expect(claim('3Gi')).rejects.toThrow(
      'maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
    )
    await claim('2Gi')
  })

  it('says nothing about updates and other namespaces', async () => {
    const before = await create({})
    await limit({ type: 'Container', min: { cpu: '100m' } })
    await cluster.client.patch(pods, before.metadata, { metadata: { labels: { a: 'b' } } })
    await cluster.client.create(namespaces, { metadata: { name: 'other' } })
    await cluster.client.create(serviceAccounts, { metadata: { name: 'default', namespace: 'other' } })
    const spec = { containers: [{ name: 'c', image: 'i' }] } as Pod['spec']
    const pod = await cluster.client.create(pods, { metadata: { name: 'p', namespace: 'other' }, spec })
    expect(pod.spec.containers[0]!.resources).toEqual({})
  })
})
