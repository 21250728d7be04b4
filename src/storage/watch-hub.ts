/**
 * Hands the events of each commit to the watchers whose prefix they match (upstream: the watch cache's dispatch).
 * Watchers of one prefix form a group; a commit is split once per group, not once per watcher, and a key finds its
 * groups by looking up its own beginnings, so that the cost does not grow with the number of other prefixes.
 *
 * A watcher is first `behind` (the store replays history to it) and then `live`. Invariant: `reached` is the revision
 * up to which it has been given everything; a live watcher has reached what the store has published.
 */
import type { Revision, StoreEvent, StoreWatcher } from './store.ts'

/** One registration. The store drives it; users see only the function that cancels. */
export interface Watch {
  readonly prefix: string
  readonly watcher: StoreWatcher
  reached: Revision
  ended: boolean
}

/** A change of a key, in whatever form the store has it. */
interface HasKey {
  readonly version: { readonly key: string }
}

interface Group {
  readonly prefix: string
  readonly watches: Set<Watch>
}

export class WatchHub {
  readonly #behind = new Set<Watch>()
  readonly #groups = new Map<string, Group>()
  /** How many groups have a prefix of that many code units; its keys, ascending, are the beginnings to look up. */
  readonly #lengths = new Map<number, number>()
  #lengthsAscending: number[] = []

  /** Watches registered and not ended. */
  get size(): number {
    let count = this.#behind.size
    for (const group of this.#groups.values()) count += group.watches.size
    return count
  }

  /** Registers a watch that still has to be given history after `after`. */
  add(prefix: string, after: Revision, watcher: StoreWatcher): Watch {
    const watch = { prefix, watcher, reached: after, ended: false }
    this.#behind.add(watch)
    return watch
  }

  /** Gives a watch that is behind a part of history; `reached` is the revision which that part goes up to. */
  replay(watch: Watch, events: readonly StoreEvent[], reached: Revision): void {
    if (watch.ended) return
    watch.reached = reached
    if (events.length > 0) this.#deliver(watch, events)
  }

  /** From now on `publish` serves this watch. The caller has replayed everything that was published. */
  goLive(watch: Watch): void {
    if (watch.ended) return
    this.#behind.delete(watch)
    let group = this.#groups.get(watch.prefix)
    if (!group) {
      group = { prefix: watch.prefix, watches: new Set() }
      this.#groups.set(watch.prefix, group)
      this.#countLength(watch.prefix.length, 1)
    }
    group.watches.add(watch)
  }

  /**
   * Delivers one commit to every live watch. `changes` ascend by revision; `reached` is the revision of the commit.
   * `eventOf` is called once for each change that somebody watches.
   */
  publish<C extends HasKey>(changes: readonly C[], reached: Revision, eventOf: (change: C) => StoreEvent): void {
    const matched = new Map<Group, StoreEvent[]>()
    for (const change of changes) {
      const { key } = change.version
      let event: StoreEvent | undefined
      for (const length of this.#lengthsAscending) {
        if (length > key.length) break
        const group = this.#groups.get(key.slice(0, length))
        if (!group) continue
        event ??= eventOf(change)
        const list = matched.get(group)
        if (list) list.push(event)
        else matched.set(group, [event])
      }
    }
    for (const [group, list] of matched) {
      for (const watch of group.watches) {
        watch.reached = reached
        this.#deliver(watch, list)
      }
    }
  }

  /** Ends a watch without telling it. Harmless when it has ended. */
  cancel(watch: Watch): void {
    if (watch.ended) return
    watch.ended = true
    this.#behind.delete(watch)
    const group = this.#groups.get(watch.prefix)
    if (!group?.watches.delete(watch) || group.watches.size > 0) return
    this.#groups.delete(watch.prefix)
    this.#countLength(watch.prefix.length, -1)
  }

  /** Ends a watch and tells it why. Harmless when it has ended. */
  end(watch: Watch, error?: Error): void {
    if (watch.ended) return
    this.cancel(watch)
    try {
      watch.watcher.onEnd(error)
    } catch {
      // A watcher breaks its contract by throwing; the store and the other watchers must not suffer from it.
    }
  }

  endAll(error?: Error): void {
    for (const watch of this.#behind) this.end(watch, error)
    for (const group of this.#groups.values()) for (const watch of group.watches) this.end(watch, error)
  }

  #deliver(watch: Watch, events: readonly StoreEvent[]) {
    try {
      watch.watcher.onEvents(events)
    } catch (cause) {
      this.end(watch, new Error(`the watcher of ${watch.prefix} threw`, { cause }))
    }
  }

  #countLength(length: number, change: 1 | -1) {
    const count = (this.#lengths.get(length) ?? 0) + change
    if (count === 0) this.#lengths.delete(length)
    else this.#lengths.set(length, count)
    this.#lengthsAscending = [...this.#lengths.keys()].sort((a, b) => a - b)
  }
}
