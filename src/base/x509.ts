/**
 * Certificates: a certificate authority and what it signs. Keys are EC P-256; nothing here touches the disk.
 */
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  webcrypto,
  X509Certificate,
} from 'node:crypto'
import type { Random } from './random.ts'

/** A certificate and its private key, PEM. */
export interface KeyPair {
  cert: string
  key: string
}

export interface CertificateRequest {
  commonName: string
  /** One O attribute each; groups, for a client certificate. */
  organizations?: readonly string[]
  /** Subject alternative names; an address is recognised as such. */
  hosts?: readonly string[]
  usages: readonly ('client' | 'server')[]
  days: number
  nowMs: number
  random: Random
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000
/** Certificates are valid from a little before they are made, for clocks that are a little behind. */
const BACKDATE_MS = 5 * 60_000

/** Loaded on first use: most commands never make a certificate, and loading takes longer than making one. */
const library = async () => {
  // Its dependency-injection container wants this in place first.
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

export async function createAuthority(
  commonName: string,
  { days, nowMs, random }: { days: number; nowMs: number; random: Random },
): Promise<KeyPair> {
  const {
    X509CertificateGenerator,
    BasicConstraintsExtension,
    KeyUsagesExtension,
    KeyUsageFlags,
    SubjectKeyIdentifierExtension,
    cryptoProvider,
  } = await library()
  cryptoProvider.set(webcrypto as never)
  const keys = await newKeys()
  const cert = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(random),
    name: `CN=${escapeName(commonName)}`,
    notBefore: new Date(nowMs - BACKDATE_MS),
    notAfter: new Date(nowMs + days * DAY_MS),
    keys: keys.pair,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.pair.publicKey),
    ],
  })
  return { cert: `${cert.toString('pem')}\n`, key: keys.pem }
}

export async function issueCertificate(authority: KeyPair, request: CertificateRequest): Promise<KeyPair> {
  const x509 = await library()
  x509.cryptoProvider.set(webcrypto as never)
  const keys = await newKeys()
  const issuer = new x509.X509Certificate(authority.cert)
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    createPrivateKey(authority.key).export({ type: 'pkcs8', format: 'der' }),
    ALGORITHM,
    false,
    ['sign'],
  )
  const usageIds = { client: '1.3.6.1.5.5.7.3.2', server: '1.3.6.1.5.5.7.3.1' }
  const names = (request.hosts ?? []).map((host) => ({
    type: isAddress(host) ? ('ip' as const) : ('dns' as const),
    value: host,
  }))
  const cert = await x509.X509CertificateGenerator.create({
    serialNumber: serial(request.random),
    subject: [
      ...(request.organizations ?? []).map((o) => `O=${escapeName(o)}`),
      `CN=${escapeName(request.commonName)}`,
    ].join(', '),
    issuer: issuer.subject,
    notBefore: new Date(request.nowMs - BACKDATE_MS),
    notAfter: new Date(request.nowMs + request.days * DAY_MS),
    publicKey: keys.pair.publicKey,
    signingKey: signingKey as never,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(request.usages.map((usage) => usageIds[usage])),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  })
  return { cert: `${cert.toString('pem')}\n`, key: keys.pem }
}

/** An EC P-256 key pair for signing tokens. */
export function createSigningKey(): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
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
  return hosts.every((host) => (isAddress(host) ? parsed.checkIP(host) : parsed.checkHost(host)) !== undefined)
}

async function newKeys() {
  const pair = (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', pair.privateKey))
  const body = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return {
    pair: pair as never as { publicKey: never; privateKey: never },
    pem: `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`,
  }
}

/** 127 random bits: positive, and never all zero in practice. */
function serial(random: Random): string {
  const bytes = random.bytes(16)
  bytes[0] = (bytes[0]! & 0x7f) | 0x40
  return Buffer.from(bytes).toString('hex')
}

const isAddress = (host: string) => /^[\d.]+$/.test(host) || host.includes(':')

/** RFC 4514: what would end or change an attribute value. */
const escapeName = (value: string) => value.replace(/[\\,+"<>;=#]/g, '\\$&')
