/** A request and its answer, of HTTP/1.1 or HTTP/2. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'

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
export const asRequest = (req: IncomingMessage | Http2ServerRequest): Request => req
