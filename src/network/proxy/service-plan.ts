/**
 * What each port of a Service needs on one node: at which addresses traffic is taken, and to which endpoints it goes.
 * Pure; both backends (nftables, user space) execute the same plan. Upstream: kube-proxy's service and endpoint trackers
 * and CategorizeEndpoints. Services are planned one by one, so that a change costs what that service is worth.
 */
import type { Endpoint, EndpointSlice } from '#api/discovery/v1.ts'
import type { Service } from '#api/core/v1/service.ts'
import { isIP } from 'node:net'
import { type Cidr, type Family, familyOf, parseCidr } from '#base/ip.ts'

export type Protocol = 'tcp' | 'udp' | 'sctp'

export interface Backend {
  ip: string
  port: number
  /** On the node that this plan is for. */
  local: boolean
}

/** The endpoints that one kind of traffic may go to; without any, packets are answered (`reject`) or dropped. */
export interface Target {
  backends: readonly Backend[]
  whenEmpty: 'reject' | 'drop'
}

/** One port of one service in one address family. */
export interface PortRule {
  /** `namespace/name/tcp/portName`, unique within the family. */
  id: string
  family: Family
  protocol: Protocol
  port: number
  clusterIps: readonly string[]
  /** externalIPs. */
  externalIps: readonly string[]
  /** Addresses that a load balancer delivers unchanged (ipMode VIP). */
  loadBalancerIps: readonly string[]
  /** Clients allowed at loadBalancerIps; empty allows all. */
  sourceRanges: readonly string[]
  nodePort: number | undefined
  /** Traffic to the cluster IP. */
  internal: Target
  /** Traffic from outside to node port, external and load balancer addresses. */
  external: Target
  /** The same when it comes from this node or its pods, which externalTrafficPolicy Local does not restrict. */
  externalFromInside: Target
  /** externalTrafficPolicy Local: the client's address is kept. */
  keepClientIp: boolean
  /** How long after its last use a client keeps its endpoint; undefined without session affinity. */
  affinitySeconds: number | undefined
}

/** A port at which load balancers ask whether this node has endpoints of a service. */
export interface HealthCheckRule {
  port: number
  namespace: string
  name: string
  localEndpoints: number
}

export interface ServiceRules {
  ports: PortRule[]
  healthCheck: HealthCheckRule | undefined
}

export interface NodeView {
  name: string
  /** Of the node, for topology hints; empty when unknown. */
  zone: string
}

const PROXY_NAME_LABEL = 'service.kubernetes.io/service-proxy-name'
export const HEADLESS_LABEL = 'service.kubernetes.io/headless'
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'
const DEFAULT_AFFINITY_SECONDS = 10_800

const protocols: Record<string, Protocol> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' }

/** Whether this proxy is in charge of the service at all: it has a cluster IP, and names no other proxy. */
export function isProxied(service: Service): boolean {
  const { type, clusterIP } = service.spec
  return type !== 'ExternalName' && !!clusterIP && isIP(clusterIP) !== 0 && !service.metadata.labels?.[PROXY_NAME_LABEL]
}

/** `namespace/name` of the service that a slice belongs to; undefined for slices that no proxy serves. */
export function serviceKeyOf(slice: EndpointSlice): string | undefined {
  const labels = slice.metadata.labels
  const name = labels?.[SERVICE_NAME_LABEL]
  return name ? `${slice.metadata.namespace}/${name}` : undefined
}

/** Plans all services at once; `planService` is the incremental form. */
export function planServices(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  node: NodeView,
): Map<string, ServiceRules> {
  const slicesOf = new Map<string | undefined, EndpointSlice[]>()
  for (const slice of slices) {
    const key = serviceKeyOf(slice)
    const known = slicesOf.get(key)
    if (known) known.push(slice)
    else slicesOf.set(key, [slice])
  }
  const plans = new Map<string, ServiceRules>()
  for (const service of services) {
    const key = `${service.metadata.namespace}/${service.metadata.name}`
    plans.set(key, planService(service, slicesOf.get(key) ?? [], node))
  }
  return plans
}

/** `slices` are those of this service, in any order. */
export function planService(service: Service, slices: readonly EndpointSlice[], node: NodeView): ServiceRules {
  if (!isProxied(service)) return { ports: [], healthCheck: undefined }
  const { spec } = service
  const clusterIps = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP!]
  const families = [...new Set(clusterIps.filter((ip) => isIP(ip)).map(familyOf))]
  const ports: PortRule[] = []
  let localEndpoints = 0
  for (const family of families) {
    const inFamily = slices.filter((slice) => slice.addressType === `IPv${family}`)
    for (const port of spec.ports ?? []) {
      const protocol = protocols[port.protocol ?? 'TCP']
      if (!protocol) continue
      const endpoints = endpointsOf(inFamily, port.name ?? '', port.protocol ?? 'TCP', node)
      const rule = planPort(service, family, { ...port, protocol }, endpoints, clusterIps, node)
      ports.push(rule)
      localEndpoints = Math.max(localEndpoints, endpoints.filter((e) => e.local && e.ready).length)
    }
  }
  const { healthCheckNodePort } = spec
  const { namespace = '', name } = service.metadata
  const checks = spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local' && healthCheckNodePort
  return { ports, healthCheck: checks ? { port: healthCheckNodePort, namespace, name, localEndpoints } : undefined }
}

