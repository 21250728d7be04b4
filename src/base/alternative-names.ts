/** The extension subjectAltName (RFC 5280 4.2.1.6): DNS names, addresses, mail addresses and URIs of a certificate. */
import { isIP } from 'node:net'
import { implicit, sequence } from './der.ts'
import { DerError, readWhole, TAG } from './der-reader.ts'
import { formatIp, parseIp } from './ip.ts'

export interface AlternativeNames {
  readonly dnsNames: readonly string[]
  /** In canonical text. */
  readonly ipAddresses: readonly string[]
  readonly emailAddresses: readonly string[]
  readonly uris: readonly string[]
}

export const noNames: AlternativeNames = { dnsNames: [], ipAddresses: [], emailAddresses: [], uris: [] }

/** Names and addresses of hosts; an address is recognised as such. */
export const namesOfHosts = (hosts: readonly string[]): AlternativeNames => ({
  ...noNames,
  dnsNames: hosts.filter((host) => isIP(host) === 0),
  ipAddresses: hosts.filter((host) => isIP(host) !== 0),
})

export const hasNames = (names: AlternativeNames) => Object.values(names).some((list) => list.length > 0)

const EMAIL = 1
const DNS = 2
const URI = 6
const ADDRESS = 7

/** DER of GeneralNames. Throws RangeError for an address that is none. */
export function encodeNames({ dnsNames, ipAddresses, emailAddresses, uris }: AlternativeNames): Buffer {
  const text = (type: number) => (name: string) => implicit(type, Buffer.from(name, 'latin1'))
  return sequence(
    ...dnsNames.map(text(DNS)),
    ...emailAddresses.map(text(EMAIL)),
    ...ipAddresses.map((address) => implicit(ADDRESS, addressBytes(address))),
    ...uris.map(text(URI)),
  )
}

const KINDS: Readonly<Record<number, string>> = {
  [EMAIL]: 'rfc822Name',
  [DNS]: 'dNSName',
  [URI]: 'uniformResourceIdentifier',
}

/** Names of other types are left out. Throws DerError. */
export function parseNames(der: Buffer): AlternativeNames {
  const found = {
    dnsNames: [] as string[],
    ipAddresses: [] as string[],
    emailAddresses: [] as string[],
    uris: [] as string[],
  }
  for (const names = readWhole(der, TAG.sequence); !names.isAtEnd;) {
    const { tag, body } = names.read()
    const type = tag & 0x1f
    // A context-specific tag; the primitive ones are text and addresses.
    if ((tag & 0xe0) !== 0x80) continue
    if (type === ADDRESS) found.ipAddresses.push(addressText(body))
    const kind = KINDS[type]
    if (kind === undefined) continue
    // Control characters are in no name, and have misled readers of certificates before.
    if (body.some((byte) => byte < 0x20 || byte > 0x7e)) throw new DerError(`x509: SAN ${kind} is malformed`)
    const text = body.toString('latin1')
    if (type === DNS) found.dnsNames.push(text)
    else if (type === EMAIL) found.emailAddresses.push(text)
    else found.uris.push(text)
  }
  return found
}

function addressBytes(address: string): Buffer {
  const { family, value } = parseIp(address)
  return Buffer.from(value.toString(16).padStart(family === 4 ? 8 : 32, '0'), 'hex')
}

function addressText(body: Buffer): string {
  if (body.length !== 4 && body.length !== 16)
    throw new DerError(`x509: cannot parse IP address of length ${String(body.length)}`)
  const isMapped = body.length === 16 && body.subarray(0, 12).equals(MAPPED)
  const bytes = isMapped ? body.subarray(12) : body
  return formatIp(bytes.length === 4 ? 4 : 6, BigInt(`0x${bytes.toString('hex')}`))
}

/** What an IPv4 address begins with where it is written as one of IPv6. */
const MAPPED = Buffer.from('00000000000000000000ffff', 'hex')
