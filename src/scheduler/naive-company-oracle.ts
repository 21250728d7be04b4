/**
 * PodTopologySpread and InterPodAffinity written down as plainly as possible, pod by pod: what the tests hold the real
 * ones against. See naive-oracle.ts.
 */
import type { Pod, PodAffinityTerm, TopologySpreadConstraint } from '#api/core/v1/pod.ts'
import { type Labels, type LabelSelectorObject, selectorFromObject } from '#machinery/labels.ts'
import type { NaiveNode } from './naive-oracle.ts'
import { matchesRequired } from './plugins/node-selector.ts'
import { hasUntoleratedTaint } from './plugins/tolerations.ts'
import { PodShapes } from './state/pod-shape.ts'

/** Labels of namespaces, by name. */
export type NamespaceLabels = Readonly<Record<string, Labels>>

const labelOf = ({ node }: NaiveNode, key: string) => node.metadata.labels?.[key]
const matches = (selector: LabelSelectorObject | undefined, labels: Labels | undefined) =>
  selectorFromObject(selector).matches(labels ?? {})

function termIsAbout(term: PodAffinityTerm, owner: Pod, other: Pod, namespaces: NamespaceLabels): boolean {
  const isOwn = !term.namespaces?.length && !term.namespaceSelector
  const named = isOwn ? [owner.metadata.namespace] : (term.namespaces ?? [])
  const { namespace = '', labels } = other.metadata
  const inNamespace = named.includes(namespace) || matches(term.namespaceSelector, namespaces[namespace])
  return inNamespace && matches(term.labelSelector, labels)
}

export function naiveCompanyRefusal(pod: Pod, at: NaiveNode, all: NaiveNode[], namespaces: NamespaceLabels): string[] {
  const required = pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
  const forbidden = pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
  const sameDomain = (n: NaiveNode, key: string) =>
    labelOf(at, key) !== undefined && labelOf(n, key) === labelOf(at, key)
  const isCompany = (other: Pod) => required.every((t) => termIsAbout(t, pod, other, namespaces))

  if (required.some((t) => labelOf(at, t.topologyKey) === undefined)) return ["node(s) didn't match pod affinity rules"]
  const satisfied = required.every((t) => all.some((n) => sameDomain(n, t.topologyKey) && n.pods.some(isCompany)))
  if (!satisfied) {
    const anywhere = all.some(
      (n) => n.pods.some(isCompany) && required.some((t) => labelOf(n, t.topologyKey) !== undefined),
    )
    if (anywhere || !isCompany(pod)) return ["node(s) didn't match pod affinity rules"]
  }
  for (const t of forbidden) {
    if (all.some((n) => sameDomain(n, t.topologyKey) && n.pods.some((p) => termIsAbout(t, pod, p, namespaces)))) {
      return ["node(s) didn't match pod anti-affinity rules"]
    }
  }
  for (const n of all) {
    for (const p of n.pods) {
      for (const t of p.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
        if (sameDomain(n, t.topologyKey) && termIsAbout(t, p, pod, namespaces)) {
          return ["node(s) didn't satisfy existing pods anti-affinity rules"]
        }
      }
    }
  }
  return []
}

export function naiveCompanyScores(
  pod: Pod,
  feasible: NaiveNode[],
  all: NaiveNode[],
  namespaces: NamespaceLabels,
): number[] {
  const raw = feasible.map((at) => {
    let score = 0
    const add = (t: PodAffinityTerm, owner: Pod, about: Pod, n: NaiveNode, weight: number) => {
      const value = labelOf(n, t.topologyKey)
      if (value === undefined || value !== labelOf(at, t.topologyKey)) return
      if (termIsAbout(t, owner, about, namespaces)) score += weight
    }
    for (const n of all) {
      for (const other of n.pods) {
        for (const [owner, about] of [
          [pod, other],
          [other, pod],
        ] as const) {
          const { podAffinity, podAntiAffinity } = owner.spec.affinity ?? {}
          for (const w of podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []) {
            add(w.podAffinityTerm, owner, about, n, w.weight)
          }
          for (const w of podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []) {
            add(w.podAffinityTerm, owner, about, n, -w.weight)
          }
        }
        for (const t of other.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
          add(t, other, pod, n, 1)
        }
      }
    }
    return score
  })
  const [min, max] = [Math.min(...raw), Math.max(...raw)]
  return raw.map((score) => (max > min ? Math.trunc(100 * ((score - min) / (max - min))) : 0))
}