interface KnownEndpoint extends Backend {
  ready: boolean
  serving: boolean
  terminating: boolean
  zones: readonly string[]
  nodes: readonly string[]
}

function endpointsOf(slices: readonly EndpointSlice[], portName: string, protocol: string, node: NodeView) {
  const found = new Map<string, KnownEndpoint>()
  for (const slice of slices) {
    const port = slice.ports?.find((p) => (p.name ?? '') === portName && (p.protocol ?? 'TCP') === protocol)?.port
    if (!port) continue
    for (const endpoint of slice.endpoints ?? []) {
      // All addresses of one endpoint are the same backend; upstream, too, uses only the first.
      const ip = endpoint.addresses?.[0]
      if (!ip || isIP(ip) === 0) continue
      const key = `${ip} ${port}`
      const known = describe(endpoint, ip, port, node)
      const other = found.get(key)
      // A pod may be in two slices while it moves between them; the better news counts.
      if (!other || (!other.ready && known.ready)) found.set(key, known)
    }
  }
  return [...found.values()].sort((a, b) => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : a.port - b.port))
}

function describe(endpoint: Endpoint, ip: string, port: number, node: NodeView): KnownEndpoint {
  const { ready, serving, terminating } = endpoint.conditions ?? {}
  return {
    ip,
    port,
    local: endpoint.nodeName === node.name,
    ready: ready !== false,
    serving: serving ?? ready !== false,
    terminating: terminating === true,
    zones: endpoint.hints?.forZones?.map((z) => z.name) ?? [],
    nodes: endpoint.hints?.forNodes?.map((n) => n.name) ?? [],
  }
}

/** Ready endpoints or, where none is ready, those that still serve while they terminate. */
function usable(endpoints: readonly KnownEndpoint[], node?: NodeView): readonly KnownEndpoint[] {
  const ready = endpoints.filter((e) => e.ready)
  if (ready.length > 0) return node ? nearest(ready, node) : ready
  return endpoints.filter((e) => e.serving && e.terminating)
}

/** Hints count only when every ready endpoint has one and at least one of them is for here. */
function nearest(ready: readonly KnownEndpoint[], node: NodeView): readonly KnownEndpoint[] {
  if (ready.every((e) => e.nodes.length > 0)) {
    const here = ready.filter((e) => e.nodes.includes(node.name))
    if (here.length > 0) return here
  }
  if (node.zone !== '' && ready.every((e) => e.zones.length > 0)) {
    const here = ready.filter((e) => e.zones.includes(node.zone))
    if (here.length > 0) return here
  }
  return ready
}

interface PlannedPort {
  name?: string
  protocol: Protocol
  port: number
  nodePort?: number
}

function planPort(
  service: Service,
  family: Family,
  port: PlannedPort,
  endpoints: readonly KnownEndpoint[],
  clusterIps: readonly string[],
  node: NodeView,
): PortRule {
  const { spec, status, metadata } = service
  const ofFamily = (ips: readonly (string | undefined)[] | undefined) => [
    ...new Set((ips ?? []).filter((ip): ip is string => !!ip && isIP(ip) === family)),
  ]
  const cluster: Target = { backends: usable(endpoints, node).map(toBackend), whenEmpty: 'reject' }
  // An endpoint that exists elsewhere must not be denied with a reject: the client should look for it at another node.
  const elsewhere = usable(endpoints).length > 0
  const local: Target = {
    backends: usable(endpoints.filter((e) => e.local)).map(toBackend),
    whenEmpty: elsewhere ? 'drop' : 'reject',
  }
  const isExternal = spec.type === 'NodePort' || spec.type === 'LoadBalancer'
  const keepClientIp = (isExternal || !!spec.externalIPs?.length) && spec.externalTrafficPolicy === 'Local'
  const ingress = status?.loadBalancer?.ingress?.filter((i) => i.ip && i.ipMode !== 'Proxy') ?? []
  return {
    id: `${metadata.namespace}/${metadata.name}/${port.protocol}/${port.name ?? ''}`,
    family,
    protocol: port.protocol,
    port: port.port,
    clusterIps: ofFamily(clusterIps),
    externalIps: ofFamily(spec.externalIPs),
    loadBalancerIps: spec.type === 'LoadBalancer' ? ofFamily(ingress.map((i) => i.ip)) : [],
    sourceRanges: (spec.loadBalancerSourceRanges ?? [])
      .map((r) => r.trim())
      .filter((r) => rangeOf(r)?.family === family),
    nodePort: isExternal ? port.nodePort || undefined : undefined,
    internal: spec.internalTrafficPolicy === 'Local' ? local : cluster,
    external: keepClientIp ? local : cluster,
    externalFromInside: cluster,
    keepClientIp,
    affinitySeconds:
      spec.sessionAffinity === 'ClientIP'
        ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS)
        : undefined,
  }
}

const toBackend = ({ ip, port, local }: KnownEndpoint): Backend => ({ ip, port, local })

function rangeOf(text: string): Cidr | undefined {
  try {
    return parseCidr(text)
  } catch (err) {
    if (err instanceof RangeError) return undefined
    throw err
  }
}
