/**
 * Signatures of certificates and of requests for them: RSA (PKCS #1 and PSS), ECDSA and Ed25519, by the object
 * identifiers of RFC 8017, 5758 and 8410.
 */
import { constants, type KeyObject, sign, verify } from 'node:crypto'
import { bitString, objectId, sequence } from './der.ts'
import { bitStringBytes, DerReader, objectIdText, readWhole, TAG } from './der-reader.ts'

type Hash = 'sha1' | 'sha256' | 'sha384' | 'sha512'

interface Algorithm {
  readonly keyType: 'rsa' | 'ec' | 'ed25519'
  /** Undefined for Ed25519, and for PSS, which names it in its parameters. */
  readonly hash?: Hash
}

const PSS = '1.2.840.113549.1.1.10'
const ED25519 = '1.3.101.112'

const ALGORITHMS: Readonly<Record<string, Algorithm>> = {
  '1.2.840.113549.1.1.5': { keyType: 'rsa', hash: 'sha1' },
  '1.2.840.113549.1.1.11': { keyType: 'rsa', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { keyType: 'rsa', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { keyType: 'rsa', hash: 'sha512' },
  [PSS]: { keyType: 'rsa' },
  '1.2.840.10045.4.1': { keyType: 'ec', hash: 'sha1' },
  '1.2.840.10045.4.3.2': { keyType: 'ec', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { keyType: 'ec', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { keyType: 'ec', hash: 'sha512' },
  [ED25519]: { keyType: 'ed25519' },
}

const HASHES: Readonly<Record<string, Hash>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}

const MIN_RSA_BITS = 1024
const FAILURES = {
  rsa: 'crypto/rsa: verification error',
  ec: 'x509: ECDSA verification failure',
  ed25519: 'x509: Ed25519 verification failure',
}
/** As algorithm and as type of a key. */
const KEY_NAMES = {
  rsa: ['RSA', '*rsa.PublicKey'],
  ec: ['ECDSA', '*ecdsa.PublicKey'],
  ed25519: ['Ed25519', 'ed25519.PublicKey'],
}
const UNSUPPORTED = 'x509: cannot verify signature: algorithm unimplemented'

/** Why `signature` is not what `key` made of `signed`; undefined where it is. `algorithm` is the DER of an AlgorithmIdentifier. */
export function signatureProblem(
  algorithm: Buffer,
  key: KeyObject,
  signed: Buffer,
  signature: Buffer,
): string | undefined {
  const parts = readWhole(algorithm, TAG.sequence)
  const oid = objectIdText(parts.read(TAG.objectId))
  const known = ALGORITHMS[oid]
  const { asymmetricKeyType: keyType } = key
  if (!known || (keyType !== 'rsa' && keyType !== 'ec' && keyType !== 'ed25519')) return UNSUPPORTED
  if (known.keyType !== keyType) {
    const [wanted, found] = [KEY_NAMES[known.keyType][0], KEY_NAMES[keyType][1]]
    return `x509: signature algorithm specifies an ${wanted} public key, but have public key of type ${found}`
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS
  if (bits < MIN_RSA_BITS)
    return `crypto/rsa: ${bits}-bit keys are insecure (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)`
  const hash = oid === PSS ? hashOfPss(parts) : known.hash
  if (oid !== ED25519 && hash === undefined) return UNSUPPORTED
  const verifier =
    oid === PSS ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : key
  return verify(hash, signed, verifier, signature) ? undefined : FAILURES[keyType]
}

/** RSASSA-PSS-params: the hash is in [0]; that of the mask must be the same, which the verification finds out. */
function hashOfPss(parts: DerReader): Hash | undefined {
  const params = parts.enter(TAG.sequence)
  const hash = params.readOptional(0xa0)
  if (!hash) return undefined
  return HASHES[objectIdText(new DerReader(hash.body).enter(TAG.sequence).read(TAG.objectId))]
}

/** What a key signs with, as the DER of an AlgorithmIdentifier. Throws TypeError for a key of another type. */
export function signatureAlgorithm(key: KeyObject): Buffer {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return sequence(objectId('1.2.840.113549.1.1.11'), NULL)
    case 'ec':
      return sequence(objectId(`1.2.840.10045.4.3.${{ sha256: 2, sha384: 3, sha512: 4 }[hashFor(key)]}`))
    case 'ed25519':
      return sequence(objectId(ED25519))
    default:
      throw new TypeError(`keys of type ${String(key.asymmetricKeyType)} sign no certificates`)
  }
}

const NULL = Buffer.from([0x05, 0x00])

/** A hash as long as the curve. */
function hashFor(key: KeyObject): 'sha256' | 'sha384' | 'sha512' {
  const curve = key.asymmetricKeyDetails?.namedCurve
  return curve === 'secp384r1' ? 'sha384' : curve === 'secp521r1' ? 'sha512' : 'sha256'
}

/** `body` with the algorithm and the signature behind it: what a certificate, and a request for one, is. */
export function signed(body: Buffer, key: KeyObject): Buffer {
  const hash = key.asymmetricKeyType === 'ed25519' ? undefined : hashFor(key)
  return sequence(body, signatureAlgorithm(key), bitString(sign(hash, body, key)))
}

export interface SignedParts {
  /** What was signed. */
  readonly body: Buffer
  readonly algorithm: Buffer
  readonly signature: Buffer
}

/** The reverse of `signed`. Throws DerError. */
export function splitSigned(der: Buffer): SignedParts {
  const whole = readWhole(der, TAG.sequence)
  const body = whole.read(TAG.sequence).bytes
  const algorithm = whole.read(TAG.sequence).bytes
  const signature = bitStringBytes(whole.read(TAG.bitString))
  whole.end()
  return { body, algorithm, signature }
}
