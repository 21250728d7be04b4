/** IPv4 addresses and networks as numbers. */

/** The 32-bit value of a dotted address, or undefined where `text` is not one. */
export function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (!match) return undefined
  let value = 0
  for (const part of match.slice(1)) {
    const byte = Number(part)
    if (byte > 255 || (part.length > 1 && part.startsWith('0'))) return undefined
    value = value * 256 + byte
  }
  return value
}

export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
}

export interface Ipv4Network {
  /** The first address. */
  readonly base: number
  readonly bits: number
  /** How many addresses. */
  readonly size: number
}

/** Throws RangeError unless `cidr` is `a.b.c.d/n`. */
export function parseNetwork(cidr: string): Ipv4Network {
  const [address = '', bitsText = ''] = cidr.split('/')
  const value = parseIpv4(address)
  const bits = /^\d{1,2}$/.test(bitsText) ? Number(bitsText) : 33
  if (value === undefined || bits > 32)
    throw new RangeError(`${JSON.stringify(cidr)} is not an IPv4 network such as 10.96.0.0/16`)
  const size = 2 ** (32 - bits)
  return { base: value - (value % size), bits, size }
}

export const contains = (network: Ipv4Network, address: number) =>
  address >= network.base && address < network.base + network.size
