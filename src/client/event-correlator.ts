/**
 * Decides what becomes of an event before it is written: a repetition raises the count of the one already there, more
 * than ten different messages of the same reason within ten minutes are combined into one, and a source that floods
 * an object is cut off. Upstream: client-go's EventCorrelator.
 */
import type { Event } from '#api/core/v1/event.ts'
import type { Draft } from '#api/kind.ts'

/** Not yet stored, but complete otherwise. */
export type EventDraft = Draft<Event> & { metadata: { name: string; namespace: string } }

export interface Correlated {
  event: EventDraft
  /** The event is stored already under its name: only `count`, `lastTimestamp` and `message` change. */
  isUpdate: boolean
  /** Under which the correlator remembers it. */
  key: string
}

interface Observation {
  name: string
  count: number
  firstTimestamp: string
}

const CACHE_ENTRIES = 4096
const SIMILAR_LIMIT = 10
const SIMILAR_WINDOW_MS = 600_000
const SPAM_BURST = 25
const SPAM_REFILL_MS = 300_000

export class EventCorrelator {
  readonly #similar = new LeastRecentlyUsed<{ messages: Set<string>; atMs: number }>(CACHE_ENTRIES)
  readonly #observed = new LeastRecentlyUsed<Observation>(CACHE_ENTRIES)
  readonly #spam = new LeastRecentlyUsed<{ tokens: number; atMs: number }>(CACHE_ENTRIES)

  /** What to write for `event`, or undefined where it is dropped. `freshName` names the event that stands for many. */
  correlate(event: EventDraft, nowMs: number, freshName: () => string): Correlated | undefined {
    const { event: combined, key } = this.#aggregate(event, nowMs, freshName)
    const observed = this.#count(combined, key)
    return this.#isSpam(event, nowMs) ? undefined : { ...observed, key }
  }

  #aggregate(event: EventDraft, nowMs: number, freshName: () => string): { event: EventDraft; key: string } {
    const similarKey = keyOf(event, [event.type, event.reason, event.reportingComponent, event.reportingInstance])
    const found = this.#similar.get(similarKey)
    const record =
      found && nowMs - found.atMs <= SIMILAR_WINDOW_MS ? found : { messages: new Set<string>(), atMs: nowMs }
    const message = event.message ?? ''
    record.messages.add(message)
    record.atMs = nowMs
    this.#similar.set(similarKey, record)
    if (record.messages.size < SIMILAR_LIMIT) {
      return { event, key: keyOf(event, [event.involvedObject?.fieldPath, event.type, event.reason, message]) }
    }
    record.messages.delete(record.messages.values().next().value!)
    const combined = {
      ...event,
      metadata: { name: freshName(), namespace: event.metadata.namespace },
      message: `(combined from similar events): ${message}`,
    }
    return { event: combined, key: similarKey }
  }

  #count(event: EventDraft, key: string): { event: EventDraft; isUpdate: boolean } {
    const last = this.#observed.get(key)
    const next = !last
      ? event
      : {
          ...event,
          metadata: { ...event.metadata, name: last.name },
          firstTimestamp: last.firstTimestamp,
          count: last.count + 1,
        }
    this.stored(next, key)
    return { event: next, isUpdate: last !== undefined }
  }

  /** Remembers under which name and with which count the event now is. */
  stored(event: EventDraft, key: string): void {
    const { name } = event.metadata
    this.#observed.set(key, { name, count: event.count ?? 1, firstTimestamp: event.firstTimestamp ?? '' })
  }

  #isSpam(event: EventDraft, nowMs: number): boolean {
    const key = keyOf(event, [event.type])
    const bucket = this.#spam.get(key) ?? { tokens: SPAM_BURST, atMs: nowMs }
    bucket.tokens = Math.min(SPAM_BURST, bucket.tokens + (nowMs - bucket.atMs) / SPAM_REFILL_MS)
    bucket.atMs = nowMs
    this.#spam.set(key, bucket)
    if (bucket.tokens < 1) return true
    bucket.tokens--
    return false
  }
}

/** Source and object of the event, and `rest`. */
function keyOf({ source, involvedObject: object }: EventDraft, rest: readonly (string | undefined)[]): string {
  return JSON.stringify([
    source?.component,
    source?.host,
    object?.kind,
    object?.namespace,
    object?.name,
    object?.uid,
    object?.apiVersion,
    ...rest,
  ])
}

class LeastRecentlyUsed<V> {
  /** In the order of use, the longest unused first. */
  readonly #entries = new Map<string, V>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)
  }

  set(key: string, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.#limit) this.#entries.delete(this.#entries.keys().next().value!)
  }
}
