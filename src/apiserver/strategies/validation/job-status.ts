/**
 * What a job's status may become. A rule is applied where something that it is about has changed, so that the controller can
 * repair what a change of the spec has broken. Upstream: `ValidateJobStatusUpdate` and `getStatusValidationOptions`.
 */
import { jsonEqual } from '#base/equal.ts'
import type { Stored } from '../../registry/strategy.ts'
import { fields, nonNegative, type Problems, STATUS } from './check.ts'
import { commonIndex, indexCount } from './job-indexes.ts'

type Status = Record<string, any>

/** What the rules below look at. */
interface Facts {
  readonly spec: Record<string, any>
  readonly status: Status
  readonly isComplete: boolean
  readonly isFailed: boolean
  readonly isFinished: boolean
  readonly isFailureTarget: boolean
  readonly isSuccessful: boolean
}

const hasCondition = (status: Status, type: string, value = 'True') =>
  (status.conditions ?? []).some((one: Status) => one.type === type && one.status === value)

function factsOf({ spec, status = {} }: Stored): Facts {
  const [isComplete, isFailed] = [hasCondition(status, 'Complete'), hasCondition(status, 'Failed')]
  return {
    spec: spec as Record<string, any>,
    status,
    isComplete,
    isFailed,
    isFinished: isComplete || isFailed,
    isFailureTarget: hasCondition(status, 'FailureTarget'),
    isSuccessful: hasCondition(status, 'SuccessCriteriaMet'),
  }
}

const isIndexed = ({ spec }: Facts) => spec.completionMode === 'Indexed'
const uncounted = ({ status }: Facts) => {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {}
  return succeeded.length + failed.length
}

type Place =
  | 'conditions'
  | 'completionTime'
  | 'startTime'
  | 'active'
  | 'ready'
  | 'terminating'
  | 'uncountedTerminatedPods'

interface Rule {
  /** The rule counts where one of these has changed; always, where there are none. */
  when?: readonly (keyof Facts | Place)[]
  /** What is wrong. */
  broken: (job: Facts) => boolean
  at: Place
  why: string
  isRequired?: boolean
}

const time = (text: string | undefined) => (text === undefined ? 0 : Date.parse(text))

const rules: readonly Rule[] = [
  {
    when: ['isComplete', 'isFailed'],
    broken: (job) => job.isComplete && job.isFailed,
    at: 'conditions',
    why: 'cannot set Complete=True and Failed=true conditions',
  },
  {
    when: ['isComplete', 'isFailureTarget'],
    broken: (job) => job.isComplete && job.isFailureTarget,
    at: 'conditions',
    why: 'cannot set Complete=True and FailureTarget=true conditions',
  },
  {
    when: ['isComplete', 'completionTime'],
    broken: ({ status, isComplete }) => status.completionTime !== undefined && !isComplete,
    at: 'completionTime',
    why: 'cannot set completionTime when there is no Complete=True condition',
  },
  {
    when: ['isComplete', 'completionTime'],
    broken: ({ status, isComplete }) => status.completionTime === undefined && isComplete,
    at: 'completionTime',
    why: 'completionTime is required for Complete jobs',
    isRequired: true,
  },
  {
    when: ['startTime', 'completionTime'],
    broken: ({ status: { startTime, completionTime } }) =>
      Boolean(startTime && completionTime) && time(completionTime) < time(startTime),
    at: 'completionTime',
    why: 'must be equal to or after `startTime`',
  },
  {
    when: ['isFailed'],
    broken: (job) => job.isFailed && !job.isFailureTarget,
    at: 'conditions',
    why: 'cannot set Failed=True condition without the FailureTarget=true condition',
  },
  {
    when: ['isComplete', 'isSuccessful'],
    broken: (job) => job.isComplete && !job.isSuccessful,
    at: 'conditions',
    why: 'cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
  },
  {
    when: ['isFinished', 'active'],
    broken: ({ status, isFinished }) => (status.active ?? 0) > 0 && isFinished,
    at: 'active',
    why: 'active>0 is invalid for finished job',
  },
  {
    when: ['isFinished', 'startTime'],
    broken: ({ spec, status, isFinished }) =>
      status.startTime === undefined && isFinished && !(spec.suspend && spec.completions === 0),
    at: 'startTime',
    why: 'startTime is required for finished job',
    isRequired: true,
  },
  {
    when: ['isFinished', 'uncountedTerminatedPods'],
    broken: (job) => job.isFinished && uncounted(job) > 0,
    at: 'uncountedTerminatedPods',
    why: 'must be empty for finished job',
  },
  {
    when: ['isFinished', 'terminating'],
    broken: ({ status, isFinished }) => (status.terminating ?? 0) > 0 && isFinished,
    at: 'terminating',
    why: 'terminating>0 is invalid for finished job',
  },
  {
    when: ['ready', 'active'],
    broken: ({ status }) => (status.ready ?? 0) > (status.active ?? 0),
    at: 'ready',
    why: 'cannot set more ready pods than active',
  },
  {
    broken: (job) => job.isSuccessful && job.isFailed,
    at: 'conditions',
    why: 'cannot set SuccessCriteriaMet=True and Failed=true conditions',
  },
  {
    broken: (job) => job.isSuccessful && job.isFailureTarget,
    at: 'conditions',
    why: 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions',
  },
  {
    broken: (job) => Boolean(job.spec.successPolicy) && !job.isSuccessful && job.isComplete,
    at: 'conditions',
    why: 'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True',
  },
]

