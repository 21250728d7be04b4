/**
 * ReplicationController, the older way to keep a number of equal pods running. ReplicaSet and Deployment have
 * taken its place.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { PodTemplateSpec } from './pod.ts'

export const ReplicationControllerSpec = message(
  'core.v1.ReplicationControllerSpec',
  'How many pods to keep, which ones count, and how to make more.',
  {
    replicas: f.int32(1, 'Number of pods to keep running; default 1.').pointer().default(1),
    selector: f.mapOf('string', 2, 'Labels of the pods that count; default is the labels of the template.').atomic(),
    template: f.message(
      PodTemplateSpec,
      3,
      'Pod to create when there are too few; its labels must match the selector.',
    ),
    minReadySeconds: f.int32(4, 'Seconds a new pod must stay ready to count as available; default 0.'),
  },
)
export interface ReplicationControllerSpec extends Infer<typeof ReplicationControllerSpec> {}

export const ReplicationControllerCondition = message(
  'core.v1.ReplicationControllerCondition',
  'One observation about a replication controller.',
  {
    type: f.string(1, 'What is observed; the known value is ReplicaFailure.').required(),
    status: f.string(2, 'Whether the condition holds: True, False or Unknown.').required(),
    lastTransitionTime: f.time(3, 'When the status of this condition last changed.'),
    reason: f.string(4, 'Short machine-readable cause of the last change, in CamelCase.'),
    message: f.string(5, 'Human-readable details about the last change.'),
  },
)
export interface ReplicationControllerCondition extends Infer<typeof ReplicationControllerCondition> {}

export const ReplicationControllerStatus = message(
  'core.v1.ReplicationControllerStatus',
  'Pod counts last seen by the replication controller.',
  {
    replicas: f.int32(1, 'Number of pods seen at the last observation.').required(),
    fullyLabeledReplicas: f.int32(2, 'Pods that carry all labels of the pod template.'),
    observedGeneration: f.int64(3, 'Generation of the spec that these numbers reflect.'),
    readyReplicas: f.int32(4, 'Pods whose Ready condition is true.'),
    availableReplicas: f.int32(5, 'Pods that have been ready for at least minReadySeconds.'),
    conditions: f
      .list(ReplicationControllerCondition, 6, 'Latest observations about the controller, at most one per type.')
      .map('type')
      .merge('type'),
  },
)
export interface ReplicationControllerStatus extends Infer<typeof ReplicationControllerStatus> {}

export const ReplicationController = kind(
  '',
  'v1',
  'ReplicationController',
  'Keeps a set number of equal pods running; superseded by Deployment and ReplicaSet.',
  {
    spec: f.message(ReplicationControllerSpec, 2, 'Which pods to keep running, and how many.').present(),
    status: f
      .message(ReplicationControllerStatus, 3, 'Pod counts and conditions last observed; may lag behind.')
      .present(),
  },
)
export interface ReplicationController extends Infer<typeof ReplicationController> {}
