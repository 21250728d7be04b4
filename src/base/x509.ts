/**
 * Certificates (RFC 5280): a certificate authority and what it signs. Keys made here are EC P-256, those of authorities
 * and requests may be RSA and Ed25519 as well; nothing here touches the disk.
 *
 * Written here rather than taken from a package: the one that handles EC keys takes longer to load than a whole cluster
 * may take to start.
 */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type AlternativeNames, encodeNames, hasNames, namesOfHosts } from './alternative-names.ts'
import { parseCertificate } from './certificate.ts'
import { SUBJECT_ALT_NAME } from './certificate-request.ts'
import { bitString, boolean, explicit, implicit, integer, objectId, octetString, sequence, time } from './der.ts'
import { type DistinguishedName, encodeName } from './distinguished-name.ts'
import { toPem } from './pem.ts'
import type { Random } from './random.ts'
import { signatureAlgorithm, signed } from './signature.ts'

/** A certificate and its private key, PEM. */
export interface KeyPair {
  cert: string
  key: string
}

export interface Validity {
  days: number
  nowMs: number
  random: Random
}

export interface CertificateOptions extends Validity {
  commonName: string
  /** One O attribute each; groups, for a client certificate. */
  organizations?: readonly string[]
  /** Subject alternative names; an address is recognised as such. */
  hosts?: readonly string[]
  usages: readonly ('client' | 'server')[]
}

/** Bits of the extension keyUsage, by their places. */
export const keyUsageBits = {
  digitalSignature: 0,
  contentCommitment: 1,
  keyEncipherment: 2,
  dataEncipherment: 3,
  keyAgreement: 4,
  certSign: 5,
  crlSign: 6,
  encipherOnly: 7,
  decipherOnly: 8,
} as const
export type KeyUsage = keyof typeof keyUsageBits

/** Purposes of the extension extendedKeyUsage. */
export const keyPurposes = {
  any: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  ipsecEndSystem: '1.3.6.1.5.5.7.3.5',
  ipsecTunnel: '1.3.6.1.5.5.7.3.6',
  ipsecUser: '1.3.6.1.5.5.7.3.7',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
  microsoftSgc: '1.3.6.1.4.1.311.10.3.3',
  netscapeSgc: '2.16.840.1.113730.4.1',
} as const
export type KeyPurpose = keyof typeof keyPurposes

/** What a certificate is to say. Times are milliseconds since the epoch. */
export interface CertificateContent {
  subject: DistinguishedName
  names: AlternativeNames
  /** DER of a SubjectPublicKeyInfo. */
  publicKeyInfo: Buffer
  keyUsages: readonly KeyUsage[]
  purposes: readonly KeyPurpose[]
  notBeforeMs: number
  notAfterMs: number
}

const DAY_MS = 86_400_000
/** Certificates are valid from a little before they are made, for clocks that are a little behind. */
const BACKDATE_MS = 5 * 60_000

const OID = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
}

/** A self-signed certificate, for a new key unless one is given. */
export function createAuthority(
  commonName: string,
  { days, nowMs, random }: Validity,
  keys: { publicKey: KeyObject; privateKey: KeyObject } = createKeys(),
): KeyPair {
  const publicKeyInfo = spki(keys.publicKey)
  const name = encodeName({ commonName, organizations: [] })
  const cert = encode(keys.privateKey, random, {
    issuer: name,
    subject: name,
    publicKeyInfo,
    notBeforeMs: nowMs - BACKDATE_MS,
    notAfterMs: nowMs + days * DAY_MS,
    extensions: [
      extension(OID.basicConstraints, true, sequence(boolean(true))),
      keyUsageExtension(['digitalSignature', 'certSign', 'crlSign']),
      extension(OID.subjectKeyId, false, octetString(keyIdOf(publicKeyInfo))),
    ],
  })
  return { cert, key: privatePem(keys.privateKey) }
}

/** A new key and its certificate. */
export function issueCertificate(authority: KeyPair, options: CertificateOptions): KeyPair {
  const { commonName, organizations = [], hosts = [], usages, nowMs, days, random } = options
  const keys = createKeys()
  const cert = signCertificate(authority, random, {
    subject: { commonName, organizations },
    names: namesOfHosts(hosts),
    publicKeyInfo: spki(keys.publicKey),
    keyUsages: ['digitalSignature'],
    purposes: usages.map((usage) => (usage === 'client' ? 'clientAuth' : 'serverAuth')),
    notBeforeMs: nowMs - BACKDATE_MS,
    notAfterMs: nowMs + days * DAY_MS,
  })
  return { cert, key: privatePem(keys.privateKey) }
}

