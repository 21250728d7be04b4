/**
 * One SPDY stream as a Node Duplex. `end()` half-closes (FIN), `destroy()` resets, reading ends where the peer half-closes
 * or resets. The connection owns the protocol state; this class only adapts it to Node's streams.
 *
 * Kubernetes peers reset streams to say "done" just after their last byte, so a reset reads as an end of file, after what
 * was received before it; writes fail from then on, and `reset` is emitted.
 */
import { Duplex } from 'node:stream'
import type { SpdyHeaders } from './spdy-header-block.ts'

/** The peer reset the stream, or its connection is gone; nothing can be written any more. */
export class SpdyStreamClosedError extends Error {
  override readonly name = 'SpdyStreamClosedError'
}

/** What a stream asks of its connection. */
export interface SpdyStreamHost {
  /** Calls `done` when the transport has room for more. */
  send(stream: SpdyStream, chunk: Buffer, fin: boolean, done: (error?: Error | null) => void): void
  /** The reader took bytes out of the stream's buffer. */
  consumed(stream: SpdyStream): void
  /** The application is done with both directions. */
  abandoned(stream: SpdyStream): void
}

const WRITE_BUFFER_BYTES = 128 << 10

export class SpdyStream extends Duplex {
  readonly id: number
  readonly headers: SpdyHeaders
  /** Settles when the peer has accepted (SYN_REPLY) or refused a stream opened here; resolved at once for the peer's. */
  readonly accepted: Promise<void>
  readonly #host: SpdyStreamHost
  #settleAccepted: { resolve(): void; reject(error: Error): void } | undefined
  #discarding = false

  constructor(id: number, headers: SpdyHeaders, host: SpdyStreamHost, local: boolean) {
    super({ allowHalfOpen: true, writableHighWaterMark: WRITE_BUFFER_BYTES })
    this.id = id
    this.headers = headers
    this.#host = host
    this.accepted = local
      ? new Promise<void>((resolve, reject) => (this.#settleAccepted = { resolve, reject }))
      : Promise.resolve()
    this.accepted.catch(() => {})
    // A stream that fails while nobody happens to look must not bring the process down; readers and writers still see it.
    this.on('error', () => {})
  }

  /** The first value of a header, by its lower-case name. */
  header(name: string): string | undefined {
    return this.headers.get(name)?.[0]
  }

  /** Throws away what is buffered and what still comes, so that an unread stream does not hold up its connection. */
  discardInput(): void {
    this.#discarding = true
    this.unpipe()
    this.resume()
  }

  /** For the connection: bytes from the peer. */
  deliver(data: Buffer): void {
    if (!this.#discarding && !this.destroyed) this.push(data)
  }

  /** For the connection: the peer will send no more. */
  deliverEnd(): void {
    if (!this.destroyed && !this.readableEnded) this.push(null)
  }

  /** For the connection: the peer reset the stream. */
  deliverReset(reason: SpdyStreamClosedError): void {
    this.settleAccepted(reason)
    this.deliverEnd()
    this.emit('reset', reason)
    if (this.readableEnded) this.destroy()
    else this.once('end', () => this.destroy())
  }

  /** For the connection: a SYN_REPLY came, or never will. */
  settleAccepted(error?: Error): void {
    if (error) this.#settleAccepted?.reject(error)
    else this.#settleAccepted?.resolve()
    this.#settleAccepted = undefined
  }

  override read(size?: number): Buffer | null {
    const chunk = super.read(size) as Buffer | null
    if (chunk !== null) this.#host.consumed(this)
    return chunk
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#host.send(this, chunk, false, done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#host.send(this, Buffer.concat(chunks.map((c) => c.chunk)), false, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#host.send(this, Buffer.alloc(0), true, done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.settleAccepted(error ?? new SpdyStreamClosedError(`stream ${this.id} was abandoned`))
    this.#host.abandoned(this)
    done(error)
  }
}
