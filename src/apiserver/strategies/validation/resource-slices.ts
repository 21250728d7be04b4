/**
 * ResourceSlices: the devices that a driver offers, where they can be used, and what they share. Upstream:
 * `validateResourceSliceSpec` of `pkg/apis/resource/validation`.
 */
import { jsonEqual } from '#base/equal.ts'
import { dnsLabel, dnsSubdomain } from '#machinery/names.ts'
import type { Stored } from '../../registry/strategy.ts'
import { capacityRequestPolicy } from './capacity-policies.ts'
import {
  type Check,
  distinct,
  each,
  evenAbsent,
  fields,
  first,
  limited,
  maxBytes,
  type Path,
  type Problems,
  required,
  SPEC,
  strictlyNamed,
} from './check.ts'
import { attributeName, bindingConditions, deviceName, deviceTaint, driverName, poolName } from './devices.ts'
import { immutable, type Rules } from './rules.ts'
import { nodeSelector } from './selectors.ts'

type Value = Record<string, any>

const MAX_DEVICES = 128
/** Where a slice has taints or draws on shared counters. */
const MAX_DETAILED_DEVICES = 64
const MAX_PROPERTIES = 32
const MAX_PROPERTY_NAME = 63 + 1 + 32
const MAX_TEXT = 64
const MAX_TAINTS = 16
const MAX_COUNTER_SETS = 8
const MAX_COUNTERS = 32
const MAX_CONSUMPTIONS = 2

