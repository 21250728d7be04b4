/**
 * Who owns whom, from the owner references of all objects; metadata only. A reference to an owner that has not been seen
 * makes a placeholder, so that its dependents are known once it is.
 *
 * Invariant: `d` is in `o.dependents` exactly if a reference of `d` has the uid of `o`.
 * Upstream: the garbage collector's GraphBuilder.
 */
import type { KubeObject, Resource } from '#api/kind.ts'
import { groupOf, type OwnerReference } from '#machinery/owner.ts'

export const FOREGROUND_FINALIZER = 'foregroundDeletion'
export const ORPHAN_FINALIZER = 'orphan'

export interface GraphNode {
  readonly uid: string
  /** Undefined for a placeholder. */
  resource: Resource | undefined
  namespace: string | undefined
  name: string
  resourceVersion: string
  owners: readonly OwnerReference[]
  readonly dependents: Set<GraphNode>
  isBeingDeleted: boolean
  /** It is being deleted, and waits until its blocking dependents are gone. */
  isDeletingDependents: boolean
  /** It is being deleted, and its dependents shall be let go. */
  isOrphaning: boolean
  /** The propagation policy that its finalizers ask for, whether or not it is being deleted. */
  policy: 'Background' | 'Foreground' | 'Orphan'
}

export interface GraphListener {
  /** The node's owners, or its own deletion, have to be looked at. */
  check(node: GraphNode): void
  /** Its dependents have to be let go. */
  orphan(node: GraphNode): void
}

/** Uids of owners that are known to be gone; a uid never comes back, so that forgetting one is only slower. */
const MAX_ABSENT = 10_000
const none: readonly OwnerReference[] = []

export class OwnershipGraph {
  readonly #listener: GraphListener
  readonly #nodes = new Map<string, GraphNode>()
  readonly #absent = new Set<string>()

  constructor(listener: GraphListener) {
    this.#listener = listener
  }

  get size(): number {
    return this.#nodes.size
  }

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid)
  }

  isKnownAbsent(uid: string): boolean {
    return this.#absent.has(uid)
  }

  /** An object exists with this metadata. */
  observe(resource: Resource, { metadata }: KubeObject): void {
    const { uid, namespace, name, resourceVersion, finalizers, ownerReferences, deletionTimestamp } = metadata
    const node = this.#nodes.get(uid) ?? this.#add(uid)
    const isNew = node.resource === undefined
    const wasDeletingDependents = node.isDeletingDependents
    const wasOrphaning = node.isOrphaning
    node.resource = resource
    node.namespace = namespace
    node.name = name
    node.resourceVersion = resourceVersion
    node.isBeingDeleted = deletionTimestamp !== undefined
    node.policy = finalizers?.includes(ORPHAN_FINALIZER)
      ? 'Orphan'
      : finalizers?.includes(FOREGROUND_FINALIZER)
        ? 'Foreground'
        : 'Background'
    node.isDeletingDependents = node.isBeingDeleted && !!finalizers?.includes(FOREGROUND_FINALIZER)
    node.isOrphaning = node.isBeingDeleted && !!finalizers?.includes(ORPHAN_FINALIZER)
    this.#setOwners(node, ownerReferences && ownerReferences.length > 0 ? ownerReferences : none, isNew)
    if (node.isOrphaning && !wasOrphaning) this.#listener.orphan(node)
    if (node.isDeletingDependents && !wasDeletingDependents) {
      for (const dependent of node.dependents) this.#listener.check(dependent)
      this.#listener.check(node)
    }
  }

  /** The object does not exist any more. */
  remove(uid: string): void {
    this.#markAbsent(uid)
    const node = this.#nodes.get(uid)
    if (!node) return
    this.#nodes.delete(uid)
    for (const { uid: ownerUid } of node.owners) {
      const owner = this.#nodes.get(ownerUid)
      if (!owner) continue
      this.#unlink(owner, node)
      if (owner.isDeletingDependents) this.#listener.check(owner)
    }
    for (const dependent of node.dependents) {
      this.#listener.check(dependent)
    }
  }

  /** `present` are the uids of all objects of the resource: the others are gone. */
  removeOthers(resource: Resource, present: ReadonlySet<string>): void {
    for (const node of this.#nodes.values()) {
      if (node.resource === resource && !present.has(node.uid)) this.remove(node.uid)
    }
  }

  /** Nobody tells any more what happens to objects of this resource; they may exist or not. */
  unwatch(resource: Resource): void {
    for (const node of this.#nodes.values()) {
      if (node.resource !== resource) continue
      this.#setOwners(node, none, false)
      node.resource = undefined
      if (node.dependents.size === 0) this.#nodes.delete(node.uid)
    }
  }

  /** Dependents whose reference keeps the node from being deleted in the foreground. */
  blockingDependents(node: GraphNode): GraphNode[] {
    return [...node.dependents].filter(({ owners }) => owners.some((o) => o.uid === node.uid && o.blockOwnerDeletion))
  }

  #add(uid: string): GraphNode {
    const node: GraphNode = {
      uid,
      resource: undefined,
      namespace: undefined,
      name: '',
      resourceVersion: '',
      owners: none,
      dependents: new Set(),
      isBeingDeleted: false,
      isDeletingDependents: false,
      isOrphaning: false,
      policy: 'Background',
    }
    this.#nodes.set(uid, node)
    this.#absent.delete(uid)
    return node
  }

  #setOwners(node: GraphNode, owners: readonly OwnerReference[], isNew: boolean): void {
    const previous = node.owners
    if (previous === owners || (previous.length === 0 && owners.length === 0)) return
    node.owners = owners
    for (const before of previous) {
      const after = owners.find(({ uid }) => uid === before.uid)
      const owner = this.#nodes.get(before.uid)
      if (!owner) continue
      if (!after) this.#unlink(owner, node)
      // It may have been the last that blocked its owner.
      const isUnblocked = before.blockOwnerDeletion && !after?.blockOwnerDeletion
      if (isUnblocked && owner.isDeletingDependents) this.#listener.check(owner)
    }
    let mustCheck = false
    for (const reference of owners) {
      const { uid } = reference
      if (!isNew && previous.some((before) => before.uid === uid)) continue
      const owner = this.#nodes.get(uid)
      // Unseen, gone, about to go, or somewhere else: whether the node stays has to be found out.
      mustCheck ||= !owner || !isAt(owner, reference, node) || owner.isDeletingDependents
      if (!this.#absent.has(uid) || owner) (owner ?? this.#add(uid)).dependents.add(node)
    }
    if (mustCheck) this.#listener.check(node)
  }

  #unlink(owner: GraphNode, dependent: GraphNode): void {
    owner.dependents.delete(dependent)
    if (owner.dependents.size === 0 && !owner.resource) this.#nodes.delete(owner.uid)
  }

  #markAbsent(uid: string): void {
    this.#absent.add(uid)
    if (this.#absent.size > MAX_ABSENT) this.#absent.delete(this.#absent.values().next().value!)
  }
}

/** Whether the owner has been seen where the reference of `dependent` says that it is. */
export function isAt(owner: GraphNode, reference: OwnerReference, dependent: GraphNode): boolean {
  if (!owner.resource || owner.name !== reference.name) return false
  const { kind, group, namespaced } = owner.resource
  if (kind !== reference.kind || group !== groupOf(reference.apiVersion)) return false
  return !namespaced || owner.namespace === dependent.namespace
}
