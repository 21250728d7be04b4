/**
 * The strategic merge patch that takes a pod's status in the API to what the node agent says, or undefined when it says
 * so already. Pure. Conditions that others own are never mentioned, and a phase that could free resources waits until
 * nothing runs. Upstream: `mergePodStatus` and `normalizeStatus` of the status manager.
 */
import { isDeepStrictEqual } from 'node:util'
import type { ContainerState, ContainerStatus } from '#api/core/v1/container.ts'
import type { Pod, PodCondition, PodStatus } from '#api/core/v1/pod.ts'
import { OWNED_CONDITIONS } from './pod-conditions.ts'
import { isTerminalPhase } from './pod-spec.ts'

/** All termination messages of a pod together, bytes. */
const MAX_MESSAGE_BYTES = 12 << 10

/** What the API should say. `mayRun`: containers of the pod may still run, so a final phase is held back. */
export function mergePodStatus(current: PodStatus, wanted: PodStatus, mayRun: boolean): PodStatus {
  const isEnding = !isTerminalPhase(current.phase) && isTerminalPhase(wanted.phase)
  const merged: PodStatus = { ...wanted }
  if (isEnding && mayRun) {
    merged.phase = current.phase
    merged.reason = current.reason
    merged.message = current.message
  }
  const conditions = (wanted.conditions ?? []).filter(
    (c) => OWNED_CONDITIONS.has(c.type) || (c.type === 'DisruptionTarget' && isEnding && !mayRun),
  )
  merged.conditions = isTerminalPhase(merged.phase) ? conditions.map((c) => unready(c, merged.phase!)) : conditions
  return truncateMessages(merged)
}

/** A pod that ended is not ready, even where the last look at its containers says so. */
function unready(condition: PodCondition, phase: string): PodCondition {
  const concernsReadiness = condition.type === 'Ready' || condition.type === 'ContainersReady'
  if (!concernsReadiness || condition.status !== 'True') return condition
  const { message: _, ...rest } = condition
  return { ...rest, status: 'False', reason: phase === 'Failed' ? 'PodFailed' : 'PodCompleted' }
}

function truncateMessages(status: PodStatus): PodStatus {
  const lists = ['initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses'] as const
  const count = lists.reduce((n, list) => n + (status[list]?.length ?? 0), 0)
  const limit = Math.floor(MAX_MESSAGE_BYTES / Math.max(count, 1))
  const cut = (state: ContainerState): ContainerState => {
    const message = state.terminated?.message
    if (!message || Buffer.byteLength(message) <= limit) return state
    // A character cut in two becomes a replacement character, which is taken off again.
    const short = Buffer.from(message)
      .subarray(0, limit)
      .toString()
      .replace(/\uFFFD$/, '')
    return { terminated: { ...state.terminated!, message: short } }
  }
  const out = { ...status }
  for (const list of lists) {
    const statuses = status[list]
    if (statuses) {
      out[list] = statuses.map((s): ContainerStatus => ({ ...s, state: cut(s.state), lastState: cut(s.lastState) }))
    }
  }
  return out
}

const SCALARS = [
  'phase',
  'reason',
  'message',
  'hostIP',
  'podIP',
  'startTime',
  'qosClass',
  'observedGeneration',
] as const
/** Replaced as a whole: the API treats them as atomic. */
const ATOMIC = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const
/** Merged by `ip`, so a whole new list has to say that it is one. */
const ADDRESSES = ['podIPs', 'hostIPs'] as const

/** `wanted` as `mergePodStatus` returns it. */
export function podStatusPatch(pod: Pod, wanted: PodStatus): object | undefined {
  const current = pod.status
  const status: Record<string, unknown> = {}
  for (const key of SCALARS) if (current[key] !== wanted[key]) status[key] = wanted[key] ?? null
  for (const key of ATOMIC) {
    if (!sameStatuses(current[key], wanted[key])) status[key] = wanted[key] ?? null
  }
  for (const key of ADDRESSES) {
    if (isDeepStrictEqual(current[key] ?? [], wanted[key] ?? [])) continue
    const isNew = (current[key] ?? []).length === 0
    status[key] = wanted[key] ? (isNew ? wanted[key] : [...wanted[key], { $patch: 'replace' }]) : null
  }
  const conditions = (wanted.conditions ?? []).filter((c) => {
    const before = current.conditions?.find((b) => b.type === c.type)
    return !before || !sameCondition(before, c)
  })
  const ended = (current.conditions ?? [])
    .filter((c) => OWNED_CONDITIONS.has(c.type) && !wanted.conditions?.some((w) => w.type === c.type))
    .map(({ type }) => ({ type, $patch: 'delete' }))
  if (conditions.length + ended.length > 0) status.conditions = [...conditions, ...ended]
  if (Object.keys(status).length === 0) return undefined
  return { metadata: { uid: pod.metadata.uid }, status }
}

function sameStatuses(a: readonly ContainerStatus[] | undefined, b: readonly ContainerStatus[] | undefined): boolean {
  return isDeepStrictEqual((a ?? []).map(comparable), (b ?? []).map(comparable))
}

/** Without what is absent on one side and empty on the other: the API drops empty structures or keeps them as it likes. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable)
  if (typeof value !== 'object' || value === null) return value
  const out: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    const inner = comparable(item)
    const isEmpty = inner === undefined || inner === null || inner === '' || inner === false
    const isHollow = typeof inner === 'object' && inner !== null && Object.keys(inner).length === 0
    // `waiting: {}` is a state of its own.
    if (isEmpty || (isHollow && key !== 'waiting')) continue
    out[key] = inner
  }
  return out
}

/** Transition times alone are no news; neither is a condition of an older generation that says the same. */
function sameCondition(a: PodCondition, b: PodCondition): boolean {
  return (
    a.status === b.status &&
    (a.reason ?? '') === (b.reason ?? '') &&
    (a.message ?? '') === (b.message ?? '') &&
    a.observedGeneration === b.observedGeneration
  )
}
