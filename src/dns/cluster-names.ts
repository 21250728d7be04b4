/**
 * Services, EndpointSlices and Namespaces as the zone wants to see them: through the indexes of the informers, with what was
 * worked out for a service kept until one of its objects changes.
 */
import { isIP } from 'node:net'
import type { EndpointSlice } from '#api/discovery/v1.ts'
import type { Service } from '#api/core/v1/service.ts'
import { endpointSlices, namespaces, pods, services } from '#api/resources.ts'
import type { Informer, Informers } from '#client/informer.ts'
import { canonicalIp } from './wire-address.ts'
import type { ClusterNames, NamedEndpoint, NamedService } from './zone.ts'

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'
const BY_SERVICE = 'dns-service'
const BY_IP = 'dns-ip'

/** Pure. */
export function describeService(service: Service): NamedService {
  const { spec, metadata } = service
  const clusterIps = (spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? '']).filter((ip) => isIP(ip) !== 0)
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    clusterIps: spec.type === 'ExternalName' ? [] : clusterIps,
    externalName: spec.type === 'ExternalName' ? spec.externalName : undefined,
    ports: (spec.ports ?? []).map((p) => ({ name: p.name ?? '', protocol: p.protocol ?? 'TCP', port: p.port })),
  }
}

/** Pure: the endpoints of one service that names may lead to. */
export function describeEndpoints(slices: readonly EndpointSlice[]): NamedEndpoint[] {
  const endpoints: NamedEndpoint[] = []
  for (const slice of slices) {
    if (slice.addressType === 'FQDN') continue
    const ports = (slice.ports ?? [])
      .filter((p) => p.port !== undefined)
      .map((p) => ({ name: p.name ?? '', protocol: p.protocol ?? 'TCP', port: p.port! }))
    for (const { addresses, conditions, hostname } of slice.endpoints ?? []) {
      // publishNotReadyAddresses has already made them ready in the slice.
      if (conditions?.ready === false) continue
      for (const ip of addresses) if (isIP(ip) !== 0) endpoints.push({ ip, label: hostname || dashed(ip), ports })
    }
  }
  return endpoints
}

const dashed = (ip: string) => ip.replace(/[.:]/g, '-')

const keyOf = (object: { metadata: { namespace?: string; name: string } }) =>
  `${object.metadata.namespace}/${object.metadata.name}`

const serviceKeyOf = ({ metadata }: EndpointSlice) => {
  const name = metadata.labels?.[SERVICE_NAME_LABEL]
  return name ? `${metadata.namespace}/${name}` : undefined
}

export interface InformedNames extends ClusterNames {
  /** Resolves when all objects have been read once. */
  synced(signal: AbortSignal): Promise<void>
  stop(): void
}

/** With `verifyPods`, names of pods are answered only for pods that exist; that takes an informer for all pods. */
export function namesFromInformers(informers: Informers, verifyPods: boolean): InformedNames {
  const serviceInformer = informers.for(services)
  const sliceInformer = informers.for(endpointSlices)
  const namespaceInformer = informers.for(namespaces)
  const podInformer = verifyPods ? informers.for(pods) : undefined
  serviceInformer.index(BY_IP, (service) => describeService(service).clusterIps.map(canonicalIp))
  sliceInformer.index(BY_SERVICE, (slice) => {
    const key = serviceKeyOf(slice)
    return key === undefined ? [] : [key]
  })
  sliceInformer.index(BY_IP, (slice) => [...new Set(describeEndpoints([slice]).map((e) => canonicalIp(e.ip)))])
  podInformer?.index(BY_IP, (pod) => (pod.status?.podIPs ?? []).map((p) => canonicalIp(p.ip)))

  const knownServices = new Map<string, NamedService>()
  const knownEndpoints = new Map<string, readonly NamedEndpoint[]>()
  const stops = [
    forget(serviceInformer, (service) => knownServices.delete(keyOf(service))),
    forget(sliceInformer, (slice) => knownEndpoints.delete(serviceKeyOf(slice) ?? '')),
  ]

  return {
    hasNamespace: (namespace) => namespaceInformer.get(undefined, namespace) !== undefined,
    service(namespace, name) {
      const key = `${namespace}/${name}`
      const known = knownServices.get(key)
      if (known) return known
      const service = serviceInformer.get(namespace, name)
      if (!service) return undefined
      const described = describeService(service)
      knownServices.set(key, described)
      return described
    },
    endpoints(namespace, name) {
      const key = `${namespace}/${name}`
      let known = knownEndpoints.get(key)
      if (!known) {
        const slices = sliceInformer.byIndex(BY_SERVICE, key)
        known = describeEndpoints(slices)
        // Names without slices are not kept: there is no end to what may be asked for.
        if (slices.length > 0) knownEndpoints.set(key, known)
      }
      return known
    },
    servicesOf: (ip) =>
      serviceInformer
        .byIndex(BY_IP, ip)
        .map(({ metadata }) => ({ namespace: metadata.namespace!, name: metadata.name })),
    endpointsOf: (ip) =>
      sliceInformer.byIndex(BY_IP, ip).flatMap((slice) => {
        const service = slice.metadata.labels?.[SERVICE_NAME_LABEL]
        if (!service) return []
        return describeEndpoints([slice])
          .filter((e) => canonicalIp(e.ip) === ip)
          .map(({ label }) => ({ namespace: slice.metadata.namespace!, service, label }))
      }),
    ...(podInformer && {
      hasPod: (namespace: string, ip: string) =>
        podInformer.byIndex(BY_IP, canonicalIp(ip)).some((pod) => pod.metadata.namespace === namespace),
    }),
    async synced(signal) {
      const all = [serviceInformer, sliceInformer, namespaceInformer, podInformer]
      await Promise.all(all.map((informer) => informer?.synced(signal)))
    },
    stop() {
      for (const stop of stops) stop()
    },
  }
}

function forget<T extends EndpointSlice | Service>(informer: Informer<T>, drop: (object: T) => void): () => void {
  return informer.handle({
    added: drop,
    updated(object, previous) {
      drop(object)
      drop(previous)
    },
    deleted: drop,
  })
}
