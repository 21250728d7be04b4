/**
 * The statuses of a pod that nothing runs, as a real node would report them. Pure: the same machinery as for real pods, fed
 * with what a runtime would say. Which exit a pod takes is asked of its annotation `rostrum.dev/simulate-exit`.
 */
import type { Container } from '#api/core/v1/container.ts'
import type { Pod, PodStatus } from '#api/core/v1/pod.ts'
import { assemblePod, type ObservedContainer, type ObservedPod } from './observed-pod.ts'
import { isHostNetwork, isRestartableInit } from './pod-spec.ts'
import { generatePodStatus } from './pod-status.ts'
import { containerHash } from './runtime-labels.ts'
import { identityOf } from './sandbox-config.ts'

export const EXIT_ANNOTATION = 'rostrum.dev/simulate-exit'
export const SIMULATED_RUNTIME = 'simulated'

export interface SimulatedExit {
  exitCode: number
  afterMs: number
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 }
const DEFAULT_RUN_MS = 1_000

/** `0`, `1@5s`, `0@200ms`: an exit code and how long the pod runs before. Undefined without the annotation, or where it can't be read. */
export function simulatedExit(pod: Pod): SimulatedExit | undefined {
  const parts = /^(\d{1,3})(?:@(\d{1,9})(ms|s|m))?$/.exec(pod.metadata.annotations?.[EXIT_ANNOTATION] ?? '')
  if (!parts || pod.spec.restartPolicy === 'Always') return undefined
  const [, code, amount, unit] = parts
  return { exitCode: Number(code), afterMs: amount ? Number(amount) * units[unit!]! : DEFAULT_RUN_MS }
}

export interface SimulatedInputs {
  pod: Pod
  ip: string
  hostIps: readonly string[]
  startedAtMs: number
  nowMs: number
}

/** All init containers have completed, everything else runs and is ready. */
export function runningStatus(inputs: SimulatedInputs): PodStatus {
  return statusOf(inputs, observe(inputs, undefined), false)
}

/** Everything has ended with `exitCode`. */
export function endedStatus(inputs: SimulatedInputs, exitCode: number): PodStatus {
  return statusOf(inputs, observe(inputs, exitCode), true)
}

function statusOf({ pod, hostIps, nowMs }: SimulatedInputs, observed: ObservedPod, isTerminal: boolean): PodStatus {
  const always = () => 'success'
  return generatePodStatus({
    pod,
    observed,
    previous: pod.status,
    failures: new Map(),
    probes: { startup: always, readiness: always },
    runtimeName: SIMULATED_RUNTIME,
    hostIps,
    isTerminal,
    nowMs,
  })
}

function observe({ pod, ip, startedAtMs, nowMs }: SimulatedInputs, exitCode: number | undefined): ObservedPod {
  const sandboxId = `${pod.metadata.uid}-sandbox`
  const make = (container: Container, ended: number | undefined): ObservedContainer => ({
    id: `${pod.metadata.uid}-${container.name}`,
    sandboxId,
    name: container.name,
    state: ended === undefined ? 'running' : 'exited',
    createdAtMs: startedAtMs,
    startedAtMs,
    finishedAtMs: ended === undefined ? 0 : nowMs,
    exitCode: ended ?? 0,
    reason: ended === undefined ? '' : ended === 0 ? 'Completed' : 'Error',
    message: '',
    image: container.image ?? '',
    imageRef: `${SIMULATED_RUNTIME}:${container.image ?? ''}`,
    annotations: {
      hash: containerHash(container),
      restartCount: 0,
      terminationMessagePath: '',
      terminationMessagePolicy: '',
    },
    logPath: '',
    mounts: [],
  })
  const init = (pod.spec.initContainers ?? []).map((c) => make(c, isRestartableInit(c) ? exitCode : 0))
  return assemblePod(
    identityOf(pod),
    [
      {
        id: sandboxId,
        attempt: 0,
        isReady: exitCode === undefined,
        createdAtMs: startedAtMs,
        usesHostNetwork: isHostNetwork(pod),
        hasNetworkStatus: true,
        ips: [ip],
      },
    ],
    [...init, ...pod.spec.containers.map((c) => make(c, exitCode))],
  )
}
