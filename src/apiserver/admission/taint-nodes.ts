/**
 * A new node takes no pods before the node lifecycle controller has seen it ready. Upstream:
 * `plugin/pkg/admission/nodetaint`.
 */
import type { Node } from '#api/core/v1/node.ts'
import { nodes } from '#api/resources.ts'
import type { AdmissionPlugin } from './admission.ts'

const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' } as const

export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  admit({ resource, subresource, operation }, object) {
    if (resource !== nodes || subresource !== '' || operation !== 'CREATE') return
    const { spec } = object as unknown as Node
    const taints = spec.taints ?? []
    if (taints.some(({ key, effect }) => key === NOT_READY.key && effect === NOT_READY.effect)) return
    spec.taints = [...taints, { ...NOT_READY }]
  },
}
