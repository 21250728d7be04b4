/**
 * Mirrors Endpoints that users write for Services without a selector into EndpointSlices, which is all that the service
 * proxies read. Upstream: the endpointslicemirroring controller.
 */
import { isIP } from 'node:net'
import type { Endpoints, Service } from '#api/core/v1/service.ts'
import type { Endpoint, EndpointPort, EndpointSlice } from '#api/discovery/v1.ts'
import type { Draft } from '#api/kind.ts'
import { endpoints as endpointsResource, endpointSlices, services } from '#api/resources.ts'
import type { Informer } from '#client/informer.ts'
import { keyOf, splitKey } from '#client/reflector.ts'
import type { ReconcileResult } from '#client/work-queue.ts'
import { controllerReference } from '#machinery/owner.ts'
import { isStatus } from '#machinery/status-error.ts'
import { type Controller, type ControllerContext, reconcileLoop } from '../controller.ts'
import { isNamespaceTerminating } from '../pod-creation.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { ENDPOINTS_MANAGED_BY, LEADER_ANNOTATION } from './endpoints-controller.ts'
import { indexByService, slicesOf } from './endpoint-slice-controller.ts'
import { isIPv6 } from './pod-endpoint.ts'
import { PendingCreations } from './pending-creations.ts'
import { MANAGED_BY, portsKey, SERVICE_NAME, slicePrefix } from './slice-plan.ts'
import { type Address, repackSubsets } from './subsets.ts'
import { TRIGGER_TIME } from './trigger-time.ts'

export const MIRRORING_CONTROLLER = 'endpointslicemirroring-controller.k8s.io'
const SKIP_MIRROR = 'endpointslice.kubernetes.io/skip-mirror'
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
const MAX_PER_SUBSET = 1000
const STALE_RETRY_MS = 10

export interface MirrorPlan {
  create: Draft<EndpointSlice>[]
  update: EndpointSlice[]
  delete: EndpointSlice[]
  /** Addresses that are none. */
  invalid: number
  /** Addresses that are left out because there are too many. */
  skipped: number
}

/** One slice for each address family and set of ports. Pure. */
export function planMirror(endpoints: Endpoints, existing: readonly EndpointSlice[]): MirrorPlan {
  const plan: MirrorPlan = { create: [], update: [], delete: [], invalid: 0, skipped: 0 }
  const desired = new Map<string, { addressType: 'IPv4' | 'IPv6'; ports: EndpointPort[]; endpoints: Endpoint[] }>()
  for (const { addresses = [], notReadyAddresses = [], ports: subsetPorts = [] } of repackSubsets(
    endpoints.subsets ?? [],
  )) {
    const ports = subsetPorts.map(({ name = '', port, protocol = 'TCP', appProtocol }) => {
      return { name, port, protocol, ...(appProtocol !== undefined && { appProtocol }) }
    })
    let room = MAX_PER_SUBSET
    const add = (address: Address, ready: boolean) => {
      if (isIP(address.ip) === 0) {
        plan.invalid++
        return
      }
      if (room-- <= 0) {
        plan.skipped++
        return
      }
      const addressType = isIPv6(address.ip) ? 'IPv6' : 'IPv4'
      const key = groupKey(addressType, ports)
      let group = desired.get(key)
      if (!group) desired.set(key, (group = { addressType, ports, endpoints: [] }))
      group.endpoints.push(endpointOf(address, ready))
    }
    for (const address of addresses) add(address, true)
    for (const address of notReadyAddresses) add(address, false)
  }
  const spare: EndpointSlice[] = []
  for (const slice of existing) {
    const key = groupKey(slice.addressType, slice.ports ?? [])
    const group = desired.get(key)
    if (!group) {
      spare.push(slice)
      continue
    }
    desired.delete(key)
    const next = rewritten(slice, endpoints, group.ports, group.endpoints)
    if (!semanticEqual(next, slice)) plan.update.push(next)
  }
  for (const { addressType, ports, endpoints: list } of desired.values()) {
    const index = spare.findIndex((slice) => slice.addressType === addressType)
    if (index >= 0) plan.update.push(rewritten(spare.splice(index, 1)[0]!, endpoints, ports, list))
    else plan.create.push(sliceDraft(endpoints, addressType, ports, list))
  }
  plan.delete = spare
  return plan
}

const groupKey = (addressType: string, ports: readonly EndpointPort[]) => `${addressType} ${portsKey(ports)}`

function endpointOf({ ip, hostname, nodeName, targetRef }: Address, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    ...(targetRef && { targetRef }),
  }
}

function metadataOf({ metadata }: Endpoints) {
  const { [TRIGGER_TIME]: _, [LAST_APPLIED]: __, ...annotations } = metadata.annotations ?? {}
  const labels = { ...metadata.labels, [SERVICE_NAME]: metadata.name, [MANAGED_BY]: MIRRORING_CONTROLLER }
  return { labels, annotations }
}

function rewritten(
  slice: EndpointSlice,
  source: Endpoints,
  ports: EndpointPort[],
  endpoints: Endpoint[],
): EndpointSlice {
  return { ...slice, metadata: { ...slice.metadata, ...metadataOf(source) }, ports, endpoints }
}

