/**
 * Who is asking: a chain of authenticators, the first that knows the credentials decides. Upstream:
 * `apiserver/pkg/authentication`. A request without credentials is nobody; wrong credentials are an error.
 */
import { hash } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { isStatus, StatusError } from '#machinery/status-error.ts'
import { ALL_AUTHENTICATED, type User } from '../user.ts'

export interface Credentials {
  readonly authorization: string | undefined
  readonly socket: TLSSocket
}

/**
 * Knows a bearer token's owner; undefined where the token is not of its kind. Throws where it is, but is not valid, or not
 * meant for `audience`.
 */
export interface TokenAuthenticator {
  authenticate(token: string, audience: string): User | undefined | Promise<User | undefined>
}

export const unauthorized = (cause?: unknown) => new StatusError('Unauthorized', 'Unauthorized', { cause })

export class Authenticator {
  readonly #tokens: readonly TokenAuthenticator[]
  readonly #audience: string
  readonly #byConnection = new WeakMap<TLSSocket, User | null>()

  /** `audience` is what tokens for this server are issued for. */
  constructor(tokens: readonly TokenAuthenticator[], audience: string) {
    this.#tokens = tokens
    this.#audience = audience
  }

  /** Answers at once where it can, because this is on the path of every request. Throws Unauthorized. */
  authenticate({ authorization, socket }: Credentials): User | Promise<User> {
    let user = this.#byConnection.get(socket)
    if (user === undefined) {
      user = userOfCertificate(socket)
      this.#byConnection.set(socket, user)
    }
    if (user) return user
    const token = authorization && /^Bearer +(\S+)\s*$/i.exec(authorization)?.[1]
    if (token) return this.#authenticateToken(token, this.#audience)
    throw unauthorized()
  }

  /**
   * Whose token it is, and for which of `audiences` it is good; without any, for this server. Throws Unauthorized where it
   * is good for none.
   */
  async reviewToken(token: string, audiences: readonly string[]): Promise<{ user: User; audiences: string[] }> {
    let user: User | undefined
    const good: string[] = []
    for (const audience of audiences.length > 0 ? new Set(audiences) : [this.#audience]) {
      try {
        user = await this.#authenticateToken(token, audience)
        good.push(audience)
      } catch (err) {
        if (!isStatus(err, 'Unauthorized')) throw err
      }
    }
    if (!user) throw unauthorized()
    return { user, audiences: good }
  }

  #authenticateToken(token: string, audience: string, from = 0): User | Promise<User> {
    for (let i = from; i < this.#tokens.length; i++) {
      const user = this.#tokens[i]!.authenticate(token, audience)
      if (user instanceof Promise) return user.then((found) => found ?? this.#authenticateToken(token, audience, i + 1))
      if (user) return user
    }
    throw unauthorized()
  }
}

/** CN is the user, each O a group. The connection has verified the certificate against the cluster's CA. */
function userOfCertificate(socket: TLSSocket): User | null {
  if (!socket.authorized) return null
  const subject = socket.getPeerCertificate()?.subject as { CN?: string; O?: string | string[] } | undefined
  if (!subject?.CN) return null
  const groups = subject.O === undefined ? [] : [subject.O].flat()
  return { name: subject.CN, groups: [...groups, ALL_AUTHENTICATED] }
}

export interface StaticToken {
  token: string
  user: string
  uid: string
  groups: string[]
}

/** Tokens of a file (upstream: `--token-auth-file`), held as digests only. They are for this server, `audience`, alone. */
export function staticTokens(tokens: readonly StaticToken[], audience: string): TokenAuthenticator {
  const users = new Map<string, User>()
  for (const { token, user, uid, groups } of tokens)
    users.set(digest(token), { name: user, uid, groups: [...groups, ALL_AUTHENTICATED] })
  return { authenticate: (token, wanted) => (wanted === audience ? users.get(digest(token)) : undefined) }
}

export const digest = (token: string) => hash('sha256', token, 'base64')

/** Lines of `token,user,uid,"group1,group2"`. Throws SyntaxError naming the line. */
export function parseTokenFile(text: string): StaticToken[] {
  const tokens: StaticToken[] = []
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const match = /^([^,"]+),([^,"]+),([^,"]*)(?:,(?:"([^"]*)"|([^,"]*)))?$/.exec(line.trim())
    if (!match) throw new SyntaxError(`line ${i + 1} of the token file is not token,user,uid,"group1,group2"`)
    const groups = (match[4] ?? match[5] ?? '').split(',').map((g) => g.trim())
    tokens.push({ token: match[1]!, user: match[2]!, uid: match[3]!, groups: groups.filter(Boolean) })
  }
  return tokens
}
