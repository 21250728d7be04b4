/**
 * Tokens of service accounts: JSON Web Tokens, bound to an audience, a time and (usually) a pod or a secret. One is valid
 * only as long as what it is bound to exists. Those of the older kind are kept in a Secret each, and are valid as long as
 * they are in there. Upstream: `pkg/serviceaccount` and KEP-1205.
 */
import type { KeyObject } from 'node:crypto'
import { type JWTPayload, jwtVerify, SignJWT } from 'jose'
import type { Clock } from '#base/clock.ts'
import { type Random, uuid } from '#base/random.ts'
import { CREDENTIAL_ID, serviceAccountUser, type User } from '../user.ts'
import { digest, type TokenAuthenticator, unauthorized } from './authenticator.ts'

export interface SigningKey {
  /** EC P-256. */
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly keyId: string
}

export interface Bound {
  readonly name: string
  /** Absent for the node of a pod that has no object. */
  readonly uid?: string
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
  /** Whether the Secret of a token of the older kind still holds it. */
  isKept(subject: TokenSubject, token: string): boolean
}

/** How many verified tokens are remembered. */
const MAX_VERIFIED = 4096
const ALGORITHM = 'ES256'
const LEGACY_ISSUER = 'kubernetes/serviceaccount'
const LEGACY_CLAIM = 'kubernetes.io/serviceaccount/'

interface Verified {
  readonly subject: TokenSubject
  readonly isLegacy: boolean
  readonly audiences: readonly string[]
  readonly expiresMs: number
  readonly user: User
}

export class ServiceAccountTokens implements TokenAuthenticator {
  readonly #options: TokenOptions
  readonly #verified = new Map<string, Verified>()

  constructor(options: TokenOptions) {
    this.#options = options
  }

  /** What tokens for this server are issued for. */
  get audience(): string {
    return this.#options.audience
  }

  /** A signed token for `subject`. After `warnAfterSeconds`, where given, its use means that a client is too old. */
  issue(
    subject: TokenSubject,
    audiences: readonly string[],
    lifetimeSeconds: number,
    warnAfterSeconds: number | false = false,
  ): Promise<string> {
    const { key, issuer, clock, random } = this.#options
    const nowS = Math.floor(clock.now() / 1000)
    const claim = warnAfterSeconds === false ? subject : { ...subject, warnafter: nowS + warnAfterSeconds }
    return new SignJWT({ 'kubernetes.io': claim })
      .setProtectedHeader({ alg: ALGORITHM, kid: key.keyId })
      .setIssuer(issuer)
      .setSubject(serviceAccountUser(subject.namespace, subject.serviceaccount.name).name)
      .setAudience([...audiences])
      .setIssuedAt(nowS)
      .setNotBefore(nowS)
      .setExpirationTime(nowS + lifetimeSeconds)
      .setJti(uuid(random))
      .sign(key.privateKey)
  }

  authenticate(token: string, audience: string): User | undefined | Promise<User | undefined> {
    if (token.split('.', 4).length !== 3) return undefined
    const known = this.#verified.get(digest(token))
    return known ? this.#userOf(known, token, audience) : this.#verify(token, audience)
  }

  async #verify(token: string, audience: string): Promise<User> {
    const verified = await this.#read(token)
    if (this.#verified.size >= MAX_VERIFIED) this.#verified.delete(this.#verified.keys().next().value!)
    this.#verified.set(digest(token), verified)
    return this.#userOf(verified, token, audience)
  }

  async #read(token: string): Promise<Verified> {
    const { key, issuer, clock } = this.#options
    let payload: JWTPayload
    try {
      const options = {
        issuer: [issuer, LEGACY_ISSUER],
        algorithms: [ALGORITHM],
        currentDate: new Date(clock.now()),
      }
      ;({ payload } = await jwtVerify(token, key.publicKey, options))
    } catch (cause) {
      throw unauthorized(cause)
    }
    const isLegacy = payload.iss === LEGACY_ISSUER
    const subject = isLegacy ? legacySubject(payload) : (payload['kubernetes.io'] as TokenSubject | undefined)
    if (!subject?.serviceaccount?.name || !subject.namespace) throw unauthorized()
    const { namespace, serviceaccount } = subject
    const user = userOf(subject, isLegacy ? undefined : payload.jti)
    if (payload.sub !== serviceAccountUser(namespace, serviceaccount.name).name) throw unauthorized()
    // Those of the older kind name no audience and do not expire; others always do both.
    if (!isLegacy && (payload.exp === undefined || payload.aud === undefined)) throw unauthorized()
    const audiences = payload.aud === undefined ? [this.audience] : [payload.aud].flat()
    return { subject, isLegacy, audiences, expiresMs: payload.exp === undefined ? Infinity : payload.exp * 1000, user }
  }

  #userOf({ subject, isLegacy, audiences, expiresMs, user }: Verified, token: string, audience: string): User {
    const { clock, isAlive, isKept } = this.#options
    if (!audiences.includes(audience) || clock.now() >= expiresMs) throw unauthorized()
    if (!(isLegacy ? isKept(subject, token) : isAlive(subject))) throw unauthorized()
    return user
  }
}

function userOf({ namespace, serviceaccount, pod, node }: TokenSubject, tokenId: string | undefined): User {
  const extra = {
    ...(tokenId && { [CREDENTIAL_ID]: [`JTI=${tokenId}`] }),
    ...(pod && boundExtra('pod', pod)),
    ...(node && boundExtra('node', node)),
  }
  return {
    ...serviceAccountUser(namespace, serviceaccount.name),
    ...(serviceaccount.uid && { uid: serviceaccount.uid }),
    ...(Object.keys(extra).length > 0 && { extra }),
  }
}

const boundExtra = (kind: 'pod' | 'node', { name, uid }: Bound) => ({
  [`authentication.kubernetes.io/${kind}-name`]: [name],
  ...(uid && { [`authentication.kubernetes.io/${kind}-uid`]: [uid] }),
})

/** Undefined where a claim is missing. */
function legacySubject(payload: JWTPayload): TokenSubject | undefined {
  const claim = (name: string) => {
    const value = payload[LEGACY_CLAIM + name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const namespace = claim('namespace')
  const secret = claim('secret.name')
  const name = claim('service-account.name')
  const uid = claim('service-account.uid')
  if (!namespace || !secret || !name || !uid) return undefined
  return { namespace, serviceaccount: { name, uid }, secret: { name: secret } }
}

/** A token of the older kind, to be kept in the Secret that `subject` names. */
export function legacyToken(
  { privateKey, keyId }: SigningKey,
  subject: Required<Pick<TokenSubject, 'namespace' | 'serviceaccount' | 'secret'>>,
): Promise<string> {
  const { namespace, serviceaccount, secret } = subject
  const claims = {
    [`${LEGACY_CLAIM}namespace`]: namespace,
    [`${LEGACY_CLAIM}secret.name`]: secret.name,
    [`${LEGACY_CLAIM}service-account.name`]: serviceaccount.name,
    [`${LEGACY_CLAIM}service-account.uid`]: serviceaccount.uid,
  }
  return new SignJWT(claims)
    .setProtectedHeader({ alg: ALGORITHM, kid: keyId })
    .setIssuer(LEGACY_ISSUER)
    .setSubject(serviceAccountUser(namespace, serviceaccount.name).name)
    .sign(privateKey)
}
