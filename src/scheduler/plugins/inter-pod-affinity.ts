/**
 * InterPodAffinity: nodes in a domain (zone, host, ...) without the company that the pod requires, or with company that
 * it or that company forbids, are out; preferred company counts by weight, on either side, and so does being required by
 * pods that are there already.
 */
import type { LabelSelector } from '#machinery/labels.ts'
import type { FilterPlugin, NodeList, PluginHandle, ScorePlugin } from '../framework/plugin.ts'
import { FITS, SKIP, UNRESOLVABLE, UNSCHEDULABLE } from '../framework/status.ts'
import type { NodeTable } from '../state/node-table.ts'
import { type AffinityTerm, termMatches } from '../state/pod-affinity-terms.ts'
import type { PodClass } from '../state/pod-classes.ts'
import { DomainCounts } from './domain-counts.ts'
import { interPodAffinityEvents, matchesAll } from './inter-pod-affinity-events.ts'

const NAME = 'InterPodAffinity'
/** What an existing pod's required affinity to the pod is worth in scoring. */
const HARD_POD_AFFINITY_WEIGHT = 1

const REASONS = {
  affinity: ["node(s) didn't match pod affinity rules"],
  antiAffinity: ["node(s) didn't match pod anti-affinity rules"],
  existing: ["node(s) didn't satisfy existing pods anti-affinity rules"],
}
type Verdict = keyof typeof REASONS | 'fits'

interface FilterState {
  /** By required term: how many pods in the domain match all of them. */
  readonly affinity: readonly DomainCounts[]
  /** No pod anywhere matches, but the pod itself does: it may be the first of its kind. */
  readonly mayBeFirst: boolean
  /** By required anti-affinity term: how many pods in the domain match it. */
  readonly antiAffinity: readonly DomainCounts[]
  /** By topology key: how many pods in the domain forbid this one. */
  readonly existing: readonly DomainCounts[]
}

type State = FilterState | ByKey

export function interPodAffinity({ nodes, listers }: PluginHandle): FilterPlugin<State> & ScorePlugin<State> {
  const labelsOf = (namespace: string) => listers.namespaces.get(undefined, namespace)?.metadata.labels
  /** A term of the pod to be placed, with its namespaces spelled out. */
  const resolve = <T extends AffinityTerm>(term: T): T => {
    const { namespaceSelector } = term
    if (namespaceSelector.isNothing || namespaceSelector.isEverything) return term
    const matching = listers.namespaces.list().filter((n) => namespaceSelector.matches(n.metadata.labels ?? {}))
    return { ...term, namespaces: new Set([...term.namespaces, ...matching.map((n) => n.metadata.name)]) }
  }

  return {
    name: NAME,
    scope: 'cluster',
    events: interPodAffinityEvents,

    preFilter(info) {
      const { namespace = '', labels } = info.pod.metadata
      const existing = new ByKey(nodes)
      const namespaceLabels = nodes.affinityClasses.size > 0 ? labelsOf(namespace) : undefined
      for (const group of nodes.affinityClasses.all()) {
        if (group.terms.requiredAnti.length === 0) continue
        for (const term of group.terms.requiredAnti) {
          if (termMatches(term, namespace, labels, namespaceLabels)) existing.addAll(term, group.counts, 1)
        }
      }
      const required = (info.affinity?.required ?? []).map(resolve)
      const requiredAnti = (info.affinity?.requiredAnti ?? []).map(resolve)
      if (!existing.isTouched && required.length === 0 && requiredAnti.length === 0) return SKIP

      const affinity = required.map((term) => new DomainCounts(nodes, term.topologyKey))
      if (required.length > 0) {
        for (const group of classesFor(nodes, required[0]!)) {
          if (!required.every((term) => isAbout(term, group))) continue
          for (const counts of affinity) for (const [node, count] of group.counts) counts.add(node, count)
        }
      }
      const antiAffinity = requiredAnti.map((term) => {
        const counts = new DomainCounts(nodes, term.topologyKey)
        for (const group of classesFor(nodes, term)) {
          if (isAbout(term, group)) for (const [node, count] of group.counts) counts.add(node, count)
        }
        return counts
      })
      const mayBeFirst = !affinity.some((counts) => counts.isTouched) && matchesAll(required, info.pod)
      return { state: { affinity, mayBeFirst, antiAffinity, existing: existing.counts() } }
    },

    filter(state, node) {
      switch (verdict(state as FilterState, node)) {
        case 'fits':
          return FITS
        case 'affinity':
          return UNRESOLVABLE
        default:
          return UNSCHEDULABLE
      }
    },

    reasons(state, node) {
      const found = verdict(state as FilterState, node)
      return found === 'fits' ? [] : REASONS[found]
    },

    normalization: (_state, scores, list) => stretch(scores, list),

    preScore(info) {
      const { namespace = '', labels } = info.pod.metadata
      const scores = new ByKey(nodes)
      for (const [terms, sign] of [
        [info.affinity?.preferred ?? [], 1],
        [info.affinity?.preferredAnti ?? [], -1],
      ] as const) {
        for (const term of terms.map(resolve)) {
          for (const group of classesFor(nodes, term)) {
            if (isAbout(term, group)) scores.addAll(term, group.counts, sign * term.weight)
          }
        }
      }
      const namespaceLabels = nodes.affinityClasses.size > 0 ? labelsOf(namespace) : undefined
      for (const { terms, counts } of nodes.affinityClasses.all()) {
        const add = (term: AffinityTerm, weight: number) => {
          if (termMatches(term, namespace, labels, namespaceLabels)) scores.addAll(term, counts, weight)
        }
        for (const term of terms.required) add(term, HARD_POD_AFFINITY_WEIGHT)
        for (const term of terms.preferred) add(term, term.weight)
        for (const term of terms.preferredAnti) add(term, -term.weight)
      }
      return scores.isTouched ? scores : SKIP
    },

    score: (state, node) => (state as ByKey).sum(node),
  }
}

