/** Rolls Deployments out through ReplicaSets, by the plan of rollout-plan.ts. Upstream: DeploymentController. */
import { messageOf } from '#base/errors.ts'
import type { Deployment, ReplicaSet } from '#api/apps/v1.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Draft } from '#api/kind.ts'
import { deployments, pods as podResource, replicaSets } from '#api/resources.ts'
import type { Informer } from '#client/informer.ts'
import { keyOf, splitKey } from '#client/reflector.ts'
import type { ReconcileResult } from '#client/work-queue.ts'
import { type LabelSelector, selectorFromObject, SelectorError } from '#machinery/labels.ts'
import { controllerOf, controllerReference, type OwnerReference } from '#machinery/owner.ts'
import { isStatus } from '#machinery/status-error.ts'
import { formatTime } from '#machinery/time.ts'
import { applyClaims, planClaims } from '../claim.ts'
import { type Controller, type ControllerContext, reconcileLoop } from '../controller.ts'
import { controlledBy, indexByController, orphansIn } from '../owner-index.ts'
import { isNamespaceTerminating } from '../pod-creation.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { REVISION, TEMPLATE_HASH_LABEL } from './revision.ts'
import { isRollingUpdate, progressDeadline } from './rollout-limits.ts'
import { isSameTemplate, planRollout, type RolloutPlan, type SetPlan } from './rollout-plan.ts'
import type { RolloutStatus } from './rollout-status.ts'

export const createDeploymentController = (): Controller => ({
  name: 'deployment',
  start: (context) => new DeploymentLoop(context).start(),
})

class DeploymentLoop {
  readonly #context: ControllerContext
  readonly #deployments: Informer<Deployment>
  readonly #replicaSets: Informer<ReplicaSet>
  readonly #pods: Informer<Pod>

  constructor(context: ControllerContext) {
    this.#context = { ...context, recorder: context.recorder.as('deployment-controller') }
    this.#deployments = context.informers.for(deployments)
    this.#replicaSets = context.informers.for(replicaSets)
    this.#pods = context.informers.for(podResource)
  }

