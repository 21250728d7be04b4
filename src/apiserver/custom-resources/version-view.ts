/**
 * What is stored of a custom resource, seen in one version of it: what a registry of that version reads from and how it
 * writes. All versions share one watch cache of what is stored. An object that is stored just as this version has it is
 * not copied; its bytes go out as they are. Of others a copy is made once and kept for as long as the stored one is.
 *
 * Where versions are converted by somebody else, objects have to be made ready before they can be read (`prepare`), in
 * batches, and watchers are told when theirs are ready.
 */
import { freezeParts } from '#api/decode.ts'
import type { KubeObject } from '#api/kind.ts'
import { jsonEqual } from '#base/equal.ts'
import type { Revision } from '#storage/store.ts'
import type { KindCodec } from '../registry/codec.ts'
import type { StoredForm } from '../registry/registry.ts'
import type { CachedObject, WatchCache } from '../registry/watch-cache.ts'
import {
  type CacheEvent,
  type CacheWatcher,
  type Listed,
  type ObjectCache,
  type Page,
  pageOf,
  type PageOptions,
  type Selection,
} from '../registry/object-cache.ts'
import { SelectedEntries } from '../registry/selected-entries.ts'
import { EventRelay } from './event-relay.ts'
import { noProtobuf } from './stored-codec.ts'
import type { VersionForms } from './version-forms.ts'

/** An object as this version has it, apart from the stored one. */
class PresentedObject implements Listed {
  readonly key: string
  readonly revision: Revision
  readonly object: KubeObject
  #wire: Buffer | undefined

  constructor(key: string, revision: Revision, object: KubeObject) {
    this.key = key
    this.revision = revision
    this.object = object
  }

  get wire(): Buffer {
    return (this.#wire ??= Buffer.from(JSON.stringify(this.object)))
  }

  get protobuf(): Buffer {
    return noProtobuf()
  }

  at(revision: Revision): Listed {
    const metadata = { ...this.object.metadata, resourceVersion: String(revision) }
    return new PresentedObject(this.key, revision, { ...this.object, metadata })
  }
}

const presented = ({ key, revision }: CachedObject, object: KubeObject) => new PresentedObject(key, revision, object)

/** Patches may share what is complete. What was converted is not: it lacks the defaults of its version. */
function completed(shown: Listed): Listed {
  freezeParts(shown.object)
  return shown
}

/** As many objects are sent to be converted at once, and so often it is tried to catch up with who writes meanwhile. */
const BATCH = 500
const MAX_ROUNDS = 100

export interface VersionViewOptions {
  /** Of what is stored; started and stopped by who made it. */
  stored: WatchCache
  codec: KindCodec
  forms: VersionForms
  /** The version that is shown. */
  apiVersion: string
}

export class VersionView implements ObjectCache, StoredForm {
  readonly codec: KindCodec
  readonly isDelayed: boolean
  readonly #stored: WatchCache
  readonly #forms: VersionForms
  readonly #apiVersion: string
  /** What stored objects are in this version: themselves, or a copy. */
  readonly #shown = new WeakMap<CachedObject, Listed>()
  /** Objects that `write` has made, which need not be looked at again. */
  readonly #written = new WeakSet<KubeObject>()
  readonly #ends = new Set<() => void>()
  readonly #selected = new SelectedEntries<Listed>(this)

  constructor({ stored, codec, forms, apiVersion }: VersionViewOptions) {
    this.#stored = stored
    this.codec = codec
    this.#forms = forms
    this.#apiVersion = apiVersion
    this.isDelayed = forms.converter.isAsynchronous
  }

  get cache(): ObjectCache {
    return this
  }

  get prefix(): string {
    return this.#stored.prefix
  }

  get revision(): Revision {
    return this.#stored.revision
  }

  get changedAt(): Revision {
    return this.#stored.changedAt
  }

  get size(): number {
    return this.#stored.size
  }

