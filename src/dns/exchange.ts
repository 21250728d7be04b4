/**
 * One question to one other server. Over UDP each question has a socket, and so a port, of its own, a random id, and counts
 * as answered only by that server with that question: what RFC 5452 asks of resolvers.
 */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import type { Clock } from '#base/clock.ts'
import type { ServerAddress } from './resolv-conf.ts'
import { HEADER_BYTES, MAX_TCP_BYTES, readName } from './wire.ts'

/** No acceptable answer came in time, or the server could not be reached. */
export class ExchangeError extends Error {
  override readonly name = 'ExchangeError'
}

export interface ExchangeOptions {
  server: ServerAddress
  /** A whole query; its id is the one that the answer must carry. */
  query: Buffer
  timeoutMs: number
  clock: Clock
}

/** Whether `message` is an answer to `query`: id and question are the same, the spelling of the name aside. */
export function isAnswerTo(query: Buffer, message: Buffer): boolean {
  if (message.length < HEADER_BYTES || message.readUInt16BE(0) !== query.readUInt16BE(0)) return false
  if ((message.readUInt16BE(2) & 0x8000) === 0) return false
  // Servers that could not read the question answer without one.
  if (message.readUInt16BE(4) === 0) return (message.readUInt16BE(2) & 15) !== 0
  const asked = readName(query, HEADER_BYTES)
  const answered = readName(message, HEADER_BYTES)
  if (!asked || !answered || asked.name !== answered.name || answered.end + 4 > message.length) return false
  return query.readUInt32BE(asked.end) === message.readUInt32BE(answered.end)
}

export function exchangeUdp({ server, query, timeoutMs, clock }: ExchangeOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(server.ip.includes(':') ? 'udp6' : 'udp4')
    let done = false
    const finish = (err: Error | undefined, answer?: Buffer) => {
      if (done) return
      done = true
      timer.cancel()
      socket.close()
      if (answer) resolve(answer)
      else reject(new ExchangeError(`no answer from ${server.ip}:${server.port}`, { cause: err }))
    }
    const timer = clock.after(timeoutMs, () => finish(new ExchangeError('timed out')))
    socket.on('error', finish)
    socket.on('message', (message) => {
      if (isAnswerTo(query, message)) finish(undefined, message)
    })
    socket.connect(server.port, server.ip, () => {
      if (!done) socket.send(query)
    })
  })
}

export function exchangeTcp({ server, query, timeoutMs, clock }: ExchangeOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.ip, port: server.port, noDelay: true })
    let received = Buffer.alloc(0)
    const finish = (err: Error | undefined, answer?: Buffer) => {
      timer.cancel()
      socket.destroy()
      if (answer) resolve(answer)
      else reject(new ExchangeError(`no answer from ${server.ip}:${server.port}`, { cause: err }))
    }
    const timer = clock.after(timeoutMs, () => finish(new ExchangeError('timed out')))
    socket.on('error', finish)
    socket.on('end', () => finish(new ExchangeError('the server closed the connection')))
    socket.on('connect', () => socket.write(framed(query)))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length > MAX_TCP_BYTES + 2) return finish(new ExchangeError('the answer is too long'))
      if (received.length < 2) return
      const end = 2 + received.readUInt16BE(0)
      if (received.length < end) return
      const message = received.subarray(2, end)
      if (isAnswerTo(query, message)) finish(undefined, message)
      else finish(new ExchangeError('the answer is to another question'))
    })
  })
}

/** With the length in front, as messages travel over TCP. */
export function framed(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(message.length + 2)
  frame.writeUInt16BE(message.length, 0)
  message.copy(frame, 2)
  return frame
}