  start(): void {
    indexByController(this.#replicaSets)
    indexByController(this.#pods)
    const queue = reconcileLoop(this.#context, {
      name: 'deployment',
      caches: [this.#deployments, this.#replicaSets, this.#pods],
      reconcile: (key, signal) => this.#reconcile(key, signal),
    })
    const enqueue = (deployment: Deployment | undefined) => deployment && queue.add(keyOf(deployment))
    this.#deployments.handle({ added: enqueue, updated: enqueue, deleted: enqueue })
    this.#replicaSets.handle({
      added: (set) => this.#ownersOf(set).forEach(enqueue),
      updated: (set, previous) => {
        const hasNewOwner = controllerOf(set.metadata)?.uid !== controllerOf(previous.metadata)?.uid
        if (hasNewOwner) this.#ownersOf(previous).forEach(enqueue)
        const isOrphan = controllerOf(set.metadata) === undefined
        if (isOrphan && !hasNewOwner && semanticEqual(set.metadata.labels, previous.metadata.labels)) return
        this.#ownersOf(set).forEach(enqueue)
      },
      deleted: (set) => enqueue(this.#deploymentOf(set.metadata.namespace, controllerOf(set.metadata))),
    })
    this.#pods.handle({
      // The Recreate strategy waits until the last old pod is gone.
      deleted: (pod) => {
        const owner = controllerOf(pod.metadata)
        if (owner?.kind !== replicaSets.kind) return
        const set = this.#replicaSets.get(pod.metadata.namespace, owner.name)
        const deployment = set && this.#deploymentOf(set.metadata.namespace, controllerOf(set.metadata))
        if (deployment && !isRollingUpdate(deployment)) enqueue(deployment)
      },
    })
  }

  /** The Deployment that controls the ReplicaSet, or all that might adopt it. */
  #ownersOf(set: ReplicaSet): Deployment[] {
    const owner = controllerOf(set.metadata)
    if (owner) return [this.#deploymentOf(set.metadata.namespace, owner)].filter((found) => found !== undefined)
    return this.#deployments.list(set.metadata.namespace).filter((deployment) => {
      const selector = this.#selectorOf(deployment)
      return selector !== undefined && !selector.isEverything && selector.matches(set.metadata.labels)
    })
  }

  #deploymentOf(namespace: string | undefined, owner: OwnerReference | undefined): Deployment | undefined {
    if (owner?.kind !== deployments.kind) return undefined
    const deployment = this.#deployments.get(namespace, owner.name)
    return deployment?.metadata.uid === owner.uid ? deployment : undefined
  }

  #selectorOf(deployment: Deployment): LabelSelector | undefined {
    try {
      return selectorFromObject(deployment.spec.selector)
    } catch (err) {
      if (err instanceof SelectorError) return undefined
      throw err
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult | void> {
    const { client, clock, recorder } = this.#context
    const { namespace, name } = splitKey(key)
    const deployment = this.#deployments.get(namespace, name)
    if (!deployment) return
    const selector = this.#selectorOf(deployment)
    if (!selector) return
    if (selector.isEverything) {
      const message = 'This deployment is selecting all pods. A non-empty selector is required.'
      recorder.event(deployment, 'Warning', 'SelectingAll', message)
      return this.#observe(deployment, signal)
    }
    const candidates = [
      ...controlledBy(this.#replicaSets, deployment.metadata.uid),
      ...orphansIn(this.#replicaSets, namespace),
    ]
    const owned = await applyClaims(planClaims(deployment, selector, candidates), {
      client,
      owner: deployment,
      ownerResource: deployments,
      resource: replicaSets,
      signal,
    })
    const plan = planRollout({
      deployment,
      replicaSets: owned,
      podsOf: (uid) => controlledBy(this.#pods, uid),
      nowMs: clock.now(),
    })
    await this.#apply(deployment, plan, signal)
    if (plan.status.checkAfterMs !== undefined) return { requeueAfterMs: plan.status.checkAfterMs }
  }

  async #observe(deployment: Deployment, signal: AbortSignal): Promise<void> {
    const { metadata, status } = deployment
    if ((status.observedGeneration ?? 0) >= (metadata.generation ?? 0)) return
    const observed = { ...deployment, status: { ...status, observedGeneration: metadata.generation } }
    await this.#context.client.updateStatus(deployments, observed, { signal })
  }

  async #apply(deployment: Deployment, plan: RolloutPlan, signal: AbortSignal): Promise<void> {
    const { client } = this.#context
    if (plan.create) await this.#createSet(deployment, plan, signal)
    for (const set of plan.update) await this.#updateSet(deployment, set, signal)
    for (const { metadata } of plan.delete) {
      const { uid, resourceVersion } = metadata
      // Somebody may just be going back to it.
      await client
        .delete(replicaSets, metadata, { preconditions: { uid, resourceVersion } }, { signal })
        .catch((err) => {
          if (!isStatus(err, 'NotFound')) throw err
        })
    }
    if (plan.status.isChanged) await this.#writeStatus(deployment, plan.status, signal)
  }

  async #createSet(deployment: Deployment, plan: RolloutPlan, signal: AbortSignal): Promise<void> {
    const { client, recorder } = this.#context
    const set = plan.create!
    try {
      await client.create(replicaSets, replicaSetDraft(deployment, set), { signal })
    } catch (err) {
      if (isStatus(err, 'AlreadyExists')) {
        if (await this.#isOurs(deployment, set.name, signal)) return
        const collisionCount = (deployment.status.collisionCount ?? 0) + 1
        await client.updateStatus(
          deployments,
          { ...deployment, status: { ...deployment.status, collisionCount } },
          { signal },
        )
      } else if (!isNamespaceTerminating(err)) {
        const message = `Failed to create new replica set "${set.name}": ${messageOf(err)}`
        recorder.event(deployment, 'Warning', 'ReplicaSetCreateError', message)
        await this.#reportCreateError(deployment, message, signal)
      }
      throw err
    }
    if (set.replicas > 0) {
      const message = `Scaled up replica set ${set.name} from 0 to ${set.replicas}`
      recorder.event(deployment, 'Normal', 'ScalingReplicaSet', message)
    }
  }

  /** The name is taken: by the very ReplicaSet that we want and have not seen yet, or by that of another template. */
  async #isOurs(deployment: Deployment, name: string, signal: AbortSignal): Promise<boolean> {
    const { namespace, uid } = deployment.metadata
    const existing = await this.#context.client.get(replicaSets, { namespace, name }, { signal })
    const isOwn = controllerOf(existing.metadata)?.uid === uid
    return isOwn && isSameTemplate(existing.spec.template, deployment.spec.template)
  }

  async #reportCreateError(deployment: Deployment, message: string, signal: AbortSignal): Promise<void> {
    const { client, clock, log } = this.#context
    if (progressDeadline(deployment) === undefined) return
    const { conditions = [] } = deployment.status
    const existing = conditions.find((condition) => condition.type === 'Progressing')
    if (existing?.reason === 'ReplicaSetCreateError') return
    const now = formatTime(clock.now())
    const lastTransitionTime = existing?.status === 'False' ? existing.lastTransitionTime : now
    const reason = 'ReplicaSetCreateError'
    const condition = { type: 'Progressing', status: 'False', reason, message, lastUpdateTime: now, lastTransitionTime }
    const status = { ...deployment.status, conditions: [...conditions.filter((c) => c !== existing), condition] }
    try {
      await client.updateStatus(deployments, { ...deployment, status }, { signal })
    } catch (err) {
      log.debug({ deployment: keyOf(deployment), reason: messageOf(err) }, 'cannot report a failed creation')
    }
  }

  async #updateSet(deployment: Deployment, set: SetPlan, signal: AbortSignal): Promise<void> {
    const { client, recorder } = this.#context
    const { metadata, spec } = set.existing!
    await client.update(
      replicaSets,
      {
        ...set.existing!,
        metadata: { ...metadata, annotations: { ...set.annotations } },
        spec: { ...spec, replicas: set.replicas, minReadySeconds: set.minReadySeconds },
      },
      { signal },
    )
    const before = spec.replicas ?? 1
    if (before === set.replicas) return
    const direction = before < set.replicas ? 'up' : 'down'
    const message = `Scaled ${direction} replica set ${set.name} from ${before} to ${set.replicas}`
    recorder.event(deployment, 'Normal', 'ScalingReplicaSet', message)
  }

  async #writeStatus(deployment: Deployment, { status, revision }: RolloutStatus, signal: AbortSignal): Promise<void> {
    const { metadata } = deployment
    const annotations =
      revision === undefined ? metadata.annotations : { ...metadata.annotations, [REVISION]: revision }
    const updated = { ...deployment, metadata: { ...metadata, ...(annotations && { annotations }) }, status }
    await this.#context.client.updateStatus(deployments, updated, { signal })
  }
}

function replicaSetDraft(deployment: Deployment, set: NonNullable<RolloutPlan['create']>): Draft<ReplicaSet> {
  const { metadata, spec } = deployment
  const hash = { [TEMPLATE_HASH_LABEL]: set.hash }
  const labels = { ...spec.template.metadata?.labels, ...hash }
  return {
    metadata: {
      name: set.name,
      namespace: metadata.namespace,
      ownerReferences: [controllerReference(deployment, deployments)],
      labels,
      annotations: { ...set.annotations },
    },
    spec: {
      replicas: set.replicas,
      minReadySeconds: set.minReadySeconds,
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, ...hash } },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  }
}
