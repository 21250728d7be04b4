/** After which events a pod that PodTopologySpread rejected is worth another try. */
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { action } from '../framework/cluster-event.ts'
import type { EventHint } from '../framework/plugin.ts'
import { sameJson } from '../framework/same-json.ts'
import type { PodInfo } from '../state/pod-info.ts'
import { constraintsOf, type SpreadConstraint } from './spread-constraints.ts'

export const podTopologySpreadEvents: readonly EventHint[] = [
  {
    event: {
      resource: 'Pod',
      actions: action.add | action.updatePodLabel | action.updatePodToleration | action.delete,
    },
    mayHelp: (info, before, after) => podMayHelp(info, before as Pod | undefined, after as Pod | undefined),
  },
  {
    event: {
      resource: 'Node',
      actions: action.add | action.delete | action.updateNodeLabel | action.updateNodeTaint,
    },
    mayHelp: (info, before, after) => nodeMayHelp(info, before as Node | undefined, after as Node | undefined),
  },
]

function podMayHelp(info: PodInfo, before: Pod | undefined, after: Pod | undefined): boolean {
  const concerns = ({ metadata, spec, status }: Pod) => {
    if (metadata.uid === info.uid) return true
    return Boolean(spec.nodeName || status.nominatedNodeName) && metadata.namespace === info.pod.metadata.namespace
  }
  if ((before && !concerns(before)) || (after && !concerns(after))) return false
  const constraints = constraintsOf(info.pod, 'DoNotSchedule')
  const counts = (constraint: SpreadConstraint, pod: Pod) => constraint.selector.matches(pod.metadata.labels ?? {})
  if (before && after) {
    const isTolerant = !sameJson(before.spec.tolerations, after.spec.tolerations)
    if (after.metadata.uid === info.uid && isTolerant && constraints.some((c) => c.honorsTaints)) return true
    return constraints.some((c) => counts(c, before) !== counts(c, after))
  }
  return constraints.some((c) => counts(c, (after ?? before)!))
}

function nodeMayHelp(info: PodInfo, before: Node | undefined, after: Node | undefined): boolean {
  const keys = constraintsOf(info.pod, 'DoNotSchedule').map((c) => c.topologyKey)
  const hasAll = (node: Node) => keys.every((key) => node.metadata.labels?.[key] !== undefined)
  if (!before || !after) return hasAll((before ?? after)!)
  if (hasAll(before) !== hasAll(after)) return true
  const moved = keys.some((key) => before.metadata.labels?.[key] !== after.metadata.labels?.[key])
  return hasAll(after) && (moved || !sameJson(before.spec.taints, after.spec.taints))
}
