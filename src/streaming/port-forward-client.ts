/** Port-forward from the client's side, over SPDY. Upstream: client-go/tools/portforward. */
import type { Duplex } from 'node:stream'
import { PORT_FORWARD_PROTOCOL } from './protocols.ts'
import type { SpdyStream } from './spdy-stream.ts'
import { dialSpdy, type DialSpdyOptions } from './upgrade-client.ts'

export interface ForwardedConnection {
  /** The bytes to and from the port; half-closes like a socket. Destroy it when done. */
  readonly data: Duplex
  /** Resolves when the server is done with the connection: with what went wrong, or with undefined. */
  readonly failure: Promise<string | undefined>
}

export interface PortForwardClient {
  /** Opens a connection to a port of the pod. Throws SpdyConnectionError once closed. */
  open(port: number): ForwardedConnection
  close(): void
  /** Resolves when the connection is over: with the error that ended it, or with undefined. */
  readonly closed: Promise<Error | undefined>
}

const PING_INTERVAL_MS = 10_000
const MAX_ERROR_CHARS = 64 << 10

/** Throws DialError or UpgradeFailedError. */
export async function dialPortForward(
  options: Omit<DialSpdyOptions, 'protocols' | 'connection'>,
): Promise<PortForwardClient> {
  const { connection } = await dialSpdy({
    ...options,
    protocols: [PORT_FORWARD_PROTOCOL],
    connection: { pingIntervalMs: PING_INTERVAL_MS },
  })
  let nextRequestId = 0
  return {
    closed: connection.closed,
    close: () => connection.close(),
    open(port) {
      const headers = { port: String(port), requestID: String(nextRequestId++) }
      const error = connection.createStream({ streamType: 'error', ...headers })
      error.end()
      const data = connection.createStream({ streamType: 'data', ...headers })
      return { data, failure: readFailure(error) }
    },
  }
}

function readFailure(stream: SpdyStream): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = ''
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => (text = (text + chunk).slice(0, MAX_ERROR_CHARS)))
    stream.on('end', () => resolve(text === '' ? undefined : text))
    stream.on('error', (error: Error) => resolve(error.message))
    stream.on('close', () => resolve(text === '' ? undefined : text))
  })
}
