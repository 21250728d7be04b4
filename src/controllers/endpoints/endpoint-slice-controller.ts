/** Keeps the EndpointSlices of Services with a selector, by the plan of slice-plan.ts. Upstream: the endpointslice controller. */
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Service } from '#api/core/v1/service.ts'
import type { EndpointSlice } from '#api/discovery/v1.ts'
import { endpointSlices, nodes, pods as podResource, services } from '#api/resources.ts'
import type { Informer, Lister } from '#client/informer.ts'
import { keyOf, splitKey } from '#client/reflector.ts'
import type { ReconcileResult } from '#client/work-queue.ts'
import { isStatus } from '#machinery/status-error.ts'
import { type Controller, type ControllerContext, reconcileLoop } from '../controller.ts'
import { isNamespaceTerminating } from '../pod-creation.ts'
import { PendingCreations } from './pending-creations.ts'
import { ServiceKeys } from './service-keys.ts'
import { MANAGED_BY, planSlices, SERVICE_NAME, SLICE_CONTROLLER, type SlicePlan } from './slice-plan.ts'
import { TRIGGER_TIME, TriggerTimes } from './trigger-time.ts'

/** How soon to look again when the copy does not show our own writes yet. */
const STALE_RETRY_MS = 10
const NODE_RETRY_MS = 1_000
const BY_SERVICE = 'service'

export const createEndpointSliceController = (): Controller => ({
  name: 'endpointslice',
  start: (context) => new EndpointSliceLoop(context).start(),
})

/** Lets slices be found by `namespace/service`. */
export function indexByService(slices: Informer<EndpointSlice>): void {
  slices.index(BY_SERVICE, ({ metadata }) => {
    const name = metadata.labels?.[SERVICE_NAME]
    return name ? [`${metadata.namespace}/${name}`] : []
  })
}

/** The slices of a Service that the controller `manager` looks after. */
export function slicesOf(slices: Lister<EndpointSlice>, serviceKey: string, manager: string): EndpointSlice[] {
  return slices.byIndex(BY_SERVICE, serviceKey).filter(({ metadata }) => metadata.labels?.[MANAGED_BY] === manager)
}

class EndpointSliceLoop {
  readonly #context: ControllerContext
  readonly #services: Informer<Service>
  readonly #pods: Informer<Pod>
  readonly #nodes: Informer<Node>
  readonly #slices: Informer<EndpointSlice>
  readonly #pending: PendingCreations
  readonly #triggerTimes = new TriggerTimes()
  #keys!: ServiceKeys

  constructor(context: ControllerContext) {
    this.#context = { ...context, recorder: context.recorder.as('endpoint-slice-controller') }
    this.#services = context.informers.for(services)
    this.#pods = context.informers.for(podResource)
    this.#nodes = context.informers.for(nodes)
    this.#slices = context.informers.for(endpointSlices)
    this.#pending = new PendingCreations(context.clock)
  }

  start(): void {
    indexByService(this.#slices)
    const queue = reconcileLoop(this.#context, {
      name: 'endpointslice',
      caches: [this.#services, this.#pods, this.#nodes, this.#slices],
      reconcile: (key, signal) => this.#reconcile(key, signal),
    })
    this.#keys = new ServiceKeys(this.#context.clock, this.#services, queue)
    this.#keys.follow(this.#pods)
    const enqueue = (service: Service) => queue.add(keyOf(service))
    this.#services.handle({ added: enqueue, updated: enqueue, deleted: enqueue })
    const ownerOf = ({ metadata }: EndpointSlice) => {
      const service = metadata.labels?.[SERVICE_NAME]
      const isOurs = metadata.labels?.[MANAGED_BY] === SLICE_CONTROLLER
      return service && isOurs ? `${metadata.namespace}/${service}` : undefined
    }
    const seen = (slice: EndpointSlice): string | undefined => {
      const owner = ownerOf(slice)
      if (owner) this.#pending.seen(owner, slice)
      return owner
    }
    const enqueueOwner = (owner: string | undefined) => owner && queue.add(owner)
    this.#slices.handle({
      added: seen,
      // Somebody else may have changed or deleted what we manage. Our own writes find nothing to do.
      updated: (slice, previous) => {
        enqueueOwner(ownerOf(slice))
        enqueueOwner(ownerOf(previous))
      },
      deleted: (slice) => enqueueOwner(seen(slice)),
    })
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult | void> {
    const { namespace, name } = splitKey(key)
    const service = this.#services.get(namespace, name)
    if (!service) {
      // The garbage collector deletes the slices, which the Service owns.
      this.#keys.forget(key)
      this.#triggerTimes.forget(key)
      this.#pending.forget(key)
      return
    }
    const selector = this.#keys.selectorOf(service)
    if (!selector || service.spec.type === 'ExternalName' || service.metadata.deletionTimestamp) return
    if (!this.#pending.areSeen(key)) return { requeueAfterMs: STALE_RETRY_MS }
    const pods = this.#pods.list(namespace).filter((pod) => selector.matches(pod.metadata.labels))
    const plan = planSlices({
      service,
      pods,
      nodeOf: (nodeName) => this.#nodes.get(undefined, nodeName),
      existing: slicesOf(this.#slices, key, SLICE_CONTROLLER).filter((slice) => !slice.metadata.deletionTimestamp),
    })
    this.#keys.worked(key, pods.length)
    await this.#apply(key, plan, this.#triggerTimes.next(key, service, pods), signal)
    if (plan.skipped.length > 0) return { requeueAfterMs: NODE_RETRY_MS }
  }

  async #apply(key: string, plan: SlicePlan, triggerTime: string | undefined, signal: AbortSignal): Promise<void> {
    const { client } = this.#context
    const annotated = (annotations: Record<string, string> = {}) => {
      const { [TRIGGER_TIME]: _, ...rest } = annotations
      return triggerTime ? { ...rest, [TRIGGER_TIME]: triggerTime } : rest
    }
    for (const draft of plan.create) {
      const { metadata } = draft
      try {
        const annotations = annotated()
        const annotatedDraft = { ...draft, metadata: { ...metadata, annotations } }
        await this.#pending.create(key, () => client.create(endpointSlices, annotatedDraft, { signal }))
      } catch (err) {
        if (isNamespaceTerminating(err)) return
        throw err
      }
    }
    for (const slice of plan.update) {
      const metadata = { ...slice.metadata, annotations: annotated(slice.metadata.annotations) }
      await client.update(endpointSlices, { ...slice, metadata }, { signal })
    }
    for (const { metadata } of plan.delete) {
      await client
        .delete(endpointSlices, metadata, { preconditions: { uid: metadata.uid } }, { signal })
        .catch((err) => {
          if (!isStatus(err, 'NotFound')) throw err
        })
    }
  }
}
