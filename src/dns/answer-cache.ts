/**
 * Answers of other servers, kept as bytes with the places of their TTLs, which count down while they are kept. Bounded in
 * number; the answer unused for longest makes room. Pure but for the clock that is passed in.
 */
import { CLASS_IN, HEADER_BYTES, RCODES, readName, readRecord, TYPES } from './wire.ts'

export interface CacheLimits {
  maxAnswers: number
  /** Longest time that an answer with records is kept, in seconds. */
  positiveSeconds: number
  /** The same for NXDOMAIN and empty answers. */
  negativeSeconds: number
  /** How long a server's failure counts. */
  failureSeconds: number
}

export const DEFAULT_CACHE_LIMITS: CacheLimits = {
  maxAnswers: 10_000,
  positiveSeconds: 300,
  negativeSeconds: 30,
  failureSeconds: 2,
}

interface Kept {
  message: Buffer
  ttlOffsets: readonly number[]
  storedMs: number
  expiresMs: number
}

export class AnswerCache {
  readonly #limits: CacheLimits
  /** Insertion order is order of last use. */
  readonly #answers = new Map<string, Kept>()

  constructor(limits: CacheLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#answers.size
  }

  /** A copy with TTLs of this moment (`nowMs` monotonic); its id and question are those of whoever asked first. */
  get(key: string, nowMs: number): Buffer | undefined {
    const kept = this.#answers.get(key)
    if (!kept) return undefined
    this.#answers.delete(key)
    if (kept.expiresMs <= nowMs) return undefined
    this.#answers.set(key, kept)
    const message = Buffer.from(kept.message)
    const age = Math.floor((nowMs - kept.storedMs) / 1000)
    for (const offset of kept.ttlOffsets) message.writeUInt32BE(Math.max(0, message.readUInt32BE(offset) - age), offset)
    return message
  }

  put(key: string, message: Buffer, nowMs: number): void {
    const found = lifetimeOf(message, this.#limits)
    if (!found || found.seconds <= 0) return
    const { ttlOffsets, seconds } = found
    this.#answers.set(key, { message, ttlOffsets, storedMs: nowMs, expiresMs: nowMs + seconds * 1000 })
    if (this.#answers.size > this.#limits.maxAnswers) this.#answers.delete(this.#answers.keys().next().value!)
  }
}

/** How long the answer may be kept, and where its TTLs are; undefined for what is not to be kept. Pure. */
export function lifetimeOf(
  message: Buffer,
  limits: CacheLimits,
): { seconds: number; ttlOffsets: number[] } | undefined {
  if (message.length < HEADER_BYTES) return undefined
  const flags = message.readUInt16BE(2)
  const rcode = flags & 15
  const truncated = (flags & 0x0200) !== 0
  if (truncated || message.readUInt16BE(4) !== 1) return undefined
  if (rcode === RCODES.SERVFAIL) return { seconds: limits.failureSeconds, ttlOffsets: [] }
  if (rcode !== RCODES.NOERROR && rcode !== RCODES.NXDOMAIN) return undefined
  const question = readName(message, HEADER_BYTES)
  if (!question) return undefined
  const counts = [6, 8, 10].map((at) => message.readUInt16BE(at)) as [number, number, number]
  const ttlOffsets: number[] = []
  let offset = question.end + 4
  let shortest = Number.POSITIVE_INFINITY
  let denial: number | undefined
  for (let i = 0; i < counts[0] + counts[1] + counts[2]; i++) {
    const record = readRecord(message, offset)
    if (!record) return undefined
    offset = record.end
    if (record.type === TYPES.OPT) continue
    ttlOffsets.push(record.ttlOffset)
    if (i < counts[0]) shortest = Math.min(shortest, record.ttl)
    if (record.type === TYPES.SOA && record.class === CLASS_IN && record.dataLength >= 20)
      denial = Math.min(record.ttl, message.readUInt32BE(record.end - 4))
  }
  const isPositive = rcode === RCODES.NOERROR && counts[0] > 0
  if (isPositive) return { seconds: Math.min(shortest, limits.positiveSeconds), ttlOffsets }
  // RFC 2308: a denial without SOA is not to be kept.
  return denial === undefined ? undefined : { seconds: Math.min(denial, limits.negativeSeconds), ttlOffsets }
}
