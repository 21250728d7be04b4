/** Taints that say what is wrong with a node, and which tolerations put up with which taints. */
import { toleratesTaint } from '#api/core/v1/tolerations.ts'
import type { Node } from '#api/core/v1/node.ts'
import type { Taint, Toleration } from '#api/core/v1/shared.ts'

export const NOT_READY = 'node.kubernetes.io/not-ready'
export const UNREACHABLE = 'node.kubernetes.io/unreachable'
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable'

/** Which status of which condition is which taint. */
const conditionTaints: readonly { type: string; status: string; key: string }[] = [
  { type: 'Ready', status: 'False', key: NOT_READY },
  { type: 'Ready', status: 'Unknown', key: UNREACHABLE },
  { type: 'MemoryPressure', status: 'True', key: 'node.kubernetes.io/memory-pressure' },
  { type: 'DiskPressure', status: 'True', key: 'node.kubernetes.io/disk-pressure' },
  { type: 'NetworkUnavailable', status: 'True', key: 'node.kubernetes.io/network-unavailable' },
  { type: 'PIDPressure', status: 'True', key: 'node.kubernetes.io/pid-pressure' },
]
const ownKeys: ReadonlySet<string> = new Set([UNSCHEDULABLE, ...conditionTaints.map(({ key }) => key)])

/** The taints of the node with the NoSchedule ones that its conditions ask for; undefined where nothing changes. `nowTime` is RFC 3339. */
export function withConditionTaints({ spec, status }: Node, nowTime: string): Taint[] | undefined {
  const wanted = new Set(
    conditionTaints
      .filter(({ type, status: when }) => status.conditions?.some((c) => c.type === type && c.status === when))
      .map(({ key }) => key),
  )
  if (spec.unschedulable) wanted.add(UNSCHEDULABLE)
  const taints = spec.taints ?? []
  const isOwn = (taint: Taint) => taint.effect === 'NoSchedule' && ownKeys.has(taint.key)
  const present = new Set(taints.filter(isOwn).map(({ key }) => key))
  if (wanted.size === present.size && [...wanted].every((key) => present.has(key))) return undefined
  const added = [...wanted].filter((key) => !present.has(key))
  return [
    ...taints.filter((taint) => !isOwn(taint) || wanted.has(taint.key)),
    ...added.map((key) => ({ key, effect: 'NoSchedule', timeAdded: nowTime })),
  ]
}

/** The taints with the NoExecute taint `key` and without its counterparts; without any of them where `key` is undefined. */
export function withEvictionTaint(
  taints: readonly Taint[] = [],
  key: typeof NOT_READY | typeof UNREACHABLE | undefined,
  nowTime: string,
): Taint[] {
  const rest = taints.filter(
    ({ key: k, effect }) => effect !== 'NoExecute' || (k !== NOT_READY && k !== UNREACHABLE) || k === key,
  )
  const isThere = rest.some((taint) => taint.key === key && taint.effect === 'NoExecute')
  return key === undefined || isThere ? rest : [...rest, { key, effect: 'NoExecute', timeAdded: nowTime }]
}

export function hasEvictionTaint(taints: readonly Taint[] | undefined, key: string): boolean {
  return !!taints?.some((taint) => taint.key === key && taint.effect === 'NoExecute')
}

export function evictionTaints(node: Node | undefined): Taint[] {
  return (node?.spec.taints ?? []).filter(({ effect }) => effect === 'NoExecute')
}

/**
 * For how many milliseconds a pod may stay on a node with these NoExecute taints: 0 where one of them is not
 * tolerated, Infinity where all are for ever.
 */
export function toleratedForMs(taints: readonly Taint[], tolerations: readonly Toleration[] = []): number {
  let shortestMs = Infinity
  for (const taint of taints) {
    const matching = tolerations.find((toleration) => toleratesTaint(toleration, taint))
    if (!matching) return 0
    const seconds = matching.tolerationSeconds
    if (seconds !== undefined) shortestMs = Math.min(shortestMs, Math.max(seconds, 0) * 1000)
  }
  return shortestMs
}
