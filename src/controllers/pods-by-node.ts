/** Finds the pods of a node. */
import type { Pod } from '#api/core/v1/pod.ts'
import type { Informer } from '#client/informer.ts'

const INDEX = 'node'

/** Must be called before `podsOnNode`; every controller may. */
export function indexByNode(pods: Informer<Pod>): void {
  pods.index(INDEX, ({ spec }) => (spec.nodeName ? [spec.nodeName] : []))
}

export function podsOnNode(pods: Informer<Pod>, nodeName: string): Pod[] {
  return pods.byIndex(INDEX, nodeName)
}
