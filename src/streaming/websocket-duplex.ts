/**
 * A WebSocket whose binary messages are one byte stream, as in a tunnel. Messages that arrive together are handed on
 * together: kubectl sends a SPDY frame as several messages of four bytes.
 */
import { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'

const BUFFER_BYTES = 256 << 10

export class WebSocketDuplex extends Duplex {
  readonly #ws: WebSocket
  #batch: Buffer[] = []

  /** Takes over an open WebSocket. Ending the stream closes it with code 1000; destroying drops it. */
  constructor(ws: WebSocket) {
    super({ allowHalfOpen: false, readableHighWaterMark: BUFFER_BYTES, writableHighWaterMark: BUFFER_BYTES })
    this.#ws = ws
    this.on('error', () => {})
    ws.on('message', (data: RawData, isBinary) => {
      if (!isBinary) return void this.destroy(new Error('a text message in a tunnel'))
      if (this.#batch.length === 0) process.nextTick(() => this.#flush())
      this.#batch.push(data as Buffer)
    })
    ws.on('error', (error) => this.destroy(error))
    ws.once('close', (code) => {
      this.#flush()
      if (code === 1000 || code === 1005) this.push(null)
      else this.destroy(new Error(`the WebSocket closed with code ${code}`))
    })
  }

  #flush(): void {
    const batch = this.#batch
    if (batch.length === 0 || this.destroyed) return
    this.#batch = []
    if (!this.push(batch.length === 1 ? batch[0] : Buffer.concat(batch))) this.#ws.pause()
  }

  override _read(): void {
    this.#ws.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return done(new Error('the WebSocket is closed'))
    this.#ws.send(chunk, (error) => done(error ?? null))
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map((c) => c.chunk)), 'buffer' as BufferEncoding, done)
  }

  override _final(done: () => void): void {
    this.#ws.resume()
    this.#ws.close(1000)
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#batch = []
    // A closing handshake under way ends by itself, with a time limit of its own.
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.terminate()
    done(error)
  }
}
