/**
 * The sockets of the name server: datagrams, and streams with a length before each message. A client gets its answers in
 * the order in which they are ready; slow and idle ones are let go.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { createServer, type Server, type Socket } from 'node:net'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import { framed } from './exchange.ts'
import type { ServerAddress } from './resolv-conf.ts'

/** Answers a message at once, later, or (undefined) not at all. Must not reject. */
export type AnswerMessage = (message: Buffer, overTcp: boolean) => Buffer | undefined | Promise<Buffer | undefined>

export interface Listening {
  /** Where it listens really, for port 0. */
  address: ServerAddress
  close(): Promise<void>
}

const MAX_CONNECTIONS = 1_000
const MAX_PENDING_PER_CONNECTION = 64
const IDLE_MS = 10_000
const BUFFER_BYTES = 4 << 20

/** Both transports at one address. Rejects with a system error (EADDRINUSE, ...). */
export async function listenDns(at: ServerAddress, answer: AnswerMessage, log: Log): Promise<Listening> {
  const tcp = await listenTcp(at, answer, log)
  const bound = tcp.address()
  const port = typeof bound === 'object' && bound ? bound.port : at.port
  const udp = await listenUdp({ ip: at.ip, port }, answer, log).catch((err: unknown) => {
    tcp.close()
    throw err
  })
  return {
    address: { ip: at.ip, port },
    async close() {
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise<void>((resolve) => tcp.close(() => resolve())),
      ])
    },
  }
}

function listenUdp({ ip, port }: ServerAddress, answer: AnswerMessage, log: Log): Promise<UdpSocket> {
  const type = ip.includes(':') ? 'udp6' : 'udp4'
  const socket = createSocket({ type, ipv6Only: type === 'udp6' })
  socket.on('message', (message, from) => {
    const response = answer(message, false)
    if (response instanceof Promise) void response.then((later) => later && send(later))
    else if (response) send(response)
    function send(bytes: Buffer) {
      try {
        socket.send(bytes, from.port, from.address)
      } catch (err) {
        log.debug({ err: messageOf(err) }, 'cannot send an answer')
      }
    }
  })
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ address: ip, port, exclusive: true }, () => {
      socket.removeListener('error', reject)
      socket.on('error', (err) =>
        log.warn({ ip, port, err: messageOf(err) }, 'the name server has trouble with its socket'),
      )
      socket.setRecvBufferSize(BUFFER_BYTES)
      resolve(socket)
    })
  })
}

function listenTcp({ ip, port }: ServerAddress, answer: AnswerMessage, log: Log): Promise<Server> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    serveStream(socket, answer)
  })
  server.maxConnections = MAX_CONNECTIONS
  const close = server.close.bind(server)
  server.close = (callback) => {
    for (const socket of sockets) socket.destroy()
    return close(callback)
  }
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: ip, port, ipv6Only: ip.includes(':') }, () => {
      server.removeListener('error', reject)
      server.on('error', (err) =>
        log.warn({ ip, port, err: messageOf(err) }, 'the name server cannot take a connection'),
      )
      resolve(server)
    })
  })
}

function serveStream(socket: Socket, answer: AnswerMessage) {
  let received: Buffer = Buffer.alloc(0)
  let pending = 0
  socket.setTimeout(IDLE_MS, () => socket.destroy())
  socket.on('error', () => socket.destroy())
  const send = (bytes: Buffer | undefined) => {
    pending--
    if (bytes && !socket.destroyed) socket.write(framed(bytes))
    drain()
  }
  function drain() {
    while (pending < MAX_PENDING_PER_CONNECTION && received.length >= 2) {
      const end = 2 + received.readUInt16BE(0)
      if (received.length < end) break
      const message = Buffer.from(received.subarray(2, end))
      received = received.subarray(end)
      pending++
      const response = answer(message, true)
      if (response instanceof Promise) void response.then(send)
      else send(response)
    }
    // Neither answers nor questions pile up: a client that asks faster than it reads waits.
    if (pending >= MAX_PENDING_PER_CONNECTION || socket.writableNeedDrain) socket.pause()
    else socket.resume()
  }
  socket.on('drain', drain)
  socket.on('data', (chunk) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    drain()
  })
}
