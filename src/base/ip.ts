/**
 * IP addresses and ranges: text to numbers and back. An address is a bigint within its family, so that one arithmetic
 * serves IPv4 and IPv6. Text that is not an address is a RangeError here, never a wrong number further on.
 */
import { isIP } from 'node:net'

export type Family = 4 | 6

export interface Cidr {
  family: Family
  /** Lowest address of the range. */
  base: bigint
  /** Prefix length in bits. */
  prefix: number
}

/** Throws RangeError when `text` is not an address. */
export function familyOf(text: string): Family {
  const family = isIP(text)
  if (family === 0) throw new RangeError(`"${text}" is not an IP address`)
  return family as Family
}

/** Throws RangeError when `text` is not an address. An IPv4-mapped IPv6 address stays IPv6. */
export function parseIp(text: string): { family: Family; value: bigint } {
  const family = familyOf(text)
  if (family === 4) return { family, value: ipv4Value(text) }
  return { family, value: ipv6Value(text) }
}

function ipv4Value(text: string): bigint {
  let value = 0
  for (const part of text.split('.')) value = value * 256 + Number(part)
  return BigInt(value)
}

function ipv6Value(text: string): bigint {
  let plain = text.split('%')[0]!
  const tail = plain.slice(plain.lastIndexOf(':') + 1)
  if (tail.includes('.')) {
    const v4 = ipv4Value(tail)
    plain = `${plain.slice(0, -tail.length)}${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}`
  }
  const [head = '', rest] = plain.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = rest === undefined || rest === '' ? [] : rest.split(':')
  const zeros = rest === undefined ? 0 : 8 - left.length - right.length
  let value = 0n
  for (const group of [...left, ...Array<string>(zeros).fill('0'), ...right])
    value = (value << 16n) | BigInt(`0x${group}`)
  return value
}

/** The canonical text (RFC 5952 for IPv6). */
export function formatIp(family: Family, value: bigint): string {
  if (family === 4) {
    const n = Number(value)
    return `${(n >>> 24) & 255}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`
  }
  const groups: number[] = []
  for (let i = 7; i >= 0; i--) groups.push(Number((value >> BigInt(16 * i)) & 0xffffn))
  let best = { start: -1, length: 1 }
  for (let i = 0; i < 8; i++) {
    let length = 0
    while (i + length < 8 && groups[i + length] === 0) length++
    if (length > best.length) best = { start: i, length }
  }
  const hex = groups.map((g) => g.toString(16))
  if (best.start < 0) return hex.join(':')
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`
}

/** Reads `10.244.0.0/24`; host bits are cleared. Throws RangeError. */
export function parseCidr(text: string): Cidr {
  const slash = text.indexOf('/')
  const { family, value } = parseIp(slash < 0 ? text : text.slice(0, slash))
  const bits = family === 4 ? 32 : 128
  const prefixText = slash < 0 ? String(bits) : text.slice(slash + 1)
  const prefix = /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : Number.NaN
  if (!(prefix <= bits)) throw new RangeError(`"${text}" is not an address range`)
  const hostBits = BigInt(bits - prefix)
  return { family, base: (value >> hostBits) << hostBits, prefix }
}

export const formatCidr = (c: Cidr) => `${formatIp(c.family, c.base)}/${c.prefix}`

/** How many addresses the range has. */
export const cidrSize = (c: Cidr) => 1n << BigInt((c.family === 4 ? 32 : 128) - c.prefix)

/** The address `offset` above the lowest one. Throws RangeError outside the range. */
export function addressAt(c: Cidr, offset: bigint | number): string {
  const at = BigInt(offset)
  if (at < 0n || at >= cidrSize(c)) throw new RangeError(`${formatCidr(c)} has no address number ${at}`)
  return formatIp(c.family, c.base + at)
}

export function contains(c: Cidr, ip: string): boolean {
  const { family, value } = parseIp(ip)
  return family === c.family && value >= c.base && value < c.base + cidrSize(c)
}

/** `pod` CIDRs as the kubelet gets them: one range, or two separated by a comma. Throws RangeError. */
export function parseCidrs(text: string): Cidr[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseCidr)
}
