/**
 * What happens in the cluster, as the queue sees it: a resource and what was done to it, as specific as can be told.
 * Plugins register the events that can make a pod schedulable which they rejected (upstream: `framework.ClusterEvent`
 * and its `ActionType` bits, of which the order matters to `matchesEvent`).
 */
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { podRequests } from '../state/pod-requests.ts'
import { sameJson } from './same-json.ts'

export const action = {
  add: 1 << 0,
  delete: 1 << 1,
  updateNodeAllocatable: 1 << 2,
  updateNodeLabel: 1 << 3,
  /** Taints, or `spec.unschedulable` going away. */
  updateNodeTaint: 1 << 4,
  updateNodeCondition: 1 << 5,
  updateNodeAnnotation: 1 << 6,
  updateNodeDeclaredFeature: 1 << 7,
  updatePodLabel: 1 << 8,
  updatePodScaleDown: 1 << 9,
  updatePodToleration: 1 << 10,
  updatePodSchedulingGatesEliminated: 1 << 11,
  updatePodGeneratedResourceClaim: 1 << 12,
  /** Any update that is none of the above. */
  update: ((1 << 13) - 1) & ~0b11,
  all: (1 << 13) - 1,
} as const

/** `Pod` is for registering only: what happens is an event of an AssignedPod or of an UnscheduledPod. */
export type EventResource =
  | 'Pod'
  | 'AssignedPod'
  | 'UnscheduledPod'
  | 'Node'
  | 'Namespace'
  | 'PersistentVolume'
  | 'PersistentVolumeClaim'
  | 'CSINode'
  | 'CSIDriver'
  | 'CSIStorageCapacity'
  | 'StorageClass'
  | 'VolumeAttachment'
  | 'ResourceClaim'
  | 'ResourceSlice'
  | 'DeviceClass'
  | '*'

export interface ClusterEvent {
  readonly resource: EventResource
  /** Bits of `action`. */
  readonly actions: number
}

export const events = {
  assignedPodAdd: { resource: 'AssignedPod', actions: action.add },
  assignedPodDelete: { resource: 'AssignedPod', actions: action.delete },
  nodeAdd: { resource: 'Node', actions: action.add },
  nodeDelete: { resource: 'Node', actions: action.delete },
  /** A pod waited longer than the queue lets any pod wait. */
  unschedulableTimeout: { resource: '*', actions: action.all },
  /** A plugin wants one pod to be tried again now. */
  forceActivate: { resource: '*', actions: action.all },
} as const satisfies Record<string, ClusterEvent>

export function isWildcard(event: ClusterEvent): boolean {
  return event.resource === '*' && event.actions === action.all
}

/** Whether what happened is the registered event, or a more specific one. */
export function matchesEvent(registered: ClusterEvent, happened: ClusterEvent): boolean {
  if (isWildcard(registered)) return true
  const sameResource =
    registered.resource === '*' ||
    registered.resource === happened.resource ||
    (registered.resource === 'Pod' && (happened.resource === 'AssignedPod' || happened.resource === 'UnscheduledPod'))
  return sameResource && (registered.actions & happened.actions) !== 0 && happened.actions <= registered.actions
}

/** The events that a change of a pod amounts to; never none. */
export function podChangeEvents(before: Pod, after: Pod): ClusterEvent[] {
  const resource = after.spec.nodeName ? 'AssignedPod' : 'UnscheduledPod'
  const found: ClusterEvent[] = []
  const when = (condition: boolean, actions: number) => {
    if (condition) found.push({ resource, actions })
  }
  when(!sameJson(before.metadata.labels, after.metadata.labels), action.updatePodLabel)
  when(isScaledDown(before, after), action.updatePodScaleDown)
  when(
    (before.spec.schedulingGates?.length ?? 0) > 0 && !after.spec.schedulingGates?.length,
    action.updatePodSchedulingGatesEliminated,
  )
  // The API lets tolerations be added, but neither changed nor removed.
  when((before.spec.tolerations?.length ?? 0) !== (after.spec.tolerations?.length ?? 0), action.updatePodToleration)
  when(
    !sameJson(before.status.resourceClaimStatuses, after.status.resourceClaimStatuses) ||
      !sameJson(before.status.extendedResourceClaimStatus, after.status.extendedResourceClaimStatus),
    action.updatePodGeneratedResourceClaim,
  )
  return found.length > 0 ? found : [{ resource, actions: action.update }]
}

function isScaledDown(before: Pod, after: Pod): boolean {
  if (before.spec === after.spec && before.status === after.status) return false
  const requested = podRequests(after)
  for (const [name, amount] of podRequests(before)) {
    const now = requested.get(name)
    if (now === undefined || now < amount) return true
  }
  return false
}

/** The events that a change of a node amounts to; none where scheduling cannot be concerned. */
export function nodeChangeEvents(before: Node, after: Node): ClusterEvent[] {
  const changed: [boolean, number][] = [
    [before.spec.unschedulable === true && !after.spec.unschedulable, action.updateNodeTaint],
    [!sameJson(before.status.allocatable, after.status.allocatable), action.updateNodeAllocatable],
    [!sameJson(before.metadata.labels, after.metadata.labels), action.updateNodeLabel],
    [!sameJson(before.spec.taints, after.spec.taints), action.updateNodeTaint],
    [!sameJson(conditionStatuses(before), conditionStatuses(after)), action.updateNodeCondition],
    [!sameJson(before.metadata.annotations, after.metadata.annotations), action.updateNodeAnnotation],
    [!sameJson(before.status.declaredFeatures, after.status.declaredFeatures), action.updateNodeDeclaredFeature],
  ]
  return changed.filter(([yes]) => yes).map(([, actions]) => ({ resource: 'Node', actions }))
}

function conditionStatuses(node: Node): Record<string, string> {
  return Object.fromEntries((node.status.conditions ?? []).map((condition) => [condition.type, condition.status]))
}
