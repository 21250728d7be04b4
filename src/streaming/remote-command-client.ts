/**
 * Exec and attach from the client's side, over SPDY (towards kubelets and runtimes) or WebSocket v5 (towards API servers).
 * Upstream: client-go/tools/remotecommand.
 */
import type { IncomingMessage } from 'node:http'
import { PassThrough, type Readable, type Writable } from 'node:stream'
import { WebSocket } from 'ws'
import type { Clock } from '#base/clock.ts'
import { decodeStatus, type ExitStatus } from './exit-status.ts'
import { CHANNEL, REMOTE_COMMAND_PROTOCOLS, remoteCommandVersion } from './protocols.ts'
import type { RemoteCommandStreams, TerminalSize } from './remote-command-session.ts'
import { encodeResize } from './resize-events.ts'
import type { SpdyStream } from './spdy-stream.ts'
import { DialError, dialSpdy, type UpgradeTlsOptions, upgradeFailure } from './upgrade-client.ts'
import { WebSocketChannels } from './websocket-channels.ts'
import { MAX_WEBSOCKET_MESSAGE_BYTES } from './websocket-upgrade.ts'

export interface RemoteCommandOptions {
  /** `http:` or `https:`, with the query that the server expects. */
  url: URL
  /** Must agree with what the URL asks for. */
  streams: RemoteCommandStreams
  headers?: Readonly<Record<string, string>>
  tls?: UpgradeTlsOptions
  clock: Clock
  signal?: AbortSignal
  /** For connecting. Default 30 s. */
  timeoutMs?: number
  /** Keeps the connection alive through middle boxes; SPDY only. */
  pingIntervalMs?: number
}

export interface RemoteCommand {
  /** End it to tell the process that there is no more. */
  readonly stdin?: Writable
  /** Both outputs must be read, or discarded with `resume()`: what is left unread makes the process wait. */
  readonly stdout?: Readable
  readonly stderr?: Readable
  /** Does nothing without a terminal. */
  resize(size: TerminalSize): void
  /** How the command ended. Outputs may still hold data then. Rejects when the connection breaks before. */
  readonly exit: Promise<ExitStatus>
  /** Drops the connection; harmless when it is over. */
  close(): void
}

const MAX_STATUS_BYTES = 1 << 20

/** Throws DialError or UpgradeFailedError. */
export async function execOverSpdy(options: RemoteCommandOptions): Promise<RemoteCommand> {
  const { streams } = options
  const { connection, protocol } = await dialSpdy({
    ...options,
    protocols: REMOTE_COMMAND_PROTOCOLS,
    connection: { pingIntervalMs: options.pingIntervalMs },
  })
  const version = remoteCommandVersion(protocol)
  const opened: SpdyStream[] = []
  const open = (wanted: boolean, streamType: string) => {
    if (!wanted) return undefined
    const stream = connection.createStream({ streamType })
    opened.push(stream)
    return stream
  }
  const error = open(true, 'error')!
  const stdin = open(streams.stdin, 'stdin')
  const stdout = open(streams.stdout, 'stdout')
  const stderr = open(streams.stderr && !streams.tty, 'stderr')
  const resize = open(streams.tty && version >= 3, 'resize')

  // The process closes its end of stdin when it is done; nobody waits for what is typed after that.
  stdin?.once('end', () => stdin.end())
  stdin?.discardInput()
  resize?.discardInput()
  const close = () => connection.close()
  const exit = (async () => {
    await Promise.all(opened.map((stream) => stream.accepted))
    const status = await readText(error)
    return decodeStatus(status, version)
  })()
  return handle(exit, close, options.signal, { stdin, stdout, stderr, resize })
}

/** Throws DialError or UpgradeFailedError. */
export async function execOverWebSocket(options: RemoteCommandOptions): Promise<RemoteCommand> {
  const { streams, tls, signal } = options
  const url = new URL(options.url)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const ws = new WebSocket(url, ['v5.channel.k8s.io'], {
    ...tls,
    headers: options.headers,
    perMessageDeflate: false,
    skipUTF8Validation: true,
    maxPayload: MAX_WEBSOCKET_MESSAGE_BYTES,
  })
  const channels = new WebSocketChannels(ws, {
    clock: options.clock,
    base64: false,
    closeSignal: true,
    sendCloseSignal: true,
    readable: [CHANNEL.stdout, CHANNEL.stderr, CHANNEL.error],
    writable: [CHANNEL.stdin, CHANNEL.resize],
  })
  await new Promise<void>((resolve, reject) => {
    const timeoutMs = options.timeoutMs ?? 30_000
    const fail = (error: unknown) => {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
      ws.terminate()
      reject(error)
    }
    const onAbort = () => fail(signal!.reason)
    const timer = options.clock.after(timeoutMs, () =>
      fail(new DialError(`dial ${url.host}: no answer within ${timeoutMs} ms`)),
    )
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) return onAbort()
    ws.once('error', (cause) => fail(new DialError(`dial ${url.host}: ${cause.message}`, { cause })))
    ws.once('unexpected-response', (_request, response: IncomingMessage) => {
      void upgradeFailure(response).then(fail)
    })
    ws.once('open', () => {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
  })
  const readable = (wanted: boolean, channel: number) => {
    if (wanted) return channels.readable(channel)
    channels.readable(channel).resume()
    return undefined
  }
  const exit = readText(channels.readable(CHANNEL.error)).then((status) => decodeStatus(status, 5))
  return handle(exit, () => ws.terminate(), signal, {
    stdin: streams.stdin ? channels.writable(CHANNEL.stdin) : undefined,
    stdout: readable(streams.stdout, CHANNEL.stdout),
    stderr: readable(streams.stderr && !streams.tty, CHANNEL.stderr),
    resize: streams.tty ? channels.writable(CHANNEL.resize) : undefined,
  })
}

interface Pipes {
  stdin: Writable | undefined
  stdout: Readable | undefined
  stderr: Readable | undefined
  resize: Writable | undefined
}

function handle(
  exit: Promise<ExitStatus>,
  close: () => void,
  signal: AbortSignal | undefined,
  pipes: Pipes,
): RemoteCommand {
  const stop = () => close()
  signal?.addEventListener('abort', stop, { once: true })
  if (signal?.aborted) stop()
  const settled = exit.finally(() => signal?.removeEventListener('abort', stop))
  settled.catch(() => {})
  return {
    stdin: pipes.stdin,
    stdout: pipes.stdout,
    stderr: pipes.stderr,
    resize: (size) => {
      if (pipes.resize?.writable && !pipes.resize.writableNeedDrain) pipes.resize.write(encodeResize(size))
    },
    exit: settled,
    close,
  }
}

async function readText(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  // Through a second stream, because iterating a Duplex destroys it at its end, which would reset it.
  const source = new PassThrough()
  stream.on('error', (error) => source.destroy(error))
  for await (const chunk of stream.pipe(source) as AsyncIterable<Buffer>) {
    if ((bytes += chunk.length) <= MAX_STATUS_BYTES) chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
