/**
 * Decides where one pod goes, given the state of the cluster: filters, then scores (upstream: `schedulePod`). All nodes
 * are looked at, so decisions are those that upstream makes when it samples none away; among the best nodes each is as
 * likely as the other. Writes nothing but its own caches.
 */
import type { Random } from '#base/random.ts'
import { fitErrorMessage } from './framework/diagnosis.ts'
import type { FilterOutcome, FilterPlugin, NodeList, Profile, ScorePlugin } from './framework/plugin.ts'
import { FITS, type FilterCode, Rejection, SKIP } from './framework/status.ts'
import { ShapeEvaluation } from './shape-evaluation.ts'
import type { NodeTable } from './state/node-table.ts'
import type { PodInfo } from './state/pod-info.ts'
import type { PodShape } from './state/pod-shape.ts'

export interface Placement {
  readonly nodeName: string
  /** How many nodes could have taken the pod. */
  readonly feasibleNodes: number
}

/** No node can take the pod now. */
export interface Misfit {
  readonly message: string
  /** The plugins that rejected the pod or a node; none where there are no nodes at all. */
  readonly plugins: ReadonlySet<string>
  readonly pendingPlugins: ReadonlySet<string>
  /** What PostFilter made of it: the node to wait for, or the empty name for none; undefined: as before. */
  readonly nominatedNodeName: string | undefined
}

export type Decision = { readonly placement: Placement } | { readonly misfit: Misfit }

interface ClusterFilter {
  readonly plugin: FilterPlugin
  readonly state: unknown
}

interface ClusterScore {
  readonly plugin: ScorePlugin
  readonly state: unknown
  readonly weight: number
}

/** What was found out about a shape that fits nowhere, good until the position or the layout changes. */
interface Refusals {
  readonly position: number
  readonly reasons: Map<string, number>
  readonly plugins: Set<string>
}

/** How many shapes are kept current: as many as take about 30 MB, at twenty bytes per node, and some in any case. */
const MIN_EVALUATIONS = 64
const MAX_EVALUATED_NODES = 1_500_000
const NONE: ReadonlySet<string> = new Set()

export class SchedulingAlgorithm {
  readonly #table: NodeTable
  readonly #profile: Profile
  readonly #random: Random
  readonly #clusterFilters: readonly FilterPlugin[]
  readonly #clusterScores: readonly { plugin: ScorePlugin; weight: number }[]
  /** Least recently used first. */
  readonly #evaluations = new Map<PodShape, ShapeEvaluation>()
  readonly #refusals = new WeakMap<ShapeEvaluation, Refusals>()
  #spare: ShapeEvaluation | undefined
  #list = new Int32Array(0)
  #totals = new Float64Array(0)
  #scores = new Float64Array(0)
  /** 1 + the place of the cluster filter that refused the node, by node index. */
  #refusedBy = new Uint8Array(0)
  #refusedCode = new Uint8Array(0)

  constructor(table: NodeTable, profile: Profile, random: Random) {
    this.#table = table
    this.#profile = profile
    this.#random = random
    this.#clusterFilters = profile.filters.filter((p) => p.scope === 'cluster')
    this.#clusterScores = profile.scores.filter((s) => s.plugin.scope === 'cluster')
  }

  decide(pod: PodInfo): Decision {
    if (this.#table.count === 0) {
      const message = 'no nodes available to schedule pods'
      return { misfit: { message, plugins: NONE, pendingPlugins: NONE, nominatedNodeName: '' } }
    }
    const evaluation = this.#evaluationOf(pod)
    const filters = this.#prepareFilters(pod, evaluation)
    if (filters instanceof Rejection) return this.#rejected(pod, filters, evaluation)

    const nominated = this.#nominatedNode(pod, evaluation, filters)
    if (nominated !== undefined) return this.#placed(nominated, 1)

    const list = filters.length > 0 ? this.#filter(evaluation, filters) : undefined
    const feasibleCount = list ? list.count : evaluation.feasibleCount
    if (feasibleCount === 0) return this.#unplaceable(pod, evaluation, filters)
    if (list?.count === 1) return this.#placed(list.nodes[0]!, 1)

    let feasible = list
    const scores =
      feasibleCount > 1 ? this.#prepareScores(pod, () => (feasible ??= this.#listFeasible(evaluation))) : []
    if (!list && scores.length === 0) return this.#placed(evaluation.pick(this.#random)!, feasibleCount)
    feasible ??= this.#listFeasible(evaluation)
    return this.#placed(this.#best(evaluation, feasible, scores), feasibleCount)
  }

