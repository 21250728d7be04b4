/**
 * Config maps or secrets that pods of this node refer to: one watch of one name each, for as long as a pod wants it, so
 * that the agent sees nothing it has no business with and reading costs no request. Upstream: the watch-based object
 * manager of `kubelet/util/manager`.
 */
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { KubeObject, Resource } from '#api/kind.ts'
import type { Client } from '#client/client.ts'
import { type ObjectEvent, reflect, type ReflectorSink } from '#client/reflector.ts'

/** How long a reader waits for the first list of a name it has just begun to watch. */
const SYNC_TIMEOUT_MS = 10_000

export interface WatchedObjectsOptions<T extends KubeObject> {
  resource: Resource<T>
  client: Client
  clock: Clock
  random: Random
  log: Log
  /** Told after an object appeared, changed or went, with the uids of the pods that want it. */
  onChange(owners: readonly string[]): void
}

export class WatchedObjects<T extends KubeObject> {
  readonly #options: WatchedObjectsOptions<T>
  readonly #watches = new Map<string, NameWatch<T>>()
  readonly #keysByOwner = new Map<string, Set<string>>()

  constructor(options: WatchedObjectsOptions<T>) {
    this.#options = options
  }

  /** Sets which names of `namespace` the pod `owner` refers to. Names no longer wanted by anyone stop being watched. */
  want(owner: string, namespace: string, names: Iterable<string>): void {
    const before = this.#keysByOwner.get(owner) ?? new Set()
    const now = new Set([...names].filter((name) => name !== '').map((name) => `${namespace}/${name}`))
    for (const key of now) if (!before.has(key)) this.#add(key, owner)
    for (const key of before) if (!now.has(key)) this.#remove(key, owner)
    if (now.size > 0) this.#keysByOwner.set(owner, now)
    else this.#keysByOwner.delete(owner)
  }

  release(owner: string): void {
    this.want(owner, '', [])
  }

  /** The object, or undefined where there is none. A name that no pod wants is asked for. Throws Error when the API doesn't answer. */
  async get(namespace: string, name: string): Promise<T | undefined> {
    const watch = this.#watches.get(`${namespace}/${name}`)
    if (!watch) return this.#options.client.find(this.#options.resource, { namespace, name })
    if (!watch.isSynced) await this.#synced(watch)
    return watch.object
  }

  get size(): number {
    return this.#watches.size
  }

  stop(): void {
    for (const watch of this.#watches.values()) watch.stop.abort()
    this.#watches.clear()
    this.#keysByOwner.clear()
  }

  #synced(watch: NameWatch<T>): Promise<void> {
    const { clock, resource } = this.#options
    return new Promise((resolve, reject) => {
      const timer = clock.after(SYNC_TIMEOUT_MS, () =>
        reject(new Error(`failed to sync ${resource.singular} cache: timed out waiting for the condition`)),
      )
      watch.waiters.push(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  #add(key: string, owner: string) {
    const present = this.#watches.get(key)
    if (present) {
      present.owners.add(owner)
      return
    }
    const { client, clock, random, log, resource } = this.#options
    const [namespace, name] = key.split('/') as [string, string]
    const watch = new NameWatch<T>(owner, () => this.#options.onChange([...watch.owners]))
    this.#watches.set(key, watch)
    void reflect({
      client,
      clock,
      random,
      log,
      resource,
      selection: { namespace, fieldSelector: `metadata.name=${name}` },
      sink: watch,
      signal: watch.stop.signal,
    })
  }

  #remove(key: string, owner: string) {
    const watch = this.#watches.get(key)
    if (!watch) return
    watch.owners.delete(owner)
    if (watch.owners.size > 0) return
    watch.stop.abort()
    this.#watches.delete(key)
  }
}

class NameWatch<T extends KubeObject> implements ReflectorSink<T> {
  readonly owners: Set<string>
  readonly stop = new AbortController()
  object: T | undefined
  isSynced = false
  waiters: (() => void)[] = []
  readonly #changed: () => void

  constructor(owner: string, changed: () => void) {
    this.owners = new Set([owner])
    this.#changed = changed
  }

  replace(items: readonly T[]): void {
    const wasSynced = this.isSynced
    const [object] = items
    const isNew = object?.metadata.resourceVersion !== this.object?.metadata.resourceVersion
    this.object = object
    this.isSynced = true
    const { waiters } = this
    this.waiters = []
    for (const wake of waiters) wake()
    if (wasSynced && isNew) this.#changed()
  }

  apply(events: readonly ObjectEvent<T>[]): void {
    for (const { type, object } of events) this.object = type === 'DELETED' ? undefined : object
    this.#changed()
  }
}
