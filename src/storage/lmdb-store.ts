/**
 * The embedded, durable Store: an index of the newest change of every key in memory, values and history in lmdb
 * (lmdb-file.ts), group commit in between (upstream: what etcd's mvcc and backend do).
 *
 * A write is compared and given its revision when it arrives; what arrives while a commit runs is committed together
 * by the next one. Then, in this order: readers see it, watchers get it, its promise resolves. Invariants:
 * - nothing is shown to a reader or a watcher before it is durable;
 * - a version in the index is `pending`, or its change is in the file;
 * - when a commit fails, everything pending fails with it, since later writes may build upon earlier ones. Their
 *   revisions are skipped: this process never gives them to other writes, and nobody outside has seen them.
 */
import type { Clock } from '#base/clock.ts'
import { nextTurn } from '#base/next-turn.ts'
import { EntryCache } from './entry-cache.ts'
import { checkKey, compareKeys } from './keys.ts'
import { LmdbFile, StoreCorrupt, type Change, type Commit } from './lmdb-file.ts'
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

export interface LmdbStoreOptions {
  /** The directory of the store; made (mode 0700) when it is absent. */
  path: string
  clock: Clock
  /** Memory for current values and their attachments, in estimated bytes. Default 64 MiB. */
  cacheBytes?: number
}

const DEFAULT_CACHE_BYTES = 64 << 20
/** One commit takes at most so much, that no write waits long for others. */
const COMMIT_WRITES = 2_000
const COMMIT_BYTES = 16 << 20
/** More than this waiting means that the disk does not keep up; further writes are refused. */
const PENDING_WRITES = 20_000
const PENDING_BYTES = 128 << 20
/** Work between two turns of the event loop, in keys or changes. */
const SLICE = 1_000

/** A change of a key, as the index holds it: the newest one of each key, with the pending ones before it. */
interface Version extends Change {
  pending: Pending | undefined
}

/** A write that is accepted and not yet durable. */
interface Pending {
  readonly version: Version
  /** What the index held before. */
  readonly before: Version | undefined
  /** Absent for a delete. */
  readonly entry: StoreEntry | undefined
  resolve(revision: Revision): void
  reject(error: Error): void
  /** Called when the write has become durable or has failed. */
  settled: (() => void)[] | undefined
}

/** Maintenance that goes along with the next commit. */
interface Chore {
  readonly commit: Omit<Commit, 'appended'>
  resolve(): void
  reject(error: Error): void
}

/** Opens the store in a directory, making it when it is absent. Rejects with StoreCorrupt, StoreLocked, or a system error. */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<Store> {
  const file = new LmdbFile(options.path, options.clock)
  try {
    return new LmdbStore(file, options.cacheBytes ?? DEFAULT_CACHE_BYTES)
  } catch (err) {
    await file.close()
    throw err
  }
}

export class LmdbStore implements Store {
  readonly #file: LmdbFile
  readonly #cache: EntryCache
  readonly #hub = new WatchHub()
  /** The newest change of every key; of deleted ones until compaction. */
  readonly #newest = new Map<string, Version>()
  readonly #keys: SortedKeys
  #revision: Revision
  #accepted: Revision
  #compacted: Revision
  /** The revision up to which compaction has removed what it may. */
  #swept: Revision
  #pending: Pending[] = []
  #pendingBytes = 0
  #chores: Chore[] = []
  /** Fulfilled when nothing is waiting to be committed; undefined while that is so. */
  #working: Promise<void> | undefined
  #compaction: Promise<void> = Promise.resolve()
  #closed: Promise<void> | undefined

