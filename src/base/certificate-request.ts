/**
 * Requests for certificates (PKCS #10, RFC 2986): made for a new key, and read from anybody. A request proves only that
 * its sender has the key; whether the names in it are the sender's is for an approver to find out.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { type AlternativeNames, encodeNames, hasNames, noNames, parseNames } from './alternative-names.ts'
import { explicit, integer, objectId, octetString, sequence, set } from './der.ts'
import { DerError, DerReader, objectIdText, readWhole, TAG } from './der-reader.ts'
import { type DistinguishedName, encodeName, parseName } from './distinguished-name.ts'
import { toPem } from './pem.ts'
import { signatureProblem, signed, splitSigned } from './signature.ts'

export interface CertificateRequest {
  readonly subject: DistinguishedName
  readonly names: AlternativeNames
  /** DER of a SubjectPublicKeyInfo. */
  readonly publicKeyInfo: Buffer
  readonly publicKey: KeyObject
  /** Why the request is not signed by its own key; undefined where it is. */
  readonly signatureProblem: string | undefined
}

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14'
export const SUBJECT_ALT_NAME = '2.5.29.17'
const ATTRIBUTES = 0xa0

/** Elliptic curves that certificates are given for, as OpenSSL calls them. */
const CURVES = ['secp224r1', 'prime256v1', 'secp384r1', 'secp521r1']

/** PEM of a request for `key`'s certificate. */
export function createCertificateRequest(
  key: { publicKey: KeyObject; privateKey: KeyObject },
  subject: DistinguishedName,
  names: AlternativeNames = noNames,
): string {
  const extensions = sequence(sequence(objectId(SUBJECT_ALT_NAME), octetString(encodeNames(names))))
  const body = sequence(
    integer(Buffer.from([0])),
    encodeName(subject),
    key.publicKey.export({ type: 'spki', format: 'der' }),
    hasNames(names)
      ? explicit(0, sequence(objectId(EXTENSION_REQUEST), set(extensions)))
      : explicit(0, Buffer.alloc(0)),
  )
  return toPem('CERTIFICATE REQUEST', signed(body, key.privateKey))
}

/** Reads the DER of a request. Throws DerError. */
export function parseCertificateRequest(der: Buffer): CertificateRequest {
  const { body, algorithm, signature } = splitSigned(der)
  const parts = readWhole(body, TAG.sequence)
  parts.read(TAG.integer)
  const subject = parseName(parts.read(TAG.sequence).bytes)
  const publicKeyInfo = parts.read(TAG.sequence).bytes
  const publicKey = parsePublicKey(publicKeyInfo)
  const attributes = parts.readOptional(ATTRIBUTES)
  parts.end()
  return {
    subject,
    names: attributes ? requestedNames(new DerReader(attributes.body)) : noNames,
    publicKeyInfo,
    publicKey,
    signatureProblem: signatureProblem(algorithm, publicKey, body, signature),
  }
}

/** A key of a type that certificates are given for. Throws DerError. */
function parsePublicKey(info: Buffer): KeyObject {
  let key: KeyObject
  try {
    key = createPublicKey({ key: info, format: 'der', type: 'spki' })
  } catch (cause) {
    throw new DerError('x509: invalid public key', { cause })
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'ec' && !CURVES.includes(details?.namedCurve ?? ''))
    throw new DerError('x509: unsupported elliptic curve')
  if (type !== 'rsa' && type !== 'ec' && type !== 'ed25519') throw new DerError('x509: unknown public key algorithm')
  return key
}

/** Of all that may be requested only the alternative names are looked at: the signer decides upon the rest. */
function requestedNames(attributes: DerReader): AlternativeNames {
  let names = noNames
  while (!attributes.isAtEnd) {
    const attribute = attributes.enter(TAG.sequence)
    if (objectIdText(attribute.read(TAG.objectId)) !== EXTENSION_REQUEST) continue
    const extensions = attribute.enter(TAG.set).enter(TAG.sequence)
    while (!extensions.isAtEnd) {
      const extension = extensions.enter(TAG.sequence)
      const oid = objectIdText(extension.read(TAG.objectId))
      extension.readOptional(TAG.boolean)
      const value = extension.read(TAG.octetString).body
      if (oid === SUBJECT_ALT_NAME) names = parseNames(value)
    }
  }
  return names
}
