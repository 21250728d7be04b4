/**
 * From pod events to the Services whose endpoints change, with as little work as possible: a Service with many pods is
 * worked on again only after a pause that grows with them (at most half a second), so that a rollout of a thousand pods
 * does not recompute a thousand endpoints a thousand times. Small Services are served at once.
 */
import type { Clock } from '#base/clock.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Service } from '#api/core/v1/service.ts'
import type { Informer } from '#client/informer.ts'
import { keyOf } from '#client/reflector.ts'
import type { WorkQueue } from '#client/work-queue.ts'
import { type LabelSelector, selectorFromMap } from '#machinery/labels.ts'
import { endpointChanged, membershipChanged } from './pod-endpoint.ts'

const PAUSE_PER_POD_MS = 0.5
const MAX_PAUSE_MS = 500

export class ServiceKeys {
  readonly #clock: Clock
  readonly #services: Informer<Service>
  readonly #queue: WorkQueue
  readonly #selectors = new WeakMap<Service, LabelSelector>()
  /** When a Service may be worked on again, by its key. */
  readonly #notBefore = new Map<string, number>()

  constructor(clock: Clock, services: Informer<Service>, queue: WorkQueue) {
    this.#clock = clock
    this.#services = services
    this.#queue = queue
  }

  /** Queues the Services that each pod event concerns. */
  follow(pods: Informer<Pod>): void {
    pods.handle({
      added: (pod) => this.#enqueueFor(pod),
      updated: (pod, previous) => {
        const isOtherMember = membershipChanged(pod, previous)
        if (!isOtherMember && !endpointChanged(pod, previous)) return
        this.#enqueueFor(pod)
        if (isOtherMember) this.#enqueueFor(previous)
      },
      deleted: (pod) => this.#enqueueFor(pod),
    })
  }

  /** The compiled selector of a Service; undefined where it has none. */
  selectorOf(service: Service): LabelSelector | undefined {
    if (!service.spec.selector) return undefined
    let selector = this.#selectors.get(service)
    if (!selector) this.#selectors.set(service, (selector = selectorFromMap(service.spec.selector)))
    return selector
  }

  /** The Service has just been worked on, and selects so many pods. */
  worked(key: string, podCount: number): void {
    const pauseMs = Math.min(podCount * PAUSE_PER_POD_MS, MAX_PAUSE_MS)
    this.#notBefore.set(key, this.#clock.monotonic() + pauseMs)
  }

  forget(key: string): void {
    this.#notBefore.delete(key)
  }

  #enqueueFor(pod: Pod): void {
    for (const service of this.#services.list(pod.metadata.namespace)) {
      if (!this.selectorOf(service)?.matches(pod.metadata.labels)) continue
      const key = keyOf(service)
      this.#queue.addAfter(key, (this.#notBefore.get(key) ?? 0) - this.#clock.monotonic())
    }
  }
}
