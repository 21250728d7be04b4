/** What a certificate (RFC 5280) says: whose it is, from when to when, for which names and for which key. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { type AlternativeNames, noNames, parseNames } from './alternative-names.ts'
import { DerError, DerReader, objectIdText, readWhole, TAG, timeMs } from './der-reader.ts'
import { SUBJECT_ALT_NAME } from './certificate-request.ts'
import { type DistinguishedName, parseName } from './distinguished-name.ts'
import { pemBlocks } from './pem.ts'
import { splitSigned } from './signature.ts'

export interface Certificate {
  readonly subject: DistinguishedName
  /** DER of the subject's name, which those that it signs repeat as their issuer's. */
  readonly subjectName: Buffer
  /** Milliseconds since the epoch; the last is still within. */
  readonly notBeforeMs: number
  readonly notAfterMs: number
  readonly names: AlternativeNames
  readonly publicKey: KeyObject
  readonly subjectKeyId: Buffer | undefined
}

const SUBJECT_KEY_ID = '2.5.29.14'
const VERSION = 0xa0
const EXTENSIONS = 0xa3

/** The first certificate of a PEM text. Throws DerError. */
export function parseCertificate(pem: string): Certificate {
  const block = pemBlocks(pem).find(({ type }) => type === 'CERTIFICATE')
  if (!block) throw new DerError('x509: there is no certificate in it')
  return readCertificate(block.bytes)
}

/** The DER of a certificate. Throws DerError. */
export function readCertificate(der: Buffer): Certificate {
  const { body } = splitSigned(der)
  const parts = readWhole(body, TAG.sequence)
  parts.readOptional(VERSION)
  parts.read(TAG.integer)
  parts.read(TAG.sequence)
  parts.read(TAG.sequence)
  const validity = parts.enter(TAG.sequence)
  const subjectName = parts.read(TAG.sequence).bytes
  const publicKeyInfo = parts.read(TAG.sequence).bytes
  const extensions = new Map<string, Buffer>()
  while (!parts.isAtEnd) {
    const { tag, body: more } = parts.read()
    if (tag === EXTENSIONS) readExtensions(more, extensions)
  }
  const names = extensions.get(SUBJECT_ALT_NAME)
  const keyId = extensions.get(SUBJECT_KEY_ID)
  return {
    subject: parseName(subjectName),
    subjectName,
    notBeforeMs: timeMs(validity.read()),
    notAfterMs: timeMs(validity.read()),
    names: names ? parseNames(names) : noNames,
    publicKey: readKey(publicKeyInfo),
    subjectKeyId: keyId && new DerReader(keyId).read(TAG.octetString).body,
  }
}

function readKey(info: Buffer): KeyObject {
  try {
    return createPublicKey({ key: info, format: 'der', type: 'spki' })
  } catch (cause) {
    throw new DerError('x509: invalid public key', { cause })
  }
}

function readExtensions(bytes: Buffer, into: Map<string, Buffer>) {
  for (const extensions = readWhole(bytes, TAG.sequence); !extensions.isAtEnd;) {
    const extension = extensions.enter(TAG.sequence)
    const oid = objectIdText(extension.read(TAG.objectId))
    extension.readOptional(TAG.boolean)
    into.set(oid, extension.read(TAG.octetString).body)
  }
}
