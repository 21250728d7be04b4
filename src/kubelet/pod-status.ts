/**
 * The status of a pod as the node agent sees it: phase, conditions, addresses and container statuses. Pure, and stable:
 * for the same inputs but the time the result is the same, so that unchanged means equal.
 * Upstream: `generateAPIPodStatus` of `kubelet_pods.go` and `TerminatePod` of the status manager.
 */
import type { Container, ContainerState, ContainerStatus } from '#api/core/v1/container.ts'
import type { PodCondition, PodStatus } from '#api/core/v1/pod.ts'
import { formatTime } from '#machinery/time.ts'
import { containerStatuses, hasStartedRegular, type StatusInputs } from './container-statuses.ts'
import { sandboxChange } from './pod-actions.ts'
import { OWNED_CONDITIONS, ownedConditions } from './pod-conditions.ts'
import { podPhase, type PodPhase } from './pod-phase.ts'
import { isHostNetwork, isRestartableInit, isTerminalPhase, qosClass, statusNamed } from './pod-spec.ts'

export interface PodStatusInputs extends StatusInputs {
  /** What this function said last, or the API's where it has not been called for the pod. */
  previous: PodStatus
  /** Nothing of the pod runs and nothing will be started: a phase must be final. */
  isTerminal: boolean
  /** Primary first. */
  hostIps: readonly string[]
  nowMs: number
  /** The node ends the pod: it fails with these, whatever its containers do. */
  verdict?: { reason: string; message: string; disruption?: PodCondition }
}

export function generatePodStatus(inputs: PodStatusInputs): PodStatus {
  const { pod, observed, previous, hostIps, verdict, nowMs } = inputs
  const spec = pod.spec
  const init = containerStatuses(inputs, 'init', spec.initContainers ?? [], previous.initContainerStatuses ?? [])
  const regular = containerStatuses(inputs, 'regular', spec.containers, previous.containerStatuses ?? [])
  const ephemeral = containerStatuses(
    inputs,
    'ephemeral',
    spec.ephemeralContainers ?? [],
    previous.ephemeralContainerStatuses ?? [],
  )
  const all = [...init, ...regular]
  const computed = podPhase(pod, all, inputs.isTerminal, hasStartedRegular(pod, observed))
  const phase = settlePhase(inputs, computed)
  const samePhase = phase === previous.phase
  const reason = verdict?.reason ?? (samePhase ? previous.reason || pod.status.reason : undefined)
  const message = verdict?.message ?? (samePhase ? previous.message || pod.status.message : undefined)
  const foreign = (pod.status.conditions ?? []).filter((c) => !OWNED_CONDITIONS.has(c.type))
  const disruption = verdict?.disruption ?? previous.conditions?.find((c) => c.type === 'DisruptionTarget')
  const conditions = [
    ...foreign.filter((c) => c.type !== disruption?.type),
    ...(disruption ? [disruption] : []),
    ...ownedConditions({ pod, statuses: all, phase, hasSandbox: !sandboxChange(pod, observed).needsNew, foreign }),
  ]
  const ips = isHostNetwork(pod) ? hostIps : observed.ips
  const podIps = ips.length > 0 ? ips.map((ip) => ({ ip })) : isHostNetwork(pod) ? [] : previousIps(inputs)
  const { generation } = pod.metadata
  return {
    ...(generation !== undefined && { observedGeneration: generation }),
    phase,
    conditions: conditions.map((c) => withTransitionTime(c, previous.conditions, nowMs)),
    ...(message && { message }),
    ...(reason && { reason }),
    ...(hostIps[0] && { hostIP: hostIps[0], hostIPs: hostIps.map((ip) => ({ ip })) }),
    ...(podIps[0] && { podIP: podIps[0].ip, podIPs: podIps }),
    startTime: previous.startTime ?? formatTime(nowMs),
    ...(init.length > 0 && { initContainerStatuses: init }),
    containerStatuses: regular,
    ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral }),
    qosClass: qosClass(pod),
  }
}

/** A stopped pod keeps the addresses it had: clients and endpoints still ask about it. */
function previousIps({ previous, isTerminal, pod }: PodStatusInputs) {
  return isTerminal || pod.metadata.deletionTimestamp ? (previous.podIPs ?? []) : []
}

/** Terminal phases are final, whether this agent or the API said them first. */
function settlePhase({ pod, previous, verdict }: PodStatusInputs, computed: PodPhase): PodPhase {
  if (isTerminalPhase(pod.status.phase)) return pod.status.phase as PodPhase
  if (verdict) return 'Failed'
  if (!isTerminalPhase(computed) && isTerminalPhase(previous.phase)) return previous.phase as PodPhase
  return computed
}

function withTransitionTime(condition: PodCondition, previous: readonly PodCondition[] | undefined, nowMs: number) {
  if (!OWNED_CONDITIONS.has(condition.type)) return condition
  const before = previous?.find((c) => c.type === condition.type)
  const lastTransitionTime =
    before?.status === condition.status && before.lastTransitionTime ? before.lastTransitionTime : formatTime(nowMs)
  return { ...condition, lastTransitionTime }
}

const LOST: ContainerState = {
  terminated: {
    exitCode: 137,
    reason: 'ContainerStatusUnknown',
    message: 'The container could not be located when the pod was terminated',
  },
}

/**
 * The last status of a pod whose containers are all gone: every container that may have run has an end, and the phase is
 * final. What nobody can tell counts as a failure.
 */
export function finalizePodStatus({ pod }: Pick<StatusInputs, 'pod'>, status: PodStatus): PodStatus {
  const close = (s: ContainerStatus): ContainerStatus => (s.state?.terminated ? s : { ...s, state: LOST, ready: false })
  const init = status.initContainerStatuses ?? []
  // Those behind the last one that shows a sign of life have never run.
  const begunCount = Math.max(
    init.findLastIndex((s) => !s.state?.waiting || s.lastState?.terminated) + 1,
    Math.min(init.length, 1),
  )
  const phase = isTerminalPhase(status.phase) ? status.phase! : 'Failed'
  return {
    ...status,
    phase,
    ...(init.length > 0 && { initContainerStatuses: init.map((s, i) => (i < begunCount ? close(s) : s)) }),
    containerStatuses: wasInitialized(pod.spec.initContainers ?? [], status)
      ? (status.containerStatuses ?? []).map(close)
      : (status.containerStatuses ?? []),
  }
}

function wasInitialized(initContainers: readonly Container[], status: PodStatus): boolean {
  const last = initContainers.at(-1)
  if (!last) return true
  const hasBegun = (status.containerStatuses ?? []).some((s) => s.lastState?.terminated || !s.state?.waiting)
  const lastStatus = statusNamed(status.initContainerStatuses, last.name)
  if (hasBegun || !lastStatus) return hasBegun
  if (isRestartableInit(last)) return lastStatus.state?.running !== undefined && lastStatus.started === true
  return (lastStatus.state?.terminated ?? lastStatus.lastState?.terminated)?.exitCode === 0
}

/** Marks a pod that this node does not take, before anything of it exists. Upstream: `rejectPod`. */
export function rejectedPodStatus(previous: PodStatus, reason: string, message: string, nowMs: number): PodStatus {
  return {
    ...previous,
    phase: 'Failed',
    reason,
    message,
    startTime: previous.startTime ?? formatTime(nowMs),
  }
}
