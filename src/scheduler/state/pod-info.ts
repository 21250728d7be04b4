/** A pod with what the scheduler has worked out about it (upstream: `framework.PodInfo`). Immutable. */
import type { Pod } from '#api/core/v1/pod.ts'
import { type PodAffinityTerms, podAffinityTerms } from './pod-affinity-terms.ts'
import { type PodShape, type PodShapes, type Requests, requestsOf } from './pod-shape.ts'

export interface PodInfo {
  readonly pod: Pod
  readonly uid: string
  /** `namespace/name`. */
  readonly key: string
  readonly priority: number
  readonly shape: PodShape
  readonly requests: Requests
  /** Undefined where the pod has no terms about other pods. */
  readonly affinity: PodAffinityTerms | undefined
}

export function podInfo(pod: Pod, shapes: PodShapes): PodInfo {
  const shape = shapes.of(pod)
  const affinity = pod.spec.affinity
  return {
    pod,
    uid: pod.metadata.uid,
    key: `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`,
    priority: pod.spec.priority ?? 0,
    shape,
    requests: requestsOf(pod, shape),
    affinity: affinity?.podAffinity || affinity?.podAntiAffinity ? podAffinityTerms(pod) : undefined,
  }
}
