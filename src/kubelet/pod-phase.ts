/**
 * The phase of a pod from the statuses of its containers. Pure. Upstream: `getPhase` of `kubelet_pods.go`.
 */
import type { Container, ContainerStatus } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { isRestartableInit, restartsAfter, statusNamed } from './pod-spec.ts'

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed'

/** The exit code with which a container that isn't running ended last, or undefined when it has never run. */
function lastExitCode(status: ContainerStatus): number | undefined {
  return (status.state?.terminated ?? status.lastState?.terminated)?.exitCode
}

/**
 * `statuses` are those of init and regular containers. `isTerminal`: nothing of the pod will be started any more.
 * `hasStarted`: a regular container has been started in the present sandbox, so that a restarting sidecar doesn't make
 * the pod pending again.
 */
export function podPhase(
  pod: Pod,
  statuses: readonly ContainerStatus[],
  isTerminal: boolean,
  hasStarted: boolean,
): PodPhase {
  const { spec } = pod
  const restarts = (container: Container, exitCode: number) => restartsAfter(container, spec, exitCode)
  const count = {
    pendingInit: 0,
    pendingSidecars: 0,
    unknown: 0,
    running: 0,
    waiting: 0,
    stopped: 0,
    stoppedForGood: 0,
    succeeded: 0,
  }
  let isInitFailed = false

  for (const container of spec.initContainers ?? []) {
    const status = statusNamed(statuses, container.name)
    if (isRestartableInit(container)) {
      if (!status) count.unknown++
      else if (status.state?.running) {
        if (!status.started) count.pendingSidecars++
        count.running++
      } else if (!status.state?.terminated && !status.lastState?.terminated) {
        // One that ran before and waits to run again does not count for the phase.
        count.pendingSidecars++
        count.waiting++
      }
      continue
    }
    const exitCode = status && !status.state?.running ? lastExitCode(status) : undefined
    if (exitCode === undefined) count.pendingInit++
    else if (exitCode !== 0 && !restarts(container, exitCode)) isInitFailed = true
  }
  for (const container of spec.containers) {
    const status = statusNamed(statuses, container.name)
    if (!status?.state || (!status.state.running && !status.state.terminated && !status.state.waiting)) count.unknown++
    else if (status.state.running) count.running++
    else {
      const exitCode = lastExitCode(status)
      if (exitCode === undefined) count.waiting++
      else {
        count.stopped++
        if (!restarts(container, exitCode)) count.stoppedForGood++
        if (exitCode === 0 && status.state.terminated) count.succeeded++
      }
    }
  }

  if (isInitFailed) return 'Failed'
  if (count.pendingInit > 0 || (count.pendingSidecars > 0 && !hasStarted) || count.waiting > 0) return 'Pending'
  if (count.unknown > 0) return 'Pending'
  if (count.running > 0) return 'Running'
  if (count.stopped === 0) return 'Pending'
  if (!isTerminal && count.stopped !== count.stoppedForGood) return 'Running'
  return count.stopped === count.succeeded ? 'Succeeded' : 'Failed'
}
