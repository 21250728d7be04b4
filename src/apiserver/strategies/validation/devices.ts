/**
 * What the kinds of resource.k8s.io share: names of drivers, pools and attributes, conditions on devices, taints and what
 * tolerates them, settings that only drivers understand. Expressions are checked for their length, not compiled. Upstream:
 * `pkg/apis/resource/validation`.
 */
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from '#machinery/names.ts'
import {
  all,
  type Check,
  each,
  evenAbsent,
  evenEmpty,
  fields,
  first,
  limited,
  maxBytes,
  oneOf,
  type Path,
  type Problems,
  required,
  strictlyNamed,
  uniqueItems,
} from './check.ts'
import { cIdentifier } from './formats.ts'
import { csiDriverName } from './volumes.ts'

type Value = Record<string, any>

const MAX_POOL_NAME = 253
const MAX_ID_BYTES = 32
const MAX_SELECTORS = 32
const MAX_EXPRESSION_BYTES = 10 * 1024
const MAX_PARAMETER_BYTES = 10 * 1024
const MAX_BINDING_CONDITIONS = 4

export const driverName = csiDriverName
/** Of requests, devices and counters. */
export const deviceName = evenEmpty(strictlyNamed(dnsLabel))

export const poolName: Check = first(required, (name: string, at, to) => {
  maxBytes(MAX_POOL_NAME)(name, at, to)
  for (const part of name.split('/')) to.each(at, part, dnsSubdomain(part))
})

const attributeId: Check = all(maxBytes(MAX_ID_BYTES), strictlyNamed(cIdentifier))

/** `[domain/]name`, of an attribute or a capacity. As upstream, names with more slashes are let through. */
export const attributeName: Check = (name: string, at, to) => {
  const [domain = '', id, ...rest] = name.split('/')
  if (id === undefined) attributeId(domain, at, to)
  else if (rest.length === 0) {
    if (domain === '') to.invalid(at, '', 'the domain must not be empty')
    else driverName(domain, at, to)
    if (id === '') to.invalid(at, '', 'the name must not be empty')
    else attributeId(id, at, to)
  }
}

export const attributeNameWithDomain: Check = (name: string, at, to) => {
  attributeName(name, at, to)
  if (!name.includes('/')) {
    to.invalid(at, name, 'a fully qualified name must be a domain and a name separated by a slash')
  }
}

const selector: Check = fields({
  cel: evenAbsent((cel: { expression?: string } | undefined, at, to) => {
    if (cel === undefined) to.required(at)
    else maxBytes(MAX_EXPRESSION_BYTES)(cel.expression ?? '', at.at('expression'), to)
  }),
})
export const deviceSelectors = limited(MAX_SELECTORS, each(selector))

/** An object of any shape that is kept as it is, of at most `max` bytes. */
export const rawObject = (max: number): Check =>
  evenAbsent((value: unknown, at, to) => {
    if (value === undefined || value === null) to.required(at)
    else if (Buffer.byteLength(JSON.stringify(value)) > max) to.tooLong(at, max)
  })

const opaque = fields({ driver: driverName, parameters: rawObject(MAX_PARAMETER_BYTES) })

export const deviceConfiguration = fields({
  opaque: evenAbsent((value: Value | undefined, at, to) => (value ? opaque(value, at, to) : to.required(at))),
})

/** Upstream lists them sorted. */
const effect = oneOf('NoExecute', 'NoSchedule', 'None')

export const deviceTaint: Check = fields({
  key: evenEmpty(strictlyNamed(qualifiedName)),
  value: strictlyNamed(labelValue),
  effect: first(required, effect),
})

const toleration: Check = ({ key, operator, value = '', effect: tolerated }: Value, at, to) => {
  if (key) to.each(at.at('key'), key, qualifiedName(key))
  if (operator === 'Exists') {
    if (value) to.invalid(at.at('value'), value, 'must be empty for operator `Exists`')
  } else if (operator === 'Equal') to.each(at.at('value'), value, labelValue(value))
  else if (!operator) to.required(at.at('operator'))
  else to.unsupported(at.at('operator'), operator, ['Equal', 'Exists'])
  if (tolerated) effect(tolerated, at.at('effect'), to)
}
export const deviceTolerations = each(toleration)

const conditionNames = limited(MAX_BINDING_CONDITIONS, each(strictlyNamed(qualifiedName)))

/** Conditions that a pod waits for, and those that make it give up: both or neither, apart from each other. */
export function bindingConditions(
  { bindingConditions: awaited = [], bindingFailureConditions: failing = [] }: Value,
  at: Path,
  to: Problems,
) {
  const [placeOfAwaited, placeOfFailing] = [at.at('bindingConditions'), at.at('bindingFailureConditions')]
  conditionNames(awaited, placeOfAwaited, to)
  conditionNames(failing, placeOfFailing, to)
  uniqueItems(awaited, placeOfAwaited, to)
  uniqueItems(failing, placeOfFailing, to)
  failing.forEach((condition: string, i: number) => {
    if (!awaited.includes(condition)) return
    const why = 'bindingFailureConditions must not overlap with bindingConditions'
    to.invalid(placeOfFailing.index(i), condition, why)
  })
  if (awaited.length === 0 && failing.length > 0) {
    to.invalid(placeOfAwaited, null, 'bindingConditions are required to use bindingFailureConditions')
  }
  if (failing.length === 0 && awaited.length > 0) {
    to.invalid(placeOfFailing, null, 'bindingFailureConditions are required to use bindingConditions')
  }
}