function sliceDraft(
  source: Endpoints,
  addressType: string,
  ports: EndpointPort[],
  endpoints: Endpoint[],
): Draft<EndpointSlice> {
  const { namespace, name } = source.metadata
  const ownerReferences = [controllerReference(source, endpointsResource)]
  const metadata = { generateName: slicePrefix(name), namespace, ownerReferences, ...metadataOf(source) }
  return { metadata, addressType, ports, endpoints }
}

export const createEndpointSliceMirroringController = (): Controller => ({
  name: 'endpointslicemirroring',
  start: (context) => new MirroringLoop(context).start(),
})

class MirroringLoop {
  readonly #context: ControllerContext
  readonly #services: Informer<Service>
  readonly #endpoints: Informer<Endpoints>
  readonly #slices: Informer<EndpointSlice>
  readonly #pending: PendingCreations

  constructor(context: ControllerContext) {
    this.#context = { ...context, recorder: context.recorder.as('endpoint-slice-mirroring-controller') }
    this.#services = context.informers.for(services)
    this.#endpoints = context.informers.for(endpointsResource)
    this.#slices = context.informers.for(endpointSlices)
    this.#pending = new PendingCreations(context.clock)
  }

  start(): void {
    indexByService(this.#slices)
    const queue = reconcileLoop(this.#context, {
      name: 'endpointslicemirroring',
      caches: [this.#services, this.#endpoints, this.#slices],
      concurrency: 10,
      reconcile: (key, signal) => this.#reconcile(key, signal),
    })
    const enqueue = (object: Endpoints | Service) => queue.add(keyOf(object))
    const enqueueMirrored = (object: Endpoints) => {
      if (object.metadata.labels?.[ENDPOINTS_MANAGED_BY] === undefined) enqueue(object)
    }
    this.#endpoints.handle({
      added: enqueueMirrored,
      updated: (object, previous) => {
        enqueueMirrored(object)
        enqueueMirrored(previous)
      },
      deleted: enqueueMirrored,
    })
    this.#services.handle({
      added: (service) => service.spec.selector || enqueue(service),
      updated: (service, previous) => !service.spec.selector === !previous.spec.selector || enqueue(service),
      deleted: (service) => service.spec.selector || enqueue(service),
    })
    const sourceOf = ({ metadata }: EndpointSlice) => {
      const name = metadata.labels?.[SERVICE_NAME]
      const isOurs = metadata.labels?.[MANAGED_BY] === MIRRORING_CONTROLLER
      return name && isOurs ? `${metadata.namespace}/${name}` : undefined
    }
    const seen = (slice: EndpointSlice): string | undefined => {
      const source = sourceOf(slice)
      if (source) this.#pending.seen(source, slice)
      return source
    }
    const enqueueSource = (source: string | undefined) => source && queue.add(source)
    this.#slices.handle({
      added: seen,
      updated: (slice) => enqueueSource(sourceOf(slice)),
      deleted: (slice) => enqueueSource(seen(slice)),
    })
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult | void> {
    const { client, recorder } = this.#context
    const { namespace, name } = splitKey(key)
    const endpoints = this.#endpoints.get(namespace, name)
    const service = this.#services.get(namespace, name)
    const existing = slicesOf(this.#slices, key, MIRRORING_CONTROLLER)
    if (!endpoints || !service || service.spec.selector || !mayBeMirrored(endpoints)) {
      this.#pending.forget(key)
      return this.#delete(existing, signal)
    }
    if (!this.#pending.areSeen(key)) return { requeueAfterMs: STALE_RETRY_MS }
    const plan = planMirror(endpoints, existing)
    if (plan.invalid > 0) {
      const message = `Skipped ${plan.invalid} invalid IP addresses when mirroring to EndpointSlices`
      recorder.event(endpoints, 'Warning', 'InvalidIPAddress', message)
    }
    if (plan.skipped > 0) {
      const limit = `A max of ${MAX_PER_SUBSET} addresses can be mirrored to EndpointSlices per Endpoints subset.`
      const message = `${limit} ${plan.skipped + plan.invalid} addresses were skipped`
      recorder.event(endpoints, 'Warning', 'TooManyAddressesToMirror', message)
    }
    if (!endpoints.metadata.deletionTimestamp) {
      for (const draft of plan.create) {
        try {
          await this.#pending.create(key, () => client.create(endpointSlices, draft, { signal }))
        } catch (err) {
          if (isNamespaceTerminating(err)) return
          throw err
        }
      }
    }
    for (const slice of plan.update) await client.update(endpointSlices, slice, { signal })
    await this.#delete(plan.delete, signal)
  }

  async #delete(slices: readonly EndpointSlice[], signal: AbortSignal): Promise<void> {
    for (const { metadata } of slices) {
      await this.#context.client.delete(endpointSlices, metadata, {}, { signal }).catch((err) => {
        if (!isStatus(err, 'NotFound')) throw err
      })
    }
  }
}

function mayBeMirrored({ metadata }: Endpoints): boolean {
  return metadata.labels?.[SKIP_MIRROR] !== 'true' && metadata.annotations?.[LEADER_ANNOTATION] === undefined
}
