/** Kinds with few rules: disruption budgets, priorities, leases, runtime classes. Upstream: their groups' `validation`. */
import { own } from '#base/own.ts'
import { dnsLabel, qualifiedName } from '#machinery/names.ts'
import type { Stored } from '../../registry/strategy.ts'
import { atMost100Percent, intOrPercent } from './amounts.ts'
import {
  type Check,
  fields,
  first,
  METADATA,
  must,
  nonNegative,
  oneOf,
  ROOT,
  SPEC,
  STATUS,
  strictlyNamed,
} from './check.ts'
import { checkConditions } from './meta-conditions.ts'
import { containerRequirements } from './resources.ts'
import { immutable, type Rules } from './rules.ts'
import { labels, labelSelector, tolerations } from './selectors.ts'

const budget = fields({
  minAvailable: [intOrPercent, atMost100Percent],
  maxUnavailable: [intOrPercent, atMost100Percent],
  selector: labelSelector,
  unhealthyPodEvictionPolicy: oneOf('AlwaysAllow', 'IfHealthyBudget'),
})

const budgetCounts = fields({
  disruptionsAllowed: nonNegative,
  currentHealthy: nonNegative,
  desiredHealthy: nonNegative,
  expectedPods: nonNegative,
})

export const disruptionBudgetRules: Rules = {
  valid: ({ spec }: Stored, _at, to) => {
    if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
      to.invalid(SPEC, spec, 'minAvailable and maxUnavailable cannot be both set')
    }
    budget(spec, SPEC, to)
  },
  subresources: {
    status({ status = {} }, _old, to) {
      checkConditions(status.conditions ?? [], STATUS.at('conditions'), to)
      budgetCounts(status, STATUS, to)
    },
  },
}

const SYSTEM_PREFIX = 'system-'
const HIGHEST = 1_000_000_000
const systemValues: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
}

function systemProblem(name: string, value: number, isDefault: boolean): string | undefined {
  const known = own(systemValues, name)
  if (known === undefined) return `${name} is not a known system priority class`
  if (known !== value) return `value of ${name} PriorityClass must be ${known}`
  return isDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined
}

export const priorityClassRules: Rules = {
  create({ metadata: { name }, value = 0, globalDefault = false, preemptionPolicy }, to) {
    if (name.startsWith(SYSTEM_PREFIX)) {
      const problem = systemProblem(name, value, globalDefault)
      if (problem) {
        const why = `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only. error: ${problem}`
        to.forbidden(METADATA.at('name'), why)
      }
    } else if (value > HIGHEST) {
      to.forbidden(ROOT.at('value'), `maximum allowed value of a user defined priority is ${HIGHEST}`)
    }
    if (preemptionPolicy !== undefined) {
      oneOf('PreemptLowerPriority', 'Never')(preemptionPolicy, ROOT.at('preemptionPolicy'), to)
    }
  },
  update(object, old, to) {
    if (object.value !== old.value) to.forbidden(ROOT.at('value'), 'may not be changed in an update.')
    immutable('preemptionPolicy')(object, old, to)
  },
}

const OLDEST = 'OldestEmulationVersion'

/** Upstream names the field twice. */
const strategy: Check = (value: string, at, to) => {
  const place = at.at('strategy')
  if (value.includes('/')) to.each(place, value, qualifiedName(value))
  else if (value !== OLDEST) to.unsupported(place, value, [OLDEST])
}

const leaseFields = fields({
  leaseDurationSeconds: (value: number, at, to) => value <= 0 && to.invalid(at, value, 'must be greater than 0'),
  leaseTransitions: (value: number, at, to) => value < 0 && to.invalid(at, value, 'must be greater than or equal to 0'),
  strategy,
})

export const leaseRules: Rules = {
  valid: ({ spec }: Stored, _at, to) => {
    leaseFields(spec, SPEC, to)
    if (spec.preferredHolder && !spec.strategy) {
      to.forbidden(SPEC.at('preferredHolder'), 'may only be specified if `strategy` is defined')
    }
  },
}

const uniqueTolerations: Check = (list: readonly Record<string, unknown>[], at, to) => {
  const seen = new Set<string>()
  list.forEach((one, i) => {
    const key = JSON.stringify([one.key, one.operator, one.value, one.effect])
    if (seen.has(key)) to.duplicate(at.index(i), one)
    seen.add(key)
  })
}

export const runtimeClassRules: Rules = {
  create: (runtimeClass, to) =>
    fields({
      handler: first(must(), strictlyNamed(dnsLabel)),
      overhead: ({ podFixed }, at, to) => podFixed && containerRequirements(new Set())({ limits: podFixed }, at, to),
      scheduling: fields({ nodeSelector: labels, tolerations: [tolerations, uniqueTolerations] }),
    })(runtimeClass, ROOT, to),
  update: immutable('handler'),
}
