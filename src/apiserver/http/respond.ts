/** Writes answers. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { dump } from 'js-yaml'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import { internalError, StatusError } from '#machinery/status-error.ts'
import { StoreUnavailable } from '#storage/store.ts'
import type { Listed } from '../registry/watch-cache.ts'

/** HTTP/1.1 and HTTP/2 through Node's common interface. */
export type Request = IncomingMessage | Http2ServerRequest
export type Response = Pick<
  ServerResponse,
  | 'writeHead'
  | 'write'
  | 'end'
  | 'headersSent'
  | 'writableEnded'
  | 'writableLength'
  | 'destroy'
  | 'setHeader'
  | 'on'
  | 'once'
  | 'off'
> & { statusCode: number }

export const asResponse = (res: ServerResponse | Http2ServerResponse) => res as unknown as Response

const JSON_TYPE = 'application/json'
const CACHE_CONTROL = 'no-cache, private'

/** `headers` adds to the common ones, or replaces them. */
export function sendBytes(
  res: Response,
  code: number,
  content: Buffer | string,
  contentType: string = JSON_TYPE,
  headers?: Record<string, string>,
) {
  // Node would join a string with the headers, and encode those as it does the string.
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  res.writeHead(code, {
    'content-type': contentType,
    'cache-control': CACHE_CONTROL,
    'content-length': bytes.length,
    ...headers,
  })
  res.end(bytes)
}

export function sendValue(
  res: Response,
  code: number,
  value: unknown,
  format: 'json' | 'yaml' = 'json',
  pretty = false,
) {
  if (format === 'yaml') sendBytes(res, code, dump(value, { noRefs: true, sortKeys: true }), 'application/yaml')
  else sendBytes(res, code, `${JSON.stringify(value, undefined, pretty ? 2 : undefined)}\n`)
}

/** A list as its objects' own bytes between a head and a tail; written in pieces, so that a large one is never copied whole. */
export function sendList(res: Response, head: string, entries: readonly Listed[], clock: Clock) {
  const pieces: Buffer[] = [Buffer.from(head)]
  let total = pieces[0]!.length + LIST_END.length
  for (let i = 0; i < entries.length; i++) {
    const { wire } = entries[i]!
    if (i > 0) pieces.push(COMMA)
    pieces.push(wire)
    total += wire.length + (i > 0 ? 1 : 0)
  }
  pieces.push(LIST_END)
  res.writeHead(200, { 'content-type': JSON_TYPE, 'cache-control': CACHE_CONTROL, 'content-length': total })
  if (total <= PIECE_BYTES) {
    res.end(Buffer.concat(pieces, total))
    return
  }
  writePieces(res, pieces, 0, clock)
}

const COMMA = Buffer.from(',')
const LIST_END = Buffer.from(']}\n')
const PIECE_BYTES = 256 << 10

/** Joins small buffers into pieces of about PIECE_BYTES and waits for the client to take them. */
function writePieces(res: Response, pieces: readonly Buffer[], from: number, clock: Clock) {
  let at = from
  while (at < pieces.length) {
    const start = at
    let bytes = 0
    while (at < pieces.length && bytes < PIECE_BYTES) bytes += pieces[at++]!.length
    const piece = at - start === 1 ? pieces[start]! : Buffer.concat(pieces.slice(start, at), bytes)
    if (at === pieces.length) res.end(piece)
    else if (!res.write(piece)) {
      const next = at
      onceDrained(res, clock, () => writePieces(res, pieces, next, clock))
      return
    }
  }
}

/** All warnings together may be this long; where they are longer, each is cut (characters). */
const MAX_WARNINGS_LENGTH = 4096
const MAX_CUT_WARNING = 256

/** `Warning` headers, each text once. */
export function setWarnings(res: Response, warnings: readonly string[]) {
  if (warnings.length === 0 || res.headersSent) return
  let texts = [...new Set(warnings)]
  const isLong = texts.reduce((sum, text) => sum + text.length, 0) > MAX_WARNINGS_LENGTH
  if (isLong) texts = texts.map((text) => text.slice(0, MAX_CUT_WARNING))
  let left = MAX_WARNINGS_LENGTH
  const values = texts.filter((text) => (left -= text.length) >= 0 || !isLong).map(headerText)
  res.setHeader(
    'warning',
    values.map((text) => `299 - "${text}"`),
  )
}

/** Headers carry bytes, which are UTF-8 here; control characters can't be sent at all. */
function headerText(text: string): string {
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ').replace(/["\\]/g, '\\$&')
  return Buffer.from(plain).toString('latin1')
}

/** A client that takes nothing for so long is taken for gone. */
const STALLED_MS = 60_000

/** Calls `next` when the client has taken what was written; ends the connection of one that does not. */
export function onceDrained(res: Response, clock: Clock, next: () => void) {
  const timer = clock.after(STALLED_MS, () => res.destroy())
  const settle = () => {
    timer.cancel()
    res.off('close', settle)
    res.off('drain', drained)
  }
  const drained = () => {
    settle()
    next()
  }
  res.once('close', settle)
  res.once('drain', drained)
}

/** Anything thrown becomes a Status; what is not a StatusError is a bug, logged whole and answered without its details. */
export function sendError(res: Response, err: unknown, log: Log, about: object) {
  let error: StatusError
  if (err instanceof StatusError) error = err
  else if (err instanceof StoreUnavailable) error = new StatusError('ServiceUnavailable', err.message, { cause: err })
  else {
    log.error({ ...about, err }, 'request failed by a bug')
    error = internalError('an unexpected error, of which the log of the server says more', err)
  }
  if (res.headersSent || res.writableEnded) {
    res.destroy()
    return
  }
  const retryAfter = error.details?.retryAfterSeconds
  if (retryAfter) res.setHeader('retry-after', String(retryAfter))
  if (error.code === 401) res.setHeader('www-authenticate', 'Bearer realm="rostrum"')
  sendValue(res, error.code, error.toStatus())
}
