/** Topology spread constraints of a pod, compiled; those the cluster gives to pods that have none (upstream's defaults). */
import type { Pod } from '#api/core/v1/pod.ts'
import { LabelSelector } from '#machinery/labels.ts'
import { compileSelector } from '../state/pod-affinity-terms.ts'

export const HOSTNAME = 'kubernetes.io/hostname'
const ZONE = 'topology.kubernetes.io/zone'

export interface SpreadConstraint {
  readonly topologyKey: string
  readonly maxSkew: number
  readonly minDomains: number
  readonly selector: LabelSelector
  /** Only nodes that the pod's node selector and required affinity match are counted. */
  readonly honorsAffinity: boolean
  /** Only nodes without taints that keep the pod away are counted. */
  readonly honorsTaints: boolean
}

/** Those of the pod's own constraints that say this of nodes which don't satisfy them. */
export function constraintsOf(
  { metadata, spec }: Pod,
  whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway',
): SpreadConstraint[] {
  return (spec.topologySpreadConstraints ?? [])
    .filter((c) => c.whenUnsatisfiable === whenUnsatisfiable)
    .map((c) => {
      const own = (c.matchLabelKeys ?? []).flatMap((key) => {
        const value = metadata.labels?.[key]
        return value === undefined ? [] : [{ key, operator: '=' as const, values: [value] }]
      })
      const selector = compileSelector(c.labelSelector)
      const isNarrowed = own.length > 0 && !selector.isNothing
      return {
        topologyKey: c.topologyKey,
        maxSkew: c.maxSkew,
        minDomains: c.minDomains ?? 1,
        selector: isNarrowed ? LabelSelector.of([...selector.requirements, ...own]) : selector,
        honorsAffinity: (c.nodeAffinityPolicy ?? 'Honor') === 'Honor',
        honorsTaints: (c.nodeTaintsPolicy ?? 'Ignore') === 'Honor',
      }
    })
}

/** What spreads the pods of one service or controller that say nothing themselves. */
export function defaultConstraints(selector: LabelSelector): SpreadConstraint[] {
  const rest = { minDomains: 1, selector, honorsAffinity: true, honorsTaints: false }
  return [
    { topologyKey: HOSTNAME, maxSkew: 3, ...rest },
    { topologyKey: ZONE, maxSkew: 5, ...rest },
  ]
}