const NUMBER = '(?:0|[1-9]\\d*)'
const PRERELEASE = '(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)'
const BUILD = '[0-9a-zA-Z-]+'
const VERSION = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-${PRERELEASE}(?:\\.${PRERELEASE})*)?(?:\\+${BUILD}(?:\\.${BUILD})*)?$`,
)

const text = maxBytes(MAX_TEXT)
const version: Check = (value: string, at, to) => {
  // What is too long is not matched, for its length alone says enough.
  if (value.length > 4 * MAX_TEXT || !VERSION.test(value)) {
    to.invalid(at, value, 'must be a string compatible with semver.org spec 2.0.0')
  }
  text(value, at, to)
}
const attributeKinds: Record<string, Check | undefined> = { bool: undefined, int: undefined, string: text, version }

const attribute: Check = (value: Value, at, to) => {
  const kinds = Object.keys(attributeKinds).filter((kind) => value[kind] !== undefined)
  for (const kind of kinds) attributeKinds[kind]?.(value[kind], at.at(kind), to)
  if (kinds.length !== 1) to.invalid(at, kinds.length === 0 ? '' : value, 'exactly one value must be specified')
}

/** Long names are shortened in their middle where they tell of a place. */
function shortened(name: string, max: number): string {
  if (name.length <= max) return name
  const rest = max - '...'.length
  return `${name.slice(0, Math.floor((rest + 1) / 2))}...${name.slice(name.length - Math.floor(rest / 2))}`
}

const mapOf =
  (key: Check, maxKey: number, value?: Check): Check =>
  (map: Value, at, to) => {
    for (const [name, element] of Object.entries(map)) {
      key(name, at, to)
      value?.(element, at.key(shortened(name, maxKey)), to)
    }
  }

const counterName = strictlyNamed(dnsLabel)
const counters = first(
  evenAbsent((map: Value = {}, at, to) => {
    const count = Object.keys(map).length
    if (count === 0) to.required(at)
    else if (count > MAX_COUNTERS) to.tooMany(at, count, MAX_COUNTERS)
  }),
  mapOf(counterName, 63),
)
const counterSet = fields({ name: first(required, counterName), counters })
const consumption = fields({ counterSet: first(required, counterName), counters })

const capacities = (isShared: boolean) =>
  mapOf(attributeName, MAX_PROPERTY_NAME, ({ value, requestPolicy }: Value, at, to) => {
    if (!requestPolicy) return
    const place = at.at('requestPolicy')
    if (isShared) capacityRequestPolicy(requestPolicy, value ?? '0', place, to)
    else to.forbidden(place, 'allowMultipleAllocations must be true')
  })

function checkAmountOfProperties({ attributes = {}, capacity = {} }: Value, at: Path, to: Problems) {
  const count = Object.keys(attributes).length + Object.keys(capacity).length
  if (count > MAX_PROPERTIES) {
    to.invalid(at, count, `the total number of attributes and capacities must not exceed ${MAX_PROPERTIES}`)
  }
}

const isTrue: Check = (value: boolean, at, to) => {
  if (!value) to.invalid(at, false, 'must be either unset or set to true')
}

/** Returns which of the ways to name nodes are used, and checks them. */
function nodesOf(value: Value, why: string, at: Path, to: Problems): string[] {
  const { nodeName, nodeSelector: selector, allNodes } = value
  if (nodeName === '') to.invalid(at.at('nodeName'), '', why)
  else if (nodeName !== undefined) to.each(at.at('nodeName'), nodeName, dnsSubdomain(nodeName))
  if (selector) nodeSelector(selector, at.at('nodeSelector'), to)
  if (allNodes !== undefined) isTrue(allNodes, at.at('allNodes'), to)
  return [
    ...(nodeName ? ['`nodeName`'] : []),
    ...(selector ? ['`nodeSelector`'] : []),
    ...(allNodes ? ['`allNodes`'] : []),
  ]
}

const ONE_OF_DEVICE =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec'
const NOT_PER_DEVICE =
  '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec'

function checkNodesOfDevice(device: Value, isPerDevice: boolean, at: Path, to: Problems) {
  if (!isPerDevice) {
    const names = [device.nodeName, device.nodeSelector, device.allNodes].some((value) => value !== undefined)
    if (names) to.invalid(at, null, NOT_PER_DEVICE)
    return
  }
  const ways = nodesOf(device, 'must not be empty', at, to)
  if (ways.length === 0) to.required(at, ONE_OF_DEVICE)
  else if (ways.length > 1) to.invalid(at, `{${ways.join(', ')}}`, ONE_OF_DEVICE)
}

const taints = limited(MAX_TAINTS, each(deviceTaint))

const consumptions = limited(
  MAX_CONSUMPTIONS,
  each(consumption),
  distinct(({ counterSet: name = '' }: Value) => name),
)

function checkDevice(device: Value, old: Value | undefined, isPerDevice: boolean, at: Path, to: Problems) {
  deviceName(device.name ?? '', at.at('name'), to)
  checkAmountOfProperties(device, at, to)
  fields({
    attributes: mapOf(attributeName, MAX_PROPERTY_NAME, attribute),
    capacity: capacities(device.allowMultipleAllocations === true),
    ...(!(old && jsonEqual(old.taints ?? [], device.taints ?? [])) && { taints }),
    consumesCounters: consumptions,
  })(device, at, to)
  checkNodesOfDevice(device, isPerDevice, at, to)
  bindingConditions(device, at, to)
}

const hasDetails = (device: Value) => device.taints?.length > 0 || device.consumesCounters?.length > 0

const ONE_OF_SLICE = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'

function checkNodesOfSlice(spec: Value, to: Problems) {
  const ways = nodesOf(spec, 'must be either unset or set to a non-empty string', SPEC, to)
  const terms = spec.nodeSelector?.nodeSelectorTerms ?? []
  if (spec.nodeSelector && terms.length !== 1) {
    to.invalid(SPEC.at('nodeSelector', 'nodeSelectorTerms'), terms, 'must have exactly one node selector term')
  }
  const { perDeviceNodeSelection: isPerDevice } = spec
  if (isPerDevice !== undefined) isTrue(isPerDevice, SPEC.at('perDeviceNodeSelection'), to)
  if (isPerDevice) ways.push('`perDeviceNodeSelection`')
  if (ways.length === 0) to.required(SPEC, ONE_OF_SLICE)
  else if (ways.length > 1) to.invalid(SPEC, `{${ways.join(', ')}}`, `${ONE_OF_SLICE}, but multiple fields are set`)
}

const poolFields = fields({
  name: poolName,
  resourceSliceCount: evenAbsent((count = 0, at, to) => {
    if (count <= 0) to.invalid(at, count, 'must be greater than zero')
  }),
  generation: (generation: number, at, to) => {
    if (generation < 0) to.invalid(at, generation, 'must be greater than or equal to zero')
  },
})

const nameOf = ({ name = '' }: Value) => name
const counterSets = limited(MAX_COUNTER_SETS, each(counterSet), distinct(nameOf))

function checkSlice(spec: Value, was: Value | undefined, to: Problems) {
  fields({ driver: driverName, pool: evenAbsent((pool = {}, at) => poolFields(pool, at, to)) })(spec, SPEC, to)
  checkNodesOfSlice(spec, to)
  const { devices, sharedCounters, perDeviceNodeSelection } = spec
  if (devices && sharedCounters) to.invalid(SPEC, '', 'only one of `sharedCounters` or `devices` is allowed')
  const max = devices?.some(hasDetails) ? MAX_DETAILED_DEVICES : MAX_DEVICES
  const before = new Map<string, Value>((was?.devices ?? []).map((device: Value) => [nameOf(device), device]))
  const device: Check = (one: Value, at) => checkDevice(one, before.get(nameOf(one)), perDeviceNodeSelection, at, to)
  fields({ devices: limited(max, each(device), distinct(nameOf)), sharedCounters: counterSets })(spec, SPEC, to)
}

export const resourceSliceRules: Rules = {
  create: ({ spec }: Stored, to) => checkSlice(spec ?? {}, undefined, to),
  changed: ({ spec = {} }: Stored, { spec: was = {} }: Stored, to) => checkSlice(spec, was, to),
  update: immutable('spec.pool.name', 'spec.driver', 'spec.nodeName'),
}