function selectorOf(pod: Pod, c: TopologySpreadConstraint): (labels: Labels | undefined) => boolean {
  const own = (c.matchLabelKeys ?? []).filter((key) => pod.metadata.labels?.[key] !== undefined)
  return (labels) => matches(c.labelSelector, labels) && own.every((key) => labels?.[key] === pod.metadata.labels![key])
}

function countOn(pod: Pod, c: TopologySpreadConstraint, n: NaiveNode): number {
  const isEmpty =
    c.labelSelector && Object.keys(c.labelSelector.matchLabels ?? {}).length === 0 && !c.matchLabelKeys?.length
  if (isEmpty) return 0
  const isSelected = selectorOf(pod, c)
  return n.pods.filter(
    ({ metadata }) =>
      metadata.namespace === pod.metadata.namespace && !metadata.deletionTimestamp && isSelected(metadata.labels),
  ).length
}

function isIncluded(pod: Pod, c: TopologySpreadConstraint, { node }: NaiveNode): boolean {
  const shape = new PodShapes().of(pod)
  if ((c.nodeAffinityPolicy ?? 'Honor') === 'Honor' && !matchesRequired(shape, node)) return false
  return c.nodeTaintsPolicy !== 'Honor' || !hasUntoleratedTaint(node.spec.taints, pod.spec.tolerations ?? [])
}

export function naiveSpreadRefusal(pod: Pod, at: NaiveNode, all: NaiveNode[]): string[] {
  const constraints = (pod.spec.topologySpreadConstraints ?? []).filter((c) => c.whenUnsatisfiable === 'DoNotSchedule')
  const counted = all.filter((n) => constraints.every((c) => labelOf(n, c.topologyKey) !== undefined))
  for (const c of constraints) {
    const value = labelOf(at, c.topologyKey)
    if (value === undefined) return ["node(s) didn't match pod topology spread constraints (missing required label)"]
    const domains = new Map<string, number>()
    for (const n of counted.filter((n) => isIncluded(pod, c, n))) {
      const domain = labelOf(n, c.topologyKey)!
      domains.set(domain, (domains.get(domain) ?? 0) + countOn(pod, c, n))
    }
    const min = domains.size < (c.minDomains ?? 1) ? 0 : Math.min(...domains.values())
    const self = selectorOf(pod, c)(pod.metadata.labels) ? 1 : 0
    if ((domains.get(value) ?? 0) + self - min > c.maxSkew)
      return ["node(s) didn't match pod topology spread constraints"]
  }
  return []
}

/** Undefined where the plugin has nothing to say. */
export function naiveSpreadScores(
  pod: Pod,
  feasible: NaiveNode[],
  all: NaiveNode[],
  serviceSelector: Record<string, string> | undefined,
): number[] | undefined {
  const own = pod.spec.topologySpreadConstraints ?? []
  let constraints = own.filter((c) => c.whenUnsatisfiable === 'ScheduleAnyway')
  if (own.length === 0 && serviceSelector) {
    const rest = { whenUnsatisfiable: 'ScheduleAnyway', labelSelector: { matchLabels: serviceSelector } }
    constraints = [
      { topologyKey: 'kubernetes.io/hostname', maxSkew: 3, ...rest },
      { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5, ...rest },
    ]
  }
  if (constraints.length === 0) return undefined
  const needsAll = own.length > 0
  const hasAll = (n: NaiveNode) => constraints.every((c) => labelOf(n, c.topologyKey) !== undefined)
  const scored = feasible.filter((n) => !needsAll || hasAll(n))
  const raw = feasible.map((at) => {
    if (!scored.includes(at)) return undefined
    let sum = 0
    for (const c of constraints) {
      const value = labelOf(at, c.topologyKey)
      if (value === undefined) continue
      const isHost = c.topologyKey === 'kubernetes.io/hostname'
      const values = new Set(scored.map((n) => labelOf(n, c.topologyKey) ?? ''))
      const count = isHost
        ? countOn(pod, c, at)
        : all
            .filter((n) => (!needsAll || hasAll(n)) && labelOf(n, c.topologyKey) === value && isIncluded(pod, c, n))
            .reduce((total, n) => total + countOn(pod, c, n), 0)
      sum += count * Math.log((isHost ? scored.length : values.size) + 2) + (c.maxSkew - 1)
    }
    return Math.round(sum)
  })
  const known = raw.filter((s) => s !== undefined)
  const [min, max] = [Math.min(...known), Math.max(0, ...known)]
  return raw.map((s) => {
    if (s === undefined) return 0
    return max === 0 ? 100 : Math.floor((100 * (max + min - s)) / max)
  })
}
