/** Jobs and CronJobs. Upstream: `pkg/apis/batch/validation`. */
import { jsonEqual } from '#base/equal.ts'
import { CronError, isTimeZone, parseCron } from '#machinery/cron.ts'
import { dnsLabel, qualifiedName } from '#machinery/names.ts'
import { immutableValue } from '../../registry/object-meta.ts'
import type { Stored } from '../../registry/strategy.ts'
import {
  all,
  type Check,
  each,
  evenEmpty,
  fields,
  first,
  maxItems,
  METADATA,
  must,
  nonNegative,
  oneOf,
  type Path,
  type Problems,
  required,
  SPEC,
  strictlyNamed,
} from './check.ts'
import { domainPrefixedPath } from './formats.ts'
import { indexCount } from './job-indexes.ts'
import { validateJobStatus } from './job-status.ts'
import { checkPodTemplate } from './pod-spec.ts'
import type { Rules } from './rules.ts'
import { labelSelector } from './selectors.ts'
import { checkSelected, readSelector } from './workloads.ts'

type Spec = Record<string, any>

const MAX_PARALLELISM = 100_000
const MAX_FAILED_INDEXES = 100_000
const MANY_COMPLETIONS = 100_000
const MAX_FOR_MANY = 10_000
const MAX_MANAGED_BY = 63

const plainFields = fields({
  parallelism: nonNegative,
  completions: nonNegative,
  activeDeadlineSeconds: nonNegative,
  backoffLimit: nonNegative,
  ttlSecondsAfterFinished: nonNegative,
  backoffLimitPerIndex: nonNegative,
  maxFailedIndexes: nonNegative,
  managedBy: [
    domainPrefixedPath,
    (value: string, at, to) => value.length > MAX_MANAGED_BY && to.tooLong(at, MAX_MANAGED_BY),
  ],
  completionMode: oneOf('NonIndexed', 'Indexed'),
})

function checkJobSpec(spec: Spec, at: Path, to: Problems) {
  plainFields(spec, at, to)
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    to.required(at.at('backoffLimitPerIndex'), 'when maxFailedIndexes is specified')
  }
  const isIndexed = spec.completionMode === 'Indexed'
  if (isIndexed) checkIndexed(spec, at, to)
  else if (spec.completionMode === undefined || spec.completionMode === 'NonIndexed') {
    for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes']) {
      if (spec[field] !== undefined) to.invalid(at.at(field), spec[field], 'requires indexed completion mode')
    }
  }
  if (spec.podFailurePolicy) checkFailurePolicy(spec, at.at('podFailurePolicy', 'rules'), to)
  if (spec.successPolicy) {
    const place = at.at('successPolicy')
    if (isIndexed) checkSuccessPolicy(spec, place.at('rules'), to)
    else to.invalid(place, spec.successPolicy, 'requires indexed completion mode')
  }
  if (spec.podReplacementPolicy !== undefined) {
    const policies = spec.podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed']
    oneOf(...policies)(spec.podReplacementPolicy, at.at('podReplacementPolicy'), to)
  }
  checkPodTemplate(spec.template, at.at('template'), to)
  checkRestartPolicy(spec, at.at('template', 'spec', 'restartPolicy'), to)
}

function checkIndexed(spec: Spec, at: Path, to: Problems) {
  const { completions, parallelism, maxFailedIndexes } = spec
  const most = (field: string, max: number, why: string) => {
    if (spec[field] > max) to.invalid(at.at(field), spec[field], `must be less than or equal to ${why}`)
  }
  if (completions === undefined) to.required(at.at('completions'), 'when completion mode is Indexed')
  most('parallelism', MAX_PARALLELISM, `${MAX_PARALLELISM} when completion mode is Indexed`)
  if (completions !== undefined) most('maxFailedIndexes', completions, 'completions')
  most('maxFailedIndexes', MAX_FAILED_INDEXES, String(MAX_FAILED_INDEXES))
  if (!(completions > MANY_COMPLETIONS) || spec.backoffLimitPerIndex === undefined) return
  if (maxFailedIndexes === undefined) {
    to.required(at.at('maxFailedIndexes'), `must be specified when completions is above ${MANY_COMPLETIONS}`)
  }
  const why = `${MAX_FOR_MANY} when completions are above ${MANY_COMPLETIONS} and used with backoff limit per index`
  if (parallelism !== undefined) most('parallelism', MAX_FOR_MANY, why)
  if (maxFailedIndexes !== undefined) most('maxFailedIndexes', MAX_FOR_MANY, why)
}

