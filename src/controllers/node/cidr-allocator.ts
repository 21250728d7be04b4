/**
 * Hands out blocks of equal size from a network, such as one /24 of 10.244.0.0/16 to each node. Blocks are given round
 * robin, so that one that was just released is not taken again at once. Upstream: `nodeipam/ipam/cidrset`.
 */
import { isIP } from 'node:net'

/** More blocks than this are not tracked. */
const MAX_BLOCK_BITS = 16

/** All blocks are taken. */
export class CidrExhaustedError extends Error {
  override readonly name = 'CidrExhaustedError'
}

export class CidrAllocator {
  readonly family: 4 | 6
  readonly #base: bigint
  readonly #blockMask: number
  readonly #count: number
  readonly #width: number
  readonly #taken = new Set<number>()
  #next = 0

  /** Throws RangeError where `cidr` is no network, or can't be divided into blocks of `blockMask` bits. */
  constructor(cidr: string, blockMask: number) {
    const { family, base, mask, width } = parseCidr(cidr)
    if (blockMask < mask || blockMask > width || blockMask - mask > MAX_BLOCK_BITS) {
      throw new RangeError(`cannot divide ${cidr} into blocks of /${blockMask}`)
    }
    this.family = family
    this.#base = base
    this.#width = width
    this.#blockMask = blockMask
    this.#count = 2 ** (blockMask - mask)
  }

  get size(): number {
    return this.#count
  }

  get takenCount(): number {
    return this.#taken.size
  }

  /** Throws CidrExhaustedError. */
  allocate(): string {
    for (let tried = 0; tried < this.#count; tried++) {
      const index = (this.#next + tried) % this.#count
      if (this.#taken.has(index)) continue
      this.#taken.add(index)
      this.#next = (index + 1) % this.#count
      return this.#blockAt(index)
    }
    throw new CidrExhaustedError(
      'CIDR allocation failed; there are no remaining CIDRs left to allocate in the accepted range',
    )
  }

  /** Marks every block that `cidr` touches as taken. What is outside of the network is ignored: false. */
  occupy(cidr: string): boolean {
    const blocks = this.#blocksOf(cidr)
    for (const index of blocks) this.#taken.add(index)
    return blocks.length > 0
  }

  release(cidr: string): void {
    for (const index of this.#blocksOf(cidr)) this.#taken.delete(index)
  }

  #blockAt(index: number): string {
    const address = this.#base + (BigInt(index) << BigInt(this.#width - this.#blockMask))
    return `${formatAddress(address, this.family)}/${this.#blockMask}`
  }

  #blocksOf(cidr: string): number[] {
    const { family, base, mask } = parseCidr(cidr)
    if (family !== this.family) return []
    const shift = BigInt(this.#width - this.#blockMask)
    const last = base + (1n << BigInt(this.#width - mask)) - 1n
    const from = Number((base - this.#base) >> shift)
    const to = Number((last - this.#base) >> shift)
    const first = Math.max(from, 0)
    return Array.from({ length: Math.max(Math.min(to, this.#count - 1) - first + 1, 0) }, (_, i) => first + i)
  }
}

interface Network {
  family: 4 | 6
  /** The first address. */
  base: bigint
  mask: number
  /** Bits of an address. */
  width: number
}

/** Throws RangeError. */
export function parseCidr(cidr: string): Network {
  const [address = '', maskText = ''] = cidr.split('/')
  const family = isIP(address)
  const width = family === 6 ? 128 : 32
  const mask = Number(maskText)
  if (family === 0 || !/^\d{1,3}$/.test(maskText) || mask > width)
    throw new RangeError(`${cidr} is not a network in CIDR notation`)
  const hostBits = BigInt(width - mask)
  return { family: family as 4 | 6, base: (parseAddress(address, family) >> hostBits) << hostBits, mask, width }
}

function parseAddress(address: string, family: number): bigint {
  if (family === 4) return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
  const [head = '', tail] = address.split('::')
  const groupsOf = (text: string) => (text === '' ? [] : text.split(':').flatMap(expandEmbedded))
  const [left, right] = [groupsOf(head), tail === undefined ? [] : groupsOf(tail)]
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length
  const groups = [...left, ...Array<string>(zeros).fill('0'), ...right]
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
}

/** The last 32 bits may be written as an IPv4 address. */
function expandEmbedded(group: string): string[] {
  if (!group.includes('.')) return [group]
  const value = parseAddress(group, 4)
  return [(value >> 16n).toString(16), (value & 0xffffn).toString(16)]
}

function formatAddress(value: bigint, family: 4 | 6): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - i * 16)) & 0xffffn))
  // RFC 5952: the longest run of zeros, the first of equals, becomes "::"; a single zero does not.
  let [start, length] = [-1, 1]
  for (let i = 0; i < 8; i++) {
    let run = 0
    while (i + run < 8 && groups[i + run] === 0) run++
    if (run > length) [start, length] = [i, run]
    i += run
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':')
  return start < 0 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`
}
