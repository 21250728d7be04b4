/**
 * NodeAffinity: nodes that do not match the pod's node selector and required node affinity are out; the more of the
 * preferred terms match, by weight, the better. Affinity to nodes by name leaves only these to be looked at at all.
 */
import type { Node } from '#api/core/v1/node.ts'
import { action } from '../framework/cluster-event.ts'
import type { FilterPlugin, PluginHandle, PreFilterResult, ScorePlugin } from '../framework/plugin.ts'
import { FITS, Rejection, SKIP, UNRESOLVABLE } from '../framework/status.ts'
import type { PodShape } from '../state/pod-shape.ts'
import { matchesRequired, NodeSelectorCompiler, type NodeTest } from './node-selector.ts'

const NAME = 'NodeAffinity'
const REASONS = ["node(s) didn't match Pod's node affinity/selector"]

interface FilterState {
  readonly compiler: NodeSelectorCompiler
  readonly matches: NodeTest
}

interface ScoreState {
  readonly compiler: NodeSelectorCompiler
  readonly terms: readonly { matches: NodeTest; weight: number }[]
}

type State = FilterState | ScoreState

export function nodeAffinity({ nodes }: PluginHandle): FilterPlugin<State> & ScorePlugin<State> {
  return {
    name: NAME,
    scope: 'node',
    normalization: 'proportional',
    events: [
      {
        event: { resource: 'Node', actions: action.add | action.updateNodeLabel },
        mayHelp: (pod, before, after) =>
          matchesRequired(pod.shape, after as Node) && (!before || !matchesRequired(pod.shape, before as Node)),
      },
    ],
    preFilter({ shape }): PreFilterResult<State> {
      const compiler = new NodeSelectorCompiler(nodes)
      const matches = compiler.required(shape)
      if (!matches) return SKIP
      const nodeNames = namedNodes(shape)
      if (nodeNames?.size === 0) return new Rejection(NAME, ['pod affinity terms conflict'], 'unresolvable')
      return nodeNames ? { state: { compiler, matches }, nodeNames } : { state: { compiler, matches } }
    },
    filter: (state, node) => ((state as FilterState).matches(node) ? FITS : UNRESOLVABLE),
    reasons: () => REASONS,
    stamp: (state) => state.compiler.stamp,
    preScore({ shape }) {
      const preferred = shape.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution
      if (!preferred?.length) return SKIP
      const compiler = new NodeSelectorCompiler(nodes)
      const terms = preferred
        .filter((p) => p.weight !== 0)
        .map((p) => ({ matches: compiler.term(p.preference), weight: p.weight }))
      return { compiler, terms }
    },
    score(state, node) {
      let sum = 0
      for (const { matches, weight } of (state as ScoreState).terms) if (matches(node)) sum += weight
      return sum
    },
  }
}

/** The names of the nodes that required affinity is limited to; undefined where some term leaves the name open. */
function namedNodes(shape: PodShape): Set<string> | undefined {
  const terms = shape.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  if (!terms?.length) return undefined
  const names = new Set<string>()
  for (const term of terms) {
    let ofTerm: string[] | undefined
    for (const { key, operator, values = [] } of term.matchFields ?? []) {
      if (key !== 'metadata.name' || operator !== 'In') continue
      ofTerm = ofTerm ? ofTerm.filter((name) => values.includes(name)) : [...values]
    }
    if (!ofTerm) return undefined
    for (const name of ofTerm) names.add(name)
  }
  return names
}
