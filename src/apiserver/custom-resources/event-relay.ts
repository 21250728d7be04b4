/**
 * Passes events on to a watcher in their order, each once what it is about is ready. As long as nothing has to be waited
 * for, that is at once.
 */
import type { CachedObject } from '../registry/watch-cache.ts'
import type { CacheEvent, CacheWatcher } from '../registry/object-cache.ts'

export interface EventRelayOptions {
  watcher: CacheWatcher
  /** Makes ready what events are about; undefined where it is. A rejection ends the watch. */
  ready(events: readonly CacheEvent<CachedObject>[]): Promise<void> | undefined
  show(event: CacheEvent<CachedObject>): CacheEvent
}

/** A watcher that is further behind is ended; it may start again from where it was. */
const MAX_WAITING = 10_000

export class EventRelay implements CacheWatcher<CachedObject> {
  readonly #options: EventRelayOptions
  #waiting: CacheEvent<CachedObject>[] = []
  #isBusy = false
  #isClosed = false

  constructor(options: EventRelayOptions) {
    this.#options = options
  }

  onEvents(events: readonly CacheEvent<CachedObject>[]) {
    if (this.#isClosed) return
    const pending = this.#isBusy ? undefined : this.#options.ready(events)
    if (!this.#isBusy && !pending) return this.#deliver(events)
    this.#waiting.push(...events)
    if (this.#waiting.length > MAX_WAITING) this.#end(new Error('the watch is too far behind'))
    else if (!this.#isBusy) void this.#run()
  }

  onEnd(error?: Error) {
    if (this.#isClosed) return
    this.#end(error)
  }

  /** Nothing is delivered from now on. */
  close() {
    this.#isClosed = true
    this.#waiting = []
  }

  #deliver(events: readonly CacheEvent<CachedObject>[]) {
    this.#options.watcher.onEvents(events.map((event) => this.#options.show(event)))
  }

  #end(error: Error | undefined) {
    this.close()
    this.#options.watcher.onEnd(error)
  }

  async #run() {
    this.#isBusy = true
    try {
      while (this.#waiting.length > 0) {
        const events = this.#waiting
        this.#waiting = []
        await this.#options.ready(events)
        if (this.#isClosed) return
        this.#deliver(events)
      }
    } catch (err) {
      if (!this.#isClosed) this.#end(err as Error)
    } finally {
      this.#isBusy = false
    }
  }
}
