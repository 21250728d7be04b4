/**
 * Where pods of one shape can go and how well, as far as that depends on single nodes; kept current by looking again
 * only at the nodes that changed since the last time. The best node is then found without looking at any.
 *
 * Feasible nodes are kept in buckets, one for each total score, so that picking one of the best at random takes constant
 * time. Scores that are relative to the greatest among the feasible nodes are kept raw, with a count for each value: only
 * when the greatest value itself changes are all totals computed anew.
 */
import type { Random } from '#base/random.ts'
import type { FilterPlugin, NodeList, Profile, ScorePlugin } from './framework/plugin.ts'
import { FITS, type FilterCode, Rejection, SKIP } from './framework/status.ts'
import type { NodeTable } from './state/node-table.ts'
import type { PodInfo } from './state/pod-info.ts'

/** In `rejectedBy`: fits; is no node; was not even looked at because PreFilter left it out. Else 1 + the plugin's place. */
const FEASIBLE = 0
const NO_NODE = 255
const LEFT_OUT = 254

interface ActiveFilter {
  readonly plugin: FilterPlugin
  readonly state: unknown
}

interface ActiveScore {
  readonly plugin: ScorePlugin
  readonly state: unknown
  readonly weight: number
}

/** A score relative to the greatest raw score among the feasible nodes. */
interface RelativeScore extends ActiveScore {
  readonly isReversed: boolean
  raw: Int32Array
  /** How many feasible nodes have a raw score, other than 0. */
  readonly counts: Map<number, number>
  max: number
}

const noNodes = (): NodeList => {
  throw new TypeError('a score plugin of scope "node" must not look at the feasible nodes')
}

export class ShapeEvaluation {
  /** A PreFilter plugin refused all nodes. */
  rejection: Rejection | undefined
  /** PreFilter plugins left only these nodes; their names. */
  leftIn: ReadonlySet<string> | undefined
  leftInBy: readonly string[] = []

  readonly #table: NodeTable
  readonly #profile: Profile
  #filters: ActiveFilter[] = []
  #absolute: ActiveScore[] = []
  #relative: RelativeScore[] = []
  #rejectedBy = new Uint8Array(0)
  #code = new Uint8Array(0)
  #base = new Int32Array(0)
  #total = new Int32Array(0)
  /** Place of a feasible node in its bucket. */
  #place = new Int32Array(0)
  #buckets: number[][] = []
  #top = -1
  #feasibleCount = 0
  /** The arrays of relative scores, kept for when these are prepared again. */
  readonly #rawArrays: Int32Array[] = []
  #position = -1
  #layoutVersion = -1
  #stamps: number[] = []

  constructor(table: NodeTable, profile: Profile) {
    this.#table = table
    this.#profile = profile
  }

  get feasibleCount(): number {
    return this.#feasibleCount
  }

  /** Up to which position of the change log this is current. */
  get position(): number {
    return this.#position
  }

