/** @@HEAD autoscaling/v2.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { LabelSelector } from '#api/meta/v1.ts'

export const MetricTarget = message('autoscaling.v2.MetricTarget', '', {
  type: f.string(1, '').required(),
  value: f.quantity(2, ''),
  averageValue: f.quantity(3, ''),
  averageUtilization: f.int32(4, ''),
})
export interface MetricTarget extends Infer<typeof MetricTarget> {}

export const ContainerResourceMetricSource = message('autoscaling.v2.ContainerResourceMetricSource', '', {
  name: f.string(1, '').required(),
  target: f.message(MetricTarget, 2, '').required(),
  container: f.string(3, '').required(),
})
export interface ContainerResourceMetricSource extends Infer<typeof ContainerResourceMetricSource> {}

export const MetricValueStatus = message('autoscaling.v2.MetricValueStatus', '', {
  value: f.quantity(1, ''),
  averageValue: f.quantity(2, ''),
  averageUtilization: f.int32(3, ''),
})
export interface MetricValueStatus extends Infer<typeof MetricValueStatus> {}

export const ContainerResourceMetricStatus = message('autoscaling.v2.ContainerResourceMetricStatus', '', {
  name: f.string(1, '').required(),
  current: f.message(MetricValueStatus, 2, '').required(),
  container: f.string(3, '').required(),
})
export interface ContainerResourceMetricStatus extends Infer<typeof ContainerResourceMetricStatus> {}

export const CrossVersionObjectReference = message('autoscaling.v2.CrossVersionObjectReference', '', {
  kind: f.string(1, '').required(),
  name: f.string(2, '').required(),
  apiVersion: f.string(3, ''),
})
export interface CrossVersionObjectReference extends Infer<typeof CrossVersionObjectReference> {}

export const MetricIdentifier = message('autoscaling.v2.MetricIdentifier', '', {
  name: f.string(1, '').required(),
  selector: f.message(LabelSelector, 2, ''),
})
export interface MetricIdentifier extends Infer<typeof MetricIdentifier> {}

export const ExternalMetricSource = message('autoscaling.v2.ExternalMetricSource', '', {
  metric: f.message(MetricIdentifier, 1, '').required(),
  target: f.message(MetricTarget, 2, '').required(),
})
export interface ExternalMetricSource extends Infer<typeof ExternalMetricSource> {}

export const ExternalMetricStatus = message('autoscaling.v2.ExternalMetricStatus', '', {
  metric: f.message(MetricIdentifier, 1, '').required(),
  current: f.message(MetricValueStatus, 2, '').required(),
})
export interface ExternalMetricStatus extends Infer<typeof ExternalMetricStatus> {}

export const HPAScalingPolicy = message('autoscaling.v2.HPAScalingPolicy', '', {
  type: f.string(1, '').required(),
  value: f.int32(2, '').required(),
  periodSeconds: f.int32(3, '').required(),
})
export interface HPAScalingPolicy extends Infer<typeof HPAScalingPolicy> {}

export const HPAScalingRules = message('autoscaling.v2.HPAScalingRules', '', {
  selectPolicy: f.string(1, ''),
  policies: f.list(HPAScalingPolicy, 2, '').atomic(),
  stabilizationWindowSeconds: f.int32(3, ''),
  tolerance: f.quantity(4, ''),
})
export interface HPAScalingRules extends Infer<typeof HPAScalingRules> {}

export const HorizontalPodAutoscalerBehavior = message('autoscaling.v2.HorizontalPodAutoscalerBehavior', '', {
  scaleUp: f.message(HPAScalingRules, 1, ''),
  scaleDown: f.message(HPAScalingRules, 2, ''),
})
export interface HorizontalPodAutoscalerBehavior extends Infer<typeof HorizontalPodAutoscalerBehavior> {}

export const ObjectMetricSource = message('autoscaling.v2.ObjectMetricSource', '', {
  describedObject: f.message(CrossVersionObjectReference, 1, '').required(),
  target: f.message(MetricTarget, 2, '').required(),
  metric: f.message(MetricIdentifier, 3, '').required(),
})
export interface ObjectMetricSource extends Infer<typeof ObjectMetricSource> {}

export const PodsMetricSource = message('autoscaling.v2.PodsMetricSource', '', {
  metric: f.message(MetricIdentifier, 1, '').required(),
  target: f.message(MetricTarget, 2, '').required(),
})
export interface PodsMetricSource extends Infer<typeof PodsMetricSource> {}

export const ResourceMetricSource = message('autoscaling.v2.ResourceMetricSource', '', {
  name: f.string(1, '').required(),
  target: f.message(MetricTarget, 2, '').required(),
})
export interface ResourceMetricSource extends Infer<typeof ResourceMetricSource> {}

export const MetricSpec = message('autoscaling.v2.MetricSpec', '', {
  type: f.string(1, '').required(),
  object: f.message(ObjectMetricSource, 2, ''),
  pods: f.message(PodsMetricSource, 3, ''),
  resource: f.message(ResourceMetricSource, 4, ''),
  external: f.message(ExternalMetricSource, 5, ''),
  containerResource: f.message(ContainerResourceMetricSource, 7, ''),
})
export interface MetricSpec extends Infer<typeof MetricSpec> {}

export const HorizontalPodAutoscalerSpec = message('autoscaling.v2.HorizontalPodAutoscalerSpec', '', {
  scaleTargetRef: f.message(CrossVersionObjectReference, 1, '').required(),
  minReplicas: f.int32(2, ''),
  maxReplicas: f.int32(3, '').required(),
  metrics: f.list(MetricSpec, 4, '').atomic(),
  behavior: f.message(HorizontalPodAutoscalerBehavior, 5, ''),
})
export interface HorizontalPodAutoscalerSpec extends Infer<typeof HorizontalPodAutoscalerSpec> {}

export const HorizontalPodAutoscalerCondition = message('autoscaling.v2.HorizontalPodAutoscalerCondition', '', {
  type: f.string(1, '').required(),
  status: f.string(2, '').required(),
  lastTransitionTime: f.time(3, ''),
  reason: f.string(4, ''),
  message: f.string(5, ''),
})
export interface HorizontalPodAutoscalerCondition extends Infer<typeof HorizontalPodAutoscalerCondition> {}

export const ObjectMetricStatus = message('autoscaling.v2.ObjectMetricStatus', '', {
  metric: f.message(MetricIdentifier, 1, '').required(),
  current: f.message(MetricValueStatus, 2, '').required(),
  describedObject: f.message(CrossVersionObjectReference, 3, '').required(),
})
export interface ObjectMetricStatus extends Infer<typeof ObjectMetricStatus> {}

export const PodsMetricStatus = message('autoscaling.v2.PodsMetricStatus', '', {
  metric: f.message(MetricIdentifier, 1, '').required(),
  current: f.message(MetricValueStatus, 2, '').required(),
})
export interface PodsMetricStatus extends Infer<typeof PodsMetricStatus> {}

export const ResourceMetricStatus = message('autoscaling.v2.ResourceMetricStatus', '', {
  name: f.string(1, '').required(),
  current: f.message(MetricValueStatus, 2, '').required(),
})
export interface ResourceMetricStatus extends Infer<typeof ResourceMetricStatus> {}

export const MetricStatus = message('autoscaling.v2.MetricStatus', '', {
  type: f.string(1, '').required(),
  object: f.message(ObjectMetricStatus, 2, ''),
  pods: f.message(PodsMetricStatus, 3, ''),
  resource: f.message(ResourceMetricStatus, 4, ''),
  external: f.message(ExternalMetricStatus, 5, ''),
  containerResource: f.message(ContainerResourceMetricStatus, 7, ''),
})
export interface MetricStatus extends Infer<typeof MetricStatus> {}

export const HorizontalPodAutoscalerStatus = message('autoscaling.v2.HorizontalPodAutoscalerStatus', '', {
  observedGeneration: f.int64(1, ''),
  lastScaleTime: f.time(2, ''),
  currentReplicas: f.int32(3, ''),
  desiredReplicas: f.int32(4, '').required(),
  currentMetrics: f.list(MetricStatus, 5, '').atomic(),
  conditions: f.list(HorizontalPodAutoscalerCondition, 6, '').map('type').merge('type'),
})
export interface HorizontalPodAutoscalerStatus extends Infer<typeof HorizontalPodAutoscalerStatus> {}

export const HorizontalPodAutoscaler = kind('autoscaling', 'v2', 'HorizontalPodAutoscaler', '', {
  spec: f.message(HorizontalPodAutoscalerSpec, 2, '').present(),
  status: f.message(HorizontalPodAutoscalerStatus, 3, '').present(),
})
export interface HorizontalPodAutoscaler extends Infer<typeof HorizontalPodAutoscaler> {}
