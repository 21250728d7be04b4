/**
 * DNS messages as bytes (RFC 1035, EDNS0 of RFC 6891). Written out here rather than left to a package, because answers
 * must compress names to fit into a datagram, keep the client's spelling of the question, and pass on types unknown to us.
 * Everything read is bounds-checked: whatever arrives, parsing ends with a value, never with an exception.
 */
import { expandIpv6 } from './wire-address.ts'

export const TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const

export const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const
export type Rcode = (typeof RCODES)[keyof typeof RCODES]

export const CLASS_IN = 1
export const HEADER_BYTES = 12
const MAX_NAME_BYTES = 255

export interface Edns {
  udpBytes: number
  version: number
  dnssecOk: boolean
}

export interface Query {
  id: number
  opcode: number
  recursionDesired: boolean
  checkingDisabled: boolean
  /** Lower case, without the final dot; the root is empty. Dots within a label are written `\046`. */
  name: string
  type: number
  class: number
  edns: Edns | undefined
  /** The question as it came, name, type and class: answers repeat it in the client's own spelling. */
  question: Buffer
  /** The whole message. */
  message: Buffer
}

export type RecordData =
  | { type: 'A' | 'AAAA'; ip: string }
  | { type: 'CNAME' | 'PTR' | 'NS'; target: string }
  | { type: 'SRV'; priority: number; weight: number; port: number; target: string }
  | { type: 'TXT'; text: string }
  | {
      type: 'SOA'
      mname: string
      rname: string
      serial: number
      refresh: number
      retry: number
      expire: number
      minimum: number
    }

export interface ResourceRecord {
  name: string
  ttlSeconds: number
  data: RecordData
}

interface ReadName {
  name: string
  /** Offset after the name. */
  end: number
}

const letters: string[] = Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte)
  if (char === '.') return '\\046'
  if (char === '\\') return '\\092'
  return char.toLowerCase()
})
for (let byte = 128; byte < 256; byte++) letters[byte] = String.fromCharCode(byte)

/** Undefined when the bytes are no name. Pointers must point backwards, so that no message can make it loop. */
export function readName(message: Buffer, start: number): ReadName | undefined {
  let name = ''
  let offset = start
  let end = -1
  let limit = start
  let bytes = 0
  for (;;) {
    if (offset >= message.length) return undefined
    const length = message[offset]!
    if (length === 0) return { name, end: end < 0 ? offset + 1 : end }
    if (length >= 0xc0) {
      if (offset + 1 >= message.length) return undefined
      const target = ((length & 0x3f) << 8) | message[offset + 1]!
      if (target >= limit) return undefined
      if (end < 0) end = offset + 2
      limit = target
      offset = target
      continue
    }
    if (length > 63 || offset + 1 + length > message.length) return undefined
    bytes += length + 1
    if (bytes > MAX_NAME_BYTES - 1) return undefined
    if (name !== '') name += '.'
    for (let i = offset + 1; i <= offset + length; i++) name += letters[message[i]!]
    offset += length + 1
  }
}

/** `malformed` keeps the id, so that it can be answered; undefined is not answered at all (a response, or too short). */
export function readQuery(message: Buffer): Query | { malformed: true; id: number } | undefined {
  if (message.length < HEADER_BYTES) return undefined
  const id = message.readUInt16BE(0)
  const flags = message.readUInt16BE(2)
  if (flags & 0x8000) return undefined
  const malformed = { malformed: true, id } as const
  if (message.readUInt16BE(4) !== 1 || message.readUInt16BE(6) !== 0) return malformed
  const question = readName(message, HEADER_BYTES)
  if (!question || question.end + 4 > message.length) return malformed
  const query: Query = {
    id,
    opcode: (flags >> 11) & 15,
    recursionDesired: (flags & 0x0100) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
    name: question.name,
    type: message.readUInt16BE(question.end),
    class: message.readUInt16BE(question.end + 2),
    edns: undefined,
    question: message.subarray(HEADER_BYTES, question.end + 4),
    message,
  }
  const others = message.readUInt16BE(8) + message.readUInt16BE(10)
  let offset = question.end + 4
  for (let i = 0; i < others; i++) {
    const record = readRecord(message, offset)
    if (!record) return malformed
    offset = record.end
    if (record.type !== TYPES.OPT) continue
    if (query.edns) return malformed
    query.edns = {
      udpBytes: record.class,
      version: (record.ttl >>> 16) & 0xff,
      dnssecOk: (record.ttl & 0x8000) !== 0,
    }
  }
  return query
}

export interface ReadRecord {
  name: string
  type: number
  class: number
  ttl: number
  ttlOffset: number
  dataOffset: number
  dataLength: number
  end: number
}

