/**
 * A watch as a client asks for it: where it starts, what it is told first, bookmarks, and its end by time-out. Upstream:
 * the watch semantics of the API concepts page; `sendInitialEvents` is KEP-3157.
 */
import type { KubeObject } from '#api/kind.ts'
import { type Clock, every } from '#base/clock.ts'
import type { ApiRequest } from '#client/transport.ts'
import { gone, type StatusError } from '#machinery/status-error.ts'
import { Compacted, FutureRevision } from '#storage/store.ts'
import type { Api, Caller } from '../api.ts'
import { ConvertedObject, storedRequest } from '../converted.ts'
import { parseRevision, tooLargeRevision, wantsInitialEvents } from '../list-options.ts'
import { selectionOf } from '../selection.ts'
import { type BatchSink, type SelectedBatch, SelectedEvent } from './watch-groups.ts'

export interface OpenWatchSink extends Pick<BatchSink, 'fanOut'> {
  /** What there is at the start, if it is asked for and there is anything. Called at most once, before all else. */
  onInitial(events: readonly SelectedEvent[]): void
  onBatch(batch: SelectedBatch): void
  /** An object with nothing but a kind and a resourceVersion. */
  onBookmark(object: KubeObject): void
  /** Called once; not after `cancel`. A StatusError is for the client to see. */
  onEnd(error?: Error): void
}

const BOOKMARK_PERIOD_MS = 60_000
/** So long before its end a watch is told where it is, so that the next one begins there. */
const LAST_BOOKMARK_MS = 2_000

/** Refusals arrive at `sink.onEnd`, synchronously; the returned function cancels. */
export function openWatch(
  api: Api,
  caller: Caller,
  request: ApiRequest,
  clock: Clock,
  sink: OpenWatchSink,
): () => void {
  let cancelWatch = () => {}
  let ended = false
  const timers: { cancel(): void }[] = []
  const stop = () => {
    ended = true
    cancelWatch()
    for (const timer of timers) timer.cancel()
  }
  const end = (error?: Error) => {
    if (ended) return
    stop()
    sink.onEnd(error && asStatus(error, request))
  }
  const attempt = (step: () => void) => {
    try {
      step()
    } catch (err) {
      end(err as Error)
    }
  }
  attempt(() => {
    const options = request.options ?? {}
    const wantsInitial = wantsInitialEvents(options)
    const asked = parseRevision(options.resourceVersion)
    // Authorise before anything is looked at.
    api.authorize(caller.user, request, 'watch')
    const { conversion, warning } = api.entry(request.resource)
    if (warning) caller.warnings.push(warning)
    const { registry } = api.served(request.resource)
    const { cache } = registry
    if (asked !== undefined && asked > cache.revision) throw tooLargeRevision(asked, cache.revision)
    const selection = selectionOf(registry, conversion ? storedRequest(conversion, request) : request)
    const begin = () => {
      const start = wantsInitial || !asked ? cache.revision : asked
      if (wantsInitial) sendInitial(start)
      cancelWatch = api.watch(caller, request, start, {
        fanOut: sink.fanOut,
        onBatch: (batch) => sink.onBatch(batch),
        onEnd: end,
      })
      // A cache that is behind can't say up to where its watchers have been told.
      if (options.allowWatchBookmarks && !cache.isDelayed) {
        const tell = () => {
          // A bookmark says that everything up to it has been told.
          sink.fanOut?.flush()
          sink.onBookmark(bookmark(request, cache.revision, false))
        }
        timers.push(every(clock, BOOKMARK_PERIOD_MS, tell))
        const lastMs = (options.timeoutSeconds ?? 0) * 1000 - LAST_BOOKMARK_MS
        if (lastMs > 0) timers.push(clock.after(lastMs, tell))
      }
      if (options.timeoutSeconds) timers.push(clock.after(options.timeoutSeconds * 1000, () => end()))
    }
    const sendInitial = (start: number) => {
      const matching = cache.page(selection, { limit: 0 }).entries
      const initial = conversion
        ? matching.map((entry) => new ConvertedObject(conversion, entry.object, entry))
        : matching
      if (initial.length > 0) sink.onInitial(initial.map((entry) => new SelectedEvent('ADDED', entry.revision, entry)))
      if (options.allowWatchBookmarks) sink.onBookmark(bookmark(request, start, true))
    }
    const pending = wantsInitial ? cache.prepare(selection.prefix) : undefined
    if (pending) pending.then(() => ended || attempt(begin), end)
    else begin()
  })
  if (ended) stop()
  return stop
}

function bookmark({ resource }: ApiRequest, revision: number, initialEventsEnd: boolean): KubeObject {
  return {
    kind: resource.kind,
    apiVersion: resource.apiVersion,
    metadata: {
      resourceVersion: String(revision),
      creationTimestamp: null,
      ...(initialEventsEnd && { annotations: { 'k8s.io/initial-events-end': 'true' } }),
    } as unknown as KubeObject['metadata'],
  }
}

function asStatus(error: Error, { options }: ApiRequest): Error | StatusError {
  if (error instanceof Compacted)
    return gone(`too old resource version: ${options?.resourceVersion} (${error.compacted})`)
  if (error instanceof FutureRevision) return tooLargeRevision(Number(options?.resourceVersion), error.current, error)
  return error
}
