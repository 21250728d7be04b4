/**
 * Workload controllers of the apps group: Deployment, ReplicaSet, StatefulSet and DaemonSet, with their specs,
 * update strategies, conditions and statuses. ControllerRevision, which keeps old templates for rollbacks, is here
 * too.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { PersistentVolumeClaim } from '#api/core/v1/persistent-volume.ts'
import { PodTemplateSpec } from '#api/core/v1/pod.ts'
import { LabelSelector } from '#api/meta/v1.ts'

export const ControllerRevision = kind(
  'apps',
  'v1',
  'ControllerRevision',
  'Stored snapshot of a controller template, kept so that rollbacks are possible.',
  {
    data: f.object(2, 'Serialized state of the controller at this revision; cannot be changed afterwards.'),
    revision: f.int64(3, 'Number of this snapshot; higher numbers are newer.').required(),
  },
)
export interface ControllerRevision extends Infer<typeof ControllerRevision> {}

export const RollingUpdateDaemonSet = message(
  'apps.v1.RollingUpdateDaemonSet',
  'Limits for a rolling update of a DaemonSet.',
  {
    maxUnavailable: f
      .intOrString(1, 'Count or percentage of daemon pods that may be down during an update; default 1.')
      .default(1),
    maxSurge: f.intOrString(2, 'Count or percentage of nodes that may briefly run an extra pod; default 0.').default(0),
  },
)
export interface RollingUpdateDaemonSet extends Infer<typeof RollingUpdateDaemonSet> {}

export const DaemonSetUpdateStrategy = message(
  'apps.v1.DaemonSetUpdateStrategy',
  'How pods of a DaemonSet are replaced when its template changes.',
  {
    type: f
      .string(1, 'RollingUpdate (default) replaces pods gradually; OnDelete waits until someone deletes them.')
      .oneOf('OnDelete', 'RollingUpdate')
      .default('RollingUpdate'),
    rollingUpdate: f.message(RollingUpdateDaemonSet, 2, 'Settings used only when type is RollingUpdate.'),
  },
)
export interface DaemonSetUpdateStrategy extends Infer<typeof DaemonSetUpdateStrategy> {}

export const DaemonSetSpec = message('apps.v1.DaemonSetSpec', 'Wanted state of a DaemonSet.', {
  selector: f
    .message(LabelSelector, 1, 'Labels that identify the pods of this set; must match the template and never changes.')
    .required(),
  template: f.message(PodTemplateSpec, 2, 'Pod to run on every eligible node.').required().present(),
  updateStrategy: f
    .message(DaemonSetUpdateStrategy, 3, 'How running pods are replaced by ones with a new template.')
    .present(),
  minReadySeconds: f.int32(4, 'Seconds a new pod must stay ready before it counts as available; default 0.'),
  revisionHistoryLimit: f.int32(6, 'Number of old revisions kept for rollback; default 10.').pointer().default(10),
})
export interface DaemonSetSpec extends Infer<typeof DaemonSetSpec> {}

export const DaemonSetCondition = message(
  'apps.v1.DaemonSetCondition',
  'One observed aspect of the state of a DaemonSet.',
  {
    type: f.string(1, 'Name of the condition.').required(),
    status: f.string(2, 'True, False or Unknown.').required(),
    lastTransitionTime: f.time(3, 'When status last changed its value.'),
    reason: f.string(4, 'Short machine-readable cause of the last change.'),
    message: f.string(5, 'Details of the last change, meant for people.'),
  },
)
export interface DaemonSetCondition extends Infer<typeof DaemonSetCondition> {}

export const DaemonSetStatus = message('apps.v1.DaemonSetStatus', 'Most recently observed state of a DaemonSet.', {
  currentNumberScheduled: f.int32(1, 'Nodes that run a daemon pod and are supposed to.').required(),
  numberMisscheduled: f.int32(2, 'Nodes that run a daemon pod although they should not.').required(),
  desiredNumberScheduled: f.int32(3, 'Nodes that should run a daemon pod, whether or not they do.').required(),
  numberReady: f.int32(4, 'Eligible nodes that have at least one ready daemon pod.').required(),
  observedGeneration: f.int64(5, 'Generation of the spec that the controller has last acted on.'),
  updatedNumberScheduled: f.int32(6, 'Nodes whose daemon pod already has the newest template.'),
  numberAvailable: f.int32(7, 'Eligible nodes whose daemon pod has been ready for minReadySeconds.'),
  numberUnavailable: f.int32(8, 'Eligible nodes that have no available daemon pod.'),
  collisionCount: f.int32(9, 'Hash collisions seen so far when naming a new ControllerRevision.').pointer(),
  conditions: f
    .list(DaemonSetCondition, 10, 'Latest observations about the set, one per type.')
    .map('type')
    .merge('type'),
})
export interface DaemonSetStatus extends Infer<typeof DaemonSetStatus> {}

export const DaemonSet = kind(
  'apps',
  'v1',
  'DaemonSet',
  'Runs a copy of a pod on every node, or on a chosen group of nodes.',
  {
    spec: f.message(DaemonSetSpec, 2, 'Wanted behaviour of the set.').present(),
    status: f.message(DaemonSetStatus, 3, 'Observed state, written by the controller.').present(),
  },
)
export interface DaemonSet extends Infer<typeof DaemonSet> {}

export const RollingUpdateDeployment = message(
  'apps.v1.RollingUpdateDeployment',
  'Limits for a rolling update of a Deployment.',
  {
    maxUnavailable: f
      .intOrString(1, 'Count or percentage of wanted pods that may be missing during an update; default 25%.')
      .default('25%'),
    maxSurge: f
      .intOrString(2, 'Count or percentage of pods allowed above the wanted number; default 25%.')
      .default('25%'),
  },
)
export interface RollingUpdateDeployment extends Infer<typeof RollingUpdateDeployment> {}

export const DeploymentStrategy = message(
  'apps.v1.DeploymentStrategy',
  'How old pods of a Deployment make way for new ones.',
  {
    type: f
      .string(1, 'RollingUpdate (default) swaps pods gradually; Recreate stops all old pods first.')
      .oneOf('Recreate', 'RollingUpdate')
      .default('RollingUpdate'),
    rollingUpdate: f.message(RollingUpdateDeployment, 2, 'Settings used only when type is RollingUpdate.'),
  },
)
export interface DeploymentStrategy extends Infer<typeof DeploymentStrategy> {}

export const DeploymentSpec = message('apps.v1.DeploymentSpec', 'Wanted state of a Deployment.', {
  replicas: f.int32(1, 'Number of pods to run; default 1.').pointer().default(1),
  selector: f
    .message(
      LabelSelector,
      2,
      'Labels that identify the pods of this Deployment; must match the template and never changes.',
    )
    .required(),
  template: f.message(PodTemplateSpec, 3, 'Pod to create; restartPolicy has to be Always.').required().present(),
  strategy: f.message(DeploymentStrategy, 4, 'How existing pods are replaced by new ones.').retainKeys().present(),
  minReadySeconds: f.int32(5, 'Seconds a new pod must stay ready before it counts as available; default 0.'),
  revisionHistoryLimit: f.int32(6, 'Number of old ReplicaSets kept for rollback; default 10.').pointer().default(10),
  paused: f.bool(7, 'Holds back rollouts of template changes while true.'),
  progressDeadlineSeconds: f
    .int32(9, 'Seconds a rollout may go without progress before it is reported as failed; default 600.')
    .pointer()
    .default(600),
})
export interface DeploymentSpec extends Infer<typeof DeploymentSpec> {}

export const DeploymentCondition = message(
  'apps.v1.DeploymentCondition',
  'One observed aspect of the state of a Deployment.',
  {
    type: f.string(1, 'Name of the condition: Available, Progressing or ReplicaFailure.').required(),
    status: f.string(2, 'True, False or Unknown.').required(),
    reason: f.string(4, 'Short machine-readable cause of the last change.'),
    message: f.string(5, 'Details of the last change, meant for people.'),
    lastUpdateTime: f.time(6, 'When this condition was last refreshed.'),
    lastTransitionTime: f.time(7, 'When status last changed its value.'),
  },
)
export interface DeploymentCondition extends Infer<typeof DeploymentCondition> {}

export const DeploymentStatus = message('apps.v1.DeploymentStatus', 'Most recently observed state of a Deployment.', {
  observedGeneration: f.int64(1, 'Generation of the spec that the controller has last acted on.'),
  replicas: f.int32(2, 'Pods of this Deployment that exist and are not being deleted.'),
  updatedReplicas: f.int32(3, 'Pods that already have the newest template.'),
  availableReplicas: f.int32(4, 'Pods that have been ready for at least minReadySeconds.'),
  unavailableReplicas: f.int32(5, 'Pods still needed until the Deployment is fully available.'),
  conditions: f
    .list(DeploymentCondition, 6, 'Latest observations about the Deployment, one per type.')
    .map('type')
    .merge('type'),
  readyReplicas: f.int32(7, 'Pods whose Ready condition is true.'),
  collisionCount: f.int32(8, 'Hash collisions seen so far when naming a new ReplicaSet.').pointer(),
  terminatingReplicas: f.int32(9, 'Pods that are being deleted but have not stopped yet.').pointer(),
})
export interface DeploymentStatus extends Infer<typeof DeploymentStatus> {}

export const Deployment = kind(
  'apps',
  'v1',
  'Deployment',
  'Keeps a number of identical pods running and rolls out changes to them.',
  {
    spec: f.message(DeploymentSpec, 2, 'Wanted behaviour of the Deployment.').present(),
    status: f.message(DeploymentStatus, 3, 'Observed state, written by the controller.').present(),
  },
)
export interface Deployment extends Infer<typeof Deployment> {}

export const ReplicaSetSpec = message('apps.v1.ReplicaSetSpec', 'Wanted state of a ReplicaSet.', {
  replicas: f.int32(1, 'Number of pods to run; default 1.').pointer().default(1),
  selector: f
    .message(LabelSelector, 2, 'Labels that identify the pods of this set; must match the template and never changes.')
    .required(),
  template: f.message(PodTemplateSpec, 3, 'Pod to create when there are too few.').present(),
  minReadySeconds: f.int32(4, 'Seconds a new pod must stay ready before it counts as available; default 0.'),
})
export interface ReplicaSetSpec extends Infer<typeof ReplicaSetSpec> {}

export const ReplicaSetCondition = message(
  'apps.v1.ReplicaSetCondition',
  'One observed aspect of the state of a ReplicaSet.',
  {
    type: f.string(1, 'Name of the condition, such as ReplicaFailure.').required(),
    status: f.string(2, 'True, False or Unknown.').required(),
    lastTransitionTime: f.time(3, 'When status last changed its value.'),
    reason: f.string(4, 'Short machine-readable cause of the last change.'),
    message: f.string(5, 'Details of the last change, meant for people.'),
  },
)
export interface ReplicaSetCondition extends Infer<typeof ReplicaSetCondition> {}

export const ReplicaSetStatus = message('apps.v1.ReplicaSetStatus', 'Most recently observed state of a ReplicaSet.', {
  replicas: f.int32(1, 'Pods of this set that exist and are not being deleted.').required(),
  fullyLabeledReplicas: f.int32(2, 'Pods that carry every label of the pod template.'),
  observedGeneration: f.int64(3, 'Generation of the spec that the controller has last acted on.'),
  readyReplicas: f.int32(4, 'Pods whose Ready condition is true.'),
  availableReplicas: f.int32(5, 'Pods that have been ready for at least minReadySeconds.'),
  conditions: f
    .list(ReplicaSetCondition, 6, 'Latest observations about the set, one per type.')
    .map('type')
    .merge('type'),
  terminatingReplicas: f.int32(7, 'Pods that are being deleted but have not stopped yet.').pointer(),
})
export interface ReplicaSetStatus extends Infer<typeof ReplicaSetStatus> {}

export const ReplicaSet = kind(
  'apps',
  'v1',
  'ReplicaSet',
  'Keeps a given number of identical pods running; usually managed by a Deployment.',
  {
    spec: f.message(ReplicaSetSpec, 2, 'Wanted behaviour of the set.').present(),
    status: f.message(ReplicaSetStatus, 3, 'Observed state, written by the controller.').present(),
  },
)
export interface ReplicaSet extends Infer<typeof ReplicaSet> {}

export const RollingUpdateStatefulSetStrategy = message(
  'apps.v1.RollingUpdateStatefulSetStrategy',
  'Limits for a rolling update of a StatefulSet.',
  {
    partition: f.int32(1, 'Only pods with this ordinal or a higher one are updated; default 0.').pointer(),
    maxUnavailable: f.intOrString(2, 'Count or percentage of pods that may be down during an update; default 1.'),
  },
)
export interface RollingUpdateStatefulSetStrategy extends Infer<typeof RollingUpdateStatefulSetStrategy> {}

export const StatefulSetOrdinals = message('apps.v1.StatefulSetOrdinals', 'Numbering of the pods of a StatefulSet.', {
  start: f.int32(1, 'Ordinal of the first pod; default 0.').present(),
})
export interface StatefulSetOrdinals extends Infer<typeof StatefulSetOrdinals> {}

export const StatefulSetPersistentVolumeClaimRetentionPolicy = message(
  'apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy',
  'What happens to claims made from volumeClaimTemplates once they are no longer needed.',
  {
    whenDeleted: f
      .string(1, 'Fate of claims when the StatefulSet is deleted: Retain (default) or Delete.')
      .default('Retain'),
    whenScaled: f
      .string(2, 'Fate of claims whose pod is removed by scaling down: Retain (default) or Delete.')
      .default('Retain'),
  },
)
export interface StatefulSetPersistentVolumeClaimRetentionPolicy extends Infer<
  typeof StatefulSetPersistentVolumeClaimRetentionPolicy
> {}

export const StatefulSetUpdateStrategy = message(
  'apps.v1.StatefulSetUpdateStrategy',
  'How pods of a StatefulSet are replaced when its template changes.',
  {
    type: f
      .string(1, 'RollingUpdate (default) replaces pods in order; OnDelete waits until someone deletes them.')
      .oneOf('OnDelete', 'RollingUpdate'),
    rollingUpdate: f.message(RollingUpdateStatefulSetStrategy, 2, 'Settings used only when type is RollingUpdate.'),
  },
)
export interface StatefulSetUpdateStrategy extends Infer<typeof StatefulSetUpdateStrategy> {}

export const StatefulSetSpec = message('apps.v1.StatefulSetSpec', 'Wanted state of a StatefulSet.', {
  replicas: f.int32(1, 'Number of pods to run, each with its own identity; default 1.').pointer().default(1),
  selector: f
    .message(LabelSelector, 2, 'Labels that identify the pods of this set; must match the template and never changes.')
    .required(),
  template: f
    .message(PodTemplateSpec, 3, 'Pod to create for each ordinal; it is named after the set and the ordinal.')
    .required()
    .present(),
  volumeClaimTemplates: f
    .list(PersistentVolumeClaim, 4, 'Claims created for each pod; pods mount them as volumes of the same name.')
    .atomic(),
  serviceName: f.string(5, 'Service that gives the pods their DNS names; it must exist beforehand.').present(),
  podManagementPolicy: f
    .string(6, 'OrderedReady (default) starts and stops pods one by one; Parallel does all at once.')
    .oneOf('OrderedReady', 'Parallel')
    .default('OrderedReady'),
  updateStrategy: f
    .message(StatefulSetUpdateStrategy, 7, 'How running pods are replaced by ones with a new template.')
    .present(),
  revisionHistoryLimit: f.int32(8, 'Number of old revisions kept for rollback; default 10.').pointer().default(10),
  minReadySeconds: f.int32(9, 'Seconds a new pod must stay ready before it counts as available; default 0.'),
  persistentVolumeClaimRetentionPolicy: f.message(
    StatefulSetPersistentVolumeClaimRetentionPolicy,
    10,
    'When claims created from volumeClaimTemplates are deleted; by default they are kept.',
  ),
  ordinals: f.message(StatefulSetOrdinals, 11, 'How pods are numbered; by default they count up from 0.'),
})
export interface StatefulSetSpec extends Infer<typeof StatefulSetSpec> {}

export const StatefulSetCondition = message(
  'apps.v1.StatefulSetCondition',
  'One observed aspect of the state of a StatefulSet.',
  {
    type: f.string(1, 'Name of the condition.').required(),
    status: f.string(2, 'True, False or Unknown.').required(),
    lastTransitionTime: f.time(3, 'When status last changed its value.'),
    reason: f.string(4, 'Short machine-readable cause of the last change.'),
    message: f.string(5, 'Details of the last change, meant for people.'),
  },
)
export interface StatefulSetCondition extends Infer<typeof StatefulSetCondition> {}

export const StatefulSetStatus = message(
  'apps.v1.StatefulSetStatus',
  'Most recently observed state of a StatefulSet.',
  {
    observedGeneration: f.int64(1, 'Generation of the spec that the controller has last acted on.'),
    replicas: f.int32(2, 'Pods that the controller has created for this set.').required(),
    readyReplicas: f.int32(3, 'Pods whose Ready condition is true.'),
    currentReplicas: f.int32(4, 'Pods that were made from the revision in currentRevision.'),
    updatedReplicas: f.int32(5, 'Pods that were made from the revision in updateRevision.'),
    currentRevision: f.string(6, 'Revision of the pods that have not been updated yet.'),
    updateRevision: f.string(7, 'Revision that pods are being updated to.'),
    collisionCount: f.int32(9, 'Hash collisions seen so far when naming a new ControllerRevision.').pointer(),
    conditions: f
      .list(StatefulSetCondition, 10, 'Latest observations about the set, one per type.')
      .map('type')
      .merge('type'),
    availableReplicas: f.int32(11, 'Pods that have been ready for at least minReadySeconds.').present(),
  },
)
export interface StatefulSetStatus extends Infer<typeof StatefulSetStatus> {}

export const StatefulSet = kind(
  'apps',
  'v1',
  'StatefulSet',
  'Runs pods with stable names and storage, created and replaced in order.',
  {
    spec: f.message(StatefulSetSpec, 2, 'Wanted behaviour of the set.').present(),
    status: f.message(StatefulSetStatus, 3, 'Observed state, written by the controller.').present(),
  },
)
export interface StatefulSet extends Infer<typeof StatefulSet> {}
