import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Pod } from '#api/core/v1/pod.ts'
import { limitRanges, namespaces, nodes, pods, serviceAccounts } from '#api/resources.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { refusal } from '#testing/refusal.ts'

let cluster: InProcessApi
beforeEach(async () => {
  cluster = await startInProcessApi()
  await cluster.client.create(namespaces, { metadata: { name: 'ns' } })
  await cluster.client.create(serviceAccounts, { metadata: { name: 'default', namespace: 'ns' } })
})
afterEach(() => cluster.close())

const at = { namespace: 'ns', name: 'p' }
const sizes = (cpu: string) => ({ requests: { cpu, memory: '1Gi' } })
const addPod = (spec: object = {}) =>
  cluster.client.create(pods, {
    metadata: at,
    spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i', resources: sizes('100m') }], ...spec } as Pod['spec'],
  })
const addNode = (status: object, labels: Record<string, string> = {}) =>
  cluster.client.create(nodes, {
    metadata: { name: 'n', labels },
    status: { allocatable: { cpu: '1', memory: '4Gi' }, ...status } as never,
  })
const resize = (cpu: string, spec: object = {}) =>
  cluster.client.patch(
    pods,
    at,
    { spec: { containers: [{ name: 'c', image: 'changed', resources: sizes(cpu) }], ...spec } },
    { subresource: 'resize' },
  )

describe('pods/resize', () => {
  it('changes sizes and nothing else', async () => {
    await addNode({})
    const before = await addPod()
    const { spec, metadata } = await resize('200m')
    expect(spec.containers[0]).toMatchObject({ image: 'i', resources: { requests: { cpu: '200m' } } })
    expect(metadata.generation).toBe(before.metadata.generation! + 1)
    expect(await cluster.client.get(pods, at, { subresource: 'resize' })).toMatchObject({ kind: 'Pod', spec })
  })

  it('ends where the node does', async () => {
    await addNode({})
    await addPod()
    expect(await refusal(resize('1500m'))).toMatchObject({
      message: `pods "p" is forbidden: node didn't have enough allocatable resources: cpu, requested: 1500, allocatable: 1000`,
      details: { causes: [{ reason: 'NodeCapacity' }] },
    })
  })

  it('is for Linux', async () => {
    await addNode({}, { 'kubernetes.io/os': 'windows' })
    await addPod()
    expect((await refusal(resize('200m'))).message).toBe(
      'pods "p" is forbidden: pod resize is only supported on linux nodes, node "n" is "windows"',
    )
  })

  it('of the pod as a whole needs a node that can do that', async () => {
    await addNode({})
    await addPod({ resources: { requests: { cpu: '200m', memory: '1Gi' } } })
    const whole = { resources: { requests: { cpu: '300m', memory: '1Gi' } } }
    expect((await refusal(resize('100m', whole))).message).toBe(
      'pods "p" is forbidden: pod update requires features InPlacePodLevelResourcesVerticalScaling which are not available on node "n"',
    )
    const status = { declaredFeatures: ['InPlacePodLevelResourcesVerticalScaling'] }
    await cluster.client.patch(nodes, { name: 'n' }, { status }, { subresource: 'status' })
    expect((await resize('100m', whole)).spec.resources!.requests!.cpu).toBe('300m')
  })

  it('stays within the bounds of the namespace', async () => {
    await addNode({})
    await addPod()
    await cluster.client.create(limitRanges, {
      metadata: { name: 'l', namespace: 'ns' },
      spec: { limits: [{ type: 'Container', min: { cpu: '50m' } }] },
    })
    expect((await refusal(resize('20m'))).message).toBe(
      'pods "p" is forbidden: minimum cpu usage per Container is 50m, but request is 20m',
    )
  })
})
