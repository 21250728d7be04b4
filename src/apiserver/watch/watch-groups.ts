/**
 * Watches of one resource, grouped by what they select: everything that is the same for all watchers of a selection
 * (matching, the type of each event, its bytes) is worked out once for all of them.
 */
import type { KubeObject } from '#api/kind.ts'
import type { Revision } from '#storage/store.ts'
import type { FanOut } from './fan-out.ts'
import type { CacheEvent, Listed, ObjectCache, Selection } from '../registry/object-cache.ts'

export type SelectedType = 'ADDED' | 'MODIFIED' | 'DELETED'

export class SelectedEvent {
  readonly type: SelectedType
  readonly revision: Revision
  readonly #sent: Listed

  /** A deleted object is sent with the revision of its deletion. */
  constructor(type: SelectedType, revision: Revision, listed: Listed) {
    this.type = type
    this.revision = revision
    this.#sent = type === 'DELETED' && listed.revision !== revision ? listed.at(revision) : listed
  }

  get object(): KubeObject {
    return this.#sent.object
  }

  /** Bytes of its object in JSON. */
  get size(): number {
    return this.#sent.wire.length
  }

  /** One line of a JSON watch stream. */
  get line(): Buffer {
    return Buffer.concat([Buffer.from(`{"type":"${this.type}","object":`), this.#sent.wire, LINE_END])
  }

  /** The object as `Listed.protobuf` has it. */
  get protobuf(): Buffer {
    return this.#sent.protobuf
  }
}
const LINE_END = Buffer.from('}\n')

/** Events that reach every watcher of a selection together. */
export class SelectedBatch {
  readonly events: readonly SelectedEvent[]
  /** By the name of the encoding. */
  #encoded: Map<string, Buffer> | undefined
  #derived: Map<object, SelectedBatch> | undefined

  constructor(events: readonly SelectedEvent[]) {
    this.events = events
  }

  /** All of them, one after the other; made once for each `name` and shared by all watchers. Without one, made anew. */
  encoded(name: string | undefined, encode: (event: SelectedEvent) => Buffer): Buffer {
    const make = () => (this.events.length === 1 ? encode(this.events[0]!) : Buffer.concat(this.events.map(encode)))
    if (name === undefined) return make()
    this.#encoded ??= new Map()
    let bytes = this.#encoded.get(name)
    if (!bytes) this.#encoded.set(name, (bytes = make()))
    return bytes
  }

  /** The same events in another form, made once for each `form`. */
  derived(form: object, change: (event: SelectedEvent) => SelectedEvent): SelectedBatch {
    this.#derived ??= new Map()
    let batch = this.#derived.get(form)
    if (!batch) this.#derived.set(form, (batch = new SelectedBatch(this.events.map(change))))
    return batch
  }
}

/** Must neither throw nor block. */
export interface BatchSink {
  /** Where given, several batches may arrive as one, a little later. */
  readonly fanOut?: FanOut | undefined
  onBatch(batch: SelectedBatch): void
  onEnd(error?: Error): void
}

/** Much less than what a watcher may be behind. */
const MAX_WAITING_BYTES = 256 << 10

/** Watchers of one selection that are told of it together. */
class Group {
  readonly sinks = new Set<BatchSink>()
  readonly #fanOut: FanOut | undefined
  #waiting: SelectedEvent[] = []
  #waitingBytes = 0
  readonly #tell = () => this.tell()
  /** Ends its following of the cache. */
  cancel = () => {}

  constructor(fanOut: FanOut | undefined) {
    this.#fanOut = fanOut
  }

  onEvents(events: readonly SelectedEvent[]) {
    for (const event of events) this.#waiting.push(event)
    if (!this.#fanOut) return this.tell()
    for (const { size } of events) this.#waitingBytes += size
    if (this.#waitingBytes < MAX_WAITING_BYTES) this.#fanOut.request(this.#tell)
    else this.tell()
  }

  /** Tells what waits. */
  tell() {
    if (this.#waiting.length === 0) return
    const batch = new SelectedBatch(this.#waiting)
    this.#waiting = []
    this.#waitingBytes = 0
    for (const sink of this.sinks) sink.onBatch(batch)
  }
}

export class WatchGroups {
  readonly #cache: ObjectCache
  readonly #groups = new Map<string, Group>()

  constructor(cache: ObjectCache) {
    this.#cache = cache
  }

  /** How many watchers there are. */
  get size(): number {
    let n = 0
    for (const group of this.#groups.values()) n += group.sinks.size
    return n
  }

  /** Delivers what happens to the selection after `after`. Throws Compacted, FutureRevision. The returned function cancels. */
  watch(selection: Selection, after: Revision, sink: BatchSink): () => void {
    if (after < this.#cache.revision) {
      // The past is this watcher's own; it joins the group only if the present has been reached by then.
      const missed = this.#cache.recent(selection.prefix, after)
      if (missed === undefined) {
        return this.#cache.watchFromStore(selection.prefix, after, {
          onEvents: (events) => deliver(sink, select(selection, events)),
          onEnd: (error) => sink.onEnd(error),
        })
      }
      deliver(sink, select(selection, missed))
    } else this.#cache.checkReached(after)
    return this.#join(selection, sink.fanOut, this.#cache.isDelayed ? onlyAfter(after, sink) : sink)
  }

  #join(selection: Selection, fanOut: FanOut | undefined, sink: BatchSink): () => void {
    const key = `${fanOut ? 'paced' : 'prompt'} ${selection.signature}`
    const group = this.#groups.get(key) ?? this.#begin(key, selection, fanOut)
    // What has happened already is no news for this one.
    group.tell()
    group.sinks.add(sink)
    return () => {
      group.sinks.delete(sink)
      if (group.sinks.size > 0 || this.#groups.get(key) !== group) return
      this.#groups.delete(key)
      group.cancel()
    }
  }

  #begin(key: string, selection: Selection, fanOut: FanOut | undefined): Group {
    const group = new Group(fanOut)
    this.#groups.set(key, group)
    group.cancel = this.#cache.follow(selection.prefix, {
      onEvents: (events) => {
        const selected = select(selection, events)
        if (selected.length > 0) group.onEvents(selected)
      },
      onEnd: (error) => {
        this.#groups.delete(key)
        group.tell()
        for (const sink of group.sinks) sink.onEnd(error)
      },
    })
    return group
  }
}

/** What a cache that is behind its reads still has to tell may have been seen already. */
function onlyAfter(after: Revision, sink: BatchSink): BatchSink {
  return {
    onBatch: (batch) =>
      deliver(
        sink,
        batch.events.filter(({ revision }) => revision > after),
      ),
    onEnd: (error) => sink.onEnd(error),
  }
}

function deliver(sink: BatchSink, events: readonly SelectedEvent[]) {
  if (events.length > 0) sink.onBatch(new SelectedBatch(events))
}

/** An object that begins to match is ADDED to the selection, one that ceases to is DELETED from it. */
function select(selection: Selection, events: readonly CacheEvent[]): SelectedEvent[] {
  const out: SelectedEvent[] = []
  for (const { current, previous, revision } of events) {
    const is = current !== undefined && selection.matches(current.object)
    const was = previous !== undefined && selection.matches(previous.object)
    if (is) out.push(new SelectedEvent(was ? 'MODIFIED' : 'ADDED', revision, current))
    else if (was) out.push(new SelectedEvent('DELETED', revision, previous))
  }
  return out
}
