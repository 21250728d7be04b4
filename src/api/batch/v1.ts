/** @@HEAD batch/v1.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { PodTemplateSpec } from '#api/core/v1/pod.ts'
import { ObjectReference } from '#api/core/v1/shared.ts'
import { LabelSelector, ObjectMeta } from '#api/meta/v1.ts'

export const PodFailurePolicyOnExitCodesRequirement = message('batch.v1.PodFailurePolicyOnExitCodesRequirement', '', {
  containerName: f.string(1, ''),
  operator: f.string(2, '').required(),
  values: f.list('int32', 3, '').required().set(),
})
export interface PodFailurePolicyOnExitCodesRequirement extends Infer<typeof PodFailurePolicyOnExitCodesRequirement> {}

export const PodFailurePolicyOnPodConditionsPattern = message('batch.v1.PodFailurePolicyOnPodConditionsPattern', '', {
  type: f.string(1, '').required(),
  status: f.string(2, ''),
})
export interface PodFailurePolicyOnPodConditionsPattern extends Infer<typeof PodFailurePolicyOnPodConditionsPattern> {}

export const PodFailurePolicyRule = message('batch.v1.PodFailurePolicyRule', '', {
  action: f.string(1, '').required(),
  onExitCodes: f.message(PodFailurePolicyOnExitCodesRequirement, 2, ''),
  onPodConditions: f.list(PodFailurePolicyOnPodConditionsPattern, 3, '').atomic(),
})
export interface PodFailurePolicyRule extends Infer<typeof PodFailurePolicyRule> {}

export const PodFailurePolicy = message('batch.v1.PodFailurePolicy', '', {
  rules: f.list(PodFailurePolicyRule, 1, '').required().atomic(),
})
export interface PodFailurePolicy extends Infer<typeof PodFailurePolicy> {}

export const SuccessPolicyRule = message('batch.v1.SuccessPolicyRule', '', {
  succeededIndexes: f.string(1, ''),
  succeededCount: f.int32(2, ''),
})
export interface SuccessPolicyRule extends Infer<typeof SuccessPolicyRule> {}

export const SuccessPolicy = message('batch.v1.SuccessPolicy', '', {
  rules: f.list(SuccessPolicyRule, 1, '').required().atomic(),
})
export interface SuccessPolicy extends Infer<typeof SuccessPolicy> {}

export const JobSpec = message('batch.v1.JobSpec', '', {
  parallelism: f.int32(1, ''),
  completions: f.int32(2, ''),
  activeDeadlineSeconds: f.int64(3, ''),
  selector: f.message(LabelSelector, 4, ''),
  manualSelector: f.bool(5, ''),
  template: f.message(PodTemplateSpec, 6, '').required(),
  backoffLimit: f.int32(7, ''),
  ttlSecondsAfterFinished: f.int32(8, ''),
  completionMode: f.string(9, ''),
  suspend: f.bool(10, ''),
  podFailurePolicy: f.message(PodFailurePolicy, 11, ''),
  backoffLimitPerIndex: f.int32(12, ''),
  maxFailedIndexes: f.int32(13, ''),
  podReplacementPolicy: f.string(14, ''),
  managedBy: f.string(15, ''),
  successPolicy: f.message(SuccessPolicy, 16, ''),
})
export interface JobSpec extends Infer<typeof JobSpec> {}

export const JobTemplateSpec = message('batch.v1.JobTemplateSpec', '', {
  metadata: f.message(ObjectMeta, 1, ''),
  spec: f.message(JobSpec, 2, ''),
})
export interface JobTemplateSpec extends Infer<typeof JobTemplateSpec> {}

export const CronJobSpec = message('batch.v1.CronJobSpec', '', {
  schedule: f.string(1, '').required(),
  startingDeadlineSeconds: f.int64(2, ''),
  concurrencyPolicy: f.string(3, ''),
  suspend: f.bool(4, ''),
  jobTemplate: f.message(JobTemplateSpec, 5, '').required(),
  successfulJobsHistoryLimit: f.int32(6, ''),
  failedJobsHistoryLimit: f.int32(7, ''),
  timeZone: f.string(8, ''),
})
export interface CronJobSpec extends Infer<typeof CronJobSpec> {}

export const CronJobStatus = message('batch.v1.CronJobStatus', '', {
  active: f.list(ObjectReference, 1, '').atomic(),
  lastScheduleTime: f.time(4, ''),
  lastSuccessfulTime: f.time(5, ''),
})
export interface CronJobStatus extends Infer<typeof CronJobStatus> {}

export const CronJob = kind('batch', 'v1', 'CronJob', '', {
  spec: f.message(CronJobSpec, 2, '').present(),
  status: f.message(CronJobStatus, 3, '').present(),
})
export interface CronJob extends Infer<typeof CronJob> {}

export const JobCondition = message('batch.v1.JobCondition', '', {
  type: f.string(1, '').required(),
  status: f.string(2, '').required(),
  lastProbeTime: f.time(3, ''),
  lastTransitionTime: f.time(4, ''),
  reason: f.string(5, ''),
  message: f.string(6, ''),
})
export interface JobCondition extends Infer<typeof JobCondition> {}

export const UncountedTerminatedPods = message('batch.v1.UncountedTerminatedPods', '', {
  succeeded: f.list('string', 1, '').set(),
  failed: f.list('string', 2, '').set(),
})
export interface UncountedTerminatedPods extends Infer<typeof UncountedTerminatedPods> {}

export const JobStatus = message('batch.v1.JobStatus', '', {
  conditions: f.list(JobCondition, 1, '').atomic().merge('type'),
  startTime: f.time(2, ''),
  completionTime: f.time(3, ''),
  active: f.int32(4, ''),
  succeeded: f.int32(5, ''),
  failed: f.int32(6, ''),
  completedIndexes: f.string(7, ''),
  uncountedTerminatedPods: f.message(UncountedTerminatedPods, 8, ''),
  ready: f.int32(9, ''),
  failedIndexes: f.string(10, ''),
  terminating: f.int32(11, ''),
})
export interface JobStatus extends Infer<typeof JobStatus> {}

export const Job = kind('batch', 'v1', 'Job', '', {
  spec: f.message(JobSpec, 2, '').present(),
  status: f.message(JobStatus, 3, '').present(),
})
export interface Job extends Infer<typeof Job> {}
