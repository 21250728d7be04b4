/**
 * Keeps the Endpoints object of each Service with a selector: the older form of EndpointSlices, of one address family
 * and at most 1,000 addresses, which programs still read. Upstream: the endpoint controller.
 */
import { messageOf } from '#base/errors.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Endpoints, Service } from '#api/core/v1/service.ts'
import type { Draft } from '#api/kind.ts'
import { endpoints as endpointsResource, pods as podResource, services } from '#api/resources.ts'
import type { Informer } from '#client/informer.ts'
import { keyOf, splitKey } from '#client/reflector.ts'
import { isStatus } from '#machinery/status-error.ts'
import { type Controller, type ControllerContext, reconcileLoop } from '../controller.ts'
import { isNamespaceTerminating } from '../pod-creation.ts'
import { isReady } from '../pod-state.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { belongsToEndpoints, hasOwnHostname, isHeadless, isIPv6, podAddresses, targetPort } from './pod-endpoint.ts'
import { ServiceKeys } from './service-keys.ts'
import { HEADLESS } from './slice-plan.ts'
import { type Address, type Port, repackSubsets, type Subset, truncateSubsets } from './subsets.ts'
import { TRIGGER_TIME, TriggerTimes } from './trigger-time.ts'

export const ENDPOINTS_MANAGED_BY = 'endpoints.kubernetes.io/managed-by'
export const ENDPOINTS_CONTROLLER = 'endpoint-controller'
export const LEADER_ANNOTATION = 'control-plane.alpha.kubernetes.io/leader'
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity'

export const createEndpointsController = (): Controller => ({
  name: 'endpoint',
  start: (context) => new EndpointsLoop(context).start(),
})

/** The subsets of a Service that selects `pods`. Pure. */
export function planSubsets(service: Service, pods: readonly Pod[]): Subset[] {
  const { ports = [], publishNotReadyAddresses = false } = service.spec
  const subsets: Subset[] = []
  for (const pod of pods) {
    if (!belongsToEndpoints(pod, publishNotReadyAddresses)) continue
    const address = addressOf(service, pod)
    if (!address) continue
    const add = (port: Port | undefined) => {
      const list = publishNotReadyAddresses || isReady(pod) ? 'addresses' : 'notReadyAddresses'
      subsets.push({ [list]: [address], ...(port && { ports: [port] }) })
    }
    if (ports.length === 0 && service.spec.clusterIP === 'None') add(undefined)
    for (const servicePort of ports) {
      const port = targetPort(pod, servicePort)
      if (port === undefined) continue
      const { name, protocol = 'TCP', appProtocol } = servicePort
      add({ ...(name && { name }), port, protocol, ...(appProtocol !== undefined && { appProtocol }) })
    }
  }
  return repackSubsets(subsets)
}

