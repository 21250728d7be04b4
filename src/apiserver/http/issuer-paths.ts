/**
 * By what others tell the tokens of this cluster's service accounts from forgeries: who issues them, and with which keys.
 * OpenID Connect Discovery 1.0, as far as it is about checking tokens. Upstream: `pkg/serviceaccount.OpenIDMetadataProvider`.
 */
import type { SigningKey } from '../authn/service-account-tokens.ts'
import type { PathHandler } from './path-handler.ts'

const CONFIGURATION = '/.well-known/openid-configuration'
const KEYS = '/openid/v1/jwks'
/** Keys do not change while the server runs. */
const headers = { 'cache-control': 'public, max-age=3600' }

/** `issuer` is where pods reach this server, too. */
export function issuerPaths(issuer: string, { publicKey, keyId }: SigningKey): PathHandler {
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' })
  const keys = JSON.stringify({ keys: [{ use: 'sig', kty, kid: keyId, crv, alg: 'ES256', x, y }] })
  const configuration = JSON.stringify({
    issuer,
    jwks_uri: `${issuer}${KEYS}`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  })
  return {
    handle(path) {
      if (isAt(path, CONFIGURATION)) return { code: 200, body: configuration, contentType: 'application/json', headers }
      if (isAt(path, KEYS)) return { code: 200, body: keys, contentType: 'application/jwk-set+json', headers }
      return undefined
    },
  }
}

const isAt = (path: string, place: string) => path === place || path === `${place}/`
