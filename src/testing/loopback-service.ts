/**
 * A Service whose only endpoint is a server of the test's own process. The API takes no loopback address for an endpoint,
 * as it should; here that is what stands for a pod's address.
 */
import type { EndpointSlice } from '#api/discovery/v1.ts'
import { endpointSlices, services } from '#api/resources.ts'
import type { Api } from '#apiserver/api.ts'
import type { Client } from '#client/client.ts'

export interface LoopbackService {
  namespace: string
  name: string
  /** Where the server listens on 127.0.0.1. */
  port: number
}

export async function createLoopbackService(api: Api, client: Client, key: LoopbackService): Promise<void> {
  const { namespace, name } = key
  await client.create(services, { metadata: { namespace, name }, spec: { ports: [{ port: 443 }] } })
  await createLoopbackEndpoint(api, key)
}

export async function createLoopbackEndpoint(api: Api, { namespace, name, port }: LoopbackService): Promise<void> {
  const registry = api.registry(endpointSlices)
  const slice: Omit<EndpointSlice, 'metadata'> & { metadata: object } = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace, name, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: '', port, protocol: 'TCP' }],
    endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
  }
  const { validate } = registry.strategy
  registry.strategy.validate = () => []
  try {
    await registry.create(slice as never, { namespace, dryRun: false })
  } finally {
    if (validate) registry.strategy.validate = validate
    else delete registry.strategy.validate
  }
}
