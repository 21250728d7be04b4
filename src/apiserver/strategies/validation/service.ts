/**
 * Services. Addresses and ports that the server will choose may be missing, for they are chosen after this. Upstream:
 * `validateService`, `ValidateServiceUpdate`.
 */
import { own } from '#base/own.ts'
import { dnsLabel, dnsSubdomain, qualifiedName } from '#machinery/names.ts'
import type { Stored } from '../../registry/strategy.ts'
import { isExternallyAccessible, needsHealthCheckPort } from '../service.ts'
import {
  type Check,
  evenAbsent,
  fields,
  first,
  METADATA,
  named,
  oneOf,
  type Path,
  type Problems,
  required,
  SPEC,
  STATUS,
} from './check.ts'
import { portOrName } from './container.ts'
import { portNumber } from './formats.ts'
import { endpointIpErrors, legacyCidrErrors, legacyIpErrors, parseAddress } from './ip.ts'
import type { Comparison, Rules } from './rules.ts'
import { labels } from './selectors.ts'

type Spec = Record<string, any>

const HINTS = 'service.kubernetes.io/topology-aware-hints'
const MODE = 'service.kubernetes.io/topology-mode'
const SOURCE_RANGES = 'service.beta.kubernetes.io/load-balancer-source-ranges'
const ONLY_LOAD_BALANCERS = "may only be used when `type` is 'LoadBalancer'"
const PORTS = SPEC.at('ports')
const CLUSTER_IPS = SPEC.at('clusterIPs')

const isHeadless = ({ clusterIP, clusterIPs = [] }: Spec) => (clusterIPs[0] ?? clusterIP) === 'None'
const isBalanced = (spec: Spec) => spec.type === 'LoadBalancer'

const plainFields = fields({
  selector: labels,
  sessionAffinity: first(required, oneOf('ClientIP', 'None')),
})
const kindOfService = fields({
  type: first(required, oneOf('ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort')),
})
const policies = fields({
  internalTrafficPolicy: oneOf('Cluster', 'Local'),
  trafficDistribution: oneOf('PreferClose', 'PreferSameZone', 'PreferSameNode'),
})

const MAX_AFFINITY_SECONDS = 86_400

const valid: Check = (service: Stored, _at, to) => {
  const spec = service.spec as Spec
  const annotations = service.metadata.annotations ?? {}
  if (annotations[MODE] !== undefined && annotations[HINTS] !== undefined && annotations[MODE] !== annotations[HINTS]) {
    const why = `must match annotations[${HINTS}] when both are specified`
    to.invalid(METADATA.at('annotations').key(MODE), annotations[MODE], why)
  }
  if (!spec.ports && !isHeadless(spec) && spec.type !== 'ExternalName') to.required(PORTS)
  checkType(spec, to)
  checkPorts(spec, to)
  plainFields(spec, SPEC, to)
  checkAffinity(spec, to)
  if (spec.type !== 'ExternalName') checkClusterIps(spec, to)
  ;(spec.externalIPs ?? []).forEach((ip: string, i: number) => {
    const errors = legacyIpErrors(ip)
    to.each(SPEC.at('externalIPs').index(i), ip, errors.length > 0 ? errors : endpointIpErrors(ip))
  })
  kindOfService(spec, SPEC, to)
  checkNodePorts(spec, to)
  checkSourceRanges(spec, annotations[SOURCE_RANGES], to)
  if (spec.allocateLoadBalancerNodePorts !== undefined && !isBalanced(spec)) {
    to.forbidden(SPEC.at('allocateLoadBalancerNodePorts'), ONLY_LOAD_BALANCERS)
  }
  if (spec.loadBalancerClass !== undefined) {
    const place = SPEC.at('loadBalancerClass')
    if (isBalanced(spec)) to.each(place, spec.loadBalancerClass, qualifiedName(spec.loadBalancerClass))
    else to.forbidden(place, ONLY_LOAD_BALANCERS)
  }
  checkExternalTraffic(spec, to)
  policies(spec, SPEC, to)
}

