/**
 * What to do next for one pod, given its specification and what runs: the level-based core of the node agent. Pure: no
 * clock, no back-off, no memory of earlier calls, so whatever was missed, the next call decides right. The executor
 * (pod-executor.ts) does what the plan says, in the plan's order.
 *
 * Invariants, property-tested: a container is never started while it runs (unless the plan kills it first); init containers
 * run one after the other, each only once what is before it has finished or, for a sidecar, started.
 * Upstream: `kuberuntime.computePodActions` and `computeInitContainerActions`.
 */
import type { Container } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { latestContainer, type ObservedContainer, type ObservedPod } from './observed-pod.ts'
import { isHostNetwork, isRestartableInit, restartsAfter, restartsOnFailure } from './pod-spec.ts'
import { containerHash } from './runtime-labels.ts'

export type ProbeResult = 'success' | 'failure' | 'unknown'

/** Results of probes by container id; undefined while none has been made. */
export interface ProbeResults {
  liveness(containerId: string): ProbeResult | undefined
  startup(containerId: string): ProbeResult | undefined
}

export type KillReason = 'StartupProbe' | 'LivenessProbe' | 'FailedPostStartHook' | 'Unknown' | ''

export interface ContainerKill {
  id: string
  container: Container
  /** Shown in the Killing event. */
  message: string
  reason: KillReason
}

export interface PodActions {
  /** Stop all containers and the sandboxes. With `createSandbox`, init containers are also removed, to run again. */
  killPod: boolean
  createSandbox: boolean
  /** The sandbox to start containers in, or the one being replaced. */
  sandboxId: string | undefined
  /** Of the sandbox to create, or of the present one. */
  attempt: number
  kill: ContainerKill[]
  startEphemeral: Container[]
  /** In order; a failure to start a regular init container stops the rest. */
  startInit: Container[]
  start: Container[]
}

export interface SandboxChange {
  needsNew: boolean
  attempt: number
  sandboxId: string | undefined
}

/** Whether the pod lacks a usable sandbox. Upstream: `PodSandboxChanged`. */
export function sandboxChange(pod: Pod, observed: ObservedPod): SandboxChange {
  const [latest] = observed.sandboxes
  if (!latest) return { needsNew: true, attempt: 0, sandboxId: undefined }
  const readyCount = observed.sandboxes.filter((s) => s.isReady).length
  const replaced = { needsNew: true, attempt: latest.attempt + 1, sandboxId: latest.id }
  if (readyCount > 1 || !latest.isReady) return replaced
  if (latest.usesHostNetwork !== isHostNetwork(pod)) return { ...replaced, sandboxId: undefined }
  if (!isHostNetwork(pod) && latest.hasNetworkStatus && latest.ips.length === 0) return replaced
  return { needsNew: false, attempt: latest.attempt, sandboxId: latest.id }
}

/** Whether a container that is not running is to be started (again), leaving back-off aside. */
export function shouldStart(pod: Pod, container: Container, observed: ObservedPod): boolean {
  if (pod.metadata.deletionTimestamp) return false
  const latest = latestContainer(observed, container.name)
  if (!latest) return true
  if (latest.state === 'running') return false
  // "created" is a start that failed half-way; of "unknown" nobody can tell, so the plan kills it first.
  if (latest.state !== 'exited') return true
  return restartsAfter(container, pod.spec, latest.exitCode)
}

/** Any regular container that exists proves that initialization was completed once. */
export function hasRegularContainer(pod: Pod, observed: ObservedPod): boolean {
  return pod.spec.containers.some((c) => {
    const latest = latestContainer(observed, c.name)
    return latest !== undefined && latest.state !== 'unknown'
  })
}

export function computePodActions(pod: Pod, observed: ObservedPod, probes: ProbeResults): PodActions {
  const { needsNew, attempt, sandboxId } = sandboxChange(pod, observed)
  const actions: PodActions = {
    killPod: needsNew,
    createSandbox: needsNew,
    sandboxId,
    attempt,
    kill: [],
    startEphemeral: [],
    startInit: [],
    start: [],
  }
  if (needsNew) planNewSandbox(pod, observed, actions)
  else planInSandbox(pod, observed, probes, actions)
  return actions
}

function planNewSandbox(pod: Pod, observed: ObservedPod, actions: PodActions) {
  if (!restartsOnFailure(pod) && actions.attempt !== 0 && observed.containers.length > 0) {
    // The pod has run and is not to run again: only what is left of it goes away.
    actions.createSandbox = false
    return
  }
  const toStart = pod.spec.containers.filter((container) => {
    const policy = container.restartPolicy ?? pod.spec.restartPolicy
    const latest = latestContainer(observed, container.name)
    return !(policy === 'OnFailure' && latest?.state === 'exited' && latest.exitCode === 0)
  })
  if (toStart.length === 0 && hasRegularContainer(pod, observed)) {
    actions.createSandbox = false
    return
  }
  const [firstInit] = pod.spec.initContainers ?? []
  if (firstInit) actions.startInit = [firstInit]
  else actions.start = toStart
}

