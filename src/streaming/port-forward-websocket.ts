/**
 * Port-forward over WebSocket channels: for the n-th port of the request channel 2n carries data and 2n+1 an error, and
 * both begin with the port as two little-endian bytes. One connection a port, which cannot be half-closed.
 */
import type { IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import { refuseUpgrade } from './http-upgrade.ts'
import {
  forwardErrorMessage,
  parsePort,
  type PortForwardOptions,
  type PortForwardSession,
} from './port-forward-session.ts'
import { PORT_FORWARD_CHANNEL_PROTOCOLS } from './protocols.ts'
import { WebSocketChannels, WebSocketClosedError } from './websocket-channels.ts'
import { acceptWebSocket } from './websocket-upgrade.ts'

const MAX_PORTS = 64

export function acceptPortForwardOverWebSocket(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: PortForwardOptions,
): PortForwardSession {
  const ports = options.ports?.length ? options.ports : requestedPorts(req, socket)
  if (ports.length > MAX_PORTS) throw refuseUpgrade(socket, 400, `${ports.length} ports, at most ${MAX_PORTS}`)
  const { ws, protocol } = acceptWebSocket(req, socket, head, PORT_FORWARD_CHANNEL_PROTOCOLS.keys())
  const channels = new WebSocketChannels(ws, {
    clock: options.clock,
    base64: PORT_FORWARD_CHANNEL_PROTOCOLS.get(protocol)!.base64,
    closeSignal: false,
    sendCloseSignal: false,
    idleTimeoutMs: options.idleTimeoutMs,
    readable: ports.map((_, i) => 2 * i),
    writable: ports.flatMap((_, i) => [2 * i, 2 * i + 1]),
  })
  const gone = new AbortController()
  const closed = channels.closed.then((code) =>
    gone.abort(new WebSocketClosedError(`the client closed the WebSocket with code ${code}`)),
  )

  async function forward(port: number, index: number): Promise<void> {
    const output = channels.writable(2 * index)
    const error = channels.writable(2 * index + 1)
    const portBytes = Buffer.alloc(2)
    portBytes.writeUInt16LE(port)
    output.write(portBytes)
    error.write(portBytes)
    const data = Duplex.from({ readable: channels.readable(2 * index), writable: output })
    data.on('error', () => {})
    try {
      await options.handler(port, data, gone.signal)
    } catch (thrown) {
      error.write(forwardErrorMessage(options, port, thrown))
    }
    output.end()
    error.end()
    await Promise.all([finished(output), finished(error)]).catch(() => {})
  }

  void Promise.all(ports.map(forward)).then(() => channels.close())
  return { signal: gone.signal, closed, close: () => channels.close() }
}

function requestedPorts(req: IncomingMessage, socket: Duplex): number[] {
  const query = new URL(req.url ?? '/', 'http://localhost').searchParams.getAll('port')
  try {
    if (query.length === 0) throw new Error('query parameter "port" is required')
    return query.flatMap((value) => value.split(',')).map(parsePort)
  } catch (error) {
    throw refuseUpgrade(socket, 400, (error as Error).message)
  }
}
