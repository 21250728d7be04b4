/**
 * What is special about services before validation: which fields belong to which type, and what a client that knows
 * nothing of allocated addresses may leave out. Upstream: `pkg/registry/core/service`.
 */
import { jsonEqual } from '#base/equal.ts'
import { dnsLabel } from '#machinery/names.ts'
import type { Draft, Stored, Strategy } from '../registry/strategy.ts'

export const serviceStrategy: Strategy = {
  // Upstream takes names that begin with a digit as of v1.36.
  name: dnsLabel,
  createsOnUpdate: true,
  returnsDeleted: true,
  prepareForCreate({ spec }) {
    if (spec.clusterIP) spec.clusterIPs ??= [spec.clusterIP]
  },
  prepareForUpdate(service, old, { subresource }) {
    if (subresource === 'status') return
    keepAllocated(service.spec, old.spec)
    alignClusterIPs(service.spec, old.spec)
    dropUnfitting(service, old)
  },
  selectableFields: {
    'spec.clusterIP': (service) => service.spec.clusterIP ?? '',
    'spec.type': (service) => service.spec.type ?? '',
  },
}

type Spec = Record<string, any>

export const needsClusterIP = (spec: Spec) => spec.type !== 'ExternalName'
export const needsNodePort = (spec: Spec) => spec.type === 'NodePort' || spec.type === 'LoadBalancer'
export const needsHealthCheckPort = (spec: Spec) =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'
/** Whether traffic from outside of the cluster can reach the service. */
export const isExternallyAccessible = (spec: Spec) =>
  needsNodePort(spec) || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0)

const nodePortsOf = (spec: Spec) =>
  new Set<number>((spec.ports ?? []).flatMap((port: Spec) => (port.nodePort ? [port.nodePort] : [])))

/** Fills in allocated values that the client left out, so that it can send the same manifest again. */
function keepAllocated(spec: Spec, old: Spec) {
  if (needsClusterIP(old) && needsClusterIP(spec)) {
    spec.clusterIP ||= old.clusterIP
    spec.clusterIPs ??= old.clusterIPs
  }
  if (needsNodePort(old) && needsNodePort(spec)) {
    const kept = nodePortsOf(spec)
    const byName = new Map<string, number>((old.ports ?? []).map((port: Spec) => [port.name ?? '', port.nodePort]))
    for (const port of spec.ports ?? []) {
      const was = byName.get(port.name ?? '')
      if (!port.nodePort && was && !kept.has(was)) port.nodePort = was
    }
  }
  if (needsHealthCheckPort(old) && needsHealthCheckPort(spec)) spec.healthCheckNodePort ||= old.healthCheckNodePort
}

/** Clients that know only one of `clusterIP` and `clusterIPs` change that one; the other follows. */
function alignClusterIPs(spec: Spec, old: Spec) {
  if (old.clusterIPs && !spec.clusterIPs && old.clusterIP === spec.clusterIP) spec.clusterIPs = old.clusterIPs
  if (old.clusterIP === spec.clusterIP || !jsonEqual(old.clusterIPs, spec.clusterIPs)) return
  if (old.clusterIP && !spec.clusterIP) delete spec.clusterIPs
  else spec.clusterIPs = [spec.clusterIP]
}

/** Removes what made sense for the old type only, where the client did not change it itself. */
function dropUnfitting(service: Draft, old: Stored) {
  const { spec } = service
  const was = old.spec as Spec
  const drop = (...keys: string[]) => {
    for (const key of keys) if (jsonEqual(spec[key], was[key])) delete spec[key]
  }
  if (needsClusterIP(was) && !needsClusterIP(spec)) {
    if (spec.clusterIP === was.clusterIP && jsonEqual(spec.clusterIPs, was.clusterIPs)) drop('clusterIP', 'clusterIPs')
    drop('ipFamilies', 'ipFamilyPolicy')
  }
  if (needsNodePort(was) && !needsNodePort(spec)) {
    const before = nodePortsOf(was)
    if ([...nodePortsOf(spec)].every((port) => before.has(port))) {
      for (const port of spec.ports ?? []) delete port.nodePort
    }
  }
  if (needsHealthCheckPort(was) && !needsHealthCheckPort(spec)) drop('healthCheckNodePort')
  if (was.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    drop('allocateLoadBalancerNodePorts', 'loadBalancerClass')
  }
  if (isExternallyAccessible(was) && !isExternallyAccessible(spec)) drop('externalTrafficPolicy')
  if (spec.type !== 'LoadBalancer') service.status = { ...service.status, loadBalancer: {} }
}
