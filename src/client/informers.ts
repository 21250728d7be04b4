/**
 * Informers, one per resource and selection, each fed by one reflector. What handlers are told is exact: an object is
 * added, then updated any number of times with ever new resource versions, then deleted; deletions missed while the
 * watch was down are told when the next list shows them, and a recreated object is a deletion and an addition.
 * Handlers run synchronously, in the order in which they were given, after the copy has been brought up to date.
 */
import { setMaxListeners } from 'node:events'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { KubeObject, Resource } from '#api/kind.ts'
import type { Client } from './client.ts'
import type { Informer, InformerHandler, Informers } from './informer.ts'
import { keyOf, type ObjectEvent, reflect, type ReflectorSink, type Selection } from './reflector.ts'

export interface InformersOptions {
  client: Client
  clock: Clock
  random: Random
  log: Log
  /** Stops all informers, as `stop` does. */
  signal?: AbortSignal
  /** How the first state is read; see ReflectorOptions. */
  initial?: 'pages' | 'stream'
  pageSize?: number
}

export function createInformers(options: InformersOptions): Informers {
  const { signal, ...rest } = options
  const ownStop = new AbortController()
  const stopped = signal ? AbortSignal.any([signal, ownStop.signal]) : ownStop.signal
  // Every informer listens to it, and Node takes more than ten listeners for a leak.
  setMaxListeners(0, stopped)
  const informers = new Map<string, ObjectCache<KubeObject>>()
  return {
    for<T extends KubeObject>(resource: Resource<T>, selection: Selection = {}): Informer<T> {
      const { namespace = '', labelSelector = '', fieldSelector = '' } = selection
      const id = JSON.stringify([resource.apiVersion, resource.plural, namespace, labelSelector, fieldSelector])
      let cache = informers.get(id)
      if (!cache) {
        cache = new ObjectCache(resource, options.log, stopped) as unknown as ObjectCache<KubeObject>
        informers.set(id, cache)
        void reflect({ ...rest, resource: resource as Resource, selection, sink: cache, signal: stopped })
      }
      return cache as unknown as Informer<T>
    },
    stop: () => ownStop.abort(),
  }
}

interface Index<T> {
  keysOf: (object: T) => readonly string[]
  entries: Map<string, Map<string, T>>
}

/** The copy behind one informer. Every object of `#objects` is in each index under exactly the values that its function gives. */
class ObjectCache<T extends KubeObject> implements Informer<T>, ReflectorSink<T> {
  readonly resource: Resource<T>
  readonly #log: Log
  readonly #stopped: AbortSignal
  readonly #objects = new Map<string, T>()
  readonly #byNamespace: Index<T> = { keysOf: (o) => [o.metadata.namespace ?? ''], entries: new Map() }
  readonly #indexes = new Map<string, Index<T>>()
  readonly #allIndexes: Index<T>[] = []
  /** Replaced rather than changed, so that a handler added or removed while another runs does not disturb the round. */
  #handlers: readonly InformerHandler<T>[] = []
  #synced = false
  #waiters: (() => void)[] = []

  constructor(resource: Resource<T>, log: Log, stopped: AbortSignal) {
    this.resource = resource
    this.#log = log
    this.#stopped = stopped
    if (resource.namespaced) this.#allIndexes.push(this.#byNamespace)
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.#objects.get(namespace && this.resource.namespaced ? `${namespace}/${name}` : name)
  }

