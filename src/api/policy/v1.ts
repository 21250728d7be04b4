/** @@HEAD policy/v1.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { Condition, DeleteOptions, LabelSelector } from '#api/meta/v1.ts'

export const Eviction = kind('policy', 'v1', 'Eviction', '', {
  deleteOptions: f.message(DeleteOptions, 2, ''),
})
export interface Eviction extends Infer<typeof Eviction> {}

export const PodDisruptionBudgetSpec = message('policy.v1.PodDisruptionBudgetSpec', '', {
  minAvailable: f.intOrString(1, ''),
  selector: f.message(LabelSelector, 2, ''),
  maxUnavailable: f.intOrString(3, ''),
  unhealthyPodEvictionPolicy: f.string(4, ''),
})
export interface PodDisruptionBudgetSpec extends Infer<typeof PodDisruptionBudgetSpec> {}

export const PodDisruptionBudgetStatus = message('policy.v1.PodDisruptionBudgetStatus', '', {
  observedGeneration: f.int64(1, ''),
  disruptedPods: f.mapOf('time', 2, ''),
  disruptionsAllowed: f.int32(3, ''),
  currentHealthy: f.int32(4, ''),
  desiredHealthy: f.int32(5, ''),
  expectedPods: f.int32(6, ''),
  conditions: f.list(Condition, 7, '').map('type').merge('type'),
})
export interface PodDisruptionBudgetStatus extends Infer<typeof PodDisruptionBudgetStatus> {}

export const PodDisruptionBudget = kind('policy', 'v1', 'PodDisruptionBudget', '', {
  spec: f.message(PodDisruptionBudgetSpec, 2, '').present(),
  status: f.message(PodDisruptionBudgetStatus, 3, '').present(),
})
export interface PodDisruptionBudget extends Infer<typeof PodDisruptionBudget> {}
