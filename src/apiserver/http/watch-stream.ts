/** A watch as an HTTP response without an end. */
import type { Clock } from '#base/clock.ts'
import type { Random } from '#base/random.ts'
import type { ApiRequest } from '#client/transport.ts'
import { internalError, StatusError } from '#machinery/status-error.ts'
import type { Api, Caller } from '../api.ts'
import type { FanOut } from '../watch/fan-out.ts'
import { openWatch } from '../watch/open-watch.ts'
import type { SelectedBatch, SelectedEvent } from '../watch/watch-groups.ts'
import { cutOff, type Response } from './exchange.ts'
import { onceDrained, PIECE_BYTES } from './pieces.ts'
import { setWarnings } from './respond.ts'
import type { WatchEncoding } from './watch-encoding.ts'

/** Without a time-out of its own a watch lasts between this and twice this. */
const MIN_WATCH_SECONDS = 1800

export interface WatchStreamOptions {
  api: Api
  caller: Caller
  request: ApiRequest
  clock: Clock
  random: Random
  fanOut: FanOut
  /** A client that lets this much pile up is disconnected; it will resume from where it was. */
  maxBacklogBytes: number
  encoding: WatchEncoding
}

/** Throws StatusError when the watch is refused before anything was sent. */
export function streamWatch(res: Response, options: WatchStreamOptions): void {
  const { api, caller, request, clock, random, fanOut, maxBacklogBytes, encoding } = options
  let refused: Error | undefined
  let opened = false
  let cancel = () => {}
  const timeoutSeconds =
    request.options?.timeoutSeconds || MIN_WATCH_SECONDS + Math.floor(random.float() * MIN_WATCH_SECONDS)
  const begin = () => {
    if (res.headersSent) return
    setWarnings(res, caller.warnings)
    res.writeHead(200, { 'content-type': encoding.contentType, 'cache-control': 'no-cache, private' })
  }

  /** Live events that wait behind the initial ones; undefined as soon as nothing has to wait. */
  let waiting: Buffer[] | undefined
  let waitingBytes = 0
  const write = (bytes: Buffer) => {
    begin()
    if (waiting) {
      waiting.push(bytes)
      waitingBytes += bytes.length
    } else res.write(bytes)
    if (waitingBytes + res.writableLength > maxBacklogBytes) {
      cancel()
      waiting = undefined
      cutOff(res)
    }
  }
  /** The initial events go out no faster than the client takes them, since they may be many. */
  const writeInitial = (events: readonly SelectedEvent[], from: number) => {
    begin()
    let at = from
    while (waiting && at < events.length) {
      const lines: Buffer[] = []
      for (let bytes = 0; at < events.length && bytes < PIECE_BYTES; bytes += lines.at(-1)!.length)
        lines.push(encoding.event(events[at++]!))
      if (res.write(lines.length === 1 ? lines[0]! : Buffer.concat(lines))) continue
      const next = at
      onceDrained(res, clock, () => writeInitial(events, next))
      return
    }
    for (const bytes of waiting ?? []) res.write(bytes)
    waiting = undefined
    waitingBytes = 0
  }

  cancel = openWatch(api, caller, { ...request, options: { ...request.options, timeoutSeconds } }, clock, {
    fanOut,
    onInitial(events) {
      waiting = []
      writeInitial(events, 0)
    },
    onBatch(batch: SelectedBatch) {
      write(encoding.batch(batch))
    },
    onBookmark: (object) => write(encoding.bookmark(object)),
    onEnd(error) {
      // What still waits is left out: all lines so far are whole.
      waiting = undefined
      if (!opened) refused = error
      if (!error) begin()
      else if (opened || res.headersSent) {
        const status = error instanceof StatusError ? error : internalError(error.message, error)
        write(encoding.error(status.toStatus()))
      }
      if (res.headersSent) res.end()
    },
  })
  opened = true
  if (refused && !res.headersSent) {
    // A revision that is gone is told in the stream, where clients look for it.
    if (refused instanceof StatusError && refused.reason === 'Expired') {
      write(encoding.error(refused.toStatus()))
      res.end()
      return
    }
    throw refused
  }
  if (!res.writableEnded) {
    begin()
    // The head must go out now: clients wait for it before they trust the watch.
    ;(res as unknown as { flushHeaders?: () => void }).flushHeaders?.()
    res.once('close', cancel)
  }
}