  list(namespace?: string): T[] {
    if (namespace === undefined) return [...this.#objects.values()]
    const entry = this.#byNamespace.entries.get(namespace)
    return entry ? [...entry.values()] : []
  }

  byIndex(index: string, value: string): T[] {
    const found = index === 'namespace' ? this.#byNamespace : this.#indexes.get(index)
    if (!found) throw new RangeError(`${this.resource.plural} have no index "${index}"`)
    const entry = found.entries.get(value)
    return entry ? [...entry.values()] : []
  }

  get size(): number {
    return this.#objects.size
  }

  get isSynced(): boolean {
    return this.#synced
  }

  handle(handler: InformerHandler<T>): () => void {
    // A copy of its own tells this registration from another one of the same handler.
    const registered: InformerHandler<T> = {
      added: handler.added?.bind(handler),
      updated: handler.updated?.bind(handler),
      deleted: handler.deleted?.bind(handler),
    }
    this.#handlers = [...this.#handlers, registered]
    for (const object of this.list()) {
      try {
        registered.added?.(object)
      } catch (err) {
        this.#report(err)
      }
    }
    return () => {
      this.#handlers = this.#handlers.filter((h) => h !== registered)
    }
  }

  index(name: string, keysOf: (object: T) => readonly string[]): void {
    if (this.#indexes.has(name)) return
    const index: Index<T> = { keysOf, entries: new Map() }
    this.#indexes.set(name, index)
    this.#allIndexes.push(index)
    for (const [key, object] of this.#objects) store(index, key, object, undefined)
  }

  synced(signal?: AbortSignal): Promise<void> {
    if (this.#synced) return Promise.resolve()
    const ended = signal ? AbortSignal.any([signal, this.#stopped]) : this.#stopped
    if (ended.aborted) return Promise.reject(ended.reason)
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(ended.reason)
      ended.addEventListener('abort', onAbort, { once: true })
      this.#waiters.push(() => {
        ended.removeEventListener('abort', onAbort)
        resolve()
      })
    })
  }

  replace(items: readonly T[]): void {
    const present = new Set(items.map(keyOf))
    for (const [key, object] of this.#objects) if (!present.has(key)) this.#remove(key, object)
    for (const object of items) this.#put(object)
    this.#synced = true
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }

  apply(events: readonly ObjectEvent<T>[]): void {
    for (const { type, object } of events) {
      if (type === 'DELETED') {
        const key = keyOf(object)
        if (this.#objects.has(key)) this.#remove(key, object)
      } else this.#put(object)
    }
  }

  #put(object: T): void {
    const key = keyOf(object)
    let previous = this.#objects.get(key)
    if (previous && previous.metadata.resourceVersion === object.metadata.resourceVersion) return
    if (previous && previous.metadata.uid !== object.metadata.uid) {
      this.#remove(key, previous)
      previous = undefined
    }
    this.#objects.set(key, object)
    for (const index of this.#allIndexes) store(index, key, object, previous)
    for (const handler of this.#handlers) {
      try {
        if (previous) handler.updated?.(object, previous)
        else handler.added?.(object)
      } catch (err) {
        this.#report(err)
      }
    }
  }

  /** `last` is what handlers are given: the last state known. */
  #remove(key: string, last: T): void {
    const previous = this.#objects.get(key)!
    this.#objects.delete(key)
    for (const index of this.#allIndexes) erase(index, key, index.keysOf(previous))
    for (const handler of this.#handlers) {
      try {
        handler.deleted?.(last)
      } catch (err) {
        this.#report(err)
      }
    }
  }

  /** A handler that throws has a bug; the others must still be told. */
  #report(err: unknown): void {
    this.#log.error({ err, resource: this.resource.plural }, 'an informer handler threw')
  }
}

function store<T>(index: Index<T>, key: string, object: T, previous: T | undefined): void {
  const values = index.keysOf(object)
  if (previous) {
    const stale = index.keysOf(previous).filter((value) => !values.includes(value))
    erase(index, key, stale)
  }
  for (const value of values) {
    const entry = index.entries.get(value)
    if (entry) entry.set(key, object)
    else index.entries.set(value, new Map([[key, object]]))
  }
}

function erase<T>(index: Index<T>, key: string, values: readonly string[]): void {
  for (const value of values) {
    const entry = index.entries.get(value)
    if (!entry) continue
    entry.delete(key)
    if (entry.size === 0) index.entries.delete(value)
  }
}
