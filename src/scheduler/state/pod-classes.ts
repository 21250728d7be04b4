/**
 * The pods on nodes, grouped by namespace, labels and whether they terminate, with how many of each group are on which
 * node: plugins that look at the company of other pods match a selector once per group rather than once per pod.
 */
import type { Pod } from '#api/core/v1/pod.ts'
import type { Labels } from '#machinery/labels.ts'

export interface PodClass {
  readonly key: string
  readonly namespace: string
  readonly labels: Labels
  readonly isTerminating: boolean
  /** Number of pods by node index; never 0. */
  readonly counts: Map<number, number>
}

export class PodClasses {
  readonly #classes = new Map<string, PodClass>()
  readonly #byNamespace = new Map<string, Set<PodClass>>()

  add(pod: Pod, node: number): PodClass {
    const key = classKey(pod)
    let group = this.#classes.get(key)
    if (!group) {
      const { namespace = '', labels = {}, deletionTimestamp } = pod.metadata
      group = { key, namespace, labels, isTerminating: deletionTimestamp !== undefined, counts: new Map() }
      this.#classes.set(key, group)
      const siblings = this.#byNamespace.get(namespace)
      if (siblings) siblings.add(group)
      else this.#byNamespace.set(namespace, new Set([group]))
    }
    group.counts.set(node, (group.counts.get(node) ?? 0) + 1)
    return group
  }

  remove(group: PodClass, node: number): void {
    const count = group.counts.get(node)!
    if (count > 1) {
      group.counts.set(node, count - 1)
      return
    }
    group.counts.delete(node)
    if (group.counts.size > 0) return
    this.#classes.delete(group.key)
    const siblings = this.#byNamespace.get(group.namespace)!
    siblings.delete(group)
    if (siblings.size === 0) this.#byNamespace.delete(group.namespace)
  }

  /** Whether `pod` belongs to `group`. */
  isMember(pod: Pod, group: PodClass): boolean {
    return classKey(pod) === group.key
  }

  all(): Iterable<PodClass> {
    return this.#classes.values()
  }

  in(namespace: string): Iterable<PodClass> {
    return this.#byNamespace.get(namespace) ?? []
  }

  get size(): number {
    return this.#classes.size
  }
}

function classKey(pod: Pod): string {
  const { namespace, labels, deletionTimestamp } = pod.metadata
  return JSON.stringify([namespace, deletionTimestamp === undefined ? 0 : 1, labels])
}
