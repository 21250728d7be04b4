/** @@HEAD autoscaling/v1.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'

export const CrossVersionObjectReference = message('autoscaling.v1.CrossVersionObjectReference', '', {
  kind: f.string(1, '').required(),
  name: f.string(2, '').required(),
  apiVersion: f.string(3, ''),
})
export interface CrossVersionObjectReference extends Infer<typeof CrossVersionObjectReference> {}

export const HorizontalPodAutoscalerSpec = message('autoscaling.v1.HorizontalPodAutoscalerSpec', '', {
  scaleTargetRef: f.message(CrossVersionObjectReference, 1, '').required(),
  minReplicas: f.int32(2, ''),
  maxReplicas: f.int32(3, '').required(),
  targetCPUUtilizationPercentage: f.int32(4, ''),
})
export interface HorizontalPodAutoscalerSpec extends Infer<typeof HorizontalPodAutoscalerSpec> {}

export const HorizontalPodAutoscalerStatus = message('autoscaling.v1.HorizontalPodAutoscalerStatus', '', {
  observedGeneration: f.int64(1, ''),
  lastScaleTime: f.time(2, ''),
  currentReplicas: f.int32(3, '').required(),
  desiredReplicas: f.int32(4, '').required(),
  currentCPUUtilizationPercentage: f.int32(5, ''),
})
export interface HorizontalPodAutoscalerStatus extends Infer<typeof HorizontalPodAutoscalerStatus> {}

export const HorizontalPodAutoscaler = kind('autoscaling', 'v1', 'HorizontalPodAutoscaler', '', {
  spec: f.message(HorizontalPodAutoscalerSpec, 2, '').present(),
  status: f.message(HorizontalPodAutoscalerStatus, 3, '').present(),
})
export interface HorizontalPodAutoscaler extends Infer<typeof HorizontalPodAutoscaler> {}

export const ScaleSpec = message('autoscaling.v1.ScaleSpec', '', {
  replicas: f.int32(1, ''),
})
export interface ScaleSpec extends Infer<typeof ScaleSpec> {}

export const ScaleStatus = message('autoscaling.v1.ScaleStatus', '', {
  replicas: f.int32(1, '').required(),
  selector: f.string(2, ''),
})
export interface ScaleStatus extends Infer<typeof ScaleStatus> {}

export const Scale = kind('autoscaling', 'v1', 'Scale', '', {
  spec: f.message(ScaleSpec, 2, '').present(),
  status: f.message(ScaleStatus, 3, '').present(),
})
export interface Scale extends Infer<typeof Scale> {}
