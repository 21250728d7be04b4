/**
 * A JSON Web Signature without its content (RFC 7515, appendix F) by a secret that both sides know: how the ConfigMap
 * `cluster-info` shows to somebody with a bootstrap token that it is genuine.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

/** `header..signature` by HS256; `keyId` says which secret it was. */
export function signDetached(content: string, keyId: string, secret: string): string {
  const header = base64Url(JSON.stringify({ alg: 'HS256', kid: keyId }))
  const signature = createHmac('sha256', secret)
    .update(`${header}.${base64Url(content)}`)
    .digest('base64url')
  return `${header}..${signature}`
}

export function isSignedBy(content: string, signature: string, keyId: string, secret: string): boolean {
  const expected = Buffer.from(signDetached(content, keyId, secret))
  const given = Buffer.from(signature)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

const base64Url = (text: string) => Buffer.from(text).toString('base64url')
