import { afterEach, describe, expect, it } from 'vitest'
import type { Pod } from '#api/core/v1/pod.ts'
import { endpoints, endpointSlices, namespaces, nodes, pods, serviceAccounts, services } from '#api/resources.ts'
import { formatTime } from '#machinery/time.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { createEndpointSliceController } from './endpoint-slice-controller.ts'
import { createEndpointsController } from './endpoints-controller.ts'
import { createEndpointSliceMirroringController } from './mirroring-controller.ts'

let cluster: InProcessApi
afterEach(() => cluster.close())

async function start(): Promise<InProcessApi> {
  cluster = await startInProcessApi()
  await cluster.client.create(namespaces, { metadata: { name: 'ns' } })
  await cluster.client.create(serviceAccounts, { metadata: { name: 'default', namespace: 'ns' } })
  await cluster.client.create(nodes, { metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'z1' } } })
  for (const create of [
    createEndpointSliceController,
    createEndpointsController,
    createEndpointSliceMirroringController,
  ]) {
    create().start(cluster)
  }
  return cluster
}

async function runPod(name: string, ip: string): Promise<Pod> {
  const { client, clock } = cluster
  const ports = [{ name: 'http', containerPort: 8080 }]
  const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'i', ports }] } as Pod['spec']
  const { metadata } = await client.create(pods, { metadata: { name, namespace: 'ns', labels: { app: 'web' } }, spec })
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: formatTime(clock.now()) }]
  const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions }
  return client.patch(pods, metadata, { status }, { subresource: 'status' })
}

const slices = () => cluster.informers.for(endpointSlices).list('ns')
const addresses = () =>
  slices()
    .flatMap((s) => (s.endpoints ?? []).map((e) => `${e.addresses[0]} ${e.conditions?.ready}`))
    .toSorted()
const legacy = () => cluster.informers.for(endpoints).get('ns', 'web')?.subsets

describe('a Service with a selector', () => {
  const spec = { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] }

  it('has slices and Endpoints that follow its pods', async () => {
    const { client } = await start()
    await client.create(services, { metadata: { name: 'web', namespace: 'ns' }, spec })
    const empty = await cluster.until(() => slices()[0])
    expect(empty.endpoints ?? []).toEqual([])
    await runPod('a', '10.0.0.1')
    await runPod('b', '10.0.0.2')
    await cluster.until(
      () => addresses().join() === '10.0.0.1 true,10.0.0.2 true' && legacy()?.[0]?.addresses?.length === 2,
    )
    expect(slices()).toHaveLength(1)
    expect(slices()[0]).toMatchObject({ addressType: 'IPv4', ports: [{ name: 'http', port: 8080, protocol: 'TCP' }] })
    expect(slices()[0]!.endpoints![0]).toMatchObject({ nodeName: 'n1', zone: 'z1', targetRef: { kind: 'Pod' } })
    expect(slices()[0]!.metadata.annotations).toHaveProperty(['endpoints.kubernetes.io/last-change-trigger-time'])

    const conditions = [{ type: 'Ready', status: 'False' }]
    await client.patch(pods, { namespace: 'ns', name: 'a' }, { status: { conditions } }, { subresource: 'status' })
    await cluster.until(
      () =>
        addresses().join() === '10.0.0.1 false,10.0.0.2 true' &&
        legacy()?.[0]?.notReadyAddresses?.[0]?.ip === '10.0.0.1',
    )
    await client.delete(pods, { namespace: 'ns', name: 'a' }, { gracePeriodSeconds: 0 })
    await cluster.until(() => addresses().join() === '10.0.0.2 true' && !legacy()?.[0]?.notReadyAddresses)
  })

  it('gets new slices where somebody deletes them, and loses its Endpoints with itself', async () => {
    const { client } = await start()
    await runPod('a', '10.0.0.1')
    await client.create(services, { metadata: { name: 'web', namespace: 'ns' }, spec })
    const first = await cluster.until(() => addresses().length === 1 && slices()[0])
    await client.delete(endpointSlices, first!.metadata)
    await cluster.until(() => addresses().length === 1 && slices()[0]!.metadata.uid !== first!.metadata.uid)
    await cluster.until(legacy)
    await client.delete(services, { namespace: 'ns', name: 'web' })
    await cluster.until(() => !cluster.informers.for(endpoints).get('ns', 'web'))
  })
})

describe('a Service without a selector', () => {
  it('keeps the Endpoints that users write, and mirrors them into slices', async () => {
    const { client } = await start()
    await client.create(services, { metadata: { name: 'web', namespace: 'ns' }, spec: { ports: [{ port: 80 }] } })
    const subsets = [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 8080, protocol: 'TCP' }] }]
    await client.create(endpoints, { metadata: { name: 'web', namespace: 'ns' }, subsets })
    await cluster.until(() => addresses().join() === '192.0.2.1 true')
    expect(slices()[0]!.metadata).toMatchObject({
      labels: {
        'kubernetes.io/service-name': 'web',
        'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
      },
      ownerReferences: [{ kind: 'Endpoints', name: 'web' }],
    })
    await client.patch(
      endpoints,
      { namespace: 'ns', name: 'web' },
      { subsets: [{ ...subsets[0], addresses: [{ ip: '192.0.2.9' }] }] },
    )
    await cluster.until(() => addresses().join() === '192.0.2.9 true')
    await client.patch(services, { namespace: 'ns', name: 'web' }, { spec: { selector: { app: 'web' } } })
    await cluster.until(() =>
      slices().every(
        (s) => s.metadata.labels!['endpointslice.kubernetes.io/managed-by'] === 'endpointslice-controller.k8s.io',
      ),
    )
  })
})