  /** The weighted total of every feasible node, by name; for tests and for explaining a decision. Empty where none is. */
  explain(pod: PodInfo): Map<string, number> {
    const totals = new Map<string, number>()
    if (this.#table.count === 0) return totals
    const evaluation = this.#evaluationOf(pod)
    const filters = this.#prepareFilters(pod, evaluation)
    if (filters instanceof Rejection) return totals
    const list = this.#filter(evaluation, filters)
    const scores = this.#prepareScores(pod, () => list)
    const isSingle = filters.length === 0 && scores.length === 0
    if (!isSingle) this.#score(evaluation, list, scores)
    for (let i = 0; i < list.count; i++) {
      const node = list.nodes[i]!
      totals.set(this.#table.name(node), isSingle ? evaluation.total(node) : this.#totals[i]!)
    }
    return totals
  }

  #evaluationOf(pod: PodInfo): ShapeEvaluation {
    let evaluation = this.#evaluations.get(pod.shape)
    if (evaluation) this.#evaluations.delete(pod.shape)
    else {
      evaluation = this.#spare ?? new ShapeEvaluation(this.#table, this.#profile)
      evaluation.forget()
      this.#refusals.delete(evaluation)
      this.#spare = undefined
    }
    evaluation.refresh(pod)
    if (evaluation.leftIn) {
      // Meant for nodes by name, so hardly a second pod will have this shape.
      this.#spare = evaluation
      return evaluation
    }
    this.#evaluations.set(pod.shape, evaluation)
    if (this.#evaluations.size > Math.max(MIN_EVALUATIONS, MAX_EVALUATED_NODES / this.#table.capacity)) {
      const [oldest, unused] = this.#evaluations.entries().next().value!
      this.#evaluations.delete(oldest)
      this.#spare = unused
    }
    return evaluation
  }

  #prepareFilters(pod: PodInfo, evaluation: ShapeEvaluation): ClusterFilter[] | Rejection {
    let rejection = evaluation.rejection
    if (rejection?.code === 'unresolvable') return rejection
    const active: ClusterFilter[] = []
    for (const plugin of this.#clusterFilters) {
      const result = plugin.preFilter(pod)
      if (result === SKIP) continue
      if (result instanceof Rejection) {
        rejection = result
        if (result.code === 'unresolvable') break
        continue
      }
      active.push({ plugin, state: result.state })
    }
    return rejection ?? active
  }

