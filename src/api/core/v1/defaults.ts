/** Defaults of core/v1 that depend on other fields (upstream: `pkg/apis/core/v1/defaults.go`). */
import { Quantity } from '#machinery/quantity.ts'
import type { Defaulter, Draft } from '#api/defaulter.ts'
import type { Message } from '#api/schema.ts'
import { Container, ContainerStatus, EphemeralContainer } from './container.ts'
import { LimitRangeItem, Namespace, ResourceQuotaSpec, ResourceQuotaStatus } from './namespace.ts'
import { NodeSpec, NodeStatus } from './node.ts'
import { PersistentVolume, PersistentVolumeClaimStatus, PersistentVolumeSpec } from './persistent-volume.ts'
import { allowsOvercommit, containersTotal, isHugePages, isPodLevelResource } from './pod-resources.ts'
import { Pod, PodSpec, PodStatus } from './pod.ts'
import { ReplicationController } from './replication-controller.ts'
import { Service } from './service.ts'
import { ResourceRequirements, VolumeResourceRequirements } from './shared.ts'
import { Volume } from './volume.ts'

/** Which fields hold amounts of resources, which are kept to the thousandth. */
const amounts: readonly (readonly [Message, ...string[]])[] = [
  [ContainerStatus, 'allocatedResources'],
  [LimitRangeItem, 'max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'],
  [NodeStatus, 'capacity', 'allocatable'],
  [PersistentVolumeClaimStatus, 'capacity', 'allocatedResources'],
  [PersistentVolumeSpec, 'capacity'],
  [PodSpec, 'overhead'],
  [ResourceQuotaSpec, 'hard'],
  [ResourceQuotaStatus, 'hard', 'used'],
  [ResourceRequirements, 'limits', 'requests'],
  [VolumeResourceRequirements, 'limits', 'requests'],
]

const MILLI = -3
/** Only such canonical texts can be finer than a thousandth. */
const MAYBE_FINE = /[nu]$|e-|\./

function roundAmounts(fields: readonly string[]): Defaulter {
  return (draft) => {
    for (const field of fields) {
      const list = draft[field] as Record<string, string> | undefined
      for (const name in list) {
        const text = list[name]!
        if (MAYBE_FINE.test(text)) list[name] = Quantity.parse(text).roundUp(MILLI).toString()
      }
    }
  }
}

/** An image without a tag means `latest`, which may change any time; with any other tag, or a digest, it stays the same. */
export function defaultPullPolicy(image: string): 'Always' | 'IfNotPresent' {
  const [name = '', digest] = image.split('@', 2)
  const tag = /:([\w][\w.-]{0,127})$/.exec(name)
  const repository = tag ? name.slice(0, tag.index) : name
  const isReadable = /^([\w.-]+(:\d+)?\/|\[[\da-fA-F:]+\](:\d+)?\/)?[a-z\d]+([._/-]+[a-z\d]+)*$/.test(repository)
  if (!isReadable) return 'IfNotPresent'
  return tag?.[1] === 'latest' || (tag === null && digest === undefined) ? 'Always' : 'IfNotPresent'
}

const setPullPolicy: Defaulter = (container) => {
  container.imagePullPolicy ||= defaultPullPolicy(container.image ?? '')
}

function completeVolume(volume: Draft) {
  let hasSource = false
  for (const key in volume) if (key !== 'name') hasSource = true
  if (!hasSource) volume.emptyDir = {}
  if (volume.image && !volume.image.pullPolicy)
    volume.image.pullPolicy = defaultPullPolicy(volume.image.reference ?? '')
}

/** Adds to `target[key]` what it lacks of `more`. */
function complete(target: Draft, key: string, more: Record<string, unknown> | undefined) {
  const found = target[key] as Record<string, unknown> | undefined
  for (const name in more) if (found?.[name] === undefined) return void (target[key] = { ...more, ...found })
}

/** Unlike pod templates, a pod is completed with what follows from its limits. */
function completePod({ spec }: Draft) {
  const containers: Draft[] = [...(spec.containers ?? []), ...(spec.initContainers ?? [])]
  for (const container of containers) {
    const { limits } = container.resources
    complete(container.resources, 'requests', limits)
    if (!spec.hostNetwork) continue
    for (const port of container.ports ?? []) {
      if (!port.hostPort && port.hostPort !== port.containerPort) port.hostPort = port.containerPort
    }
  }
  if (spec.resources) completePodLevelResources(spec)
  spec.enableServiceLinks ??= true
}

