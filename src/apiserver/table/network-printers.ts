/** Rows of services, endpoints, ingresses and what else is about the network. Upstream: `printService` and its like. */
import { Endpoints, Service } from '#api/core/v1/service.ts'
import { EndpointSlice } from '#api/discovery/v1.ts'
import { IPAddress, Ingress, IngressClass, NetworkPolicy, ServiceCIDR } from '#api/networking/v1.ts'
import { AGE, age, column, firstOf, labelsText, NAME, type Printed, printer, selectorText, wide } from './printer.ts'

const MAX_SHOWN = 3

export const servicePrinter = printer(Service, {
  columns: [
    NAME,
    column('Type', 'spec.type'),
    column('Cluster-IP', 'spec.clusterIP'),
    column('External-IP', 'spec.externalIPs'),
    column('Port(s)', 'spec.ports'),
    AGE,
    wide('Selector', 'spec.selector'),
  ],
  cells: (service, now) => [
    service.metadata.name,
    service.spec.type,
    service.spec.clusterIPs?.[0] ?? '<none>',
    externalAddress(service),
    (service.spec.ports ?? []).map(portText).join(',') || '<none>',
    age(service, now),
    labelsText(service.spec.selector),
  ],
})

const portText = ({ port, nodePort, protocol }: Record<string, any>) =>
  nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`

function externalAddress({ spec, status = {} }: Printed): string {
  const own: string[] = spec.externalIPs ?? []
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return own.join(',') || '<none>'
    case 'LoadBalancer':
      return [...balancerAddresses(status.loadBalancer), ...own].join(',') || '<pending>'
    case 'ExternalName':
      return spec.externalName
    default:
      return '<unknown>'
  }
}

function balancerAddresses(status: { ingress?: { ip?: string; hostname?: string }[] } | undefined): string[] {
  const addresses = (status?.ingress ?? []).map(({ ip, hostname }) => ip || hostname).filter(Boolean) as string[]
  return [...new Set(addresses)].toSorted()
}

export const endpointsPrinter = printer(Endpoints, {
  columns: [NAME, column('Endpoints', 'subsets'), AGE],
  cells: (endpoints, now) => [endpoints.metadata.name, subsetsText(endpoints.subsets), age(endpoints, now)],
})

function subsetsText(subsets: Record<string, any>[] | undefined): string {
  if (!subsets?.length) return '<none>'
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }: { ip: string }) => ip)
      : ports.flatMap(({ port }: { port: number }) => addresses.map(({ ip }: { ip: string }) => hostPort(ip, port))),
  )
  return firstOf(all, MAX_SHOWN)
}

const hostPort = (ip: string, port: number) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)

export const endpointSlicePrinter = printer(EndpointSlice, {
  columns: [
    NAME,
    column('AddressType', 'addressType'),
    column('Ports', 'ports'),
    column('Endpoints', 'endpoints'),
    AGE,
  ],
  cells: (slice, now) => [
    slice.metadata.name,
    slice.addressType,
    firstOf(
      (slice.ports ?? []).map(({ port, name }: any) => (port === undefined ? (name ?? '*') : String(port))),
      MAX_SHOWN,
    ) || '<unset>',
    firstOf(
      (slice.endpoints ?? []).flatMap(({ addresses }: any) => addresses ?? []),
      MAX_SHOWN,
    ) || '<unset>',
    age(slice, now),
  ],
})

export const ingressPrinter = printer(Ingress, {
  columns: [
    NAME,
    column('Class', 'spec.ingressClassName'),
    column('Hosts', 'Host names that the rules are for.'),
    column('Address', 'status.loadBalancer'),
    column('Ports', 'Ports that are open; 443 as soon as there is TLS.'),
    AGE,
  ],
  cells: (ingress, now) => [
    ingress.metadata.name,
    ingress.spec.ingressClassName ?? '<none>',
    hostsText(ingress.spec.rules ?? []),
    balancerAddresses(ingress.status?.loadBalancer).join(','),
    ingress.spec.tls?.length ? '80, 443' : '80',
    age(ingress, now),
  ],
})

function hostsText(rules: readonly { host?: string }[]): string {
  const withHost = rules.flatMap(({ host }, i) => (host ? [{ host, i }] : []))
  if (withHost.length === 0) return '*'
  const shown = withHost.slice(0, MAX_SHOWN)
  const text = shown.map(({ host }) => host).join(',')
  const isMore = shown.length === MAX_SHOWN && shown.at(-1)!.i < rules.length - 1
  return isMore ? `${text} + ${rules.length - MAX_SHOWN} more...` : text
}

export const ingressClassPrinter = printer(IngressClass, {
  columns: [NAME, column('Controller', 'spec.controller'), column('Parameters', 'spec.parameters'), AGE],
  cells(ingressClass, now) {
    const { metadata, spec } = ingressClass
    const isDefault = metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true'
    const { kind, apiGroup, name } = spec.parameters ?? {}
    return [
      isDefault ? `${metadata.name} (default)` : metadata.name,
      spec.controller ?? '',
      spec.parameters ? `${kind}${apiGroup === undefined ? '' : `.${apiGroup}`}/${name}` : '<none>',
      age(ingressClass, now),
    ]
  },
})

export const networkPolicyPrinter = printer(NetworkPolicy, {
  columns: [NAME, column('Pod-Selector', 'spec.podSelector'), AGE],
  cells: (policy, now) => [policy.metadata.name, selectorText(policy.spec.podSelector ?? {}), age(policy, now)],
})

export const serviceCIDRPrinter = printer(ServiceCIDR, {
  columns: [NAME, column('CIDRs', 'spec.cidrs'), AGE],
  cells: (range, now) => [range.metadata.name, (range.spec.cidrs ?? []).join(','), age(range, now)],
})

export const ipAddressPrinter = printer(IPAddress, {
  columns: [NAME, column('ParentRef', 'spec.parentRef'), AGE],
  cells(address, now) {
    const parent = address.spec.parentRef
    const resource = parent && `${parent.resource}${parent.group ? `.${parent.group}` : ''}`.toLowerCase()
    const path = parent && [resource, ...(parent.namespace ? [parent.namespace] : []), parent.name].join('/')
    return [address.metadata.name, path ?? '<none>', age(address, now)]
  },
})
