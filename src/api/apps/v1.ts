/** @@HEAD apps/v1.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { PersistentVolumeClaim } from '#api/core/v1/persistent-volume.ts'
import { PodTemplateSpec } from '#api/core/v1/pod.ts'
import { LabelSelector } from '#api/meta/v1.ts'

export const ControllerRevision = kind('apps', 'v1', 'ControllerRevision', '', {
  data: f.object(2, ''),
  revision: f.int64(3, '').required(),
})
export interface ControllerRevision extends Infer<typeof ControllerRevision> {}

export const RollingUpdateDaemonSet = message('apps.v1.RollingUpdateDaemonSet', '', {
  maxUnavailable: f.intOrString(1, ''),
  maxSurge: f.intOrString(2, ''),
})
export interface RollingUpdateDaemonSet extends Infer<typeof RollingUpdateDaemonSet> {}

export const DaemonSetUpdateStrategy = message('apps.v1.DaemonSetUpdateStrategy', '', {
  type: f.string(1, ''),
  rollingUpdate: f.message(RollingUpdateDaemonSet, 2, ''),
})
export interface DaemonSetUpdateStrategy extends Infer<typeof DaemonSetUpdateStrategy> {}

export const DaemonSetSpec = message('apps.v1.DaemonSetSpec', '', {
  selector: f.message(LabelSelector, 1, '').required(),
  template: f.message(PodTemplateSpec, 2, '').required(),
  updateStrategy: f.message(DaemonSetUpdateStrategy, 3, ''),
  minReadySeconds: f.int32(4, ''),
  revisionHistoryLimit: f.int32(6, ''),
})
export interface DaemonSetSpec extends Infer<typeof DaemonSetSpec> {}

export const DaemonSetCondition = message('apps.v1.DaemonSetCondition', '', {
  type: f.string(1, '').required(),
  status: f.string(2, '').required(),
  lastTransitionTime: f.time(3, ''),
  reason: f.string(4, ''),
  message: f.string(5, ''),
})
export interface DaemonSetCondition extends Infer<typeof DaemonSetCondition> {}

export const DaemonSetStatus = message('apps.v1.DaemonSetStatus', '', {
  currentNumberScheduled: f.int32(1, '').required(),
  numberMisscheduled: f.int32(2, '').required(),
  desiredNumberScheduled: f.int32(3, '').required(),
  numberReady: f.int32(4, '').required(),
  observedGeneration: f.int64(5, ''),
  updatedNumberScheduled: f.int32(6, ''),
  numberAvailable: f.int32(7, ''),
  numberUnavailable: f.int32(8, ''),
  collisionCount: f.int32(9, ''),
  conditions: f.list(DaemonSetCondition, 10, '').map('type').merge('type'),
})
export interface DaemonSetStatus extends Infer<typeof DaemonSetStatus> {}

export const DaemonSet = kind('apps', 'v1', 'DaemonSet', '', {
  spec: f.message(DaemonSetSpec, 2, '').present(),
  status: f.message(DaemonSetStatus, 3, '').present(),
})
export interface DaemonSet extends Infer<typeof DaemonSet> {}

export const RollingUpdateDeployment = message('apps.v1.RollingUpdateDeployment', '', {
  maxUnavailable: f.intOrString(1, ''),
  maxSurge: f.intOrString(2, ''),
})
export interface RollingUpdateDeployment extends Infer<typeof RollingUpdateDeployment> {}

export const DeploymentStrategy = message('apps.v1.DeploymentStrategy', '', {
  type: f.string(1, ''),
  rollingUpdate: f.message(RollingUpdateDeployment, 2, ''),
})
export interface DeploymentStrategy extends Infer<typeof DeploymentStrategy> {}

export const DeploymentSpec = message('apps.v1.DeploymentSpec', '', {
  replicas: f.int32(1, ''),
  selector: f.message(LabelSelector, 2, '').required(),
  template: f.message(PodTemplateSpec, 3, '').required(),
  strategy: f.message(DeploymentStrategy, 4, '').retainKeys(),
  minReadySeconds: f.int32(5, ''),
  revisionHistoryLimit: f.int32(6, ''),
  paused: f.bool(7, ''),
  progressDeadlineSeconds: f.int32(9, ''),
})
export interface DeploymentSpec extends Infer<typeof DeploymentSpec> {}

export const DeploymentCondition = message('apps.v1.DeploymentCondition', '', {
  type: f.string(1, '').required(),
  status: f.string(2, '').required(),
  reason: f.string(4, ''),
  message: f.string(5, ''),
  lastUpdateTime: f.time(6, ''),
  lastTransitionTime: f.time(7, ''),
})
export interface DeploymentCondition extends Infer<typeof DeploymentCondition> {}

export const DeploymentStatus = message('apps.v1.DeploymentStatus', '', {
  observedGeneration: f.int64(1, ''),
  replicas: f.int32(2, ''),
  updatedReplicas: f.int32(3, ''),
  availableReplicas: f.int32(4, ''),
  unavailableReplicas: f.int32(5, ''),
  conditions: f.list(DeploymentCondition, 6, '').map('type').merge('type'),
  readyReplicas: f.int32(7, ''),
  collisionCount: f.int32(8, ''),
  terminatingReplicas: f.int32(9, ''),
})
export interface DeploymentStatus extends Infer<typeof DeploymentStatus> {}

export const Deployment = kind('apps', 'v1', 'Deployment', '', {
  spec: f.message(DeploymentSpec, 2, '').present(),
  status: f.message(DeploymentStatus, 3, '').present(),
})
export interface Deployment extends Infer<typeof Deployment> {}

export const ReplicaSetSpec = message('apps.v1.ReplicaSetSpec', '', {
  replicas: f.int32(1, ''),
  selector: f.message(LabelSelector, 2, '').required(),
  template: f.message(PodTemplateSpec, 3, ''),
  minReadySeconds: f.int32(4, ''),
})
export interface ReplicaSetSpec extends Infer<typeof ReplicaSetSpec> {}

export const ReplicaSetCondition = message('apps.v1.ReplicaSetCondition', '', {
  type: f.string(1, '').required(),
  status: f.string(2, '').required(),
  lastTransitionTime: f.time(3, ''),
  reason: f.string(4, ''),
  message: f.string(5, ''),
})
export interface ReplicaSetCondition extends Infer<typeof ReplicaSetCondition> {}

export const ReplicaSetStatus = message('apps.v1.ReplicaSetStatus', '', {
  replicas: f.int32(1, '').required(),
  fullyLabeledReplicas: f.int32(2, ''),
  observedGeneration: f.int64(3, ''),
  readyReplicas: f.int32(4, ''),
  availableReplicas: f.int32(5, ''),
  conditions: f.list(ReplicaSetCondition, 6, '').map('type').merge('type'),
  terminatingReplicas: f.int32(7, ''),
})
export interface ReplicaSetStatus extends Infer<typeof ReplicaSetStatus> {}

export const ReplicaSet = kind('apps', 'v1', 'ReplicaSet', '', {
  spec: f.message(ReplicaSetSpec, 2, '').present(),
  status: f.message(ReplicaSetStatus, 3, '').present(),
})
export interface ReplicaSet extends Infer<typeof ReplicaSet> {}

export const RollingUpdateStatefulSetStrategy = message('apps.v1.RollingUpdateStatefulSetStrategy', '', {
  partition: f.int32(1, ''),
  maxUnavailable: f.intOrString(2, ''),
})
export interface RollingUpdateStatefulSetStrategy extends Infer<typeof RollingUpdateStatefulSetStrategy> {}

export const StatefulSetOrdinals = message('apps.v1.StatefulSetOrdinals', '', {
  start: f.int32(1, ''),
})
export interface StatefulSetOrdinals extends Infer<typeof StatefulSetOrdinals> {}

export const StatefulSetPersistentVolumeClaimRetentionPolicy = message('apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy', '', {
  whenDeleted: f.string(1, ''),
  whenScaled: f.string(2, ''),
})
export interface StatefulSetPersistentVolumeClaimRetentionPolicy extends Infer<typeof StatefulSetPersistentVolumeClaimRetentionPolicy> {}

export const StatefulSetUpdateStrategy = message('apps.v1.StatefulSetUpdateStrategy', '', {
  type: f.string(1, ''),
  rollingUpdate: f.message(RollingUpdateStatefulSetStrategy, 2, ''),
})
export interface StatefulSetUpdateStrategy extends Infer<typeof StatefulSetUpdateStrategy> {}

export const StatefulSetSpec = message('apps.v1.StatefulSetSpec', '', {
  replicas: f.int32(1, ''),
  selector: f.message(LabelSelector, 2, '').required(),
  template: f.message(PodTemplateSpec, 3, '').required(),
  volumeClaimTemplates: f.list(PersistentVolumeClaim, 4, '').atomic(),
  serviceName: f.string(5, ''),
  podManagementPolicy: f.string(6, ''),
  updateStrategy: f.message(StatefulSetUpdateStrategy, 7, ''),
  revisionHistoryLimit: f.int32(8, ''),
  minReadySeconds: f.int32(9, ''),
  persistentVolumeClaimRetentionPolicy: f.message(StatefulSetPersistentVolumeClaimRetentionPolicy, 10, ''),
  ordinals: f.message(StatefulSetOrdinals, 11, ''),
})
export interface StatefulSetSpec extends Infer<typeof StatefulSetSpec> {}

export const StatefulSetCondition = message('apps.v1.StatefulSetCondition', '', {
  type: f.string(1, '').required(),
  status: f.string(2, '').required(),
  lastTransitionTime: f.time(3, ''),
  reason: f.string(4, ''),
  message: f.string(5, ''),
})
export interface StatefulSetCondition extends Infer<typeof StatefulSetCondition> {}

export const StatefulSetStatus = message('apps.v1.StatefulSetStatus', '', {
  observedGeneration: f.int64(1, ''),
  replicas: f.int32(2, '').required(),
  readyReplicas: f.int32(3, ''),
  currentReplicas: f.int32(4, ''),
  updatedReplicas: f.int32(5, ''),
  currentRevision: f.string(6, ''),
  updateRevision: f.string(7, ''),
  collisionCount: f.int32(9, ''),
  conditions: f.list(StatefulSetCondition, 10, '').map('type').merge('type'),
  availableReplicas: f.int32(11, ''),
})
export interface StatefulSetStatus extends Infer<typeof StatefulSetStatus> {}

export const StatefulSet = kind('apps', 'v1', 'StatefulSet', '', {
  spec: f.message(StatefulSetSpec, 2, '').present(),
  status: f.message(StatefulSetStatus, 3, '').present(),
})
export interface StatefulSet extends Infer<typeof StatefulSet> {}
