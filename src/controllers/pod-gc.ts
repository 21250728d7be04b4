/**
 * Deletes pods that nobody else will: those whose node is gone, those that were deleted before they got a node, those
 * stuck on a node that is out of service, and the oldest of the ended ones when they are too many. Looks every 20 s.
 * Upstream: the pod garbage collector.
 */
import { messageOf } from '#base/errors.ts'
import { every } from '#base/clock.ts'
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { nodes as nodeResource, pods as podResource } from '#api/resources.ts'
import { isConditionTrue } from '#machinery/conditions.ts'
import { isStatus } from '#machinery/status-error.ts'
import type { Controller, ControllerContext } from './controller.ts'
import { type DisruptionReason, failAndDelete } from './pod-disruption.ts'
import { isFinished } from './pod-state.ts'

export interface PodGcOptions {
  /** Ended pods that are kept; 0 keeps all. Default 12,500. */
  terminatedPodThreshold?: number
  periodMs?: number
  /** How long a node has to be missing before its pods are. Default 40 s. */
  quarantineMs?: number
}

export interface PodGcState {
  pods: readonly Pod[]
  nodeOf(name: string): Node | undefined
  /** Names of nodes that are known to be gone. */
  deletedNodes: ReadonlySet<string>
  terminatedPodThreshold: number
}

export interface PodGcAction {
  pod: Pod
  condition?: DisruptionReason
}

/** Pure. */
export function planPodGc({ pods, nodeOf, deletedNodes, terminatedPodThreshold }: PodGcState): PodGcAction[] {
  const actions = new Map<Pod, PodGcAction>()
  const finished = pods.filter(isFinished)
  if (terminatedPodThreshold > 0 && finished.length > terminatedPodThreshold) {
    const oldest = finished.sort(evictedAndOldFirst).slice(0, finished.length - terminatedPodThreshold)
    for (const pod of oldest) actions.set(pod, { pod })
  }
  for (const pod of pods) {
    const { nodeName } = pod.spec
    const isDeleted = pod.metadata.deletionTimestamp !== undefined
    if (!nodeName) {
      if (isDeleted) actions.set(pod, { pod })
      continue
    }
    const node = nodeOf(nodeName)
    if (node && isDeleted && isOutOfService(node)) actions.set(pod, { pod })
    if (deletedNodes.has(nodeName)) {
      actions.set(pod, { pod, condition: { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' } })
    }
  }
  return [...actions.values()]
}

function isOutOfService({ spec, status }: Node): boolean {
  const isTainted = spec.taints?.some((taint) => taint.key === 'node.kubernetes.io/out-of-service')
  return !!isTainted && !isConditionTrue(status.conditions, 'Ready')
}

function evictedAndOldFirst(a: Pod, b: Pod): number {
  const isEvicted = ({ status }: Pod) => status.phase === 'Failed' && status.reason === 'Evicted'
  if (isEvicted(a) !== isEvicted(b)) return isEvicted(a) ? -1 : 1
  const [x, y] = [a.metadata, b.metadata]
  if (x.creationTimestamp !== y.creationTimestamp) return x.creationTimestamp < y.creationTimestamp ? -1 : 1
  return x.name < y.name ? -1 : 1
}

export const createPodGarbageCollector = (options: PodGcOptions = {}): Controller => ({
  name: 'podgc',
  start: (context) => void runPodGc(context, options),
})

async function runPodGc(context: ControllerContext, options: PodGcOptions): Promise<void> {
  const { client, clock, informers, signal } = context
  const { terminatedPodThreshold = 12_500, periodMs = 20_000, quarantineMs = 40_000 } = options
  const log = context.log.child({ controller: 'podgc' })
  const pods = informers.for(podResource)
  const nodes = informers.for(nodeResource)
  /** Since when a node that pods refer to is missing. */
  const missingSinceMs = new Map<string, number>()
  let isRunning = false

  /** The copy may lag: before pods are deleted the server is asked. */
  const deletedNodes = async (): Promise<Set<string>> => {
    const missing = new Set<string>()
    for (const { spec } of pods.list())
      if (spec.nodeName && !nodes.get(undefined, spec.nodeName)) missing.add(spec.nodeName)
    for (const name of missingSinceMs.keys()) if (!missing.has(name)) missingSinceMs.delete(name)
    const deleted = new Set<string>()
    for (const name of missing) {
      const sinceMs = missingSinceMs.get(name)
      if (sinceMs === undefined) missingSinceMs.set(name, clock.monotonic())
      else if (clock.monotonic() - sinceMs >= quarantineMs) {
        if ((await client.find(nodeResource, { name }, { signal })) === undefined) deleted.add(name)
      }
    }
    return deleted
  }

  const round = async () => {
    if (isRunning) return
    isRunning = true
    try {
      const actions = planPodGc({
        pods: pods.list(),
        nodeOf: (name) => nodes.get(undefined, name),
        deletedNodes: await deletedNodes(),
        terminatedPodThreshold,
      })
      for (const { pod, condition } of actions) {
        await failAndDelete(context, pod, condition, signal).catch((err) => {
          if (!isStatus(err, 'NotFound', 'Conflict'))
            log.warn({ pod: pod.metadata.name, reason: messageOf(err) }, 'cannot delete a pod')
        })
      }
    } catch (err) {
      if (!signal.aborted) log.warn({ reason: messageOf(err) }, 'cannot look for pods to collect')
    } finally {
      isRunning = false
    }
  }

  await Promise.all([pods.synced(signal), nodes.synced(signal)]).catch(() => {})
  if (signal.aborted) return
  const timer = every(clock, periodMs, () => void round())
  signal.addEventListener('abort', () => timer.cancel(), { once: true })
  void round()
}
