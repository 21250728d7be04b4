/**
 * Who is at the other end of a connection, by the certificate that TLS has verified. Users come from the authority for
 * clients alone; who comes from that of the front proxy may only speak for others. Upstream:
 * `apiserver/pkg/authentication/request/x509`.
 */
import { hash, X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { readCertificate } from '#base/certificate.ts'
import { DerError, objectIdText, readWhole, stringText, TAG } from '#base/der-reader.ts'
import { pemBlocks } from '#base/pem.ts'
import { CREDENTIAL_ID, type User, withAuthenticated } from '../user.ts'

export interface Peer {
  /** Whose certificate it is; undefined for one that names nobody. */
  readonly user?: User
  /** The common name of a certificate that speaks for others. */
  readonly proxy?: string
  /** There is a certificate, but not one that counts. */
  readonly isRefused: boolean
  /** Last millisecond at which this holds. */
  readonly untilMs: number
}

export interface PeerAuthorities {
  readonly clients: Authorities
  readonly frontProxy: Authorities | undefined
}

const NOBODY: Peer = { isRefused: false, untilMs: Infinity }
const REFUSED: Peer = { isRefused: true, untilMs: Infinity }

/** Certificates between a peer's own and its authority. */
const MAX_CHAIN = 8

/** Certificates that others are checked against. */
export class Authorities {
  readonly #certificates: readonly X509Certificate[]

  /** Throws DerError for a PEM text without certificates. */
  constructor(pem: string) {
    const blocks = pemBlocks(pem).filter(({ type }) => type === 'CERTIFICATE')
    if (blocks.length === 0) throw new DerError('x509: there is no certificate in it')
    this.#certificates = blocks.map(({ bytes }) => new X509Certificate(bytes))
  }

  /** Whether one of these has signed it, directly or by way of certificates that it came with. */
  haveIssued(certificate: X509Certificate): boolean {
    let current: X509Certificate | undefined = certificate
    for (let i = 0; current && i < MAX_CHAIN; i++) {
      const subject: X509Certificate = current
      if (this.#certificates.some((authority) => isSignedBy(subject, authority))) return true
      const issuer: X509Certificate | undefined = subject.issuerCertificate
      current = issuer && isSignedBy(subject, issuer) ? issuer : undefined
    }
    return false
  }
}

const isSignedBy = (subject: X509Certificate, issuer: X509Certificate) =>
  subject.checkIssued(issuer) && subject.verify(issuer.publicKey)

/** TLS has verified the certificate, where there is one, against all authorities together. */
export function peerOf(socket: TLSSocket, { clients, frontProxy }: PeerAuthorities): Peer {
  const certificate = socket.getPeerX509Certificate?.()
  if (!certificate) return NOBODY
  if (!socket.authorized) return REFUSED
  try {
    const { subject, subjectName, notAfterMs: untilMs } = readCertificate(certificate.raw)
    const proxy = frontProxy?.haveIssued(certificate) ? { proxy: subject.commonName } : undefined
    if (!clients.haveIssued(certificate)) return { ...proxy, isRefused: true, untilMs }
    if (!subject.commonName) return { ...proxy, isRefused: false, untilMs }
    const uid = uidOf(subjectName)
    const fingerprint = hash('sha256', certificate.raw, 'hex')
    const user = withAuthenticated({
      name: subject.commonName,
      ...(uid !== undefined && { uid }),
      groups: subject.organizations,
      extra: { [CREDENTIAL_ID]: [`X509SHA256=${fingerprint}`] },
    })
    return { ...proxy, user, isRefused: false, untilMs }
  } catch (err) {
    if (err instanceof DerError) return REFUSED
    throw err
  }
}

/** The attribute of a subject that is the user's uid. */
const UID = '1.3.6.1.4.1.57683.2'

/** Throws DerError for more than one uid, or an empty one. */
export function uidOf(subjectName: Buffer): string | undefined {
  const found: string[] = []
  for (const names = readWhole(subjectName, TAG.sequence); !names.isAtEnd;) {
    for (const together = names.enter(TAG.set); !together.isAtEnd;) {
      const pair = together.enter(TAG.sequence)
      if (objectIdText(pair.read(TAG.objectId)) === UID) found.push(stringText(pair.read()))
    }
  }
  if (found.length > 1 || found[0] === '') throw new DerError('x509: there must be one UID, and not an empty one')
  return found[0]
}