const goList = (values: readonly string[]) => `valid values: [${values.map((value) => `"${value}"`).join(' ')}]`
/** A closed set of which one has to be chosen; what there is to choose is said even where nothing was. */
const choice = (...values: string[]): Check => first(must(goList(values)), oneOf(...values))

const MAX_RULES = 20
const MAX_EXIT_CODES = 255
const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore']
const exitCodeOperator = choice('In', 'NotIn')

const podConditions = all(
  maxItems(MAX_RULES),
  each(fields({ type: evenEmpty(strictlyNamed(qualifiedName)), status: choice('False', 'True', 'Unknown') })),
)

function checkFailurePolicy({ podFailurePolicy, template, backoffLimitPerIndex }: Spec, at: Path, to: Problems) {
  const rules: Spec[] = podFailurePolicy.rules ?? []
  maxItems(MAX_RULES)(rules, at, to)
  const containers: Spec[] = [...(template.spec.containers ?? []), ...(template.spec.initContainers ?? [])]
  const names = new Set<string>(containers.map(({ name }) => name))
  rules.forEach(({ action, onExitCodes, onPodConditions = [] }, i) => {
    const place = at.index(i)
    if (action !== 'FailIndex') choice(...actions)(action, place.at('action'), to)
    else if (backoffLimitPerIndex === undefined) {
      to.invalid(place.at('action'), action, 'requires the backoffLimitPerIndex to be set')
    }
    if (onExitCodes) checkExitCodes(onExitCodes, names, place.at('onExitCodes'), to)
    podConditions(onPodConditions, place.at('onPodConditions'), to)
    const hasConditions = onPodConditions.length > 0
    if (onExitCodes && hasConditions) {
      to.unfit(place, 'specifying both OnExitCodes and OnPodConditions is not supported')
    }
    if (!onExitCodes && !hasConditions) to.unfit(place, 'specifying one of OnExitCodes and OnPodConditions is required')
  })
}

function checkExitCodes(
  { operator, containerName, values = [] }: Spec,
  names: ReadonlySet<string>,
  at: Path,
  to: Problems,
) {
  exitCodeOperator(operator, at.at('operator'), to)
  if (containerName !== undefined && !names.has(containerName)) {
    const why = 'must be one of the container or initContainer names in the pod template'
    to.invalid(at.at('containerName'), containerName, why)
  }
  const place = at.at('values')
  if (values.length === 0) to.invalid(place, values, 'at least one value is required')
  maxItems(MAX_EXIT_CODES)(values, place, to)
  const seen = new Set<number>()
  values.forEach((value: number, i: number) => {
    if (operator === 'In' && value === 0) to.invalid(place.index(i), value, 'must not be 0 for the In operator')
    if (seen.has(value)) to.duplicate(place.index(i), value)
    seen.add(value)
  })
  const isOrdered = values.every((value: number, i: number) => i === 0 || values[i - 1] <= value)
  if (!isOrdered) to.invalid(place, values, 'must be ordered')
}

const MAX_INDEXES_BYTES = 64 * 1024

