/** A request and its answer, of HTTP/1.1 or HTTP/2. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { WatchSocket } from './watch-socket.ts'

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

export const asResponse = (res: ServerResponse | Http2ServerResponse | WatchSocket) => res as unknown as Response
export const asRequest = (req: IncomingMessage | Http2ServerRequest): Request => req

/**
 * Ends an answer that will not be completed: the stream, or the whole connection where it is HTTP/1.1. Not at once, because
 * this may be called while nghttp2 is reading: it calls back in the middle of a packet, and a stream that is reset then may
 * be one that it goes on to use (nodejs/node#64113).
 */
export function cutOff(res: Pick<Response, 'destroy'>) {
  setImmediate(() => res.destroy())
}
