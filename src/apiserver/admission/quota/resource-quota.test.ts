import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ResourceQuota } from '#api/core/v1/namespace.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { KubeObject, Resource } from '#api/kind.ts'
import {
  configMaps,
  customResourceDefinitions,
  deployments,
  deviceClasses,
  namespaces,
  persistentVolumeClaims,
  pods,
  priorityClasses,
  resourceClaims,
  resourceQuotas,
  serviceAccounts,
  services,
} from '#api/resources.ts'
import { FakeClock } from '#base/fake-clock.ts'
import { silentLog } from '#base/log.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { refusal } from '#testing/refusal.ts'
import type { AdmissionRequest } from '../admission.ts'
import { QuotaLedger } from './quota-ledger.ts'
import { type LimitedResource, resourceQuota } from './resource-quota.ts'

let cluster: InProcessApi
let clock: FakeClock
beforeEach(async () => {
  clock = new FakeClock()
  cluster = await startInProcessApi({ clock })
  await cluster.client.create(namespaces, { metadata: { name: 'ns' } })
  await cluster.client.create(serviceAccounts, { metadata: { name: 'default', namespace: 'ns' } })
})
afterEach(() => cluster.close())

const at = (name: string) => ({ name, namespace: 'ns' })
const bound = (hard: Record<string, string>, spec: object = {}, name = 'q') =>
  cluster.client.create(resourceQuotas, { metadata: at(name), spec: { hard, ...spec } })
const usedOf = async (name = 'q') => (await cluster.client.get(resourceQuotas, at(name))).status!.used
/** Resolves when the status of the quota says so. */
const untilUsed = (used: Record<string, string>, name = 'q') => {
  const informer = cluster.informers.for(resourceQuotas)
  const isSo = () => {
    const found = informer.get('ns', name)?.status?.used ?? {}
    return Object.entries(used).every(([key, value]) => found[key] === value)
  }
  return cluster.until(isSo, [resourceQuotas])
}
const create = <T extends KubeObject>(resource: Resource<T>, name: string, body: object = {}) =>
  cluster.client.create(resource, { metadata: at(name), ...body } as never)
const addPod = (name: string, resources: object = {}, spec: object = {}): Promise<Pod> =>
  create(pods, name, { spec: { containers: [{ name: 'c', image: 'i', resources }], ...spec } })
const whyNot = async (request: Promise<unknown>) => (await refusal(request)).message

