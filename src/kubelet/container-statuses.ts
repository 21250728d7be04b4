/**
 * The container statuses of a pod from what the runtime shows, what the API showed last, and why starts failed. Pure.
 *
 * The API's last word matters where the runtime has forgotten: a container that ran and is gone has ended, not never been.
 * Upstream: `convertToAPIContainerStatuses` of `kubelet_pods.go`.
 */
import type { Container, ContainerState, ContainerStatus } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { formatTime } from '#machinery/time.ts'
import { latestContainer, type ObservedContainer, type ObservedPod } from './observed-pod.ts'
import { hasRegularContainer, shouldStart } from './pod-actions.ts'
import { isRestartableInit, statusNamed } from './pod-spec.ts'

/** Why a container could not be started, as its waiting state shows it. */
export interface StartFailure {
  reason: string
  message: string
}

/** Results of readiness and start-up probes by container id (the runtime's, without scheme). */
export interface ProbeStates {
  startup(containerId: string): string | undefined
  readiness(containerId: string): string | undefined
}

export interface StatusInputs {
  pod: Pod
  observed: ObservedPod
  /** By container name. */
  failures: ReadonlyMap<string, StartFailure>
  probes: ProbeStates
  /** The scheme of container ids, e.g. `containerd`. */
  runtimeName: string
}

export type ContainerKind = 'init' | 'regular' | 'ephemeral'