function planInSandbox(pod: Pod, observed: ObservedPod, probes: ProbeResults, actions: PodActions) {
  actions.startEphemeral = (pod.spec.ephemeralContainers ?? []).filter((c) => !latestContainer(observed, c.name))
  const isInitialized = planInitContainers(pod, observed, probes, actions)
  if (actions.killPod || !isInitialized) return

  let keepCount = 0
  for (const container of pod.spec.containers) {
    const latest = latestContainer(observed, container.name)
    if (latest?.state !== 'running') {
      if (!shouldStart(pod, container, observed)) continue
      actions.start.push(container)
      if (latest?.state === 'unknown') actions.kill.push(killUnknown(container, latest, 'Container'))
      continue
    }
    const kill = killOfRunning(container, latest, probes)
    if (!kill) {
      keepCount++
      continue
    }
    const restarts = kill.isForNewDefinition || (container.restartPolicy ?? pod.spec.restartPolicy) !== 'Never'
    actions.kill.push({
      id: latest.id,
      container,
      reason: kill.reason,
      message: restarts ? `${kill.message}, will be restarted` : kill.message,
    })
    if (restarts) actions.start.push(container)
  }
  if (keepCount === 0 && actions.start.length === 0) {
    actions.killPod = true
    // Sidecars must not keep a finished pod alive.
    actions.startInit = []
  }
}

/** Why a running regular container has to go, or undefined. */
function killOfRunning(container: Container, latest: ObservedContainer, probes: ProbeResults) {
  const { name } = container
  const kill = (message: string, reason: KillReason, isForNewDefinition = false) => ({
    message,
    reason,
    isForNewDefinition,
  })
  if (isChanged(container, latest)) return kill(`Container ${name} definition changed`, '', true)
  if (probes.liveness(latest.id) === 'failure') return kill(`Container ${name} failed liveness probe`, 'LivenessProbe')
  if (probes.startup(latest.id) === 'failure') return kill(`Container ${name} failed startup probe`, 'StartupProbe')
  return undefined
}

const isChanged = (container: Container, latest: ObservedContainer) =>
  latest.annotations.hash !== '' && latest.annotations.hash !== containerHash(container)

function killUnknown(container: Container, latest: ObservedContainer, title: string): ContainerKill {
  return {
    id: latest.id,
    container,
    message: `${title} is in "unknown" state, try killing it before restart`,
    reason: 'Unknown',
  }
}

/**
 * Plans init containers and sidecars; true when initialization is complete. Goes backwards from the last: completed init
 * containers may have been removed, so the last one that is known tells how far the pod got.
 */
function planInitContainers(pod: Pod, everything: ObservedPod, probes: ProbeResults, actions: PodActions): boolean {
  const containers = pod.spec.initContainers ?? []
  if (containers.length === 0) return true
  // What ran in an earlier sandbox does not initialize this one.
  const observed = {
    ...everything,
    containers: everything.containers.filter((c) => c.sandboxId === actions.sandboxId),
  }
  let isInitialized = hasRegularContainer(pod, observed)
  // Whether everything from here towards the front has been passed already.
  let isPassed = isInitialized
  const starts = new Set<number>()
  const last = containers.length - 1
  const pass = (index: number) => {
    if (index === last) isInitialized = true
    else if (!isPassed) starts.add(index + 1)
  }

  for (let index = last; index >= 0; index--) {
    const container = containers[index]!
    const isSidecar = isRestartableInit(container)
    const latest = latestContainer(observed, container.name)
    if (!latest) {
      if (isPassed && isSidecar) starts.add(index)
      continue
    }
    if (isPassed && !isSidecar) continue

    if (latest.state === 'created') starts.add(index)
    else if (latest.state === 'running') {
      if (isSidecar)
        planRunningSidecar(
          container,
          latest,
          probes,
          actions,
          () => pass(index),
          () => starts.add(index),
        )
    } else if (latest.state === 'exited') {
      if (isSidecar) starts.add(index)
      else if (latest.exitCode === 0) pass(index)
      else if (shouldStart(pod, container, observed)) starts.add(index)
      else return giveUp(actions)
    } else {
      const restarts = isSidecar || (container.restartPolicy ?? pod.spec.restartPolicy) !== 'Never'
      if (!restarts) return giveUp(actions)
      actions.kill.push(killUnknown(container, latest, 'Init container'))
      starts.add(index)
    }
    isPassed = true
  }
  if (!isPassed) starts.add(0)
  actions.startInit = [...starts].sort((a, b) => a - b).map((index) => containers[index]!)
  return isInitialized
}

function giveUp(actions: PodActions): false {
  actions.killPod = true
  actions.startInit = []
  return false
}

function planRunningSidecar(
  container: Container,
  latest: ObservedContainer,
  probes: ProbeResults,
  actions: PodActions,
  pass: () => void,
  restart: () => void,
) {
  const kill = (message: string, reason: KillReason) => {
    actions.kill.push({ id: latest.id, container, message: `Init container ${container.name} ${message}`, reason })
    restart()
  }
  if (container.startupProbe) {
    const startup = probes.startup(latest.id)
    if (startup === 'failure') return kill('failed startup probe', 'StartupProbe')
    if (startup !== 'success') return
  }
  pass()
  if (isChanged(container, latest)) kill('definition changed', '')
  else if (container.livenessProbe && probes.liveness(latest.id) === 'failure') {
    kill('failed liveness probe', 'LivenessProbe')
  }
}