  /** The node that the pod has been waiting for, where it can take the pod now. */
  #nominatedNode(pod: PodInfo, evaluation: ShapeEvaluation, filters: readonly ClusterFilter[]): number | undefined {
    const name = pod.pod.status.nominatedNodeName
    const node = name ? this.#table.index(name) : undefined
    if (node === undefined || !evaluation.isFeasible(node)) return undefined
    return filters.every(({ plugin, state }) => plugin.filter(state, node) === FITS) ? node : undefined
  }

  /** The nodes that pass everything; for the others of those that a single-node filter let pass, which filter refused them. */
  #filter(evaluation: ShapeEvaluation, filters: readonly ClusterFilter[]): NodeList {
    const list = this.#listFeasible(evaluation)
    if (filters.length === 0) return list
    this.#refusedBy.fill(0)
    let count = 0
    for (let i = 0; i < list.count; i++) {
      const node = list.nodes[i]!
      let code: FilterCode = FITS
      for (let f = 0; f < filters.length && code === FITS; f++) {
        code = filters[f]!.plugin.filter(filters[f]!.state, node)
        if (code === FITS) continue
        this.#refusedBy[node] = f + 1
        this.#refusedCode[node] = code
      }
      if (code === FITS) list.nodes[count++] = node
    }
    return { nodes: list.nodes, count }
  }

  #listFeasible(evaluation: ShapeEvaluation): NodeList {
    if (this.#list.length < this.#table.capacity) {
      this.#list = new Int32Array(this.#table.capacity)
      this.#totals = new Float64Array(this.#table.capacity)
      this.#scores = new Float64Array(this.#table.capacity)
      this.#refusedBy = new Uint8Array(this.#table.capacity)
      this.#refusedCode = new Uint8Array(this.#table.capacity)
    }
    return { nodes: this.#list, count: evaluation.listFeasible(this.#list) }
  }

  #prepareScores(pod: PodInfo, feasible: () => NodeList): ClusterScore[] {
    const active: ClusterScore[] = []
    for (const { plugin, weight } of this.#clusterScores) {
      const state = plugin.preScore(pod, feasible)
      if (state !== SKIP) active.push({ plugin, state, weight })
    }
    return active
  }

  #score(evaluation: ShapeEvaluation, list: NodeList, active: readonly ClusterScore[]) {
    const totals = this.#totals
    totals.fill(0, 0, list.count)
    evaluation.addScores(list, totals)
    for (const { plugin, state, weight } of active) {
      const scores = this.#scores
      for (let i = 0; i < list.count; i++) scores[i] = plugin.score(state, list.nodes[i]!)
      normalize(plugin, state, scores, list)
      for (let i = 0; i < list.count; i++) totals[i]! += weight * scores[i]!
    }
  }

  /** Reservoir sampling: the k-th of the best so far replaces the choice with a chance of one in k. */
  #best(evaluation: ShapeEvaluation, list: NodeList, active: readonly ClusterScore[]): number {
    this.#score(evaluation, list, active)
    let best = 0
    let ties = 1
    for (let i = 1; i < list.count; i++) {
      if (this.#totals[i]! > this.#totals[best]!) {
        best = i
        ties = 1
      } else if (this.#totals[i] === this.#totals[best] && this.#random.int(++ties) === 0) {
        best = i
      }
    }
    return list.nodes[best]!
  }

  #placed(node: number, feasibleNodes: number): Decision {
    return { placement: { nodeName: this.#table.name(node), feasibleNodes } }
  }

  #rejected(pod: PodInfo, rejection: Rejection, evaluation: ShapeEvaluation): Decision {
    const code: FilterCode = rejection.code === 'unresolvable' ? 2 : 1
    const post = this.#postFilter(pod, { code: () => code })
    const message = fitErrorMessage({
      nodeCount: this.#table.count,
      preFilterMessage: rejection.message,
      reasons: new Map(),
      postFilterMessage: post.message,
    })
    const plugins = new Set([rejection.plugin, ...evaluation.leftInBy])
    const pendingPlugins = rejection.code === 'pending' ? new Set([rejection.plugin]) : NONE
    return { misfit: { message, plugins, pendingPlugins, nominatedNodeName: post.nominatedNodeName } }
  }

  #unplaceable(pod: PodInfo, evaluation: ShapeEvaluation, filters: readonly ClusterFilter[]): Decision {
    const { reasons, plugins } = this.#refusalsOf(evaluation, filters)
    const outcome: FilterOutcome = {
      code: (node) => (evaluation.isFeasible(node) ? (this.#refusedCode[node] as FilterCode) : evaluation.code(node)),
    }
    const post = this.#postFilter(pod, outcome)
    const message = fitErrorMessage({
      nodeCount: this.#table.count,
      preFilterMessage: '',
      reasons,
      postFilterMessage: post.message,
    })
    return { misfit: { message, plugins, pendingPlugins: NONE, nominatedNodeName: post.nominatedNodeName } }
  }

  #refusalsOf(evaluation: ShapeEvaluation, filters: readonly ClusterFilter[]): Refusals {
    const known = this.#refusals.get(evaluation)
    if (known && filters.length === 0 && known.position === evaluation.position && !evaluation.leftIn) return known
    const reasons = new Map<string, number>()
    const plugins = new Set<string>(evaluation.leftInBy)
    let leftOut = 0
    for (let node = 0; node < this.#table.end; node++) {
      if (this.#table.exists[node] === 0) continue
      if (evaluation.isLeftOut(node)) {
        leftOut++
        continue
      }
      const refusal = evaluation.isFeasible(node) ? this.#refusalBy(filters, node) : evaluation.refusal(node)
      plugins.add(refusal.plugin)
      for (const reason of refusal.reasons) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    }
    if (leftOut > 0) reasons.set(`node(s) didn't satisfy plugin(s) [${evaluation.leftInBy.join(' ')}]`, leftOut)
    const refusals = { position: evaluation.position, reasons, plugins }
    if (filters.length === 0) this.#refusals.set(evaluation, refusals)
    return refusals
  }

  #refusalBy(filters: readonly ClusterFilter[], node: number): { plugin: string; reasons: readonly string[] } {
    const { plugin, state } = filters[this.#refusedBy[node]! - 1]!
    return { plugin: plugin.name, reasons: plugin.reasons(state, node) }
  }

  #postFilter(pod: PodInfo, outcome: FilterOutcome): { message: string; nominatedNodeName: string | undefined } {
    const messages: string[] = []
    let nominatedNodeName: string | undefined
    for (const plugin of this.#profile.postFilters) {
      const result = plugin.postFilter(pod, outcome)
      if (result.nominatedNodeName !== undefined) nominatedNodeName = result.nominatedNodeName
      if (result.nominatedNodeName) return { message: result.message, nominatedNodeName }
      if (result.message) messages.push(result.message)
    }
    return { message: messages.join(', '), nominatedNodeName }
  }
}

function normalize(plugin: ScorePlugin, state: unknown, scores: Float64Array, list: NodeList) {
  const { normalization } = plugin
  if (normalization === 'none') return
  if (typeof normalization === 'function') return normalization(state, scores, list)
  let max = 0
  for (let i = 0; i < list.count; i++) max = Math.max(max, scores[i]!)
  const isReversed = normalization === 'reversed'
  for (let i = 0; i < list.count; i++) {
    const part = max === 0 ? 0 : Math.floor((100 * scores[i]!) / max)
    scores[i] = isReversed ? 100 - part : part
  }
}
