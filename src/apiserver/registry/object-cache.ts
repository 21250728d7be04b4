/**
 * What reads and watches of one resource are served from, whatever it is kept in: `WatchCache` for what is stored, and
 * views of it for versions in which it is not. Everything handed out is immutable.
 */
import { firstNotBefore, type Order } from '#base/sorted-list.ts'
import type { KubeObject } from '#api/kind.ts'
import { compareKeys, justAfter } from '#storage/keys.ts'
import type { Revision } from '#storage/store.ts'

/** An object as it is listed and watched: decoded and encoded. */
export interface Listed {
  readonly key: string
  readonly revision: Revision
  /** Bytes of what is stored, where that is what is listed. */
  readonly size?: number
  /** Shared, and never to be written to. */
  readonly object: KubeObject
  /** JSON as it is sent, resourceVersion included. */
  readonly wire: Buffer
  /** The object as field 2 of whatever it is put into; see protobuf-envelope.ts. */
  readonly protobuf: Buffer
  /** The same object with another resourceVersion. */
  at(revision: Revision): Listed
}

export interface CacheEvent<O extends Listed = Listed> {
  readonly revision: Revision
  /** The object after the change; absent for a delete. */
  readonly current: O | undefined
  /** The object before the change; absent for a creation. */
  readonly previous: O | undefined
}

/** Receives committed changes in order. Must neither throw nor block. */
export interface CacheWatcher<O extends Listed = Listed> {
  onEvents(events: readonly CacheEvent<O>[]): void
  onEnd(error?: Error): void
}

export interface Selection {
  /** Key prefix: a whole resource, a namespace, or a namespace/name for one object. */
  readonly prefix: string
  readonly matches: (object: KubeObject) => boolean
  /** Equal for selections that select the same. */
  readonly signature: string
  /** Everything under the prefix is selected. */
  readonly isWhole: boolean
  /** At most one object can be selected. */
  readonly isSingle: boolean
}

export interface PageOptions {
  /** Only what follows this key; default: from the first. */
  startAfter?: string | undefined
  /** How many at most; 0 means all. */
  limit: number
}

/** Some of what is selected, in order of keys, and how many are selected behind it. */
export interface Page<O extends Listed = Listed> {
  readonly entries: readonly O[]
  readonly remaining: number
}

/** What reads and watches of one resource are served from; in a version of it, where it has several. */
export interface ObjectCache {
  /** Ends with a slash. */
  readonly prefix: string
  /** The revision that reads reflect. */
  readonly revision: Revision
  /** How many objects there are. */
  readonly size: number
  /**
   * Watchers are told of changes some time after reads show them. A watcher that starts at a revision may then be offered
   * older changes, too.
   */
  readonly isDelayed: boolean
  /**
   * Makes ready to be read what is under `prefix`: what is not is as if it were not there. Undefined where everything
   * is; otherwise what has become ready is to be read without another wait. Rejects with a StatusError.
   */
  prepare(prefix: string): Promise<void> | undefined
  get(key: string): Listed | undefined
  /** Entries whose key starts with `prefix`, in order. */
  list(prefix: string): readonly Listed[]
  /** A page of what is selected. */
  page(selection: Selection, options: PageOptions): Page
  /** Whether what is here is also what was here at `revision`. */
  shows(revision: Revision): boolean
  /** Entries as they were at `revision`, at most `limit` (0: all) after `startAfter`. Throws Compacted, FutureRevision. */
  listAt(prefix: string, revision: Revision, options: PageOptions): Promise<Page>
  /** Past changes under `prefix` after revision `after`, or undefined where memory does not reach back so far. */
  recent(prefix: string, after: Revision): readonly CacheEvent[] | undefined
  /** Throws FutureRevision unless the store has reached `revision`. */
  checkReached(revision: Revision): void
  /** Delivers every change under `prefix` from now on. The returned function cancels. */
  follow(prefix: string, watcher: CacheWatcher): () => void
  /** For a watch that starts before what memory holds: past and present from the store. Throws Compacted. */
  watchFromStore(prefix: string, after: Revision, watcher: CacheWatcher): () => void
  /** Ends all watches. */
  stop(): void
}

/** As the store orders what it holds. */
export const byKey: Order<Pick<Listed, 'key'>> = { keyOf: ({ key }) => key, compare: compareKeys }

/** A page of entries in order of keys. */
export function pageOf<O extends Listed>(entries: readonly O[], { startAfter, limit }: PageOptions): Page<O> {
  const from = startAfter === undefined ? 0 : firstNotBefore(entries, justAfter(startAfter), byKey)
  const end = limit > 0 ? Math.min(from + limit, entries.length) : entries.length
  const isAll = from === 0 && end === entries.length
  return { entries: isAll ? entries : entries.slice(from, end), remaining: entries.length - end }
}
