/**
 * Reads ASN.1 values in DER (X.690): as much of it as certificates and requests for them need. What is read may come from
 * anybody, so every length is checked against what is there, and nothing recurses by itself.
 */

/** The bytes are not what they should be. */
export class DerError extends Error {
  override readonly name = 'DerError'
}

export interface DerValue {
  /** Identifier octet: class, whether it is constructed, and number. */
  readonly tag: number
  /** Contents without identifier and length. */
  readonly body: Buffer
  /** The whole encoding. */
  readonly bytes: Buffer
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

/** Takes one value after the other from a series of them. Every method throws DerError. */
export class DerReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** The tag of the next value; undefined at the end. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#at]
  }

  /** The next value, whatever it is, or only if it has this tag. */
  read(expected?: number): DerValue {
    const start = this.#at
    const tag = this.#byte()
    if ((tag & 0x1f) === 0x1f) throw new DerError('asn1: structure error: a tag takes more than one byte')
    if (expected !== undefined && tag !== expected)
      throw new DerError(
        `asn1: structure error: tags don't match (0x${expected.toString(16)} vs 0x${tag.toString(16)})`,
      )
    const length = this.#length()
    const end = this.#at + length
    if (end > this.#bytes.length) throw new DerError('asn1: syntax error: data truncated')
    const body = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return { tag, body, bytes: this.#bytes.subarray(start, end) }
  }

  /** The next value if it has this tag. */
  readOptional(tag: number): DerValue | undefined {
    return this.nextTag === tag ? this.read(tag) : undefined
  }

  /** Reader of the contents of the next value, which has this tag. */
  enter(tag: number): DerReader {
    return new DerReader(this.read(tag).body)
  }

  /** Throws unless everything was read. */
  end(): void {
    if (!this.isAtEnd) throw new DerError('asn1: syntax error: trailing data')
  }

  #byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new DerError('asn1: syntax error: data truncated')
    this.#at++
    return byte
  }

  #length(): number {
    const first = this.#byte()
    if (first < 0x80) return first
    const count = first & 0x7f
    if (count === 0) throw new DerError('asn1: syntax error: indefinite length found (not DER)')
    if (count > 4) throw new DerError('asn1: structure error: length too large')
    let length = 0
    for (let i = 0; i < count; i++) length = length * 256 + this.#byte()
    if (length < 0x80 || length < 2 ** (8 * (count - 1)))
      throw new DerError('asn1: structure error: non-minimal length')
    return length
  }
}

/** The one value that `bytes` consist of. Throws DerError. */
export function readWhole(bytes: Buffer, tag: number): DerReader {
  const reader = new DerReader(bytes)
  const inner = reader.enter(tag)
  reader.end()
  return inner
}

/** `1.2.840.10045.4.3.2`. Throws DerError. */
export function objectIdText({ body }: DerValue): string {
  const parts: number[] = []
  let part = 0
  for (const [i, byte] of body.entries()) {
    if (part === 0 && byte === 0x80) throw new DerError('asn1: syntax error: integer is not minimally encoded')
    part = part * 128 + (byte & 0x7f)
    if (!Number.isSafeInteger(part)) throw new DerError('asn1: structure error: base 128 integer too large')
    if (byte & 0x80) {
      if (i === body.length - 1) throw new DerError('asn1: syntax error: truncated base 128 integer')
      continue
    }
    parts.push(part)
    part = 0
  }
  const [first, ...rest] = parts
  if (first === undefined) throw new DerError('asn1: syntax error: zero length OBJECT IDENTIFIER')
  const root = Math.min(Math.floor(first / 40), 2)
  return [root, first - root * 40, ...rest].join('.')
}

/** Text of any of the string types that names are made of. Throws DerError for another type, or bytes that are no such text. */
export function stringText({ tag, body }: DerValue): string {
  switch (tag) {
    case TAG.utf8String: {
      const text = body.toString('utf8')
      if (!Buffer.from(text).equals(body)) throw new DerError('asn1: syntax error: invalid UTF-8 string')
      return text
    }
    case TAG.numericString:
    case TAG.printableString:
    case TAG.ia5String:
      if (body.some((byte) => byte >= 0x80)) throw new DerError('asn1: syntax error: string contains invalid character')
      return body.toString('latin1')
    case TAG.teletexString:
      return body.toString('latin1')
    case TAG.bmpString:
      if (body.length % 2 !== 0) throw new DerError('asn1: syntax error: odd-length BMP string')
      return Buffer.from(body).swap16().toString('utf16le')
    default:
      throw new DerError(`asn1: structure error: a value with tag 0x${tag.toString(16)} is no text`)
  }
}

/** Milliseconds since the epoch of a UTCTime or GeneralizedTime in the form that RFC 5280 asks for. Throws DerError. */
export function timeMs({ tag, body }: DerValue): number {
  const text = body.toString('latin1')
  const match =
    tag === TAG.utcTime
      ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text)
      : tag === TAG.generalizedTime
        ? /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text)
        : null
  if (!match) throw new DerError('asn1: syntax error: malformed time')
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const fullYear = tag === TAG.generalizedTime ? year : year < 50 ? 2000 + year : 1900 + year
  return Date.UTC(fullYear, month - 1, day, hour, minute, second)
}

/** The bytes of a BIT STRING of whole bytes. Throws DerError. */
export function bitStringBytes({ body }: DerValue): Buffer {
  if (body.length === 0) throw new DerError('asn1: syntax error: zero length BIT STRING')
  if (body[0] !== 0) throw new DerError('asn1: syntax error: a bit string does not end with a whole byte')
  return body.subarray(1)
}
