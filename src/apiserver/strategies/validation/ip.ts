/**
 * IP addresses and networks as upstream judges them: `sloppy` takes leading zeros in IPv4 and IPv4-mapped IPv6 addresses, as
 * old fields must; strict does not. Upstream: `apimachinery/pkg/util/validation/ip.go`, `k8s.io/utils/net`.
 */
import { isIPv4, isIPv6 } from 'node:net'

export interface Address {
  readonly version: 4 | 6
  /** 32 or 128 bits. */
  readonly bits: bigint
  /** As Go prints it: RFC 5952, IPv4-mapped ones as IPv4. */
  readonly text: string
  readonly isMapped: boolean
  readonly hasLeadingZeros: boolean
}

const SLOPPY_V4 = /^\d{1,8}(\.\d{1,8}){3}$/
const MAPPED_PREFIX = 0xffffn << 32n

/** Undefined where the text is no address at all. */
export function parseAddress(text: string): Address | undefined {
  if (SLOPPY_V4.test(text)) {
    const octets = text.split('.').map(Number)
    if (octets.some((octet) => octet > 255)) return undefined
    return v4(
      octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n),
      false,
      !isIPv4(text),
    )
  }
  if (!isIPv6(text) || text.includes('%')) return undefined
  const bits = v6Bits(text)
  if (bits >> 32n === MAPPED_PREFIX >> 32n) return v4(bits & 0xffff_ffffn, true, false)
  return { version: 6, bits, text: v6Text(bits), isMapped: false, hasLeadingZeros: false }
}

function v4(bits: bigint, isMapped: boolean, hasLeadingZeros: boolean): Address {
  const text = [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 255n)).join('.')
  return { version: 4, bits, text, isMapped, hasLeadingZeros }
}

function v6Bits(text: string): bigint {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)
  let hex = text
  if (dotted) {
    const [a, b, c, d] = dotted.slice(2).map(Number) as [number, number, number, number]
    hex = `${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  }
  const [head = '', tail] = hex.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after]
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
}

function v6Text(bits: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bits >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
  let [start, length] = [-1, 1]
  for (let i = 0; i < 8; i++) {
    let end = i
    while (end < 8 && groups[end] === '0') end++
    if (end - i > length) [start, length] = [i, end - i]
  }
  if (start < 0) return groups.join(':')
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`
}

export interface Network {
  readonly address: Address
  readonly prefixLength: number
  /** The network with the host's bits cleared, as Go prints it. */
  readonly text: string
  readonly hasHostBits: boolean
  readonly hasLeadingZeros: boolean
}

export function parseNetwork(text: string): Network | undefined {
  const [ip = '', length, ...rest] = text.split('/')
  if (length === undefined || rest.length > 0 || !/^\d{1,8}$/.test(length)) return undefined
  const address = parseAddress(ip)
  if (!address) return undefined
  const width = address.version === 4 && !address.isMapped ? 32 : 128
  const prefixLength = Number(length)
  if (prefixLength > width) return undefined
  const ownWidth = address.version === 4 ? 32 : 128
  const hostBits = BigInt(Math.min(ownWidth, width - prefixLength))
  const masked = (address.bits >> hostBits) << hostBits
  const base = address.version === 4 ? v4(masked, false, false).text : v6Text(masked)
  const shownLength = address.isMapped ? Math.max(0, prefixLength - 96) : prefixLength
  return {
    address,
    prefixLength,
    text: `${base}/${shownLength}`,
    hasHostBits: masked !== address.bits,
    hasLeadingZeros: address.hasLeadingZeros || String(prefixLength) !== length,
  }
}

const NOT_AN_IP = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
const NOT_A_CIDR = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'

/** For fields that have always taken sloppy addresses; `strict` refuses what they should not have taken. */
export function legacyIpErrors(text: string, strict = true): string[] {
  const address = parseAddress(text)
  if (!address) return [NOT_AN_IP]
  if (!strict) return []
  return [
    ...(address.hasLeadingZeros ? ['must not have leading 0s'] : []),
    ...(address.isMapped ? ['must not be an IPv4-mapped IPv6 address'] : []),
  ]
}