function checkSuccessPolicy({ successPolicy, completions = 0 }: Spec, at: Path, to: Problems) {
  const rules: Spec[] = successPolicy.rules ?? []
  if (rules.length === 0) to.required(at, 'at least one rules must be specified when the successPolicy is specified')
  maxItems(MAX_RULES)(rules, at, to)
  rules.forEach(({ succeededCount: count, succeededIndexes: indexes }, i) => {
    const place = at.index(i)
    if (count === undefined && indexes === undefined) {
      to.required(place, 'at least one of succeededCount or succeededIndexes must be specified')
    }
    let total = 0
    if (indexes !== undefined) {
      if (indexes.length > MAX_INDEXES_BYTES) to.tooLong(place.at('succeededIndexes'), MAX_INDEXES_BYTES)
      const parsed = indexCount(indexes, completions)
      if (typeof parsed === 'number') total = parsed
      else to.invalid(place.at('succeededIndexes'), indexes, `error parsing succeededIndexes: ${parsed.problem}`)
    }
    if (count === undefined) return
    const countAt = place.at('succeededCount')
    nonNegative(count, countAt, to)
    if (count > completions) {
      to.invalid(countAt, count, `must be less than or equal to ${completions} (the number of specified completions)`)
    }
    if (indexes !== undefined && count > total) {
      const why = `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`
      to.invalid(countAt, count, why)
    }
  })
}

function checkRestartPolicy({ template, podFailurePolicy }: Spec, at: Path, to: Problems) {
  const policy: string | undefined = template.spec.restartPolicy
  if (!policy || policy === 'Always') to.required(at, 'valid values: "OnFailure", "Never"')
  else if (policy !== 'OnFailure' && policy !== 'Never') to.unsupported(at, policy, ['OnFailure', 'Never'])
  else if (podFailurePolicy && policy !== 'Never') {
    to.invalid(at, policy, 'only "Never" is supported when podFailurePolicy is specified')
  }
}

const UID = 'batch.kubernetes.io/controller-uid'
const NAME = 'batch.kubernetes.io/job-name'

/** A selector that was made for the job selects the pods of the job. */
function checkGeneratedSelector({ metadata, spec }: Stored, to: Problems) {
  const { manualSelector, selector, template } = spec as Spec
  if (manualSelector || !selector) return
  const expected: Record<string, string> = {
    'controller-uid': metadata.uid,
    'job-name': metadata.name,
    [UID]: metadata.uid,
    [NAME]: metadata.name,
  }
  const labels = template.metadata?.labels ?? {}
  const at = SPEC.at('template', 'metadata', 'labels')
  for (const [key, value] of Object.entries(expected)) {
    if (labels[key] === undefined) to.required(at.key(key), `must be '${value}'`)
    else if (labels[key] !== value) to.invalid(at.key(key), labels, `must be '${value}'`)
  }
  const isOwn = readSelector(selector)?.matches(expected) ?? true
  if (!isOwn) to.invalid(SPEC.at('selector'), selector, '`selector` not auto-generated')
}

function validateJob(job: Stored, to: Problems) {
  const spec = job.spec as Spec
  checkGeneratedSelector(job, to)
  checkJobSpec(spec, SPEC, to)
  if (!spec.selector) to.required(SPEC.at('selector'))
  else labelSelector(spec.selector, SPEC.at('selector'), to)
  const selected = readSelector(spec.selector)
  if (selected) checkSelected(selected, spec.template, SPEC.at('template'), to)
  if (spec.completionMode === 'Indexed' && spec.completions > 0) {
    const host = `${job.metadata.name}-${spec.completions - 1}`
    if (dnsLabel(host).length > 0) {
      to.invalid(METADATA.at('name'), job.metadata.name, `will not able to create pod with invalid DNS label: ${host}`)
    }
  }
}

const FIXED = ['selector', 'completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy']

function validateJobUpdate(job: Stored, old: Stored, to: Problems) {
  const [spec, was]: Spec[] = [job.spec as Spec, old.spec as Spec]
  const fixed = (field: string) => {
    if (!jsonEqual(spec![field], was![field])) to.add([immutableValue(`spec.${field}`, spec![field] ?? null)])
  }
  if (spec!.completionMode !== 'Indexed') fixed('completions')
  else if (
    spec!.completions !== undefined &&
    spec!.completions !== was!.completions &&
    spec!.completions !== spec!.parallelism
  ) {
    to.invalid(SPEC.at('completions'), spec!.completions, 'can only be modified in tandem with spec.parallelism')
  }
  checkTemplateUpdate(spec!, old, to)
  for (const field of FIXED) fixed(field)
}

