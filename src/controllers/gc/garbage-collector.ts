/**
 * Deletes what nobody owns any more: objects all of whose owners are gone (background), objects whose owner waits for
 * them (foreground), and lets dependents go where their owner was deleted with `--cascade=orphan`.
 *
 * An owner that the graph has seen is taken at its word, since the graph will be told when it goes; one that it has not
 * seen is asked for at the server. Every write carries the uid and the version that the decision was made on.
 * Upstream: `pkg/controller/garbagecollector`.
 */
import { sleep } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { KubeObject, Resource } from '#api/kind.ts'
import type { ReconcileResult, WorkQueue } from '#client/work-queue.ts'
import type { OwnerReference } from '#machinery/owner.ts'
import { isStatus } from '#machinery/status-error.ts'
import { type Controller, type ControllerContext, reconcileLoop } from '../controller.ts'
import { createResourceSource, type ResourceSource } from '../resource-source.ts'
import { FOREGROUND_FINALIZER, type GraphNode, isAt, ORPHAN_FINALIZER, OwnershipGraph } from './ownership-graph.ts'
import { ResourceMonitors } from './resource-monitors.ts'

export interface GarbageCollectorOptions {
  /** Default: all built-in resources and those of CustomResourceDefinitions. */
  resources?: ResourceSource
  /** How long to wait for all resources before beginning without some. Default 30 s. */
  syncTimeoutMs?: number
}

const CONFLICT_RETRIES = 5
/** How soon to look again at an owner that exists and that no monitor has shown yet. */
const UNSEEN_OWNER_RETRY_MS = 5_000

export const createGarbageCollector = (options: GarbageCollectorOptions = {}): Controller => ({
  name: 'garbagecollector',
  start: (context) => void new GarbageCollector(context, options).start(),
})

/** What the owners of an object are, as far as it matters to the object. */
interface Owners {
  /** They exist, and want nothing. */
  solid: OwnerReference[]
  /** They don't exist. */
  dangling: OwnerReference[]
  /** They are being deleted, and wait for the object to go first. */
  waiting: OwnerReference[]
  /** Some of the solid ones are not in the graph. */
  hasUnseen: boolean
}

class GarbageCollector {
  readonly #context: ControllerContext
  readonly #log: Log
  readonly #source: ResourceSource
  readonly #syncTimeoutMs: number
  readonly #graph: OwnershipGraph
  readonly #monitors: ResourceMonitors
  readonly #checks: WorkQueue
  readonly #orphans: WorkQueue
  readonly #ready: Promise<void>
  #beReady = () => {}

