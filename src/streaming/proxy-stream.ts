/**
 * What an API server or a kubelet does with a request for exec, attach or port-forward: bring the client's connection to
 * the target. Newer clients' WebSockets become SPDY on the way (translated for exec and attach, untunnelled for
 * port-forward); everything else, SPDY and older WebSocket protocols alike, passes through as it is.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { UpgradeRefusedError, wantsUpgrade } from './http-upgrade.ts'
import type { RemoteCommandStreams } from './remote-command-session.ts'
import { isTranslatableRequest, translateStreams } from './stream-translator.ts'
import { isTunnelRequest, tunnelSpdy } from './tunnel.ts'
import { proxyUpgrade, refuseWithStatus, type UpgradeProxyOptions } from './upgrade-proxy.ts'

export interface ProxyStreamOptions extends UpgradeProxyOptions {
  /** `raw` always passes through: kubelet to container runtime, and `proxy` subresources. */
  kind: 'exec' | 'attach' | 'portforward' | 'raw'
  /** Default for exec and attach: what the request's query asks for (`stdin`, `stdout`, `stderr`, `tty`). */
  streams?: RemoteCommandStreams
}

/**
 * Takes over the socket of an `upgrade` event until the stream is over. Never rejects: the client has been answered, and
 * the log knows.
 */
export async function proxyStream(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: ProxyStreamOptions,
): Promise<void> {
  socket.on('error', () => {})
  try {
    await dispatch(req, socket, head, options)
  } catch (error) {
    options.log.debug({ err: error, kind: options.kind, target: options.target.host }, 'a proxied stream ended early')
    if (!(error instanceof UpgradeRefusedError)) socket.destroy()
  }
}

function dispatch(req: IncomingMessage, socket: Duplex, head: Buffer, options: ProxyStreamOptions): Promise<void> {
  const { kind } = options
  if (!wantsUpgrade(req)) throw refuseWithStatus(socket, 400, 'Upgrade request required')
  if (kind === 'portforward' && isTunnelRequest(req)) return tunnelSpdy(req, socket, head, options)
  if ((kind === 'exec' || kind === 'attach') && isTranslatableRequest(req)) {
    return translateStreams(req, socket, head, { ...options, streams: options.streams ?? requestedStreams(req) })
  }
  return proxyUpgrade(req, socket, head, options)
}

/** The streams that the query of an exec or attach request asks for, as the API spells it. */
export function requestedStreams(req: IncomingMessage): RemoteCommandStreams {
  const query = new URL(req.url ?? '/', 'http://localhost').searchParams
  const flag = (name: string) => TRUE_VALUES.has(query.get(name) ?? '')
  return { stdin: flag('stdin'), stdout: flag('stdout'), stderr: flag('stderr'), tty: flag('tty') }
}

/** What Go's strconv.ParseBool takes for true. */
const TRUE_VALUES: ReadonlySet<string> = new Set(['1', 't', 'T', 'true', 'True', 'TRUE'])