  prepare(prefix: string): Promise<void> | undefined {
    if (!this.isDelayed || this.#missing(this.#stored.list(prefix)).length === 0) return undefined
    return this.#catchUp(prefix)
  }

  get(key: string): Listed | undefined {
    const cached = this.#stored.get(key)
    return cached && this.#show(cached)
  }

  list(prefix: string): readonly Listed[] {
    return this.#showAll(this.#stored.list(prefix))
  }

  page(selection: Selection, options: PageOptions): Page {
    if (!selection.isWhole) {
      // What has been made ready since is no change of what is stored.
      const selected = this.isDelayed
        ? this.list(selection.prefix).filter(({ object }) => selection.matches(object))
        : this.#selected.of(selection)
      return pageOf(selected, options)
    }
    const { entries, remaining } = this.#stored.page(selection, options)
    return { entries: this.#showAll(entries), remaining }
  }

  shows(revision: Revision): boolean {
    return this.#stored.shows(revision)
  }

  async listAt(prefix: string, revision: Revision, options: PageOptions): Promise<Page> {
    const { entries, remaining } = await this.#stored.listAt(prefix, revision, options)
    await this.#convert(entries)
    return { entries: entries.map((cached) => this.#show(cached)!), remaining }
  }

  recent(prefix: string, after: Revision): CacheEvent[] | undefined {
    // What would have to be made ready first comes by way of the store.
    return this.isDelayed ? undefined : this.#stored.recent(prefix, after)?.map((event) => this.#showEvent(event))
  }

  checkReached(revision: Revision) {
    this.#stored.checkReached(revision)
  }

  follow(prefix: string, watcher: CacheWatcher): () => void {
    return this.#relay(watcher, (relay) => this.#stored.follow(prefix, relay))
  }

  watchFromStore(prefix: string, after: Revision, watcher: CacheWatcher): () => void {
    return this.#relay(watcher, (relay) => this.#stored.watchFromStore(prefix, after, relay))
  }

  /** Ends the watches of this version; what is stored stays where it is. */
  stop() {
    for (const end of this.#ends) end()
  }

  read(stored: KubeObject): KubeObject | Promise<KubeObject> {
    const read = this.#forms.read([stored], this.#apiVersion)
    return read instanceof Promise ? read.then(([one]) => one!) : read[0]!
  }

  write(object: KubeObject): KubeObject | Promise<KubeObject> {
    const stored = this.#forms.write(object)
    if (!(stored instanceof Promise) && object.apiVersion === this.#forms.storageVersion) this.#written.add(stored)
    return stored
  }

  isCurrent(key: string): boolean {
    const cached = this.#stored.get(key)
    if (!cached || cached.object.apiVersion !== this.#forms.storageVersion) return false
    return this.#written.has(cached.object) || jsonEqual(this.#forms.complete(cached.object), cached.object)
  }

  #showAll(entries: readonly CachedObject[]): Listed[] {
    const out: Listed[] = []
    for (const cached of entries) {
      const shown = this.#show(cached)
      if (shown) out.push(shown)
    }
    return out
  }

  /** Undefined where it has to be made ready first. */
  #show(cached: CachedObject): Listed | undefined {
    const found = this.#shown.get(cached)
    if (found) return found
    const shown = this.#present(cached)
    if (shown) this.#shown.set(cached, shown)
    return shown
  }

  #present(cached: CachedObject): Listed | undefined {
    const stored = cached.object
    if (this.#written.has(stored)) return completed(cached)
    const complete = this.#forms.complete(stored)
    if (complete.apiVersion === this.#apiVersion)
      return completed(jsonEqual(complete, stored) ? cached : presented(cached, complete))
    if (this.isDelayed) return undefined
    const [converted] = this.#forms.read([stored], this.#apiVersion) as KubeObject[]
    return presented(cached, converted!)
  }

  #showEvent({ revision, current, previous }: CacheEvent<CachedObject>): CacheEvent {
    return {
      revision,
      current: current && this.#show(current),
      previous: previous && this.#show(previous),
    }
  }

  #relay(watcher: CacheWatcher, follow: (relay: CacheWatcher<CachedObject>) => () => void): () => void {
    const relay = new EventRelay({
      watcher,
      ready: (events) => this.#ready(events),
      show: (event) => this.#showEvent(event),
    })
    const cancel = follow(relay)
    const stop = () => {
      this.#ends.delete(end)
      relay.close()
      cancel()
    }
    const end = () => {
      stop()
      watcher.onEnd()
    }
    this.#ends.add(end)
    return stop
  }

  /** Makes what the events are about ready; undefined where it is. */
  #ready(events: readonly CacheEvent<CachedObject>[]): Promise<void> | undefined {
    if (!this.isDelayed) return undefined
    const objects = events.flatMap(({ current, previous }) => [current, previous].filter((one) => one !== undefined))
    return this.#missing(objects).length === 0 ? undefined : this.#convert(objects)
  }

  #missing(entries: readonly CachedObject[]): CachedObject[] {
    return entries.filter((cached) => this.#show(cached) === undefined)
  }

  async #catchUp(prefix: string): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const entries = this.#stored.list(prefix)
      if (this.#missing(entries).length === 0) return
      await this.#convert(entries)
    }
  }

  async #convert(entries: readonly CachedObject[]): Promise<void> {
    const missing = this.#missing(entries)
    for (let from = 0; from < missing.length; from += BATCH) {
      const batch = missing.slice(from, from + BATCH)
      const objects = await this.#forms.read(
        batch.map(({ object }) => object),
        this.#apiVersion,
      )
      batch.forEach((cached, i) => this.#shown.set(cached, presented(cached, objects[i]!)))
    }
  }
}
