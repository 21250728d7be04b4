/**
 * Port-forward as kubectl does it since 1.31: SPDY inside the messages of a WebSocket, named by a subprotocol such as
 * `SPDY/3.1+portforward.k8s.io`. Towards the target the tunnel is taken off: it gets plain SPDY, whose bytes are passed on
 * unread. Upstream: TunnelingHandler of apiserver/pkg/util/proxy.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { isWebSocketUpgrade, refuseUpgrade, webSocketProtocols } from './http-upgrade.ts'
import { HEADER_PROTOCOL_VERSION, SPDY_UPGRADE, TUNNEL_PREFIX, TUNNEL_SUFFIX } from './protocols.ts'
import {
  dialTarget,
  forwardedHeaders,
  joinConnections,
  refuseWithStatus,
  relayResponse,
  type UpgradeProxyOptions,
} from './upgrade-proxy.ts'
import { WebSocketDuplex } from './websocket-duplex.ts'
import { acceptWebSocket } from './websocket-upgrade.ts'

const WEBSOCKET_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
  HEADER_PROTOCOL_VERSION,
])

export function isTunnelRequest(req: IncomingMessage): boolean {
  return isWebSocketUpgrade(req) && tunnelledProtocols(req).length > 0
}

/** Resolves when both sides are closed. Throws UpgradeRefusedError after answering, or the error that broke the tunnel. */
export async function tunnelSpdy(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: UpgradeProxyOptions,
): Promise<void> {
  const protocols = tunnelledProtocols(req)
  if (protocols.length === 0) {
    throw refuseUpgrade(socket, 400, 'unable to upgrade: no tunneling spdy protocols provided')
  }
  if (head.length > 0) socket.unshift(head)
  const headers = [
    ...forwardedHeaders(req, options, WEBSOCKET_HEADERS),
    'Content-Length',
    '0',
    'Connection',
    'Upgrade',
    'Upgrade',
    SPDY_UPGRADE,
  ]
  for (const protocol of protocols) headers.push('X-Stream-Protocol-Version', protocol)
  const response = await dialTarget(req, socket, options, headers, 'POST')
  if (!response.upgraded) return relayResponse(socket, response.response)
  const { head: answer, socket: target } = response
  if (
    !String(answer.headers.upgrade ?? '')
      .toLowerCase()
      .includes(SPDY_UPGRADE.toLowerCase())
  ) {
    target.destroy()
    throw refuseWithStatus(socket, 500, 'unable to upgrade: missing upgrade headers in response')
  }
  const chosen = String(answer.headers[HEADER_PROTOCOL_VERSION] ?? '').trim()
  try {
    const { ws } = acceptWebSocket(req, socket, Buffer.alloc(0), [TUNNEL_PREFIX + chosen])
    await joinConnections(new WebSocketDuplex(ws), target, options)
  } finally {
    target.destroy()
  }
}

function tunnelledProtocols(req: IncomingMessage): string[] {
  return webSocketProtocols(req)
    .filter((protocol) => protocol.startsWith(TUNNEL_PREFIX) && protocol.endsWith(TUNNEL_SUFFIX))
    .map((protocol) => protocol.slice(TUNNEL_PREFIX.length))
}