function checkType(spec: Spec, to: Problems) {
  if (spec.type === 'LoadBalancer' || spec.type === 'NodePort') {
    if (isHeadless(spec)) to.invalid(CLUSTER_IPS.index(0), 'None', `may not be set to 'None' for ${spec.type} services`)
  }
  if (spec.type !== 'ExternalName') return
  for (const field of ['clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) {
    if (spec[field] !== undefined) to.forbidden(SPEC.at(field), 'may not be set for ExternalName services')
  }
  const name = (spec.externalName ?? '').replace(/\.$/, '')
  if (name) to.each(SPEC.at('externalName'), name, dnsSubdomain(name))
  else to.required(SPEC.at('externalName'))
}

const protocol = first(required, oneOf('SCTP', 'TCP', 'UDP'))
const portFields = fields({
  port: evenAbsent((value: number | undefined, at, to) => to.each(at, value ?? 0, portNumber(value ?? 0))),
  protocol,
  targetPort: portOrName,
  appProtocol: named(qualifiedName),
})

function checkPorts(spec: Spec, to: Problems) {
  const ports: Record<string, any>[] = spec.ports ?? []
  const names = new Set<string>()
  ports.forEach((port, i) => {
    const place = PORTS.index(i)
    if (!port.name && ports.length > 1) to.required(place.at('name'))
    else if (port.name) {
      to.each(place.at('name'), port.name, dnsLabel(port.name))
      if (names.has(port.name)) to.duplicate(place.at('name'), port.name)
      names.add(port.name)
    }
    portFields(port, place, to)
  })
}

function checkAffinity(spec: Spec, to: Problems) {
  const config = spec.sessionAffinityConfig
  const at = SPEC.at('sessionAffinityConfig')
  if (spec.sessionAffinity === 'None' && config) to.forbidden(at, 'must not be set when session affinity is None')
  if (spec.sessionAffinity !== 'ClientIP') return
  const seconds: number | undefined = config?.clientIP?.timeoutSeconds
  if (!config) to.required(at, 'when session affinity type is ClientIP')
  else if (!config.clientIP) to.required(at.at('clientIP'), 'when session affinity type is ClientIP')
  else if (seconds === undefined)
    to.required(at.at('clientIP', 'timeoutSeconds'), 'when session affinity type is ClientIP')
  else if (seconds <= 0 || seconds > MAX_AFFINITY_SECONDS) {
    const why = `must be greater than 0 and less than ${MAX_AFFINITY_SECONDS}`
    to.invalid(at.at('clientIP', 'timeoutSeconds'), seconds, why)
  }
}

const FAMILIES = ['IPv4', 'IPv6']
const familyPolicy = oneOf('PreferDualStack', 'RequireDualStack', 'SingleStack')
const versions: Readonly<Record<string, 4 | 6>> = { IPv4: 4, IPv6: 6 }

function checkClusterIps(spec: Spec, to: Problems) {
  const { clusterIP = '', clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec
  if (clusterIP) {
    if (clusterIPs.length === 0) to.required(CLUSTER_IPS)
    else if (clusterIPs[0] !== clusterIP) to.invalid(CLUSTER_IPS, clusterIPs, 'first value must match `clusterIP`')
  } else if (clusterIPs.length > 0) {
    to.invalid(CLUSTER_IPS, clusterIPs, 'must be empty when `clusterIP` is not specified')
  }
  checkFamilies(ipFamilies, to)
  if (ipFamilyPolicy !== undefined) familyPolicy(ipFamilyPolicy, SPEC.at('ipFamilyPolicy'), to)
  const before = to.errors.length
  clusterIPs.forEach((ip: string, i: number) => {
    if (i > 0 || ip !== 'None') to.each(CLUSTER_IPS.index(i), ip, legacyIpErrors(ip))
    else if (clusterIPs.length > 1) to.invalid(CLUSTER_IPS, clusterIPs, "'None' must be the first and only value")
  })
  const hasBadIps = to.errors.length > before
  if (clusterIPs.length > 2) to.invalid(CLUSTER_IPS, clusterIPs, 'may only hold up to 2 values')
  if (hasBadIps) return
  const found = clusterIPs.map((ip: string) => parseAddress(ip)?.version)
  if (clusterIPs.length > 1 && new Set(found).size < 2) {
    to.invalid(CLUSTER_IPS, clusterIPs, 'may specify no more than one IP for each IP family')
  }
  if (isHeadless(spec)) return
  found.forEach((version: number, i: number) => {
    const wanted = ipFamilies[i]
    if (!own(versions, wanted) || own(versions, wanted) === version) return
    to.invalid(CLUSTER_IPS.index(i), clusterIPs[i], `expected an ${wanted} value as indicated by \`ipFamilies[${i}]\``)
  })
}

function checkFamilies(families: readonly string[], to: Problems) {
  const seen = new Set<string>()
  families.forEach((family, i) => {
    const place = SPEC.at('ipFamilies').index(i)
    if (!FAMILIES.includes(family)) to.unsupported(place, family, FAMILIES)
    if (seen.has(family)) to.duplicate(place, family)
    seen.add(family)
  })
}

/** No two ports of a service may be the same to its clients or to the nodes. */
function checkNodePorts(spec: Spec, to: Problems) {
  const [ports, nodePorts] = [new Set<string>(), new Set<string>()]
  ;(spec.ports ?? []).forEach((port: Spec, i: number) => {
    if (!port.nodePort) return
    const place = PORTS.index(i).at('nodePort')
    if (spec.type === 'ClusterIP') to.forbidden(place, "may not be used when `type` is 'ClusterIP'")
    const key = `${port.protocol}/${port.nodePort}`
    if (nodePorts.has(key)) to.duplicate(place, port.nodePort)
    nodePorts.add(key)
  })
  ;(spec.ports ?? []).forEach((port: Spec, i: number) => {
    const key = `${port.protocol}/${port.port}`
    const shown = { Name: '', Protocol: port.protocol, AppProtocol: null, Port: port.port, TargetPort: 0, NodePort: 0 }
    if (ports.has(key)) to.duplicate(PORTS.index(i), shown)
    ports.add(key)
  })
}

function checkSourceRanges(spec: Spec, annotation: string | undefined, to: Problems) {
  const ranges: string[] = spec.loadBalancerSourceRanges ?? []
  const check = (range: string, at: Path) => to.each(at, range.trim(), legacyCidrErrors(range.trim()))
  if (ranges.length > 0) {
    const at = SPEC.at('LoadBalancerSourceRanges')
    if (!isBalanced(spec)) to.forbidden(at, ONLY_LOAD_BALANCERS)
    ranges.forEach((range, i) => check(range, at.index(i)))
  } else if (annotation !== undefined) {
    const at = METADATA.at('annotations').key(SOURCE_RANGES)
    if (!isBalanced(spec)) to.forbidden(at, ONLY_LOAD_BALANCERS)
    if (annotation.trim()) for (const range of annotation.split(',')) check(range, at)
  }
}

function checkExternalTraffic(spec: Spec, to: Problems) {
  const { externalTrafficPolicy: policy, healthCheckNodePort: port } = spec
  const at = SPEC.at('externalTrafficPolicy')
  if (!isExternallyAccessible(spec)) {
    if (policy) to.invalid(at, policy, 'may only be set for externally-accessible services')
  } else if (!policy) to.required(at)
  else oneOf('Cluster', 'Local')(policy, at, to)
  if (!port) return
  const portAt = SPEC.at('healthCheckNodePort')
  if (needsHealthCheckPort(spec)) to.each(portAt, port, portNumber(port))
  else {
    const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
    to.invalid(portAt, port, why)
  }
}

const FIXED = 'may not change once set'

/** The first address of a service stays; a second may come and go with its family. */
const update: Comparison = (service, old, to) => {
  const [spec, was]: Spec[] = [service.spec as Spec, old.spec as Spec]
  if (spec!.type !== 'ExternalName' && was!.type !== 'ExternalName') {
    if (!isHeadless(spec!) || !isHeadless(was!)) checkKeptIps(spec!, was!, to)
    if (!isHeadless(spec!) && !isHeadless(was!)) checkKeptFamilies(spec!, was!, to)
  }
  if (isBalanced(spec!) && isBalanced(was!) && spec!.loadBalancerClass !== was!.loadBalancerClass) {
    to.invalid(SPEC.at('loadBalancerClass'), spec!.loadBalancerClass ?? null, FIXED)
  }
  if (
    needsHealthCheckPort(spec!) &&
    needsHealthCheckPort(was!) &&
    spec!.healthCheckNodePort !== was!.healthCheckNodePort
  ) {
    to.forbidden(SPEC.at('healthCheckNodePort'), 'field is immutable')
  }
}

function checkKeptIps(spec: Spec, was: Spec, to: Problems) {
  const [ips, before]: string[][] = [spec.clusterIPs ?? [], was.clusterIPs ?? []]
  const at = CLUSTER_IPS
  if (before!.length === ips!.length) {
    before!.forEach((ip, i) => ip !== ips![i] && to.invalid(at.index(i), ips, FIXED))
    return
  }
  if (before!.length > 0 && ips!.length > 0 && ips![0] !== before![0]) to.invalid(at.index(0), ips, FIXED)
  if (before!.length < ips!.length) return
  if (ips!.length === 0) to.invalid(at.index(0), null, 'primary clusterIP can not be unset')
  if (ips!.length === 1) checkSingleStack(spec, 'secondary clusterIP', to)
}

function checkKeptFamilies(spec: Spec, was: Spec, to: Problems) {
  const [families, before]: string[][] = [spec.ipFamilies ?? [], was.ipFamilies ?? []]
  const at = SPEC.at('ipFamilies').index(0)
  // Families that were left out are chosen again, as they were.
  if (families!.length === 0) return
  if (before!.length === families!.length) {
    before!.forEach((family, i) => family !== families![i] && to.invalid(at, families, FIXED))
    return
  }
  if (before!.length > 0 && families![0] !== before![0]) to.invalid(at, spec.clusterIPs ?? null, FIXED)
  if (before!.length > families!.length && families!.length === 1) checkSingleStack(spec, 'secondary ipFamily', to)
}

function checkSingleStack(spec: Spec, what: string, to: Problems) {
  if (spec.ipFamilyPolicy === 'SingleStack') return
  const why = `must be set to 'SingleStack' when releasing the ${what}`
  to.invalid(SPEC.at('ipFamilyPolicy'), spec.ipFamilyPolicy ?? null, why)
}

const ipMode = oneOf('Proxy', 'VIP')

/** Also for the status of ingresses, which have no `ipMode`. */
export function checkIngressPoints(
  points: readonly Record<string, any>[],
  was: readonly Record<string, any>[],
  at: Path,
  to: Problems,
  hasModes = true,
) {
  const before = new Set(was.map(({ ip }) => ip))
  points.forEach(({ ip, ipMode: mode, hostname }, i) => {
    const place = at.index(i)
    if (ip && !before.has(ip)) to.each(place.at('ip'), ip, legacyIpErrors(ip))
    if (hasModes) {
      if (mode === undefined) {
        if (ip) to.required(place.at('ipMode'), 'must be specified when `ip` is set')
      } else if (!ip) to.forbidden(place.at('ipMode'), 'may not be specified when `ip` is not set')
      else ipMode(mode, place.at('ipMode'), to)
    }
    if (!hostname) return
    to.each(place.at('hostname'), hostname, dnsSubdomain(hostname))
    if (parseAddress(hostname)) {
      to.invalid(place.at('hostname'), hostname, 'must be a DNS name, not an IP address')
    }
  })
}

const status: Comparison = (service, old, to) => {
  const at = STATUS.at('loadBalancer', 'ingress')
  const points = service.status?.loadBalancer?.ingress ?? []
  if (!isBalanced(service.spec as Spec) && points.length > 0) {
    to.forbidden(at, "may only be used when `spec.type` is 'LoadBalancer'")
  } else checkIngressPoints(points, old.status?.loadBalancer?.ingress ?? [], at, to)
}

export const serviceRules: Rules = { valid, update, subresources: { status } }
