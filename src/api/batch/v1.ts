/**
 * Job, which runs pods to completion, and CronJob, which creates Jobs on a schedule. The policies for failure and
 * success of a Job are described here too.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { PodTemplateSpec } from '#api/core/v1/pod.ts'
import { ObjectReference } from '#api/core/v1/shared.ts'
import { LabelSelector, ObjectMeta } from '#api/meta/v1.ts'

export const PodFailurePolicyOnExitCodesRequirement = message(
  'batch.v1.PodFailurePolicyOnExitCodesRequirement',
  'Test on the exit codes of the containers of a failed pod.',
  {
    containerName: f.string(1, 'Container to look at; by default all containers and init containers.').pointer(),
    operator: f
      .string(2, 'In matches codes among values; NotIn matches non-zero codes that are not.')
      .required()
      .oneOf('In', 'NotIn'),
    values: f
      .list('int32', 3, 'Exit codes to compare with, 1 to 255 of them; 0 is not allowed with In.')
      .required()
      .set(),
  },
)
export interface PodFailurePolicyOnExitCodesRequirement extends Infer<typeof PodFailurePolicyOnExitCodesRequirement> {}

export const PodFailurePolicyOnPodConditionsPattern = message(
  'batch.v1.PodFailurePolicyOnPodConditionsPattern',
  'Test on a condition of a failed pod.',
  {
    type: f.string(1, 'Condition type the pod must have.').required(),
    status: f.string(2, 'Status the condition must have; default True.').present().default('True'),
  },
)
export interface PodFailurePolicyOnPodConditionsPattern extends Infer<typeof PodFailurePolicyOnPodConditionsPattern> {}

export const PodFailurePolicyRule = message(
  'batch.v1.PodFailurePolicyRule',
  'What to do about a pod that failed in a certain way.',
  {
    action: f
      .string(1, 'FailJob, FailIndex, Ignore (not counted) or Count (as usual).')
      .required()
      .oneOf('Count', 'FailIndex', 'FailJob', 'Ignore'),
    onExitCodes: f.message(
      PodFailurePolicyOnExitCodesRequirement,
      2,
      'Applies the rule by container exit codes; excludes onPodConditions.',
    ),
    onPodConditions: f
      .list(
        PodFailurePolicyOnPodConditionsPattern,
        3,
        'Applies the rule if one of these conditions is found; excludes onExitCodes.',
      )
      .atomic(),
  },
)
export interface PodFailurePolicyRule extends Infer<typeof PodFailurePolicyRule> {}

export const PodFailurePolicy = message(
  'batch.v1.PodFailurePolicy',
  'How failed pods affect the backoff limit of a Job.',
  {
    rules: f.list(PodFailurePolicyRule, 1, 'Rules tried in order until one matches, at most 20.').required().atomic(),
  },
)
export interface PodFailurePolicy extends Infer<typeof PodFailurePolicy> {}

export const SuccessPolicyRule = message(
  'batch.v1.SuccessPolicyRule',
  'When a Job counts as succeeded before all its pods are done.',
  {
    succeededIndexes: f.string(1, 'Indexes that have to succeed, such as 1,3-5; default is any.').pointer(),
    succeededCount: f.int32(2, 'How many of those indexes have to succeed; default is all of them.').pointer(),
  },
)
export interface SuccessPolicyRule extends Infer<typeof SuccessPolicyRule> {}

export const SuccessPolicy = message('batch.v1.SuccessPolicy', 'Lets an Indexed Job succeed early.', {
  rules: f
    .list(SuccessPolicyRule, 1, 'Rules tried in order; the first satisfied one completes the Job, at most 20.')
    .required()
    .atomic(),
})
export interface SuccessPolicy extends Infer<typeof SuccessPolicy> {}

export const JobSpec = message('batch.v1.JobSpec', 'Wanted behaviour of a Job.', {
  parallelism: f.int32(1, 'Largest number of pods that run at the same time; default 1.').pointer(),
  completions: f.int32(2, 'Number of successful pods needed; if unset, one success is enough to finish.').pointer(),
  activeDeadlineSeconds: f.int64(3, 'Seconds from the start after which the Job is stopped as failed.').pointer(),
  selector: f.message(LabelSelector, 4, 'Labels that identify its pods; normally generated and best left out.'),
  manualSelector: f.bool(5, 'Set true to choose selector and pod labels yourself; they must be unique.').pointer(),
  template: f
    .message(PodTemplateSpec, 6, 'Pod to run; restartPolicy has to be Never or OnFailure.')
    .required()
    .present(),
  backoffLimit: f
    .int32(7, 'Retries before the Job fails; default 6, or unlimited with backoffLimitPerIndex.')
    .pointer(),
  ttlSecondsAfterFinished: f.int32(8, 'Seconds after which a finished Job is deleted; if unset, it is kept.').pointer(),
  completionMode: f
    .string(9, 'NonIndexed (default), or Indexed to give each pod a completion index.')
    .pointer()
    .oneOf('Indexed', 'NonIndexed'),
  suspend: f.bool(10, 'True deletes running pods and holds the Job until it is false again.').pointer(),
  podFailurePolicy: f.message(
    PodFailurePolicy,
    11,
    'Which failures end the Job or are ignored; restartPolicy must be Never.',
  ),
  backoffLimitPerIndex: f
    .int32(12, 'Retries for each index; only for Indexed Jobs with restartPolicy Never.')
    .pointer(),
  maxFailedIndexes: f
    .int32(13, 'Failed indexes after which the whole Job fails; needs backoffLimitPerIndex.')
    .pointer(),
  podReplacementPolicy: f
    .string(14, 'When to replace pods: TerminatingOrFailed (default) or Failed; podFailurePolicy allows only Failed.')
    .pointer()
    .oneOf('Failed', 'TerminatingOrFailed'),
  managedBy: f
    .string(15, 'Controller in charge of this Job; default kubernetes.io/job-controller, cannot be changed.')
    .pointer(),
  successPolicy: f.message(SuccessPolicy, 16, 'When the Job may succeed early; only for Indexed Jobs.'),
})
export interface JobSpec extends Infer<typeof JobSpec> {}

export const JobTemplateSpec = message('batch.v1.JobTemplateSpec', 'Job to create from a CronJob.', {
  metadata: f.message(ObjectMeta, 1, 'Labels, annotations and such for the new Jobs.').present(),
  spec: f.message(JobSpec, 2, 'Wanted behaviour of the new Jobs.').present(),
})
export interface JobTemplateSpec extends Infer<typeof JobTemplateSpec> {}

export const CronJobSpec = message('batch.v1.CronJobSpec', 'Wanted behaviour of a CronJob.', {
  schedule: f.string(1, 'When to run, in Cron format: minute, hour, day, month, weekday.').required(),
  startingDeadlineSeconds: f.int64(2, 'Seconds a run may start late before it is skipped; default no limit.').pointer(),
  concurrencyPolicy: f
    .string(3, 'What if the last run still goes on: Allow (default), Forbid or Replace.')
    .oneOf('Allow', 'Forbid', 'Replace')
    .default('Allow'),
  suspend: f.bool(4, 'True stops further runs from starting; default false.').pointer().default(false),
  jobTemplate: f.message(JobTemplateSpec, 5, 'Job to create at each scheduled time.').required().present(),
  successfulJobsHistoryLimit: f.int32(6, 'Number of successful Jobs to keep; default 3.').pointer().default(3),
  failedJobsHistoryLimit: f.int32(7, 'Number of failed Jobs to keep; default 1.').pointer().default(1),
  timeZone: f
    .string(8, 'Time zone of the schedule, such as Europe/Berlin; default is that of the controller.')
    .pointer(),
})
export interface CronJobSpec extends Infer<typeof CronJobSpec> {}

export const CronJobStatus = message('batch.v1.CronJobStatus', 'Observed state of a CronJob.', {
  active: f.list(ObjectReference, 1, 'Jobs of this CronJob that are running now.').atomic(),
  lastScheduleTime: f.time(4, 'When a Job was last created on schedule.'),
  lastSuccessfulTime: f.time(5, 'When a Job last finished successfully.'),
})
export interface CronJobStatus extends Infer<typeof CronJobStatus> {}

export const CronJob = kind('batch', 'v1', 'CronJob', 'Creates Jobs at the times given by a schedule.', {
  spec: f.message(CronJobSpec, 2, 'Wanted behaviour, including the schedule.').required().present(),
  status: f.message(CronJobStatus, 3, 'Observed state, written by the controller.').present(),
})
export interface CronJob extends Infer<typeof CronJob> {}

export const JobCondition = message('batch.v1.JobCondition', 'One observed aspect of the state of a Job.', {
  type: f
    .string(1, 'Name of the condition, such as Complete, Failed, Suspended, FailureTarget or SuccessCriteriaMet.')
    .required(),
  status: f.string(2, 'True, False or Unknown.').required(),
  lastProbeTime: f.time(3, 'When the condition was last checked.'),
  lastTransitionTime: f.time(4, 'When status last changed its value.'),
  reason: f.string(5, 'Short machine-readable cause of the last change.'),
  message: f.string(6, 'Details of the last change, meant for people.'),
})
export interface JobCondition extends Infer<typeof JobCondition> {}

export const UncountedTerminatedPods = message(
  'batch.v1.UncountedTerminatedPods',
  'UIDs of finished pods that the counters in status do not include yet.',
  {
    succeeded: f.list('string', 1, 'UIDs of pods that succeeded.').set(),
    failed: f.list('string', 2, 'UIDs of pods that failed.').set(),
  },
)
export interface UncountedTerminatedPods extends Infer<typeof UncountedTerminatedPods> {}

export const JobStatus = message('batch.v1.JobStatus', 'Observed state of a Job.', {
  conditions: f
    .list(JobCondition, 1, 'Latest observations; a finished Job has either Complete or Failed set to True.')
    .atomic()
    .merge('type'),
  startTime: f.time(2, 'When the Job began to be processed; reset when it is resumed.'),
  completionTime: f.time(3, 'When the Job succeeded; not set for a failed one.'),
  active: f.int32(4, 'Pods that are pending or running and not being deleted.'),
  succeeded: f.int32(5, 'Pods that reached phase Succeeded.'),
  failed: f.int32(6, 'Pods that reached phase Failed.'),
  completedIndexes: f.string(7, 'Indexes that succeeded, such as 1,3-5,7; only for Indexed Jobs.'),
  uncountedTerminatedPods: f.message(UncountedTerminatedPods, 8, 'Finished pods that are not in the counters yet.'),
  ready: f.int32(9, 'Active pods whose Ready condition is true.').pointer(),
  failedIndexes: f.string(10, 'Indexes that failed for good, such as 1,3-5; needs backoffLimitPerIndex.').pointer(),
  terminating: f.int32(11, 'Pods that are being deleted but have not stopped yet.').pointer(),
})
export interface JobStatus extends Infer<typeof JobStatus> {}

export const Job = kind('batch', 'v1', 'Job', 'Runs pods until enough of them have finished successfully.', {
  spec: f.message(JobSpec, 2, 'Wanted behaviour of the Job.').present(),
  status: f.message(JobStatus, 3, 'Observed state, written by the controller.').present(),
})
export interface Job extends Infer<typeof Job> {}
