/**
 * Port-forward as the pod's side sees it: any number of connections, each to a port, each with a place to report an error.
 *
 * Over SPDY a connection is a pair of streams, `data` and `error`, which share a request identifier; over WebSocket it is
 * a pair of channels for each port named in the request. Upstream: cri-streaming/pkg/streaming/portforward.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Timer } from '#base/clock.ts'
import { isSpdyUpgrade, isWebSocketUpgrade, refuseUpgrade } from './http-upgrade.ts'
import {
  forwardErrorMessage,
  parsePort,
  type PortForwardOptions,
  type PortForwardSession,
} from './port-forward-session.ts'
import { acceptPortForwardOverWebSocket } from './port-forward-websocket.ts'
import { PORT_FORWARD_PROTOCOL, STREAM_HEADER } from './protocols.ts'
import { SpdyConnectionError } from './spdy-connection.ts'
import type { SpdyStream } from './spdy-stream.ts'
import { acceptSpdy } from './spdy-upgrade.ts'

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
