/**
 * The streaming server of a CRI runtime: Exec, Attach and PortForward of the CRI answer with a URL on this server, the
 * kubelet connects the client to it. Serves SPDY and WebSocket. Upstream: cri-streaming/pkg/streaming.
 */
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { SecureContextOptions } from 'node:tls'
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import { type Log, silentLog } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { ExitStatus } from './exit-status.ts'
import { refuseUpgrade, UpgradeRefusedError } from './http-upgrade.ts'
import type { PortForwardHandler } from './port-forward-session.ts'
import { acceptPortForward } from './port-forward.ts'
import { acceptRemoteCommand } from './remote-command.ts'
import type { RemoteCommandSession, RemoteCommandStreams } from './remote-command-session.ts'
import { RequestCache } from './request-cache.ts'

/** Fields as in the CRI's ExecRequest. */
export interface ExecRequest extends RemoteCommandStreams {
  containerId: string
  cmd: readonly string[]
}

/** Fields as in the CRI's AttachRequest. */
export interface AttachRequest extends RemoteCommandStreams {
  containerId: string
}

/** Fields as in the CRI's PortForwardRequest. */
export interface PortForwardRequest {
  podSandboxId: string
  /** Only for clients that use WebSocket channels. */
  port?: readonly number[]
}

export type StreamingRequest =
  | { kind: 'exec'; request: ExecRequest }
  | { kind: 'attach'; request: AttachRequest }
  | { kind: 'portforward'; request: PortForwardRequest }

export interface StreamingHandlers {
  /**
   * Runs the command with the session's streams and returns how it ended. The server then calls `finish`; a rejection
   * becomes the error the user sees. `session.signal` aborts when the client is gone: end the process or let it run, but
   * return.
   */
  exec(request: ExecRequest, session: RemoteCommandSession): Promise<ExitStatus>
  /** Connects the session to the container's running process; returns when that ends or the client goes. */
  attach(request: AttachRequest, session: RemoteCommandSession): Promise<ExitStatus | void>
  portForward(request: PortForwardRequest, port: number, data: Duplex, signal: AbortSignal): Promise<void>
}

export interface StreamingServerOptions extends StreamingHandlers {
  /** Where to listen; port 0 takes a free one. The kubelet must reach this host. Default 127.0.0.1:0. */
  address?: { host: string; port: number }
  /** Serves HTTPS. Default: HTTP, for an address that only this machine reaches. */
  tls?: SecureContextOptions
  clock: Clock
  random: Random
  log?: Log
  idleTimeoutMs?: number
  streamCreationTimeoutMs?: number
}

export interface StreamingServer {
  /** `http://host:port`, without a path. */
  readonly baseUrl: string
  /** A URL that works once, within a minute. Throws TypeError for a bad request, TooManyRequestsError when too many wait. */
  urlFor(request: StreamingRequest): string
  /** Stops listening and drops every connection. */
  close(): Promise<void>
}

/** Resolves when it listens. */
export async function createStreamingServer(options: StreamingServerOptions): Promise<StreamingServer> {
  const { host, port } = options.address ?? { host: '127.0.0.1', port: 0 }
  const log = options.log ?? silentLog
  const cache = new RequestCache<StreamingRequest>(options.clock, options.random)
  const sockets = new Set<Duplex>()
  const server = options.tls ? createHttpsServer(options.tls) : createHttpServer()

  server.on('connection', (socket: Duplex) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('request', (_req, res) => {
    res.writeHead(400, { 'Content-Type': 'text/plain; charset=utf-8' }).end('Upgrade request required\n')
  })
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {})
    serve(req, socket, head).catch((error: unknown) => {
      log.warn({ err: error }, 'cannot serve a streaming request')
      if (!(error instanceof UpgradeRefusedError)) socket.destroy()
    })
  })

  async function serve(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const path = /^\/(exec|attach|portforward)\/([\w-]{1,64})$/.exec((req.url ?? '').split('?')[0]!)
    const waiting = path && (req.method === 'GET' || req.method === 'POST') ? cache.consume(path[2]!) : undefined
    if (!waiting || waiting.kind !== path![1]) throw refuseUpgrade(socket, 404, '404: Page Not Found')
    if (waiting.kind === 'portforward') {
      const { request } = waiting
      acceptPortForward(req, socket, head, {
        ...options,
        pod: request.podSandboxId,
        ports: request.port,
        handler: ((portNumber, data, signal) =>
          options.portForward(request, portNumber, data, signal)) satisfies PortForwardHandler,
      })
      return
    }
    const session = await acceptRemoteCommand(req, socket, head, waiting.request, options)
    await session.finish(await run(waiting, session))
  }

  async function run(
    waiting: Exclude<StreamingRequest, { kind: 'portforward' }>,
    session: RemoteCommandSession,
  ): Promise<ExitStatus> {
    try {
      if (waiting.kind === 'exec') return await options.exec(waiting.request, session)
      return (await options.attach(waiting.request, session)) ?? { exitCode: 0 }
    } catch (error) {
      const what = waiting.kind === 'exec' ? 'error executing command in container' : 'error attaching to container'
      log.warn({ err: error, containerId: waiting.request.containerId }, what)
      return { error: `${what}: ${messageOf(error)}` }
    }
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const bound = server.address() as AddressInfo
  const authority = bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`
  const baseUrl = `${options.tls ? 'https' : 'http'}://${authority}`
  return {
    baseUrl,
    urlFor(request) {
      validate(request)
      return `${baseUrl}/${request.kind}/${cache.insert(request)}`
    },
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      return closed
    },
  }
}

function validate({ kind, request }: StreamingRequest): void {
  if (kind === 'portforward') {
    if (request.podSandboxId === '') throw new TypeError('missing required pod_sandbox_id')
    return
  }
  if (request.containerId === '') throw new TypeError('missing required container_id')
  if (request.tty && request.stderr) throw new TypeError('tty and stderr cannot both be true')
  if (!request.stdin && !request.stdout && !request.stderr)
    throw new TypeError('one of stdin, stdout, or stderr must be set')
}
