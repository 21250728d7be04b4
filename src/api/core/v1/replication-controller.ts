/** @@HEAD core/v1/replication-controller.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { PodTemplateSpec } from './pod.ts'

export const ReplicationControllerSpec = message('core.v1.ReplicationControllerSpec', '', {
  replicas: f.int32(1, ''),
  selector: f.mapOf('string', 2, '').atomic(),
  template: f.message(PodTemplateSpec, 3, ''),
  minReadySeconds: f.int32(4, ''),
})
export interface ReplicationControllerSpec extends Infer<typeof ReplicationControllerSpec> {}

export const ReplicationControllerCondition = message('core.v1.ReplicationControllerCondition', '', {
  type: f.string(1, '').required(),
  status: f.string(2, '').required(),
  lastTransitionTime: f.time(3, ''),
  reason: f.string(4, ''),
  message: f.string(5, ''),
})
export interface ReplicationControllerCondition extends Infer<typeof ReplicationControllerCondition> {}

export const ReplicationControllerStatus = message('core.v1.ReplicationControllerStatus', '', {
  replicas: f.int32(1, '').required(),
  fullyLabeledReplicas: f.int32(2, ''),
  observedGeneration: f.int64(3, ''),
  readyReplicas: f.int32(4, ''),
  availableReplicas: f.int32(5, ''),
  conditions: f.list(ReplicationControllerCondition, 6, '').map('type').merge('type'),
})
export interface ReplicationControllerStatus extends Infer<typeof ReplicationControllerStatus> {}

export const ReplicationController = kind('', 'v1', 'ReplicationController', '', {
  spec: f.message(ReplicationControllerSpec, 2, '').present(),
  status: f.message(ReplicationControllerStatus, 3, '').present(),
})
export interface ReplicationController extends Infer<typeof ReplicationController> {}
