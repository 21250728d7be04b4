/**
 * Keeps a sink in step with a collection of the API: lists it, then watches from the list's resource version, forever.
 * The sink sees the full set (`replace`) whenever history was lost, and single changes (`apply`) between; it is never
 * told of a state older than what it was told before. Upstream: client-go's Reflector.
 */
import type { Clock } from '#base/clock.ts'
import { sleep } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { KubeObject, Resource } from '#api/kind.ts'
import { isStatus, StatusError } from '#machinery/status-error.ts'
import { Backoff } from './backoff.ts'
import type { Client } from './client.ts'
import type { WatchEvent } from './transport.ts'

/** What is reflected: everything of a resource, or what is left by a namespace and selectors. */
export interface Selection {
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
}

export interface ReflectorSink<T> {
  /** `items` is all there is. Called synchronously; must not throw. */
  replace(items: readonly T[]): void
  /** Changes in the order in which they happened; neither bookmarks nor errors are among them. */
  apply(events: readonly ObjectEvent<T>[]): void
}
export type ObjectEvent<T> = { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }

export interface ReflectorOptions<T extends KubeObject> {
  client: Client
  resource: Resource<T>
  selection?: Selection
  sink: ReflectorSink<T>
  clock: Clock
  random: Random
  log: Log
  /** Ends the reflector. */
  signal: AbortSignal
  /** `pages` lists with limit and continue; `stream` asks the watch for the initial state, and falls back to pages where that is refused. */
  initial?: 'pages' | 'stream'
  /** Objects per page. Default 10,000. */
  pageSize?: number
}

const MIN_WATCH_SECONDS = 300
/** A watch that neither ends nor fails this long after its own time-out is taken for dead. */
const WATCH_GRACE_MS = 30_000
/** A watch that ends sooner than this without an event counts as a failure, so that it isn't repeated in a tight loop. */
const SHORT_WATCH_MS = 1_000
/** After so many failed watches in a row the collection is listed again: its history may have moved under us. */
const RELIST_AFTER_FAILURES = 5
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end'

/** Runs until `signal` aborts; never rejects. */
export async function reflect<T extends KubeObject>(options: ReflectorOptions<T>): Promise<void> {
  const { clock, log, random, resource, signal } = options
  const backoff = new Backoff({ random, initialMs: 800, maxMs: 30_000 })
  let mode = options.initial ?? 'pages'
  let revision: string | undefined
  while (!signal.aborted) {
    let outcome: WatchOutcome
    if (revision === undefined && mode === 'pages') {
      try {
        revision = await listAll(options)
        continue
      } catch (error) {
        outcome = { error }
      }
    } else {
      outcome = await watchFrom(options, revision)
      revision = outcome.revision ?? revision
      if (revision === undefined && isStatus(outcome.error, 'BadRequest', 'Invalid', 'MethodNotAllowed')) {
        mode = 'pages'
        continue
      }
    }
    if (signal.aborted) return
    if (outcome.progressed || outcome.error === undefined) backoff.succeeded()
    if (outcome.error === undefined) continue
    const delayMs = backoff.next()
    if (outcome.relist || backoff.failures >= RELIST_AFTER_FAILURES) revision = undefined
    if (outcome.relist && backoff.failures === 1) continue
    const fields = { resource: resource.plural, delayMs: Math.round(delayMs), reason: messageOf(outcome.error) }
    if (backoff.failures > 1) log.warn(fields, 'cannot follow the collection; trying again')
    else log.debug(fields, 'the watch of the collection ended; trying again')
    await sleep(clock, delayMs, signal).catch(() => {})
  }
}

/** Hands the whole collection to the sink and returns the resource version that it is as of. */
async function listAll<T extends KubeObject>(options: ReflectorOptions<T>): Promise<string> {
  const { client, resource, selection, signal, sink } = options
  const items: T[] = []
  let limit: number | undefined = options.pageSize ?? 10_000
  let token: string | undefined
  for (;;) {
    try {
      const page = await client.list(resource, { ...selection, limit, continue: token, signal })
      for (const item of page.items) items.push(item)
      token = page.metadata.continue || undefined
      if (token === undefined) {
        if (!signal.aborted) sink.replace(items)
        return page.metadata.resourceVersion
      }
    } catch (error) {
      // The token outlived the history it points into. One unlimited list can't be torn apart so.
      if (token === undefined || !isStatus(error, 'Expired', 'Gone')) throw error
      items.length = 0
      token = undefined
      limit = undefined
    }
  }
}

