/**
 * Why a call to a webhook or an extension server failed, in the words that Go's network library has for it: they end up
 * in answers and conditions that users and their tools know.
 */
import { isIP } from 'node:net'
import { messageOf, systemCode } from '#base/errors.ts'
import type { Address } from './service-address.ts'

/** Whoever was asked did not answer in time. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded'
  constructor() {
    super('context deadline exceeded')
  }
}

const UNKNOWN_AUTHORITY = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
])

const dialFailures: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
}

/** `address` is where the connection was to lead. */
export function failureText(thrown: unknown, address?: Address): string {
  const code = systemCode(thrown)
  if (code === undefined) return messageOf(thrown)
  const at = address ? `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}` : ''
  const dial = `dial tcp${at && ` ${at}`}`
  if (Object.hasOwn(dialFailures, code)) return `${dial}: connect: ${dialFailures[code]}`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `dial tcp: lookup ${address && !isIP(address.host) ? address.host : 'host'}: no such host`
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'EOF'
  if (UNKNOWN_AUTHORITY.has(code)) return verification('certificate signed by unknown authority')
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return verification('certificate has expired or is not yet valid')
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return verification(messageOf(thrown))
  if (code === 'EPROTO') return 'http: server gave HTTP response to HTTPS client'
  return messageOf(thrown)
}

const verification = (why: string) => `tls: failed to verify certificate: x509: ${why}`
