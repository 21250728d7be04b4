/**
 * Forwards UDP datagrams in user space: each client address has a session with a backend socket of its own, so that
 * answers find their way back. Sessions end when idle, when their backend goes away, or when the oldest must make room.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import type { Clock, Timer } from '#base/clock.ts'
import { every } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { ChooseTarget, Forwarder, ForwardTarget } from './tcp.ts'

export interface UdpForwardOptions {
  ip: string
  port: number
  choose: ChooseTarget
  clock: Clock
  log: Log
  /** Default 60 s. */
  idleMs?: number
  /** Default 4,096; the session unused for longest ends when there are more. */
  maxSessions?: number
}

export interface UdpForwarder extends Forwarder {
  /** Ends the sessions whose backend is not (or no longer) among those that `keep` accepts. */
  flush(keep: (target: ForwardTarget) => boolean): void
  readonly sessionCount: number
}

interface Session {
  target: ForwardTarget
  socket: Socket
  lastUsedMs: number
  /** Datagrams that arrived before the socket was connected; undefined afterwards. */
  waiting: Buffer[] | undefined
}

const MAX_WAITING = 16
const BUFFER_BYTES = 1 << 20

/** Rejects with a system error when the address cannot be listened on. */
export async function forwardUdp(options: UdpForwardOptions): Promise<UdpForwarder> {
  const { ip, port, choose, clock, log, idleMs = 60_000, maxSessions = 4096 } = options
  const type = ip.includes(':') ? 'udp6' : 'udp4'
  // Insertion order is order of last use: a session used again is moved to the end.
  const sessions = new Map<string, Session>()
  const server = createSocket({ type, ipv6Only: type === 'udp6' })
  let closed = false

  function end(key: string, session: Session) {
    if (sessions.get(key) !== session) return
    sessions.delete(key)
    session.socket.close()
  }

  function open(key: string, from: RemoteInfo): Session | undefined {
    const target = choose(from.address, [])
    if (!target) return undefined
    const oldest = sessions.size >= maxSessions ? sessions.entries().next().value : undefined
    if (oldest) end(...oldest)
    const socket = createSocket({ type: target.ip.includes(':') ? 'udp6' : 'udp4' })
    const session: Session = { target, socket, lastUsedMs: clock.monotonic(), waiting: [] }
    sessions.set(key, session)
    const address = from.address
    socket.on('message', (answer) => {
      session.lastUsedMs = clock.monotonic()
      if (!closed) server.send(answer, from.port, address)
    })
    // ECONNREFUSED stands for the backend's ICMP answer: the next datagram gets a new choice.
    socket.on('error', () => end(key, session))
    socket.connect(target.port, target.ip, () => {
      const waiting = session.waiting ?? []
      session.waiting = undefined
      for (const datagram of waiting) socket.send(datagram)
    })
    return session
  }

  server.on('message', (datagram, from) => {
    const key = `${from.address} ${from.port}`
    let session = sessions.get(key)
    if (session) {
      sessions.delete(key)
      sessions.set(key, session)
    } else session = open(key, from)
    if (!session) return
    session.lastUsedMs = clock.monotonic()
    if (!session.waiting) session.socket.send(datagram)
    else if (session.waiting.length < MAX_WAITING) session.waiting.push(datagram)
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.bind({ address: ip, port, exclusive: true }, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
  server.on('error', (err) => log.warn({ ip, port, err: messageOf(err) }, 'cannot forward a datagram'))
  try {
    server.setRecvBufferSize(BUFFER_BYTES)
    server.setSendBufferSize(BUFFER_BYTES)
  } catch (err) {
    log.debug({ ip, port, err: messageOf(err) }, 'the socket keeps its default buffers')
  }

  const sweep: Timer = every(clock, idleMs / 4, () => {
    const expired = clock.monotonic() - idleMs
    for (const [key, session] of sessions) {
      if (session.lastUsedMs <= expired) end(key, session)
    }
  })

  return {
    port: server.address().port,
    get sessionCount() {
      return sessions.size
    },
    flush(keep) {
      for (const [key, session] of sessions) if (!keep(session.target)) end(key, session)
    },
    close() {
      if (closed) return
      closed = true
      sweep.cancel()
      for (const [key, session] of sessions) end(key, session)
      server.close()
    },
  }
}
