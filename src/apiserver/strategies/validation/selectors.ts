/** Selectors of labels and nodes, taints and tolerations. Upstream: `ValidateLabelSelector`, `ValidateNodeSelector` and others. */
import { validateLabels, validateLabelSelector } from '#machinery/labels.ts'
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from '#machinery/names.ts'
import { all, type Check, each, fields, must, oneOf, range, strictlyNamed } from './check.ts'

export const labelSelector: Check = (value, at, to) => to.add(validateLabelSelector(value, String(at)))
export const labels: Check = (value, at, to) => to.add(validateLabels(value, String(at)))
export const labelKey = strictlyNamed(qualifiedName)

interface NodeRequirement {
  key: string
  operator: string
  values?: string[]
}

const nodeRequirement =
  (checksValues: boolean): Check =>
  ({ key, operator, values = [] }: NodeRequirement, at, to) => {
    switch (operator) {
      case 'In':
      case 'NotIn':
        if (values.length === 0) to.required(at.at('values'), "must be specified when `operator` is 'In' or 'NotIn'")
        break
      case 'Exists':
      case 'DoesNotExist':
        if (values.length > 0) {
          to.forbidden(at.at('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
        }
        break
      case 'Gt':
      case 'Lt':
        if (values.length !== 1) {
          to.required(at.at('values'), "must be specified single value when `operator` is 'Lt' or 'Gt'")
        }
        break
      default:
        to.invalid(at.at('operator'), operator, 'not a valid selector operator')
    }
    to.each(at.at('key'), key, qualifiedName(key))
    if (checksValues) values.forEach((value, i) => to.each(at.at('values').index(i), value, labelValue(value)))
  }

const nodeFieldRequirement: Check = ({ key, operator, values = [] }: NodeRequirement, at, to) => {
  if (operator !== 'In' && operator !== 'NotIn')
    to.invalid(at.at('operator'), operator, 'not a valid selector operator')
  else if (values.length !== 1) {
    to.required(at.at('values'), "must be only one value when `operator` is 'In' or 'NotIn' for node field selector")
  }
  if (key !== 'metadata.name') to.invalid(at.at('key'), key, 'not a valid field selector key')
  else values.forEach((value, i) => to.each(at.at('values').index(i), value, dnsSubdomain(value)))
}

const nodeSelectorTerm = (checksValues: boolean) =>
  fields({ matchExpressions: each(nodeRequirement(checksValues)), matchFields: each(nodeFieldRequirement) })

export const nodeSelector = fields({
  nodeSelectorTerms: [must('must have at least one node selector term'), each(nodeSelectorTerm(true))],
})

const weight = range(1, 100, 'must be in the range 1-100')

interface AffinityTerm {
  labelSelector?: { matchLabels?: Record<string, string>; matchExpressions?: { key: string }[] }
  matchLabelKeys?: string[]
  mismatchLabelKeys?: string[]
}

/** Keys whose values are taken from the pod, beside a selector. Exported for topology spreading, which has them too. */
export const matchLabelKeys: Check = (term: AffinityTerm, at, to) => {
  const keys = term.matchLabelKeys ?? []
  for (const field of ['matchLabelKeys', 'mismatchLabelKeys'] as const) {
    const list = term[field] ?? []
    if (list.length === 0) continue
    if (!term.labelSelector) to.forbidden(at.at(field), 'must not be specified when labelSelector is not set')
    else list.forEach((key, i) => to.each(at.at(field).index(i), key, qualifiedName(key)))
  }
  // What `matchLabelKeys` itself adds to the expressions appears there once.
  const selected = new Set(Object.keys(term.labelSelector?.matchLabels ?? {}))
  const places = new Map(keys.map((key, i) => [key, i]))
  const mismatching = new Set(term.mismatchLabelKeys)
  for (const { key } of term.labelSelector?.matchExpressions ?? []) {
    const i = places.get(key)
    if (i !== undefined && selected.has(key))
      to.invalid(at.index(i), key, 'exists in both matchLabelKeys and labelSelector')
    selected.add(key)
  }
  keys.forEach((key, i) => {
    if (mismatching.has(key)) {
      to.invalid(at.at('matchLabelKeys').index(i), key, 'exists in both matchLabelKeys and mismatchLabelKeys')
    }
  })
}

const podAffinityTerm = all(
  fields({ labelSelector, namespaceSelector: labelSelector }),
  ({ namespaces = [] }: { namespaces?: string[] }, at, to) => {
    for (const name of namespaces) to.each(at.at('namespace'), name, dnsLabel(name))
  },
  matchLabelKeys,
  fields({ topologyKey: [must('can not be empty'), labelKey] }),
)

const podAffinity = fields({
  requiredDuringSchedulingIgnoredDuringExecution: each(podAffinityTerm),
  preferredDuringSchedulingIgnoredDuringExecution: each(fields({ weight, podAffinityTerm })),
})

export const affinity = fields({
  nodeAffinity: fields({
    requiredDuringSchedulingIgnoredDuringExecution: nodeSelector,
    preferredDuringSchedulingIgnoredDuringExecution: each(fields({ weight, preference: nodeSelectorTerm(false) })),
  }),
  podAffinity,
  podAntiAffinity: podAffinity,
})

export const taintEffect = oneOf('NoSchedule', 'PreferNoSchedule', 'NoExecute')

interface Toleration {
  key?: string
  operator?: string
  value?: string
  effect?: string
  tolerationSeconds?: number
}

const toleration: Check = ({ key, operator = '', value = '', effect, tolerationSeconds }: Toleration, at, to) => {
  if (key) to.each(at.at('key'), key, qualifiedName(key))
  if (!key && operator !== 'Exists') {
    const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
    to.invalid(at.at('operator'), operator, why)
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    to.invalid(at.at('effect'), effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set")
  }
  switch (operator) {
    case '':
    case 'Equal': {
      const whys = labelValue(value)
      if (whys.length > 0) to.invalid(at.at('operator'), value, whys.join(';'))
      break
    }
    case 'Exists':
      if (value) to.invalid(at.at('operator'), value, "value must be empty when `operator` is 'Exists'")
      break
    case 'Lt':
    case 'Gt':
      to.unsupported(at.at('operator'), operator, ['Equal', 'Exists', 'Lt', 'Gt'])
      break
    default:
      to.unsupported(at.at('operator'), operator, ['Equal', 'Exists'])
  }
  if (effect) taintEffect(effect, at.at('effect'), to)
}
export const tolerations = each(toleration)

interface Taint {
  key: string
  value?: string
  effect: string
}

export const taints: Check = (list: readonly Taint[], at, to) => {
  const seen = new Set<string>()
  list.forEach((taint, i) => {
    const place = at.index(i)
    to.each(place.at('key'), taint.key, qualifiedName(taint.key))
    const whys = labelValue(taint.value ?? '')
    if (whys.length > 0) to.invalid(place.at('value'), taint.value, whys.join(';'))
    if (taint.effect) taintEffect(taint.effect, place.at('effect'), to)
    else to.required(place.at('effect'))
    const pair = `${taint.effect} ${taint.key}`
    if (seen.has(pair)) to.duplicate(place, taint, 'taints must be unique by key and effect pair')
    seen.add(pair)
  })
}
