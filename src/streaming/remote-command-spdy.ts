/**
 * Exec and attach over SPDY: the client opens one stream per purpose (`streamType` error, stdin, stdout, stderr, resize);
 * the session starts when all that the request asked for are there.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import { encodeStatus, type ExitStatus } from './exit-status.ts'
import { LatestValue } from './latest-value.ts'
import { REMOTE_COMMAND_PROTOCOLS, remoteCommandVersion, STREAM_HEADER } from './protocols.ts'
import type {
  AcceptOptions,
  RemoteCommandSession,
  RemoteCommandStreams,
  TerminalSize,
} from './remote-command-session.ts'
import { readResizes } from './resize-events.ts'
import { type SpdyConnection, SpdyConnectionError } from './spdy-connection.ts'
import type { SpdyStream } from './spdy-stream.ts'
import { acceptSpdy } from './spdy-upgrade.ts'

export const DEFAULT_STREAM_CREATION_TIMEOUT_MS = 30_000

type StreamType = 'error' | 'stdin' | 'stdout' | 'stderr' | 'resize'
const STREAM_TYPES: ReadonlySet<string> = new Set<StreamType>(['error', 'stdin', 'stdout', 'stderr', 'resize'])

export async function acceptRemoteCommandOverSpdy(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  wanted: RemoteCommandStreams,
  options: AcceptOptions,
): Promise<RemoteCommandSession> {
  const streams = new Map<StreamType, SpdyStream>()
  const arrival: { resolve?: () => void } = {}
  const { connection, protocol } = acceptSpdy(req, socket, head, REMOTE_COMMAND_PROTOCOLS, {
    clock: options.clock,
    idleTimeoutMs: options.idleTimeoutMs,
    onStream(stream) {
      const type = stream.header(STREAM_HEADER.streamType)
      if (type === undefined || !STREAM_TYPES.has(type))
        throw new Error(`unexpected stream type: ${JSON.stringify(type)}`)
      if (streams.has(type as StreamType)) throw new Error(`a second ${type} stream`)
      streams.set(type as StreamType, stream)
      if (expected.every((one) => streams.has(one))) arrival.resolve?.()
    },
  })
  const version = remoteCommandVersion(protocol)
  const expected = expectedStreams(wanted, version)
  await new Promise<void>((resolve, reject) => {
    const timer = options.clock.after(options.streamCreationTimeoutMs ?? DEFAULT_STREAM_CREATION_TIMEOUT_MS, () => {
      const error = new SpdyConnectionError('timed out waiting for client to create streams')
      connection.destroy(error)
      reject(error)
    })
    arrival.resolve = () => {
      timer.cancel()
      resolve()
    }
    void connection.closed.then((error) => {
      timer.cancel()
      reject(new SpdyConnectionError('the client went away before it had created its streams', { cause: error }))
    })
  })
  return createSession(connection, streams, wanted, version)
}

function expectedStreams(wanted: RemoteCommandStreams, version: number): StreamType[] {
  const expected: StreamType[] = ['error']
  if (wanted.stdin) expected.push('stdin')
  if (wanted.stdout) expected.push('stdout')
  if (wanted.stderr) expected.push('stderr')
  if (wanted.tty && version >= 3) expected.push('resize')
  return expected
}

function createSession(
  connection: SpdyConnection,
  streams: ReadonlyMap<StreamType, SpdyStream>,
  wanted: RemoteCommandStreams,
  version: number,
): RemoteCommandSession {
  const errorStream = streams.get('error')!
  const stdin = wanted.stdin ? streams.get('stdin') : undefined
  const stdout = wanted.stdout ? streams.get('stdout') : undefined
  const stderr = wanted.stderr ? streams.get('stderr') : undefined
  const resizes = new LatestValue<TerminalSize>()
  const gone = new AbortController()
  let finishing: Promise<void> | undefined

  const used = new Set([errorStream, stdin, stdout, stderr, streams.get('resize')])
  for (const stream of streams.values()) if (!used.has(stream)) stream.destroy()
  // Nothing is expected from the client on these; discarding also lets their half-close be seen.
  for (const stream of [errorStream, stdout, stderr]) stream?.discardInput()
  // Version 1 closes our half of stdin at once; later versions when the process is done with it.
  if (version === 1) stdin?.end()
  const resize = streams.get('resize')
  if (resize) readResizes(resize, resizes)

  void connection.closed.then((error) => {
    resizes.end()
    if (!finishing) gone.abort(error ?? new SpdyConnectionError('the client closed the connection'))
  })

  async function finish(exit: ExitStatus): Promise<void> {
    stdin?.discardInput()
    stdin?.end()
    const outputs = [stdout, stderr].filter((stream) => stream !== undefined)
    await Promise.all(outputs.map((stream) => endAndFlush(stream)))
    const status = encodeStatus(exit, version)
    if (status.length > 0) errorStream.write(status)
    await endAndFlush(errorStream)
    connection.close()
    resizes.end()
  }

  return {
    stdin,
    stdout,
    stderr,
    tty: wanted.tty,
    resizes,
    signal: gone.signal,
    finish: (exit) => (finishing ??= finish(exit)),
  }
}

async function endAndFlush(stream: SpdyStream): Promise<void> {
  stream.end()
  // The reading half may stay open, and a stream that failed has nothing left to flush.
  await finished(stream, { readable: false }).catch(() => {})
}
