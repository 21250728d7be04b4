/** The kinds of apps/v1, and ReplicationController. Upstream: `pkg/apis/apps/validation`. */
import { jsonEqual } from '#base/equal.ts'
import { type LabelSelector, selectorFromMap, selectorFromObject, SelectorError } from '#machinery/labels.ts'
import { dnsLabel } from '#machinery/names.ts'
import type { Stored } from '../../registry/strategy.ts'
import { amountOf, atMost100Percent, intOrPercent, statusCounts } from './amounts.ts'
import {
  all,
  type Check,
  each,
  fields,
  first,
  named,
  nonNegative,
  oneOf,
  type Path,
  type Problems,
  problemsOf,
  required,
  ROOT,
  SPEC,
} from './check.ts'
import { claimSpec } from './claims.ts'
import { checkPodTemplate, type PodTemplate } from './pod-spec.ts'
import { type Comparison, comparisons, immutable, type Rules } from './rules.ts'
import { labelSelector } from './selectors.ts'

type Spec = Record<string, any>

const isEmptySelector = ({ matchLabels = {}, matchExpressions = [] }: Spec) =>
  Object.keys(matchLabels).length + matchExpressions.length === 0

function checkSelector(selector: Spec | undefined, kind: string, at: Path, to: Problems) {
  if (!selector) return to.required(at)
  labelSelector(selector, at, to)
  if (isEmptySelector(selector)) to.invalid(at, selector, `empty selector is invalid for ${kind}`)
}

/** Undefined where it cannot be read. One that is not there selects nothing. */
export function readSelector(selector: Spec | undefined): LabelSelector | undefined {
  try {
    return selectorFromObject(selector)
  } catch (err) {
    if (err instanceof SelectorError) return undefined
    throw err
  }
}

/** What the selector selects is what the template makes. */
export function checkSelected(selector: LabelSelector, template: Spec, at: Path, to: Problems) {
  const labels = template.metadata?.labels
  if (selector.matches(labels ?? {})) return
  to.invalid(at.at('metadata', 'labels'), labels ?? null, '`selector` does not match template `labels`')
}

/** Pods of a workload are restarted for ever. */
function checkTemplate(template: PodTemplate, kind: string, at: Path, to: Problems) {
  checkPodTemplate(template, at, to)
  checkRestarts(template, kind, at, to)
}

function checkRestarts(template: PodTemplate, kind: string, at: Path, to: Problems) {
  const { restartPolicy, activeDeadlineSeconds } = template.spec
  if (restartPolicy !== 'Always') to.unsupported(at.at('spec', 'restartPolicy'), restartPolicy, ['Always'])
  if (activeDeadlineSeconds !== undefined) {
    to.forbidden(at.at('spec', 'activeDeadlineSeconds'), `activeDeadlineSeconds in ${kind} is not Supported`)
  }
}

/** A template is looked at only where its selector can be read. */
function checkReplicas({ selector, template }: Spec, to: Problems) {
  // Upstream calls a ReplicaSet a deployment, too.
  checkSelector(selector, 'deployment', SPEC.at('selector'), to)
  const selected = readSelector(selector)
  if (!selected) return to.invalid(SPEC.at('selector'), selector, 'invalid label selector')
  checkSelected(selected, template, SPEC.at('template'), to)
  checkTemplate(template, 'ReplicaSet', SPEC.at('template'), to)
}

const sizes = fields({ replicas: nonNegative, minReadySeconds: nonNegative })
const selectorStays = immutable('spec.selector')
const OF_REPLICAS = 'status.replicas'

const replicaCounts = {
  counts: ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration'],
  orders: [
    ['fullyLabeledReplicas', 'replicas', OF_REPLICAS],
    ['readyReplicas', 'replicas', OF_REPLICAS],
    ['availableReplicas', 'replicas', OF_REPLICAS],
    ['availableReplicas', 'readyReplicas', 'readyReplicas'],
  ],
} as const

export const replicaSetRules: Rules = {
  valid: ({ spec }: Stored, _at, to) => {
    sizes(spec, SPEC, to)
    checkReplicas(spec as Spec, to)
  },
  update: selectorStays,
  subresources: { status: statusCounts(replicaCounts) },
}

export const replicationControllerRules: Rules = {
  valid: ({ spec }: Stored, _at, to) => {
    const { selector = {}, template, replicas } = spec as Spec
    sizes(spec, SPEC, to)
    if (Object.keys(selector).length === 0) to.required(SPEC.at('selector'))
    if (replicas === undefined) to.required(SPEC.at('replicas'))
    const at = SPEC.at('template')
    if (!template) return to.required(at)
    checkSelected(selectorFromMap(selector), template, at, to)
    checkTemplate(template, 'ReplicationController', at, to)
  },
  subresources: { status: statusCounts(replicaCounts) },
}

