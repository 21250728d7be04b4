/** NodeUnschedulable: cordoned nodes are out, except for pods that tolerate the taint which stands for that. */
import { tolerates } from '#api/core/v1/tolerations.ts'
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { action } from '../framework/cluster-event.ts'
import type { FilterPlugin, PluginHandle } from '../framework/plugin.ts'
import { FITS, SKIP, UNRESOLVABLE } from '../framework/status.ts'

const REASONS = ['node(s) were unschedulable']
const TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

export function nodeUnschedulable({ nodes }: PluginHandle): FilterPlugin<true> {
  return {
    name: 'NodeUnschedulable',
    scope: 'node',
    events: [
      {
        event: { resource: 'Node', actions: action.add | action.updateNodeTaint },
        mayHelp: (_pod, before, after) =>
          (!before || (before as Node).spec.unschedulable === true) && !(after as Node).spec.unschedulable,
      },
      {
        event: { resource: 'Pod', actions: action.updatePodToleration },
        mayHelp: (pod, _before, after) =>
          (after as Pod).metadata.uid === pod.uid && tolerates((after as Pod).spec.tolerations, TAINT),
      },
    ],
    preFilter: (pod) => (tolerates(pod.shape.tolerations, TAINT) ? SKIP : { state: true }),
    filter: (_state, node) => (nodes.unschedulable[node] === 1 ? UNRESOLVABLE : FITS),
    reasons: () => REASONS,
  }
}
