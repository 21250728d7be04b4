/**
 * Where a Service that the API server itself calls (a webhook, an extension API server) is reached from this process:
 * one of its ready endpoints, since cluster IPs lead somewhere on nodes only. Upstream: `apiserver/pkg/util/proxy.ResolveEndpoint`.
 */
import type { Service } from '#api/core/v1/service.ts'
import type { EndpointSlice } from '#api/discovery/v1.ts'
import { endpointSlices, services } from '#api/resources.ts'
import type { Random } from '#base/random.ts'
import { notFound, StatusError } from '#machinery/status-error.ts'
import type { Api } from '../api.ts'

export interface ServiceKey {
  namespace: string
  name: string
  /** Of the Service. */
  port: number
}

export interface Address {
  host: string
  port: number
}

const unavailable = (message: string) => new StatusError('ServiceUnavailable', message)

/** One of the Service's addresses, another one each time. Throws NotFound, ServiceUnavailable. */
export function serviceAddress(api: Api, { namespace, name, port }: ServiceKey, random: Random): Address {
  const registry = api.registry(services)
  const found = registry.cache.get(registry.key(namespace, name))
  if (!found) throw notFound({ group: '', plural: 'service' }, name)
  const { spec } = found.object as Service
  if (spec.type === 'ExternalName') return { host: spec.externalName ?? '', port }
  const wanted = spec.ports?.find((candidate) => candidate.port === port)
  if (!wanted) throw unavailable(`no service port ${port} found for service ${JSON.stringify(name)}`)
  const slices = slicesOf(api, namespace, name)
  const [family] = spec.ipFamilies ?? []
  const preferred = readyAddresses(
    slices.filter(({ addressType }) => addressType === family),
    wanted.name ?? '',
  )
  const ready = preferred.length > 0 ? preferred : readyAddresses(slices, wanted.name ?? '')
  if (ready.length === 0) throw unavailable(`no endpoints available for service ${JSON.stringify(name)}`)
  return ready[random.int(ready.length)]!
}

/** The EndpointSlices of a Service. */
export function slicesOf(api: Api, namespace: string, name: string): EndpointSlice[] {
  const registry = api.registry(endpointSlices)
  return registry.cache
    .list(registry.prefix(namespace))
    .map((entry) => entry.object as EndpointSlice)
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name)
}

/** Those that take requests at the port of this name. */
export function readyAddresses(slices: readonly EndpointSlice[], portName: string): Address[] {
  const found: Address[] = []
  for (const { ports, endpoints } of slices) {
    const port = ports?.find((candidate) => (candidate.name ?? '') === portName)?.port
    if (port === undefined) continue
    for (const { conditions, addresses } of endpoints ?? [])
      if (conditions?.ready !== false && addresses[0]) found.push({ host: addresses[0], port })
  }
  return found
}