  /** Brings everything up to date. `pod` must be of this shape. */
  refresh(pod: PodInfo): void {
    const { changes } = this.#table
    const isCurrent = this.#layoutVersion === this.#table.layoutVersion && this.#stampsHold()
    if (!isCurrent || !changes.covers(this.#position) || changes.end - this.#position > this.#table.end) {
      this.#evaluateAll(pod)
      return
    }
    let renormalize = false
    for (let position = this.#position; position < changes.end; position++) {
      if (this.#evaluate(changes.at(position))) renormalize = true
    }
    if (renormalize && this.#updateMaxima()) this.#fillBuckets()
    this.#position = changes.end
  }

  /** One of the best feasible nodes, each as likely as the other; undefined where there is none. */
  pick(random: Random): number | undefined {
    if (this.#feasibleCount === 0) return undefined
    while (!this.#buckets[this.#top]?.length) this.#top--
    const best = this.#buckets[this.#top]!
    return best[best.length === 1 ? 0 : random.int(best.length)]
  }

  isFeasible(node: number): boolean {
    return this.#rejectedBy[node] === FEASIBLE
  }

  /** The sum of weighted scores of a feasible node. */
  total(node: number): number {
    return this.#total[node]!
  }

  /** Writes the feasible nodes into `into`, which must be long enough, and returns how many. */
  listFeasible(into: Int32Array): number {
    let count = 0
    for (let node = 0; node < this.#table.end; node++) if (this.#rejectedBy[node] === FEASIBLE) into[count++] = node
    return count
  }

  /** What the plugins of scope `node` contribute to the totals of `list`, with relative scores relative to that list. */
  addScores(list: NodeList, totals: Float64Array): void {
    for (let i = 0; i < list.count; i++) totals[i]! += this.#base[list.nodes[i]!]!
    for (const score of this.#relative) {
      let max = 0
      for (let i = 0; i < list.count; i++) max = Math.max(max, score.raw[list.nodes[i]!]!)
      for (let i = 0; i < list.count; i++)
        totals[i]! += score.weight * relativeTo(max, score, score.raw[list.nodes[i]!]!)
    }
  }

  /** FITS, or how the plugin that refused the node did so. A node that PreFilter left out counts as unresolvable. */
  code(node: number): FilterCode {
    return this.#code[node] as FilterCode
  }

  isLeftOut(node: number): boolean {
    return this.#rejectedBy[node] === LEFT_OUT
  }

  /** The plugin that refused the node and why. Only for nodes that exist, are not left out, and do not fit. */
  refusal(node: number): { plugin: string; reasons: readonly string[] } {
    const { plugin, state } = this.#filters[this.#rejectedBy[node]! - 1]!
    return { plugin: plugin.name, reasons: plugin.reasons(state, node) }
  }

  #stampsHold(): boolean {
    let i = 0
    for (const { plugin, state } of this.#filters)
      if (plugin.stamp && plugin.stamp(state) !== this.#stamps[i++]) return false
    for (const { plugin, state } of this.#absolute)
      if (plugin.stamp && plugin.stamp(state) !== this.#stamps[i++]) return false
    for (const { plugin, state } of this.#relative)
      if (plugin.stamp && plugin.stamp(state) !== this.#stamps[i++]) return false
    return true
  }

  #evaluateAll(pod: PodInfo) {
    const table = this.#table
    if (this.#rejectedBy.length !== table.capacity) {
      this.#rejectedBy = new Uint8Array(table.capacity)
      this.#code = new Uint8Array(table.capacity)
      this.#base = new Int32Array(table.capacity)
      this.#total = new Int32Array(table.capacity)
      this.#place = new Int32Array(table.capacity)
      this.#rawArrays.length = 0
    }
    this.#prepare(pod)
    this.#layoutVersion = table.layoutVersion
    this.#position = table.changes.end
    this.#rejectedBy.fill(NO_NODE)
    this.#code.fill(FITS)
    if (!this.rejection) {
      if (this.leftIn) {
        for (let node = 0; node < table.end; node++) if (table.exists[node] === 1) this.#leaveOut(node)
        for (const name of this.leftIn) {
          const node = table.index(name)
          if (node !== undefined && table.exists[node] === 1) this.#examine(node)
        }
      } else {
        for (let node = 0; node < table.end; node++) if (table.exists[node] === 1) this.#examine(node)
      }
    }
    this.#updateMaxima()
    this.#fillBuckets()
  }

  /** Makes this start over with the next `refresh`, which may then be for another shape. */
  forget(): void {
    this.#layoutVersion = -1
  }

  #prepare(pod: PodInfo) {
    this.#filters = []
    this.rejection = undefined
    this.leftIn = undefined
    const leftInBy: string[] = []
    for (const plugin of this.#profile.filters) {
      if (plugin.scope !== 'node') continue
      const result = plugin.preFilter(pod)
      if (result === SKIP) continue
      if (result instanceof Rejection) {
        this.rejection = result
        if (result.code === 'unresolvable') break
        continue
      }
      this.#filters.push({ plugin, state: result.state })
      if (result.nodeNames) {
        leftInBy.push(plugin.name)
        this.leftIn = new Set([...result.nodeNames].filter((name) => this.leftIn?.has(name) ?? true))
        if (this.leftIn.size === 0) {
          this.rejection = nothingLeft(leftInBy)
          break
        }
      }
    }
    this.leftInBy = leftInBy.sort()
    this.#absolute = []
    this.#relative = []
    for (const { plugin, weight } of this.#profile.scores) {
      if (plugin.scope !== 'node') continue
      const state = plugin.preScore(pod, noNodes)
      if (state === SKIP) continue
      if (plugin.normalization === 'none') this.#absolute.push({ plugin, state, weight })
      else {
        const isReversed = plugin.normalization === 'reversed'
        const raw = (this.#rawArrays[this.#relative.length] ??= new Int32Array(this.#table.capacity))
        this.#relative.push({ plugin, state, weight, isReversed, raw, counts: new Map(), max: 0 })
      }
    }
    this.#stamps = [...this.#filters, ...this.#absolute, ...this.#relative].flatMap(({ plugin, state }) =>
      plugin.stamp ? [plugin.stamp(state)] : [],
    )
  }

  #leaveOut(node: number) {
    this.#rejectedBy[node] = LEFT_OUT
    this.#code[node] = 2
  }

  /** Looks at one node again. True where all totals have to be computed anew. */
  #evaluate(node: number): boolean {
    let renormalize = false
    if (this.#rejectedBy[node] === FEASIBLE) {
      this.#removeFromBucket(node)
      for (const score of this.#relative) if (uncount(score, score.raw[node]!)) renormalize = true
    }
    if (this.#table.exists[node] === 0) {
      this.#rejectedBy[node] = NO_NODE
      this.#code[node] = FITS
    } else if (this.leftIn && !this.leftIn.has(this.#table.name(node))) {
      this.#leaveOut(node)
    } else if (this.#examine(node)) {
      for (const score of this.#relative) if (score.raw[node]! > score.max) renormalize = true
      this.#addToBucket(node)
    }
    return renormalize
  }

  /** Runs the filters and, where they let the node pass, the scores. True where it is feasible. */
  #examine(node: number): boolean {
    for (let i = 0; i < this.#filters.length; i++) {
      const { plugin, state } = this.#filters[i]!
      const code = plugin.filter(state, node)
      if (code === FITS) continue
      this.#rejectedBy[node] = i + 1
      this.#code[node] = code
      return false
    }
    this.#rejectedBy[node] = FEASIBLE
    this.#code[node] = FITS
    let base = 0
    for (let i = 0; i < this.#absolute.length; i++) {
      const { plugin, state, weight } = this.#absolute[i]!
      base += weight * plugin.score(state, node)
    }
    this.#base[node] = base
    for (let i = 0; i < this.#relative.length; i++) {
      const score = this.#relative[i]!
      const raw = score.plugin.score(score.state, node)
      score.raw[node] = raw
      if (raw !== 0) score.counts.set(raw, (score.counts.get(raw) ?? 0) + 1)
    }
    return true
  }

  #totalOf(node: number): number {
    let total = this.#base[node]!
    for (const score of this.#relative) total += score.weight * relativeTo(score.max, score, score.raw[node]!)
    return total
  }

  #updateMaxima(): boolean {
    let changed = false
    for (const score of this.#relative) {
      let max = 0
      for (const raw of score.counts.keys()) if (raw > max) max = raw
      if (max !== score.max) changed = true
      score.max = max
    }
    return changed
  }

  #fillBuckets() {
    this.#buckets = []
    this.#top = -1
    this.#feasibleCount = 0
    for (let node = 0; node < this.#table.end; node++) if (this.#rejectedBy[node] === FEASIBLE) this.#addToBucket(node)
  }

  #addToBucket(node: number) {
    const total = this.#totalOf(node)
    let bucket = this.#buckets[total]
    if (!bucket) this.#buckets[total] = bucket = []
    this.#total[node] = total
    this.#place[node] = bucket.length
    bucket.push(node)
    if (total > this.#top) this.#top = total
    this.#feasibleCount++
  }

  #removeFromBucket(node: number) {
    const bucket = this.#buckets[this.#total[node]!]!
    const last = bucket.pop()!
    if (last !== node) {
      bucket[this.#place[node]!] = last
      this.#place[last] = this.#place[node]!
    }
    this.#feasibleCount--
  }
}

/** Takes a raw score back. True where it was the last of the greatest. */
function uncount(score: RelativeScore, raw: number): boolean {
  if (raw === 0) return false
  const count = score.counts.get(raw)! - 1
  if (count > 0) score.counts.set(raw, count)
  else score.counts.delete(raw)
  return count === 0 && raw === score.max
}

function relativeTo(max: number, score: RelativeScore, raw: number): number {
  if (max === 0) return score.isReversed ? 100 : raw
  const part = Math.floor((100 * raw) / max)
  return score.isReversed ? 100 - part : part
}

function nothingLeft(plugins: readonly string[]): Rejection {
  const names = plugins.toSorted()
  const message =
    names.length === 1
      ? `node(s) didn't satisfy plugin ${names[0]}`
      : `node(s) didn't satisfy plugin(s) [${names.join(' ')}] simultaneously`
  return new Rejection(names[0]!, [message], 'unresolvable')
}
