/**
 * The Store in memory: for tests, simulations and clusters that need not survive their process. Nothing here depends
 * on time or input/output: writes become visible in a microtask, in the order in which they were accepted.
 *
 * Every key has a chain of versions, newest first; `#log` holds the same versions by revision. Invariant: the chain of
 * a key reaches back at least to what the key was at `compacted`, and `#log` to the version after `compacted`.
 */
import { checkKey } from './keys.ts'
import { SortedKeys } from './sorted-keys.ts'
import {
  CompareFailed,
  Compacted,
  FIRST_REVISION,
  FutureRevision,
  MAX_VALUE_BYTES,
  StoreUnavailable,
  type Revision,
  type Store,
  type StoreEntry,
  type StoreEvent,
  type StoreList,
  type StoreListOptions,
  type StoreWatcher,
  type StoreWrite,
} from './store.ts'
import { WatchHub, type Watch } from './watch-hub.ts'

interface Version {
  readonly key: string
  readonly revision: Revision
  /** Absent: deleted. */
  readonly entry: StoreEntry | undefined
  previous: Version | undefined
}

interface Waiting {
  readonly version: Version
  resolve(revision: Revision): void
}

/** Events handed over in one call while history is replayed. */
const REPLAY_EVENTS = 1_000

export function createMemoryStore(): Store {
  return new MemoryStore()
}

class MemoryStore implements Store {
  /** The newest version of every key, pending ones included; deleted keys stay until compaction. */
  readonly #newest = new Map<string, Version>()
  readonly #keys = new SortedKeys()
  /** Published versions after #compacted, ascending: the one of revision r is at r - #logStart. */
  #log: Version[] = []
  #logStart: Revision = FIRST_REVISION + 1
  #revision: Revision = FIRST_REVISION
  #accepted: Revision = FIRST_REVISION
  #compacted: Revision = 0
  #pending: Waiting[] = []
  #flushed: Promise<void> = Promise.resolve()
  readonly #hub = new WatchHub()
  #closed = false

  get revision(): Revision {
    return this.#revision
  }

  get compacted(): Revision {
    return this.#compacted
  }

  async get(key: string, revision?: Revision): Promise<StoreEntry | undefined> {
    const at = this.#readable(revision)
    return versionAt(this.#newest.get(key), at)?.entry
  }

  latest(key: string): StoreEntry | undefined {
    if (this.#closed) throw new StoreUnavailable('the store is closed')
    return this.#newest.get(key)?.entry
  }

  latestRevision(key: string): Revision | undefined {
    return this.latest(key)?.revision
  }

  async list(prefix: string, options: StoreListOptions = {}): Promise<StoreList> {
    const { limit = 0, startAfter = '', counts = false } = options
    const revision = this.#readable(options.revision)
    const entries: StoreEntry[] = []
    let remaining = 0
    for (const key of this.#keys.under(prefix, startAfter, Infinity)) {
      const entry = versionAt(this.#newest.get(key), revision)?.entry
      if (!entry) continue
      if (limit === 0 || entries.length < limit) entries.push(entry)
      else if (counts) remaining++
      else return { entries, revision, more: true }
    }
    return { entries, revision, more: remaining > 0, ...(counts && { remaining }) }
  }

  write(write: StoreWrite): Promise<Revision> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new StoreUnavailable('the store is closed')
      const { key, expected, value, attachment } = write
      checkKey(key)
      if (value && value.length > MAX_VALUE_BYTES)
        throw new RangeError(`a value may have ${MAX_VALUE_BYTES} bytes, ${key} has ${value.length}`)
      const previous = this.#newest.get(key)
      const current = previous?.entry
      if ((current?.revision ?? 0) !== expected || (!value && !current)) {
        // What it collides with may not be published yet; nobody may hear of it before.
        void this.#flushed.then(() => reject(new CompareFailed(key, current)))
        return
      }
      const revision = ++this.#accepted
      const entry = value ? { key, value, revision, attachment } : undefined
      const version: Version = { key, revision, entry, previous }
      if (!previous) this.#keys.add(key)
      this.#newest.set(key, version)
      if (this.#pending.push({ version, resolve }) === 1) this.#flushed = Promise.resolve().then(() => this.#publish())
    })
  }

  watch(prefix: string, after: Revision, watcher: StoreWatcher): () => void {
    this.#readable(after)
    const watch = this.#hub.add(prefix, after, watcher)
    queueMicrotask(() => this.#catchUp(watch))
    return () => this.#hub.cancel(watch)
  }

  async compact(revision: Revision): Promise<void> {
    if (this.#closed) throw new StoreUnavailable('the store is closed')
    if (revision > this.#revision) throw new FutureRevision(revision, this.#revision)
    if (revision <= this.#compacted) return
    const forgotten = Math.max(revision + 1 - this.#logStart, 0)
    for (const version of this.#log.slice(0, forgotten)) {
      version.previous = undefined
      if (version.entry) continue
      const newest = this.#newest.get(version.key)!
      if (newest === version) {
        this.#newest.delete(version.key)
        this.#keys.delete(version.key)
      }
    }
    this.#log = this.#log.slice(forgotten)
    this.#logStart += forgotten
    this.#compacted = revision
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#flushed
    this.#hub.endAll()
    this.#newest.clear()
    this.#log = []
  }

  /** Checks that what was at `revision` can still be told. */
  #readable(revision: Revision = this.#revision): Revision {
    if (this.#closed) throw new StoreUnavailable('the store is closed')
    if (revision > this.#revision) throw new FutureRevision(revision, this.#revision)
    if (revision < this.#compacted) throw new Compacted(revision, this.#compacted)
    return revision
  }

  #publish() {
    const batch = this.#pending
    this.#pending = []
    this.#revision = batch.at(-1)!.version.revision
    for (const { version } of batch) this.#log.push(version)
    this.#hub.publish(batch, this.#revision, ({ version }) => eventOf(version))
    for (const { version, resolve } of batch) resolve(version.revision)
  }

  #catchUp(watch: Watch) {
    while (watch.reached < this.#revision && !watch.ended) {
      if (watch.reached < this.#compacted) return this.#hub.end(watch, new Compacted(watch.reached, this.#compacted))
      const events: StoreEvent[] = []
      let reached = Math.max(watch.reached, this.#logStart - 1)
      while (reached < this.#revision && events.length < REPLAY_EVENTS) {
        const version = this.#log[++reached - this.#logStart]!
        if (version.key.startsWith(watch.prefix)) events.push(eventOf(version))
      }
      this.#hub.replay(watch, events, reached)
    }
    this.#hub.goLive(watch)
  }
}

/** What the key was at `revision`: the first version of the chain that is not newer. */
function versionAt(newest: Version | undefined, revision: Revision): Version | undefined {
  let version = newest
  while (version && version.revision > revision) version = version.previous
  return version
}

function eventOf(version: Version): StoreEvent {
  const { key, revision, entry } = version
  const previous = version.previous?.entry
  return { type: entry ? 'put' : 'delete', key, revision, ...(entry && { entry }), ...(previous && { previous }) }
}
