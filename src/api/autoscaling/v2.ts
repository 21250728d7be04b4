/**
 * HorizontalPodAutoscaler with any number of metrics: resource, container resource, pods, object and external.
 * Each has a source type for the target and a status type for the current value. Scaling behaviour is described
 * here too.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { LabelSelector } from '#api/meta/v1.ts'

export const MetricTarget = message('autoscaling.v2.MetricTarget', 'Value that a metric should be kept at.', {
  type: f.string(1, 'Which of the other fields is used: Utilization, Value or AverageValue.').required(),
  value: f.quantity(2, 'Target for the metric as a whole, as a quantity.'),
  averageValue: f.quantity(3, 'Target for the average over all relevant pods, as a quantity.'),
  averageUtilization: f
    .int32(4, 'Target average in percent of what the pods request; for resource metrics only.')
    .pointer(),
})
export interface MetricTarget extends Infer<typeof MetricTarget> {}

export const ContainerResourceMetricSource = message(
  'autoscaling.v2.ContainerResourceMetricSource',
  'Scales on the use of a resource by one container in each pod.',
  {
    name: f.string(1, 'Resource to watch, such as cpu or memory.').required(),
    target: f.message(MetricTarget, 2, 'Value that usage should be kept at.').required().present(),
    container: f.string(3, 'Name of the container in the scaled pods.').required(),
  },
)
export interface ContainerResourceMetricSource extends Infer<typeof ContainerResourceMetricSource> {}

export const MetricValueStatus = message('autoscaling.v2.MetricValueStatus', 'Value that a metric has now.', {
  value: f.quantity(1, 'Value of the metric as a whole, as a quantity.'),
  averageValue: f.quantity(2, 'Average over all relevant pods, as a quantity.'),
  averageUtilization: f.int32(3, 'Average in percent of what the pods request; for resource metrics only.').pointer(),
})
export interface MetricValueStatus extends Infer<typeof MetricValueStatus> {}

export const ContainerResourceMetricStatus = message(
  'autoscaling.v2.ContainerResourceMetricStatus',
  'Last reading of a metric of type ContainerResource.',
  {
    name: f.string(1, 'Resource that is watched, such as cpu or memory.').required(),
    current: f.message(MetricValueStatus, 2, 'Value that was read.').required().present(),
    container: f.string(3, 'Name of the container in the scaled pods.').required(),
  },
)
export interface ContainerResourceMetricStatus extends Infer<typeof ContainerResourceMetricStatus> {}

export const CrossVersionObjectReference = message(
  'autoscaling.v2.CrossVersionObjectReference',
  'Points to an object in the same namespace, whatever its API version.',
  {
    kind: f.string(1, 'Kind of the object, such as Deployment.').required(),
    name: f.string(2, 'Name of the object.').required(),
    apiVersion: f.string(3, 'API version of the object, such as apps/v1.'),
  },
)
export interface CrossVersionObjectReference extends Infer<typeof CrossVersionObjectReference> {}

export const MetricIdentifier = message(
  'autoscaling.v2.MetricIdentifier',
  'Name of a metric and, if needed, labels to narrow it.',
  {
    name: f.string(1, 'Name of the metric.').required(),
    selector: f.message(LabelSelector, 2, 'Labels handed to the metrics server; by default only the name is used.'),
  },
)
export interface MetricIdentifier extends Infer<typeof MetricIdentifier> {}

export const ExternalMetricSource = message(
  'autoscaling.v2.ExternalMetricSource',
  'Scales on a metric from outside the cluster.',
  {
    metric: f.message(MetricIdentifier, 1, 'Metric to scale on.').required().present(),
    target: f.message(MetricTarget, 2, 'Value that the metric should be kept at.').required().present(),
  },
)
export interface ExternalMetricSource extends Infer<typeof ExternalMetricSource> {}

export const ExternalMetricStatus = message(
  'autoscaling.v2.ExternalMetricStatus',
  'Last reading of a metric of type External.',
  {
    metric: f.message(MetricIdentifier, 1, 'Metric that is watched.').required().present(),
    current: f.message(MetricValueStatus, 2, 'Value that was read.').required().present(),
  },
)
export interface ExternalMetricStatus extends Infer<typeof ExternalMetricStatus> {}

export const HPAScalingPolicy = message(
  'autoscaling.v2.HPAScalingPolicy',
  'How much may change within a period of time.',
  {
    type: f.string(1, 'Unit of value: Pods or Percent.').required(),
    value: f.int32(2, 'Largest change within the period; must be above 0.').required(),
    periodSeconds: f.int32(3, 'Length of the period in seconds, from 1 to 1800.').required(),
  },
)
export interface HPAScalingPolicy extends Infer<typeof HPAScalingPolicy> {}

export const HPAScalingRules = message('autoscaling.v2.HPAScalingRules', 'Limits on scaling in one direction.', {
  selectPolicy: f.string(1, 'Which policy counts: Max (default), Min, or Disabled to never scale this way.').pointer(),
  policies: f
    .list(HPAScalingPolicy, 2, 'Policies to choose from; built-in ones are used when there are none.')
    .atomic(),
  stabilizationWindowSeconds: f
    .int32(3, 'Seconds of past recommendations to consider, 0 to 3600; default 0 up, 300 down.')
    .pointer(),
  tolerance: f.quantity(4, 'Relative deviation from the target that is ignored; cluster-wide default 0.1.'),
})
export interface HPAScalingRules extends Infer<typeof HPAScalingRules> {}

export const HorizontalPodAutoscalerBehavior = message(
  'autoscaling.v2.HorizontalPodAutoscalerBehavior',
  'Limits on how fast an autoscaler acts.',
  {
    scaleUp: f.message(
      HPAScalingRules,
      1,
      'Limits when adding pods; default is the larger of 4 pods or doubling every 15 seconds.',
    ),
    scaleDown: f.message(
      HPAScalingRules,
      2,
      'Limits when removing pods; by default all but the minimum may go after 300 seconds.',
    ),
  },
)
export interface HorizontalPodAutoscalerBehavior extends Infer<typeof HorizontalPodAutoscalerBehavior> {}

export const ObjectMetricSource = message(
  'autoscaling.v2.ObjectMetricSource',
  'Scales on a metric that describes one object, such as requests to an Ingress.',
  {
    describedObject: f
      .message(CrossVersionObjectReference, 1, 'Object that the metric describes.')
      .required()
      .present(),
    target: f.message(MetricTarget, 2, 'Value that the metric should be kept at.').required().present(),
    metric: f.message(MetricIdentifier, 3, 'Metric to scale on.').required().present(),
  },
)
export interface ObjectMetricSource extends Infer<typeof ObjectMetricSource> {}

export const PodsMetricSource = message(
  'autoscaling.v2.PodsMetricSource',
  'Scales on a custom metric averaged over the scaled pods.',
  {
    metric: f.message(MetricIdentifier, 1, 'Metric to scale on.').required().present(),
    target: f
      .message(MetricTarget, 2, 'Value to keep the metric at; its type has to be AverageValue.')
      .required()
      .present(),
  },
)
export interface PodsMetricSource extends Infer<typeof PodsMetricSource> {}

export const ResourceMetricSource = message(
  'autoscaling.v2.ResourceMetricSource',
  'Scales on the use of a resource by the scaled pods.',
  {
    name: f.string(1, 'Resource to watch, such as cpu or memory.').required(),
    target: f.message(MetricTarget, 2, 'Value that usage should be kept at.').required().present(),
  },
)
export interface ResourceMetricSource extends Infer<typeof ResourceMetricSource> {}

export const MetricSpec = message(
  'autoscaling.v2.MetricSpec',
  'One metric to scale on; set the field that belongs to type.',
  {
    type: f.string(1, 'ContainerResource, External, Object, Pods or Resource.').required(),
    object: f.message(ObjectMetricSource, 2, 'Metric that describes a single object.'),
    pods: f.message(PodsMetricSource, 3, 'Custom metric averaged over the scaled pods.'),
    resource: f.message(ResourceMetricSource, 4, 'Use of cpu or memory by whole pods.'),
    external: f.message(ExternalMetricSource, 5, 'Metric from outside the cluster.'),
    containerResource: f.message(
      ContainerResourceMetricSource,
      7,
      'Use of cpu or memory by one container of each pod.',
    ),
  },
)
export interface MetricSpec extends Infer<typeof MetricSpec> {}

export const HorizontalPodAutoscalerSpec = message(
  'autoscaling.v2.HorizontalPodAutoscalerSpec',
  'Wanted behaviour of an autoscaler.',
  {
    scaleTargetRef: f
      .message(CrossVersionObjectReference, 1, 'Object to scale; it must have a scale subresource.')
      .required()
      .present(),
    minReplicas: f.int32(2, 'Lower limit for the number of pods; default 1.').pointer().default(1),
    maxReplicas: f.int32(3, 'Upper limit for the number of pods; cannot be below minReplicas.').required(),
    metrics: f
      .list(MetricSpec, 4, 'Metrics to scale on; the largest result wins, default is 80% average CPU.')
      .atomic(),
    behavior: f.message(HorizontalPodAutoscalerBehavior, 5, 'How fast to scale up and down.'),
  },
)
export interface HorizontalPodAutoscalerSpec extends Infer<typeof HorizontalPodAutoscalerSpec> {}

export const HorizontalPodAutoscalerCondition = message(
  'autoscaling.v2.HorizontalPodAutoscalerCondition',
  'One observed aspect of the state of an autoscaler.',
  {
    type: f.string(1, 'Name of the condition: ScalingActive, AbleToScale or ScalingLimited.').required(),
    status: f.string(2, 'True, False or Unknown.').required(),
    lastTransitionTime: f.time(3, 'When status last changed its value.'),
    reason: f.string(4, 'Short machine-readable cause of the last change.'),
    message: f.string(5, 'Details of the last change, meant for people.'),
  },
)
export interface HorizontalPodAutoscalerCondition extends Infer<typeof HorizontalPodAutoscalerCondition> {}

export const ObjectMetricStatus = message(
  'autoscaling.v2.ObjectMetricStatus',
  'Last reading of a metric of type Object.',
  {
    metric: f.message(MetricIdentifier, 1, 'Metric that is watched.').required().present(),
    current: f.message(MetricValueStatus, 2, 'Value that was read.').required().present(),
    describedObject: f
      .message(CrossVersionObjectReference, 3, 'Object that the metric describes.')
      .required()
      .present(),
  },
)
export interface ObjectMetricStatus extends Infer<typeof ObjectMetricStatus> {}

export const PodsMetricStatus = message('autoscaling.v2.PodsMetricStatus', 'Last reading of a metric of type Pods.', {
  metric: f.message(MetricIdentifier, 1, 'Metric that is watched.').required().present(),
  current: f.message(MetricValueStatus, 2, 'Value that was read.').required().present(),
})
export interface PodsMetricStatus extends Infer<typeof PodsMetricStatus> {}

export const ResourceMetricStatus = message(
  'autoscaling.v2.ResourceMetricStatus',
  'Last reading of a metric of type Resource.',
  {
    name: f.string(1, 'Resource that is watched, such as cpu or memory.').required(),
    current: f.message(MetricValueStatus, 2, 'Value that was read.').required().present(),
  },
)
export interface ResourceMetricStatus extends Infer<typeof ResourceMetricStatus> {}

export const MetricStatus = message(
  'autoscaling.v2.MetricStatus',
  'Last reading of one metric; the field that belongs to type is set.',
  {
    type: f.string(1, 'ContainerResource, External, Object, Pods or Resource.').required(),
    object: f.message(ObjectMetricStatus, 2, 'Metric that describes a single object.'),
    pods: f.message(PodsMetricStatus, 3, 'Custom metric averaged over the scaled pods.'),
    resource: f.message(ResourceMetricStatus, 4, 'Use of cpu or memory by whole pods.'),
    external: f.message(ExternalMetricStatus, 5, 'Metric from outside the cluster.'),
    containerResource: f.message(
      ContainerResourceMetricStatus,
      7,
      'Use of cpu or memory by one container of each pod.',
    ),
  },
)
export interface MetricStatus extends Infer<typeof MetricStatus> {}

export const HorizontalPodAutoscalerStatus = message(
  'autoscaling.v2.HorizontalPodAutoscalerStatus',
  'Observed state of an autoscaler.',
  {
    observedGeneration: f.int64(1, 'Generation of the spec that the controller has last acted on.').pointer(),
    lastScaleTime: f.time(2, 'When the number of pods was last changed by the autoscaler.'),
    currentReplicas: f.int32(3, 'Number of pods at the last look.'),
    desiredReplicas: f.int32(4, 'Number of pods the autoscaler last decided on.').required(),
    currentMetrics: f.list(MetricStatus, 5, 'Last readings of the metrics in spec.').atomic(),
    conditions: f
      .list(HorizontalPodAutoscalerCondition, 6, 'Latest observations about the autoscaler, one per type.')
      .map('type')
      .merge('type'),
  },
)
export interface HorizontalPodAutoscalerStatus extends Infer<typeof HorizontalPodAutoscalerStatus> {}

export const HorizontalPodAutoscaler = kind(
  'autoscaling',
  'v2',
  'HorizontalPodAutoscaler',
  'Adjusts the number of pods of a workload to metrics.',
  {
    spec: f.message(HorizontalPodAutoscalerSpec, 2, 'Wanted behaviour of the autoscaler.').required().present(),
    status: f.message(HorizontalPodAutoscalerStatus, 3, 'Observed state, written by the controller.').present(),
  },
)
export interface HorizontalPodAutoscaler extends Infer<typeof HorizontalPodAutoscaler> {}
