/**
 * What the runtime says about one pod: its sandboxes and containers, newest first. Built from CRI messages only, so that a
 * restarted agent sees exactly what the one before it saw. Upstream: `kubecontainer.PodStatus`.
 */
import type { ContainerStatus, PodSandboxStatus } from '#contracts/cri/types.ts'
import { ContainerState, NamespaceMode, PodSandboxState } from '#contracts/cri/enums.ts'
import { readContainerAnnotations, type ContainerAnnotations } from './runtime-labels.ts'

export type ObservedState = 'created' | 'running' | 'exited' | 'unknown'

export interface ObservedContainer {
  /** The runtime's id, without the `containerd://` of the API. */
  id: string
  sandboxId: string
  name: string
  state: ObservedState
  /** Milliseconds since the epoch, as the following. 0 where it has not happened. */
  createdAtMs: number
  startedAtMs: number
  finishedAtMs: number
  exitCode: number
  reason: string
  /** Of the runtime; with the container's own termination message behind it once `withTerminationMessage` has run. */
  message: string
  image: string
  imageRef: string
  /** From annotations that the agent wrote when it made the container. */
  annotations: ContainerAnnotations
  logPath: string
  mounts: readonly { containerPath: string; hostPath: string }[]
  user?: { uid: number; gid: number; supplementalGroups: number[] }
}

export interface ObservedSandbox {
  id: string
  attempt: number
  isReady: boolean
  createdAtMs: number
  /** Whether it has the host's network namespace. */
  usesHostNetwork: boolean
  /** False where the runtime says nothing on the network at all. */
  hasNetworkStatus: boolean
  /** Primary first. */
  ips: readonly string[]
}

export interface ObservedPod {
  uid: string
  name: string
  namespace: string
  /** Newest first. */
  sandboxes: readonly ObservedSandbox[]
  /** Of all sandboxes, newest first. */
  containers: readonly ObservedContainer[]
  /** Of the newest sandbox while it is ready; for pods on the host's network set by whoever knows the node. */
  ips: readonly string[]
}

export function emptyPod(uid: string, name: string, namespace: string): ObservedPod {
  return { uid, name, namespace, sandboxes: [], containers: [], ips: [] }
}

const states: Readonly<Record<number, ObservedState>> = {
  [ContainerState.CONTAINER_CREATED]: 'created',
  [ContainerState.CONTAINER_RUNNING]: 'running',
  [ContainerState.CONTAINER_EXITED]: 'exited',
}

/** Not rounded: containers made within one millisecond still have an order. */
const toMs = (ns: number) => (ns > 0 ? ns / 1e6 : 0)

export function observeSandbox(status: PodSandboxStatus): ObservedSandbox {
  const network = status.network
  const ips = network ? [network.ip, ...network.additionalIps.map((p) => p.ip)].filter((ip) => ip !== '') : []
  return {
    id: status.id,
    attempt: status.metadata?.attempt ?? 0,
    isReady: status.state === PodSandboxState.SANDBOX_READY,
    createdAtMs: toMs(status.createdAt),
    usesHostNetwork: status.linux?.namespaces?.options?.network === NamespaceMode.NODE,
    hasNetworkStatus: network !== undefined,
    ips,
  }
}

export function observeContainer(status: ContainerStatus, sandboxId: string): ObservedContainer {
  const annotations = readContainerAnnotations(status.annotations)
  const specified = status.image?.userSpecifiedImage || status.image?.image || ''
  const named = status.image?.image ?? ''
  const isExited = status.state === ContainerState.CONTAINER_EXITED
  return {
    id: status.id,
    sandboxId,
    name: status.metadata?.name ?? '',
    state: states[status.state] ?? 'unknown',
    createdAtMs: toMs(status.createdAt),
    startedAtMs: status.state === ContainerState.CONTAINER_CREATED ? 0 : toMs(status.startedAt),
    finishedAtMs: isExited ? toMs(status.finishedAt) : 0,
    exitCode: isExited ? status.exitCode : 0,
    reason: isExited ? status.reason : '',
    message: isExited ? status.message : '',
    // A container made from an image id is reported under that id by some runtimes; people know it by the name they gave.
    image: /^(sha256:)?[0-9a-f]{64}$/.test(named) ? specified : named,
    imageRef: status.imageRef,
    annotations,
    logPath: status.logPath,
    mounts: status.mounts.map(({ containerPath, hostPath }) => ({ containerPath, hostPath })),
    ...(status.user?.linux && { user: status.user.linux }),
  }
}

/** Puts sandboxes and containers in order and finds the pod's addresses. */
export function assemblePod(
  identity: { uid: string; name: string; namespace: string },
  sandboxes: readonly ObservedSandbox[],
  containers: readonly ObservedContainer[],
): ObservedPod {
  // Attempts and restart counts break the tie of two that were made within the runtime's clock resolution.
  const sorted = sandboxes.toSorted((a, b) => b.createdAtMs - a.createdAtMs || b.attempt - a.attempt)
  const [latest] = sorted
  return {
    ...identity,
    sandboxes: sorted,
    containers: containers.toSorted(
      (a, b) => b.createdAtMs - a.createdAtMs || b.annotations.restartCount - a.annotations.restartCount,
    ),
    ips: latest?.isReady ? latest.ips : [],
  }
}

/** The newest container of that name. */
export function latestContainer(pod: ObservedPod, name: string): ObservedContainer | undefined {
  return pod.containers.find((c) => c.name === name)
}

export const runningContainers = (pod: ObservedPod) => pod.containers.filter((c) => c.state === 'running')
