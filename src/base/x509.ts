/**
 * Certificates (RFC 5280): a certificate authority and what it signs. Keys are EC P-256; nothing here touches the disk.
 *
 * Written here rather than taken from a package: the one that handles EC keys takes longer to load than a whole cluster
 * may take to start.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  X509Certificate,
} from 'node:crypto'
import { isIP } from 'node:net'
import {
  bitString,
  boolean,
  explicit,
  implicit,
  integer,
  objectId,
  octetString,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts'
import type { Random } from './random.ts'

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

export interface CertificateRequest extends Validity {
  commonName: string
  /** One O attribute each; groups, for a client certificate. */
  organizations?: readonly string[]
  /** Subject alternative names; an address is recognised as such. */
  hosts?: readonly string[]
  usages: readonly ('client' | 'server')[]
}

const DAY_MS = 86_400_000
/** Certificates are valid from a little before they are made, for clocks that are a little behind. */
const BACKDATE_MS = 5 * 60_000

const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  client: '1.3.6.1.5.5.7.3.2',
  server: '1.3.6.1.5.5.7.3.1',
}

/** Bits of KeyUsage, counted from the left. */
const DIGITAL_SIGNATURE = 0x80
const KEY_CERT_SIGN = 0x04
const CRL_SIGN = 0x02

const SIGNATURE_ALGORITHM = sequence(objectId(OID.ecdsaWithSha256))

export function createAuthority(commonName: string, validity: Validity): KeyPair {
  const keys = newKeys()
  const name = distinguishedName(commonName, [])
  return signed({
    validity,
    issuer: name,
    subject: name,
    keys,
    signingKey: keys.privateKey,
    extensions: [
      extension(OID.basicConstraints, true, sequence(boolean(true))),
      extension(OID.keyUsage, true, bitString(Buffer.from([DIGITAL_SIGNATURE | KEY_CERT_SIGN | CRL_SIGN]), 1)),
      extension(OID.subjectKeyId, false, octetString(subjectKeyId(keys.publicKey))),
    ],
  })
}

export function issueCertificate(authority: KeyPair, request: CertificateRequest): KeyPair {
  const keys = newKeys()
  const signingKey = createPrivateKey(authority.key)
  const issuerCn = /^CN=(.*)$/m.exec(new X509Certificate(authority.cert).subject)?.[1] ?? ''
  const names = (request.hosts ?? []).map((host) =>
    isIP(host) ? implicit(7, addressBytes(host)) : implicit(2, Buffer.from(host)),
  )
  return signed({
    validity: request,
    issuer: distinguishedName(issuerCn, []),
    subject: distinguishedName(request.commonName, request.organizations ?? []),
    keys,
    signingKey,
    extensions: [
      extension(OID.basicConstraints, true, sequence()),
      extension(OID.keyUsage, true, bitString(Buffer.from([DIGITAL_SIGNATURE]), 7)),
      extension(OID.extendedKeyUsage, false, sequence(...request.usages.map((usage) => objectId(OID[usage])))),
      extension(OID.authorityKeyId, false, sequence(implicit(0, subjectKeyId(createPublicKey(signingKey))))),
      ...(names.length > 0 ? [extension(OID.subjectAltName, false, sequence(...names))] : []),
    ],
  })
}

/** An EC P-256 key pair for signing tokens. */
export function createSigningKey(): { privateKey: KeyObject; publicKey: KeyObject } {
  return newKeys()
}

/** A short stable name of a public key. */
export function keyId(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
}

/** Whether `cert` is still good for `marginDays` more and for every one of `hosts`. Throws for text that is no certificate. */
export function isCurrent(cert: string, nowMs: number, marginDays: number, hosts: readonly string[] = []): boolean {
  const parsed = new X509Certificate(cert)
  if (Date.parse(parsed.validTo) < nowMs + marginDays * DAY_MS) return false
  return hosts.every((host) => (isIP(host) ? parsed.checkIP(host) : parsed.checkHost(host)) !== undefined)
}

interface ToSign {
  validity: Validity
  issuer: Buffer
  subject: Buffer
  keys: { publicKey: KeyObject; privateKey: KeyObject }
  signingKey: KeyObject
  extensions: Buffer[]
}

function signed({ validity: { nowMs, days, random }, issuer, subject, keys, signingKey, extensions }: ToSign): KeyPair {
  const body = sequence(
    // Version 3 is written as 2.
    explicit(0, integer(Buffer.from([2]))),
    integer(serialNumber(random)),
    SIGNATURE_ALGORITHM,
    issuer,
    sequence(time(nowMs - BACKDATE_MS), time(nowMs + days * DAY_MS)),
    subject,
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions)),
  )
  const certificate = sequence(body, SIGNATURE_ALGORITHM, bitString(sign('sha256', body, signingKey)))
  const lines = certificate.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** 126 random bits under a leading one: positive, and never short. */
function serialNumber(random: Random): Buffer {
  const bytes = Buffer.from(random.bytes(16))
  bytes[0] = (bytes[0]! & 0x7f) | 0x40
  return bytes
}

const attribute = (oid: string, text: string) => set(sequence(objectId(oid), utf8String(text)))

function distinguishedName(commonName: string, organizations: readonly string[]): Buffer {
  return sequence(...organizations.map((o) => attribute(OID.organization, o)), attribute(OID.commonName, commonName))
}

function extension(oid: string, isCritical: boolean, body: Buffer): Buffer {
  return sequence(objectId(oid), ...(isCritical ? [boolean(true)] : []), octetString(body))
}

/** RFC 5280 4.2.1.2 method 1 asks for SHA-1 of the key; any unique value serves. */
function subjectKeyId(publicKey: KeyObject): Buffer {
  return createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest()
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  const [head = '', tail] = address.split('::')
  const words = (part: string) => (part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16)))
  const [front, back] = [words(head), words(tail ?? '')]
  const all =
    tail === undefined ? front : [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back]
  const out = Buffer.alloc(16)
  all.forEach((word, i) => out.writeUInt16BE(word, i * 2))
  return out
}
