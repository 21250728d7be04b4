/** Where the `proxy` subresource of a pod, service or node leads: `[scheme:]name[:port]` and the path behind it. */
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Service } from '#api/core/v1/service.ts'
import type { EndpointSlice } from '#api/discovery/v1.ts'
import { endpointSlices, nodes, pods, services } from '#api/resources.ts'
import { badRequest, StatusError } from '#machinery/status-error.ts'
import type { Api } from '../api.ts'
import { kubeletBase } from './kubelet-address.ts'
import { isOfPod, isProxyable } from './proxyable.ts'
import type { ResourceRoute } from './route.ts'

export interface ProxyTarget {
  url: URL
  /** The API server shows its own certificate to kubelets, and to nobody else. */
  isKubelet: boolean
}

/** Throws BadRequest, NotFound, ServiceUnavailable. */
export function proxyTarget(api: Api, route: ResourceRoute, query: URLSearchParams): ProxyTarget {
  const { scheme, name, port } = splitName(route.name!)
  const base = { pods: podBase, services: serviceBase, nodes: nodeBase }[
    route.resource.plural as 'pods' | 'services' | 'nodes'
  ]
  const { origin, isKubelet = false } = base(api, route.namespace, name, port, scheme)
  const url = new URL(`${origin}/${route.rest}`)
  url.search = query.toString()
  return { url, isKubelet }
}

function splitName(text: string): { scheme: string; name: string; port: string } {
  const parts = text.split(':')
  if (parts.length === 1) return { scheme: 'http', name: parts[0]!, port: '' }
  if (parts.length === 2) return { scheme: 'http', name: parts[0]!, port: parts[1]! }
  if (parts.length === 3 && (parts[0] === 'http' || parts[0] === 'https'))
    return { scheme: parts[0], name: parts[1]!, port: parts[2]! }
  throw badRequest(`invalid proxy request ${JSON.stringify(text)}`)
}

const notAllowed = () => badRequest('address not allowed')

type Base = { origin: string; isKubelet?: boolean }
const originOf = (scheme: string, address: string, port: number | string) =>
  `${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}`

function podBase(api: Api, namespace: string | undefined, name: string, port: string, scheme: string): Base {
  const pod = api.registry(pods).get(namespace, name).object as Pod
  const ip = pod.status.podIP
  if (!ip || !isProxyable(ip)) throw notAllowed()
  const named = pod.spec.containers.flatMap((c) => c.ports ?? []).find((p) => p.name === port)
  const first = pod.spec.containers.flatMap((c) => c.ports ?? [])[0]?.containerPort ?? 80
  return { origin: originOf(scheme, ip, named?.containerPort ?? (port || first)) }
}

function serviceBase(api: Api, namespace: string | undefined, name: string, port: string, scheme: string): Base {
  const service = api.registry(services).get(namespace, name).object as Service
  const servicePorts = service.spec.ports ?? []
  const wanted =
    port === '' && servicePorts.length === 1
      ? servicePorts[0]
      : servicePorts.find((p) => p.name === port || String(p.port) === port)
  if (!wanted)
    throw new StatusError(
      'ServiceUnavailable',
      `no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`,
    )
  const allPods = api.registry(pods)
  const podNamed = (pod: string) => allPods.cache.get(allPods.key(namespace, pod))?.object as Pod | undefined
  const slices = api.registry(endpointSlices)
  for (const entry of slices.cache.list(slices.prefix(namespace))) {
    const slice = entry.object as EndpointSlice
    if (slice.metadata.labels?.['kubernetes.io/service-name'] !== name) continue
    const target = slice.ports?.find((p) => (p.name ?? '') === (wanted.name ?? ''))?.port
    const ready = slice.endpoints?.find(
      (e) => e.conditions?.ready !== false && isOfPod(e, e.addresses[0] ?? '', namespace!, podNamed),
    )
    if (target !== undefined && ready) return { origin: originOf(scheme, ready.addresses[0]!, target) }
  }
  throw new StatusError('ServiceUnavailable', `no endpoints available for service ${JSON.stringify(name)}`)
}

function nodeBase(api: Api, _namespace: string | undefined, name: string, port: string, scheme: string): Base {
  const node = api.registry(nodes).get(undefined, name).object as Node
  const base = kubeletBase(node)
  if (port === '' || new URL(base).port === port) return { origin: base, isKubelet: true }
  const address = new URL(base).hostname.replace(/^\[|\]$/g, '')
  if (!isProxyable(address)) throw notAllowed()
  return { origin: originOf(scheme, address, port) }
}
