/**
 * Tokens of service accounts: JSON Web Tokens, bound to an audience, a time and (usually) a pod or a secret. One is valid
 * only as long as what it is bound to exists. Upstream: `pkg/serviceaccount` and KEP-1205.
 */
import type { KeyObject } from 'node:crypto'
import { jwtVerify, SignJWT } from 'jose'
import type { Clock } from '#base/clock.ts'
import { type Random, uuid } from '#base/random.ts'
import { ALL_AUTHENTICATED, type User } from '../user.ts'
import { digest, type TokenAuthenticator, unauthorized } from './authenticator.ts'

export interface SigningKey {
  /** EC P-256. */
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly keyId: string
}

export interface Bound {
  readonly name: string
  readonly uid: string
}

/** The `kubernetes.io` claim. */
export interface TokenSubject {
  readonly namespace: string
  readonly serviceaccount: Bound
  readonly pod?: Bound
  readonly secret?: Bound
  readonly node?: Bound
}

export interface TokenOptions {
  key: SigningKey
  issuer: string
  /** Audience of tokens that ask for none. */
  audience: string
  clock: Clock
  random: Random
  /** Whether everything that the token is bound to is still there. */
  isAlive(subject: TokenSubject): boolean
}

/** How many verified tokens are remembered. */
const MAX_VERIFIED = 4096

interface Verified {
  subject: TokenSubject
  audiences: readonly string[]
  id: string | undefined
  expiresMs: number
}

export class ServiceAccountTokens implements TokenAuthenticator {
  readonly #options: TokenOptions
  readonly #verified = new Map<string, Verified>()

  constructor(options: TokenOptions) {
    this.#options = options
  }

  /** A signed token for `subject` and when it expires, in milliseconds since the epoch. */
  async issue(
    subject: TokenSubject,
    audiences: readonly string[],
    lifetimeSeconds: number,
  ): Promise<{ token: string; expiresMs: number }> {
    const { key, issuer, audience, clock, random } = this.#options
    const nowS = Math.floor(clock.now() / 1000)
    const expiresS = nowS + lifetimeSeconds
    const token = await new SignJWT({ 'kubernetes.io': subject })
      .setProtectedHeader({ alg: 'ES256', kid: key.keyId })
      .setIssuer(issuer)
      .setSubject(`system:serviceaccount:${subject.namespace}:${subject.serviceaccount.name}`)
      .setAudience(audiences.length > 0 ? [...audiences] : [audience])
      .setIssuedAt(nowS)
      .setNotBefore(nowS)
      .setExpirationTime(expiresS)
      .setJti(uuid(random))
      .sign(key.privateKey)
    return { token, expiresMs: expiresS * 1000 }
  }

  authenticate(token: string, audience: string): User | undefined | Promise<User | undefined> {
    if (token.split('.', 4).length !== 3) return undefined
    const known = this.#verified.get(digest(token))
    if (known) return this.#userOf(known, audience)
    return this.#verify(token, audience)
  }

  async #verify(token: string, audience: string): Promise<User> {
    const { key, issuer, clock } = this.#options
    let payload
    try {
      ;({ payload } = await jwtVerify(token, key.publicKey, {
        issuer,
        algorithms: ['ES256'],
        currentDate: new Date(clock.now()),
      }))
    } catch (cause) {
      throw unauthorized(cause)
    }
    const verified: Verified = {
      subject: payload['kubernetes.io'] as TokenSubject,
      audiences: [payload.aud ?? []].flat(),
      id: payload.jti,
      expiresMs: payload.exp! * 1000,
    }
    if (this.#verified.size >= MAX_VERIFIED) this.#verified.delete(this.#verified.keys().next().value!)
    this.#verified.set(digest(token), verified)
    return this.#userOf(verified, audience)
  }

  #userOf({ subject, audiences, id, expiresMs }: Verified, audience: string): User {
    const { clock, isAlive } = this.#options
    if (!audiences.includes(audience) || clock.now() >= expiresMs || !isAlive(subject)) throw unauthorized()
    const { namespace, serviceaccount, pod, node } = subject
    return {
      name: `system:serviceaccount:${namespace}:${serviceaccount.name}`,
      uid: serviceaccount.uid,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, ALL_AUTHENTICATED],
      extra: {
        ...(id && { 'authentication.kubernetes.io/credential-id': [`JTI=${id}`] }),
        ...(pod && {
          'authentication.kubernetes.io/pod-name': [pod.name],
          'authentication.kubernetes.io/pod-uid': [pod.uid],
        }),
        ...(node && {
          'authentication.kubernetes.io/node-name': [node.name],
          'authentication.kubernetes.io/node-uid': [node.uid],
        }),
      },
    }
  }
}
