/**
 * Decides which EndpointSlices a Service has: one group for each address family and each set of ports that its pods
 * offer, packed into slices of at most 100. A Service without endpoints keeps one empty slice per family.
 * Upstream: `k8s.io/endpointslice`.
 */
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Service } from '#api/core/v1/service.ts'
import type { Endpoint, EndpointPort, EndpointSlice } from '#api/discovery/v1.ts'
import type { Draft } from '#api/kind.ts'
import { services } from '#api/resources.ts'
import { dnsSubdomain } from '#machinery/names.ts'
import { controllerReference } from '#machinery/owner.ts'
import { isReady } from '../pod-state.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { canonicalJson } from '../template-hash.ts'
import { belongsToEndpoints, hasOwnHostname, isHeadless, isIPv6, podAddresses, targetPort } from './pod-endpoint.ts'
import { packEndpoints } from './slice-packing.ts'
import { withHints } from './traffic-hints.ts'

export const SERVICE_NAME = 'kubernetes.io/service-name'
export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by'
export const HEADLESS = 'service.kubernetes.io/headless'
export const SLICE_CONTROLLER = 'endpointslice-controller.k8s.io'
export const MAX_ENDPOINTS_PER_SLICE = 100

type AddressType = 'IPv4' | 'IPv6'

export interface SliceState {
  service: Service
  /** Those that the Service selects. */
  pods: readonly Pod[]
  nodeOf(name: string): Node | undefined
  /** The slices that this controller manages for the Service. */
  existing: readonly EndpointSlice[]
  maxPerSlice?: number
}

export interface SlicePlan {
  create: Draft<EndpointSlice>[]
  update: EndpointSlice[]
  delete: EndpointSlice[]
  /** Pods that are left out because their node is not known yet; to be looked at again. */
  skipped: string[]
}

export function planSlices(state: SliceState): SlicePlan {
  const { service, existing } = state
  const plan: SlicePlan = { create: [], update: [], delete: [], skipped: [] }
  const families = addressTypesOf(service)
  for (const slice of existing) if (!families.includes(slice.addressType as AddressType)) plan.delete.push(slice)
  for (const family of families) {
    planFamily(
      state,
      family,
      existing.filter((slice) => slice.addressType === family),
      plan,
    )
  }
  return plan
}

interface PortGroup {
  ports: EndpointPort[]
  endpoints: Endpoint[]
}

function planFamily(state: SliceState, family: AddressType, existing: readonly EndpointSlice[], plan: SlicePlan): void {
  const { service, maxPerSlice = MAX_ENDPOINTS_PER_SLICE } = state
  const labels = sliceLabels(service)
  const create: Draft<EndpointSlice>[] = []
  const update: EndpointSlice[] = []
  const remove = existing.filter((slice) => !isOwnedBy(slice, service))
  const groups = endpointGroups(state, family, plan.skipped)
  const existingByPorts = new Map<string, EndpointSlice[]>()
  for (const slice of existing) {
    if (remove.includes(slice)) continue
    const key = portsKey(slice.ports ?? [])
    existingByPorts.set(key, [...(existingByPorts.get(key) ?? []), slice])
  }
  for (const [key, { ports, endpoints }] of groups) {
    const rewritten = (slice: EndpointSlice) => !semanticEqual(userLabels(slice.metadata.labels), userLabels(labels))
    const packing = packEndpoints(existingByPorts.get(key) ?? [], endpoints, maxPerSlice, rewritten)
    for (const [slice, packed] of packing.update) update.push(withEndpoints(slice, packed, labels))
    for (const packed of packing.create) create.push(sliceDraft(service, family, ports, packed, labels))
    remove.push(...packing.delete)
    existingByPorts.delete(key)
  }
  for (const slices of existingByPorts.values()) remove.push(...slices)
  keepPlaceholder(service, family, existing, labels, create, remove)
  applyHints(service, existing, create, update, remove)
  recycle(service, create, update, remove)
  plan.create.push(...create)
  plan.update.push(...update)
  plan.delete.push(...remove)
}

function endpointGroups(state: SliceState, family: AddressType, skipped: string[]): Map<string, PortGroup> {
  const { service, pods, nodeOf } = state
  const groups = new Map<string, PortGroup>()
  for (const pod of pods) {
    if (!belongsToEndpoints(pod, true)) continue
    const ports = portsOf(service, pod)
    const key = portsKey(ports)
    let group = groups.get(key)
    if (!group) groups.set(key, (group = { ports, endpoints: [] }))
    const node = pod.spec.nodeName ? nodeOf(pod.spec.nodeName) : undefined
    if (!node && !service.spec.publishNotReadyAddresses) {
      skipped.push(pod.metadata.name)
      continue
    }
    const endpoint = endpointOf(pod, node, service, family)
    if (endpoint.addresses.length > 0) group.endpoints.push(endpoint)
  }
  return groups
}

