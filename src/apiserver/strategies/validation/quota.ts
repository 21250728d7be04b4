/** Limits of namespaces: ResourceQuota and LimitRange. Upstream: `ValidateResourceQuota`, `ValidateLimitRange`. */
import { own } from '#base/own.ts'
import { allowsOvercommit } from '#api/core/v1/pod-resources.ts'
import { qualifiedName } from '#machinery/names.ts'
import { Quantity } from '#machinery/quantity.ts'
import type { Stored } from '../../registry/strategy.ts'
import { type Path, type Problems, SPEC, STATUS } from './check.ts'
import {
  containerResourceName,
  isStandardQuotaResource,
  quotaResourceName,
  resourceAmount,
  resourceName,
} from './resources.ts'
import type { Rules } from './rules.ts'

type Amounts = Record<string, string>
type Spec = Record<string, any>

const PODS = ['pods']
const COMPUTE = ['cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory']
const RUNNING = [...PODS, ...COMPUTE]

/** What each scope can limit. */
const scopes: Readonly<Record<string, readonly string[]>> = {
  Terminating: RUNNING,
  NotTerminating: RUNNING,
  BestEffort: PODS,
  NotBestEffort: RUNNING,
  PriorityClass: RUNNING,
  VolumeAttributesClass: ['persistentvolumeclaims', 'requests.storage'],
}
const CROSS_NAMESPACE = 'CrossNamespacePodAffinity'
const valueless = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', CROSS_NAMESPACE]
const conflicts = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const

function checkQuantities(amounts: Amounts | undefined, at: Path, to: Problems) {
  for (const [name, amount] of Object.entries(amounts ?? {})) {
    quotaResourceName(name, at.key(name), to)
    resourceAmount(name, amount, at.key(name), to)
  }
}

/** Those that scopes have a say in, in the order in which they are told. */
const standardNames = (hard: Amounts) => Object.keys(hard).filter(isStandardQuotaResource).toSorted()

/** Reports, at `at` and with `shown`, each of the names that the scope has nothing to do with. */
function checkFit(scope: string, names: readonly string[], shown: unknown, at: Path, to: Problems) {
  const limited = scope === CROSS_NAMESPACE ? RUNNING : own(scopes, scope)
  for (const name of names) {
    if (limited && !limited.includes(name)) to.invalid(at, shown, 'unsupported scope applied to resource')
  }
}

function checkConflicts(given: readonly string[], shown: unknown, at: Path, to: Problems) {
  for (const pair of conflicts) {
    if (pair.every((scope) => given.includes(scope))) to.invalid(at, shown, 'conflicting scopes')
  }
}

function checkScopes({ scopes: given = [], hard = {} }: Spec, to: Problems) {
  const at = SPEC.at('scopes')
  const names = standardNames(hard)
  for (const scope of given as string[]) {
    if (!own(scopes, scope) && scope !== CROSS_NAMESPACE) to.invalid(at, given, 'unsupported scope')
    checkFit(scope, names, given, at, to)
  }
  checkConflicts(given, given, at, to)
}

const NO_VALUES =
  "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"

function checkScopeSelector({ scopeSelector, scopes: given = [], hard = {} }: Spec, to: Problems) {
  if (!scopeSelector) return
  const at = SPEC.at('scopeSelector', 'matchExpressions')
  const hardNames = standardNames(hard)
  const expressions: Spec[] = scopeSelector.matchExpressions ?? []
  for (const { scopeName = '', operator = '', values = [] } of expressions) {
    if (!own(scopes, scopeName) && scopeName !== CROSS_NAMESPACE) {
      to.invalid(at.at('scopeName'), scopeName, 'unsupported scope')
    }
    checkFit(scopeName, hardNames, scopeSelector, at, to)
    if (valueless.includes(scopeName) && operator !== 'Exists') to.invalid(at.at('operator'), operator, NO_VALUES)
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) {
        const why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
        to.required(at.at('values'), why)
      }
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) {
        const why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
        to.invalid(at.at('values'), values, why)
      }
    } else to.invalid(at.at('operator'), operator, 'not a valid selector operator')
  }
  const names = expressions.map(({ scopeName }) => scopeName)
  checkConflicts(names, given, at, to)
}

const asSet = (list: readonly string[] = []) => JSON.stringify([...new Set(list)].toSorted())

export const resourceQuotaRules: Rules = {
  valid: ({ spec }: Stored, _at, to) => {
    checkQuantities((spec as Spec).hard, SPEC.at('hard'), to)
    checkScopes(spec as Spec, to)
    checkScopeSelector(spec as Spec, to)
  },
  update({ spec }, old, to) {
    if (asSet(spec.scopes) === asSet(old.spec.scopes)) return
    to.invalid(SPEC.at('scopes'), spec.scopes ?? null, 'field is immutable')
  },
  subresources: {
    status({ status = {} }, _old, to) {
      for (const list of ['hard', 'used']) checkQuantities(status[list], STATUS.at(list), to)
    },
  },
}