export function readRecord(message: Buffer, offset: number): ReadRecord | undefined {
  const owner = readName(message, offset)
  if (!owner || owner.end + 10 > message.length) return undefined
  const dataLength = message.readUInt16BE(owner.end + 8)
  const end = owner.end + 10 + dataLength
  if (end > message.length) return undefined
  return {
    name: owner.name,
    type: message.readUInt16BE(owner.end),
    class: message.readUInt16BE(owner.end + 2),
    ttl: message.readUInt32BE(owner.end + 4),
    ttlOffset: owner.end + 4,
    dataOffset: owner.end + 10,
    dataLength,
    end,
  }
}

export interface Response {
  rcode: Rcode
  /** We are the authority for the name. */
  authoritative: boolean
  answers: readonly ResourceRecord[]
  authorities: readonly ResourceRecord[]
  additionals: readonly ResourceRecord[]
}

/** Larger answers over UDP tend to be lost in fragments. */
export const MAX_UDP_BYTES = 1232
const PLAIN_UDP_BYTES = 512
export const MAX_TCP_BYTES = 65_535

/** How much the client can take in one datagram. */
export const udpLimit = ({ edns }: Query) =>
  edns ? Math.min(Math.max(edns.udpBytes, PLAIN_UDP_BYTES), MAX_UDP_BYTES) : PLAIN_UDP_BYTES

/**
 * Encodes the answer to `query` in at most `maxBytes`: additional records are left out first, then answers, with the
 * truncation flag set.
 */
export function writeResponse(query: Query, response: Response, maxBytes: number): Buffer {
  return new Writer(query, maxBytes - (query.edns ? OPT_BYTES : 0)).write(response)
}

/** An answer without records, e.g. an error; `malformed` queries are answered without a question. */
export function writeError(query: Query | { id: number }, rcode: Rcode): Buffer {
  if ('question' in query) {
    const empty = { rcode, authoritative: false, answers: [], authorities: [], additionals: [] }
    return writeResponse(query, empty, PLAIN_UDP_BYTES)
  }
  const buffer = Buffer.alloc(HEADER_BYTES)
  buffer.writeUInt16BE(query.id, 0)
  buffer.writeUInt16BE(0x8000 | rcode, 2)
  return buffer
}

/** A query for one name, with recursion desired and EDNS. Throws RangeError for what is no name. */
export function writeQuery(id: number, name: string, type: number): Buffer {
  const head = Buffer.alloc(HEADER_BYTES)
  head.writeUInt16BE(id, 0)
  head.writeUInt16BE(0x0100, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(1, 10)
  const tail = Buffer.alloc(4 + OPT_BYTES)
  tail.writeUInt16BE(type, 0)
  tail.writeUInt16BE(CLASS_IN, 2)
  tail.writeUInt16BE(TYPES.OPT, 5)
  tail.writeUInt16BE(MAX_UDP_BYTES, 7)
  return Buffer.concat([head, encodeName(name), tail])
}

const OPT_BYTES = 11

function encodeLabel(label: string): Buffer {
  const bytes = label.includes('\\')
    ? Buffer.from(
        label.replace(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number(code))),
        'latin1',
      )
    : Buffer.from(label, 'latin1')
  if (bytes.length === 0 || bytes.length > 63) throw new RangeError(`"${label}" is not a label of a DNS name`)
  return bytes
}

/** Uncompressed. Throws RangeError for empty or overlong labels and names. */
export function encodeName(name: string): Buffer {
  const parts: Buffer[] = []
  for (const label of name === '' ? [] : name.split('.')) {
    const bytes = encodeLabel(label)
    parts.push(Buffer.from([bytes.length]), bytes)
  }
  parts.push(Buffer.from([0]))
  const encoded = Buffer.concat(parts)
  if (encoded.length > MAX_NAME_BYTES) throw new RangeError(`"${name}" is too long for a DNS name`)
  return encoded
}

/** Thrown and caught within this file: the message is full. */
const FULL = Symbol('full')

class Writer {
  readonly #query: Query
  readonly #buffer: Buffer
  readonly #max: number
  #offset: number
  /** Where names (and what follows each of their dots) have been written, for pointers to them. */
  readonly #names = new Map<string, number>()

