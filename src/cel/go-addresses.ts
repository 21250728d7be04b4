/** IP addresses and prefixes as Go reads and writes them (`net/netip`), with its messages, which users see. */
import { formatIp } from '#base/ip.ts'
import { quoteGo } from './go-strings.ts'

export interface Address {
  /** 32 or 128. */
  readonly bits: 32 | 128
  readonly value: bigint
  /** Of an IPv6 address; empty without one. */
  readonly zone: string
}

export interface Prefix {
  /** As it was written: bits after the length may be set. */
  readonly address: Address
  readonly length: number
}

/** The text is none. The message is Go's. */
export class AddressError extends Error {
  override readonly name = 'AddressError'
}

/** Throws AddressError. */
export function parseAddress(text: string): Address {
  const first = /[.:%]/.exec(text)?.[0]
  if (first === '.') return { bits: 32, value: parseFields(text, text), zone: '' }
  if (first === ':') return parseIpv6(text)
  throw problem(text, first === '%' ? 'missing IPv6 address' : 'unable to parse IP')
}

function problem(text: string, message: string, at = ''): AddressError {
  return new AddressError(`ParseAddr(${quoteGo(text)}): ${message}${at === '' ? '' : ` (at ${quoteGo(at)})`}`)
}

/** `a.b.c.d`, which is all of `whole` or its end. */
function parseFields(whole: string, text: string): bigint {
  const fields: number[] = []
  let digits = ''
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!
    if (character >= '0' && character <= '9') {
      if (digits === '0') throw problem(whole, 'IPv4 field has octet with leading zero')
      digits += character
      if (Number(digits) > 255) throw problem(whole, 'IPv4 field has value >255')
    } else if (character === '.') {
      if (i === 0 || i === text.length - 1 || text[i - 1] === '.')
        throw problem(whole, 'IPv4 field must have at least one digit', text.slice(i))
      if (fields.length === 3) throw problem(whole, 'IPv4 address too long')
      fields.push(Number(digits))
      digits = ''
    } else throw problem(whole, 'unexpected character', text.slice(i))
  }
  if (fields.length < 3) throw problem(whole, 'IPv4 address too short')
  return BigInt([...fields, Number(digits)].reduce((value, field) => value * 256 + field, 0))
}

function parseIpv6(text: string): Address {
  const percent = text.indexOf('%')
  const zone = percent < 0 ? '' : text.slice(percent + 1)
  if (percent >= 0 && zone === '') throw problem(text, 'zone must be a non-empty string')
  let rest = percent < 0 ? text : text.slice(0, percent)
  /** 16 bits each. */
  const groups: number[] = []
  let ellipsis = -1
  if (rest.startsWith('::')) {
    ellipsis = 0
    rest = rest.slice(2)
    if (rest === '') return { bits: 128, value: 0n, zone }
  }
  while (groups.length < 8) {
    const digits = /^[0-9a-fA-F]*/.exec(rest)![0]
    if (digits.length > 4) throw problem(text, 'each group must have 4 or less digits', rest)
    if (digits === '') throw problem(text, 'each colon-separated field must have at least one digit', rest)
    if (rest[digits.length] === '.') {
      if (ellipsis < 0 && groups.length !== 6)
        throw problem(text, 'embedded IPv4 address must replace the final 2 fields of the address', rest)
      if (groups.length > 6)
        throw problem(text, 'too many hex fields to fit an embedded IPv4 at the end of the address', rest)
      const value = Number(parseFields(text, rest))
      groups.push(Math.trunc(value / 65536), value % 65536)
      rest = ''
      break
    }
    groups.push(Number.parseInt(digits, 16))
    rest = rest.slice(digits.length)
    if (rest === '') break
    if (rest[0] !== ':') throw problem(text, 'unexpected character, want colon', rest)
    if (rest.length === 1) throw problem(text, 'colon must be followed by more characters', rest)
    rest = rest.slice(1)
    if (rest[0] === ':') {
      if (ellipsis >= 0) throw problem(text, 'multiple :: in address', rest)
      ellipsis = groups.length
      rest = rest.slice(1)
      if (rest === '') break
    }
  }
  if (rest !== '') throw problem(text, 'trailing garbage after address', rest)
  if (groups.length < 8) {
    if (ellipsis < 0) throw problem(text, 'address string too short')
    groups.splice(ellipsis, 0, ...Array.from({ length: 8 - groups.length }, () => 0))
  } else if (ellipsis >= 0) throw problem(text, 'the :: must expand to at least one field of zeros')
  return { bits: 128, value: groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n), zone }
}

/** Throws AddressError. */
export function parsePrefix(text: string): Prefix {
  const wrong = (message: string) => new AddressError(`netip.ParsePrefix(${quoteGo(text)}): ${message}`)
  const slash = text.lastIndexOf('/')
  if (slash < 0) throw wrong("no '/'")
  let address: Address
  try {
    address = parseAddress(text.slice(0, slash))
  } catch (error) {
    throw error instanceof AddressError ? wrong(error.message) : error
  }
  if (address.zone !== '') throw wrong('IPv6 zones cannot be present in a prefix')
  const bits = text.slice(slash + 1)
  if (!/^(0|[1-9]\d{0,17})$/.test(bits)) throw wrong(`bad bits after slash: ${quoteGo(bits)}`)
  const length = Number(bits)
  if (length > address.bits) throw wrong('prefix length out of range')
  return { address, length }
}

/** An IPv4 address inside IPv6, `::ffff:1.2.3.4`. */
export function isMappedIpv4({ bits, value }: Address): boolean {
  return bits === 128 && value >> 32n === 0xffffn
}

export function formatAddress({ bits, value, zone }: Address): string {
  return formatIp(bits === 32 ? 4 : 6, value) + (zone === '' ? '' : `%${zone}`)
}
