/**
 * The server's half of an upgrade to SPDY/3.1: agrees on the protocol that will run inside (upstream's httpstream
 * handshake), answers 101 and starts the connection.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { refuseUpgrade, writeSwitchingProtocols } from './http-upgrade.ts'
import {
  HEADER_ACCEPTED_PROTOCOL_VERSIONS,
  HEADER_PROTOCOL_VERSION,
  headerItems,
  negotiate,
  SPDY_UPGRADE,
} from './protocols.ts'
import { SpdyConnection, type SpdyConnectionOptions } from './spdy-connection.ts'

const KEEP_ALIVE_MS = 30_000

export interface AcceptedSpdy {
  connection: SpdyConnection
  protocol: string
}

/** Throws UpgradeRefusedError after answering 400 (no version header) or 403 (none in common). */
export function acceptSpdy(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocols: readonly string[],
  options: Omit<SpdyConnectionOptions, 'role'>,
): AcceptedSpdy {
  const offered = headerItems(req.headersDistinct[HEADER_PROTOCOL_VERSION])
  if (offered.length === 0) {
    throw refuseUpgrade(socket, 400, 'unable to upgrade: header X-Stream-Protocol-Version does not exist in request')
  }
  const protocol = negotiate(offered, protocols)
  if (protocol === undefined) {
    const message = `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${protocols.join(' ')}]`
    throw refuseUpgrade(socket, 403, message, { [HEADER_ACCEPTED_PROTOCOL_VERSIONS]: protocols })
  }
  tuneSocket(socket)
  writeSwitchingProtocols(socket, SPDY_UPGRADE, { 'X-Stream-Protocol-Version': protocol })
  if (head.length > 0) socket.unshift(head)
  return { connection: new SpdyConnection(socket, { ...options, role: 'server' }), protocol }
}

/** Small writes go out at once, and a peer that vanished without a word is noticed within a minute. */
export function tuneSocket(stream: Duplex): void {
  const socket = stream as Partial<Socket>
  socket.setTimeout?.(0)
  socket.setNoDelay?.(true)
  socket.setKeepAlive?.(true, KEEP_ALIVE_MS)
}
