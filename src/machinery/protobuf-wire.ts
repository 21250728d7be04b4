/**
 * The protobuf wire format: keys, varints, length-prefixed bytes. A reader checks every length before it reads. There are
 * two writers: one that appends, for small messages, and one that writes a message from its end to its beginning, so
 * that the length of whatever is nested is known by the time that it has to be written, and nothing is copied.
 */

export const WIRE = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const

const truncated = () => new SyntaxError('protobuf: unexpected end of data')
const TWO_32 = 0x1_0000_0000

export class ByteReader {
  readonly #data: Buffer
  #at = 0
  /** Where the message ends that is being read; the data itself may go on. */
  #end: number
  /** The upper half of the varint that was read last. */
  #high = 0

  constructor(data: Buffer) {
    this.#data = data
    this.#end = data.length
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end
  }

  /** A field's number times 8, plus its wire type. */
  key(): number {
    const key = this.#varint()
    if (this.#high !== 0 || key < 8) throw new SyntaxError(`protobuf: illegal tag ${key < 8 ? 0 : 'number'}`)
    return key
  }

  /** The lower 32 bits of a varint, unsigned. */
  uint32(): number {
    return this.#varint()
  }

  int32(): number {
    return this.#varint() | 0
  }

  /** Beyond 53 bits the nearest number. */
  int64(): number {
    const low = this.#varint()
    return (this.#high | 0) * TWO_32 + low
  }

  bool(): boolean {
    return this.#varint() !== 0 || this.#high !== 0
  }

  /** A part of the data itself. */
  bytes(): Buffer {
    const start = this.#advance(this.#length())
    return this.#data.subarray(start, this.#at)
  }

  text(): string {
    const start = this.#advance(this.#length())
    return this.#data.toString('utf8', start, this.#at)
  }

  base64(): string {
    const start = this.#advance(this.#length())
    return this.#data.toString('base64', start, this.#at)
  }

  double(): number {
    return this.#data.readDoubleLE(this.#advance(8))
  }

  /** Narrows the reader to the message that begins here; the answer is for `leave`. */
  enter(): number {
    const length = this.#length()
    if (length > this.#end - this.#at) throw truncated()
    const outer = this.#end
    this.#end = this.#at + length
    return outer
  }

  leave(outer: number) {
    this.#at = this.#end
    this.#end = outer
  }

  /** Passes over a value. Groups, which Kubernetes never uses, are refused. */
  skip(wire: number) {
    if (wire === WIRE.varint) this.#varint()
    else if (wire === WIRE.bytes) this.#advance(this.#length())
    else if (wire === WIRE.fixed64) this.#advance(8)
    else if (wire === WIRE.fixed32) this.#advance(4)
    else throw new SyntaxError(`protobuf: illegal wire type ${wire}`)
  }

  #length(): number {
    const length = this.#varint()
    if (this.#high !== 0) throw truncated()
    return length
  }

  /** Where the bytes begin that are passed over. */
  #advance(count: number): number {
    const start = this.#at
    if (count > this.#end - start) throw truncated()
    this.#at = start + count
    return start
  }

  #byte(): number {
    if (this.#at >= this.#end) throw truncated()
    return this.#data[this.#at++]!
  }

  #varint(): number {
    this.#high = 0
    let byte = this.#byte()
    if (byte < 0x80) return byte
    let low = byte & 0x7f
    for (let shift = 7; shift < 28; shift += 7) {
      byte = this.#byte()
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return low
    }
    byte = this.#byte()
    low |= byte << 28
    let high = (byte & 0x7f) >>> 4
    for (let shift = 3; byte >= 0x80; shift += 7) {
      if (shift > 31) throw new SyntaxError('protobuf: varint overflow')
      byte = this.#byte()
      high |= (byte & 0x7f) << shift
    }
    this.#high = high >>> 0
    return low >>> 0
  }
}

/** Appends; for messages that are small or seldom written. */
export class ByteWriter {
  #parts: Buffer[] = []

  key(tag: number, wire: number): this {
    return this.varint(BigInt(tag * 8 + wire))
  }

  varint(value: bigint): this {
    const out: number[] = []
    let rest = value
    while (rest >= 0x80n) {
      out.push(Number(rest & 0x7fn) | 0x80)
      rest >>= 7n
    }
    out.push(Number(rest))
    this.#parts.push(Buffer.from(out))
    return this
  }

  bytes(value: Buffer): this {
    this.varint(BigInt(value.length))
    this.#parts.push(value)
    return this
  }

  double(value: number): this {
    const out = Buffer.alloc(8)
    out.writeDoubleLE(value)
    this.#parts.push(out)
    return this
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

const INITIAL_BYTES = 8 << 10
/** What a writer keeps for the next message. */
const MAX_KEPT_BYTES = 256 << 10
/** Longer texts are measured and written by the platform; for shorter ones that costs more than it saves. */
const SHORT_TEXT = 48

/** Writes from the end to the beginning: the last field first, and of each field its value, then its length and its key. */
export class BackwardWriter {
  #data: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  /** The first byte that is written. */
  #at = INITIAL_BYTES

  /** How many bytes are written; the difference of two is the length of what came between. */
  get written(): number {
    return this.#data.length - this.#at
  }

  /** A number of at most 32 bits, unsigned: keys and lengths. */
  uint32(value: number) {
    this.#reserve(5)
    if (value < 0x80) this.#data[--this.#at] = value
    else {
      const start = (this.#at -= value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5)
      let at = start
      let rest = value
      for (; rest >= 0x80; rest >>>= 7) this.#data[at++] = (rest & 0x7f) | 0x80
      this.#data[at] = rest
    }
  }

  /** An integer that may be negative. */
  int64(value: number) {
    if (value >= 0 && value < TWO_32) {
      this.uint32(value)
      return
    }
    let low = (value % TWO_32) >>> 0
    let high = Math.floor(value / TWO_32) >>> 0
    const bytes: number[] = []
    while (high !== 0 || low >= 0x80) {
      bytes.push((low & 0x7f) | 0x80)
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    bytes.push(low)
    this.#reserve(bytes.length)
    this.#at -= bytes.length
    for (let i = 0; i < bytes.length; i++) this.#data[this.#at + i] = bytes[i]!
  }

  double(value: number) {
    this.#reserve(8)
    this.#data.writeDoubleLE(value, (this.#at -= 8))
  }

  /** UTF-8 with its length before it. */
  text(value: string) {
    const { length } = value
    if (length > SHORT_TEXT || !this.#ascii(value, length)) {
      const bytes = Buffer.byteLength(value)
      this.#reserve(bytes)
      this.#at -= bytes
      this.#data.write(value, this.#at, bytes, 'utf8')
      this.uint32(bytes)
    } else this.uint32(length)
  }

  /** Says whether all of it was ASCII and is written. */
  #ascii(value: string, length: number): boolean {
    this.#reserve(length)
    const start = this.#at - length
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      if (code >= 0x80) return false
      this.#data[start + i] = code
    }
    this.#at = start
    return true
  }

  /** Bytes with their length before them. */
  bytes(value: Buffer) {
    this.raw(value)
    this.uint32(value.length)
  }

  raw(value: Buffer) {
    this.#reserve(value.length)
    this.#at -= value.length
    value.copy(this.#data, this.#at)
  }

  /** What is written, in a Buffer of its own; the writer is empty again. */
  finish(): Buffer {
    const out = Buffer.allocUnsafeSlow(this.written)
    this.#data.copy(out, 0, this.#at)
    if (this.#data.length > MAX_KEPT_BYTES) this.#data = Buffer.allocUnsafeSlow(INITIAL_BYTES)
    this.#at = this.#data.length
    return out
  }

  /** Forgets what is written, after a value that could not be written to its end. */
  reset() {
    this.#at = this.#data.length
  }

  #reserve(count: number) {
    if (count <= this.#at) return
    const { written } = this
    let size = this.#data.length
    while (size - written < count) size *= 2
    const larger = Buffer.allocUnsafeSlow(size)
    this.#data.copy(larger, size - written, this.#at)
    this.#data = larger
    this.#at = size - written
  }
}