/** While a job is suspended and none of its pods is left, where they will run and how large they are may be changed. */
function checkTemplateUpdate({ template }: Spec, old: Stored, to: Problems) {
  const was = old.spec as Spec
  const before = was.template
  const conditions: Spec[] = old.status?.conditions ?? []
  const isSuspended = conditions.some(({ type, status }) => type === 'Suspended' && status === 'True')
  const isOpen = was.suspend && (!old.status?.startTime || isSuspended) && (old.status?.active ?? 0) === 0
  const comparable = isOpen ? withoutDirectives(template) : template
  const comparableBefore = isOpen ? withoutDirectives(before) : before
  if (!was.suspend || !isOpen) {
    if (!jsonEqual(comparable, comparableBefore)) to.add([immutableValue('spec.template', template)])
  } else if (!jsonEqual(comparable.spec, withSizesOf(comparable.spec, comparableBefore.spec))) {
    to.add([immutableValue('spec.template.spec', template.spec)])
  }
}

function withoutDirectives({ metadata: _metadata, ...template }: Spec): Spec {
  const { nodeSelector: _selector, tolerations: _tolerations, schedulingGates: _gates, ...spec } = template.spec
  const { nodeAffinity: _affinity, ...affinity } = spec.affinity ?? {}
  return { ...template, spec: { ...spec, affinity: Object.keys(affinity).length > 0 ? affinity : undefined } }
}

function withSizesOf(now: Spec, was: Spec): Spec {
  const sized = (list: string) => {
    const [containers, before]: Spec[][] = [now[list] ?? [], was[list] ?? []]
    if (containers!.length !== before!.length) return was[list]
    return before!.map((one, i) =>
      one.name === containers![i]!.name ? { ...one, resources: containers![i]!.resources } : one,
    )
  }
  const resized = Object.fromEntries(
    ['containers', 'initContainers'].filter((list) => was[list]).map((list) => [list, sized(list)]),
  )
  return { ...was, ...resized }
}

export const jobRules: Rules = {
  valid: (job: Stored, _at, to) => validateJob(job, to),
  update: validateJobUpdate,
  subresources: { status: validateJobStatus },
}

const ZONE_PART = /^[A-Za-z.\-_0-9+]{1,14}$/

const timeZone: Check = (value: string, at, to) => {
  if (value === '') return to.invalid(at, value, 'timeZone must be nil or non-empty string')
  const isNamed = value
    .split('/')
    .every((part) => part !== '.' && part !== '..' && !part.startsWith('-') && ZONE_PART.test(part))
  if (!isNamed) return to.invalid(at, value, `unknown time zone ${value}`)
  if (value.toLowerCase() === 'local') {
    to.invalid(at, value, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones')
  }
  if (!isTimeZone(value)) to.invalid(at, value, `unknown time zone ${value}`)
}

const schedule: Check = (value: string, at, to) => {
  try {
    parseCron(value)
  } catch (err) {
    if (!(err instanceof CronError)) throw err
    to.invalid(at, value, err.message)
  }
  if (value.includes('TZ')) {
    to.invalid(at, value, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead')
  }
}

const jobTemplate: Check = ({ spec }: Spec, at, to) => {
  const place = at.at('spec')
  checkJobSpec(spec, place, to)
  if (spec.selector) to.invalid(place.at('selector'), spec.selector, '`selector` will be auto-generated')
  if (spec.manualSelector) to.unsupported(place.at('manualSelector'), true, ['nil', 'false'])
}

const cronFields = fields({
  schedule: first(required, schedule),
  startingDeadlineSeconds: nonNegative,
  timeZone,
  concurrencyPolicy: first(required, oneOf('Allow', 'Forbid', 'Replace')),
  jobTemplate,
  successfulJobsHistoryLimit: nonNegative,
  failedJobsHistoryLimit: nonNegative,
})

/** The names of its jobs are the cron job's with eleven more characters. */
const MAX_CRON_NAME = 52

export const cronJobRules: Rules = {
  valid: fields({ spec: cronFields }),
  create: ({ metadata: { name } }, to) => {
    if (name.length > MAX_CRON_NAME) {
      to.invalid(METADATA.at('name'), name, `must be no more than ${MAX_CRON_NAME} characters`)
    }
  },
}
