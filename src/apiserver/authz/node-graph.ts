/**
 * Which node needs which objects: the edges from secrets, config maps, claims, volumes and service accounts by way of pods
 * to the nodes that run them. Counted from the watch caches, beginning with the first question that a node asks. Upstream:
 * the graph of `plugin/pkg/auth/authorizer/node`.
 */
import { jsonEqual } from '#base/equal.ts'
import type { PersistentVolume } from '#api/core/v1/persistent-volume.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Resource } from '#api/kind.ts'
import { persistentVolumes, pods } from '#api/resources.ts'
import type { Registry } from '../registry/registry.ts'
import type { CacheEvent, ObjectCache } from '../registry/object-cache.ts'
import { type Referenced, referenceKey, referencesOf, secretsOfPersistentVolume } from './pod-references.ts'

export class NodeGraph {
  readonly #registry: (resource: Resource) => Registry
  /** By key of the referenced object: how many pods of each node refer to it. */
  readonly #references = new Map<string, Map<string, number>>()
  /** By key of a secret: the names of the bound volumes that are mounted with it. */
  readonly #volumesOfSecret = new Map<string, Set<string>>()
  #isStarted = false

  /** `registry` is not asked before the first question. */
  constructor(registry: (resource: Resource) => Registry) {
    this.#registry = registry
  }

  /** Whether a pod of `node` refers to the object, or to a claim whose volume does. */
  needs(node: string, resource: Referenced, namespace: string, name: string): boolean {
    this.#start()
    const key = referenceKey(resource, namespace, name)
    if (this.#references.get(key)?.has(node)) return true
    if (resource !== 'secrets') return false
    for (const volume of this.#volumesOfSecret.get(key) ?? []) if (this.needsVolume(node, volume)) return true
    return false
  }

  /** Whether a pod of `node` claims the persistent volume. */
  needsVolume(node: string, name: string): boolean {
    const { claimRef } = this.#find<PersistentVolume>(persistentVolumes, undefined, name)?.spec ?? {}
    if (!claimRef?.namespace || !claimRef.name) return false
    return this.needs(node, 'persistentvolumeclaims', claimRef.namespace, claimRef.name)
  }

  runs(node: string, namespace: string, name: string): boolean {
    return this.#find<Pod>(pods, namespace, name)?.spec.nodeName === node
  }

  #find<T>(resource: Resource, namespace: string | undefined, name: string): T | undefined {
    const registry = this.#registry(resource)
    return registry.cache.get(registry.key(namespace, name))?.object as T | undefined
  }

  #start() {
    if (this.#isStarted) return
    this.#isStarted = true
    const follow = <T>(cache: ObjectCache, change: (previous: T | undefined, current: T | undefined) => void) => {
      for (const { object } of cache.list(cache.prefix)) change(undefined, object as T)
      const onEvents = (events: readonly CacheEvent[]) => {
        for (const { previous, current } of events)
          change(previous?.object as T | undefined, current?.object as T | undefined)
      }
      cache.follow(cache.prefix, { onEvents, onEnd: () => {} })
    }
    follow<Pod>(this.#registry(pods).cache, (previous, current) => this.#changePod(previous, current))
    follow<PersistentVolume>(this.#registry(persistentVolumes).cache, (previous, current) => {
      if (previous) this.#forgetVolume(previous)
      if (current?.spec.claimRef) this.#addVolume(current)
    })
  }

  #changePod(previous: Pod | undefined, current: Pod | undefined) {
    if (previous && current && hasSameReferences(previous, current)) return
    const before = previous?.spec.nodeName
    const after = current?.spec.nodeName
    if (before) for (const key of referencesOf(previous!)) this.#count(key, before, -1)
    if (after) for (const key of referencesOf(current!)) this.#count(key, after, 1)
  }

  #count(key: string, node: string, change: 1 | -1) {
    const nodes = this.#references.get(key) ?? new Map<string, number>()
    const count = (nodes.get(node) ?? 0) + change
    if (count > 0) this.#references.set(key, nodes.set(node, count))
    else {
      nodes.delete(node)
      if (nodes.size === 0) this.#references.delete(key)
    }
  }

  #addVolume(volume: PersistentVolume) {
    for (const key of secretsOfPersistentVolume(volume)) {
      const volumes = this.#volumesOfSecret.get(key) ?? new Set<string>()
      this.#volumesOfSecret.set(key, volumes.add(volume.metadata.name))
    }
  }

  #forgetVolume(volume: PersistentVolume) {
    for (const key of secretsOfPersistentVolume(volume)) {
      const volumes = this.#volumesOfSecret.get(key)
      if (volumes?.delete(volume.metadata.name) && volumes.size === 0) this.#volumesOfSecret.delete(key)
    }
  }
}

/** All that a pod refers to is fixed once it is bound, but for what is compared here. */
function hasSameReferences(previous: Pod, current: Pod): boolean {
  return (
    previous.spec.nodeName === current.spec.nodeName &&
    previous.metadata.uid === current.metadata.uid &&
    previous.spec.ephemeralContainers?.length === current.spec.ephemeralContainers?.length &&
    jsonEqual(previous.status?.resourceClaimStatuses, current.status?.resourceClaimStatuses) &&
    jsonEqual(previous.status?.extendedResourceClaimStatus, current.status?.extendedResourceClaimStatus)
  )
}
