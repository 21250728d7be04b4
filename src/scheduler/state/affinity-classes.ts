/**
 * The pods on nodes that have terms about other pods, grouped by namespace and terms, with how many of each group are on
 * which node: a pod to be placed is matched once per group rather than once per pod.
 */
import type { PodAffinityTerms } from './pod-affinity-terms.ts'
import type { PodInfo } from './pod-info.ts'

export interface AffinityClass {
  readonly key: string
  readonly terms: PodAffinityTerms
  /** Number of pods by node index; never 0. */
  readonly counts: Map<number, number>
}

export class AffinityClasses {
  readonly #classes = new Map<string, AffinityClass>()

  /** Does nothing for a pod without terms. */
  add(info: PodInfo, node: number): void {
    if (!info.affinity) return
    const key = keyOf(info)
    let group = this.#classes.get(key)
    if (!group) this.#classes.set(key, (group = { key, terms: info.affinity, counts: new Map() }))
    group.counts.set(node, (group.counts.get(node) ?? 0) + 1)
  }

  remove(info: PodInfo, node: number): void {
    if (!info.affinity) return
    const group = this.#classes.get(keyOf(info))!
    const count = group.counts.get(node)!
    if (count > 1) group.counts.set(node, count - 1)
    else group.counts.delete(node)
    if (group.counts.size === 0) this.#classes.delete(group.key)
  }

  all(): Iterable<AffinityClass> {
    return this.#classes.values()
  }

  get size(): number {
    return this.#classes.size
  }
}

/** The namespace matters because terms without namespaces mean the pod's own. */
function keyOf({ pod }: PodInfo): string {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity!
  return JSON.stringify([pod.metadata.namespace, podAffinity, podAntiAffinity])
}
