/** The users that bootstrap tokens stand for. Upstream: `plugin/pkg/auth/authenticator/token/bootstrap`. */
import { timingSafeEqual } from 'node:crypto'
import {
  BOOTSTRAPPERS,
  bootstrapTokenName,
  parseBootstrapToken,
  secretText,
  tokenOf,
} from '#api/core/v1/bootstrap-token.ts'
import type { Secret } from '#api/core/v1/config.ts'
import type { Clock } from '#base/clock.ts'
import { type User, withAuthenticated } from '../user.ts'
import type { TokenAuthenticator } from './authenticator.ts'

export interface BootstrapTokenOptions {
  /** A secret of kube-system, by its name. */
  secret(name: string): Secret | undefined
  /** The audience of tokens for this server. */
  audience: string
  clock: Clock
}

export function bootstrapTokens({ secret, audience, clock }: BootstrapTokenOptions): TokenAuthenticator {
  return {
    authenticate(token, wanted): User | undefined {
      const parsed = wanted === audience ? parseBootstrapToken(token) : undefined
      const found = parsed && secret(bootstrapTokenName(parsed.id))
      const known = found && tokenOf(found, 'authentication', clock.now())
      if (!known || !isEqual(known.secret, parsed.secret)) return undefined
      const groups = groupsOf(secretText(found, 'auth-extra-groups'))
      return groups && withAuthenticated({ name: `system:bootstrap:${known.id}`, groups })
    },
  }
}

function isEqual(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)]
  return x.length === y.length && timingSafeEqual(x, y)
}

/** Undefined where one of them is no group for such tokens. */
function groupsOf(extra: string): string[] | undefined {
  if (extra === '') return [BOOTSTRAPPERS]
  const groups = extra.split(',')
  if (!groups.every((group) => /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/.test(group))) return undefined
  return [...new Set([BOOTSTRAPPERS, ...groups])].sort()
}
