/**
 * Forwards TCP connections in user space. Bytes pass with back-pressure and each direction ends by itself (half-close); an
 * error on one side resets the other. A backend that cannot be reached is passed over for the next choice before the
 * client notices. The backend sees this host's address, not the client's.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'

export interface ForwardTarget {
  ip: string
  port: number
}

/** Picks where a client's connection goes; `failed` are those that were tried for it already. Undefined refuses the client. */
export type ChooseTarget = (clientIp: string, failed: readonly ForwardTarget[]) => ForwardTarget | undefined

export interface TcpForwardOptions {
  ip: string
  port: number
  choose: ChooseTarget
  clock: Clock
  log: Log
  /** Shared by all listeners of one owner. */
  connections: ConnectionLimit
  connectTimeoutMs?: number
}

/** Counts open connections against one bound, and can end them all. */
export class ConnectionLimit {
  readonly max: number
  readonly #sockets = new Set<Socket>()
  constructor(max = 20_000) {
    this.max = max
  }
  get count(): number {
    return this.#sockets.size
  }
  /** False when there are too many already. */
  admit(socket: Socket): boolean {
    if (this.#sockets.size >= this.max) return false
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    return true
  }
  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

export interface Forwarder {
  /** The port listened on, for listeners that asked for port 0. */
  readonly port: number
  /** Stops taking clients. Those that are connected stay, as they do with a packet filter. */
  close(): void
}

const MAX_TRIES = 4
const KEEP_ALIVE_MS = 30_000

/** Rejects with a system error (EADDRINUSE, EADDRNOTAVAIL, ...) when the address cannot be listened on. */
export async function forwardTcp(options: TcpForwardOptions): Promise<Forwarder> {
  const { ip, port, log, connections } = options
  const server = createServer(
    { allowHalfOpen: true, pauseOnConnect: true, noDelay: true, keepAlive: true },
    (client) => {
      if (!connections.admit(client)) {
        log.warn({ ip, port, max: connections.max }, 'refused a connection: too many are open')
        client.resetAndDestroy()
        return
      }
      serve(client, options)
    },
  )
  await listen(server, ip, port)
  server.on('error', (err) => log.warn({ ip, port, err: messageOf(err) }, 'cannot take a connection'))
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound ? bound.port : port,
    close: () => void server.close(),
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 4096, ipv6Only: host.includes(':') }, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
}

function serve(client: Socket, { choose, clock, connectTimeoutMs = 4_000 }: TcpForwardOptions): void {
  const failed: ForwardTarget[] = []
  let gone = false
  // Until a backend is found the only thing that can happen to the paused client is that it goes away.
  client.on('error', () => client.destroy())
  client.once('close', () => (gone = true))
  const attempt = () => {
    if (gone) return
    const target = failed.length < MAX_TRIES ? choose(client.remoteAddress ?? '', failed) : undefined
    if (!target) {
      client.resetAndDestroy()
      return
    }
    const backend = connect({
      host: target.ip,
      port: target.port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
    })
    let connected = false
    // A client that closed in order has ended the backend through the pipe, which may still be writing.
    const abandon = () => {
      if (!connected || !client.readableEnded) backend.destroy()
    }
    client.once('close', abandon)
    const timer = clock.after(connectTimeoutMs, () => backend.destroy(new Error('no answer')))
    backend.once('connect', () => {
      connected = true
      timer.cancel()
      client.pipe(backend)
      backend.pipe(client)
    })
    backend.once('error', () => {
      if (connected) client.resetAndDestroy()
    })
    backend.once('close', () => {
      timer.cancel()
      client.removeListener('close', abandon)
      if (connected) {
        // Without an error both directions have ended, and what is still buffered for the client is being written.
        if (!client.writableEnded) client.destroy()
        return
      }
      failed.push(target)
      attempt()
    })
    client.once('error', () => {
      if (connected) backend.resetAndDestroy()
    })
  }
  attempt()
}
