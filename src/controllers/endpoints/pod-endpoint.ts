/** What of a pod matters to the Services that select it: whether it belongs to their endpoints, with which port and host name. */
import type { Container } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Service } from '#api/core/v1/service.ts'
import { isFinished, isReady } from '../pod-state.ts'
import { semanticEqual } from '../semantic-equal.ts'

type ServicePort = NonNullable<Service['spec']['ports']>[number]

/** It has an address and has not ended. */
export function belongsToEndpoints(pod: Pod, includeTerminating: boolean): boolean {
  if (isFinished(pod) || podAddresses(pod).length === 0) return false
  return includeTerminating || pod.metadata.deletionTimestamp === undefined
}

export function podAddresses({ status }: Pod): string[] {
  if (status.podIPs && status.podIPs.length > 0) return status.podIPs.flatMap(({ ip }) => ip || [])
  return status.podIP ? [status.podIP] : []
}

/** Of a given family, as text; undefined for what is not an address. */
export function isIPv6(address: string): boolean {
  return address.includes(':')
}

/** The pod's port that a Service port leads to; undefined where the pod has none of that name. */
export function targetPort(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort
  if (target === undefined || target === 0 || target === '') return port.port
  if (typeof target === 'number') return target
  const protocol = port.protocol ?? 'TCP'
  const sidecars = (pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always')
  for (const container of [...pod.spec.containers, ...sidecars] as Container[]) {
    const found = container.ports?.find((p) => p.name === target && (p.protocol ?? 'TCP') === protocol)
    if (found) return found.containerPort
  }
  return undefined
}

/** Whether the pod gets a DNS name of its own below the Service. */
export function hasOwnHostname({ metadata, spec }: Pod, service: Service): boolean {
  return (
    !!spec.hostname && spec.subdomain === service.metadata.name && metadata.namespace === service.metadata.namespace
  )
}

/** Something has changed of which endpoints are made. */
export function endpointChanged(pod: Pod, previous: Pod): boolean {
  return (
    pod.metadata.deletionTimestamp !== previous.metadata.deletionTimestamp ||
    isReady(pod) !== isReady(previous) ||
    isFinished(pod) !== isFinished(previous) ||
    pod.spec.nodeName !== previous.spec.nodeName ||
    !semanticEqual(podAddresses(pod), podAddresses(previous))
  )
}

/** Something has changed by which Services choose the pod. */
export function membershipChanged(pod: Pod, previous: Pod): boolean {
  return (
    !semanticEqual(pod.metadata.labels, previous.metadata.labels) ||
    pod.spec.hostname !== previous.spec.hostname ||
    pod.spec.subdomain !== previous.spec.subdomain
  )
}

export function isHeadless({ spec }: Service): boolean {
  return !spec.clusterIP || spec.clusterIP === 'None'
}
