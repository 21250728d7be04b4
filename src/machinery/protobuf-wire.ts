/** The protobuf wire format: keys, varints, length-prefixed bytes. Lengths are checked before anything is read. */

export const WIRE = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const

const truncated = () => new SyntaxError('protobuf: unexpected end of data')

export class ByteReader {
  readonly #data: Buffer
  #at = 0

  constructor(data: Buffer) {
    this.#data = data
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#data.length
  }

  key(): { tag: number; wire: number } {
    const key = Number(this.varint())
    const tag = Math.floor(key / 8)
    if (tag === 0) throw new SyntaxError('protobuf: illegal tag 0')
    return { tag, wire: key % 8 }
  }

  varint(): bigint {
    // Nearly all are short, and numbers are much faster than bigints.
    let value = 0
    for (let i = 0; i < 4; i++) {
      const byte = this.#byte()
      value |= (byte & 0x7f) << (7 * i)
      if (byte < 0x80) return BigInt(value)
    }
    let long = BigInt(value >>> 0)
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      long |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, long)
    }
    throw new SyntaxError('protobuf: varint overflow')
  }

  bytes(): Buffer {
    const length = Number(this.varint())
    if (length > this.#data.length - this.#at) throw truncated()
    const out = this.#data.subarray(this.#at, this.#at + length)
    this.#at += length
    return out
  }

  double(): number {
    if (this.#data.length - this.#at < 8) throw truncated()
    const out = this.#data.readDoubleLE(this.#at)
    this.#at += 8
    return out
  }

  /** Passes over a value. Groups, which Kubernetes never uses, are refused. */
  skip(wire: number) {
    if (wire === WIRE.varint) this.varint()
    else if (wire === WIRE.bytes) this.bytes()
    else if (wire === WIRE.fixed64) this.#advance(8)
    else if (wire === WIRE.fixed32) this.#advance(4)
    else throw new SyntaxError(`protobuf: illegal wire type ${wire}`)
  }

  #advance(count: number) {
    if (this.#data.length - this.#at < count) throw truncated()
    this.#at += count
  }

  #byte(): number {
    if (this.#at >= this.#data.length) throw truncated()
    return this.#data[this.#at++]!
  }
}

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
