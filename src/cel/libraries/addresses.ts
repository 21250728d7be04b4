/**
 * IP addresses and ranges: `ip('10.0.0.1').isLoopback()`, `cidr('10.0.0.0/8').containsIP(...)` (upstream:
 * `apiserver/pkg/cel/library.IP` and `.CIDR`). No zones and no IPv4 inside IPv6.
 */
import { AddressError, formatAddress, isMappedIpv4, parseAddress, parsePrefix } from '../go-addresses.ts'
import type { Address, Prefix } from '../go-addresses.ts'
import { EvaluationError } from '../errors.ts'
import { quoteGo } from '../go-strings.ts'
import { declareFunction, memberOverload, overload } from '../library.ts'
import type { Implementation, Library } from '../library.ts'
import { BOOL, INT, STRING, opaqueType } from '../types.ts'
import { Opaque } from '../values.ts'
import type { Result, Value } from '../values.ts'

const IP = opaqueType('net.IP')
const CIDR = opaqueType('net.CIDR')
const NO_SUCH_OVERLOAD = new EvaluationError('noSuchOverload', 'no such overload')

export class IpValue extends Opaque {
  readonly type = IP
  readonly address: Address
  override readonly costSize: number

  constructor(address: Address) {
    super()
    this.address = address
    this.costSize = address.bits / 8
  }

  equals(other: Value): boolean | EvaluationError {
    if (!(other instanceof IpValue)) return NO_SUCH_OVERLOAD
    return this.address.bits === other.address.bits && this.address.value === other.address.value
  }

  override toString(): string {
    return `ip(${formatAddress(this.address)})`
  }
}

export class CidrValue extends Opaque {
  readonly type = CIDR
  readonly prefix: Prefix
  override readonly costSize: number

  constructor(prefix: Prefix) {
    super()
    this.prefix = prefix
    this.costSize = Math.ceil(prefix.length / 8)
  }

  equals(other: Value): boolean | EvaluationError {
    if (!(other instanceof CidrValue)) return NO_SUCH_OVERLOAD
    const [a, b] = [this.prefix, other.prefix]
    return a.length === b.length && a.address.bits === b.address.bits && a.address.value === b.address.value
  }

  override toString(): string {
    return `cidr(${formatPrefix(this.prefix)})`
  }
}

const formatPrefix = ({ address, length }: Prefix): string => `${formatAddress(address)}/${length}`

/** The address, or upstream's message about it. */
function readAddress(text: string): Address | string {
  try {
    const address = parseAddress(text)
    if (address.zone !== '') return `IP address ${quoteGo(text)} with zone value is not allowed`
    return isMappedIpv4(address) ? `IPv4-mapped IPv6 address ${quoteGo(text)} is not allowed` : address
  } catch (error) {
    if (!(error instanceof AddressError)) throw error
    return `IP Address ${quoteGo(text)} parse error during conversion from string: ${error.message}`
  }
}

function readPrefix(text: string): Prefix | string {
  try {
    const prefix = parsePrefix(text)
    return isMappedIpv4(prefix.address) ? `IPv4-mapped IPv6 address ${quoteGo(text)} is not allowed` : prefix
  } catch (error) {
    if (!(error instanceof AddressError)) throw error
    return `network address parse error during conversion from string: ${error.message}`
  }
}

const failed = (message: string): EvaluationError => new EvaluationError('function', message)

function ipOf(text: string): Result {
  const address = readAddress(text)
  return typeof address === 'string' ? failed(address) : new IpValue(address)
}

function cidrOf(text: string): Result {
  const prefix = readPrefix(text)
  if (typeof prefix === 'string') return failed(`network address parse error during conversion from string: ${prefix}`)
  return new CidrValue(prefix)
}

function isCanonical(text: string): Result {
  const address = readAddress(text)
  return typeof address === 'string' ? failed(address) : formatAddress(address) === text
}

/** The first bits of an address, as a number. */
const leading = ({ value, bits }: Address, length: number): bigint => value >> BigInt(bits - length)

function containsAddress({ address, length }: Prefix, other: Address): boolean {
  return address.bits === other.bits && leading(address, length) === leading(other, length)
}

const masked = ({ address, length }: Prefix): Prefix => {
  const rest = BigInt(address.bits - length)
  return { length, address: { ...address, value: (address.value >> rest) << rest } }
}

const contains = (outer: CidrValue, inner: CidrValue): boolean =>
  outer.prefix.length <= inner.prefix.length && containsAddress(outer.prefix, inner.prefix.address)

