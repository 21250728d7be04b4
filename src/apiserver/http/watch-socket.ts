/**
 * The answer to a watch for clients that ask for it over a WebSocket, as pages in a browser do: each event is a message, of
 * text where it is JSON and of bytes where it is protobuf. What the client sends is dropped; when it goes, the watch ends.
 * Upstream: `WatchServer.HandleWS` in `apiserver/pkg/endpoints/handlers/watch.go`.
 *
 * It is written to as a plain answer is: whole events, any number at a time.
 */
import type { IncomingMessage } from 'node:http'
import { type Duplex, Writable } from 'node:stream'
import { UpgradeRefusedError, webSocketProtocols } from '#streaming/http-upgrade.ts'
import { type AcceptedWebSocket, acceptWebSocket } from '#streaming/websocket-upgrade.ts'
import { mediaTypes } from './negotiate.ts'

const LINE_END = 0x0a
/** A frame of protobuf begins with its length. */
const LENGTH_BYTES = 4

export class WatchSocket extends Writable {
  readonly #open: () => AcceptedWebSocket
  #ws: AcceptedWebSocket['ws'] | undefined
  #isText = true
  headersSent = false
  statusCode = 200

  constructor(req: IncomingMessage, socket: Duplex, head: Buffer) {
    super({ decodeStrings: true })
    const offered = webSocketProtocols(req)
    this.#open = () => acceptWebSocket(req, socket, head, offered.length > 0 ? offered : [''])
    // Where the watch is refused there is no WebSocket to tell of the end, and who counts watches waits for it.
    socket.once('close', () => this.destroy())
  }

  /** A handshake has no place for warnings. */
  setHeader(): this {
    return this
  }

  /** Answers the handshake. Where that is refused there is nobody to write to. */
  writeHead(_code: number, headers: Record<string, string>): this {
    this.headersSent = true
    this.#isText = headers['content-type'] === mediaTypes.json
    try {
      this.#ws = this.#open().ws
      this.#ws.on('error', () => {})
    } catch (err) {
      if (!(err instanceof UpgradeRefusedError)) throw err
      this.destroy()
    }
    return this
  }

  override _write(events: Buffer, _encoding: string, done: () => void) {
    const messages = this.#isText ? lines(events) : frames(events)
    let left = messages.length
    if (left === 0) return done()
    const sent = (err?: Error | null) => {
      // A client that has gone is no error.
      if (err) this.destroy()
      if (--left === 0) done()
    }
    for (const message of messages) this.#ws!.send(message, { binary: !this.#isText }, sent)
  }

  override _final(done: () => void) {
    this.#ws?.close(1000)
    done()
  }

  override _destroy(err: Error | null, done: (err: Error | null) => void) {
    this.#ws?.terminate()
    done(err)
  }
}

function lines(events: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let from = 0; from < events.length;) {
    const end = events.indexOf(LINE_END, from) + 1 || events.length
    found.push(events.subarray(from, end))
    from = end
  }
  return found
}

function frames(events: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let from = 0; from < events.length;) {
    const end = from + LENGTH_BYTES + events.readUInt32BE(from)
    found.push(events.subarray(from + LENGTH_BYTES, end))
    from = end
  }
  return found
}
