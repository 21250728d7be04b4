/**
 * The conditions of a pod that the node agent owns, with upstream's reasons and messages. Pure.
 * Upstream: `pkg/kubelet/status/generate.go`.
 */
import { jsonEqual } from '#base/equal.ts'
import type { ContainerStatus } from '#api/core/v1/container.ts'
import type { Pod, PodCondition } from '#api/core/v1/pod.ts'
import type { PodPhase } from './pod-phase.ts'
import { isRestartableInit, statusNamed } from './pod-spec.ts'

/** Everything else in a pod's conditions belongs to somebody else and is left alone. */
export const OWNED_CONDITIONS: ReadonlySet<string> = new Set([
  'PodScheduled',
  'Ready',
  'Initialized',
  'ContainersReady',
  'PodReadyToStartContainers',
  'PodResizePending',
])

type Verdict = Pick<PodCondition, 'status' | 'reason' | 'message'>

const holds: Verdict = { status: 'True' }
const fails = (reason: string, message?: string): Verdict => ({ status: 'False', reason, ...(message && { message }) })
/** As Go prints a list of strings. */
const list = (names: readonly string[]) => `[${names.join(' ')}]`

export interface ConditionInputs {
  pod: Pod
  /** Of init and regular containers. */
  statuses: readonly ContainerStatus[]
  phase: PodPhase
  /** A sandbox with networking is there. */
  hasSandbox: boolean
  /** Those that other controllers own: readiness gates look here. */
  foreign: readonly PodCondition[]
}

/** In the order in which they are listed; without transition times. */
export function ownedConditions(inputs: ConditionInputs): PodCondition[] {
  const containersReady = containersReadyVerdict(inputs)
  const verdicts: [string, Verdict][] = [
    ['PodReadyToStartContainers', inputs.hasSandbox ? holds : { status: 'False' }],
    ['Initialized', initializedVerdict(inputs)],
    ['Ready', containersReady.status === 'True' ? gatesVerdict(inputs) : containersReady],
    ['ContainersReady', containersReady],
    ['PodScheduled', holds],
  ]
  if (needsResize(inputs)) {
    const why = 'this node gives running containers no other resources than they began with'
    verdicts.unshift(['PodResizePending', { status: 'True', reason: 'Infeasible', message: why }])
  }
  const { generation } = inputs.pod.metadata
  return verdicts.map(([type, verdict]) => ({
    type,
    ...verdict,
    ...(generation !== undefined && { observedGeneration: generation }),
  }))
}

/** Whether a running container has other resources than its specification says by now. */
function needsResize({ pod, statuses }: ConditionInputs): boolean {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers].some((c) => {
    const status = statusNamed(statuses, c.name)
    return status?.state.running !== undefined && !jsonEqual(status.resources ?? {}, c.resources ?? {})
  })
}

function containersReadyVerdict({ pod, statuses, phase }: ConditionInputs): Verdict {
  const relevant = [...(pod.spec.initContainers ?? []).filter(isRestartableInit), ...pod.spec.containers]
  const unknown = relevant.filter((c) => !statusNamed(statuses, c.name)).map((c) => c.name)
  const unready = relevant.filter((c) => statusNamed(statuses, c.name)?.ready === false).map((c) => c.name)
  if (phase === 'Succeeded' && unknown.length === 0) return fails('PodCompleted')
  if (phase === 'Failed') return fails('PodFailed')
  const problems = [
    ...(unknown.length > 0 ? [`containers with unknown status: ${list(unknown)}`] : []),
    ...(unready.length > 0 ? [`containers with unready status: ${list(unready)}`] : []),
  ]
  return problems.length > 0 ? fails('ContainersNotReady', problems.join(', ')) : holds
}

function gatesVerdict({ pod, foreign }: ConditionInputs): Verdict {
  const problems = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = foreign.find((c) => c.type === conditionType)
    if (!condition) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`]
    if (condition.status === 'True') return []
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`]
  })
  return problems.length > 0 ? fails('ReadinessGatesNotReady', problems.join(', ')) : holds
}

function initializedVerdict({ pod, statuses, phase }: ConditionInputs): Verdict {
  const unknown: string[] = []
  const incomplete: string[] = []
  for (const container of pod.spec.initContainers ?? []) {
    const status = statusNamed(statuses, container.name)
    if (!status) unknown.push(container.name)
    else if (!(isRestartableInit(container) ? status.started : status.ready)) incomplete.push(container.name)
  }
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'True', reason: 'PodCompleted' }
  const hasStarted = pod.spec.containers.some((c) => {
    const state = statusNamed(statuses, c.name)?.state
    return state?.running || state?.terminated
  })
  if (hasStarted) return holds
  const problems = [
    ...(unknown.length > 0 ? [`containers with unknown status: ${list(unknown)}`] : []),
    ...(incomplete.length > 0 ? [`containers with incomplete status: ${list(incomplete)}`] : []),
  ]
  return problems.length > 0 ? fails('ContainersNotInitialized', problems.join(', ')) : holds
}
