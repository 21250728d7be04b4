/**
 * The newest changes of one resource, for watches that start a little in the past and for selections that are brought up to
 * date; older ones come from the store. Few, of the last minutes, and not large, so that memory does not grow with what
 * has happened. Upstream: the event window of the cacher, with its fresh duration and its least capacity.
 */
import type { Clock } from '#base/clock.ts'
import type { Revision } from '#storage/store.ts'
import type { CacheEvent, Listed } from './object-cache.ts'

/** Twice as many, or as large, are cut down to these. */
const MAX_EVENTS = 1024
const MAX_BYTES = 8 << 20
/** What is twice as old is dropped, but for so many. */
const FRESH_MS = 75_000
const MIN_EVENTS = 100

/** An object that knows how much memory its bytes take. */
interface Sized extends Listed {
  readonly size: number
}

export class RecentEvents<O extends Sized> {
  readonly #clock: Clock
  /** In order of revisions. */
  #events: CacheEvent<O>[] = []
  #bytes = 0
  /** Every event after this revision is here. */
  #after: Revision = 0
  /** Everything up to this revision was here when events were last looked through. */
  #seen: Revision = 0
  #isWaiting = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Begins with what happens after `revision`. */
  begin(revision: Revision) {
    this.#after = revision
  }

  push(events: readonly CacheEvent<O>[]) {
    for (const event of events) {
      this.#events.push(event)
      this.#bytes += sizeOf(event)
    }
    if (this.#events.length > 2 * MAX_EVENTS || this.#bytes > 2 * MAX_BYTES) {
      let keep = 0
      let bytes = 0
      while (keep < this.#events.length && keep < MAX_EVENTS) {
        bytes += sizeOf(this.#events.at(-1 - keep)!)
        if (bytes > MAX_BYTES) break
        keep++
      }
      this.#dropAllBut(keep)
    }
    this.#lookThroughLater()
  }

  /** What has happened after `revision`, or undefined where memory does not reach back so far. */
  since(revision: Revision): CacheEvent<O>[] | undefined {
    if (revision < this.#after) return undefined
    let from = this.#events.length
    while (from > 0 && this.#events[from - 1]!.revision > revision) from--
    return this.#events.slice(from)
  }

  #lookThroughLater() {
    if (this.#isWaiting || this.#events.length <= MIN_EVENTS) return
    this.#isWaiting = true
    this.#clock.after(FRESH_MS, () => {
      this.#isWaiting = false
      const newer = this.since(Math.max(this.#seen, this.#after))!.length
      this.#dropAllBut(Math.max(newer, MIN_EVENTS))
      this.#seen = this.#events.at(-1)?.revision ?? this.#seen
      this.#lookThroughLater()
    })
  }

  #dropAllBut(keep: number) {
    const count = this.#events.length - keep
    if (count <= 0) return
    for (let i = 0; i < count; i++) this.#bytes -= sizeOf(this.#events[i]!)
    this.#after = this.#events[count - 1]!.revision
    this.#events = this.#events.slice(count)
  }
}

const sizeOf = ({ current, previous }: CacheEvent<Sized>) => (current?.size ?? 0) + (previous?.size ?? 0)
