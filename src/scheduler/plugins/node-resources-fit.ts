/**
 * NodeResourcesFit: nodes without room for the pod are out, for one more pod as such or for what it requests; those
 * with the greater part of cpu and memory left are better (the LeastAllocated strategy).
 */
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { action } from '../framework/cluster-event.ts'
import type { FilterPlugin, PluginHandle, ScorePlugin } from '../framework/plugin.ts'
import { FITS, UNRESOLVABLE, UNSCHEDULABLE } from '../framework/status.ts'
import type { ResourceColumn } from '../state/node-table.ts'
import { type Amounts, amountsOf, podRequests } from '../state/pod-requests.ts'
import type { PodShape, Requests } from '../state/pod-shape.ts'

interface State {
  readonly shape: PodShape
  /** The resources that the pod wants some of, in the order in which they are reported. */
  readonly wanted: readonly { name: string; amount: number; column: ResourceColumn | undefined }[]
}

export function nodeResourcesFit({ nodes }: PluginHandle): FilterPlugin<State> & ScorePlugin<State> {
  const prepare = (shape: PodShape): State => ({
    shape,
    wanted: wantedOf(shape.requests).map(({ name, amount }) => ({ name, amount, column: columnFor(name) })),
  })
  const columnFor = (name: string) => {
    if (name === 'cpu') return nodes.cpu
    if (name === 'memory') return nodes.memory
    return name === 'ephemeral-storage' ? nodes.ephemeralStorage : nodes.scalar(name)
  }
  return {
    name: 'NodeResourcesFit',
    scope: 'node',
    normalization: 'none',
    events: [
      {
        event: { resource: 'Pod', actions: action.delete | action.updatePodScaleDown },
        mayHelp(pod, before, after) {
          if (after) return freesRequested(pod.pod, before as Pod, after as Pod)
          const { spec, status } = before as Pod
          return Boolean(spec.nodeName || status.nominatedNodeName)
        },
      },
      {
        event: { resource: 'Node', actions: action.add | action.updateNodeAllocatable },
        mayHelp(pod, before, after) {
          const now = amountsOf((after as Node).status.allocatable)
          if (!hasRoom(now, pod.shape.requests)) return false
          return !before || hasMore(amountsOf((before as Node).status.allocatable), now, pod.shape.requests)
        },
      },
    ],
    preFilter: ({ shape }) => ({ state: prepare(shape) }),
    filter({ wanted }, node) {
      let fits = nodes.podCount[node]! + 1 <= nodes.podLimit[node]!
      for (let i = 0; i < wanted.length; i++) {
        const { amount, column } = wanted[i]!
        if (!column) return UNRESOLVABLE
        const allocatable = column.allocatable[node]!
        if (amount > allocatable) return UNRESOLVABLE
        if (amount > allocatable - column.requested[node]!) fits = false
      }
      return fits ? FITS : UNSCHEDULABLE
    },
    reasons({ wanted }, node) {
      const reasons = nodes.podCount[node]! + 1 > nodes.podLimit[node]! ? ['Too many pods'] : []
      for (const { name, amount, column } of wanted) {
        const free = column ? column.allocatable[node]! - column.requested[node]! : 0
        if (amount > free) reasons.push(`Insufficient ${name}`)
      }
      return reasons
    },
    preScore: ({ shape }) => ({ shape, wanted: [] }),
    score({ shape }, node) {
      let sum = 0
      let counted = 0
      const cpu = nodes.cpu.allocatable[node]!
      if (cpu !== 0) {
        sum += partLeft(nodes.nonZeroCpu[node]! + shape.scoredCpu, cpu)
        counted++
      }
      const memory = nodes.memory.allocatable[node]!
      if (memory !== 0) {
        sum += partLeft(nodes.nonZeroMemory[node]! + shape.scoredMemory, memory)
        counted++
      }
      return counted === 0 ? 0 : Math.floor(sum / counted)
    },
  }
}

/** 0 to 100: which part of the capacity is left, rounded down. */
function partLeft(requested: number, capacity: number): number {
  if (requested > capacity) return 0
  const scaled = (capacity - requested) * 100
  const part = Math.floor(scaled / capacity)
  // The division of doubles may have been rounded up to the next integer.
  return part * capacity > scaled ? part - 1 : part
}

function wantedOf(requests: Requests): { name: string; amount: number }[] {
  return [
    { name: 'cpu', amount: requests.cpu },
    { name: 'memory', amount: requests.memory },
    { name: 'ephemeral-storage', amount: requests.ephemeralStorage },
    ...requests.scalars,
  ].filter(({ amount }) => amount > 0)
}

/** Whether an empty node with this much would have room. */
function hasRoom(allocatable: Amounts, requests: Requests): boolean {
  if ((allocatable.get('pods') ?? 0) < 1) return false
  return wantedOf(requests).every(({ name, amount }) => amount <= (allocatable.get(name) ?? 0))
}

function hasMore(before: Amounts, after: Amounts, requests: Requests): boolean {
  const grew = (name: string) => (after.get(name) ?? 0) > (before.get(name) ?? 0)
  return grew('pods') || wantedOf(requests).some(({ name }) => grew(name))
}

/** Whether a resize gave back something that `pod` wants, or is the resize of `pod` itself. */
function freesRequested(pod: Pod, before: Pod, after: Pod): boolean {
  if (after.metadata.uid === pod.metadata.uid) return true
  if (!after.spec.nodeName) return false
  const [had, has] = [podRequests(before), podRequests(after)]
  return [...podRequests(pod)].some(([name, amount]) => amount > 0 && (had.get(name) ?? 0) > (has.get(name) ?? 0))
}
