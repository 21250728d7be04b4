/**
 * Exec and attach of a WebSocket v5 client, translated to SPDY towards a kubelet that speaks nothing else. The client gets
 * its 101 at once and every later failure on the error channel: an HTTP error would make kubectl try again over SPDY.
 *
 * Upstream: StreamTranslatorHandler of apiserver/pkg/util/proxy.
 */
import type { IncomingMessage } from 'node:http'
import { type Duplex, type Readable, type Transform, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { messageOf } from '#base/errors.ts'
import { isWebSocketUpgrade, webSocketProtocols } from './http-upgrade.ts'
import { linkAbort } from './linked-abort.ts'
import type { RemoteCommandSession, RemoteCommandStreams } from './remote-command-session.ts'
import { execOverSpdy, type RemoteCommand } from './remote-command-client.ts'
import { acceptRemoteCommandOverWebSocket } from './remote-command-websocket.ts'
import { throttle } from './throttle.ts'
import type { UpgradeProxyOptions } from './upgrade-proxy.ts'

const CLOSABLE_PROTOCOL = 'v5.channel.k8s.io'
const PING_INTERVAL_MS = 5_000

export interface TranslatorOptions extends UpgradeProxyOptions {
  streams: RemoteCommandStreams
}

export function isTranslatableRequest(req: IncomingMessage): boolean {
  return isWebSocketUpgrade(req) && webSocketProtocols(req).includes(CLOSABLE_PROTOCOL)
}

/** Resolves when the client has its status, or is gone. Throws UpgradeRefusedError after answering. */
export async function translateStreams(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: TranslatorOptions,
): Promise<void> {
  const streams = { ...options.streams, stderr: options.streams.stderr && !options.streams.tty }
  const session = acceptRemoteCommandOverWebSocket(req, socket, head, streams, options, [CLOSABLE_PROTOCOL])
  const { signal, unlink } = linkAbort(session.signal, options.signal)
  let command: RemoteCommand | undefined
  try {
    command = await execOverSpdy({
      url: options.target,
      streams,
      headers: options.headers,
      tls: options.tls,
      clock: options.clock,
      signal,
      pingIntervalMs: PING_INTERVAL_MS,
    })
    await session.finish(await carry(session, command, options))
  } catch (error) {
    // A client that left has nobody to be told; finishing still frees what the session holds.
    if (!session.signal.aborted)
      options.log.warn({ err: error, target: options.target.host }, 'cannot carry a stream to its target')
    await session.finish({ error: messageOf(error) })
  } finally {
    unlink()
    command?.close()
  }
}

/** Resolves with the command's status once all output has been handed to the client. */
async function carry(session: RemoteCommandSession, command: RemoteCommand, options: TranslatorOptions) {
  const rate = options.maxBytesPerSecond
  const limited = () => (rate ? [throttle(options.clock, rate)] : [])
  if (session.stdin && command.stdin) carryInput(session.stdin, command.stdin, limited)
  void carryResizes(session, command)
  const outputs: [Readable | undefined, Writable | undefined][] = [
    [command.stdout, session.stdout],
    [command.stderr, session.stderr],
  ]
  const carrying = outputs.map(([from, to]) => from && to && pipeline([from, ...limited(), to]))
  const [exit] = await Promise.all([command.exit, ...carrying])
  return exit
}

function carryInput(from: Readable, to: Writable, limited: () => Transform[]): void {
  const source = limited().reduce((stream: Readable, transform) => stream.pipe(transform), from)
  source.pipe(to)
  // The process may be done with its input long before the client is: what still comes is dropped, so that the client's
  // other messages get through.
  const drop = () => {
    source.unpipe(to)
    source.resume()
  }
  to.on('error', drop)
  to.on('close', drop)
  to.on('finish', drop)
  // Input that breaks off must not look complete to the process, nor stay open for ever.
  from.on('error', () => to.destroy())
}

async function carryResizes(session: RemoteCommandSession, command: RemoteCommand): Promise<void> {
  for await (const size of session.resizes) command.resize(size)
}