  constructor(query: Query, maxBytes: number) {
    this.#query = query
    this.#max = Math.max(maxBytes, HEADER_BYTES + query.question.length)
    this.#buffer = Buffer.allocUnsafe(this.#max + OPT_BYTES)
    this.#offset = HEADER_BYTES + query.question.length
    query.question.copy(this.#buffer, HEADER_BYTES)
    let at = HEADER_BYTES
    let rest = query.name
    while (rest !== '') {
      this.#names.set(rest, at)
      at += this.#buffer[at]! + 1
      const dot = rest.indexOf('.')
      rest = dot < 0 ? '' : rest.slice(dot + 1)
    }
  }

  write({ rcode, authoritative, answers, authorities, additionals }: Response): Buffer {
    const answerCount = this.#section(answers)
    const truncated = answerCount < answers.length
    const authorityCount = truncated ? 0 : this.#section(authorities)
    const additionalCount = truncated ? 0 : this.#section(additionals)
    const { id, opcode, recursionDesired, checkingDisabled, edns } = this.#query
    const buffer = this.#buffer
    buffer.writeUInt16BE(id, 0)
    buffer.writeUInt16BE(
      0x8080 |
        (opcode << 11) |
        (authoritative ? 0x0400 : 0) |
        (truncated ? 0x0200 : 0) |
        (recursionDesired ? 0x0100 : 0) |
        (checkingDisabled ? 0x0010 : 0) |
        (rcode & 15),
      2,
    )
    buffer.writeUInt16BE(1, 4)
    buffer.writeUInt16BE(answerCount, 6)
    buffer.writeUInt16BE(authorityCount, 8)
    buffer.writeUInt16BE(additionalCount + (edns ? 1 : 0), 10)
    if (edns) this.#writeOpt(rcode, edns)
    return buffer.subarray(0, this.#offset)
  }

  #writeOpt(rcode: number, edns: Edns) {
    const at = this.#offset
    this.#buffer[at] = 0
    this.#buffer.writeUInt16BE(TYPES.OPT, at + 1)
    this.#buffer.writeUInt16BE(MAX_UDP_BYTES, at + 3)
    this.#buffer.writeUInt32BE((((rcode >> 4) << 24) | (edns.dnssecOk ? 0x8000 : 0)) >>> 0, at + 5)
    this.#buffer.writeUInt16BE(0, at + 9)
    this.#offset += OPT_BYTES
  }

  /** Writes records until one doesn't fit; returns how many did. */
  #section(records: readonly ResourceRecord[]): number {
    let count = 0
    for (const record of records) {
      const start = this.#offset
      try {
        this.#record(record)
      } catch (err) {
        if (err !== FULL) throw err
        this.#offset = start
        for (const [name, at] of this.#names) if (at >= start) this.#names.delete(name)
        break
      }
      count++
    }
    return count
  }

  #record({ name, ttlSeconds, data }: ResourceRecord) {
    this.#name(name)
    this.#u16(TYPES[data.type])
    this.#u16(CLASS_IN)
    this.#u32(ttlSeconds)
    const lengthAt = this.#need(2)
    this.#data(data)
    this.#buffer.writeUInt16BE(this.#offset - lengthAt - 2, lengthAt)
  }

  #data(data: RecordData) {
    switch (data.type) {
      case 'A':
        for (const part of data.ip.split('.')) this.#buffer[this.#need(1)] = Number(part)
        return
      case 'AAAA':
        for (const group of expandIpv6(data.ip)) this.#u16(group)
        return
      case 'CNAME':
      case 'PTR':
      case 'NS':
        return this.#name(data.target)
      case 'SRV':
        this.#u16(data.priority)
        this.#u16(data.weight)
        this.#u16(data.port)
        // RFC 2782 forbids compression of the target.
        return this.#bytes(encodeName(data.target))
      case 'TXT': {
        const text = Buffer.from(data.text).subarray(0, 255)
        this.#buffer[this.#need(1)] = text.length
        return this.#bytes(text)
      }
      case 'SOA':
        this.#name(data.mname)
        this.#name(data.rname)
        for (const value of [data.serial, data.refresh, data.retry, data.expire, data.minimum]) this.#u32(value)
    }
  }

  #name(name: string) {
    let rest = name
    while (rest !== '') {
      const known = this.#names.get(rest)
      if (known !== undefined) return this.#u16(0xc000 | known)
      const dot = rest.indexOf('.')
      const label = encodeLabel(dot < 0 ? rest : rest.slice(0, dot))
      const at = this.#need(label.length + 1)
      if (at < 0x4000) this.#names.set(rest, at)
      this.#buffer[at] = label.length
      label.copy(this.#buffer, at + 1)
      rest = dot < 0 ? '' : rest.slice(dot + 1)
    }
    this.#buffer[this.#need(1)] = 0
  }

  #bytes(bytes: Buffer) {
    bytes.copy(this.#buffer, this.#need(bytes.length))
  }

  #u16(value: number) {
    this.#buffer.writeUInt16BE(value, this.#need(2))
  }

  #u32(value: number) {
    this.#buffer.writeUInt32BE(value >>> 0, this.#need(4))
  }

  /** Takes `count` bytes and returns where they begin. */
  #need(count: number): number {
    const at = this.#offset
    if (at + count > this.#max) throw FULL
    this.#offset = at + count
    return at
  }
}
