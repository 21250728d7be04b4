/**
 * PodTopologySpread: a domain (zone, host, ...) in which the pod's like would outnumber the emptiest domain by more than
 * the allowed skew is out, or worth less, as the constraint says. Pods without constraints that a service or a controller
 * selects are spread over hosts and zones by preference.
 */
import type { PodInfo } from '../state/pod-info.ts'
import type { FilterPlugin, NodeList, PluginHandle, ScorePlugin } from '../framework/plugin.ts'
import { FITS, SKIP, UNRESOLVABLE, UNSCHEDULABLE } from '../framework/status.ts'
import { hasUntoleratedTaint } from './tolerations.ts'
import { DefaultSelectors } from './default-selector.ts'
import { DomainCounts } from './domain-counts.ts'
import { NodeSelectorCompiler, type NodeTest } from './node-selector.ts'
import { podTopologySpreadEvents } from './pod-topology-spread-events.ts'
import { constraintsOf, defaultConstraints, HOSTNAME, type SpreadConstraint } from './spread-constraints.ts'

const MISMATCH = ["node(s) didn't match pod topology spread constraints"]
const MISSING_LABEL = [`${MISMATCH[0]} (missing required label)`]

interface FilteredConstraint {
  readonly constraint: SpreadConstraint
  readonly domains: DomainCounts
  /** Pods in the emptiest domain that counts. */
  readonly min: number
  /** 1 where the pod itself is selected. */
  readonly self: number
}

interface ScoredConstraint {
  readonly constraint: SpreadConstraint
  readonly domains: DomainCounts
  /** Pods by node, for constraints on hosts. */
  readonly onNode: Int32Array | undefined
  /** Makes up for many domains having few pods each. */
  readonly weight: number
}

interface ScoreState {
  readonly constraints: readonly ScoredConstraint[]
  /** 1 for nodes that lack a topology label, which get no score. */
  readonly ignored: Uint8Array
}

type State = readonly FilteredConstraint[] | ScoreState

