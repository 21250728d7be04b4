/** Bootstrap tokens of a cluster, by which machines join it: made, listed and removed. Upstream: `kubeadm token`. */
import {
  BOOTSTRAP_TOKEN_NAMESPACE,
  BOOTSTRAP_TOKEN_TYPE,
  bootstrapTokenName,
  msToExpiration,
  secretText,
  tokenOf,
} from '#api/core/v1/bootstrap-token.ts'
import { secrets } from '#api/resources.ts'
import type { Clock } from '#base/clock.ts'
import type { Random } from '#base/random.ts'
import type { Client } from '#client/client.ts'
import { formatTime } from '#machinery/time.ts'
import { JOINING_NODES } from './join-policy.ts'

export interface BootstrapToken {
  token: string
  /** RFC 3339; undefined: never. */
  expires?: string
  description: string
  usages: string[]
}

export interface TokenTerms {
  /** Milliseconds; 0: for ever. */
  lifetimeMs: number
  description: string
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
const ID_LENGTH = 6
const SECRET_LENGTH = 16

/** A new token, for nodes to join with. Throws StatusError. */
export async function createToken(client: Client, terms: TokenTerms, clock: Clock, random: Random): Promise<string> {
  const text = (length: number) => Array.from({ length }, () => ALPHABET[random.int(ALPHABET.length)]).join('')
  const [id, secret] = [text(ID_LENGTH), text(SECRET_LENGTH)]
  const content = {
    'token-id': id,
    'token-secret': secret,
    'usage-bootstrap-authentication': 'true',
    'usage-bootstrap-signing': 'true',
    'auth-extra-groups': JOINING_NODES,
    ...(terms.description && { description: terms.description }),
    ...(terms.lifetimeMs > 0 && { expiration: formatTime(clock.now() + terms.lifetimeMs) }),
  }
  await client.create(secrets, {
    metadata: { name: bootstrapTokenName(id), namespace: BOOTSTRAP_TOKEN_NAMESPACE },
    type: BOOTSTRAP_TOKEN_TYPE,
    data: Object.fromEntries(
      Object.entries(content).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  })
  return `${id}.${secret}`
}

/** Those that are good for anything. Throws StatusError. */
export async function listTokens(client: Client, clock: Clock): Promise<BootstrapToken[]> {
  const { items } = await client.list(secrets, {
    namespace: BOOTSTRAP_TOKEN_NAMESPACE,
    fieldSelector: `type=${BOOTSTRAP_TOKEN_TYPE}`,
  })
  return items.flatMap((secret) => {
    const usages = (['authentication', 'signing'] as const).filter((usage) => tokenOf(secret, usage, clock.now()))
    const token = usages[0] && tokenOf(secret, usages[0], clock.now())
    if (!token) return []
    const expires = msToExpiration(secret, clock.now()) === undefined ? undefined : secretText(secret, 'expiration')
    return [
      {
        token: `${token.id}.${token.secret}`,
        ...(expires && { expires }),
        description: secretText(secret, 'description'),
        usages,
      },
    ]
  })
}

/** Removes a token, given whole or by its id. Throws StatusError, NotFound among them. */
export async function deleteToken(client: Client, token: string): Promise<void> {
  const name = bootstrapTokenName(token.split('.')[0]!)
  await client.delete(secrets, { name, namespace: BOOTSTRAP_TOKEN_NAMESPACE })
}
