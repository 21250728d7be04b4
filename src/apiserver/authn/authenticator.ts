/**
 * Who is asking: the front proxy's word, then the client certificate, then a bearer token; the first that knows somebody
 * decides. Who shows nothing is anonymous; who shows only what is wrong is refused. Upstream:
 * `pkg/kubeapiserver/authenticator`.
 */
import { hash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '#base/clock.ts'
import { isStatus, StatusError } from '#machinery/status-error.ts'
import { ALL_UNAUTHENTICATED, ANONYMOUS, type User, withAuthenticated } from '../user.ts'
import { bearerToken, MalformedToken, protocolToken } from './bearer-token.ts'
import { type FrontProxyOptions, maySpeakForOthers, remoteUser } from './front-proxy.ts'
import { Authorities, type Peer, type PeerAuthorities, peerOf } from './peer-certificate.ts'

/** What a request shows of who sends it. */
export interface Credentials {
  readonly headers: IncomingHttpHeaders
  /** Names and values in turn, as they were sent. */
  readonly rawHeaders: readonly string[]
  readonly socket: TLSSocket
  /** Stands for the connection, and stays the same as long as that lasts. */
  readonly connection: object
}

/**
 * Knows a bearer token's owner; undefined where the token is not of its kind. Throws Unauthorized where it is, but is not
 * valid, or not meant for `audience`.
 */
export interface TokenAuthenticator {
  authenticate(token: string, audience: string): User | undefined | Promise<User | undefined>
}

export interface AuthenticatorOptions {
  /** PEM of the authority of client certificates. Default: none count. */
  readonly clientCa?: string | undefined
  readonly frontProxy?: FrontProxyOptions | undefined
  readonly tokens: readonly TokenAuthenticator[]
  /** What tokens for this server are issued for. */
  readonly audience: string
  /** Whether those who show nothing are `system:anonymous`, rather than refused. Default: true. */
  readonly anonymous?: boolean | undefined
  readonly clock: Clock
}

export const unauthorized = (cause?: unknown) => new StatusError('Unauthorized', 'Unauthorized', { cause })

const anonymousUser: User = Object.freeze({ name: ANONYMOUS, groups: [ALL_UNAUTHENTICATED] })

export class Authenticator {
  readonly #options: AuthenticatorOptions
  readonly #authorities: PeerAuthorities | undefined
  readonly #peers = new WeakMap<object, Peer>()

  /** Throws DerError for an authority that is no certificate. */
  constructor(options: AuthenticatorOptions) {
    this.#options = options
    const { clientCa, frontProxy } = options
    this.#authorities = clientCa
      ? { clients: new Authorities(clientCa), frontProxy: frontProxy && new Authorities(frontProxy.ca) }
      : undefined
  }

  /** Answers at once where it can, because this is on the path of every request. Throws Unauthorized. */
  authenticate(credentials: Credentials): User | Promise<User> {
    const { frontProxy, audience, anonymous = true, clock } = this.#options
    const { headers, rawHeaders } = credentials
    const peer = this.#peerOf(credentials)
    const isCurrent = clock.now() <= peer.untilMs
    if (peer.proxy !== undefined && isCurrent && maySpeakForOthers(frontProxy!, peer.proxy)) {
      const user = remoteUser(rawHeaders)
      if (user) return user
    }
    if (peer.user && isCurrent) return peer.user
    const token = bearerToken(headers.authorization) ?? protocolTokenOf(headers)
    if (token !== undefined) return this.#authenticateToken(token, audience)
    if (peer.isRefused || !isCurrent || !anonymous) throw unauthorized()
    return anonymousUser
  }

  #peerOf({ socket, connection }: Credentials): Peer {
    let peer = this.#peers.get(connection)
    if (!peer) {
      peer = this.#authorities ? peerOf(socket, this.#authorities) : { isRefused: false, untilMs: Infinity }
      this.#peers.set(connection, peer)
    }
    return peer
  }

  /**
   * Whose token it is, and for which of `audiences` it is good; without any, for this server. Throws Unauthorized where it
   * is good for none.
   */
  async reviewToken(token: string, audiences: readonly string[]): Promise<{ user: User; audiences: string[] }> {
    let user: User | undefined
    const good: string[] = []
    for (const audience of audiences.length > 0 ? new Set(audiences) : [this.#options.audience]) {
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
    const { tokens } = this.#options
    for (let i = from; i < tokens.length; i++) {
      const user = tokens[i]!.authenticate(token, audience)
      if (user instanceof Promise) return user.then((found) => found ?? this.#authenticateToken(token, audience, i + 1))
      if (user) return user
    }
    throw unauthorized()
  }
}

/** Throws Unauthorized for one that can't be read. */
function protocolTokenOf(headers: IncomingHttpHeaders): string | undefined {
  try {
    return protocolToken(headers)
  } catch (cause) {
    throw cause instanceof MalformedToken ? unauthorized(cause) : cause
  }
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
    users.set(digest(token), withAuthenticated({ name: user, uid, groups }))
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