describe('a quota', () => {
  it('says at once what is used', async () => {
    await create(configMaps, 'a')
    await bound({ configmaps: '5', pods: '3', 'requests.cpu': '2' })
    await untilUsed({ configmaps: '1', pods: '0', 'requests.cpu': '0' })
    await addPod('p', { requests: { cpu: '500m' } })
    const { status } = await cluster.client.get(resourceQuotas, at('q'))
    expect(status).toEqual({
      hard: { configmaps: '5', pods: '3', 'requests.cpu': '2' },
      used: { configmaps: '1', pods: '1', 'requests.cpu': '500m' },
    })
  })

  it('refuses what is more than it leaves', async () => {
    await bound({ pods: '2', 'requests.memory': '1Gi', 'limits.cpu': '1' })
    const sizes = (memory: string) => ({ requests: { memory }, limits: { cpu: '100m', memory: '2Gi' } })
    await addPod('a', sizes('600Mi'))
    expect(await refusal(addPod('b', sizes('500Mi')))).toMatchObject({
      reason: 'Forbidden',
      message:
        'pods "b" is forbidden: exceeded quota: q, requested: requests.memory=500Mi, used: requests.memory=600Mi, limited: requests.memory=1Gi',
    })
    await addPod('b', sizes('100Mi'))
    expect(await whyNot(addPod('c', { requests: { memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } }))).toBe(
      'pods "c" is forbidden: exceeded quota: q, requested: limits.cpu=1,pods=1,requests.memory=1Gi, used: limits.cpu=200m,pods=2,requests.memory=700Mi, limited: limits.cpu=1,pods=2,requests.memory=1Gi',
    )
  })

  it('wants to know what it bounds', async () => {
    await bound({ cpu: '1', 'limits.memory': '1Gi' })
    const spec = { initContainers: [{ name: 'i', image: 'i' }] }
    expect(await whyNot(addPod('p', { requests: { cpu: '1m' } }, spec))).toBe(
      'pods "p" is forbidden: failed quota: q: must specify cpu for: i; limits.memory for: c,i',
    )
    await addPod('q', {}, { resources: { requests: { cpu: '1m' }, limits: { memory: '1Mi' } } })
  })

  it('gives back what is deleted, has ended, or was not written', async () => {
    await bound({ pods: '1', 'count/pods': '3' })
    await addPod('a')
    await cluster.client.patch(pods, at('a'), { status: { phase: 'Succeeded' } }, { subresource: 'status' })
    await addPod('b')
    expect(await whyNot(addPod('c'))).toMatch(/exceeded quota: q, requested: pods=1/)
    await cluster.client.delete(pods, at('b'))
    await addPod('c')
    expect(await usedOf()).toEqual({ pods: '1', 'count/pods': '2' })
    await cluster.client.delete(pods, at('a'))
    // It exists already, so that nothing more is used.
    expect((await refusal(addPod('c'))).reason).toBe('AlreadyExists')
    await untilUsed({ pods: '1', 'count/pods': '1' })
  })

  it('does not count dry runs, but holds them to its bounds', async () => {
    await bound({ configmaps: '1' })
    const draft = { metadata: at('a') }
    await cluster.client.create(configMaps, draft, { dryRun: 'All' })
    expect(await usedOf()).toEqual({ configmaps: '0' })
    await create(configMaps, 'a')
    const again = cluster.client.create(configMaps, { metadata: at('b') }, { dryRun: 'All' })
    expect(await whyNot(again)).toMatch(/exceeded quota/)
  })

  it('that changes counts anew', async () => {
    await create(configMaps, 'a')
    await bound({ secrets: '1' })
    await cluster.client.patch(resourceQuotas, at('q'), { spec: { hard: { configmaps: '1', secrets: null } } })
    await untilUsed({ configmaps: '1' })
    expect(await usedOf()).toEqual({ configmaps: '1' })
    expect(await whyNot(create(configMaps, 'b'))).toMatch(/requested: configmaps=1, used: configmaps=1/)
    await cluster.client.delete(resourceQuotas, at('q'))
    await create(configMaps, 'b')
  })

  it('has its status put right', async () => {
    await bound({ configmaps: '2' })
    await untilUsed({ configmaps: '0' })
    const wrong = { status: { hard: { configmaps: '9' }, used: { configmaps: '7' } } }
    await cluster.client.patch(resourceQuotas, at('q'), wrong, { subresource: 'status' })
    await untilUsed({ configmaps: '0' })
    expect((await cluster.client.get(resourceQuotas, at('q'))).status!.hard).toEqual({ configmaps: '2' })
  })

  it('is one of many', async () => {
    await bound({ configmaps: '5' }, {}, 'wide')
    await bound({ configmaps: '1' }, {}, 'narrow')
    await create(configMaps, 'a')
    expect(await whyNot(create(configMaps, 'b'))).toMatch(/exceeded quota: narrow/)
    expect([await usedOf('wide'), await usedOf('narrow')]).toEqual([{ configmaps: '1' }, { configmaps: '1' }])
  })

  it('is asked in the order of names, which is worked out once', async () => {
    const ledger = new QuotaLedger(() => cluster.api, clock, silentLog)
    ledger.start()
    const names = () => ledger.quotasOf('ns')?.map(({ quota }) => quota.metadata.name)
    for (const name of ['b', 'c', 'a']) await bound({ configmaps: '5' }, {}, name)
    expect(names()).toEqual(['a', 'b', 'c'])
    const before = ledger.quotasOf('ns')
    await create(configMaps, 'x')
    expect(ledger.quotasOf('ns')).toBe(before)
    await cluster.client.delete(resourceQuotas, at('b'))
    expect(names()).toEqual(['a', 'c'])
    for (const name of ['a', 'c']) await cluster.client.delete(resourceQuotas, at(name))
    expect(names()).toBeUndefined()
  })

  it('forgives pods that do not come to an end', async () => {
    await bound({ pods: '1' })
    await addPod('stuck', {}, { nodeName: 'n' })
    await cluster.client.delete(pods, at('stuck'), { gracePeriodSeconds: 10 })
    await clock.advance(15_000)
    expect(await whyNot(addPod('next'))).toMatch(/exceeded quota/)
    await clock.advance(10_000)
    await addPod('next')
  })
})

const ofGold = (name: string) => `gold.storageclass.storage.k8s.io/${name}`

