/**
 * Which pods go first when there are too many: those of which least is lost. Rules in turn until one tells two pods
 * apart, upstream's ActivePodsWithRanks:
 *   unassigned, pending before unknown before running, not ready, lower pod-deletion-cost, more replicas on the same
 *   node, ready for a shorter time, more restarts, created later.
 * Times count on a logarithmic scale, pods of the same magnitude in the (random) order of their uids.
 */
import type { Pod } from '#api/core/v1/pod.ts'
import { parseTime } from '#machinery/time.ts'
import { isActive, isReady, readySinceMs } from '../pod-state.ts'

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost'
const phaseOrder: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 }

/**
 * The pods, the first to be deleted first. `related` are all pods of the same application, by which those that share
 * a node with many others are found.
 */
export function inDeletionOrder(pods: readonly Pod[], related: readonly Pod[], nowMs: number): Pod[] {
  const perNode = new Map<string, number>()
  for (const pod of related) {
    if (!isActive(pod)) continue
    const node = pod.spec.nodeName ?? ''
    perNode.set(node, (perNode.get(node) ?? 0) + 1)
  }
  return pods
    .map((pod) => traitsOf(pod, perNode, nowMs))
    .sort(compare)
    .map(({ pod }) => pod)
}

interface Traits {
  pod: Pod
  isAssigned: boolean
  phase: number
  isReady: boolean
  cost: number
  neighbours: number
  /** Base-2 logarithms of the ages in nanoseconds, as upstream measures them; -1 for the future. */
  readyMagnitude: number
  ageMagnitude: number
  readySinceMs: number | undefined
  createdAt: string
  restarts: number
  sidecarRestarts: number
}

function traitsOf(pod: Pod, perNode: ReadonlyMap<string, number>, nowMs: number): Traits {
  const { metadata, spec, status } = pod
  const sidecars = new Set(spec.initContainers?.filter((c) => c.restartPolicy === 'Always').map((c) => c.name))
  const sinceMs = readySinceMs(pod)
  return {
    pod,
    isAssigned: !!spec.nodeName,
    phase: phaseOrder[status.phase ?? 'Pending'] ?? 0,
    isReady: isReady(pod),
    cost: deletionCost(metadata.annotations?.[DELETION_COST]),
    neighbours: perNode.get(spec.nodeName ?? '') ?? 0,
    readyMagnitude: sinceMs === undefined ? -1 : magnitude(nowMs - sinceMs),
    ageMagnitude: magnitude(nowMs - parseTime(metadata.creationTimestamp)),
    readySinceMs: sinceMs,
    createdAt: metadata.creationTimestamp,
    restarts: Math.max(0, ...(status.containerStatuses ?? []).map((c) => c.restartCount)),
    sidecarRestarts: Math.max(
      0,
      ...(status.initContainerStatuses ?? []).filter((c) => sidecars.has(c.name)).map((c) => c.restartCount),
    ),
  }
}

function compare(a: Traits, b: Traits): number {
  if (a.isAssigned !== b.isAssigned) return a.isAssigned ? 1 : -1
  if (a.phase !== b.phase) return a.phase - b.phase
  if (a.isReady !== b.isReady) return a.isReady ? 1 : -1
  if (a.cost !== b.cost) return a.cost - b.cost
  if (a.neighbours !== b.neighbours) return b.neighbours - a.neighbours
  if (a.isReady && a.readySinceMs !== b.readySinceMs) return a.readyMagnitude - b.readyMagnitude || byUid(a, b)
  if (a.restarts !== b.restarts) return b.restarts - a.restarts
  if (a.sidecarRestarts !== b.sidecarRestarts) return b.sidecarRestarts - a.sidecarRestarts
  if (a.createdAt !== b.createdAt) return a.ageMagnitude - b.ageMagnitude || byUid(a, b)
  return 0
}

function byUid(a: Traits, b: Traits): number {
  return a.pod.metadata.uid < b.pod.metadata.uid ? -1 : 1
}

function magnitude(ageMs: number): number {
  return ageMs > 0 ? Math.trunc(Math.log2(ageMs * 1e6)) : -1
}

/** Written as an int32, with no sign but minus and no leading zeros; anything else counts as 0. */
function deletionCost(text: string | undefined): number {
  if (text === undefined || !/^(0|-?[1-9]\d{0,9})$/.test(text)) return 0
  const cost = Number(text)
  return cost >= -(2 ** 31) && cost < 2 ** 31 ? cost : 0
}
