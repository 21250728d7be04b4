/** PodDisruptionBudget, which limits voluntary disruptions, and Eviction, the request that honours it. */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { Condition, DeleteOptions, LabelSelector } from '#api/meta/v1.ts'

export const Eviction = kind('policy', 'v1', 'Eviction', 'Asks to remove a pod, subject to its disruption budgets.', {
  deleteOptions: f.message(DeleteOptions, 2, 'How the pod is to be deleted.'),
})
export interface Eviction extends Infer<typeof Eviction> {}

export const PodDisruptionBudgetSpec = message(
  'policy.v1.PodDisruptionBudgetSpec',
  'How many pods must keep running; set minAvailable or maxUnavailable.',
  {
    minAvailable: f.intOrString(1, 'Count or percentage of pods that must stay available; excludes maxUnavailable.'),
    selector: f
      .message(LabelSelector, 2, 'Pods that the budget covers; empty selects all in the namespace, null selects none.')
      .replace(),
    maxUnavailable: f.intOrString(3, 'Count or percentage of pods that may be unavailable; excludes minAvailable.'),
    unhealthyPodEvictionPolicy: f
      .string(4, 'When pods that are not ready can be evicted: IfHealthyBudget (default) or AlwaysAllow.')
      .pointer()
      .oneOf('AlwaysAllow', 'IfHealthyBudget'),
  },
)
export interface PodDisruptionBudgetSpec extends Infer<typeof PodDisruptionBudgetSpec> {}

export const PodDisruptionBudgetStatus = message('policy.v1.PodDisruptionBudgetStatus', 'Observed state of a budget.', {
  observedGeneration: f.int64(1, 'Generation of the spec that the controller has last acted on.'),
  disruptedPods: f.mapOf('time', 2, 'Pods whose eviction was granted but not yet seen, with the time of it.'),
  disruptionsAllowed: f.int32(3, 'Number of pods that can be evicted right now.').present(),
  currentHealthy: f.int32(4, 'Number of covered pods that are healthy.').present(),
  desiredHealthy: f.int32(5, 'Number of pods that have to be healthy.').present(),
  expectedPods: f.int32(6, 'Number of pods the budget counts with in total.').present(),
  conditions: f
    .list(Condition, 7, 'Latest observations, one per type; DisruptionAllowed tells whether evictions are possible.')
    .map('type')
    .merge('type'),
})
export interface PodDisruptionBudgetStatus extends Infer<typeof PodDisruptionBudgetStatus> {}

export const PodDisruptionBudget = kind(
  'policy',
  'v1',
  'PodDisruptionBudget',
  'Limits how many pods of an application may be evicted at once.',
  {
    spec: f.message(PodDisruptionBudgetSpec, 2, 'Wanted behaviour of the budget.').present(),
    status: f.message(PodDisruptionBudgetStatus, 3, 'Observed state, written by the controller.').present(),
  },
)
export interface PodDisruptionBudget extends Infer<typeof PodDisruptionBudget> {}
