/**
 * What services, claims of volumes and claims of devices use of quotas. Upstream: `services.go`,
 * `persistent_volume_claims.go` and `resource_claims.go` of `pkg/quota/v1/evaluator/core`.
 */
import type { PersistentVolumeClaim } from '#api/core/v1/persistent-volume.ts'
import type { Service } from '#api/core/v1/service.ts'
import type { ResourceClaim } from '#api/resource/v1.ts'
import { deviceClasses, persistentVolumeClaims, pods, resourceClaims, services } from '#api/resources.ts'
import { controllerOf } from '#machinery/owner.ts'
import { Quantity } from '#machinery/quantity.ts'
import type { Stored } from '../../registry/strategy.ts'
import type { AdmissionRequest } from '../admission.ts'
import { classOf } from '../claim-resize.ts'
import { type Amounts, NOTHING, ONE, ZERO } from './amounts.ts'
import { boundsExtended, DEVICE_CLASS_RESOURCE, podEvaluator } from './pod-usage.ts'
import { countName, type Evaluator, selects, type UsageContext } from './usage.ts'

const isWrite = ({ operation, subresource }: AdmissionRequest) =>
  subresource === '' && (operation === 'CREATE' || operation === 'UPDATE')

const SERVICES = countName(services)
const serviceNames = new Set([SERVICES, 'services', 'services.nodeports', 'services.loadbalancers'])

export const serviceEvaluator: Evaluator = {
  bounds: (name) => serviceNames.has(name),
  concerns: isWrite,
  usage(object) {
    const { spec } = object as unknown as Service
    const isBalanced = spec.type === 'LoadBalancer'
    return new Map([
      [SERVICES, ONE],
      ['services', ONE],
      ['services.loadbalancers', isBalanced ? ONE : ZERO],
      ['services.nodeports', Quantity.of(nodePortsOf(spec))],
    ])
  },
}

/** Those to come count too. */
function nodePortsOf({ type, ports = [], allocateLoadBalancerNodePorts }: Service['spec']): number {
  if (type === 'NodePort') return ports.length
  if (type !== 'LoadBalancer') return 0
  return allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort).length : ports.length
}

const CLAIMS = countName(persistentVolumeClaims)
const OF_STORAGE_CLASS = '.storageclass.storage.k8s.io/'
const claimNames = ['persistentvolumeclaims', 'requests.storage']

export const volumeClaimEvaluator: Evaluator = {
  bounds: (name) => name === CLAIMS || claimNames.some((one) => name === one || name.endsWith(OF_STORAGE_CLASS + one)),
  concerns: isWrite,
  inScope(selector, object) {
    if (selector.scopeName !== 'VolumeAttributesClass') return false
    return selects(selector, attributesClassesOf(object as unknown as PersistentVolumeClaim))
  },
  usage(object) {
    const claim = object as unknown as PersistentVolumeClaim
    const storage = storageOf(claim)
    const use: [string, Quantity][] = [
      ['persistentvolumeclaims', ONE],
      ...(storage ? [['requests.storage', storage] as [string, Quantity]] : []),
    ]
    const storageClass = classOf(claim)
    const ofClass = use.map(([name, amount]) => [storageClass + OF_STORAGE_CLASS + name, amount] as const)
    return new Map([[CLAIMS, ONE], ...use, ...(storageClass ? ofClass : [])])
  },
}

/** In whole bytes; what is being allocated for growing counts already. */
function storageOf({ spec, status }: PersistentVolumeClaim): Quantity | undefined {
  const requested = spec.resources?.requests?.storage
  if (requested === undefined) return undefined
  const allocated = Quantity.parse(status?.allocatedResources?.storage ?? '0')
  const wanted = Quantity.parse(requested)
  return (allocated.cmp(wanted) > 0 ? allocated : wanted).roundUp(0)
}

/** Those that the claim asks for, has, or is changing to. */
const attributesClassesOf = ({ spec, status }: PersistentVolumeClaim): string[] =>
  [
    spec.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].filter((name): name is string => Boolean(name))

const DEVICE_CLAIMS = countName(resourceClaims)
const OF_DEVICE_CLASS = '.deviceclass.resource.k8s.io/devices'
/** No claim gets more devices than this for one of its requests. */
const MAX_DEVICES = 32
const REQUESTS = 'requests.'
const EXTENDED_CLAIM = 'resource.kubernetes.io/extended-resource-claim'

export const deviceClaimEvaluator: Evaluator = {
  bounds(name, context) {
    if (name === DEVICE_CLAIMS || name.endsWith(OF_DEVICE_CLASS)) return true
    if (!boundsExtended(name)) return false
    const resource = name.slice(REQUESTS.length)
    return context.all(deviceClasses, undefined).some(({ metadata, spec }) => {
      const { extendedResourceName } = spec
      if (!extendedResourceName) return false
      return resource === extendedResourceName || resource === DEVICE_CLASS_RESOURCE + metadata.name
    })
  },
  concerns: isWrite,
  usage(object, context) {
    const claim = object as unknown as ResourceClaim
    const devices = devicesOf(claim)
    return new Map([
      [DEVICE_CLAIMS, ONE],
      ...[...devices].map(([name, count]) => [name + OF_DEVICE_CLASS, Quantity.of(count)] as const),
      ...extendedUse(claim, devices, context),
    ])
  },
}

/** How many devices of each class the claim may get. */
function devicesOf({ spec }: ResourceClaim): Map<string, number> {
  const total = new Map<string, number>()
  for (const { exactly, firstAvailable } of spec.devices?.requests ?? []) {
    const worst = new Map<string, number>()
    for (const one of exactly ? [exactly] : (firstAvailable ?? [])) {
      const count =
        one.allocationMode === 'All' ? MAX_DEVICES : one.allocationMode === 'ExactCount' ? (one.count ?? 0) : 0
      worst.set(one.deviceClassName, Math.max(worst.get(one.deviceClassName) ?? 0, count))
    }
    for (const [name, count] of worst) total.set(name, (total.get(name) ?? 0) + count)
  }
  return total
}

/** Devices that pods may also ask for as a resource, as far as they are not counted with the claim's pod. */
function extendedUse(claim: ResourceClaim, devices: ReadonlyMap<string, number>, context: UsageContext): Amounts {
  if (devices.size === 0) return NOTHING
  const use = new Map<string, Quantity>()
  const ofPod = podUse(claim, context)
  for (const [name, count] of devices) {
    const { extendedResourceName } = context.find(deviceClasses, undefined, name)?.spec ?? {}
    const resources = [DEVICE_CLASS_RESOURCE + name, ...(extendedResourceName ? [extendedResourceName] : [])]
    for (const resource of resources) {
      const rest = Quantity.of(count).sub(ofPod.get(REQUESTS + resource) ?? ZERO)
      if (rest.sign > 0) use.set(REQUESTS + resource, rest)
    }
  }
  return use
}

/** What is counted with the pod that the claim was made for, where it was made for the resources of a pod. */
function podUse({ metadata }: ResourceClaim, context: UsageContext): Amounts {
  const owner = controllerOf(metadata)
  if (metadata.annotations?.[EXTENDED_CLAIM] !== 'true' || owner?.kind !== 'Pod') return NOTHING
  const pod = context.find(pods, metadata.namespace, owner.name)
  if (!pod || pod.metadata.uid !== owner.uid) return NOTHING
  const named = pod.status.extendedResourceClaimStatus?.resourceClaimName
  if (named !== undefined && named !== metadata.name) return NOTHING
  return podEvaluator.usage(pod as unknown as Stored, context)
}
