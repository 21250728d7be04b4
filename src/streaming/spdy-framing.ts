/**
 * SPDY/3.1 frames to bytes and back. Pure: no sockets, no time.
 *
 * The decoder never holds more than one control frame (64 KiB at most); the payload of a DATA frame is handed on piece by
 * piece as it arrives, so that a 16 MiB frame costs no memory. Whatever the peer sends, `push` returns or throws
 * SpdyProtocolError.
 *
 * ```
 * control: |1| version:15 | type:16 | flags:8 | length:24 | payload      data: |0| stream:31 | flags:8 | length:24 | payload
 * ```
 */
import { HeaderBlockDecoder, HeaderBlockEncoder, type SpdyHeaders, SpdyProtocolError } from './spdy-header-block.ts'

export const RST_STATUS = {
  protocolError: 1,
  invalidStream: 2,
  refusedStream: 3,
  cancel: 5,
  internalError: 6,
  flowControlError: 7,
  streamInUse: 8,
} as const

/** Setting 7: the flow control window that each new stream starts with, bytes. */
export const SETTING_INITIAL_WINDOW_BYTES = 7

export type SpdyFrame =
  | {
      type: 'SYN_STREAM'
      streamId: number
      associatedStreamId: number
      priority: number
      fin: boolean
      unidirectional: boolean
      headers: SpdyHeaders
    }
  | { type: 'SYN_REPLY'; streamId: number; fin: boolean; headers: SpdyHeaders }
  | { type: 'RST_STREAM'; streamId: number; status: number }
  | { type: 'SETTINGS'; settings: ReadonlyMap<number, number> }
  | { type: 'PING'; id: number }
  | { type: 'GOAWAY'; lastGoodStreamId: number; status: number }
  | { type: 'HEADERS'; streamId: number; fin: boolean; headers: SpdyHeaders }
  | { type: 'WINDOW_UPDATE'; streamId: number; deltaBytes: number }
  /** One piece of a DATA frame; `fin` only on the last piece. */
  | { type: 'DATA'; streamId: number; fin: boolean; data: Buffer }

export type SpdyControlFrame = Exclude<SpdyFrame, { type: 'DATA' }>

const VERSION = 3
const FLAG_FIN = 0x01
const FLAG_UNIDIRECTIONAL = 0x02
const HEADER_BYTES = 8
const MAX_CONTROL_PAYLOAD_BYTES = 64 << 10
/** The length field has 24 bits. */
export const MAX_DATA_FRAME_BYTES = (1 << 24) - 1

const TYPE_CODES = {
  SYN_STREAM: 1,
  SYN_REPLY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  GOAWAY: 7,
  HEADERS: 8,
  WINDOW_UPDATE: 9,
} as const

export class SpdyEncoder {
  readonly #headerBlocks = new HeaderBlockEncoder()

  /** Frames with headers must reach the wire in the order of these calls: they share one zlib stream. */
  control(frame: SpdyControlFrame): Buffer {
    const fin = 'fin' in frame && frame.fin ? FLAG_FIN : 0
    const flags = frame.type === 'SYN_STREAM' && frame.unidirectional ? fin | FLAG_UNIDIRECTIONAL : fin
    const payload = this.#payload(frame)
    const out = Buffer.allocUnsafe(HEADER_BYTES + payload.length)
    out.writeUInt16BE(0x8000 | VERSION, 0)
    out.writeUInt16BE(TYPE_CODES[frame.type], 2)
    out.writeUInt32BE(((flags << 24) | payload.length) >>> 0, 4)
    payload.copy(out, HEADER_BYTES)
    return out
  }