const rollingDeployment: Check = all(
  fields({ maxUnavailable: intOrPercent, maxSurge: intOrPercent }),
  ({ maxUnavailable, maxSurge }, at, to) => {
    if (amountOf(maxUnavailable) === 0 && amountOf(maxSurge) === 0) {
      to.invalid(at.at('maxUnavailable'), maxUnavailable ?? 0, 'may not be 0 when `maxSurge` is 0')
    }
  },
  fields({ maxUnavailable: atMost100Percent }),
)

/** Upstream's types, in the order in which it lists them, where only one of them takes details. */
const strategy =
  (types: readonly [string, string], check: (strategy: Spec, at: Path, to: Problems) => void): Check =>
  (value: Spec, at, to) => {
    if (types.includes(value.type)) check(value, at, to)
    else to.unsupported(at, value, types)
  }

const deploymentStrategy = strategy(['Recreate', 'RollingUpdate'], ({ type, rollingUpdate }, at, to) => {
  const place = at.at('rollingUpdate')
  if (type === 'Recreate') {
    if (rollingUpdate) to.forbidden(place, "may not be specified when strategy `type` is 'Recreate'")
  } else if (!rollingUpdate) to.required(place, 'this should be defaulted and never be nil')
  else rollingDeployment(rollingUpdate, place, to)
})

const deploymentFields = fields({
  strategy: deploymentStrategy,
  minReadySeconds: nonNegative,
  revisionHistoryLimit: nonNegative,
  progressDeadlineSeconds: nonNegative,
})

