/**
 * A pod that is put on a node is told in which zone and region that is, by labels. Upstream:
 * `plugin/pkg/admission/podtopologylabels`.
 */
import type { Binding, Pod } from '#api/core/v1/pod.ts'
import { nodes, pods } from '#api/resources.ts'
import type { Api } from '../api.ts'
import type { AdmissionPlugin } from './admission.ts'
import { cachedObject } from './lookup.ts'

const TOPOLOGY_LABELS = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region']

export const podTopologyLabels = (api: () => Api): AdmissionPlugin => ({
  name: 'PodTopologyLabels',
  admit({ resource, subresource, operation }, object) {
    if (resource !== pods || operation !== 'CREATE') return
    let nodeName: string | undefined
    if (subresource === '') nodeName = (object as unknown as Pod).spec.nodeName
    else if (subresource === 'binding') {
      const { target } = object as unknown as Binding
      if (target?.kind === 'Node') nodeName = target.name
    }
    if (!nodeName) return
    // A node that is not there yet has no labels to tell.
    const given = cachedObject(api(), nodes, undefined, nodeName)?.metadata.labels
    for (const label of TOPOLOGY_LABELS) {
      const value = given?.[label]
      if (value !== undefined) (object.metadata.labels ??= {})[label] = value
    }
  },
})
