/**
 * The revisioned key-value store under the API (upstream: etcd as `storage.Interface` uses it). One counter of
 * revisions for the whole store; every write takes the next one. Three implementations pass one shared suite
 * (store-suite.ts): `lmdb` (embedded, durable), `memory` (tests, simulation) and later `etcd`.
 *
 * Keys look like `/registry/pods/default/web-1`. Values are opaque bytes, at most MAX_VALUE_BYTES.
 */

/** A positive safe integer; as the expectation of a write, 0 stands for "the key does not exist". */
export type Revision = number

/** The revision of a store that was never written to (as etcd's), so that an empty list has one that is not 0. */
export const FIRST_REVISION = 1

export const MAX_VALUE_BYTES = 3 << 20

export interface StoreEntry {
  readonly key: string
  readonly value: Buffer
  /** The revision of the write that made this value. */
  readonly revision: Revision
  /**
   * The writer's decoded form of `value`, passed along to readers in this process so that nobody decodes twice.
   * Absent when the value was read from disk or written elsewhere, which may happen to every value at any time.
   * Immutable.
   */
  readonly attachment?: unknown
}

export interface StoreEvent {
  readonly type: 'put' | 'delete'
  readonly key: string
  /** The revision of this change. */
  readonly revision: Revision
  /** The new value; absent for a delete. */
  readonly entry?: StoreEntry
  /** What was there before; absent for a creation, or where compaction has removed it. */
  readonly previous?: StoreEntry
}

export interface StoreWrite {
  key: string
  /** The revision that the writer saw (0: the key must not exist). */
  expected: Revision
  /**
   * The new value, or null to delete. The store keeps the Buffer itself: it must not change any more, nor be a small
   * part of a large one.
   */
  value: Buffer | null
  attachment?: unknown
}

export interface StoreListOptions {
  /** Default: newest durable. */
  revision?: Revision
  limit?: number
  startAfter?: string
  counts?: boolean
}

export interface StoreList {
  readonly entries: StoreEntry[]
  /** The revision at which all of them were read. */
  readonly revision: Revision
  /** More keys follow the last one. */
  readonly more: boolean
  /** How many do; only where that was asked for. */
  readonly remaining?: number
}

/** The expectation of a write does not hold; `current` is what is there instead. */
export class CompareFailed extends Error {
  override readonly name = 'CompareFailed'
  readonly current: StoreEntry | undefined
  constructor(key: string, current: StoreEntry | undefined) {
    super(`${key} is at revision ${current?.revision ?? 0}`)
    this.current = current
  }
}

/** The revision asked for has been compacted away. */
export class Compacted extends Error {
  override readonly name = 'Compacted'
  readonly compacted: Revision
  constructor(asked: Revision, compacted: Revision) {
    super(`revision ${asked} has been compacted, the oldest readable one is ${compacted}`)
    this.compacted = compacted
  }
}

/** The revision asked for has not happened yet. */
export class FutureRevision extends Error {
  override readonly name = 'FutureRevision'
  readonly current: Revision
  constructor(asked: Revision, current: Revision) {
    super(`revision ${asked} is in the future, the store is at ${current}`)
    this.current = current
  }
}

/**
 * The store can't take writes (disk full, I/O error, too many waiting), or is closed. Nothing of the failed write is
 * visible, and its revision is not used for another one; revisions may therefore have gaps. All writes that waited
 * fail together. Where the medium itself failed, a restart may find that the write was durable after all.
 */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
}

/**
 * Receives events in the order of their revisions, none left out, a commit's together. Called before the writes of the
 * commit resolve, never from within `watch`. Must not block; one that throws is ended.
 */
export interface StoreWatcher {
  onEvents(events: readonly StoreEvent[]): void
  /** The watch ended: by `error`, or by `close()` of the store where there is none. Not called after `cancel`. */
  onEnd(error?: Error): void
}

export interface Store {
  /** The newest durable revision; what readers see. FIRST_REVISION or more. */
  readonly revision: Revision
  /** The oldest readable revision; 0 until the first compaction. */
  readonly compacted: Revision

  /** The value as of `revision` (default: newest durable). Throws Compacted, FutureRevision. */
  get(key: string, revision?: Revision): Promise<StoreEntry | undefined>

  /**
   * The newest value including writes that are accepted but not durable yet, read synchronously. For writers, whose
   * own write is acknowledged no earlier than the one that they build upon; never to be shown to a reader. Throws
   * StoreUnavailable when the store is closed.
   */
  latest(key: string): StoreEntry | undefined

  /** The revision of `latest`, for who knows its value already; nothing is read. Throws StoreUnavailable. */
  latestRevision(key: string): Revision | undefined

  /**
   * Keys that start with `prefix` in the order of their bytes, after `startAfter`, at most `limit` (absent or 0: all).
   * `counts` asks how many follow, whose values are not read. Throws Compacted, FutureRevision.
   */
  list(prefix: string, options?: StoreListOptions): Promise<StoreList>

  /**
   * Compares and swaps. The comparison happens before the call returns, against `latest`, and the write takes the next
   * revision; the promise settles once the write is durable. Writes in flight are committed together.
   * Rejects with CompareFailed, once what it collided with is durable, StoreUnavailable, or RangeError (value too large,
   * or not a key: see keys.ts). Deleting what `expected` 0 says is absent is CompareFailed.
   */
  write(write: StoreWrite): Promise<Revision>

  /**
   * Delivers all changes to keys under `prefix` with a revision greater than `after`: first those of history, then
   * live ones. The returned function cancels. Throws Compacted, FutureRevision; ends with Compacted when compaction
   * overtakes the replay.
   */
  watch(prefix: string, after: Revision, watcher: StoreWatcher): () => void

  /** Forgets history before `revision`, keeping what every key was then. Rejects with FutureRevision, StoreUnavailable. */
  compact(revision: Revision): Promise<void>

  /** Waits for accepted writes, ends watches, releases files. */
  close(): Promise<void>
}