describe('what is counted', () => {
  type Case = [what: string, hard: string[], act: () => Promise<unknown>, used: Record<string, string>]

  const cases: Case[] = [
    [
      'extended resources and huge pages',
      ['requests.example.com/gpu', 'hugepages-2Mi', 'requests.hugepages-2Mi', 'requests.ephemeral-storage'],
      () => {
        const limits = { 'example.com/gpu': '2', 'hugepages-2Mi': '4Mi' }
        return addPod('p', { requests: { 'ephemeral-storage': '1Mi', cpu: '1' }, limits })
      },
      {
        'requests.example.com/gpu': '2',
        'hugepages-2Mi': '4Mi',
        'requests.hugepages-2Mi': '4Mi',
        'requests.ephemeral-storage': '1Mi',
      },
    ],
    [
      'services',
      ['services', 'services.nodeports', 'services.loadbalancers', 'count/services'],
      async () => {
        const ports = [
          { name: 'a', port: 1 },
          { name: 'b', port: 2 },
        ]
        await create(services, 'a', { spec: { ports } })
        await create(services, 'b', { spec: { type: 'NodePort', ports } })
        await create(services, 'c', { spec: { type: 'LoadBalancer', ports, allocateLoadBalancerNodePorts: false } })
        await cluster.client.patch(services, at('a'), { spec: { type: 'LoadBalancer' } })
      },
      { services: '3', 'services.nodeports': '4', 'services.loadbalancers': '2', 'count/services': '3' },
    ],
    [
      'claims of volumes',
      ['persistentvolumeclaims', 'requests.storage', ...['requests.storage', 'persistentvolumeclaims'].map(ofGold)],
      async () => {
        const spec = (storage: string) => ({ accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } })
        await create(persistentVolumeClaims, 'a', { spec: spec('1Gi') })
        await create(persistentVolumeClaims, 'b', { spec: { ...spec('2Gi'), storageClassName: 'gold' } })
      },
      {
        persistentvolumeclaims: '2',
        'requests.storage': '3Gi',
        [ofGold('requests.storage')]: '2Gi',
        [ofGold('persistentvolumeclaims')]: '1',
      },
    ],
    [
      'claims of devices',
      ['count/resourceclaims.resource.k8s.io', 'gpu.deviceclass.resource.k8s.io/devices', 'requests.example.com/gpu'],
      async () => {
        const exactly = (count: number) => ({ deviceClassName: 'gpu', count })
        const firstAvailable = [
          { name: 'x', ...exactly(3) },
          { name: 'y', ...exactly(4) },
        ]
        const requests = [
          { name: 'a', exactly: exactly(2) },
          { name: 'b', firstAvailable },
        ]
        await create(resourceClaims, 'c', { spec: { devices: { requests } } })
      },
      {
        'count/resourceclaims.resource.k8s.io': '1',
        'gpu.deviceclass.resource.k8s.io/devices': '6',
        'requests.example.com/gpu': '6',
      },
    ],
  ]
  it.each(cases)('of %s', async (_what, names, act, used) => {
    const spec = { extendedResourceName: 'example.com/gpu' }
    await cluster.client.create(deviceClasses, { metadata: { name: 'gpu' }, spec })
    await bound(Object.fromEntries(names.map((name) => [name, '10Gi'])))
    await act()
    await untilUsed(used)
    expect(await usedOf()).toEqual(used)
  })

  it('of anything else, by its name', async () => {
    await bound({ 'count/deployments.apps': '1', 'count/widgets.example.com': '1' })
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    const spec = { selector: { matchLabels: { a: 'b' } }, template }
    await create(deployments, 'a', { spec })
    expect(await whyNot(create(deployments, 'b', { spec }))).toBe(
      'deployments.apps "b" is forbidden: exceeded quota: q, requested: count/deployments.apps=1, used: count/deployments.apps=1, limited: count/deployments.apps=1',
    )
  })
})

describe('custom resources', () => {
  const definition = {
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', singular: 'widget', kind: 'Widget' },
      versions: ['v1', 'v2'].map((name) => ({
        name,
        served: true,
        storage: name === 'v2',
        schema: { openAPIV3Schema: { type: 'object' } },
      })),
    },
  }
  const served = (version: string) => cluster.api.catalog.at('example.com', version, 'widgets')?.resource

  it('are counted in all their versions, also where the quota was there first', async () => {
    await bound({ 'count/widgets.example.com': '2' })
    await cluster.client.create(customResourceDefinitions, definition as never)
    const [v1, v2] = await cluster.until(
      () => served('v1') && served('v2') && [served('v1')!, served('v2')!],
      [customResourceDefinitions],
    )
    await create(v1!, 'a')
    await create(v2!, 'b')
    expect(await whyNot(create(v1!, 'c'))).toBe(
      'widgets.example.com "c" is forbidden: exceeded quota: q, requested: count/widgets.example.com=1, used: count/widgets.example.com=2, limited: count/widgets.example.com=2',
    )
    await cluster.client.delete(v2!, at('a'))
    await untilUsed({ 'count/widgets.example.com': '1' })
    await bound({ 'count/widgets.example.com': '5' }, {}, 'later')
    await untilUsed({ 'count/widgets.example.com': '1' }, 'later')
  })
})

