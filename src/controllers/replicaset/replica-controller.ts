/**
 * Keeps as many pods as are asked for, for ReplicaSets and ReplicationControllers alike. Upstream: ReplicaSetController,
 * which serves both kinds too.
 */
import { messageOf } from '#base/errors.ts'
import type { ReplicaSet } from '#api/apps/v1.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Resource } from '#api/kind.ts'
import { pods as podResource, replicaSets, replicationControllers } from '#api/resources.ts'
import type { Informer } from '#client/informer.ts'
import { keyOf, splitKey } from '#client/reflector.ts'
import type { ReconcileResult } from '#client/work-queue.ts'
import { LabelSelector, selectorFromMap, selectorFromObject } from '#machinery/labels.ts'
import { controllerOf, isControlledBy, type OwnerReference } from '#machinery/owner.ts'
import { isStatus } from '#machinery/status-error.ts'
import { applyClaims, planClaims } from '../claim.ts'
import { type Controller, type ControllerContext, reconcileLoop } from '../controller.ts'
import { Expectations } from '../expectations.ts'
import { controlledBy, indexByController, orphansIn } from '../owner-index.ts'
import { isNamespaceTerminating, podFromTemplate } from '../pod-creation.ts'
import { isActive, isReady, isTerminating, nextAvailableInMs } from '../pod-state.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { slowStart } from '../slow-start.ts'
import { planReplicas, type ReplicaPlan, type ReplicaStatus, type Replicated, statusOf } from './replica-plan.ts'

interface ReplicatedKind {
  name: string
  /** Who its events are from. */
  component: string
  resource: Resource<Replicated>
  selectorOf(object: Replicated): LabelSelector
  countsTerminating: boolean
}

export const createReplicaSetController = (): Controller =>
  new ReplicaController({
    name: 'replicaset',
    component: 'replicaset-controller',
    resource: replicaSets as unknown as Resource<Replicated>,
    selectorOf: (object) => selectorFromObject((object as ReplicaSet).spec.selector),
    countsTerminating: true,
  })

export const createReplicationController = (): Controller =>
  new ReplicaController({
    name: 'replicationcontroller',
    component: 'replication-controller',
    resource: replicationControllers as unknown as Resource<Replicated>,
    selectorOf: (object) => selectorFromMap(object.spec.selector as Record<string, string> | undefined),
    countsTerminating: false,
  })

class ReplicaController implements Controller {
  readonly name: string
  readonly #kind: ReplicatedKind

  constructor(kind: ReplicatedKind) {
    this.name = kind.name
    this.#kind = kind
  }

  start(context: ControllerContext): void {
    new ReplicaLoop(this.#kind, context).start()
  }
}

class ReplicaLoop {
  readonly #kind: ReplicatedKind
  readonly #context: ControllerContext
  readonly #objects: Informer<Replicated>
  readonly #pods: Informer<Pod>
  readonly #expectations: Expectations
  /** Objects are immutable, so each selector is compiled once. */
  readonly #selectors = new WeakMap<Replicated, LabelSelector>()

  constructor(kind: ReplicatedKind, context: ControllerContext) {
    this.#kind = kind
    this.#context = { ...context, recorder: context.recorder.as(kind.component) }
    this.#objects = context.informers.for(kind.resource)
    this.#pods = context.informers.for(podResource)
    this.#expectations = new Expectations(context.clock)
  }