/** For fields that want the canonical text. */
export function ipErrors(text: string): string[] {
  const errors = legacyIpErrors(text)
  if (errors.length > 0) return errors
  const canonical = parseAddress(text)!.text
  return text === canonical ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`]
}

export function legacyCidrErrors(text: string, strict = true): string[] {
  const network = parseNetwork(text)
  if (!network) return [NOT_A_CIDR]
  if (!strict) return []
  if (network.hasLeadingZeros) return ['must not have leading 0s in IP or prefix length']
  if (network.address.isMapped) return ['must not have an IPv4-mapped IPv6 address']
  return network.hasHostBits ? ['must not have bits set beyond the prefix length'] : []
}

export function cidrErrors(text: string): string[] {
  const errors = legacyCidrErrors(text)
  if (errors.length > 0) return errors
  const canonical = parseNetwork(text)!.text
  return text === canonical ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`]
}

/** An address with the prefix of its network, such as `10.9.8.7/24`. */
export function interfaceAddress(text: string): string[] {
  const network = parseNetwork(text)
  if (!network) return ['must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)']
  const length = network.text.slice(network.text.indexOf('/'))
  const canonical = `${network.address.text}${length}`
  return text === canonical ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`]
}

const ranges: readonly (readonly [string, string])[] = [
  ['may not be in the loopback range (127.0.0.0/8, ::1/128)', '127.0.0.0/8 ::1/128'],
  ['may not be in the link-local range (169.254.0.0/16, fe80::/10)', '169.254.0.0/16 fe80::/10'],
  ['may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)', '224.0.0.0/24 ff02::/16'],
]
const specialRanges = ranges.map(
  ([why, networks]) => [why, networks.split(' ').map((text) => parseNetwork(text)!)] as const,
)

const isWithin = ({ version, bits }: Address, { address, prefixLength }: Network) => {
  const shift = BigInt((version === 4 ? 32 : 128) - prefixLength)
  return version === address.version && bits >> shift === address.bits >> shift
}

/** For addresses that traffic is sent to. */
export function endpointIpErrors(text: string): string[] {
  const address = parseAddress(text)
  if (!address) return ['must be a valid IP address']
  const errors = specialRanges.flatMap(([why, networks]) =>
    networks.some((one) => isWithin(address, one)) ? [why] : [],
  )
  return address.bits === 0n ? [`may not be unspecified (${text})`, ...errors] : errors
}

/** What a client is told of an address that is taken but should be written otherwise. */
export function ipWarnings(field: string, text: string): string[] {
  const address = parseAddress(text)
  if (!address) return []
  if (address.hasLeadingZeros || address.isMapped) {
    return [`${field}: non-standard IP address ${JSON.stringify(text)} is invalid: use ${JSON.stringify(address.text)}`]
  }
  if (address.text === text) return []
  return [
    `${field}: IPv6 address ${JSON.stringify(text)} should be in RFC 5952 canonical format (${JSON.stringify(address.text)})`,
  ]
}

export function cidrWarnings(field: string, text: string): string[] {
  const network = parseNetwork(text)
  if (!network) return []
  const { address } = network
  const shown = JSON.stringify(text)
  const warnings: string[] = []
  if (network.hasHostBits) {
    const single = `${address.text}/${address.version === 4 ? 32 : 128}`
    warnings.push(
      `${field}: CIDR value ${shown} is ambiguous in this context (should be "${network.text}" or "${single}"?)`,
    )
  }
  if (network.hasLeadingZeros || address.isMapped) {
    warnings.push(`${field}: non-standard CIDR value ${shown} is invalid: use "${network.text}"`)
  }
  const canonical = `${address.text}/${network.prefixLength}`
  if (warnings.length === 0 && address.version === 6 && canonical !== text) {
    warnings.push(
      `${field}: IPv6 CIDR value ${shown} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`,
    )
  }
  return warnings
}
