/**
 * Several byte streams in one WebSocket, as the `channel.k8s.io` protocols do it: the first byte of each message (a digit
 * and then base64, in the base64 variants) names the channel. Version 5 adds a message that half-closes a channel.
 *
 * Serves both ends. Input nobody reads is held up to a limit per channel, then the socket is no longer read; while that
 * lasts unsolicited pongs go out, because kubectl drops a connection that has not ponged for a minute and because writing
 * is how a vanished peer is found out.
 */
import { Readable, Writable } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import type { Clock, Timer } from '#base/clock.ts'
import { DEFAULT_IDLE_TIMEOUT_MS, watchIdle } from './idle.ts'
import { CHANNEL_CLOSE_SIGNAL } from './protocols.ts'

export interface WebSocketChannelsOptions {
  clock: Clock
  base64: boolean
  /** Whether the half-close signal of version 5 is understood. */
  closeSignal: boolean
  /** Whether it is sent when a writable channel ends: clients do, servers do not. */
  sendCloseSignal: boolean
  /** Closes a connection on which nothing has moved for this long. Default 4 hours, as upstream. */
  idleTimeoutMs?: number
  /** Channels that the peer writes; what it sends on others is dropped. */
  readable: readonly number[]
  writable: readonly number[]
}

/** The peer is gone, so that nothing can be written. */
export class WebSocketClosedError extends Error {
  override readonly name = 'WebSocketClosedError'
}

const CHANNEL_BUFFER_BYTES = 1 << 20
const WRITE_BUFFER_BYTES = 128 << 10
/** kubectl sends and expects messages of about 32 KiB; larger ones are legal and cheaper. */
const MAX_MESSAGE_BYTES = 64 << 10
const PAUSED_PONG_MS = 5_000
const DIGIT_ZERO = 0x30

export class WebSocketChannels {
  readonly #ws: WebSocket
  readonly #options: WebSocketChannelsOptions
  readonly #readable = new Map<number, InputChannel>()
  readonly #writable = new Map<number, Writable>()
  /** Messages in both directions, for noticing that nothing moves. */
  #moved = 0
  #paused = false
  #pongTimer: Timer | undefined
  readonly #idle: Timer
  /** Resolves when the connection is over, with the close code: 1000 is an orderly end. */
  readonly closed: Promise<number>