function completePodLevelResources(spec: Draft) {
  const resources = spec.resources as { limits?: Record<string, string>; requests?: Record<string, string> }
  const isSet = (list: Record<string, string> | undefined) => list !== undefined && Object.keys(list).length > 0
  if (isSet(resources.limits) || isSet(resources.requests)) {
    const totals = Object.entries(containersTotal(spec, 'limits'))
    const isMissing = ([name]: [string, string]) => isHugePages(name) && resources.requests?.[name] === undefined
    complete(resources, 'limits', Object.fromEntries(totals.filter(isMissing)))
  }
  if (!isSet(resources.limits)) return
  const totals = Object.entries(containersTotal(spec, 'requests'))
  const limits = Object.entries(resources.limits!).filter(([name]) => isPodLevelResource(name))
  complete(resources, 'requests', {
    ...Object.fromEntries(limits),
    ...Object.fromEntries(totals.filter(([name]) => isPodLevelResource(name) && allowsOvercommit(name))),
  })
}

function completePodSpec(spec: Draft) {
  spec.securityContext ??= {}
  // Both names of the account are kept equal: the old one is for readers that know no other.
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName
  else if (spec.serviceAccount) spec.serviceAccountName = spec.serviceAccount
}

const THREE_HOURS_SECONDS = 10_800
const OUTSIDE_TYPES = ['NodePort', 'LoadBalancer']

function completeService({ spec, status }: Draft) {
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
  if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: THREE_HOURS_SECONDS } }
  }
  for (const port of spec.ports ?? []) {
    if (!port.targetPort && port.targetPort !== port.port) port.targetPort = port.port
  }
  const isOutside =
    OUTSIDE_TYPES.includes(spec.type) || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0)
  if (isOutside) spec.externalTrafficPolicy ??= 'Cluster'
  if (spec.type === 'ClusterIP' || OUTSIDE_TYPES.includes(spec.type)) spec.internalTrafficPolicy ??= 'Cluster'
  if (spec.type !== 'LoadBalancer') return
  spec.allocateLoadBalancerNodePorts ??= true
  for (const ingress of status.loadBalancer.ingress ?? []) {
    if (ingress.ip) ingress.ipMode ??= 'VIP'
  }
}

function completeLimitRangeItem(item: Draft) {
  if (item.type !== 'Container') return
  item.default = { ...item.max, ...item.default }
  item.defaultRequest = { ...item.min, ...item.default, ...item.defaultRequest }
  for (const key of ['default', 'defaultRequest']) if (Object.keys(item[key]).length === 0) delete item[key]
}

export const coreDefaults: readonly (readonly [Message, Defaulter])[] = [
  ...amounts.map(([type, ...fields]) => [type, roundAmounts(fields)] as const),
  [Container, setPullPolicy],
  [EphemeralContainer, setPullPolicy],
  [LimitRangeItem, completeLimitRangeItem],
  [Namespace, nameLabel],
  [NodeStatus, (status) => void (status.capacity && (status.allocatable ??= { ...status.capacity }))],
  [
    PersistentVolume,
    ({ spec }) => {
      spec.persistentVolumeReclaimPolicy ??= 'Retain'
      spec.volumeMode ??= 'Filesystem'
    },
  ],
  [NodeSpec, alignNetworks],
  [Pod, completePod],
  [PodSpec, completePodSpec],
  [PodStatus, alignAddresses],
  [ReplicationController, takeTemplateLabels],
  [Service, completeService],
  [Volume, completeVolume],
]

/** The older field of the two, for one address, is the one that older writers mean. */
function alignAddresses(status: Draft) {
  const { podIP, podIPs = [] } = status
  if (podIP && podIPs[0]?.ip !== podIP) status.podIPs = [{ ip: podIP }]
  else if (podIPs[0]?.ip) status.podIP = podIPs[0].ip
}

function alignNetworks(spec: Draft) {
  const { podCIDR, podCIDRs = [] } = spec
  if (podCIDR && podCIDRs[0] !== podCIDR) spec.podCIDRs = [podCIDR]
  else if (podCIDRs[0]) spec.podCIDR = podCIDRs[0]
}

function nameLabel({ metadata }: Draft) {
  if (metadata.name) metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name }
}

function takeTemplateLabels({ metadata, spec }: Draft) {
  const labels = spec.template?.metadata.labels
  if (!labels) return
  spec.selector ??= { ...labels }
  metadata.labels ??= { ...labels }
}