  constructor(file: LmdbFile, cacheBytes: number) {
    this.#file = file
    this.#cache = new EntryCache(cacheBytes)
    this.#compacted = file.compacted
    this.#swept = file.swept
    // Compaction may have removed the very last change, a delete.
    this.#revision = Math.max(FIRST_REVISION, this.#compacted)
    for (const { revision, key, deleted, previous } of file.changesAfter(0)) {
      this.#newest.set(key, { revision, key, deleted, previous, pending: undefined })
      this.#revision = Math.max(this.#revision, revision)
    }
    this.#accepted = this.#revision
    this.#keys = new SortedKeys([...this.#newest.keys()].sort(compareKeys))
  }

  get revision(): Revision {
    return this.#revision
  }

  get compacted(): Revision {
    return this.#compacted
  }

  /** Keys in the index, which are all in memory; deleted ones count until compaction. */
  get keyCount(): number {
    return this.#keys.size
  }

  async get(key: string, revision?: Revision): Promise<StoreEntry | undefined> {
    return this.#entryAt(this.#newest.get(key), this.#readable(revision), true)
  }

  latest(key: string): StoreEntry | undefined {
    this.#checkOpen()
    const version = this.#newest.get(key)
    return version && this.#entryOf(version, true)
  }

  latestRevision(key: string): Revision | undefined {
    this.#checkOpen()
    const version = this.#newest.get(key)
    return version && !version.deleted ? version.revision : undefined
  }

  async list(prefix: string, options: StoreListOptions = {}): Promise<StoreList> {
    const { limit = 0, startAfter = '', counts = false } = options
    const revision = this.#readable(options.revision)
    const entries: StoreEntry[] = []
    let remaining = 0
    for (let after = startAfter; ;) {
      const keys = this.#keys.under(prefix, after, SLICE)
      for (const key of keys) {
        const change = this.#changeAt(this.#newest.get(key), revision)
        if (!change || change.deleted) continue
        if (limit > 0 && entries.length === limit) {
          if (!counts) return { entries, revision, more: true }
          remaining++
          continue
        }
        const entry = this.#entryOf(change, false)
        if (entry) entries.push(entry)
      }
      if (keys.length < SLICE) return { entries, revision, more: remaining > 0, ...(counts && { remaining }) }
      after = keys.at(-1)!
      await nextTurn()
      this.#readable(revision)
    }
  }

