/** After which events a pod that InterPodAffinity rejected is worth another try. */
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { action } from '../framework/cluster-event.ts'
import type { EventHint } from '../framework/plugin.ts'
import { type AffinityTerm, podAffinityTerms, termMatches } from '../state/pod-affinity-terms.ts'
import type { PodInfo } from '../state/pod-info.ts'

export const interPodAffinityEvents: readonly EventHint[] = [
  {
    event: { resource: 'Pod', actions: action.add | action.updatePodLabel | action.delete },
    mayHelp: (info, before, after) => podMayHelp(info, before as Pod | undefined, after as Pod | undefined),
  },
  {
    event: { resource: 'Node', actions: action.add | action.updateNodeLabel },
    mayHelp: (info, before, after) => nodeMayHelp(info, before as Node | undefined, after as Node),
  },
]

/** Whether there are terms, and all are about the pod. The pod's namespace is looked at by its name only. */
export function matchesAll(terms: readonly AffinityTerm[], { metadata }: Pod): boolean {
  return terms.length > 0 && terms.every((t) => termMatches(t, metadata.namespace ?? '', metadata.labels, undefined))
}

function podMayHelp(info: PodInfo, before: Pod | undefined, after: Pod | undefined): boolean {
  // Its own labels changed: others may no longer forbid it.
  if (before && after?.metadata.uid === info.uid) return true
  const isPlaced = (pod: Pod) => Boolean(pod.spec.nodeName || pod.status.nominatedNodeName)
  if ((after && !isPlaced(after)) || (before && !isPlaced(before))) return false
  const required = info.affinity?.required ?? []
  const requiredAnti = info.affinity?.requiredAnti ?? []
  if (before && after) {
    const cameToMatch = !matchesAll(required, before) && matchesAll(required, after)
    return cameToMatch || (matchesAll(requiredAnti, before) && !matchesAll(requiredAnti, after))
  }
  if (after) return matchesAll(required, after)
  return matchesAll(requiredAnti, before!) || matchesAll(podAffinityTerms(before!).requiredAnti, info.pod)
}

function nodeMayHelp(info: PodInfo, before: Node | undefined, after: Node): boolean {
  const value = (node: Node | undefined, key: string) => node?.metadata.labels?.[key]
  const required = info.affinity?.required ?? []
  const requiredAnti = info.affinity?.requiredAnti ?? []
  // A domain that is new to the pod may have the company that it requires.
  const newDomain = required.some(({ topologyKey }) => {
    const now = value(after, topologyKey)
    return now !== undefined && now !== value(before, topologyKey)
  })
  if (newDomain) return true
  // A node without the label is in no domain, so that no company can be there.
  return requiredAnti.some(({ topologyKey }) => {
    if (!before) return true
    const was = value(before, topologyKey)
    return was !== undefined && was !== value(after, topologyKey)
  })
}
