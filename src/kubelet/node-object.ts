/**
 * The Node object of this machine: what it is registered with and what its status says. Pure.
 * Upstream: `kubelet_node_status.go` and `nodestatus/setters.go`.
 */
import type { Node, NodeCondition, NodeStatus } from '#api/core/v1/node.ts'
import type { Taint } from '#api/core/v1/shared.ts'
import type { Draft } from '#api/kind.ts'
import type { Image } from '#contracts/cri/types.ts'
import { Quantity } from '#machinery/quantity.ts'
import { formatTime } from '#machinery/time.ts'
import type { MachineInfo } from './machine-info.ts'

export interface NodeIdentity {
  nodeName: string
  /** What `kubernetes.io/hostname` says; default the node's name. */
  hostname: string
  nodeIps: readonly string[]
  labels: Readonly<Record<string, string>>
  taints: readonly Taint[]
  maxPods: number
  port: number
  kubeletVersion: string
  /** Kept from pods. */
  reserved: { milliCpu: number; memoryBytes: number }
}

export interface NodeObservation {
  machine: MachineInfo
  /** Of the file system that holds volumes and logs. */
  diskCapacityBytes: number
  /** Like `containerd://1.7.2`. */
  runtimeVersion: string
  runtimeHandlers: readonly { name: string; recursiveReadOnlyMounts: boolean; userNamespaces: boolean }[]
  supportsStrictGroups: boolean
  images: readonly Image[]
  pressure: { memory: boolean; disk: boolean; pid: boolean }
  /** Why the node can't run pods; empty when it can. */
  problems: readonly string[]
}

const MAX_IMAGES = 50
const MAX_NAMES_PER_IMAGE = 5
const MIN_EVICTION_MEMORY = 100 << 20

export function nodeCapacity(identity: NodeIdentity, { machine, diskCapacityBytes }: NodeObservation) {
  const hugePages = machine.hugePages.map(({ sizeBytes, count }): [string, string] => [
    `hugepages-${Quantity.of(sizeBytes, 'BinarySI')}`,
    Quantity.of(sizeBytes * count, 'BinarySI').toString(),
  ])
  const capacity: Record<string, string> = {
    cpu: String(machine.cpuCount),
    memory: kibi(machine.memoryBytes),
    'ephemeral-storage': kibi(diskCapacityBytes),
    pods: String(identity.maxPods),
    ...Object.fromEntries(hugePages),
  }
  const { reserved } = identity
  const allocatable: Record<string, string> = {
    ...capacity,
    cpu: Quantity.ofMilli(Math.max(0, machine.cpuCount * 1000 - reserved.milliCpu)).toString(),
    // What hard eviction would defend is not for pods either.
    memory: kibi(Math.max(0, machine.memoryBytes - reserved.memoryBytes - MIN_EVICTION_MEMORY)),
    'ephemeral-storage': String(Math.floor(diskCapacityBytes * 0.9)),
  }
  return { capacity, allocatable }
}

const kibi = (bytes: number) => `${Math.floor(bytes / 1024)}Ki`

export function nodeLabels(identity: NodeIdentity, machine: MachineInfo): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': machine.architecture,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': machine.architecture,
    'kubernetes.io/hostname': identity.hostname,
    'kubernetes.io/os': 'linux',
    ...identity.labels,
  }
}

/** The whole status; heartbeats and transitions carry `nowMs`. */
export function nodeStatus(
  identity: NodeIdentity,
  seen: NodeObservation,
  previous: NodeStatus | undefined,
  nowMs: number,
): NodeStatus {
  const { machine } = seen
  return {
    ...nodeCapacity(identity, seen),
    conditions: nodeConditions(seen, previous?.conditions ?? [], nowMs),
    addresses: [
      ...identity.nodeIps.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: identity.hostname },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: identity.port } },
    nodeInfo: {
      machineID: machine.machineId,
      systemUUID: machine.systemUuid,
      bootID: machine.bootId,
      kernelVersion: machine.kernelVersion,
      osImage: machine.osImage,
      containerRuntimeVersion: seen.runtimeVersion,
      kubeletVersion: identity.kubeletVersion,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: machine.architecture,
      ...(machine.swapBytes > 0 && { swap: { capacity: machine.swapBytes } }),
    },
    images: seen.images
      .toSorted((a, b) => b.size - a.size)
      .slice(0, MAX_IMAGES)
      .map((image) => ({
        names: [...image.repoDigests, ...image.repoTags].slice(0, MAX_NAMES_PER_IMAGE),
        sizeBytes: image.size,
      })),
    ...(seen.runtimeHandlers.length > 0 && {
      runtimeHandlers: seen.runtimeHandlers.map(({ name, recursiveReadOnlyMounts, userNamespaces }) => ({
        name,
        features: { recursiveReadOnlyMounts, userNamespaces },
      })),
    }),
    features: { supplementalGroupsPolicy: seen.supportsStrictGroups },
  }
}

/** Type, whether it holds, and what is said in either case. */
type Row = [type: string, holds: boolean, yes: [reason: string, message: string], no: [reason: string, message: string]]

function nodeConditions(seen: NodeObservation, previous: readonly NodeCondition[], nowMs: number): NodeCondition[] {
  const { pressure, problems } = seen
  const rows: Row[] = [
    [
      'MemoryPressure',
      pressure.memory,
      ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
      ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    ],
    [
      'DiskPressure',
      pressure.disk,
      ['KubeletHasDiskPressure', 'kubelet has disk pressure'],
      ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    ],
    [
      'PIDPressure',
      pressure.pid,
      ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
      ['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
    ],
    [
      'Ready',
      problems.length === 0,
      ['KubeletReady', 'kubelet is posting ready status'],
      ['KubeletNotReady', problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`],
    ],
  ]
  const now = formatTime(nowMs)
  const foreign = previous.filter((c) => !rows.some(([type]) => type === c.type))
  const own = rows.map(([type, holds, yes, no]): NodeCondition => {
    const before = previous.find((c) => c.type === type)
    const status = holds ? 'True' : 'False'
    const [reason, message] = holds ? yes : no
    const lastTransitionTime = before?.status === status && before.lastTransitionTime ? before.lastTransitionTime : now
    return { type, status, lastHeartbeatTime: now, lastTransitionTime, reason, message }
  })
  return [...foreign, ...own]
}

export function initialNode(identity: NodeIdentity, seen: NodeObservation, nowMs: number): Draft<Node> {
  return {
    metadata: {
      name: identity.nodeName,
      labels: nodeLabels(identity, seen.machine),
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    spec: { ...(identity.taints.length > 0 && { taints: [...identity.taints] }) },
    status: nodeStatus(identity, seen, undefined, nowMs),
  }
}

/** Events that a change of the conditions is worth, as [reason, message]. */
export function conditionEvents(nodeName: string, before: readonly NodeCondition[], after: readonly NodeCondition[]) {
  const names: Record<string, [yes: string, no: string]> = {
    MemoryPressure: ['NodeHasInsufficientMemory', 'NodeHasSufficientMemory'],
    DiskPressure: ['NodeHasDiskPressure', 'NodeHasNoDiskPressure'],
    PIDPressure: ['NodeHasInsufficientPID', 'NodeHasSufficientPID'],
    Ready: ['NodeReady', 'NodeNotReady'],
  }
  return after.flatMap(({ type, status }) => {
    const pair = names[type]
    if (!pair || before.find((c) => c.type === type)?.status === status) return []
    const reason = status === 'True' ? pair[0] : pair[1]
    return [{ reason, message: `Node ${nodeName} status is now: ${reason}` }]
  })
}