  write(write: StoreWrite): Promise<Revision> {
    return new Promise((resolve, reject) => {
      this.#checkOpen()
      const { key, expected, value, attachment } = write
      checkKey(key)
      if (value && value.length > MAX_VALUE_BYTES)
        throw new RangeError(`a value may have ${MAX_VALUE_BYTES} bytes, ${key} has ${value.length}`)
      const before = this.#newest.get(key)
      const current = before && !before.deleted ? before.revision : 0
      if (current !== expected || (!value && current === 0)) return this.#collide(key, before, reject)
      if (this.#pending.length >= PENDING_WRITES || this.#pendingBytes >= PENDING_BYTES)
        throw new StoreUnavailable(`${this.#pending.length} writes are waiting for the disk`)
      const revision = ++this.#accepted
      const version: Version = {
        revision,
        key,
        deleted: value === null,
        previous: before?.revision ?? 0,
        pending: undefined,
      }
      const entry = value ? { key, value, revision, attachment } : undefined
      const pending: Pending = { version, before, entry, resolve, reject, settled: undefined }
      version.pending = pending
      if (!before) this.#keys.add(key)
      this.#newest.set(key, version)
      this.#pending.push(pending)
      this.#pendingBytes += value?.length ?? 0
      this.#work()
    })
  }

  watch(prefix: string, after: Revision, watcher: StoreWatcher): () => void {
    this.#readable(after)
    const watch = this.#hub.add(prefix, after, watcher)
    queueMicrotask(() => void this.#catchUp(watch))
    return () => this.#hub.cancel(watch)
  }

  async compact(revision: Revision): Promise<void> {
    this.#checkOpen()
    if (revision > this.#revision) throw new FutureRevision(revision, this.#revision)
    const run = this.#compaction.then(() => this.#compact(revision))
    // The next one starts after this one, however it ends.
    this.#compaction = run.catch(() => {})
    return run
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  async #close() {
    while (this.#working) await this.#working
    this.#hub.endAll()
    await this.#file.close()
    this.#newest.clear()
    this.#cache.clear()
  }

  #checkOpen() {
    if (this.#closed) throw new StoreUnavailable('the store is closed')
  }

  /** Checks that what was at `revision` can still be told. */
  #readable(revision: Revision = this.#revision): Revision {
    this.#checkOpen()
    if (revision > this.#revision) throw new FutureRevision(revision, this.#revision)
    if (revision < this.#compacted) throw new Compacted(revision, this.#compacted)
    return revision
  }

  /** What a change put there: the pending entry, the cached one, or one read from the file. */
  #entryOf(version: Change & { pending?: Pending | undefined }, use: boolean): StoreEntry | undefined {
    if (version.deleted) return undefined
    if (version.pending) return version.pending.entry
    const { key, revision } = version
    const cached = use ? this.#cache.get(revision) : this.#cache.peek(revision)
    if (cached) return cached
    const value = this.#file.value(revision)
    if (!value) throw new StoreCorrupt(this.#file.path, `the value of ${key} at revision ${revision} is missing`)
    const entry: StoreEntry = { key, value, revision }
    // History is read once; current values are read again, and readers may rely on getting the same object.
    if (this.#newest.get(key)?.revision === revision) {
      if (use) this.#cache.put(entry)
      else this.#cache.putIfRoom(entry)
    }
    return entry
  }

  /** What the key was at `revision`, which is readable, given its newest version. */
  #entryAt(newest: Version | undefined, revision: Revision, use: boolean): StoreEntry | undefined {
    const change = this.#changeAt(newest, revision)
    return change && this.#entryOf(change, use)
  }

  /** What was newest at `revision`. */
  #changeAt(newest: Version | undefined, revision: Revision): Change | undefined {
    let version = newest
    while (version?.pending && version.revision > revision) version = version.pending.before
    let change: Change | undefined = version
    while (change && change.revision > revision) change = this.#file.change(change.previous)
    return change
  }

  /** Rejects a write that met something else than it expected, as soon as that may be told. */
  #collide(key: string, before: Version | undefined, reject: (error: Error) => void) {
    const current = before && this.#entryOf(before, true)
    const pending = before?.pending
    if (!pending) return reject(new CompareFailed(key, current))
    pending.settled ??= []
    pending.settled.push(() => {
      // Where what it met has failed, there is nothing that it can be said to have collided with.
      if (before.pending) reject(new StoreUnavailable(`an earlier write of ${key} failed`))
      else reject(new CompareFailed(key, current))
    })
  }

  /** Starts committing, unless that is under way. */
  #work() {
    this.#working ??= this.#commitAll()
  }

  async #commitAll() {
    while (this.#pending.length > 0 || this.#chores.length > 0) {
      // Requests that arrived in the same turn of the event loop go together.
      await nextTurn()
      const batch = this.#takeBatch()
      const chore = this.#chores.shift()
      try {
        await this.#file.commit({
          appended: batch,
          ...chore?.commit,
        })
      } catch (err) {
        this.#fail(batch, err as Error)
        chore?.reject(err as Error)
        continue
      }
      chore?.resolve()
      if (batch.length > 0) this.#publish(batch)
    }
    // In the same breath as the check above, so that a write which comes next finds nobody working.
    this.#working = undefined
  }

  #takeBatch(): Pending[] {
    let bytes = 0
    let count = 0
    for (const { entry } of this.#pending) {
      bytes += entry?.value.length ?? 0
      if (++count === COMMIT_WRITES || bytes >= COMMIT_BYTES) break
    }
    this.#pendingBytes -= bytes
    if (count === this.#pending.length) {
      const all = this.#pending
      this.#pending = []
      return all
    }
    return this.#pending.splice(0, count)
  }

  #publish(batch: readonly Pending[]) {
    this.#revision = batch.at(-1)!.version.revision
    for (const { version, entry } of batch) {
      version.pending = undefined
      if (entry) this.#cache.put(entry)
    }
    this.#hub.publish(batch, this.#revision, (pending) => this.#eventOf(pending.version, pending))
    for (const { version, before, resolve, settled } of batch) {
      if (before) this.#cache.delete(before.revision)
      resolve(version.revision)
      settled?.forEach((tell) => tell())
    }
  }

  /** Takes back everything that is pending, newest first. */
  #fail(batch: readonly Pending[], error: Error) {
    const failed = [...batch, ...this.#pending]
    this.#pending = []
    this.#pendingBytes = 0
    for (const { version, before } of failed.toReversed()) {
      // A delete that compaction has meanwhile forgotten does not come back.
      if (before && !(before.deleted && before.revision <= this.#swept)) this.#newest.set(version.key, before)
      else this.#drop(version.key)
    }
    for (const { reject, settled } of failed) {
      reject(error)
      settled?.forEach((tell) => tell())
    }
  }

  #drop(key: string) {
    this.#newest.delete(key)
    this.#keys.delete(key)
  }

  #eventOf(change: Change, known?: Pick<Pending, 'entry' | 'before'>): StoreEvent {
    const { key, revision, deleted } = change
    const entry = known ? known.entry : this.#entryOf(change, false)
    const before = known ? known.before : this.#file.change(change.previous)
    const previous = before && this.#entryOf(before, false)
    return {
      type: deleted ? 'delete' : 'put',
      key,
      revision,
      ...(entry && { entry }),
      ...(previous && { previous }),
    }
  }

  /** Replays history to a watch in slices, and makes it live once there is none left. */
  async #catchUp(watch: Watch) {
    try {
      while (!watch.ended && watch.reached < this.#revision) {
        if (watch.reached < this.#compacted) throw new Compacted(watch.reached, this.#compacted)
        const events: StoreEvent[] = []
        let reached = watch.reached
        let count = 0
        for (const change of this.#file.changesAfter(watch.reached, SLICE)) {
          // The file may be one commit ahead of what is published.
          if (change.revision > this.#revision) break
          count++
          reached = change.revision
          if (change.key.startsWith(watch.prefix)) events.push(this.#eventOf(change))
        }
        this.#hub.replay(watch, events, count < SLICE ? this.#revision : reached)
        if (watch.reached < this.#revision) await nextTurn()
      }
      this.#hub.goLive(watch)
    } catch (err) {
      this.#hub.end(watch, err as Error)
    }
  }

  /** Forbids reading before `revision` first, durably; then removes what nobody can read any more, in slices. */
  async #compact(revision: Revision) {
    if (revision > this.#compacted) {
      await this.#chore({ compacted: revision })
      this.#compacted = revision
    }
    while (this.#swept < this.#compacted) {
      const changes = [...this.#file.changesAfter(this.#swept, SLICE)].filter((c) => c.revision <= this.#compacted)
      const swept = changes.length < SLICE ? this.#compacted : changes.at(-1)!.revision
      await this.#chore({ removed: superseded(changes), swept })
      this.#swept = swept
      for (const { key, revision, deleted } of changes) {
        if (deleted && this.#newest.get(key)?.revision === revision) this.#drop(key)
      }
    }
  }

  #chore(commit: Chore['commit']): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#checkOpen()
      this.#chores.push({ commit, resolve, reject })
      this.#work()
    })
  }
}

/** What need not be kept once everything before the last of `changes` is unreadable: what they replaced, and deletes. */
function superseded(changes: readonly Change[]): Revision[] {
  return changes.flatMap(({ revision, previous, deleted }) => [
    ...(previous > 0 ? [previous] : []),
    ...(deleted ? [revision] : []),
  ])
}