  start(): void {
    indexByController(this.#pods)
    indexByController(this.#objects)
    const queue = reconcileLoop(this.#context, {
      name: this.#kind.name,
      caches: [this.#objects, this.#pods],
      reconcile: (key, signal) => this.#reconcile(key, signal),
    })
    const enqueue = (object: Replicated) => queue.add(keyOf(object))

    this.#objects.handle({
      added: enqueue,
      updated: enqueue,
      deleted: (object) => {
        this.#expectations.forget(keyOf(object))
        enqueue(object)
      },
    })

    const podGone = (pod: Pod) => {
      const owner = this.#ownerOf(pod, controllerOf(pod.metadata))
      if (!owner) return
      this.#expectations.deletionObserved(keyOf(owner), keyOf(pod))
      enqueue(owner)
    }
    this.#pods.handle({
      added: (pod) => {
        if (pod.metadata.deletionTimestamp) return podGone(pod)
        const controller = controllerOf(pod.metadata)
        if (!controller) return this.#matching(pod).forEach(enqueue)
        const owner = this.#ownerOf(pod, controller)
        if (!owner) return
        this.#expectations.creationObserved(keyOf(owner))
        enqueue(owner)
      },
      updated: (pod, previous) => {
        // Replaced as soon as its deletion is asked for, not when it has ended.
        if (pod.metadata.deletionTimestamp) return podGone(pod)
        const controller = controllerOf(pod.metadata)
        const previousController = controllerOf(previous.metadata)
        const hasNewController = controller?.uid !== previousController?.uid
        if (previousController && hasNewController) {
          const previousOwner = this.#ownerOf(previous, previousController)
          if (previousOwner) enqueue(previousOwner)
        }
        if (controller) {
          const owner = this.#ownerOf(pod, controller)
          if (!owner) return
          enqueue(owner)
          const minReadySeconds = owner.spec.minReadySeconds ?? 0
          if (minReadySeconds > 0 && !isReady(previous) && isReady(pod)) {
            queue.addAfter(keyOf(owner), minReadySeconds * 1000)
          }
        } else if (hasNewController || !semanticEqual(pod.metadata.labels, previous.metadata.labels)) {
          this.#matching(pod).forEach(enqueue)
        }
      },
      deleted: podGone,
    })
  }

  #ownerOf(pod: Pod, reference: OwnerReference | undefined): Replicated | undefined {
    if (reference?.kind !== this.#kind.resource.kind) return undefined
    const owner = this.#objects.get(pod.metadata.namespace, reference.name)
    return owner?.metadata.uid === reference.uid ? owner : undefined
  }

  /** Those that might want to adopt the pod. */
  #matching(pod: Pod): Replicated[] {
    return this.#objects.list(pod.metadata.namespace).filter((object) => {
      const selector = this.#selectorOf(object)
      return !selector.isEverything && selector.matches(pod.metadata.labels)
    })
  }

  /** A selector that can't be understood matches nothing. */
  #selectorOf(object: Replicated): LabelSelector {
    let selector = this.#selectors.get(object)
    if (!selector) {
      try {
        selector = this.#kind.selectorOf(object)
      } catch {
        selector = LabelSelector.nothing
      }
      this.#selectors.set(object, selector)
    }
    return selector
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult | void> {
    const { client, clock } = this.#context
    const { namespace, name } = splitKey(key)
    const object = this.#objects.get(namespace, name)
    if (!object) return this.#expectations.forget(key)

    const selector = this.#selectorOf(object)
    if (selector.isNothing) return
    const isTrusted = this.#expectations.areMet(key)
    const candidates = [...controlledBy(this.#pods, object.metadata.uid), ...orphansIn(this.#pods, namespace!)]
    const active = await applyClaims(planClaims(object, selector, candidates.filter(isActive)), {
      client,
      owner: object,
      ownerResource: this.#kind.resource,
      resource: podResource,
      signal,
    })
    const terminating = candidates.filter(
      (pod) => isTerminating(pod) && isControlledBy(pod.metadata, object) && selector.matches(pod.metadata.labels),
    )

    let failure: unknown
    if (isTrusted && !object.metadata.deletionTimestamp) {
      const plan = planReplicas(object, active, () => this.#relatedPods(object), clock.now())
      failure = await this.#apply(key, object, plan, signal)
    }

    const nowMs = clock.now()
    const status = statusOf(
      object,
      {
        active,
        terminating: this.#kind.countsTerminating ? terminating.length : undefined,
        ...(failure !== undefined && { failure: messageOf(failure) }),
      },
      nowMs,
    )
    await this.#writeStatus(object, status, signal)
    if (failure !== undefined) throw failure
    const minReadySeconds = object.spec.minReadySeconds ?? 0
    if (minReadySeconds > 0 && status.readyReplicas !== status.availableReplicas) {
      return { requeueAfterMs: nextAvailableInMs(active, minReadySeconds, nowMs) ?? minReadySeconds * 1000 }
    }
  }

  /** Returns the first failure, undefined where there is none. */
  async #apply(key: string, object: Replicated, plan: ReplicaPlan, signal: AbortSignal): Promise<unknown> {
    if (plan.create > 0) {
      this.#expectations.expectCreations(key, plan.create)
      const { succeeded, error } = await slowStart(plan.create, () => this.#createPod(key, object, signal))
      // What was never tried, or failed, will not be seen.
      for (let i = succeeded; i < plan.create; i++) this.#expectations.creationObserved(key)
      return error
    }
    if (plan.delete.length === 0) return undefined
    this.#expectations.expectDeletions(key, plan.delete.map(keyOf))
    const results = await Promise.allSettled(plan.delete.map((pod) => this.#deletePod(key, object, pod, signal)))
    return results.find((result) => result.status === 'rejected')?.reason
  }

  async #createPod(key: string, object: Replicated, signal: AbortSignal): Promise<void> {
    const { client, recorder } = this.#context
    try {
      const draft = podFromTemplate(object.spec.template, object, this.#kind.resource)
      const pod = await client.create(podResource, draft, { signal })
      recorder.event(object, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`)
    } catch (err) {
      if (isNamespaceTerminating(err)) {
        // Nothing can be created there any more, so there is nothing to tell and nothing to expect.
        this.#expectations.creationObserved(key)
        return
      }
      recorder.event(object, 'Warning', 'FailedCreate', `Error creating: ${messageOf(err)}`)
      throw err
    }
  }

  async #deletePod(key: string, object: Replicated, pod: Pod, signal: AbortSignal): Promise<void> {
    const { client, recorder } = this.#context
    const { namespace, name, uid } = pod.metadata
    try {
      await client.delete(podResource, { namespace, name }, { preconditions: { uid } }, { signal })
      recorder.event(object, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`)
    } catch (err) {
      this.#expectations.deletionObserved(key, keyOf(pod))
      // Gone already, or replaced by another pod of its name.
      if (isStatus(err, 'NotFound', 'Conflict')) return
      recorder.event(object, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(err)}`)
      throw new Error(`unable to delete pods: ${messageOf(err)}`, { cause: err })
    }
  }

  /** The pods of all replica sets that have the same owner as this one, usually a Deployment. */
  #relatedPods(object: Replicated): Pod[] {
    const owner = controllerOf(object.metadata)
    const siblings = owner ? controlledBy(this.#objects, owner.uid) : [object]
    return siblings.flatMap((sibling) => controlledBy(this.#pods, sibling.metadata.uid))
  }

  async #writeStatus(object: Replicated, status: ReplicaStatus, signal: AbortSignal): Promise<void> {
    if (semanticEqual(object.status, status)) return
    const { client } = this.#context
    const { resource } = this.#kind
    try {
      await client.updateStatus(resource, { ...object, status } as Replicated, { signal })
    } catch (err) {
      if (isStatus(err, 'NotFound')) return
      if (!isStatus(err, 'Conflict')) throw err
      const fresh = await client.get(resource, object.metadata, { signal })
      if (fresh.metadata.uid !== object.metadata.uid) return
      await client.updateStatus(resource, { ...fresh, status } as Replicated, { signal })
    }
  }
}
