/** Pods tolerate a node's trouble for five minutes unless they say otherwise. Upstream: `plugin/pkg/admission/defaulttolerationseconds`. */
import type { Pod } from '#api/core/v1/pod.ts'
import { pods } from '#api/resources.ts'
import type { AdmissionPlugin } from './admission.ts'

const SECONDS = 300
const TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']

export const defaultTolerations: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  // Also in updates: who sends a pod as it was made does not know of what was added to it.
  admit({ resource, subresource, operation }, object) {
    if (resource !== pods || subresource !== '' || operation === 'CONNECT') return
    const pod = object as unknown as Pod
    const { tolerations = [] } = pod.spec
    const covers = (taint: string) =>
      tolerations.some((t) => (!t.key || t.key === taint) && (!t.effect || t.effect === 'NoExecute'))
    const missing = TAINTS.filter((taint) => !covers(taint))
    if (missing.length === 0) return
    const added = missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: SECONDS }))
    pod.spec = { ...pod.spec, tolerations: [...tolerations, ...added] }
  },
}