/** Of the Service's first family; undefined where the pod has no address of it. */
function addressOf(service: Service, pod: Pod): Address | undefined {
  const { clusterIP, ipFamilies } = service.spec
  const wantsIPv6 = ipFamilies?.[0]
    ? ipFamilies[0] === 'IPv6'
    : !!clusterIP && clusterIP !== 'None' && isIPv6(clusterIP)
  const ip = podAddresses(pod).find((address) => isIPv6(address) === wantsIPv6)
  if (!ip) return undefined
  const { namespace, name, uid } = pod.metadata
  return {
    ip,
    ...(hasOwnHostname(pod, service) && { hostname: pod.spec.hostname }),
    ...(pod.spec.nodeName && { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  }
}

class EndpointsLoop {
  readonly #context: ControllerContext
  readonly #services: Informer<Service>
  readonly #pods: Informer<Pod>
  readonly #endpoints: Informer<Endpoints>
  readonly #triggerTimes = new TriggerTimes()
  #keys!: ServiceKeys

  constructor(context: ControllerContext) {
    this.#context = { ...context, recorder: context.recorder.as('endpoint-controller') }
    this.#services = context.informers.for(services)
    this.#pods = context.informers.for(podResource)
    this.#endpoints = context.informers.for(endpointsResource)
  }

  start(): void {
    const queue = reconcileLoop(this.#context, {
      name: 'endpoint',
      caches: [this.#services, this.#pods, this.#endpoints],
      reconcile: (key, signal) => this.#reconcile(key, signal),
    })
    this.#keys = new ServiceKeys(this.#context.clock, this.#services, queue)
    this.#keys.follow(this.#pods)
    const enqueue = (service: Service) => queue.add(keyOf(service))
    this.#services.handle({ added: enqueue, updated: enqueue, deleted: enqueue })
    this.#endpoints.handle({
      // Those that are there at the start and whose Service went while nobody watched.
      added: (object) => {
        if (isOurs(object)) queue.add(keyOf(object))
      },
      deleted: (object) => queue.add(keyOf(object)),
    })
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<void> {
    const { namespace, name } = splitKey(key)
    const service = this.#services.get(namespace, name)
    const current = this.#endpoints.get(namespace, name)
    if (!service) {
      this.#keys.forget(key)
      this.#triggerTimes.forget(key)
      if (current) await this.#delete(current, signal)
      return
    }
    const selector = this.#keys.selectorOf(service)
    if (!selector || service.spec.type === 'ExternalName' || service.metadata.deletionTimestamp) return
    const pods = this.#pods.list(namespace).filter((pod) => selector.matches(pod.metadata.labels))
    this.#keys.worked(key, pods.length)
    const triggerTime = this.#triggerTimes.next(key, service, pods)
    const subsets = planSubsets(service, pods)
    const next = endpointsOf(service, subsets, current, triggerTime)
    if (current && isSame(current, next)) return
    await this.#write(service, current, next, signal)
  }

  async #delete({ metadata }: Endpoints, signal: AbortSignal): Promise<void> {
    // The annotation of a program that elects its leader by an Endpoints object, which has no Service.
    if (metadata.annotations?.[LEADER_ANNOTATION]) return
    const { client } = this.#context
    await client
      .delete(endpointsResource, metadata, { preconditions: { uid: metadata.uid } }, { signal })
      .catch((err) => {
        if (!isStatus(err, 'NotFound')) throw err
      })
  }

  async #write(
    service: Service,
    current: Endpoints | undefined,
    next: Draft<Endpoints>,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, recorder } = this.#context
    try {
      if (current) await client.update(endpointsResource, next as Endpoints, { signal })
      else await client.create(endpointsResource, next, { signal })
    } catch (err) {
      if (isNamespaceTerminating(err)) return
      const what = `endpoint ${current ? '' : 'for service '}${service.metadata.namespace}/${service.metadata.name}`
      const reason = current ? 'FailedToUpdateEndpoint' : 'FailedToCreateEndpoint'
      const message = `Failed to ${current ? 'update' : 'create'} ${what}: ${messageOf(err)}`
      if (!isStatus(err, 'Conflict', 'AlreadyExists')) recorder.event(current ?? service, 'Warning', reason, message)
      throw err
    }
  }
}

function endpointsOf(
  service: Service,
  subsets: Subset[],
  current: Endpoints | undefined,
  triggerTime: string | undefined,
): Draft<Endpoints> {
  const { [TRIGGER_TIME]: _, [OVER_CAPACITY]: __, ...annotations } = current?.metadata.annotations ?? {}
  if (triggerTime) annotations[TRIGGER_TIME] = triggerTime
  const truncated = truncateSubsets(subsets)
  if (truncated) annotations[OVER_CAPACITY] = 'truncated'
  const { [HEADLESS]: ___, ...labels } = service.metadata.labels ?? {}
  if (isHeadless(service)) labels[HEADLESS] = ''
  labels[ENDPOINTS_MANAGED_BY] = ENDPOINTS_CONTROLLER
  const { namespace, name } = service.metadata
  return {
    ...current,
    metadata: { ...(current?.metadata ?? { namespace, name }), labels, annotations },
    subsets: truncated ?? subsets,
  }
}

function isSame(current: Endpoints, next: Draft<Endpoints>): boolean {
  return (
    semanticEqual(current.subsets, next.subsets) &&
    semanticEqual(current.metadata.labels, next.metadata.labels) &&
    current.metadata.annotations?.[OVER_CAPACITY] === next.metadata.annotations?.[OVER_CAPACITY]
  )
}

function isOurs({ metadata }: Endpoints): boolean {
  return metadata.labels?.[ENDPOINTS_MANAGED_BY] === ENDPOINTS_CONTROLLER
}
