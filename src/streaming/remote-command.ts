/** Accepts exec and attach over whichever protocol the client speaks. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { isSpdyUpgrade, isWebSocketUpgrade, refuseUpgrade } from './http-upgrade.ts'
import type { AcceptOptions, RemoteCommandSession, RemoteCommandStreams } from './remote-command-session.ts'
import { acceptRemoteCommandOverSpdy } from './remote-command-spdy.ts'
import { acceptRemoteCommandOverWebSocket } from './remote-command-websocket.ts'

/**
 * Upgrades a request for exec or attach to a session. Throws UpgradeRefusedError after answering with an HTTP error, or
 * SpdyConnectionError when the client goes away, or does not create its streams in time.
 */
export async function acceptRemoteCommand(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  streams: RemoteCommandStreams,
  options: AcceptOptions,
): Promise<RemoteCommandSession> {
  const wanted = { ...streams, stderr: streams.stderr && !streams.tty }
  if (!wanted.stdin && !wanted.stdout && !wanted.stderr) {
    throw refuseUpgrade(socket, 400, 'you must specify at least 1 of stdin, stdout, stderr')
  }
  if (isWebSocketUpgrade(req)) return acceptRemoteCommandOverWebSocket(req, socket, head, wanted, options)
  if (isSpdyUpgrade(req)) return acceptRemoteCommandOverSpdy(req, socket, head, wanted, options)
  throw refuseUpgrade(socket, 400, 'unable to upgrade: missing upgrade headers in request')
}
