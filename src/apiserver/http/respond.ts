/** Sends answers and errors, whole or in pieces, compressed where that is accepted and worth it. */
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import { internalError, StatusError } from '#machinery/status-error.ts'
import { StoreUnavailable } from '#storage/store.ts'
import { cutOff, type Request, type Response } from './exchange.ts'
import { acceptsGzip, GZIP_ABOVE_BYTES, writeCompressed } from './gzip.ts'
import { negotiateStatus, wantsPretty } from './negotiate.ts'
import type { Outbox } from './outbox.ts'
import type { PathAnswer } from './path-handler.ts'
import { PIECE_BYTES, writePieces } from './pieces.ts'
import { type Body, statusBody } from './representation.ts'

const CACHE_CONTROL = 'no-cache, private'

export function sendBytes(
  res: Response,
  { code, body, contentType, headers }: PathAnswer,
  { req, outbox }: Pick<Delivery, 'req' | 'outbox'>,
) {
  discardRest(req)
  // Node would join a string with the headers, and encode those as it does the string.
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  res.writeHead(code, {
    'content-type': contentType,
    'cache-control': CACHE_CONTROL,
    'content-length': bytes.length,
    ...headers,
  })
  outbox.end(res, bytes)
}

/** How an answer is sent. */
export interface Delivery {
  readonly req: Request
  readonly clock: Clock
  readonly outbox: Outbox
}

/**
 * Lets the client send what nobody has read of its request, and forgets it, as Node does by itself over HTTP/1.1. Over
 * HTTP/2 it resets the stream once the answer is complete, and clients made with Node then keep for as long as the
 * connection lasts what they have not sent, until they can send nothing more.
 */
function discardRest(req: Request) {
  if ('stream' in req && !req.stream.endAfterHeaders && req.readableFlowing === null) req.resume()
}

/** An answer whose request has been given up in the meantime goes nowhere. */
export function sendBody(res: Response, code: number, { contentType, pieces }: Body, { req, clock, outbox }: Delivery) {
  if (res.headersSent || res.writableEnded) return
  discardRest(req)
  let total = 0
  for (const piece of pieces) total += piece.length
  const head = { 'content-type': contentType, 'cache-control': CACHE_CONTROL }
  if (total > GZIP_ABOVE_BYTES && acceptsGzip(req.headers['accept-encoding'])) {
    res.writeHead(code, { ...head, 'content-encoding': 'gzip', vary: 'Accept-Encoding' })
    writeCompressed(res, pieces, clock)
    return
  }
  res.writeHead(code, { ...head, 'content-length': total })
  if (total <= PIECE_BYTES) outbox.end(res, pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, total))
  else writePieces(res, pieces, clock)
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

/** Anything thrown as what a client is told; what is not a StatusError is a bug, logged whole and told without its details. */
export function statusErrorOf(err: unknown, log: Log, about: object): StatusError {
  if (err instanceof StatusError) return err
  if (err instanceof StoreUnavailable) return new StatusError('ServiceUnavailable', err.message, { cause: err })
  log.error({ ...about, err }, 'request failed by a bug')
  return internalError('an unexpected error, of which the log of the server says more', err)
}

export function sendError(res: Response, error: StatusError, query: URLSearchParams, delivery: Delivery) {
  // One that is complete already stands, such as that the time is over.
  if (res.writableEnded || delivery.outbox.holds(res)) return
  if (res.headersSent) {
    cutOff(res)
    return
  }
  const { headers } = delivery.req
  const retryAfter = error.details?.retryAfterSeconds
  if (retryAfter) res.setHeader('retry-after', String(retryAfter))
  if (error.code === 401) res.setHeader('www-authenticate', 'Bearer realm="rostrum"')
  const accepted = negotiateStatus(headers.accept)
  const isPretty = accepted.isPretty || wantsPretty(query, headers['user-agent'])
  sendBody(res, error.code, statusBody(error, { ...accepted, isPretty }), delivery)
}
