/**
 * What was allocated for a ResourceClaim, who may use it, and what drivers say of the devices. An allocation stays as it is
 * until it is given up. Upstream: `validateResourceClaimStatusUpdate`.
 */
import { jsonEqual } from '#base/equal.ts'
import { immutableValue } from '../../registry/object-meta.ts'
import type { Comparison } from './rules.ts'
import {
  type Check,
  distinct,
  each,
  evenEmpty,
  fields,
  first,
  limited,
  maxBytes,
  oneOf,
  type Path,
  type Problems,
  required,
  STATUS,
  uniqueItems,
} from './check.ts'
import { bindingConditions, deviceConfiguration, deviceName, driverName, poolName, rawObject } from './devices.ts'
import { RequestNames } from './device-request-names.ts'
import { interfaceAddress } from './ip.ts'
import { checkConditions } from './meta-conditions.ts'
import { nodeSelector } from './selectors.ts'
import { uuid } from './formats.ts'

type Value = Record<string, any>

const MAX_CONSUMERS = 256
const MAX_RESULTS = 32
const MAX_REQUESTS = 32
/** Those of the class and those of the claim. */
const MAX_CONFIGURATIONS = 64
const MAX_CONDITIONS = 8
const MAX_DATA_BYTES = 10 * 1024
const MAX_INTERFACE_NAME = 256
const MAX_HARDWARE_ADDRESS = 128
const MAX_ADDRESSES = 16

interface DeviceId {
  driver?: string
  pool?: string
  device?: string
  shareID?: string
}

/** Upstream shows it in this form. */
const idOf = ({ driver = '', pool = '', device = '', shareID = '' }: DeviceId) => ({
  Driver: driver,
  Pool: pool,
  Device: device,
  ShareID: shareID,
})
const keyOf = (device: DeviceId) => JSON.stringify(idOf(device))

const shareID: Check = (id: string, at, to) => to.each(at, id, uuid(id))

const consumer = fields({ resource: required, name: required, uid: required })
const consumers = limited(
  MAX_CONSUMERS,
  each(consumer),
  distinct(({ uid = '' }: Value) => uid),
)

function checkResult(result: Value, names: RequestNames, at: Path, to: Problems) {
  fields({
    request: evenEmpty(names.reference),
    driver: driverName,
    pool: poolName,
    device: deviceName,
  })(result, at, to)
  bindingConditions(result, at, to)
  if (result.shareID !== undefined) shareID(result.shareID, at.at('shareID'), to)
}

function checkAllocation(allocation: Value, names: RequestNames, at: Path, to: Problems) {
  const configuration: Check = (config: Value, place) => {
    fields({
      source: first(required, oneOf('FromClaim', 'FromClass')),
      requests: limited(MAX_REQUESTS, each(names.reference), uniqueItems),
    })(config, place, to)
    deviceConfiguration(config, place, to)
  }
  fields({
    devices: fields({
      results: limited(
        MAX_RESULTS,
        each((result, place) => checkResult(result, names, place, to)),
      ),
      config: limited(MAX_CONFIGURATIONS, each(configuration)),
    }),
    nodeSelector,
  })(allocation, at, to)
}

const networkData = fields({
  interfaceName: maxBytes(MAX_INTERFACE_NAME),
  hardwareAddress: maxBytes(MAX_HARDWARE_ADDRESS),
  ips: limited(
    MAX_ADDRESSES,
    each((ip: string, at, to) => to.each(at, ip, interfaceAddress(ip))),
    uniqueItems,
  ),
})

const deviceNames = fields({ driver: driverName, pool: poolName, device: deviceName, shareID })

function checkDevice(device: Value, allocated: ReadonlySet<string>, at: Path, to: Problems) {
  deviceNames(device, at, to)
  if (!allocated.has(keyOf(device))) to.invalid(at, idOf(device), 'must be an allocated device in the claim')
  const { conditions = [], data } = device
  const place = at.at('conditions')
  if (conditions.length > MAX_CONDITIONS) to.tooMany(place, conditions.length, MAX_CONDITIONS)
  checkConditions(conditions, place, to)
  if (data !== undefined && data !== null) rawObject(MAX_DATA_BYTES)(data, at.at('data'), to)
  if (device.networkData) networkData(device.networkData, at.at('networkData'), to)
}

function checkDevices(devices: readonly Value[], allocated: ReadonlySet<string>, at: Path, to: Problems) {
  devices.forEach((device, i) => checkDevice(device, allocated, at.index(i), to))
  const seen = new Set<string>()
  devices.forEach((device, i) => {
    if (seen.has(keyOf(device))) to.duplicate(at.index(i), idOf(device))
    seen.add(keyOf(device))
  })
}

const CLOSED = 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set'

export const claimStatus: Comparison = ({ metadata, spec, status = {} }, { status: was = {} }, to) => {
  const { reservedFor = [], devices = [], allocation } = status as Value
  const place = STATUS.at('reservedFor')
  consumers(reservedFor, place, to)
  const allocated = new Set<string>((allocation?.devices?.results ?? []).map(keyOf))
  checkDevices(devices, allocated, STATUS.at('devices'), to)
  if (reservedFor.length > 0 && !allocation) {
    to.forbidden(place, 'may not be specified when `allocated` is not set')
  } else if (metadata.deletionTimestamp) {
    const isNew = (one: Value) => !(was.reservedFor ?? []).some((other: Value) => jsonEqual(one, other))
    if (reservedFor.some(isNew)) to.forbidden(place, CLOSED)
  }
  if (!allocation) return
  if (!was.allocation) checkAllocation(allocation, new RequestNames(spec?.devices ?? {}), STATUS.at('allocation'), to)
  else if (!jsonEqual(allocation, was.allocation)) to.add([immutableValue('status.allocation', allocation)])
}