export function podTopologySpread({ nodes, listers }: PluginHandle): FilterPlugin<State> & ScorePlugin<State> {
  const selectors = new DefaultSelectors(listers)
  /** How many of the pods on each node the constraint is about. */
  const countByNode = (namespace: string, { selector }: SpreadConstraint): Int32Array => {
    const counts = new Int32Array(nodes.end)
    if (selector.isEverything) return counts
    for (const group of nodes.podClasses.in(namespace)) {
      if (group.isTerminating || !selector.matches(group.labels)) continue
      for (const [node, count] of group.counts) counts[node]! += count
    }
    return counts
  }

  /** Whether a node counts for a constraint. */
  const inclusion = ({ shape }: PodInfo) => {
    const matches: NodeTest = new NodeSelectorCompiler(nodes).required(shape) ?? (() => true)
    return ({ honorsAffinity, honorsTaints }: SpreadConstraint, node: number): boolean =>
      (!honorsAffinity || matches(node)) &&
      (!honorsTaints || !hasUntoleratedTaint(nodes.taintsOf(nodes.taintSet[node]!), shape.tolerations))
  }

  const hasAllLabels = (domains: readonly DomainCounts[], node: number) => domains.every((d) => d.has(node))

  return {
    name: 'PodTopologySpread',
    scope: 'cluster',
    events: podTopologySpreadEvents,

    preFilter(info) {
      const constraints = constraintsOf(info.pod, 'DoNotSchedule')
      if (constraints.length === 0) return SKIP
      const { namespace = '', labels = {} } = info.pod.metadata
      const isIncluded = inclusion(info)
      const domains = constraints.map((c) => new DomainCounts(nodes, c.topologyKey))
      const state = constraints.map((constraint, i): FilteredConstraint => {
        const counts = countByNode(namespace, constraint)
        const present = new Set<number>()
        const representatives: number[] = []
        for (let node = 0; node < nodes.end; node++) {
          if (nodes.exists[node] === 0 || !hasAllLabels(domains, node) || !isIncluded(constraint, node)) continue
          domains[i]!.add(node, counts[node]!)
          const value = domains[i]!.valueId(node)
          if (present.has(value)) continue
          present.add(value)
          representatives.push(node)
        }
        let min = present.size < constraint.minDomains ? 0 : Infinity
        for (const node of representatives) min = Math.min(min, domains[i]!.of(node))
        const self = constraint.selector.matches(labels) ? 1 : 0
        return { constraint, domains: domains[i]!, min, self }
      })
      return { state }
    },

    filter(state, node) {
      for (const { constraint, domains, min, self } of state as readonly FilteredConstraint[]) {
        if (!domains.has(node)) return UNRESOLVABLE
        if (domains.of(node) + self - min > constraint.maxSkew) return UNSCHEDULABLE
      }
      return FITS
    },

    reasons(state, node) {
      for (const { constraint, domains, min, self } of state as readonly FilteredConstraint[]) {
        if (!domains.has(node)) return MISSING_LABEL
        if (domains.of(node) + self - min > constraint.maxSkew) return MISMATCH
      }
      return []
    },

    preScore(info, feasible) {
      const { pod } = info
      const isOwn = (pod.spec.topologySpreadConstraints?.length ?? 0) > 0
      let constraints: SpreadConstraint[]
      if (isOwn) constraints = constraintsOf(pod, 'ScheduleAnyway')
      else {
        const selector = selectors.of(pod)
        constraints = selector ? defaultConstraints(selector) : []
      }
      if (constraints.length === 0) return SKIP

      const namespace = pod.metadata.namespace ?? ''
      const list = feasible()
      const domains = constraints.map((c) => new DomainCounts(nodes, c.topologyKey))
      const ignored = new Uint8Array(nodes.end)
      const seen = constraints.map(() => new Set<number>())
      let scoredNodes = 0
      for (let i = 0; i < list.count; i++) {
        const node = list.nodes[i]!
        if (isOwn && !hasAllLabels(domains, node)) {
          ignored[node] = 1
          continue
        }
        scoredNodes++
        for (let c = 0; c < constraints.length; c++) {
          if (constraints[c]!.topologyKey !== HOSTNAME) seen[c]!.add(domains[c]!.valueId(node))
        }
      }
      const isIncluded = inclusion(info)
      const scored = constraints.map((constraint, c): ScoredConstraint => {
        const counts = countByNode(namespace, constraint)
        const isHost = constraint.topologyKey === HOSTNAME
        const size = isHost ? scoredNodes : seen[c]!.size
        const weight = Math.log(size + 2)
        if (isHost) return { constraint, domains: domains[c]!, onNode: counts, weight }
        for (let node = 0; node < nodes.end; node++) {
          if (counts[node] === 0 || nodes.exists[node] === 0 || !seen[c]!.has(domains[c]!.valueId(node))) continue
          if (isOwn && !hasAllLabels(domains, node)) continue
          if (isIncluded(constraint, node)) domains[c]!.add(node, counts[node]!)
        }
        return { constraint, domains: domains[c]!, onNode: undefined, weight }
      })
      return { constraints: scored, ignored }
    },

    score(state, node) {
      const { constraints, ignored } = state as ScoreState
      if (ignored[node] === 1) return 0
      let score = 0
      for (const { constraint, domains, onNode, weight } of constraints) {
        if (!domains.has(node)) continue
        const count = onNode ? onNode[node]! : domains.of(node)
        score += count * weight + (constraint.maxSkew - 1)
      }
      return Math.round(score)
    },

    normalization: (state, scores, list) => invert(state as ScoreState, scores, list),
  }
}

/** 100 for the fewest pods, less in proportion to the most; 0 for nodes that are ignored. */
function invert({ ignored }: ScoreState, scores: Float64Array, { nodes, count }: NodeList) {
  let min = Infinity
  let max = 0
  for (let i = 0; i < count; i++) {
    if (ignored[nodes[i]!] === 1) continue
    min = Math.min(min, scores[i]!)
    max = Math.max(max, scores[i]!)
  }
  for (let i = 0; i < count; i++) {
    if (ignored[nodes[i]!] === 1) scores[i] = 0
    else scores[i] = max === 0 ? 100 : Math.floor((100 * (max + min - scores[i]!)) / max)
  }
}
