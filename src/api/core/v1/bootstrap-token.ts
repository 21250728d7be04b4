/**
 * Bootstrap tokens: Secrets of `kube-system` by which machines join, written `id.secret`. The id is public, the secret
 * part signs and authenticates. Upstream: `k8s.io/cluster-bootstrap`.
 */
import type { Secret } from './config.ts'

export const BOOTSTRAP_TOKEN_TYPE = 'bootstrap.kubernetes.io/token'
export const BOOTSTRAP_TOKEN_NAMESPACE = 'kube-system'
/** Every bootstrap token's user is in this group; more are named by its Secret. */
export const BOOTSTRAPPERS = 'system:bootstrappers'

const NAME = /^bootstrap-token-([a-z0-9]{6})$/
const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/

export type TokenUsage = 'signing' | 'authentication'

export const bootstrapTokenName = (id: string) => `bootstrap-token-${id}`

/** The two parts of a token; undefined for text that is none. */
export function parseBootstrapToken(text: string): { id: string; secret: string } | undefined {
  const match = TOKEN.exec(text)
  return match ? { id: match[1]!, secret: match[2]! } : undefined
}

/** A field of a Secret as text; '' where it is not there. */
export const secretText = ({ data }: Secret, key: string) => Buffer.from(data?.[key] ?? '', 'base64').toString()

/**
 * Milliseconds until the token expires: 0 where it has, or where the time can't be read; undefined where it never does.
 */
export function msToExpiration(secret: Secret, nowMs: number): number | undefined {
  const text = secretText(secret, 'expiration')
  if (text === '') return undefined
  const atMs = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(atMs) ? 0 : Math.max(atMs - nowMs, 0)
}

/** The token in a Secret, if it is good for `usage` now. */
export function tokenOf(secret: Secret, usage: TokenUsage, nowMs: number): { id: string; secret: string } | undefined {
  const { metadata, type } = secret
  if (type !== BOOTSTRAP_TOKEN_TYPE || metadata.namespace !== BOOTSTRAP_TOKEN_NAMESPACE) return undefined
  if (metadata.deletionTimestamp !== undefined) return undefined
  const id = secretText(secret, 'token-id')
  const value = secretText(secret, 'token-secret')
  if (id === '' || value === '' || NAME.exec(metadata.name)?.[1] !== id) return undefined
  if (msToExpiration(secret, nowMs) === 0 || secretText(secret, `usage-bootstrap-${usage}`) !== 'true') return undefined
  return { id, secret: value }
}
