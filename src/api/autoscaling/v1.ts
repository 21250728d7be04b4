/**
 * Scale, the body of every scale subresource. Also the first version of HorizontalPodAutoscaler, which only knows
 * CPU utilization.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'

export const CrossVersionObjectReference = message(
  'autoscaling.v1.CrossVersionObjectReference',
  'Points to an object in the same namespace, whatever its API version.',
  {
    kind: f.string(1, 'Kind of the object, such as Deployment.').required(),
    name: f.string(2, 'Name of the object.').required(),
    apiVersion: f.string(3, 'API version of the object, such as apps/v1.'),
  },
).atomic()
export interface CrossVersionObjectReference extends Infer<typeof CrossVersionObjectReference> {}

export const HorizontalPodAutoscalerSpec = message(
  'autoscaling.v1.HorizontalPodAutoscalerSpec',
  'Wanted behaviour of an autoscaler that looks at CPU only.',
  {
    scaleTargetRef: f
      .message(CrossVersionObjectReference, 1, 'Object to scale; it must have a scale subresource.')
      .required()
      .present(),
    minReplicas: f.int32(2, 'Lower limit for the number of pods; default 1.').pointer().default(1),
    maxReplicas: f.int32(3, 'Upper limit for the number of pods; cannot be below minReplicas.').required(),
    targetCPUUtilizationPercentage: f
      .int32(4, 'Average CPU use to aim for, in percent of requested CPU; default 80.')
      .pointer(),
  },
)
export interface HorizontalPodAutoscalerSpec extends Infer<typeof HorizontalPodAutoscalerSpec> {}

export const HorizontalPodAutoscalerStatus = message(
  'autoscaling.v1.HorizontalPodAutoscalerStatus',
  'Observed state of an autoscaler.',
  {
    observedGeneration: f.int64(1, 'Generation of the spec that the controller has last acted on.').pointer(),
    lastScaleTime: f.time(2, 'When the number of pods was last changed by the autoscaler.'),
    currentReplicas: f.int32(3, 'Number of pods at the last look.').required(),
    desiredReplicas: f.int32(4, 'Number of pods the autoscaler last decided on.').required(),
    currentCPUUtilizationPercentage: f.int32(5, 'Average CPU use of all pods, in percent of requested CPU.').pointer(),
  },
)
export interface HorizontalPodAutoscalerStatus extends Infer<typeof HorizontalPodAutoscalerStatus> {}

export const HorizontalPodAutoscaler = kind(
  'autoscaling',
  'v1',
  'HorizontalPodAutoscaler',
  'Adjusts the number of pods of a workload to its CPU use.',
  {
    spec: f.message(HorizontalPodAutoscalerSpec, 2, 'Wanted behaviour of the autoscaler.').required().present(),
    status: f.message(HorizontalPodAutoscalerStatus, 3, 'Observed state, written by the controller.').present(),
  },
)
export interface HorizontalPodAutoscaler extends Infer<typeof HorizontalPodAutoscaler> {}

export const ScaleSpec = message('autoscaling.v1.ScaleSpec', 'Wanted size of a scalable object.', {
  replicas: f.int32(1, 'Number of pods that should run.'),
})
export interface ScaleSpec extends Infer<typeof ScaleSpec> {}

export const ScaleStatus = message('autoscaling.v1.ScaleStatus', 'Current size of a scalable object.', {
  replicas: f.int32(1, 'Number of pods that exist now.').required(),
  selector: f.string(2, 'Label selector of those pods, in query-string form.'),
})
export interface ScaleStatus extends Infer<typeof ScaleStatus> {}

export const Scale = kind(
  'autoscaling',
  'v1',
  'Scale',
  'Size of a scalable object, as its scale subresource shows it.',
  {
    spec: f.message(ScaleSpec, 2, 'Wanted size; changing it scales the object.').present(),
    status: f.message(ScaleStatus, 3, 'Current size; cannot be changed by clients.').present(),
  },
)
export interface Scale extends Infer<typeof Scale> {}
