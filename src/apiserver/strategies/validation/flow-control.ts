/** Priorities of requests. Upstream: `pkg/apis/flowcontrol/validation`. */
import { own } from '#base/own.ts'
import { dnsLabel, dnsSubdomain } from '#machinery/names.ts'
import type { Stored } from '../../registry/strategy.ts'
import {
  all,
  type Check,
  each,
  evenAbsent,
  fields,
  first,
  must,
  named,
  oneOf,
  type Path,
  type Problems,
  required,
  SPEC,
  STATUS,
} from './check.ts'
import type { Rules } from './rules.ts'

type Spec = Record<string, any>

const MAX_PRECEDENCE = 10_000
const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch']

const alone =
  (others: string): Check =>
  (list: readonly string[], at, to) => {
    if (list.length > 1 && list.includes('*'))
      to.invalid(at, list, `if '*' is present, must not specify other ${others}`)
  }

const verbList: Check = all(
  must('verbs must contain at least one value'),
  alone('verbs'),
  (list: readonly string[], at, to) => {
    if (!list.includes('*') && list.some((verb) => !verbs.includes(verb))) to.unsupported(at, list as never, verbs)
  },
)

function urlProblem(path: string): string | undefined {
  if (path === '') return 'must not be empty'
  if (path === '/') return undefined
  if (!path.startsWith('/')) return 'must start with slash'
  if (path.includes(' ')) return 'must not contain white-space'
  if (path.includes('//')) return 'must not contain double slash'
  const stars = path.split('*').length - 1
  return stars > 1 || (stars === 1 && !path.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined
}

const urls: Check = (list: readonly string[], at, to) => {
  if (list.includes('*')) return
  list.forEach((path, i) => {
    const problem = urlProblem(path)
    if (problem) to.invalid(at.index(i), path, problem)
  })
}

const urlRule = fields({
  verbs: verbList,
  nonResourceURLs: [must('nonResourceURLs must contain at least one value'), alone('non-resource URLs'), urls],
})

const resourceFields = fields({
  verbs: verbList,
  apiGroups: [must('resource rules must supply at least one api group'), alone('api groups')],
  resources: [must('resource rules must supply at least one resource'), alone('resources')],
})

const resourceRule: Check = (rule: Spec, at, to) => {
  resourceFields(rule, at, to)
  const { namespaces = [], clusterScope } = rule
  const place = at.at('namespaces')
  if (namespaces.length === 0 && !clusterScope) {
    to.required(place, 'resource rules that are not cluster scoped must supply at least one namespace')
  } else if (namespaces.includes('*')) alone('namespaces')(namespaces, place, to)
  else {
    namespaces.forEach((name: string, i: number) => {
      for (const why of dnsLabel(name)) {
        to.invalid(place.index(i), name, `each member of this list must be '*' or a DNS-1123 label; ${why}`)
      }
    })
  }
}

const accountName = first(required, (name: string, at, to) => name !== '*' && to.each(at, name, dnsSubdomain(name)))

/** By kind: the field that says which one, and its rules. */
const subjects: Readonly<Record<string, readonly [string, Check]>> = {
  Group: ['group', fields({ name: required })],
  ServiceAccount: [
    'serviceAccount',
    fields({
      name: accountName,
      namespace: first(must('must specify namespace for service account'), named(dnsLabel)),
    }),
  ],
  User: ['user', fields({ name: required })],
}

const subject: Check = (value: Spec, at, to) => {
  const { kind = '' } = value
  const known = own(subjects, kind)
  if (!known) return to.unsupported(at.at('kind'), kind, Object.keys(subjects))
  const [field, check] = known
  if (value[field]) check(value[field], at.at(field), to)
  else to.required(at.at(field), `${field} is required when subject kind is '${kind}'`)
  for (const [other, [otherField]] of Object.entries(subjects)) {
    if (other === kind || !value[otherField]) continue
    to.forbidden(at.at(otherField), `${otherField} is forbidden when subject kind is not '${other}'`)
  }
}

const rule: Check = (value: Spec, at, to) => {
  fields({ subjects: [must('subjects must contain at least one value'), each(subject)] })(value, at, to)
  if (!value.resourceRules && !value.nonResourceRules) {
    to.required(at, 'at least one of resourceRules and nonResourceRules has to be non-empty')
  }
  fields({ resourceRules: each(resourceRule), nonResourceRules: each(urlRule) })(value, at, to)
}

const conditions = ({ status = {} }: Stored, _old: Stored, to: Problems) => {
  const seen = new Set<string>()
  ;(status.conditions ?? []).forEach(({ type = '' }: Spec, i: number) => {
    const at = STATUS.at('conditions').index(i).at('type')
    if (seen.has(type)) to.duplicate(at, type)
    seen.add(type)
    if (!type) to.required(at)
  })
}

export const flowSchemaRules: Rules = {
  valid: ({ metadata, spec }: Stored, _at, to) => {
    const { matchingPrecedence: precedence = 0, distinguisherMethod: method } = spec as Spec
    const at = SPEC.at('matchingPrecedence')
    if (precedence <= 0) to.invalid(at, precedence, 'must be a positive value')
    if (precedence > MAX_PRECEDENCE) to.invalid(at, precedence, `must not be greater than ${MAX_PRECEDENCE}`)
    if (precedence === 1 && metadata.name !== 'exempt') {
      to.invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")
    }
    if (method) oneOf('ByNamespace', 'ByUser')(method.type ?? '', SPEC.at('distinguisherMethod', 'type'), to)
    const name = first(must('must reference a priority level'), named(dnsSubdomain))
    name(spec.priorityLevelConfiguration?.name, SPEC.at('priorityLevelConfiguration', 'name'), to)
    fields({ rules: each(rule) })(spec, SPEC, to)
  },
  subresources: { status: conditions },
}

const wholeShares: Check = (value: number, at, to) => {
  if (value < 0) to.invalid(at, value, 'must be a non-negative integer')
}
const percentage: Check = (value: number, at, to) => {
  if (value < 0 || value > 100) to.invalid(at, value, 'must be between 0 and 100, inclusive')
}

const MAX_QUEUES = 10_000_000
const MAX_HASH_BITS = 60

/** Bits that shuffle sharding needs to deal a hand. */
function entropyBits(queues: number, handSize: number): number {
  let bits = 0
  for (let i = 0; i < handSize; i++) bits += Math.log2(queues - i)
  return Math.ceil(bits)
}

function checkQueuing({ queueLengthLimit = 0, queues = 0, handSize = 0 }: Spec, at: Path, to: Problems) {
  if (queueLengthLimit <= 0) to.invalid(at.at('queueLengthLimit'), queueLengthLimit, 'must be positive')
  if (queues <= 0) to.invalid(at.at('queues'), queues, 'must be positive')
  else if (queues > MAX_QUEUES) to.invalid(at.at('queues'), queues, `must not be greater than ${MAX_QUEUES}`)
  const place = at.at('handSize')
  if (handSize <= 0) to.invalid(place, handSize, 'must be positive')
  else if (handSize > queues) to.invalid(place, handSize, `should not be greater than queues (${queues})`)
  else if (entropyBits(queues, handSize) > MAX_HASH_BITS) {
    const why = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${MAX_HASH_BITS}`
    to.invalid(place, handSize, why)
  }
}

const limitResponse: Check = evenAbsent(({ type = '', queuing }: Spec = {}, at, to) => {
  const place = at.at('queuing')
  if (type === 'Reject') {
    if (queuing) to.forbidden(place, 'must be nil if limited.limitResponse.type is not Limited')
  } else if (type !== 'Queue') to.unsupported(at.at('type'), type, ['Queue', 'Reject'])
  else if (queuing) checkQueuing(queuing, place, to)
  else to.required(place, 'must not be empty if limited.limitResponse.type is Limited')
})

const limited = fields({
  nominalConcurrencyShares: wholeShares,
  limitResponse,
  lendablePercent: percentage,
  borrowingLimitPercent: (value: number, at, to) => {
    if (value < 0) to.invalid(at, value, 'if specified, must be a non-negative integer')
  },
})
const exempt = fields({ nominalConcurrencyShares: wholeShares, lendablePercent: percentage })

export const priorityLevelRules: Rules = {
  valid: ({ metadata, spec }: Stored, _at, to) => {
    const { type = '' } = spec as Spec
    if ((metadata.name === 'exempt') !== (type === 'Exempt')) {
      to.invalid(SPEC.at('type'), type, "must be 'Exempt' if and only if `name` is 'exempt'")
    }
    if (type === 'Exempt') {
      if (spec.limited) to.forbidden(SPEC.at('limited'), 'must be nil if the type is not Limited')
      if (spec.exempt) exempt(spec.exempt, SPEC.at('exempt'), to)
    } else if (type !== 'Limited') to.unsupported(SPEC.at('type'), type, ['Exempt', 'Limited'])
    else {
      if (spec.exempt) to.forbidden(SPEC.at('exempt'), 'must be nil if the type is Limited')
      if (spec.limited) limited(spec.limited, SPEC.at('limited'), to)
      else to.required(SPEC.at('limited'), 'must not be empty when type is Limited')
    }
  },
  subresources: { status: conditions },
}