/** Statuses in the order that clients rely on: init containers as specified, the others by name. */
export function containerStatuses(
  inputs: StatusInputs,
  kind: ContainerKind,
  containers: readonly Container[],
  previous: readonly ContainerStatus[],
): ContainerStatus[] {
  const statuses = containers.map((container) => {
    const status = containerStatus(inputs, kind, container, statusNamed(previous, container.name))
    applyProbes(inputs, kind, container, status, statusNamed(previous, container.name))
    return status
  })
  return kind === 'init' ? statuses : statuses.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

function containerStatus(
  inputs: StatusInputs,
  kind: ContainerKind,
  container: Container,
  old: ContainerStatus | undefined,
): ContainerStatus {
  const { pod, observed, failures } = inputs
  const seen = observed.containers.filter((c) => c.name === container.name)
  const status = seen[0] ? observedStatus(inputs, container, seen[0], seen[1], old) : unseenStatus(pod, container, old)

  const latest = seen[0]
  if (kind === 'init') {
    if (latest?.state === 'exited' && latest.exitCode === 0) return status
    if (!latest && !isRestartableInit(container) && status.state?.waiting && hasRegularContainer(pod, observed)) {
      // It must have completed, or the regular containers would not have been made.
      status.state = {
        terminated: {
          exitCode: 0,
          reason: 'Completed',
          message:
            'Unable to get init container status from container runtime and pod has been initialized, treat it as exited normally',
        },
      }
      return status
    }
  }
  const failure = failures.get(container.name)
  if (failure && shouldStart(pod, container, observed)) {
    if (status.state?.terminated) status.lastState = status.state
    status.state = { waiting: { reason: failure.reason, ...(failure.message && { message: failure.message }) } }
  }
  return status
}

/** Of a container that the runtime does not have. */
function unseenStatus(pod: Pod, container: Container, old: ContainerStatus | undefined): ContainerStatus {
  if (old?.state?.terminated) return { ...old }
  const hasInit = (pod.spec.initContainers ?? []).length > 0
  const status: ContainerStatus = {
    name: container.name,
    state: { waiting: { reason: hasInit ? 'PodInitializing' : 'ContainerCreating' } },
    lastState: old?.lastState ?? {},
    ready: false,
    restartCount: old?.restartCount ?? 0,
    image: container.image ?? '',
    imageID: '',
    ...mountStatuses(container),
  }
  if (old?.state?.running && !status.lastState?.terminated) {
    status.lastState = {
      terminated: {
        exitCode: 137,
        reason: 'ContainerStatusUnknown',
        message: 'The container could not be located when the pod was deleted.  The container used to be Running',
      },
    }
    if (!pod.metadata.deletionTimestamp) status.restartCount++
  }
  return status
}

function observedStatus(
  inputs: StatusInputs,
  container: Container,
  latest: ObservedContainer,
  before: ObservedContainer | undefined,
  old: ContainerStatus | undefined,
): ContainerStatus {
  const containerID = `${inputs.runtimeName}://${latest.id}`
  const given = latest.annotations.resources ?? container.resources ?? {}
  const status: ContainerStatus = {
    name: latest.name,
    state: stateOf(inputs, latest),
    lastState: before ? stateOf(inputs, before) : lastStateOf(old, containerID),
    ready: false,
    restartCount: Math.max(latest.annotations.restartCount, old?.restartCount ?? 0),
    image: latest.image,
    imageID: latest.imageRef,
    containerID,
    ...mountStatuses(container),
    resources: given,
    ...(given.requests && { allocatedResources: given.requests }),
    ...(latest.user && { user: { linux: latest.user } }),
  }
  if (latest.state === 'unknown' && old?.state?.running) {
    status.state = {
      terminated: {
        exitCode: 137,
        reason: 'ContainerStatusUnknown',
        message: 'The container could not be located when the pod was terminated',
      },
    }
    status.restartCount = old.restartCount + 1
  }
  return status
}

/** What the API knows of the run before, where the runtime no longer does. */
function lastStateOf(old: ContainerStatus | undefined, containerID: string): ContainerState {
  if (old?.containerID !== containerID && old?.state?.terminated) return { terminated: old.state.terminated }
  return old?.lastState?.terminated ? { terminated: old.lastState.terminated } : {}
}

function stateOf({ runtimeName }: StatusInputs, c: ObservedContainer): ContainerState {
  if (c.state === 'running') return { running: { startedAt: formatTime(c.startedAtMs) } }
  if (c.state !== 'exited') return { waiting: {} }
  return {
    terminated: {
      exitCode: c.exitCode,
      ...(c.reason && { reason: c.reason }),
      ...(c.message && { message: c.message }),
      ...(c.startedAtMs && { startedAt: formatTime(c.startedAtMs) }),
      ...(c.finishedAtMs && { finishedAt: formatTime(c.finishedAtMs) }),
      containerID: `${runtimeName}://${c.id}`,
    },
  }
}

function mountStatuses(container: Container): Pick<ContainerStatus, 'volumeMounts'> {
  const volumeMounts = (container.volumeMounts ?? []).map((m) => ({
    name: m.name,
    mountPath: m.mountPath,
    ...(m.readOnly && {
      readOnly: true,
      recursiveReadOnly: m.recursiveReadOnly === 'Enabled' ? 'Enabled' : 'Disabled',
    }),
  }))
  return volumeMounts.length > 0 ? { volumeMounts } : {}
}

/** Fills `started` and `ready`. Upstream: `prober.Manager.UpdatePodStatus`. */
function applyProbes(
  { probes }: StatusInputs,
  kind: ContainerKind,
  container: Container,
  status: ContainerStatus,
  old: ContainerStatus | undefined,
) {
  if (kind === 'ephemeral') return
  const id = status.containerID?.split('://')[1] ?? ''
  const isSame = old?.containerID !== undefined && old.containerID === status.containerID
  const isRunning = status.state?.running !== undefined
  // Until the first probe after a restart of the agent, what the API says of the same container holds.
  const result = (known: string | undefined, was: boolean | undefined) =>
    known ?? (isSame && was ? 'success' : undefined)
  const started = isRunning && (!container.startupProbe || result(probes.startup(id), old?.started) === 'success')
  status.started = started
  if (kind === 'init' && !isRestartableInit(container)) {
    status.ready = status.state?.terminated?.exitCode === 0
    return
  }
  status.ready = started && (!container.readinessProbe || result(probes.readiness(id), old?.ready) === 'success')
}

/** Whether a regular container runs, or has run, in the newest sandbox. Upstream: `HasAnyActiveRegularContainerStarted`. */
export function hasStartedRegular(pod: Pod, observed: ObservedPod): boolean {
  const sandboxId = observed.sandboxes[0]?.id
  return pod.spec.containers.some((c) => {
    const latest = latestContainer(observed, c.name)
    return latest?.sandboxId === sandboxId && (latest?.state === 'running' || latest?.state === 'exited')
  })
}