export const deploymentRules: Rules = {
  valid: (deployment: Stored, _at, to) => {
    const spec = deployment.spec as Spec
    fields({ replicas: nonNegative })(spec, SPEC, to)
    checkReplicas(spec, to)
    deploymentFields(spec, SPEC, to)
    const { progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec
    if (deadline !== undefined && deadline <= minReadySeconds) {
      to.invalid(SPEC.at('progressDeadlineSeconds'), deadline, 'must be greater than minReadySeconds')
    }
  },
  update: selectorStays,
  subresources: {
    status: statusCounts({
      counts: [
        'observedGeneration',
        'replicas',
        'updatedReplicas',
        'readyReplicas',
        'availableReplicas',
        'unavailableReplicas',
        'terminatingReplicas',
        'collisionCount',
      ],
      orders: [
        ['updatedReplicas', 'replicas', OF_REPLICAS],
        ['readyReplicas', 'replicas', OF_REPLICAS],
        ['availableReplicas', 'replicas', OF_REPLICAS],
        ['availableReplicas', 'readyReplicas', 'readyReplicas'],
      ],
    }),
  },
}

const rollingDaemons: Check = all(
  fields({ maxUnavailable: intOrPercent, maxSurge: intOrPercent }),
  fields({ maxUnavailable: atMost100Percent, maxSurge: atMost100Percent }),
  ({ maxUnavailable, maxSurge }, at, to) => {
    const [unavailable, surge] = [amountOf(maxUnavailable), amountOf(maxSurge)]
    if (unavailable !== 0 && surge !== 0) {
      to.invalid(at.at('maxSurge'), maxSurge, 'may not be set when maxUnavailable is non-zero')
    } else if (unavailable === 0 && surge === 0) to.required(at.at('maxUnavailable'), 'cannot be 0 when maxSurge is 0')
  },
)

const daemonStrategy = strategy(['RollingUpdate', 'OnDelete'], ({ type, rollingUpdate }, at, to) => {
  if (type === 'OnDelete') return
  if (rollingUpdate) rollingDaemons(rollingUpdate, at.at('rollingUpdate'), to)
  else to.required(at.at('rollingUpdate'))
})

const daemonFields = fields({
  minReadySeconds: nonNegative,
  updateStrategy: daemonStrategy,
  revisionHistoryLimit: nonNegative,
})

export const daemonSetRules: Rules = {
  valid: (daemons: Stored, _at, to) => {
    const spec = daemons.spec as Spec
    const { selector, template } = spec
    if (selector) checkSelector(selector, 'daemonset', SPEC.at('selector'), to)
    const selected = readSelector(selector)
    if (selected) checkSelected(selected, template, SPEC.at('template'), to)
    checkTemplate(template, 'DaemonSet', SPEC.at('template'), to)
    daemonFields(spec, SPEC, to)
  },
  update: selectorStays,
  subresources: {
    status: statusCounts({
      counts: [
        'currentNumberScheduled',
        'numberMisscheduled',
        'desiredNumberScheduled',
        'numberReady',
        'observedGeneration',
        'updatedNumberScheduled',
        'numberAvailable',
        'numberUnavailable',
        'collisionCount',
      ],
    }),
  },
}

const rollingSet = fields({
  partition: nonNegative,
  maxUnavailable: [
    intOrPercent,
    (value, at, to) => {
      if (amountOf(value) === 0) to.invalid(at, value, 'cannot be 0')
    },
    atMost100Percent,
  ],
})

/** As upstream shows it: by the names of its own type. */
const shownRolling = ({ partition = 0, maxUnavailable = null }: Spec) => ({
  Partition: partition,
  MaxUnavailable: maxUnavailable,
})

const setStrategy: Check = (value: Spec, at, to) => {
  const { type, rollingUpdate } = value
  const place = at.at('rollingUpdate')
  if (!type) to.required(at)
  else if (type === 'OnDelete') {
    if (rollingUpdate) to.invalid(place, shownRolling(rollingUpdate), "only allowed for updateStrategy 'RollingUpdate'")
  } else if (type !== 'RollingUpdate') to.invalid(at, value, "must be 'RollingUpdate' or 'OnDelete'")
  else if (rollingUpdate) rollingSet(rollingUpdate, place, to)
}

const retention = oneOf('Retain', 'Delete')
const setFields = fields({
  podManagementPolicy: first(required, (value, at, to) => {
    if (value !== 'OrderedReady' && value !== 'Parallel') to.invalid(at, value, "must be 'OrderedReady' or 'Parallel'")
  }),
  updateStrategy: setStrategy,
  persistentVolumeClaimRetentionPolicy: fields({ whenDeleted: retention, whenScaled: retention }),
})
const setSizes = fields({
  replicas: nonNegative,
  minReadySeconds: nonNegative,
  ordinals: ({ start = 0 }, _at, to) => nonNegative(start, SPEC.at('ordinals', 'start'), to),
})
const whatStays = fields({
  serviceName: named(dnsLabel),
  volumeClaimTemplates: each(fields({ spec: claimSpec })),
})

/** As the template's pods will be: with a volume for each claim, and with names of their own. */
function asOfSet({ template, volumeClaimTemplates = [] }: Spec): PodTemplate {
  const names: string[] = volumeClaimTemplates.map(({ metadata }: Spec) => metadata.name)
  const taken = new Set(names)
  const { subdomain: _subdomain, hostname: _hostname, ...spec } = template.spec
  const claimed = names.map((name) => ({ name, persistentVolumeClaim: { claimName: name } }))
  const others = (spec.volumes ?? []).filter(({ name }: { name: string }) => !taken.has(name))
  return { ...template, spec: { ...spec, volumes: [...claimed, ...others] } }
}

const CHANGEABLE = [
  'replicas',
  'template',
  'updateStrategy',
  'minReadySeconds',
  'ordinals',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
]
const withoutChangeable = (spec: Spec) =>
  Object.fromEntries(Object.entries(spec).filter(([name]) => !CHANGEABLE.includes(name)))

const setUpdate: Comparison = (set, old, to) => {
  if (jsonEqual(withoutChangeable(set.spec as Spec), withoutChangeable(old.spec as Spec))) return
  const why =
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
  to.forbidden(SPEC, why)
}

function checkSet(spec: Spec, to: Problems, skipsTemplate = false) {
  setFields(spec, SPEC, to)
  setSizes(spec, SPEC, to)
  const at = SPEC.at('selector')
  checkSelector(spec.selector, 'statefulset', at, to)
  const selected = readSelector(spec.selector)
  if (!selected) to.invalid(at, spec.selector, '')
  else {
    const template = asOfSet(spec)
    checkSelected(selected, template, SPEC.at('template'), to)
    if (!skipsTemplate) checkPodTemplate(template, SPEC.at('template'), to)
  }
  checkRestarts(spec.template, 'StatefulSet', SPEC.at('template'), to)
}

/** Upstream leaves the template alone where the set was not valid before. */
function checkSetUpdate(spec: Spec, was: Spec, to: Problems) {
  const before = problemsOf((problems) => checkSet(was, problems))
  checkSet(spec, to, before.length > 0)
}

export const statefulSetRules: Rules = {
  create: ({ spec }, to) => {
    whatStays(spec, SPEC, to)
    checkSet(spec as Spec, to)
  },
  changed: ({ spec }, old, to) => checkSetUpdate(spec as Spec, old.spec as Spec, to),
  update: setUpdate,
  subresources: {
    status: statusCounts({
      counts: [
        'replicas',
        'readyReplicas',
        'currentReplicas',
        'updatedReplicas',
        'availableReplicas',
        'observedGeneration',
        'collisionCount',
      ],
      orders: [
        ['readyReplicas', 'replicas', OF_REPLICAS],
        ['currentReplicas', 'replicas', OF_REPLICAS],
        ['updatedReplicas', 'replicas', OF_REPLICAS],
        ['availableReplicas', 'replicas', OF_REPLICAS],
        ['availableReplicas', 'readyReplicas', 'status.readyReplicas'],
      ],
    }),
  },
}

export const controllerRevisionRules: Rules = {
  valid: fields({ revision: nonNegative }),
  create: ({ data }, to) => {
    const at = ROOT.at('data')
    if (data === undefined || data === null) to.required(at, 'data is mandatory')
    else if (typeof data !== 'object' || Array.isArray(data)) to.required(at, 'data must be a valid JSON object')
  },
  update: comparisons(immutable('data')),
}