/** A certificate for somebody else's key, PEM; never one of an authority. */
export function signCertificate(authority: KeyPair, random: Random, content: CertificateContent): string {
  const issuer = parseCertificate(authority.cert)
  const { purposes, names } = content
  return encode(createPrivateKey(authority.key), random, {
    ...content,
    issuer: issuer.subjectName,
    subject: encodeName(content.subject),
    extensions: [
      ...(content.keyUsages.length > 0 ? [keyUsageExtension(content.keyUsages)] : []),
      ...(purposes.length > 0
        ? [extension(OID.extendedKeyUsage, false, sequence(...purposes.map((one) => objectId(keyPurposes[one]))))]
        : []),
      extension(OID.basicConstraints, true, sequence()),
      ...(issuer.subjectKeyId
        ? [extension(OID.authorityKeyId, false, sequence(implicit(0, issuer.subjectKeyId)))]
        : []),
      ...(hasNames(names) ? [extension(SUBJECT_ALT_NAME, isNameless(content.subject), encodeNames(names))] : []),
    ],
  })
}

/** A new EC P-256 key pair. */
export function createKeys(): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

/** PKCS #8, PEM. */
export const privatePem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }) as string

/** A short stable name of a public key. */
export function keyId(publicKey: KeyObject): string {
  return createHash('sha256').update(spki(publicKey)).digest('base64url')
}

/** Whether `cert` is still good for `marginDays` more and for every one of `hosts`. Throws for text that is no certificate. */
export function isCurrent(cert: string, nowMs: number, marginDays: number, hosts: readonly string[] = []): boolean {
  const parsed = new X509Certificate(cert)
  if (Date.parse(parsed.validTo) < nowMs + marginDays * DAY_MS) return false
  return hosts.every((host) => (isIP(host) ? parsed.checkIP(host) : parsed.checkHost(host)) !== undefined)
}

/** Whether `authority` has signed `cert`. Throws for text that is no certificate. */
export function isIssuedBy(cert: string, authority: string): boolean {
  const [parsed, issuer] = [new X509Certificate(cert), new X509Certificate(authority)]
  return parsed.checkIssued(issuer) && parsed.verify(issuer.publicKey)
}

interface Encoded extends Pick<CertificateContent, 'publicKeyInfo' | 'notBeforeMs' | 'notAfterMs'> {
  issuer: Buffer
  subject: Buffer
  extensions: Buffer[]
}

function encode(signingKey: KeyObject, random: Random, content: Encoded): string {
  const body = sequence(
    // Version 3 is written as 2.
    explicit(0, integer(Buffer.from([2]))),
    integer(serialNumber(random)),
    signatureAlgorithm(signingKey),
    content.issuer,
    sequence(time(content.notBeforeMs), time(content.notAfterMs)),
    content.subject,
    content.publicKeyInfo,
    explicit(3, sequence(...content.extensions)),
  )
  return toPem('CERTIFICATE', signed(body, signingKey))
}

const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'der' })

const isNameless = ({ commonName, organizations, others = [] }: DistinguishedName) =>
  commonName === '' && organizations.length === 0 && others.length === 0

/** 126 random bits under a leading one: positive, and never short. */
function serialNumber(random: Random): Buffer {
  const bytes = Buffer.from(random.bytes(16))
  bytes[0] = (bytes[0]! & 0x7f) | 0x40
  return bytes
}

function extension(oid: string, isCritical: boolean, body: Buffer): Buffer {
  return sequence(objectId(oid), ...(isCritical ? [boolean(true)] : []), octetString(body))
}

/** DER ends a string of named bits with the last one that is set. */
function keyUsageExtension(usages: readonly KeyUsage[]): Buffer {
  const places = usages.map((usage) => keyUsageBits[usage])
  const last = Math.max(...places)
  const bytes = Buffer.alloc(Math.floor(last / 8) + 1)
  for (const place of places) bytes[Math.floor(place / 8)]! |= 0x80 >> (place % 8)
  return extension(OID.keyUsage, true, bitString(bytes, 7 - (last % 8)))
}

/** RFC 5280 4.2.1.2 method 1 asks for SHA-1 of the key; any unique value serves. */
const keyIdOf = (publicKeyInfo: Buffer) => createHash('sha1').update(publicKeyInfo).digest()
