/**
 * Whether a node still shows signs of life: its status or its Lease has changed recently, by our own clock. When it has
 * not for the grace period, what its kubelet said of it is no longer known. Upstream: nodelifecycle's tryUpdateNodeHealth.
 */
import type { Lease } from '#api/coordination/v1.ts'
import type { Node, NodeCondition } from '#api/core/v1/node.ts'
import { conditionOf } from '#machinery/conditions.ts'
import { formatTime, parseTime } from '#machinery/time.ts'

/** What was last seen of a node, and when. */
export interface NodeHealth {
  heartbeat: string | undefined
  renewTime: string | undefined
  /** When something of it last changed; milliseconds since the epoch. */
  changedAtMs: number
}

export function observeHealth(
  node: Node,
  lease: Lease | undefined,
  previous: NodeHealth | undefined,
  nowMs: number,
): NodeHealth {
  const heartbeat = conditionOf(node.status.conditions, 'Ready')?.lastHeartbeatTime
  const renewTime = lease?.spec.renewTime
  if (!previous) {
    // A node whose kubelet never wrote a status is as old as its object.
    const changedAtMs = heartbeat === undefined && !renewTime ? parseTime(node.metadata.creationTimestamp) : nowMs
    return { heartbeat, renewTime, changedAtMs }
  }
  const isRenewed = renewTime !== undefined && (previous.renewTime === undefined || renewTime > previous.renewTime)
  const isChanged = heartbeat !== previous.heartbeat || isRenewed
  return {
    heartbeat,
    renewTime: isRenewed ? renewTime : previous.renewTime,
    changedAtMs: isChanged ? nowMs : previous.changedAtMs,
  }
}

export interface GracePeriods {
  monitorMs: number
  /** Before the kubelet's first status. */
  startupMs: number
}

const judged = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const

/** The conditions of a node that has been silent for too long; undefined where it hasn't, or where they say so already. */
export function unknownConditions(
  { metadata, status }: Node,
  health: NodeHealth,
  grace: GracePeriods,
  nowMs: number,
): NodeCondition[] | undefined {
  const conditions = status.conditions ?? []
  const graceMs = conditionOf(conditions, 'Ready') ? grace.monitorMs : grace.startupMs
  if (nowMs <= health.changedAtMs + graceMs) return undefined
  const lastTransitionTime = formatTime(nowMs)
  const stale = judged.filter((type) => conditionOf(conditions, type)?.status !== 'Unknown')
  if (stale.length === 0) return undefined
  const next: NodeCondition[] = conditions.map((condition) => {
    if (!stale.some((type) => type === condition.type)) return condition
    const message = 'Kubelet stopped posting node status.'
    return { ...condition, status: 'Unknown', reason: 'NodeStatusUnknown', message, lastTransitionTime }
  })
  for (const type of stale) {
    if (conditionOf(conditions, type)) continue
    const message = 'Kubelet never posted node status.'
    const lastHeartbeatTime = metadata.creationTimestamp
    next.push({
      type,
      status: 'Unknown',
      reason: 'NodeStatusNeverUpdated',
      message,
      lastHeartbeatTime,
      lastTransitionTime,
    })
  }
  return next
}
