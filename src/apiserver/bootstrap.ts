/**
 * The objects that every cluster has from its first moment, and again when somebody deletes them: the system namespaces, the two built-in priority classes, and
 * the Service under which pods reach the API. Upstream: the post-start hooks of kube-apiserver.
 */
import type { Draft as NewObject, KubeObject, Resource } from '#api/kind.ts'
import { endpoints, endpointSlices, namespaces, priorityClasses, services } from '#api/resources.ts'
import { jsonEqual } from '#base/equal.ts'
import type { Client } from '#client/client.ts'
import { isStatus } from '#machinery/status-error.ts'

export interface BootstrapOptions {
  client: Client
  /** Cluster IP of the `kubernetes` Service: the first address of the service network. */
  serviceIp: string
  /** Where nodes and pods reach this API server. */
  advertise: { address: string; port: number }
}

const SYSTEM_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease']

export async function bootstrap({ client, serviceIp, advertise }: BootstrapOptions): Promise<void> {
  await Promise.all(SYSTEM_NAMESPACES.map((name) => ensure(client, namespaces, { metadata: { name } })))
  await Promise.all([
    ensure(client, priorityClasses, {
      metadata: { name: 'system-node-critical' },
      value: 2_000_001_000,
      description: 'For pods without which a node does not work; they are moved from it last.',
    }),
    ensure(client, priorityClasses, {
      metadata: { name: 'system-cluster-critical' },
      value: 2_000_000_000,
      description: 'For pods without which the cluster does not work.',
    }),
    ensure(client, services, {
      metadata: {
        name: 'kubernetes',
        namespace: 'default',
        labels: { component: 'apiserver', provider: 'kubernetes' },
      },
      spec: {
        clusterIP: serviceIp,
        ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: advertise.port }],
      },
    } as never),
  ])
  // An address of this machine alone is of no use to pods, and the API accepts none as an endpoint.
  const isReachable = !advertise.address.startsWith('127.') && advertise.address !== '::1'
  const port = { name: 'https', port: advertise.port, protocol: 'TCP' }
  await put(client, endpoints, {
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' },
    },
    subsets: isReachable ? [{ addresses: [{ ip: advertise.address }], ports: [port] }] : [],
  })
  await put(client, endpointSlices, {
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: isReachable ? [{ addresses: [advertise.address], conditions: { ready: true } }] : [],
    ports: [port],
  })
}

async function ensure<T extends KubeObject>(client: Client, resource: Resource<T>, draft: NewObject<T>): Promise<void> {
  if (await client.find(resource, draft.metadata as { name: string })) return
  try {
    await client.create(resource, draft)
  } catch (err) {
    if (!isStatus(err, 'AlreadyExists')) throw err
  }
}

/** Creates the object, or brings an existing one's content to what is wanted: the server's address may have changed. */
async function put<T extends KubeObject>(client: Client, resource: Resource<T>, draft: NewObject<T>): Promise<void> {
  const { metadata, ...content } = draft
  const found = await client.find(resource, metadata as { name: string })
  if (!found) return ensure(client, resource, draft)
  const differs = Object.entries(content).some(
    ([key, value]) => !jsonEqual((found as Record<string, unknown>)[key], value),
  )
  if (differs) await client.update(resource, { ...found, ...content })
}