function endpointOf(pod: Pod, node: Node | undefined, service: Service, family: AddressType): Endpoint {
  const { metadata, spec } = pod
  const serving = isReady(pod)
  const terminating = metadata.deletionTimestamp !== undefined
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone']
  return {
    addresses: podAddresses(pod).filter((address) => isIPv6(address) === (family === 'IPv6')),
    conditions: { ready: !!service.spec.publishNotReadyAddresses || (serving && !terminating), serving, terminating },
    ...(hasOwnHostname(pod, service) && { hostname: spec.hostname }),
    targetRef: { kind: 'Pod', namespace: metadata.namespace, name: metadata.name, uid: metadata.uid },
    ...(spec.nodeName && { nodeName: spec.nodeName }),
    ...(zone && { zone }),
  }
}

function portsOf({ spec }: Service, pod: Pod): EndpointPort[] {
  return (spec.ports ?? []).flatMap((servicePort) => {
    const port = targetPort(pod, servicePort)
    if (port === undefined) return []
    const { name = '', protocol = 'TCP', appProtocol } = servicePort
    return [{ name, port, protocol, ...(appProtocol !== undefined && { appProtocol }) }]
  })
}

/** The same for the same ports in any order. */
export function portsKey(ports: readonly EndpointPort[]): string {
  return ports
    .map(({ name = '', port, protocol = 'TCP', appProtocol }) => canonicalJson([name, port, protocol, appProtocol]))
    .sort()
    .join()
}

export function addressTypesOf({ spec }: Service): AddressType[] {
  if (spec.ipFamilies && spec.ipFamilies.length > 0) return [...new Set(spec.ipFamilies as AddressType[])]
  if (spec.clusterIP && spec.clusterIP !== 'None') return [isIPv6(spec.clusterIP) ? 'IPv6' : 'IPv4']
  return ['IPv4', 'IPv6']
}

const reserved: ReadonlySet<string> = new Set([SERVICE_NAME, MANAGED_BY, HEADLESS])

function userLabels(labels: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !reserved.has(key)))
}

function sliceLabels(service: Service): Record<string, string> {
  return {
    ...userLabels(service.metadata.labels),
    ...(isHeadless(service) && { [HEADLESS]: '' }),
    [SERVICE_NAME]: service.metadata.name,
    [MANAGED_BY]: SLICE_CONTROLLER,
  }
}

function isOwnedBy({ metadata }: EndpointSlice, service: Service): boolean {
  return !!metadata.ownerReferences?.some(({ uid, kind }) => uid === service.metadata.uid && kind === services.kind)
}

function withEndpoints(slice: EndpointSlice, endpoints: Endpoint[], labels: Record<string, string>): EndpointSlice {
  return { ...slice, metadata: { ...slice.metadata, labels: { ...labels } }, endpoints }
}

function sliceDraft(
  service: Service,
  addressType: AddressType,
  ports: EndpointPort[],
  endpoints: Endpoint[],
  labels: Record<string, string>,
): Draft<EndpointSlice> {
  return {
    metadata: {
      generateName: slicePrefix(service.metadata.name),
      namespace: service.metadata.namespace,
      labels: { ...labels },
      ownerReferences: [controllerReference(service, services)],
    },
    addressType,
    ports,
    endpoints,
  }
}

export function slicePrefix(name: string): string {
  return dnsSubdomain(`${name}-a`).length === 0 ? `${name}-` : name
}

/** So that a Service without endpoints can be told from one that nobody has looked at. */
function keepPlaceholder(
  service: Service,
  family: AddressType,
  existing: readonly EndpointSlice[],
  labels: Record<string, string>,
  create: Draft<EndpointSlice>[],
  remove: EndpointSlice[],
): void {
  if (remove.length < existing.length || create.length > 0) return
  const [only] = remove
  const isPlaceholder =
    remove.length === 1 &&
    isOwnedBy(only!, service) &&
    (only!.endpoints ?? []).length === 0 &&
    (only!.ports ?? []).length === 0 &&
    semanticEqual(only!.metadata.labels, labels)
  if (isPlaceholder) remove.length = 0
  else create.push(sliceDraft(service, family, [], [], labels))
}

function applyHints(
  service: Service,
  existing: readonly EndpointSlice[],
  create: Draft<EndpointSlice>[],
  update: EndpointSlice[],
  remove: readonly EndpointSlice[],
): void {
  for (const draft of create) draft.endpoints = withHints(draft.endpoints ?? [], service)
  for (const [i, slice] of update.entries())
    update[i] = { ...slice, endpoints: withHints(slice.endpoints ?? [], service) }
  const touched = new Set([...update, ...remove].map(({ metadata }) => metadata.name))
  for (const slice of existing) {
    if (touched.has(slice.metadata.name)) continue
    const endpoints = withHints(slice.endpoints ?? [], service)
    if (!semanticEqual(endpoints, slice.endpoints)) update.push({ ...slice, endpoints })
  }
}

/** A slice that would be deleted takes what would be created: one write instead of two, and watchers never see neither. */
function recycle(
  service: Service,
  create: Draft<EndpointSlice>[],
  update: EndpointSlice[],
  remove: EndpointSlice[],
): void {
  for (let i = 0; i < remove.length && create.length > 0;) {
    if (!isOwnedBy(remove[i]!, service)) {
      i++
      continue
    }
    const [slice] = remove.splice(i, 1)
    const { metadata, ports = [], endpoints = [] } = create.pop()!
    update.push({ ...slice!, metadata: { ...slice!.metadata, labels: metadata.labels }, ports, endpoints })
  }
}