interface WatchOutcome {
  /** Where the next watch may start. */
  revision?: string
  /** Anything at all has arrived. */
  progressed?: boolean
  relist?: boolean
  /** Why it ended early; absent where it ended as agreed. */
  error?: unknown
}

/** One watch, from `from` or, where that is undefined, from the initial state. Never rejects. */
function watchFrom<T extends KubeObject>(
  options: ReflectorOptions<T>,
  from: string | undefined,
): Promise<WatchOutcome> {
  const { client, clock, random, resource, selection, signal, sink } = options
  const startedAtMs = clock.monotonic()
  const timeoutSeconds = MIN_WATCH_SECONDS + random.int(MIN_WATCH_SECONDS)
  return new Promise((resolve) => {
    let initial: Map<string, T> | undefined = from === undefined ? new Map() : undefined
    let revision = from
    let progressed = false
    let settled = false
    let cancel = () => {}

    const settle = (error?: unknown) => {
      if (settled) return
      settled = true
      timer.cancel()
      signal.removeEventListener('abort', onAbort)
      const early = clock.monotonic() - startedAtMs < SHORT_WATCH_MS && !progressed
      const reason = error ?? (early ? new Error('the watch ended at once') : undefined)
      resolve({ revision, progressed, relist: losesHistory(error), error: reason })
    }
    const stop = (error?: unknown) => {
      settle(error)
      cancel()
    }
    const onAbort = () => stop()
    const timer = clock.after(timeoutSeconds * 1000 + WATCH_GRACE_MS, () => stop(new Error('the watch is dead')))
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) return stop()

    const takeInitial = (state: Map<string, T>, event: WatchEvent<T>) => {
      if (event.type === 'BOOKMARK') {
        if (event.object.metadata.annotations?.[INITIAL_EVENTS_END] !== 'true') return
        initial = undefined
        revision = event.object.metadata.resourceVersion
        sink.replace([...state.values()])
      } else if (event.type === 'DELETED') state.delete(keyOf(event.object))
      else if (event.type !== 'ERROR') state.set(keyOf(event.object), event.object)
    }

    cancel = client.watch(
      resource,
      {
        ...selection,
        allowWatchBookmarks: true,
        timeoutSeconds,
        ...(from === undefined
          ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' as const, resourceVersion: '' }
          : { resourceVersion: from }),
      },
      {
        onEvents(events) {
          if (settled) return
          const changes: ObjectEvent<T>[] = []
          let failure: StatusError | undefined
          for (const event of events) {
            if (event.type === 'ERROR') {
              failure = StatusError.from(event.object)
              break
            }
            progressed = true
            if (initial) {
              takeInitial(initial, event)
              continue
            }
            revision = event.object.metadata.resourceVersion
            if (event.type !== 'BOOKMARK') changes.push(event as ObjectEvent<T>)
          }
          if (changes.length > 0) sink.apply(changes)
          if (failure) stop(failure)
        },
        onEnd: settle,
      },
    )
    if (settled) cancel()
  })
}

/** Whether a watch that failed so cannot be taken up where it stopped. */
function losesHistory(error: unknown): boolean {
  if (!(error instanceof StatusError)) return false
  return !isStatus(error, 'TooManyRequests', 'ServiceUnavailable', 'Timeout', 'ServerTimeout', 'InternalError')
}

/** `namespace/name`, or `name` for a cluster-scoped object. Upstream: MetaNamespaceKeyFunc. */
export function keyOf(object: { metadata: { namespace?: string; name: string } }): string {
  const { namespace, name } = object.metadata
  return namespace ? `${namespace}/${name}` : name
}

/** The parts of a key made by `keyOf`. */
export function splitKey(key: string): { namespace?: string; name: string } {
  const slash = key.indexOf('/')
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}
