/**
 * Port-forward as the pod's side sees it: any number of connections, each to a port, each with a place to report an error.
 *
 * Over SPDY a connection is a pair of streams, `data` and `error`, which share a request identifier; over WebSocket it is
 * a pair of channels for each port named in the request. Upstream: cri-streaming/pkg/streaming/portforward.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Clock, Timer } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import { isSpdyUpgrade, isWebSocketUpgrade, refuseUpgrade } from './http-upgrade.ts'
import { acceptPortForwardOverWebSocket } from './port-forward-websocket.ts'
import { PORT_FORWARD_PROTOCOL, STREAM_HEADER } from './protocols.ts'
import { SpdyConnectionError } from './spdy-connection.ts'
import type { SpdyStream } from './spdy-stream.ts'
import { acceptSpdy } from './spdy-upgrade.ts'

/**
 * Serves one forwarded connection: usually connects to the port (with `allowHalfOpen`) and splices. Resolves when it is over, both streams are
 * closed then; a rejection's message is shown to the user. `signal` aborts when the client is gone.
 */
export type PortForwardHandler = (port: number, data: Duplex, signal: AbortSignal) => Promise<void>

export interface PortForwardSession {
  readonly signal: AbortSignal
  /** Resolves when the client's connection is over, for whatever reason. */
  readonly closed: Promise<void>
  close(): void
}

export interface PortForwardOptions {
  clock: Clock
  handler: PortForwardHandler
  /** Names the pod in errors: `error forwarding port 80 to pod <pod>, uid <uid>: ...`. */
  pod: string
  uid?: string
  /** Ports for WebSocket channels; default: those of the request's `port` parameters. SPDY names its ports itself. */
  ports?: readonly number[]
  /** Default 4 hours. */
  idleTimeoutMs?: number
  /** How long the second stream of a pair may take. Default 30 s. */
  streamCreationTimeoutMs?: number
}

interface Pair {
  timer?: Timer
  data?: SpdyStream
  error?: SpdyStream
}

/** Upgrades the request and serves connections until the client goes. Throws UpgradeRefusedError after answering. */
export function acceptPortForward(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: PortForwardOptions,
): PortForwardSession {
  if (isWebSocketUpgrade(req)) return acceptPortForwardOverWebSocket(req, socket, head, options)
  if (isSpdyUpgrade(req)) return acceptPortForwardOverSpdy(req, socket, head, options)
  throw refuseUpgrade(socket, 400, 'unable to upgrade: missing upgrade headers in request')
}

/** What the user reads when the handler of a connection fails. */
export function forwardErrorMessage(options: PortForwardOptions, port: number, error: unknown): string {
  return `error forwarding port ${port} to pod ${options.pod}, uid ${options.uid ?? ''}: ${messageOf(error)}`
}

function acceptPortForwardOverSpdy(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: PortForwardOptions,
): PortForwardSession {
  const pairs = new Map<string, Pair>()
  const gone = new AbortController()
  const { connection } = acceptSpdy(req, socket, head, [PORT_FORWARD_PROTOCOL], {
    clock: options.clock,
    idleTimeoutMs: options.idleTimeoutMs,
    onStream(stream) {
      const port = parsePort(stream.header(STREAM_HEADER.port))
      const type = stream.header(STREAM_HEADER.streamType)
      if (type !== 'data' && type !== 'error') throw new Error(`invalid stream type ${JSON.stringify(type)}`)
      // Clients older than request identifiers open the error stream and then the data stream.
      const id = stream.header(STREAM_HEADER.requestId) ?? `stream ${type === 'error' ? stream.id : stream.id - 2}`
      const pair = pairs.get(id) ?? newPair(id)
      if (pair[type]) throw new Error(`error processing stream for request ${id}: ${type} stream already assigned`)
      pair[type] = stream
      if (!pair.data || !pair.error) return
      pairs.delete(id)
      pair.timer?.cancel()
      void forward(options, port, pair.data, pair.error, gone.signal)
    },
  })

  function newPair(id: string): Pair {
    const pair: Pair = {}
    pairs.set(id, pair)
    pair.timer = options.clock.after(options.streamCreationTimeoutMs ?? 30_000, () => {
      if (pairs.get(id) !== pair) return
      pairs.delete(id)
      pair.error?.end(`(request=${id}) timed out waiting for streams`)
      pair.data?.destroy()
    })
    return pair
  }

  const closed = connection.closed.then((error) => {
    gone.abort(error ?? new SpdyConnectionError('the client closed the connection'))
    for (const pair of pairs.values()) pair.timer?.cancel()
    pairs.clear()
  })
  return { signal: gone.signal, closed, close: () => connection.close() }
}

async function forward(
  options: PortForwardOptions,
  port: number,
  data: SpdyStream,
  error: SpdyStream,
  signal: AbortSignal,
): Promise<void> {
  error.discardInput()
  let cancelled = false
  data.once('reset', () => (cancelled = true))
  try {
    await options.handler(port, data, signal)
    data.end()
    await finished(data, { readable: false }).catch(() => {})
  } catch (thrown) {
    // kubectl gives up the whole connection at the first error, so what a client cancelled must not become one.
    if (!cancelled) error.write(forwardErrorMessage(options, port, thrown))
  }
  error.end()
  await finished(error, { readable: false }).catch(() => {})
  // Whatever the client still sends on either has no reader any more.
  data.destroy()
}

/** Throws when `text` is no port. */
export function parsePort(text: string | undefined): number {
  if (text === undefined || text === '') throw new Error('"port" header is required')
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN
  if (!(port >= 1 && port <= 65_535)) throw new Error(`unable to parse ${JSON.stringify(text)} as a port`)
  return port
}
