/**
 * A client of watches that does no more than count their events: HTTP/2 by hand, since Node's own client takes more of the
 * machine for an event than the servers that are measured do. Lines of DATA frames are events; windows are opened as
 * far as they go.
 */
import { connect } from 'node:tls'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const HEAD_BYTES = 9
const MAX_WINDOW = 2 ** 31 - 1
const FIRST_WINDOW = 65_535
const frames = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 }
const flags = { endStream: 1, ack: 1, endHeaders: 4 }
const INITIAL_WINDOW_SIZE = 4
/** `:status: 200` of HPACK's static table. */
const STATUS_200 = 0x88
/** `:method: GET` and `:scheme: https` of the same. */
const GET_HTTPS = Buffer.from([0x82, 0x87])
const NEWLINE = 0x0a

/** One connection with watches of `path`. `onEvents` is told how many have arrived. */
export class EventCounter {
  #socket
  #onEvents
  #opened = 0
  #onOpened
  #onError
  /** What is left of a frame that is being read: its payload's bytes, and whether they are lines of a watch. */
  #left = 0
  #isData = false
  /** Of a frame that has not arrived as a whole, unless it is data. */
  #rest
  /** Watches that the server has ended. */
  ended = 0

  constructor(onEvents) {
    this.#onEvents = onEvents
  }

  /** Resolves when `watches` are answered. Rejects if one is refused. */
  open({ url, token }, path, watches) {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), ALPNProtocols: ['h2'], rejectUnauthorized: false })
    this.#socket = socket
    return new Promise((resolve, reject) => {
      this.#onError = reject
      this.#onOpened = () => {
        if (this.#opened === watches) resolve()
      }
      socket.on('error', reject)
      socket.on('data', (chunk) => this.#read(chunk))
      const window = Buffer.alloc(4)
      window.writeUInt32BE(MAX_WINDOW - FIRST_WINDOW)
      const setting = Buffer.alloc(6)
      setting.writeUInt16BE(INITIAL_WINDOW_SIZE)
      setting.writeUInt32BE(MAX_WINDOW, 2)
      socket.write(
        Buffer.concat([PREFACE, frame(frames.settings, 0, 0, setting), frame(frames.windowUpdate, 0, 0, window)]),
      )
      const fields = [
        [':authority', `${hostname}:${port}`],
        [':path', path],
        ['authorization', `Bearer ${token}`],
      ]
      const head = Buffer.concat([GET_HTTPS, ...fields.map(literal)])
      for (let i = 0; i < watches; i++)
        socket.write(frame(frames.headers, flags.endStream | flags.endHeaders, 2 * i + 1, head))
    })
  }

  close() {
    this.#socket?.destroy()
  }

  #read(chunk) {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk
    this.#rest = undefined
    let at = 0
    let events = 0
    while (at < bytes.length) {
      if (this.#left === 0) {
        if (bytes.length - at < HEAD_BYTES) break
        const length = bytes.readUIntBE(at, 3)
        this.#isData = bytes[at + 3] === frames.data
        if (!this.#isData && bytes.length - at < HEAD_BYTES + length) break
        this.#onFrame(bytes.subarray(at, at + HEAD_BYTES), bytes.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length))
        at += HEAD_BYTES
        if (this.#isData) this.#left = length
        else at += length
        continue
      }
      const end = Math.min(bytes.length, at + this.#left)
      for (let line = bytes.indexOf(NEWLINE, at); line >= 0 && line < end; line = bytes.indexOf(NEWLINE, line + 1))
        events++
      this.#left -= end - at
      at = end
    }
    if (at < bytes.length) this.#rest = bytes.subarray(at)
    if (events > 0) this.#onEvents(events)
  }

  #onFrame(head, payload) {
    const type = head[3]
    const flag = head[4]
    if ((type === frames.data || type === frames.headers) && flag & flags.endStream) this.ended++
    if (type === frames.reset) this.ended++
    if (type === frames.goAway) this.#onError(new Error('the server ends the connection'))
    if (type === frames.headers) {
      if (payload[0] !== STATUS_200) this.#onError(new Error('a watch is refused'))
      this.#opened++
      this.#onOpened()
    }
    const wantsAck = (type === frames.settings || type === frames.ping) && !(flag & flags.ack)
    if (wantsAck) this.#socket.write(frame(type, flags.ack, 0, type === frames.ping ? payload : Buffer.alloc(0)))
  }
}

function frame(type, flag, stream, payload) {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flag
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A header field of HPACK that nobody remembers, neither name nor value compressed. */
const literal = ([name, value]) => Buffer.concat([Buffer.from([0]), text(name), text(value)])

function text(value) {
  const bytes = Buffer.from(value)
  const size = []
  // Seven bits hold less than 127; what is more follows in groups of seven.
  if (bytes.length < 127) size.push(bytes.length)
  else {
    let left = bytes.length - 127
    size.push(127)
    for (; left >= 128; left >>= 7) size.push((left & 127) | 128)
    size.push(left)
  }
  return Buffer.concat([Buffer.from(size), bytes])
}