  #payload(frame: SpdyControlFrame): Buffer {
    switch (frame.type) {
      case 'SYN_STREAM': {
        const head = words(frame.streamId, frame.associatedStreamId)
        return Buffer.concat([head, Buffer.from([frame.priority << 5, 0]), this.#headerBlocks.encode(frame.headers)])
      }
      case 'SYN_REPLY':
      case 'HEADERS':
        return Buffer.concat([words(frame.streamId), this.#headerBlocks.encode(frame.headers)])
      case 'RST_STREAM':
        return words(frame.streamId, frame.status)
      case 'SETTINGS':
        return words(frame.settings.size, ...[...frame.settings].flat())
      case 'PING':
        return words(frame.id)
      case 'GOAWAY':
        return words(frame.lastGoodStreamId, frame.status)
      case 'WINDOW_UPDATE':
        return words(frame.streamId, frame.deltaBytes)
    }
  }
}

/** The eight bytes before the payload of a DATA frame. Throws RangeError above 2^24 - 1 bytes. */
export function dataFrameHeader(streamId: number, payloadBytes: number, fin: boolean): Buffer {
  if (payloadBytes > MAX_DATA_FRAME_BYTES) throw new RangeError(`DATA frame of ${payloadBytes} bytes`)
  return words(streamId & 0x7fff_ffff, (((fin ? FLAG_FIN : 0) << 24) | payloadBytes) >>> 0)
}

export class SpdyDecoder {
  readonly #headerBlocks = new HeaderBlockDecoder()
  /** Bytes of a frame header or control payload that has not arrived completely. */
  #pending: Buffer[] = []
  #pendingBytes = 0
  #data: { streamId: number; fin: boolean; remaining: number } | undefined
  #skipBytes = 0

  /** Calls `onFrame` for every frame, or piece of one, that `chunk` completes. Data is not copied. */
  push(chunk: Buffer, onFrame: (frame: SpdyFrame) => void): void {
    let rest = chunk
    while (rest.length > 0) {
      if (this.#data) rest = this.#takeData(this.#data, rest, onFrame)
      else if (this.#skipBytes > 0) {
        const skipped = Math.min(this.#skipBytes, rest.length)
        this.#skipBytes -= skipped
        rest = rest.subarray(skipped)
      } else rest = this.#takeHead(rest, onFrame)
    }
  }

  #takeData(
    data: { streamId: number; fin: boolean; remaining: number },
    rest: Buffer,
    onFrame: (frame: SpdyFrame) => void,
  ): Buffer {
    const piece = rest.subarray(0, data.remaining)
    data.remaining -= piece.length
    if (data.remaining === 0) this.#data = undefined
    onFrame({ type: 'DATA', streamId: data.streamId, fin: data.fin && data.remaining === 0, data: piece })
    return rest.subarray(piece.length)
  }

  /** Takes a whole control frame, or the header of a DATA frame, or keeps what there is. */
  #takeHead(rest: Buffer, onFrame: (frame: SpdyFrame) => void): Buffer {
    let head = rest
    if (this.#pendingBytes > 0) {
      this.#pending.push(rest)
      // Joining on every byte of a frame that trickles in would be quadratic: first wait until it can be complete.
      const wanted = this.#wantedBytes()
      if (this.#pendingBytes + rest.length < wanted) return this.#keepPending(rest.length)
      head = Buffer.concat(this.#pending)
      this.#pending = []
      this.#pendingBytes = 0
    }
    if (head.length < HEADER_BYTES) return this.#keep(head)
    const flags = head[4]!
    const length = head.readUInt32BE(4) & 0xff_ffff
    if ((head[0]! & 0x80) === 0) {
      const streamId = head.readUInt32BE(0)
      if (streamId === 0) throw new SpdyProtocolError('DATA frame for stream 0')
      const fin = (flags & FLAG_FIN) !== 0
      if (length === 0) onFrame({ type: 'DATA', streamId, fin, data: Buffer.alloc(0) })
      else this.#data = { streamId, fin, remaining: length }
      return head.subarray(HEADER_BYTES)
    }
    const version = head.readUInt16BE(0) & 0x7fff
    if (version !== VERSION) throw new SpdyProtocolError(`control frame of version ${version}, expected ${VERSION}`)
    const type = head.readUInt16BE(2)
    if (!KNOWN_TYPES.has(type)) {
      // The draft tells receivers to ignore control frames of types they do not know.
      this.#skipBytes = length
      return head.subarray(HEADER_BYTES)
    }
    if (length > MAX_CONTROL_PAYLOAD_BYTES) {
      throw new SpdyProtocolError(`control frame of ${length} bytes, at most ${MAX_CONTROL_PAYLOAD_BYTES}`)
    }
    const end = HEADER_BYTES + length
    if (head.length < end) return this.#keep(head)
    onFrame(this.#decodeControl(type, flags, head.subarray(HEADER_BYTES, end)))
    return head.subarray(end)
  }

  #wantedBytes(): number {
    const first = this.#pending[0]!
    return first.length < HEADER_BYTES ? HEADER_BYTES : HEADER_BYTES + (first.readUInt32BE(4) & 0xff_ffff)
  }

  #keepPending(addedBytes: number): Buffer {
    this.#pendingBytes += addedBytes
    return EMPTY
  }

  #keep(head: Buffer): Buffer {
    this.#pending = [head]
    this.#pendingBytes = head.length
    return EMPTY
  }

  #decodeControl(type: number, flags: number, payload: Buffer): SpdyFrame {
    const need = (bytes: number, what: string) => {
      if (payload.length < bytes)
        throw new SpdyProtocolError(`${what} frame of ${payload.length} bytes, at least ${bytes}`)
    }
    const streamId = (what: string) => {
      const id = payload.readUInt32BE(0) & 0x7fff_ffff
      if (id === 0) throw new SpdyProtocolError(`${what} frame for stream 0`)
      return id
    }
    const fin = (flags & FLAG_FIN) !== 0
    switch (type) {
      case TYPE_CODES.SYN_STREAM: {
        need(10, 'SYN_STREAM')
        const headers = this.#headerBlocks.decode(payload.subarray(10))
        return {
          type: 'SYN_STREAM',
          streamId: streamId('SYN_STREAM'),
          associatedStreamId: payload.readUInt32BE(4) & 0x7fff_ffff,
          priority: payload[8]! >> 5,
          fin,
          unidirectional: (flags & FLAG_UNIDIRECTIONAL) !== 0,
          headers,
        }
      }
      case TYPE_CODES.SYN_REPLY:
      case TYPE_CODES.HEADERS: {
        const name = type === TYPE_CODES.HEADERS ? 'HEADERS' : 'SYN_REPLY'
        need(4, name)
        const headers = this.#headerBlocks.decode(payload.subarray(4))
        return { type: name, streamId: streamId(name), fin, headers }
      }
      case TYPE_CODES.RST_STREAM:
        need(8, 'RST_STREAM')
        return { type: 'RST_STREAM', streamId: streamId('RST_STREAM'), status: payload.readUInt32BE(4) }
      case TYPE_CODES.SETTINGS: {
        need(4, 'SETTINGS')
        const count = payload.readUInt32BE(0)
        if (count > (payload.length - 4) / 8) throw new SpdyProtocolError(`SETTINGS frame: ${count} entries do not fit`)
        const settings = new Map<number, number>()
        for (let i = 0; i < count; i++) {
          settings.set(payload.readUInt32BE(4 + i * 8) & 0xff_ffff, payload.readUInt32BE(8 + i * 8))
        }
        return { type: 'SETTINGS', settings }
      }
      case TYPE_CODES.PING:
        need(4, 'PING')
        return { type: 'PING', id: payload.readUInt32BE(0) }
      case TYPE_CODES.GOAWAY:
        need(8, 'GOAWAY')
        return {
          type: 'GOAWAY',
          lastGoodStreamId: payload.readUInt32BE(0) & 0x7fff_ffff,
          status: payload.readUInt32BE(4),
        }
      default:
        need(8, 'WINDOW_UPDATE')
        return {
          type: 'WINDOW_UPDATE',
          streamId: payload.readUInt32BE(0) & 0x7fff_ffff,
          deltaBytes: payload.readUInt32BE(4) & 0x7fff_ffff,
        }
    }
  }
}

const KNOWN_TYPES: ReadonlySet<number> = new Set(Object.values(TYPE_CODES))
const EMPTY = Buffer.alloc(0)

function words(...values: number[]): Buffer {
  const out = Buffer.allocUnsafe(values.length * 4)
  values.forEach((value, i) => out.writeUInt32BE(value >>> 0, i * 4))
  return out
}