/** A test of an address, by family: IPv4 ranges and IPv6 ranges that have the property. */
function inRange(...ranges: string[]): Implementation {
  const prefixes = ranges.map(parsePrefix)
  return ({ address }: IpValue) => prefixes.some((prefix) => containsAddress(prefix, address))
}

const isUnspecified = inRange('0.0.0.0/32', '::/128')
const isLoopback = inRange('127.0.0.0/8', '::1/128')
const isLinkLocalMulticast = inRange(
  '224.0.0.0/24',
  'ff02::/16',
  'ff12::/16',
  'ff22::/16',
  'ff32::/16',
  'ff42::/16',
  'ff52::/16',
  'ff62::/16',
  'ff72::/16',
  'ff82::/16',
  'ff92::/16',
  'ffa2::/16',
  'ffb2::/16',
  'ffc2::/16',
  'ffd2::/16',
  'ffe2::/16',
  'fff2::/16',
)
const isLinkLocalUnicast = inRange('169.254.0.0/16', 'fe80::/10')
const isNotGlobal = inRange(
  '0.0.0.0/32',
  '255.255.255.255/32',
  '127.0.0.0/8',
  '224.0.0.0/4',
  '169.254.0.0/16',
  '::/128',
  '::1/128',
  'ff00::/8',
  'fe80::/10',
)

const test = (name: string, id: string, call: Implementation) =>
  declareFunction(name, memberOverload(id, [IP], BOOL, call))

export const ipLibrary: Library = {
  name: 'IP addresses',
  typeNames: [IP],
  functions: [
    declareFunction('ip', overload('string_to_ip', [STRING], IP, ipOf)),
    declareFunction(
      'family',
      memberOverload('ip_family', [IP], INT, ({ address }: IpValue) => (address.bits === 32 ? 4 : 6)),
    ),
    declareFunction('ip.isCanonical', overload('ip_is_canonical', [STRING], BOOL, isCanonical)),
    test('isUnspecified', 'ip_is_unspecified', isUnspecified),
    test('isLoopback', 'ip_is_loopback', isLoopback),
    test('isLinkLocalMulticast', 'ip_is_link_local_multicast', isLinkLocalMulticast),
    test('isLinkLocalUnicast', 'ip_is_link_local_unicast', isLinkLocalUnicast),
    test('isGlobalUnicast', 'ip_is_global_unicast', (ip: IpValue) => !isNotGlobal(ip)),
    declareFunction(
      'isIP',
      overload('is_ip', [STRING], BOOL, (text: string) => typeof readAddress(text) !== 'string'),
    ),
    declareFunction(
      'string',
      overload('ip_to_string', [IP], STRING, ({ address }: IpValue) => formatAddress(address)),
    ),
  ],
}

export const cidrLibrary: Library = {
  name: 'IP ranges',
  typeNames: [CIDR],
  functions: [
    declareFunction('cidr', overload('string_to_cidr', [STRING], CIDR, cidrOf)),
    declareFunction(
      'containsIP',
      memberOverload('cidr_contains_ip_string', [CIDR, STRING], BOOL, ({ prefix }: CidrValue, text: string) => {
        const address = readAddress(text)
        return typeof address === 'string' ? NO_SUCH_OVERLOAD : containsAddress(prefix, address)
      }),
      memberOverload('cidr_contains_ip_ip', [CIDR, IP], BOOL, ({ prefix }: CidrValue, { address }: IpValue) =>
        containsAddress(prefix, address),
      ),
    ),
    declareFunction(
      'containsCIDR',
      memberOverload('cidr_contains_cidr_string', [CIDR, STRING], BOOL, (outer: CidrValue, text: string) => {
        const inner = cidrOf(text)
        return inner instanceof CidrValue ? contains(outer, inner) : inner
      }),
      memberOverload('cidr_contains_cidr', [CIDR, CIDR], BOOL, contains),
    ),
    declareFunction(
      'ip',
      memberOverload('cidr_ip', [CIDR], IP, ({ prefix }: CidrValue) => new IpValue(prefix.address)),
    ),
    declareFunction(
      'prefixLength',
      memberOverload('cidr_prefix_length', [CIDR], INT, ({ prefix }: CidrValue) => prefix.length),
    ),
    declareFunction(
      'masked',
      memberOverload('cidr_masked', [CIDR], CIDR, ({ prefix }: CidrValue) => new CidrValue(masked(prefix))),
    ),
    declareFunction(
      'isCIDR',
      overload('is_cidr', [STRING], BOOL, (text: string) => typeof readPrefix(text) !== 'string'),
    ),
    declareFunction(
      'string',
      overload('cidr_to_string', [CIDR], STRING, ({ prefix }: CidrValue) => formatPrefix(prefix)),
    ),
  ],
}