const limitTypes = ['Pod', 'Container', 'PersistentVolumeClaim']

function checkLimitType(type: string, at: Path, to: Problems) {
  const errors = qualifiedName(type)
  to.each(at, type, errors)
  if (errors.length === 0 && !type.includes('/') && !limitTypes.includes(type)) {
    to.invalid(at, type, 'must be a standard limit type or fully qualified')
  }
}

const isMore = (a: string, b: string) => Quantity.parse(a).cmp(Quantity.parse(b)) > 0

/** Names come from users, who may take those that every object has. */
const amountOf = (amounts: Amounts | undefined, name: string) => amounts && own(amounts, name)

const amountLists = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const
type Limit = { type: string } & Partial<Record<(typeof amountLists)[number], Amounts>>

/** `[smaller, its name, larger, its name, where, which is shown]`: of two amounts of a resource. */
const orders = [
  ['min', 'min value', 'max', 'max value', 'min', 'min'],
  ['min', 'min value', 'defaultRequest', 'default request value', 'defaultRequest', 'defaultRequest'],
  ['defaultRequest', 'default request value', 'max', 'max value', 'defaultRequest', 'defaultRequest'],
  ['defaultRequest', 'default request value', 'default', 'default limit value', 'defaultRequest', 'defaultRequest'],
  ['min', 'min value', 'default', 'default value', 'default', 'min'],
  ['default', 'default value', 'max', 'max value', 'default', 'max'],
] as const

function checkLimit(limit: Limit, at: Path, to: Problems) {
  const nameCheck = limit.type === 'Pod' || limit.type === 'Container' ? containerResourceName : resourceName
  const names = new Set<string>()
  for (const list of amountLists) {
    const isRefused = limit.type === 'Pod' && (list === 'default' || list === 'defaultRequest')
    if (isRefused) {
      if (limit[list]) to.forbidden(at.at(list), "may not be specified when `type` is 'Pod'")
      continue
    }
    for (const name of Object.keys(limit[list] ?? {})) {
      nameCheck(name, at.at(list).key(name), to)
      names.add(name)
    }
  }
  if (limit.type === 'PersistentVolumeClaim' && !limit.min?.storage && !limit.max?.storage) {
    to.required(at.at('limits'), 'either minimum or maximum storage value is required, but neither was provided')
  }
  for (const name of names) checkOrders(limit, name, at, to)
}

function checkOrders(limit: Limit, name: string, at: Path, to: Problems) {
  for (const [smaller, smallerName, larger, largerName, list, shown] of orders) {
    const [a, b] = [amountOf(limit[smaller], name), amountOf(limit[larger], name)]
    if (a === undefined || b === undefined || !isMore(a, b)) continue
    to.invalid(at.at(list).key(name), limit[shown]![name], `${smallerName} ${a} is greater than ${largerName} ${b}`)
  }
  checkRatio(limit, name, at.at('maxLimitRequestRatio').key(name), to)
  const [limits, requests] = [amountOf(limit.default, name), amountOf(limit.defaultRequest, name)]
  if (limits === undefined || requests === undefined || allowsOvercommit(name)) return
  if (Quantity.parse(limits).cmp(Quantity.parse(requests)) !== 0) {
    const why = `default value ${limits} must equal to defaultRequest value ${requests} in ${name}`
    to.invalid(at.at('defaultRequest').key(name), requests, why)
  }
}

const asNumber = (text: string) => Number(Quantity.parse(text).exactValue(-3)) / 1000

function checkRatio(limit: Limit, name: string, at: Path, to: Problems) {
  const ratio = amountOf(limit.maxLimitRequestRatio, name)
  const [min, max] = [amountOf(limit.min, name), amountOf(limit.max, name)]
  if (ratio === undefined) return
  if (isMore('1', ratio)) to.invalid(at, ratio, `ratio ${ratio} is less than 1`)
  if (min === undefined || max === undefined) return
  const possible = asNumber(max) / asNumber(min)
  if (asNumber(ratio) > possible) {
    to.invalid(at, ratio, `ratio ${ratio} is greater than max/min = ${possible.toFixed(6)}`)
  }
}

export const limitRangeRules: Rules = {
  valid: ({ spec }: Stored, _at, to) => {
    const seen = new Set<string>()
    ;(spec.limits ?? []).forEach((limit: Limit, i: number) => {
      const at = SPEC.at('limits').index(i)
      checkLimitType(limit.type ?? '', at.at('type'), to)
      if (seen.has(limit.type)) to.duplicate(at.at('type'), limit.type)
      seen.add(limit.type)
      checkLimit(limit, at, to)
    })
  },
}
