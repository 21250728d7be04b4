/** The server's half of a WebSocket upgrade on an HTTP/1.1 socket, with an agreed subprotocol. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { refuseUpgrade, UpgradeRefusedError, webSocketProtocols } from './http-upgrade.ts'
import { negotiate } from './protocols.ts'
import { tuneSocket } from './spdy-upgrade.ts'

/** The largest message taken; the limit of upstream's server, which clients that send a file in one message rely on. */
export const MAX_WEBSOCKET_MESSAGE_BYTES = 32 << 20

export interface AcceptedWebSocket {
  /** Listen in the same turn: messages may follow in the next. */
  ws: WebSocket
  /** Empty when the client named none and the server allows that. */
  protocol: string
}

/** Throws UpgradeRefusedError after answering. */
export function acceptWebSocket(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocols: Iterable<string>,
): AcceptedWebSocket {
  const supported = [...protocols]
  const offered = webSocketProtocols(req)
  const protocol = negotiate(offered.length === 0 ? [''] : offered, supported)
  if (protocol === undefined) {
    const message = `requested protocol(s) are not supported: [${offered.join(' ')}]; supports [${supported.join(' ')}]`
    throw refuseUpgrade(socket, 403, message)
  }
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    skipUTF8Validation: true,
    maxPayload: MAX_WEBSOCKET_MESSAGE_BYTES,
  })
  let refused: Error | undefined
  let accepted: WebSocket | undefined
  server.on('wsClientError', (error) => (refused = error))
  // `ws` rejects the slash in kubectl's "SPDY/3.1+portforward.k8s.io", so the subprotocol is agreed on here.
  if (protocol !== '') server.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`))
  const { 'sec-websocket-protocol': _, ...headers } = req.headers
  tuneSocket(socket)
  server.handleUpgrade(
    Object.create(req, { headers: { value: headers } }) as IncomingMessage,
    socket,
    head,
    (ws) => (accepted = ws),
  )
  if (accepted) return { ws: accepted, protocol }
  if (refused) throw refuseUpgrade(socket, 400, `bad WebSocket handshake: ${refused.message}`)
  throw new UpgradeRefusedError(400, 'the client went away during the WebSocket handshake')
}
