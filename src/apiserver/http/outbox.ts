/**
 * Answers that are ready, sent when all requests that have arrived in the same turn of the event loop have been worked on.
 * Under load, a client's process is then woken once for many answers and not for each, which costs as much as a read does;
 * without load, an answer waits for nothing. Over HTTP/2, the connection itself sends together what a turn has brought.
 */
import type { Response } from './exchange.ts'

/**
 * A larger one may fill the socket's buffer, head included. Over HTTP/1.1 Node then pauses the parser when the next request
 * comes before it has seen the buffer empty, takes the rest of that request for an error, and ends the connection; a client
 * that is quick enough for that exists when the answer has waited for the end of the turn.
 */
const MAX_HELD_BYTES = 8 << 10

export class Outbox {
  #ready = new Map<Response, Buffer>()

  /** Ends the answer, whose head has been written, with `bytes`. */
  end(res: Response, bytes: Buffer) {
    if ('stream' in res || bytes.length > MAX_HELD_BYTES) return void res.end(bytes)
    if (this.#ready.size === 0) setImmediate(() => this.#send())
    this.#ready.set(res, bytes)
  }

  /** Whether the answer is complete and waits. */
  holds(res: Response): boolean {
    return this.#ready.has(res)
  }

  #send() {
    const ready = this.#ready
    this.#ready = new Map()
    for (const [res, bytes] of ready) res.end(bytes)
  }
}
