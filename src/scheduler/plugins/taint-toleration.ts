/**
 * TaintToleration: nodes with a NoSchedule or NoExecute taint that the pod does not tolerate are out; those with fewer
 * PreferNoSchedule taints that it does not tolerate are better. What one list of taints means to a shape is worked out once.
 */
import { tolerates } from '#api/core/v1/tolerations.ts'
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Toleration } from '#api/core/v1/shared.ts'
import { action } from '../framework/cluster-event.ts'
import type { FilterPlugin, PluginHandle, ScorePlugin } from '../framework/plugin.ts'
import { FITS, UNRESOLVABLE } from '../framework/status.ts'
import { hasUntoleratedTaint } from './tolerations.ts'

const REASONS = ['node(s) had untolerated taint(s)']

interface State {
  readonly tolerations: readonly Toleration[]
  /** By number of the taint set; undefined where not worked out yet. */
  readonly known: (number | undefined)[]
}

export function taintToleration({ nodes }: PluginHandle): FilterPlugin<State> & ScorePlugin<State> {
  return {
    name: 'TaintToleration',
    scope: 'node',
    normalization: 'reversed',
    events: [
      {
        event: { resource: 'Node', actions: action.add | action.updateNodeTaint },
        mayHelp(pod, before, after) {
          const { tolerations } = pod.shape
          const was = !before || hasUntoleratedTaint((before as Node).spec.taints, tolerations)
          return was && !hasUntoleratedTaint((after as Node).spec.taints, tolerations)
        },
      },
      {
        event: { resource: 'Pod', actions: action.updatePodToleration },
        mayHelp: (pod, _before, after) => (after as Pod).metadata.uid === pod.uid,
      },
    ],
    preFilter: (pod) => ({ state: { tolerations: pod.shape.tolerations, known: [] } }),
    filter(state, node) {
      const set = nodes.taintSet[node]!
      if (set === 0) return FITS
      const code = (state.known[set] ??= hasUntoleratedTaint(nodes.taintsOf(set), state.tolerations)
        ? UNRESOLVABLE
        : FITS)
      return code as typeof FITS | typeof UNRESOLVABLE
    },
    reasons: () => REASONS,
    preScore: (pod) => ({
      tolerations: pod.shape.tolerations.filter((t) => !t.effect || t.effect === 'PreferNoSchedule'),
      known: [],
    }),
    score(state, node) {
      const set = nodes.taintSet[node]!
      if (set === 0) return 0
      return (state.known[set] ??= nodes
        .taintsOf(set)
        .filter((taint) => taint.effect === 'PreferNoSchedule' && !tolerates(state.tolerations, taint)).length)
    },
  }
}