const counts = fields({
  active: nonNegative,
  succeeded: nonNegative,
  failed: nonNegative,
  ready: nonNegative,
  terminating: nonNegative,
})

export function validateJobStatus(job: Stored, old: Stored, to: Problems) {
  const [now, was] = [factsOf(job), factsOf(old)]
  counts(now.status, STATUS, to)
  checkUncounted(now.status, to)
  const hasChanged = (name: string) =>
    name in now
      ? now[name as keyof Facts] !== was[name as keyof Facts]
      : !jsonEqual(now.status[name] ?? 0, was.status[name] ?? 0)
  for (const { when, broken, at, why, isRequired } of rules) {
    if ((when && !when.some(hasChanged)) || !broken(now)) continue
    const place = STATUS.at(at)
    if (isRequired) to.required(place, why)
    else if (at === 'conditions') to.unfit(place, why)
    else to.invalid(place, now.status[at] ?? null, why)
  }
  checkIndexes(now, was, to)
  checkTransition(now, was, to)
}

function checkUncounted({ uncountedTerminatedPods: pods = {} }: Status, to: Problems) {
  const seen = new Set<string>()
  for (const list of ['succeeded', 'failed']) {
    ;(pods[list] ?? []).forEach((uid: string, i: number) => {
      const at = STATUS.at('uncountedTerminatedPods', list).index(i)
      if (uid === '') to.invalid(at, uid, 'must not be empty')
      else if (seen.has(uid)) to.duplicate(at, uid)
      seen.add(uid)
    })
  }
}

function checkIndexes(job: Facts, was: Facts, to: Problems) {
  const { spec, status } = job
  const { completions } = spec
  const [completedAt, failedAt] = [STATUS.at('completedIndexes'), STATUS.at('failedIndexes')]
  const { completedIndexes: completed = '', failedIndexes: failed } = status
  const isCompletedNew = completed !== (was.status.completedIndexes ?? '')
  const isFailedNew = failed !== was.status.failedIndexes
  if (isCompletedNew && completions !== undefined) {
    const parsed = indexCount(completed, completions)
    if (typeof parsed !== 'number') {
      to.invalid(completedAt, completed, `error parsing completedIndexes: ${parsed.problem}`)
    }
  }
  if (isFailedNew && failed !== undefined && completions !== undefined && spec.backoffLimitPerIndex !== undefined) {
    const parsed = indexCount(failed, completions)
    if (typeof parsed !== 'number') to.invalid(failedAt, failed, `error parsing failedIndexes: ${parsed.problem}`)
  }
  if (isCompletedNew && completed && !isIndexed(job)) {
    to.invalid(completedAt, completed, 'cannot set non-empty completedIndexes when non-indexed completion mode')
  }
  if (isFailedNew && failed !== undefined && spec.backoffLimitPerIndex === undefined) {
    to.invalid(failedAt, failed, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null')
  }
  if ((isFailedNew || isCompletedNew) && failed !== undefined && completions !== undefined) {
    const common = commonIndex(completed, failed, completions)
    if (common !== undefined) {
      to.invalid(failedAt, failed, `failedIndexes and completedIndexes overlap at index: ${common}`)
    }
  }
}

const TERMINAL = ['Failed', 'Complete', 'FailureTarget']

/** What is over stays over, and counters only go up. */
function checkTransition(job: Facts, was: Facts, to: Problems) {
  const { spec, status } = job
  const conditions = STATUS.at('conditions')
  for (const type of TERMINAL) {
    if (hasCondition(was.status, type) && !hasCondition(status, type)) {
      to.unfit(conditions, `cannot disable the terminal ${type}=True condition`)
    }
  }
  const decreases = (name: string) => (status[name] ?? 0) < (was.status[name] ?? 0)
  if (decreases('failed')) to.invalid(STATUS.at('failed'), status.failed ?? 0, 'cannot decrease the failed counter')
  const mayShrink = isIndexed(job) && spec.completions === spec.parallelism
  if (!mayShrink && decreases('succeeded')) {
    to.invalid(STATUS.at('succeeded'), status.succeeded ?? 0, 'cannot decrease the succeeded counter')
  }
  const { completionTime, startTime } = was.status
  if (completionTime && status.completionTime && completionTime !== status.completionTime) {
    to.invalid(STATUS.at('completionTime'), status.completionTime, 'field is immutable')
  }
  const isResuming = hasCondition(was.status, 'Suspended') && hasCondition(status, 'Suspended', 'False')
  if (startTime && status.startTime !== startTime && !spec.suspend && !isResuming) {
    to.invalid(STATUS.at('startTime'), status.startTime ?? null, 'field is immutable for unsuspended job once set')
  }
  if (was.isSuccessful && !job.isSuccessful)
    to.unfit(conditions, 'cannot disable the SuccessCriteriaMet=True condition')
  if (was.isComplete && !was.isSuccessful && job.isSuccessful) {
    to.unfit(conditions, 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions')
  }
}
