/**
 * What the server answers beside resources and discovery, as operations: its version, who issues tokens and with which keys.
 * Client generators make an API of each. Upstream: `apiserver/pkg/server/routes/{version,openidmetadata}.go`.
 */
import { type Body, type PathItem, readItem } from './operations.ts'
import type { JsonSchema } from './schemas.ts'

const item = (path: string, tag: string, id: string, description: string, type: Body, mediaType: string): PathItem =>
  readItem({ path, tag, id, description, type, produces: [mediaType] })

export const systemItems: readonly PathItem[] = [
  item(
    '/.well-known/openid-configuration/',
    'WellKnown',
    'getServiceAccountIssuerOpenIDConfiguration',
    'who issues tokens of service accounts, as OpenID Connect Discovery tells it',
    'text',
    'application/json',
  ),
  item(
    '/openid/v1/jwks/',
    'openid',
    'getServiceAccountIssuerOpenIDKeyset',
    'the public keys that tokens of service accounts are verified with',
    'text',
    'application/jwk-set+json',
  ),
  item('/version/', 'version', 'getCodeVersion', 'the version of this server', 'version', 'application/json'),
]

const build = ['gitCommit', 'gitTreeState', 'buildDate', 'goVersion', 'compiler', 'platform']
const required = ['major', 'minor', 'gitVersion', ...build]
const optional = ['emulationMajor', 'emulationMinor', 'minCompatibilityMajor', 'minCompatibilityMinor']

export const versionInfo: JsonSchema = {
  description: 'What the server is, what it was built with, and the versions of the API that it goes together with.',
  type: 'object',
  required,
  properties: Object.fromEntries([...required, ...optional].map((name) => [name, { type: 'string' }])),
}
