/** Where services lead: Endpoints and EndpointSlice. Upstream: `ValidateEndpoints`, `ValidateEndpointSlice`. */
import { own } from '#base/own.ts'
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from '#machinery/names.ts'
import type { Stored } from '../../registry/strategy.ts'
import {
  type Check,
  each,
  evenAbsent,
  evenEmpty,
  fields,
  first,
  maxItems,
  named,
  oneOf,
  type Path,
  type Problems,
  required,
  ROOT,
  strictlyNamed,
} from './check.ts'
import { domainName, portNumber } from './formats.ts'
import { endpointIpErrors, ipErrors, legacyIpErrors, parseAddress } from './ip.ts'
import { immutable, type Rules } from './rules.ts'
import { labels } from './selectors.ts'

type Spec = Record<string, any>

const protocol = oneOf('SCTP', 'TCP', 'UDP')

const address = fields({
  ip: evenEmpty((ip: string, at, to) => {
    to.each(at, ip, legacyIpErrors(ip))
    to.each(at, ip, endpointIpErrors(ip))
  }),
  hostname: named(dnsLabel),
  nodeName: strictlyNamed(dnsSubdomain),
})

const subsetPort = (needsName: boolean) =>
  fields({
    name: needsName ? first(required, named(dnsLabel)) : named(dnsLabel),
    port: evenAbsent((value: number | undefined, at, to) => to.each(at, value ?? 0, portNumber(value ?? 0))),
    protocol: first(required, protocol),
    appProtocol: strictlyNamed(qualifiedName),
  })
const [onlyPort, onePortOfMany] = [subsetPort(false), subsetPort(true)]

const subset: Check = (value: Spec, at, to) => {
  const { addresses, notReadyAddresses, ports = [] } = value
  if (!addresses && !notReadyAddresses) to.required(at, 'must specify `addresses` or `notReadyAddresses`')
  fields({ addresses: each(address), notReadyAddresses: each(address) })(value, at, to)
  each(ports.length > 1 ? onePortOfMany : onlyPort)(ports, at.at('ports'), to)
}

export const endpointsRules: Rules = { valid: fields({ subsets: each(subset) }) }

const MAX_ADDRESSES = 100
const MAX_TOPOLOGY_LABELS = 16
const MAX_PORTS = 20_000
const MAX_ENDPOINTS = 1000
const MAX_HINTS = 8

const fullyQualified = (value: string): string[] => domainName(2)(value.replace(/\.$/, ''))

/** Upstream reports a wrong family at the list. */
const byAddressType: Readonly<Record<string, (value: string, at: Path, list: Path, to: Problems) => void>> = {
  IPv4(value, at, list, to) {
    const errors = legacyIpErrors(value)
    to.each(at, value, errors)
    if (errors.length > 0) return
    if (parseAddress(value)?.version !== 4) to.invalid(list, value, 'must be an IPv4 address')
    to.each(at, value, endpointIpErrors(value))
  },
  IPv6(value, at, list, to) {
    const errors = ipErrors(value)
    to.each(at, value, errors)
    if (errors.length > 0) return
    if (parseAddress(value)?.version !== 6) to.invalid(list, value, 'must be an IPv6 address')
    to.each(at, value, endpointIpErrors(value))
  },
  FQDN(value, at, _list, to) {
    if (value === '') to.required(at)
    else to.each(at, value, fullyQualified(value))
  },
}

const hintList =
  (name: (value: string) => string[]): Check =>
  (list: readonly { name?: string }[], at, to) => {
    if (list.length > MAX_HINTS) return to.tooMany(at, list.length, MAX_HINTS)
    const seen = new Set<string>()
    list.forEach(({ name: value = '' }, i) => {
      const place = at.index(i).at('name')
      if (seen.has(value)) to.duplicate(place, value)
      seen.add(value)
      to.each(place, value, name(value))
    })
  }

const endpointFields = fields({
  nodeName: strictlyNamed(dnsSubdomain),
  deprecatedTopology: (topology: Record<string, string>, at, to) => {
    const count = Object.keys(topology).length
    if (count > MAX_TOPOLOGY_LABELS) to.tooMany(at, count, MAX_TOPOLOGY_LABELS)
    labels(topology, at, to)
  },
  hostname: strictlyNamed(dnsLabel),
  hints: fields({ forZones: hintList(labelValue), forNodes: hintList(dnsSubdomain) }),
})

function checkEndpoints(endpoints: readonly Spec[], type: string, at: Path, to: Problems) {
  if (endpoints.length > MAX_ENDPOINTS) return to.tooMany(at, endpoints.length, MAX_ENDPOINTS)
  endpoints.forEach((endpoint, i) => {
    const place = at.index(i)
    const addresses: string[] = endpoint.addresses ?? []
    const list = place.at('addresses')
    if (addresses.length === 0) to.required(list, 'must contain at least 1 address')
    else maxItems(MAX_ADDRESSES)(addresses, list, to)
    addresses.forEach((value, j) => own(byAddressType, type)?.(value, list.index(j), list, to))
    endpointFields(endpoint, place, to)
  })
}

const slicePort = fields({
  protocol: evenAbsent((value: string | undefined, at, to) => {
    if (value === undefined) to.required(at)
    else protocol(value, at, to)
  }),
  appProtocol: strictlyNamed(qualifiedName),
})

function checkPorts(ports: readonly Spec[], at: Path, to: Problems) {
  if (ports.length > MAX_PORTS) return to.tooMany(at, ports.length, MAX_PORTS)
  const names = new Set<string>()
  ports.forEach((port, i) => {
    const place = at.index(i)
    const name: string = port.name ?? ''
    if (name) to.each(place.at('name'), name, dnsLabel(name))
    if (names.has(name)) to.duplicate(place.at('name'), name)
    names.add(name)
    slicePort(port, place, to)
  })
}

const addressType = first(required, oneOf('FQDN', 'IPv4', 'IPv6'))

export const endpointSliceRules: Rules = {
  valid: (slice: Stored, _at, to) => {
    addressType(slice.addressType, ROOT.at('addressType'), to)
    checkPorts(slice.ports ?? [], ROOT.at('ports'), to)
    checkEndpoints(slice.endpoints ?? [], slice.addressType, ROOT.at('endpoints'), to)
  },
  update: immutable('addressType'),
}
