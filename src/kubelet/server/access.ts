/**
 * Who may use the kubelet's server: holders of a client certificate that the cluster's authority has signed, or of a token
 * that the API server knows, if the API server allows them what they ask for. Nobody is let in without, on loopback
 * neither. Answers of the API server are remembered for a while. Upstream: webhook authentication and authorisation.
 */
import type { IncomingMessage } from 'node:http'
import { createHash } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { readCertificate } from '#base/certificate.ts'
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import { subjectAccessReviews, tokenReviews } from '#api/resources.ts'
import type { Client } from '#client/client.ts'
import { attributesOf } from './attributes.ts'

export interface AccessOptions {
  client: Client
  nodeName: string
  clock: Clock
  log: Log
}

/** The request is not let in: the code and text that it is answered with. */
export interface Refusal {
  status: number
  message: string
}

interface User {
  username: string
  uid?: string
  groups: readonly string[]
  extra?: Readonly<Record<string, readonly string[]>>
}

const ALL_AUTHENTICATED = 'system:authenticated'
const TOKEN_MS = 2 * 60_000
const ALLOWED_MS = 5 * 60_000
const REFUSED_MS = 30_000
/** How many answers are remembered; of the two kinds each. */
const MAX_REMEMBERED = 1024
const UNAUTHORIZED: Refusal = { status: 401, message: 'Unauthorized' }

export class ServerAccess {
  readonly #options: AccessOptions
  readonly #users: Answers<User | undefined>
  readonly #decisions: Answers<boolean>
  /** What the certificate of a connection says, which is read once. */
  readonly #connections = new WeakMap<TLSSocket, CertificateHolder>()

  constructor(options: AccessOptions) {
    this.#options = options
    this.#users = new Answers(options.clock)
    this.#decisions = new Answers(options.clock)
  }

  /** Why the request is not let in; undefined where it is. `route` is the first part of its path. Never rejects. */
  async refusal(req: IncomingMessage, route: string): Promise<Refusal | undefined> {
    const { log } = this.#options
    let user: User | undefined
    try {
      user = this.#userOfCertificate(req.socket as TLSSocket) ?? (await this.#userOfToken(req.headers.authorization))
    } catch (thrown) {
      log.warn({ reason: messageOf(thrown) }, 'cannot find out who asks')
    }
    if (!user) return UNAUTHORIZED
    const { verb, subresources } = attributesOf(req.method ?? 'GET', route)
    for (const subresource of subresources) {
      try {
        if (await this.#isAllowed(user, verb, subresource)) return undefined
      } catch (thrown) {
        log.warn({ user: user.username, verb, subresource, reason: messageOf(thrown) }, 'cannot find out who may')
        const who = `user=${user.username}, verb=${verb}, resource=nodes, subresource=${subresource}`
        return { status: 500, message: `Authorization error (${who})` }
      }
    }
    const who = `user=${user.username}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}]`
    return { status: 403, message: `Forbidden (${who})` }
  }

  /** CN is the user, each O a group. The connection has verified the certificate, but may outlive it. */
  #userOfCertificate(socket: TLSSocket): User | undefined {
    let holder = this.#connections.get(socket)
    if (!holder) this.#connections.set(socket, (holder = holderOf(socket)))
    return this.#options.clock.now() <= holder.untilMs ? holder.user : undefined
  }

  async #userOfToken(authorization: string | undefined): Promise<User | undefined> {
    const token = authorization && /^Bearer +(\S+)\s*$/i.exec(authorization)?.[1]
    if (!token) return undefined
    return this.#users.get(digest(token), async () => {
      const draft = { metadata: {}, spec: { token } }
      const { status } = await this.#options.client.create(tokenReviews, draft as never)
      const { username = '', uid, groups = [], extra } = status?.user ?? {}
      if (!status?.authenticated || username === '') return { value: undefined, forMs: TOKEN_MS }
      return { value: { username, groups, ...(uid && { uid }), ...(extra && { extra }) }, forMs: TOKEN_MS }
    })
  }

  #isAllowed(user: User, verb: string, subresource: string): Promise<boolean> {
    const { client, nodeName } = this.#options
    const { username, ...rest } = user
    const spec = {
      user: username,
      ...rest,
      resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource, name: nodeName },
    }
    return this.#decisions.get(digest(JSON.stringify(spec)), async () => {
      const { status } = await client.create(subjectAccessReviews, { metadata: {}, spec } as never)
      const value = status?.allowed === true
      return { value, forMs: value ? ALLOWED_MS : REFUSED_MS }
    })
  }
}

interface CertificateHolder {
  user: User | undefined
  untilMs: number
}

function holderOf(socket: TLSSocket): CertificateHolder {
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined
  if (!certificate) return { user: undefined, untilMs: Infinity }
  const { subject, notAfterMs } = readCertificate(certificate.raw)
  const { commonName, organizations } = subject
  const user = commonName === '' ? undefined : { username: commonName, groups: [...organizations, ALL_AUTHENTICATED] }
  return { user, untilMs: notAfterMs }
}

const digest = (text: string) => createHash('sha256').update(text).digest('base64')

/** Remembers answers for as long as each of them says, at most so many; failures are not remembered. */
class Answers<T> {
  readonly #clock: Clock
  readonly #entries = new Map<string, { value: Promise<{ value: T; forMs: number }>; untilMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async get(key: string, ask: () => Promise<{ value: T; forMs: number }>): Promise<T> {
    const known = this.#entries.get(key)
    if (known && this.#clock.monotonic() < known.untilMs) return (await known.value).value
    if (this.#entries.size >= MAX_REMEMBERED) this.#entries.delete(this.#entries.keys().next().value!)
    const entry = { value: ask(), untilMs: Infinity }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    try {
      const { value, forMs } = await entry.value
      entry.untilMs = this.#clock.monotonic() + forMs
      return value
    } catch (err) {
      if (this.#entries.get(key) === entry) this.#entries.delete(key)
      throw err
    }
  }
}
