/**
 * The objects by which pods find the name server: the Service kube-system/kube-dns, and behind it the address at which the
 * server process listens, as an EndpointSlice and, for readers of the older kind, as Endpoints.
 */
import type { EndpointSlice } from '#api/discovery/v1.ts'
import type { Endpoints, Service } from '#api/core/v1/service.ts'
import type { Draft, KubeObject, Resource } from '#api/kind.ts'
import { endpoints, endpointSlices, services } from '#api/resources.ts'
import type { Client } from '#client/client.ts'
import { isStatus } from '#machinery/status-error.ts'

export interface DnsServiceOptions {
  /** By convention the tenth address of the service range. */
  clusterIp: string
  /** Where the server listens, as nodes reach it. */
  address: string
  port: number
}

export interface DnsServicePlan {
  service: Draft<Service>
  slice: Draft<EndpointSlice>
  endpoints: Draft<Endpoints>
}

const NAMESPACE = 'kube-system'
const NAME = 'kube-dns'
const LABELS = { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' }
const MANAGED_BY = 'dns.rostrum.dev'

/** Pure. */
export function planDnsService({ clusterIp, address, port }: DnsServiceOptions): DnsServicePlan {
  const metadata = { namespace: NAMESPACE, name: NAME, labels: LABELS }
  const ports = [
    { name: 'dns', protocol: 'UDP', port },
    { name: 'dns-tcp', protocol: 'TCP', port },
  ]
  return {
    service: {
      metadata,
      spec: {
        type: 'ClusterIP',
        clusterIP: clusterIp,
        clusterIPs: [clusterIp],
        ports: ports.map((p) => ({ ...p, port: 53, targetPort: port })),
      },
    },
    slice: {
      metadata: {
        namespace: NAMESPACE,
        name: NAME,
        labels: {
          ...LABELS,
          'kubernetes.io/service-name': NAME,
          'endpointslice.kubernetes.io/managed-by': MANAGED_BY,
        },
      },
      addressType: address.includes(':') ? 'IPv6' : 'IPv4',
      endpoints: [{ addresses: [address], conditions: { ready: true, serving: true, terminating: false } }],
      ports,
    },
    endpoints: {
      // The slice is there already; a mirrored copy of these would double every endpoint.
      metadata: { ...metadata, labels: { ...LABELS, 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
      subsets: [{ addresses: [{ ip: address }], ports }],
    },
  }
}

/**
 * Creates the objects or brings them up to date. Throws StatusError: NotFound while the namespace kube-system is missing,
 * Invalid where another service has the cluster IP.
 */
export async function ensureDnsService(
  client: Client,
  options: DnsServiceOptions,
  signal?: AbortSignal,
): Promise<void> {
  const plan = planDnsService(options)
  await ensure(client, services, plan.service, signal)
  await ensure(client, endpoints, plan.endpoints, signal)
  await ensure(client, endpointSlices, plan.slice, signal)
}

async function ensure<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  wanted: Draft<T>,
  signal?: AbortSignal,
) {
  const key = { namespace: NAMESPACE, name: NAME }
  const there = await client.find(resource, key, { signal })
  if (there) {
    if (!includes(there, wanted)) await client.patch(resource, key, wanted, { type: 'merge', signal })
    return
  }
  try {
    await client.create(resource, wanted, { signal })
  } catch (err) {
    // Another server of the same cluster was faster.
    if (!isStatus(err, 'AlreadyExists')) throw err
    await client.patch(resource, key, wanted, { type: 'merge', signal })
  }
}

/** Whether everything in `wanted` is in `there` too; what the API server added is of no interest. */
function includes(there: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return there === wanted
  if (typeof there !== 'object' || there === null) return false
  if (Array.isArray(wanted))
    return Array.isArray(there) && there.length === wanted.length && wanted.every((w, i) => includes(there[i], w))
  return Object.entries(wanted).every(([key, value]) => includes((there as Record<string, unknown>)[key], value))
}