  constructor(ws: WebSocket, options: WebSocketChannelsOptions) {
    this.#ws = ws
    this.#options = options
    for (const channel of options.readable) this.#readable.set(channel, new InputChannel(() => this.#balance()))
    for (const channel of options.writable) this.#writable.set(channel, this.#createWritable(channel))
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary))
    ws.on('error', () => {})
    this.#idle = watchIdle(
      options.clock,
      options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
      () => this.#moved,
      () => this.terminate(),
    )
    this.closed = new Promise((resolve) =>
      ws.once('close', (code) => {
        this.#pongTimer?.cancel()
        this.#idle.cancel()
        this.#end(code)
        resolve(code)
      }),
    )
  }

  readable(channel: number): Readable {
    return this.#readable.get(channel)!
  }

  writable(channel: number): Writable {
    return this.#writable.get(channel)!
  }

  /** Sends an empty message, which tells the client that the session stands. */
  announce(channel: number): void {
    this.#ws.send(this.#encode(channel, Buffer.alloc(0)))
  }

  /** Drops all input from now on, then closes in an orderly way; the peer has some seconds to answer. */
  close(): void {
    for (const channel of this.#readable.values()) channel.discard()
    this.#balance()
    this.#ws.close(1000)
  }

  terminate(): void {
    this.#ws.terminate()
  }

  #receive(raw: RawData, isBinary: boolean): void {
    const data = raw as Buffer
    this.#moved++
    if (data.length === 0) return
    if (this.#options.closeSignal && data[0] === CHANNEL_CLOSE_SIGNAL) {
      if (data.length !== 2) return this.#ws.close(1002, 'one channel must follow the close signal')
      this.#readable.get(data[1]!)?.finish()
      return
    }
    const base64 = this.#options.base64
    const channel = this.#readable.get(base64 ? data[0]! - DIGIT_ZERO : data[0]!)
    if (!channel) return
    // A text message on a binary protocol is taken by its bytes: browsers' terminals send what is typed that way.
    channel.deliver(base64 && !isBinary ? Buffer.from(data.toString('latin1', 1), 'base64') : data.subarray(1))
    this.#balance()
  }

  #balance(): void {
    let fullest = 0
    for (const channel of this.#readable.values()) fullest = Math.max(fullest, channel.heldBytes)
    if (!this.#paused && fullest >= CHANNEL_BUFFER_BYTES) {
      this.#paused = true
      this.#ws.pause()
      this.#armPong()
    } else if (this.#paused && fullest <= CHANNEL_BUFFER_BYTES / 2) {
      this.#paused = false
      this.#pongTimer?.cancel()
      this.#ws.resume()
    }
  }

  #armPong(): void {
    this.#pongTimer = this.#options.clock.after(PAUSED_PONG_MS, () => {
      if (!this.#paused || this.#ws.readyState !== this.#ws.OPEN) return
      this.#ws.pong(undefined, undefined, () => {})
      this.#armPong()
    })
  }

  #encode(channel: number, data: Buffer): Buffer | string {
    if (this.#options.base64) return String.fromCharCode(DIGIT_ZERO + channel) + data.toString('base64')
    const message = Buffer.allocUnsafe(data.length + 1)
    message[0] = channel
    data.copy(message, 1)
    return message
  }

  #createWritable(channel: number): Writable {
    const send = (data: Buffer, done: (error?: Error | null) => void) => {
      if (this.#ws.readyState !== this.#ws.OPEN) return done(new WebSocketClosedError('the WebSocket is closed'))
      this.#moved++
      // `done` is called when the bytes have left for the kernel: a client that does not read makes the writer wait.
      let offset = 0
      for (; data.length - offset > MAX_MESSAGE_BYTES; offset += MAX_MESSAGE_BYTES) {
        this.#ws.send(this.#encode(channel, data.subarray(offset, offset + MAX_MESSAGE_BYTES)), () => {})
      }
      this.#ws.send(this.#encode(channel, data.subarray(offset)), (error) => done(error ?? null))
    }
    const writable = new Writable({
      highWaterMark: WRITE_BUFFER_BYTES,
      write: (chunk: Buffer, _encoding, done) => send(chunk, done),
      writev: (chunks, done) => send(Buffer.concat(chunks.map((c) => c.chunk as Buffer)), done),
      final: (done) => {
        if (!this.#options.sendCloseSignal || this.#ws.readyState !== this.#ws.OPEN) return done()
        this.#ws.send(Buffer.from([CHANNEL_CLOSE_SIGNAL, channel]), () => done())
      },
    })
    // The session's signal says that the client is gone; a writer that has stopped looking must not end the process.
    writable.on('error', () => {})
    return writable
  }

  #end(code: number): void {
    for (const channel of this.#readable.values()) {
      if (code === 1000) channel.finish()
      else channel.abort(new WebSocketClosedError(`the WebSocket closed with code ${code}`))
    }
    for (const channel of this.#writable.values()) {
      if (!channel.writableFinished) channel.destroy(new WebSocketClosedError('the WebSocket is closed'))
    }
  }
}

class InputChannel extends Readable {
  readonly #onRead: () => void
  #finished = false
  #discarding = false

  constructor(onRead: () => void) {
    super()
    this.#onRead = onRead
    this.on('error', () => {})
    this.on('close', () => onRead())
  }

  get heldBytes(): number {
    return this.destroyed ? 0 : this.readableLength
  }

  deliver(data: Buffer): void {
    if (!this.#finished && !this.#discarding && !this.destroyed && data.length > 0) this.push(data)
  }

  finish(): void {
    if (this.#finished || this.destroyed) return
    this.#finished = true
    this.push(null)
  }

  /** Unlike a truncated stream, one that ended before the connection broke is whole. */
  abort(error: Error): void {
    if (!this.#finished) this.destroy(error)
  }

  discard(): void {
    this.#discarding = true
    this.unpipe()
    this.resume()
  }

  override read(size?: number): Buffer | null {
    const chunk = super.read(size) as Buffer | null
    if (chunk !== null) this.#onRead()
    return chunk
  }

  override _read(): void {}
}
