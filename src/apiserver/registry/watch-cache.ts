/**
 * The newest state of one resource in memory, and the fan-out of its changes (upstream: the cacher of
 * `apiserver/pkg/storage/cacher`). Reads are served from here; only writes go to the store. Entries are ordered by key,
 * so that a list of a namespace is a slice. Everything handed out is immutable.
 */
import type { Clock } from '#base/clock.ts'
import { SortedList } from '#base/sorted-list.ts'
import type { KubeObject } from '#api/kind.ts'
import { justAfter, lastUnder } from '#storage/keys.ts'
import { FutureRevision, type Revision, type Store, type StoreEntry, type StoreEvent } from '#storage/store.ts'
import type { KindCodec } from './codec.ts'
import {
  byKey,
  type CacheEvent,
  type CacheWatcher,
  type Listed,
  type ObjectCache,
  type Page,
  pageOf,
  type PageOptions,
  type Selection,
} from './object-cache.ts'
import { RecentEvents } from './recent-events.ts'
import { SelectedEntries } from './selected-entries.ts'

/** One committed object: its shared decoded form and its shared bytes, each made when first asked for. */
export class CachedObject implements Listed {
  readonly key: string
  readonly revision: Revision
  /** Bytes that are stored. */
  readonly size: number
  readonly #codec: KindCodec
  #stored: Buffer | undefined
  #object: KubeObject | undefined
  #wire: Buffer | undefined
  #protobuf: Buffer | undefined

  /** `entry` has a value, or an object in its place, or both. */
  constructor(codec: KindCodec, entry: Omit<StoreEntry, 'value'> & { value?: Buffer }) {
    this.key = entry.key
    this.revision = entry.revision
    this.#codec = codec
    this.#stored = entry.value
    this.size = entry.value?.length ?? 0
    if (entry.attachment !== undefined) {
      // The writer made this object for us and could not know its revision yet.
      this.#object = entry.attachment as KubeObject
      this.#object.metadata.resourceVersion = String(entry.revision)
    }
  }

