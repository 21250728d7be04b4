/** Randomness as an argument: the system's for real runs, a seeded generator (xoshiro128**) for simulations. */
import { randomBytes, randomInt } from 'node:crypto'

export interface Random {
  /** A float in [0, 1). */
  float(): number
  /** An integer in [0, below). Throws RangeError unless `below` is a positive integer. */
  int(below: number): number
  bytes(count: number): Uint8Array
}

/** The alphabet of generated names: no vowels and no look-alikes, as apimachinery's `rand.String`. */
const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

/** `length` characters that are safe at the end of an object name. */
export function nameSuffix(random: Random, length: number): string {
  let out = ''
  for (let i = 0; i < length; i++) out += NAME_ALPHABET[random.int(NAME_ALPHABET.length)]
  return out
}

/** A version 4 UUID (RFC 9562). */
export function uuid(random: Random): string {
  const b = random.bytes(16)
  b[6] = (b[6]! & 0x0f) | 0x40
  b[8] = (b[8]! & 0x3f) | 0x80
  const hex = Buffer.from(b.buffer, b.byteOffset, 16).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

const POOL_BYTES = 8192

/** Cryptographic randomness, drawn from the system a page at a time because one call costs about 1 us. */
export const systemRandom: Random = (() => {
  let pool: Buffer = Buffer.alloc(0)
  let offset = 0
  return {
    float: () => Math.random(),
    int: (below: number) => randomInt(below),
    bytes(count: number) {
      if (count > POOL_BYTES / 4) return randomBytes(count)
      if (offset + count > pool.length) {
        pool = randomBytes(POOL_BYTES)
        offset = 0
      }
      const out = new Uint8Array(pool.subarray(offset, offset + count))
      offset += count
      return out
    },
  }
})()

/** The same sequence for the same seed. Not for secrets. */
export function seededRandom(seed: number): Random {
  // splitmix32 spreads a small seed over the four words of state.
  let mix = seed >>> 0
  const split = () => {
    mix = (mix + 0x9e3779b9) >>> 0
    let z = mix
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
  let [a, b, c, d] = [split(), split(), split(), split()]
  const next = () => {
    const scaled = Math.imul(b, 5)
    const result = Math.imul((scaled << 7) | (scaled >>> 25), 9) >>> 0
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = (d << 11) | (d >>> 21)
    return result
  }
  return {
    float: () => next() / 0x1_0000_0000,
    int(below) {
      if (!Number.isSafeInteger(below) || below <= 0)
        throw new RangeError(`below must be a positive integer, got ${below}`)
      return Math.floor((next() / 0x1_0000_0000) * below)
    },
    bytes(count) {
      const out = new Uint8Array(count)
      for (let i = 0; i < count; i++) out[i] = next() & 0xff
      return out
    },
  }
}
