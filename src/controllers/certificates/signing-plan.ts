/**
 * What becomes of a certificate request that is approved: a certificate, a note that it can't be signed, or nothing. Pure.
 * Upstream: `signer.handle`, and `PermissiveSigningPolicy` of `pkg/controller/certificates/authority`.
 */
import { requestOf } from '#api/certificates/request.ts'
import type { CertificateSigningRequest } from '#api/certificates/v1.ts'
import type { CertificateContent, KeyPurpose, KeyUsage } from '#base/x509.ts'
import { signerRules } from './signers.ts'

export type SigningPlan =
  | { kind: 'nothing' }
  | { kind: 'fail'; message: string }
  | { kind: 'sign'; content: CertificateContent }

export interface SigningTerms {
  nowMs: number
  /** Certificates live no longer, whatever is asked for. */
  maxLifetimeMs: number
  /** Nor longer than the authority. */
  authorityNotAfterMs: number
}

/** By the API's words for them. */
const keyUsages: Readonly<Record<string, KeyUsage>> = {
  signing: 'digitalSignature',
  'digital signature': 'digitalSignature',
  'content commitment': 'contentCommitment',
  'key encipherment': 'keyEncipherment',
  'key agreement': 'keyAgreement',
  'data encipherment': 'dataEncipherment',
  'cert sign': 'certSign',
  'crl sign': 'crlSign',
  'encipher only': 'encipherOnly',
  'decipher only': 'decipherOnly',
}

const purposes: Readonly<Record<string, KeyPurpose>> = {
  any: 'any',
  'server auth': 'serverAuth',
  'client auth': 'clientAuth',
  'code signing': 'codeSigning',
  'email protection': 'emailProtection',
  's/mime': 'emailProtection',
  'ipsec end system': 'ipsecEndSystem',
  'ipsec tunnel': 'ipsecTunnel',
  'ipsec user': 'ipsecUser',
  timestamping: 'timeStamping',
  'ocsp signing': 'ocspSigning',
  'microsoft sgc': 'microsoftSgc',
  'netscape sgc': 'netscapeSgc',
}

const MINUTE_MS = 60_000
const BACKDATE_MS = 5 * MINUTE_MS
const MIN_LIFETIME_MS = 10 * MINUTE_MS
/** From a certificate that lives shorter than this the backdating takes nothing. */
const SHORT_MS = 8 * 60 * MINUTE_MS

/** Throws RangeError where the authority itself has expired. */
export function planSigning({ spec, status }: CertificateSigningRequest, terms: SigningTerms): SigningPlan {
  const rule = signerRules[spec.signerName]
  const has = (type: string) => status.conditions?.some((condition) => condition.type === type) === true
  if (!rule || status.certificate || !has('Approved') || has('Denied') || has('Failed')) return { kind: 'nothing' }
  const request = requestOf(spec.request)
  const problem = request.signatureProblem ?? rule(request, spec.usages ?? [])
  if (problem !== undefined) return { kind: 'fail', message: problem }
  const { subject, names, publicKeyInfo } = request
  return {
    kind: 'sign',
    content: {
      subject,
      names,
      publicKeyInfo,
      keyUsages: translate(keyUsages, spec.usages),
      purposes: translate(purposes, spec.usages),
      ...validity(spec.expirationSeconds, terms),
    },
  }
}

/** In the table's order, each once. */
function translate<T>(table: Readonly<Record<string, T>>, usages: readonly string[] = []): T[] {
  return [...new Set(Object.entries(table).flatMap(([word, meaning]) => (usages.includes(word) ? [meaning] : [])))]
}

function validity(expirationSeconds: number | undefined, { nowMs, maxLifetimeMs, authorityNotAfterMs }: SigningTerms) {
  if (nowMs >= authorityNotAfterMs)
    throw new RangeError(
      `refusing to sign a certificate that expired in the past: NotAfter=${new Date(authorityNotAfterMs).toISOString()}`,
    )
  const askedMs = Math.max((expirationSeconds ?? Infinity) * 1000, MIN_LIFETIME_MS)
  const lifetimeMs = Math.min(askedMs, maxLifetimeMs)
  // Only a cluster that is set up with shorter lifetimes than anybody may ask for has less.
  const backdateMs = Math.min(BACKDATE_MS, lifetimeMs / 2)
  const notAfterMs = nowMs + lifetimeMs - (lifetimeMs < SHORT_MS ? 0 : backdateMs)
  return { notBeforeMs: nowMs - backdateMs, notAfterMs: Math.min(notAfterMs, authorityNotAfterMs) }
}