  constructor(context: ControllerContext, options: GarbageCollectorOptions) {
    this.#context = { ...context, recorder: context.recorder.as('garbage-collector-controller') }
    this.#log = context.log.child({ controller: 'garbagecollector' })
    this.#source = options.resources ?? createResourceSource(context.informers)
    this.#syncTimeoutMs = options.syncTimeoutMs ?? 30_000
    this.#ready = new Promise((resolve) => (this.#beReady = resolve))
    const caches = [{ synced: () => this.#ready }]
    this.#checks = reconcileLoop(this.#context, {
      name: 'garbagecollector',
      caches,
      concurrency: 100,
      reconcile: (uid, signal) => this.#check(uid, signal),
    })
    this.#orphans = reconcileLoop(this.#context, {
      name: 'garbagecollector',
      caches,
      concurrency: 20,
      reconcile: (uid, signal) => this.#orphan(uid, signal),
    })
    this.#graph = new OwnershipGraph({
      check: ({ uid }) => this.#checks.add(uid),
      orphan: ({ uid }) => this.#orphans.add(uid),
    })
    this.#monitors = new ResourceMonitors(this.#context, this.#graph, this.#source)
  }

  async start(): Promise<void> {
    const { clock, signal } = this.#context
    const timeout = new AbortController()
    const late = sleep(clock, this.#syncTimeoutMs, AbortSignal.any([signal, timeout.signal])).then(
      () => this.#log.warn({}, 'some resources could not be read yet; collecting garbage without them'),
      () => {},
    )
    await Promise.race([this.#monitors.start().catch(() => {}), late])
    timeout.abort()
    this.#beReady()
  }

  async #check(uid: string, signal: AbortSignal): Promise<ReconcileResult | void> {
    const node = this.#graph.get(uid)
    if (!node?.resource) return
    if (node.isDeletingDependents) return this.#advanceForeground(node, signal)
    if (node.isBeingDeleted || node.owners.length === 0) return
    const { resourceVersion } = node
    const owners = await this.#classify(node, signal)
    // It has changed while its owners were looked up, and will be looked at again.
    if (node.resourceVersion !== resourceVersion) return this.#checks.add(uid)
    const superfluous = [...owners.dangling, ...owners.waiting]
    if (owners.solid.length > 0) {
      if (superfluous.length > 0) {
        const uids = new Set(superfluous.map((reference) => reference.uid))
        await this.#changeOwners(node, (references) => references.filter((r) => !uids.has(r.uid)), signal)
      }
      return owners.hasUnseen ? { requeueAfterMs: UNSEEN_OWNER_RETRY_MS } : undefined
    }
    if (superfluous.length === 0) return
    if (owners.waiting.length > 0 && node.dependents.size > 0) {
      // Where owners wait for each other in a circle nobody would ever go first.
      if ([...node.dependents].some((dependent) => dependent.isDeletingDependents)) {
        const unblocked = (references: readonly OwnerReference[]) =>
          references.map((r) => ({ ...r, blockOwnerDeletion: false }))
        await this.#changeOwners(node, unblocked, signal)
        return this.#delete(node, 'Foreground', undefined, signal)
      }
      return this.#delete(node, 'Foreground', resourceVersion, signal)
    }
    await this.#delete(node, node.policy, resourceVersion, signal)
  }

  /** Lets go of an owner that was deleted in the foreground once nothing blocks it. */
  async #advanceForeground(node: GraphNode, signal: AbortSignal): Promise<void> {
    const blocking = this.#graph.blockingDependents(node)
    if (blocking.length === 0) return this.#removeFinalizer(node, FOREGROUND_FINALIZER, signal)
    for (const dependent of blocking) if (!dependent.isDeletingDependents) this.#checks.add(dependent.uid)
  }

  async #orphan(uid: string, signal: AbortSignal): Promise<void> {
    const node = this.#graph.get(uid)
    if (!node?.resource || !node.isOrphaning) return
    await Promise.all(
      [...node.dependents].map((dependent) => {
        return this.#changeOwners(dependent, (references) => references.filter((r) => r.uid !== uid), signal)
      }),
    )
    await this.#removeFinalizer(node, ORPHAN_FINALIZER, signal)
  }

  async #classify(node: GraphNode, signal: AbortSignal): Promise<Owners> {
    const owners: Owners = { solid: [], dangling: [], waiting: [], hasUnseen: false }
    for (const reference of node.owners) {
      const seen = this.#graph.get(reference.uid)
      if (seen && isAt(seen, reference, node)) {
        owners[seen.isDeletingDependents ? 'waiting' : 'solid'].push(reference)
      } else if (!seen?.resource && this.#graph.isKnownAbsent(reference.uid)) {
        owners.dangling.push(reference)
      } else {
        const state = await this.#lookUp(node, reference, signal)
        owners[state].push(reference)
        if (state === 'solid') owners.hasUnseen = true
      }
    }
    return owners
  }

  /** Asks the server for an owner by its coordinates. Throws where it can't tell, which is tried again later. */
  async #lookUp(
    node: GraphNode,
    reference: OwnerReference,
    signal: AbortSignal,
  ): Promise<'solid' | 'dangling' | 'waiting'> {
    const resource = this.#source.ofKind(reference.apiVersion, reference.kind)
    if (!resource) throw new Error(`${reference.apiVersion} ${reference.kind} is not served; its dependents are kept`)
    // Not valid, and not for us to judge.
    if (resource.namespaced && !node.namespace) return 'solid'
    const owner = await this.#context.client.find(
      resource,
      { namespace: node.namespace, name: reference.name },
      { signal },
    )
    if (!owner || owner.metadata.uid !== reference.uid) {
      this.#warnOfOtherNamespace(node, reference, resource)
      return 'dangling'
    }
    const { deletionTimestamp, finalizers } = owner.metadata
    return deletionTimestamp && finalizers?.includes(FOREGROUND_FINALIZER) ? 'waiting' : 'solid'
  }

  #warnOfOtherNamespace(node: GraphNode, reference: OwnerReference, resource: Resource): void {
    const elsewhere = this.#graph.get(reference.uid)
    if (!elsewhere?.resource || !resource.namespaced || elsewhere.namespace === node.namespace) return
    const { apiVersion, kind, name, uid } = reference
    const owner = `[${apiVersion}/${kind}, namespace: ${node.namespace}, name: ${name}, uid: ${uid}]`
    const message = `ownerRef ${owner} does not exist in namespace "${node.namespace}"`
    this.#context.recorder.event(referenceTo(node), 'Warning', 'OwnerRefInvalidNamespace', message)
  }

  async #delete(
    node: GraphNode,
    propagationPolicy: 'Background' | 'Foreground' | 'Orphan',
    resourceVersion: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { uid, namespace, name } = node
    const preconditions = { uid, ...(resourceVersion && { resourceVersion }) }
    try {
      await this.#context.client.delete(
        node.resource!,
        { namespace, name },
        { propagationPolicy, preconditions },
        { signal },
      )
      this.#log.debug({ resource: node.resource!.plural, namespace, name }, 'deleted an object that nobody owns')
    } catch (err) {
      if (isStatus(err, 'NotFound')) this.#graph.remove(uid)
      else throw err
    }
  }

  /** Rewrites the owner references, on the live object where the one in the graph is out of date. */
  async #changeOwners(
    node: GraphNode,
    change: (references: readonly OwnerReference[]) => OwnerReference[],
    signal: AbortSignal,
  ): Promise<void> {
    await this.#patchMetadata(node, signal, (live) => {
      const before = live ? (live.metadata.ownerReferences ?? []) : node.owners
      return { ownerReferences: change(before) }
    })
  }

  async #removeFinalizer(node: GraphNode, finalizer: string, signal: AbortSignal): Promise<void> {
    await this.#patchMetadata(node, signal, (live) => {
      if (!live) return 'read'
      const { finalizers = [] } = live.metadata
      return finalizers.includes(finalizer) ? { finalizers: finalizers.filter((f) => f !== finalizer) } : undefined
    })
  }

  /**
   * Writes what `change` returns. It is first asked without the live object, and may answer `read` to get it, or
   * undefined where nothing needs to change; a Conflict reads again.
   */
  async #patchMetadata(
    node: GraphNode,
    signal: AbortSignal,
    change: (live: KubeObject | undefined) => object | 'read' | undefined,
  ): Promise<void> {
    const { client } = this.#context
    const { uid, resource, namespace, name } = node
    // A placeholder: the object is not there, or will be seen later.
    if (!resource) return
    let live: KubeObject | undefined
    for (let attempt = 0; ; attempt++) {
      const wanted = change(live)
      if (wanted !== 'read') {
        if (!wanted) return
        const resourceVersion = live?.metadata.resourceVersion ?? node.resourceVersion
        try {
          const patch = { metadata: { uid, resourceVersion, ...wanted } }
          await client.patch(resource, { namespace, name }, patch, { type: 'merge', signal })
          return
        } catch (err) {
          if (isStatus(err, 'NotFound')) return this.#graph.remove(uid)
          if (!isStatus(err, 'Conflict') || attempt >= CONFLICT_RETRIES) throw err
          this.#log.debug({ name, reason: messageOf(err) }, 'an object has changed meanwhile; reading it again')
        }
      }
      live = await client.find(resource, { namespace, name }, { signal })
      if (live?.metadata.uid !== uid) return this.#graph.remove(uid)
    }
  }
}

function referenceTo({ resource, namespace, name, uid }: GraphNode) {
  return { apiVersion: resource!.apiVersion, kind: resource!.kind, ...(namespace && { namespace }), name, uid }
}
