/** Exec and attach over WebSocket channels: stdin 0, stdout 1, stderr 2, error 3, resize 4. */
import type { IncomingMessage } from 'node:http'
import type { Duplex, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { encodeStatus, type ExitStatus } from './exit-status.ts'
import { LatestValue } from './latest-value.ts'
import { CHANNEL, CHANNEL_PROTOCOLS } from './protocols.ts'
import type {
  AcceptOptions,
  RemoteCommandSession,
  RemoteCommandStreams,
  TerminalSize,
} from './remote-command-session.ts'
import { readResizes } from './resize-events.ts'
import { WebSocketChannels, WebSocketClosedError } from './websocket-channels.ts'
import { acceptWebSocket } from './websocket-upgrade.ts'

/** `protocols` limits the versions on offer; default: all of them. */
export function acceptRemoteCommandOverWebSocket(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  wanted: RemoteCommandStreams,
  options: AcceptOptions,
  protocols: Iterable<string> = CHANNEL_PROTOCOLS.keys(),
): RemoteCommandSession {
  const accepted = acceptWebSocket(req, socket, head, protocols)
  const { version, base64 } = CHANNEL_PROTOCOLS.get(accepted.protocol)!
  const channels = new WebSocketChannels(accepted.ws, {
    clock: options.clock,
    base64,
    closeSignal: version >= 5,
    sendCloseSignal: false,
    idleTimeoutMs: options.idleTimeoutMs,
    readable: wanted.stdin ? [CHANNEL.stdin, CHANNEL.resize] : [CHANNEL.resize],
    writable: [CHANNEL.stdout, CHANNEL.stderr, CHANNEL.error],
  })
  const stdout = wanted.stdout ? channels.writable(CHANNEL.stdout) : undefined
  const stderr = wanted.stderr ? channels.writable(CHANNEL.stderr) : undefined
  const error = channels.writable(CHANNEL.error)
  const resizes = new LatestValue<TerminalSize>()
  const gone = new AbortController()
  let finishing: Promise<void> | undefined

  channels.announce(stdout ? CHANNEL.stdout : stderr ? CHANNEL.stderr : CHANNEL.error)
  readResizes(channels.readable(CHANNEL.resize), resizes)
  void channels.closed.then((code) => {
    resizes.end()
    if (!finishing) gone.abort(new WebSocketClosedError(`the client closed the WebSocket with code ${code}`))
  })

  async function finish(exit: ExitStatus): Promise<void> {
    const outputs = [stdout, stderr].filter((stream) => stream !== undefined)
    await Promise.all(outputs.map((stream) => endAndFlush(stream)))
    const status = encodeStatus(exit, version)
    if (status.length > 0) error.write(status)
    await endAndFlush(error)
    channels.close()
    resizes.end()
  }

  return {
    stdin: wanted.stdin ? channels.readable(CHANNEL.stdin) : undefined,
    stdout,
    stderr,
    tty: wanted.tty,
    resizes,
    signal: gone.signal,
    finish: (exit) => (finishing ??= finish(exit)),
  }
}

async function endAndFlush(stream: Writable): Promise<void> {
  stream.end()
  await finished(stream).catch(() => {})
}