  get object(): KubeObject {
    return (this.#object ??= this.#stored
      ? this.#codec.decode(this.#stored, this.revision)
      : (JSON.parse(this.#wire!.toString()) as KubeObject))
  }

  /** JSON as it is sent, resourceVersion included. */
  get wire(): Buffer {
    if (this.#wire === undefined) {
      this.#wire = this.#codec.withRevision(this.#stored ?? this.#codec.encode(this.#object!), this.revision)
      this.#stored = undefined
    }
    return this.#wire
  }

  /** The object as field 2 of whatever it is put into; see protobuf-envelope.ts. */
  get protobuf(): Buffer {
    return (this.#protobuf ??= this.#codec.toProtobuf(this.object))
  }

  /** The same object with another resourceVersion. */
  at(revision: Revision): Listed {
    const { metadata, ...rest } = this.object
    const attachment = { ...rest, metadata: { ...metadata, resourceVersion: String(revision) } }
    return new CachedObject(this.#codec, { key: this.key, revision, attachment })
  }
}

export class WatchCache implements ObjectCache {
  readonly prefix: string
  readonly isDelayed = false
  readonly #store: Store
  readonly #codec: KindCodec
  readonly #byKey = new Map<string, CachedObject>()
  /** All entries, sorted by key. */
  #sorted = new SortedList<CachedObject>(byKey)
  readonly #watchers = new Set<CacheWatcher<CachedObject>>()
  readonly #selected = new SelectedEntries<CachedObject>(this)
  readonly #recent: RecentEvents<CachedObject>
  /** Revision of the newest change that is here. */
  #changedAt: Revision = 0
  #cancel: (() => void) | undefined

  /** `prefix` ends with a slash. */
  constructor(store: Store, codec: KindCodec, prefix: string, clock: Clock) {
    this.#store = store
    this.#codec = codec
    this.prefix = prefix
    this.#recent = new RecentEvents(clock)
  }

  /** Loads what is stored and follows it from there. Must settle before anything else is called. */
  async start(): Promise<void> {
    const { entries, revision } = await this.#store.list(this.prefix)
    const loaded = entries.map((entry) => new CachedObject(this.#codec, entry))
    for (const cached of loaded) this.#byKey.set(cached.key, cached)
    this.#sorted = new SortedList<CachedObject>(byKey, loaded)
    this.#recent.begin(revision)
    this.#changedAt = revision
    this.#cancel = this.#store.watch(this.prefix, revision, {
      onEvents: (events) => this.#ingest(events),
      onEnd: (error) => {
        for (const watcher of this.#watchers) watcher.onEnd(error)
        this.#watchers.clear()
      },
    })
  }

  stop() {
    this.#cancel?.()
    for (const watcher of this.#watchers) watcher.onEnd()
    this.#watchers.clear()
  }

  get revision(): Revision {
    return this.#store.revision
  }

  prepare(): undefined {
    return undefined
  }

  /** Revision of the newest change that is here. */
  get changedAt(): Revision {
    return this.#changedAt
  }

  get size(): number {
    return this.#sorted.size
  }

  get(key: string): CachedObject | undefined {
    return this.#byKey.get(key)
  }

  list(prefix: string): readonly CachedObject[] {
    const [from, to] = this.#range(prefix)
    return this.#sorted.slice(from, to)
  }

  page(selection: Selection, options: PageOptions): Page<CachedObject> {
    if (!selection.isWhole) return pageOf(this.#selected.of(selection), options)
    const { startAfter, limit } = options
    const [first, to] = this.#range(selection.prefix)
    const from = startAfter === undefined ? first : Math.max(first, this.#sorted.countBefore(justAfter(startAfter)))
    const end = limit > 0 ? Math.min(from + limit, to) : to
    return { entries: this.#sorted.slice(from, end), remaining: Math.max(0, to - end) }
  }

  /**
   * Whether what is here is also what was here at `revision`. Not of a revision that the store has compacted, even where
   * nothing has changed since: whether a revision has expired must not depend on the resource.
   */
  shows(revision: Revision): boolean {
    return revision >= this.#changedAt && revision <= this.revision && revision >= this.#store.compacted
  }

  async listAt(prefix: string, revision: Revision, { startAfter, limit }: PageOptions): Promise<Page<CachedObject>> {
    const { entries, remaining = 0 } = await this.#store.list(prefix, {
      revision,
      limit,
      ...(startAfter !== undefined && { startAfter }),
      counts: true,
    })
    return { entries: entries.map((entry) => new CachedObject(this.#codec, entry)), remaining }
  }

  recent(prefix: string, after: Revision): readonly CacheEvent<CachedObject>[] | undefined {
    const events = this.#recent.since(after)
    return events && this.#under(prefix, events)
  }

  checkReached(revision: Revision) {
    if (revision > this.revision) throw new FutureRevision(revision, this.revision)
  }

  follow(prefix: string, watcher: CacheWatcher<CachedObject>): () => void {
    const filtered: CacheWatcher<CachedObject> =
      prefix === this.prefix
        ? watcher
        : {
            onEvents: (events) => {
              const mine = this.#under(prefix, events)
              if (mine.length > 0) watcher.onEvents(mine)
            },
            onEnd: (error) => watcher.onEnd(error),
          }
    this.#watchers.add(filtered)
    return () => this.#watchers.delete(filtered)
  }

  watchFromStore(prefix: string, after: Revision, watcher: CacheWatcher<CachedObject>): () => void {
    const cached = (entry: StoreEntry | undefined) =>
      entry && (this.#sameAsCached(entry) ?? new CachedObject(this.#codec, { ...entry, attachment: undefined }))
    return this.#store.watch(prefix, after, {
      onEvents: (events) =>
        watcher.onEvents(
          events.map((event) => ({
            revision: event.revision,
            current: cached(event.entry),
            previous: cached(event.previous),
          })),
        ),
      onEnd: (error) => watcher.onEnd(error),
    })
  }

  #sameAsCached(entry: StoreEntry): CachedObject | undefined {
    const cached = this.#byKey.get(entry.key)
    return cached?.revision === entry.revision ? cached : undefined
  }

  #ingest(events: readonly StoreEvent[]) {
    const out: CacheEvent<CachedObject>[] = []
    for (const event of events) {
      const previous = this.#byKey.get(event.key)
      let current: CachedObject | undefined
      if (event.entry) {
        current = new CachedObject(this.#codec, event.entry)
        this.#byKey.set(event.key, current)
        this.#sorted.set(current)
      } else if (previous) {
        this.#byKey.delete(event.key)
        this.#sorted.delete(event.key)
      } else continue
      out.push({ revision: event.revision, current, previous })
    }
    if (out.length === 0) return
    this.#changedAt = out.at(-1)!.revision
    this.#recent.push(out)
    for (const watcher of this.#watchers) watcher.onEvents(out)
  }

  /** The events about what is under `prefix`. */
  #under(prefix: string, events: readonly CacheEvent<CachedObject>[]): readonly CacheEvent<CachedObject>[] {
    if (prefix === this.prefix) return events
    return events.filter(({ current, previous }) => (current ?? previous)!.key.startsWith(prefix))
  }

  /** Where in `#sorted` the entries under `prefix` are: from the first to before the second. */
  #range(prefix: string): [number, number] {
    if (prefix === this.prefix) return [0, this.#sorted.size]
    return [this.#sorted.countBefore(prefix), this.#sorted.countBefore(lastUnder(prefix))]
  }
}
