/**
 * Kinds with little behaviour of their own before validation: who counts generations, who insists on a resourceVersion, who
 * can be created by an update. Upstream: the strategies of the remaining groups in `pkg/registry`.
 */
import { pathSegment } from '#machinery/names.ts'
import { ipErrors } from './validation/ip.ts'
import { timestamp } from '../registry/object-meta.ts'
import type { Draft, Stored, Strategy } from '../registry/strategy.ts'

export const roleStrategy: Strategy = { name: pathSegment, createsOnUpdate: true }

export const leaseStrategy: Strategy = { createsOnUpdate: true, needsResourceVersion: true }
export const runtimeClassStrategy: Strategy = { createsOnUpdate: true, needsResourceVersion: true }
export const disruptionBudgetStrategy: Strategy = { countsGeneration: true, needsResourceVersion: true }

/** `spec` counts as a generation, nothing else is special. */
export const specGeneration: Strategy = { countsGeneration: true }

export const priorityClassStrategy: Strategy = { countsGeneration: true, generationOf: () => undefined }

export const endpointSliceStrategy: Strategy = {
  countsGeneration: true,
  generationOf: ({ metadata, ...rest }) => [rest, metadata.labels ?? {}],
}

export const webhookConfigurationStrategy: Strategy = {
  countsGeneration: true,
  needsResourceVersion: true,
  generationOf: (configuration) => configuration.webhooks,
}
export const admissionPolicyStrategy: Strategy = { countsGeneration: true, needsResourceVersion: true }

export const ipAddressStrategy: Strategy = { name: (name) => ipErrors(name) }

export const deviceStrategy: Strategy = { returnsDeleted: true }
export const deviceClassStrategy: Strategy = { countsGeneration: true, returnsDeleted: true }
export const resourceSliceStrategy: Strategy = {
  countsGeneration: true,
  returnsDeleted: true,
  prepareForCreate: (slice, { now }) => completeDevices(slice, now),
  prepareForUpdate: (slice, _old, { now }) => completeDevices(slice, now),
  selectableFields: {
    'spec.nodeName': (slice) => slice.spec.nodeName ?? '',
    'spec.driver': (slice) => slice.spec.driver ?? '',
  },
  refuseField: (field) => `field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: ${field}`,
}

const LISTS = ['bools', 'ints', 'strings', 'versions'] as const

/** A taint without a time begins now. What only features that are off by default would look at is left out. */
function completeDevices(slice: Draft, now: number) {
  for (const device of slice.spec.devices ?? []) {
    for (const taint of device.taints ?? []) taint.timeAdded ??= timestamp(now)
    delete device.nodeAllocatableResourceMappings
    for (const name in device.attributes) for (const list of LISTS) delete device.attributes[name][list]
  }
}

export const classStrategy: Strategy = { returnsDeleted: true }
export const versionedClassStrategy: Strategy = { returnsDeleted: true, needsResourceVersion: true }
export const storageCapacityStrategy: Strategy = { needsResourceVersion: true }

export const apiServiceStrategy: Strategy = {
  name: pathSegment,
  needsResourceVersion: true,
  prepareForCreate(service, { now }) {
    if (service.spec.service) return
    service.status = {
      conditions: [
        {
          type: 'Available',
          status: 'True',
          reason: 'Local',
          message: 'Local APIServices are always available',
          lastTransitionTime: timestamp(now),
        },
      ],
    }
  },
}

const REQUESTER = ['username', 'uid', 'groups', 'extra'] as const

/**
 * Who asked for the certificate is filled in by the server and never changes; each kind of condition has its own way in
 * (`approval` or `status`). Upstream: `pkg/registry/certificates/certificates/strategy.go`.
 */
export const certificateSigningRequestStrategy: Strategy = {
  name: pathSegment,
  prepareForCreate(request, { user }) {
    for (const key of REQUESTER) delete request.spec[key]
    if (!user) return
    request.spec.username = user.name
    if (user.uid) request.spec.uid = user.uid
    if (user.groups?.length) request.spec.groups = [...user.groups]
    if (user.extra && Object.keys(user.extra).length > 0) request.spec.extra = structuredClone(user.extra)
  },
  prepareForUpdate(request, old, { subresource, now }) {
    request.spec = old.spec
    if (subresource === '') return
    const { conditions: found = [], ...status } = request.status as { conditions?: Condition[] }
    const isApproval = subresource === 'approval'
    const conditions = stamped(isApproval ? found : keepDecisions(found, old), old, now)
    request.status = { ...(isApproval ? old.status : status), conditions }
    if (conditions.length === 0) delete request.status.conditions
  },
  selectableFields: { 'spec.signerName': (request) => request.spec.signerName ?? '' },
}

interface Condition {
  type: string
  status: string
  lastUpdateTime?: string
  lastTransitionTime?: string
}

const decisions = ['Approved', 'Denied']

/** Approved and Denied stay as they were in updates of the status; adding or removing one is left for validation to refuse. */
function keepDecisions(conditions: readonly Condition[], old: Stored): Condition[] {
  const kept = [...conditions]
  for (const type of decisions) {
    const before: Condition[] = (old.status?.conditions ?? []).filter((condition: Condition) => condition.type === type)
    const places = kept.flatMap((condition, i) => (condition.type === type ? [i] : []))
    if (places.length === before.length) places.forEach((place, i) => void (kept[place] = before[i]!))
  }
  return kept
}

function stamped(conditions: readonly Condition[], old: Stored, now: number): Condition[] {
  const known = new Map<string, Condition>()
  const keyOf = ({ type, status }: Condition) => JSON.stringify([type, status])
  for (const condition of (old.status?.conditions ?? []) as Condition[])
    if (!known.has(keyOf(condition))) known.set(keyOf(condition), condition)
  return conditions.map((condition) => ({
    lastUpdateTime: timestamp(now),
    lastTransitionTime: known.get(keyOf(condition))?.lastTransitionTime ?? timestamp(now),
    ...condition,
  }))
}