describe('scopes', () => {
  const scoped = (name: string, scopes: string[], hard: Record<string, string> = { pods: '1' }) =>
    bound(hard, { scopes }, name)

  it('of pods with and without an end, and with and without sizes', async () => {
    await scoped('ending', ['Terminating'])
    await scoped('lasting', ['NotTerminating'])
    await scoped('modest', ['BestEffort'])
    await scoped('sized', ['NotBestEffort'])
    await addPod('a', {}, { activeDeadlineSeconds: 60 })
    await addPod('b', { requests: { cpu: '1' } })
    const used = await Promise.all(['ending', 'lasting', 'modest', 'sized'].map(usedOf))
    expect(used).toEqual([{ pods: '1' }, { pods: '1' }, { pods: '1' }, { pods: '1' }])
    expect(await whyNot(addPod('c', {}, { activeDeadlineSeconds: 60 }))).toMatch(/exceeded quota: ending/)
    expect(await whyNot(addPod('d', { requests: { cpu: '1' } }))).toMatch(/exceeded quota: lasting/)
    // It would change from one to the other.
    const deadline = { spec: { activeDeadlineSeconds: 60 } }
    expect(await whyNot(cluster.client.patch(pods, at('b'), deadline))).toMatch(/exceeded quota: ending/)
    await cluster.client.delete(pods, at('a'))
    await cluster.client.patch(pods, at('b'), deadline)
    await untilUsed({ pods: '0' }, 'lasting')
  })

  it('of priorities and of pods that look elsewhere', async () => {
    for (const [name, value] of [
      ['high', 10],
      ['low', 1],
    ] as const)
      await cluster.client.create(priorityClasses, { metadata: { name }, value })
    const select = (name: string, matchExpressions: object[]) =>
      bound({ pods: '1' }, { scopeSelector: { matchExpressions } }, name)
    await select('important', [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }])
    await select('any', [{ scopeName: 'PriorityClass', operator: 'Exists' }])
    await select('nosy', [{ scopeName: 'CrossNamespacePodAffinity', operator: 'Exists' }])
    await addPod('a', {}, { priorityClassName: 'low' })
    expect(await usedOf('any')).toEqual({ pods: '1' })
    expect(await usedOf('important')).toEqual({ pods: '0' })
    expect(await whyNot(addPod('b', {}, { priorityClassName: 'high' }))).toMatch(/exceeded quota: any/)
    const term = { topologyKey: 'zone', namespaceSelector: {}, labelSelector: {} }
    const affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } }
    await addPod('c', {}, { affinity })
    expect(await whyNot(addPod('d', {}, { affinity }))).toMatch(/exceeded quota: nosy/)
  })

  it('of volumes, by their class of attributes', async () => {
    const matchExpressions = [{ scopeName: 'VolumeAttributesClass', operator: 'In', values: ['fast'] }]
    await bound({ persistentvolumeclaims: '1' }, { scopeSelector: { matchExpressions } })
    const claim = (name: string, volumeAttributesClassName?: string) =>
      create(persistentVolumeClaims, name, {
        spec: {
          accessModes: ['ReadWriteOnce'],
          resources: { requests: { storage: '1Gi' } },
          ...(volumeAttributesClassName && { volumeAttributesClassName }),
        },
      })
    await claim('a')
    await claim('b', 'fast')
    expect(await whyNot(claim('c', 'fast'))).toMatch(/exceeded quota: q, requested: persistentvolumeclaims=1/)
  })
})

describe('what is limited', () => {
  const ask = (limited: readonly LimitedResource[], object: object) => {
    const ledger = new QuotaLedger(() => cluster.api, clock, silentLog)
    ledger.start()
    const plugin = resourceQuota(() => cluster.api, ledger, limited)
    const request = { operation: 'CREATE', resource: pods, subresource: '', namespace: 'ns', name: '', dryRun: true }
    return plugin.validate!(request as unknown as AdmissionRequest, object as KubeObject)
  }
  const draft = {
    metadata: at('p'),
    spec: { priorityClassName: 'high', containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }] },
  }

  it('needs a quota that allows it', async () => {
    const limited = [{ ...pods, matchContains: ['requests.cpu'] }]
    expect(() => ask(limited, draft)).toThrow('pods "p" is forbidden: insufficient quota to consume: requests.cpu')
    await bound({ 'requests.cpu': '2' })
    expect(ask(limited, draft)).toBeUndefined()
  })

  it('may be a scope', async () => {
    const selector = { scopeName: 'PriorityClass', operator: 'In', values: ['high'] }
    const limited = [{ ...pods, matchScopes: [selector] }]
    expect(() => ask(limited, draft)).toThrow('insufficient quota to match these scopes: [{PriorityClass In [high]}]')
    await bound({ pods: '2' }, { scopeSelector: { matchExpressions: [selector] } } satisfies Partial<
      ResourceQuota['spec']
    >)
    expect(ask(limited, draft)).toBeUndefined()
  })
})