/** Sums by topology key and domain. */
class ByKey {
  readonly #nodes: NodeTable
  readonly #byKey = new Map<string, DomainCounts>()

  constructor(nodes: NodeTable) {
    this.#nodes = nodes
  }

  addAll(term: AffinityTerm, counts: ReadonlyMap<number, number>, weight: number): void {
    let domains = this.#byKey.get(term.topologyKey)
    if (!domains) this.#byKey.set(term.topologyKey, (domains = new DomainCounts(this.#nodes, term.topologyKey)))
    for (const [node, count] of counts) domains.add(node, count * weight)
  }

  get isTouched(): boolean {
    return this.counts().some((domains) => domains.isTouched)
  }

  counts(): DomainCounts[] {
    return [...this.#byKey.values()]
  }

  sum(node: number): number {
    let sum = 0
    for (const domains of this.#byKey.values()) sum += domains.of(node)
    return sum
  }
}

function verdict({ affinity, mayBeFirst, antiAffinity, existing }: FilterState, node: number): Verdict {
  let hasCompany = true
  for (const counts of affinity) {
    if (!counts.has(node)) return 'affinity'
    if (counts.of(node) <= 0) hasCompany = false
  }
  if (!hasCompany && !mayBeFirst) return 'affinity'
  for (const counts of antiAffinity) if (counts.of(node) > 0) return 'antiAffinity'
  for (const counts of existing) if (counts.of(node) > 0) return 'existing'
  return 'fits'
}

/** The groups of pods that a term can be about, as far as namespaces go. */
function* classesFor(nodes: NodeTable, term: AffinityTerm): Iterable<PodClass> {
  if (term.namespaceSelector.isEverything) yield* nodes.podClasses.all()
  else for (const namespace of term.namespaces) yield* nodes.podClasses.in(namespace)
}

/** For a term with its namespaces spelled out. */
function isAbout(term: AffinityTerm, group: PodClass): boolean {
  return inNamespaces(term.namespaceSelector, term.namespaces, group.namespace) && term.selector.matches(group.labels)
}

function inNamespaces(selector: LabelSelector, names: ReadonlySet<string>, namespace: string): boolean {
  return selector.isEverything || names.has(namespace)
}

/** 0 for the least, 100 for the greatest score. */
function stretch(scores: Float64Array, { count }: NodeList) {
  let min = Infinity
  let max = -Infinity
  for (let i = 0; i < count; i++) {
    min = Math.min(min, scores[i]!)
    max = Math.max(max, scores[i]!)
  }
  for (let i = 0; i < count; i++) {
    scores[i] = max > min ? Math.trunc(100 * ((scores[i]! - min) / (max - min))) : 0
  }
}
