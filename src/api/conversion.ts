/**
 * Kinds that are served in two forms but stored in one: autoscaling/v1 HorizontalPodAutoscalers as autoscaling/v2, and
 * events.k8s.io/v1 Events as core/v1. What the other form has no field for travels in annotations, so that nothing is lost
 * on the way there and back. Pure. Upstream: `pkg/apis/autoscaling/v1/conversion.go`, `pkg/apis/events/v1/conversion.go`.
 */
import { autoscalerFromV1, autoscalerToV1 } from './autoscaling/conversion.ts'
import { eventFromEventsV1, eventToEventsV1 } from './events/conversion.ts'
import type { KubeObject, Resource } from './kind.ts'
import { events, eventsV1, horizontalPodAutoscalers, horizontalPodAutoscalersV1 } from './resources.ts'

export interface Conversion {
  /** The form that is served. */
  readonly served: Resource
  /** The form that is stored. */
  readonly stored: Resource
  /** Of a complete object in the served form. The input is not changed, parts of it are shared. */
  toStored(object: KubeObject): KubeObject
  /** Of a stored object. The input is not changed, parts of it are shared. */
  fromStored(object: KubeObject): KubeObject
  /** What selectable fields of the served form are called in the stored one; none where all have the same names. */
  readonly fieldNames: Readonly<Record<string, string>>
}

type Any = Record<string, any> & KubeObject

export const conversions: readonly Conversion[] = [
  {
    served: horizontalPodAutoscalersV1,
    stored: horizontalPodAutoscalers,
    toStored: (object) => autoscalerFromV1(object as Any),
    fromStored: (object) => autoscalerToV1(object as Any),
    fieldNames: {},
  },
  {
    served: eventsV1,
    stored: events,
    toStored: (object) => eventFromEventsV1(object as Any),
    fromStored: (object) => eventToEventsV1(object as Any),
    fieldNames: {
      'regarding.kind': 'involvedObject.kind',
      'regarding.namespace': 'involvedObject.namespace',
      'regarding.name': 'involvedObject.name',
      'regarding.uid': 'involvedObject.uid',
      'regarding.apiVersion': 'involvedObject.apiVersion',
      'regarding.resourceVersion': 'involvedObject.resourceVersion',
      'regarding.fieldPath': 'involvedObject.fieldPath',
      reportingController: 'reportingComponent',
      reason: 'reason',
      type: 'type',
    },
  },
]

/** Undefined for a resource that is stored as it is served. */
export function conversionOf(resource: Resource): Conversion | undefined {
  return conversions.find(({ served }) => served === resource)
}
