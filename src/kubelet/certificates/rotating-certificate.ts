/**
 * A certificate that renews itself: asked for where there is none (or it has expired, or it lacks a name), and again when
 * most of its life has passed, each time for a new key. What is there stays in use until the next one is there.
 * Upstream: `client-go/util/certificate`.
 */
import type { AlternativeNames } from '#base/alternative-names.ts'
import { type Certificate, parseCertificate } from '#base/certificate.ts'
import { createCertificateRequest } from '#base/certificate-request.ts'
import { type Clock, sleep } from '#base/clock.ts'
import type { DistinguishedName } from '#base/distinguished-name.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import { createAuthority, createKeys, type KeyPair, privatePem } from '#base/x509.ts'
import type { Client } from '#client/client.ts'
import type { CertificateStore } from './certificate-store.ts'
import { requestCertificate } from './request-certificate.ts'

export interface RotationOptions {
  store: CertificateStore
  /** What it is for, in logs. */
  purpose: string
  signerName: string
  usages: readonly string[]
  subject: DistinguishedName
  names: AlternativeNames
  /** How long it is wanted for; default: as long as the signer likes. */
  lifetimeSeconds?: number | undefined
  /** As whom to ask, given what is there and still valid. Throws where nobody can be asked. */
  client(current: KeyPair | undefined): Client
  onCertificate?(pair: KeyPair): void
  /** A new key is about to be asked about, here in a certificate that it signs itself; undefined: no more. */
  onPendingKey?(pair: KeyPair | undefined): void
  clock: Clock
  random: Random
  log: Log
  signal: AbortSignal
}

/** At first soon, because a cluster that has just begun may lack only a moment to be ready. */
const RETRY_MS = 200
const MAX_RETRY_MS = 32_000
const RETRY_JITTER = 0.1
/** The longest sleep before a renewal. */
const CHECK_MS = 60_000
/** A self-signed certificate only carries a key. */
const PROOF_DAYS = 1

export class RotatingCertificate {
  readonly #options: RotationOptions
  #pair: KeyPair | undefined
  #certificate: Certificate | undefined

  /** Takes up what is stored. */
  constructor(options: RotationOptions) {
    this.#options = options
    this.#take(options.store.read())
  }

  /** What is there, unless it has expired. */
  get current(): KeyPair | undefined {
    const isValid = this.#certificate && this.#options.clock.now() <= this.#certificate.notAfterMs
    return isValid ? this.#pair : undefined
  }

  /** Resolves when there is a certificate; asks until then. Rejects only with the signal's reason. */
  async obtain(): Promise<KeyPair> {
    await this.#renewWhile(() => !this.current || !this.#hasAllNames())
    return this.#pair!
  }

  /** Keeps the certificate fresh until the signal aborts. Never rejects. */
  async run(): Promise<void> {
    const { clock, signal } = this.#options
    try {
      for (;;) {
        await this.obtain()
        // In short sleeps, because a machine may be asleep itself for most of a long one.
        for (const dueMs = this.#renewalMs(); clock.now() < dueMs;)
          await sleep(clock, Math.min(dueMs - clock.now(), CHECK_MS), signal)
        await this.#renewWhile(() => true)
      }
    } catch (thrown) {
      if (!signal.aborted) throw thrown
    }
  }

  /** Asks until there is a new certificate, or none is needed any more. */
  async #renewWhile(isNeeded: () => boolean): Promise<void> {
    const { clock, log, purpose, random, signal } = this.#options
    for (let pauseMs = RETRY_MS; isNeeded(); pauseMs = Math.min(pauseMs * 2, MAX_RETRY_MS)) {
      try {
        return await this.#renew()
      } catch (thrown) {
        signal.throwIfAborted()
        const fields = { purpose, reason: messageOf(thrown), expiresMs: this.#certificate?.notAfterMs }
        log.warn(fields, 'cannot get a certificate; trying again')
      }
      await sleep(clock, pauseMs * (1 + RETRY_JITTER * random.float()), signal)
    }
  }

  /** When to renew: after 70 to 90 % of the lifetime, so that nodes that were made together don't ask together. */
  #renewalMs(): number {
    const { notBeforeMs, notAfterMs } = this.#certificate!
    return notBeforeMs + (notAfterMs - notBeforeMs) * (0.7 + 0.2 * this.#options.random.float())
  }

  async #renew(): Promise<void> {
    const options = this.#options
    const { clock, log, names, onPendingKey, purpose, random, signal, signerName, store, subject, usages } = options
    const keys = createKeys()
    const key = privatePem(keys.privateKey)
    const client = options.client(this.current)
    onPendingKey?.(createAuthority(subject.commonName, { days: PROOF_DAYS, nowMs: clock.now(), random }, keys))
    try {
      const wish = {
        request: createCertificateRequest(keys, subject, names),
        signerName,
        usages,
        lifetimeSeconds: options.lifetimeSeconds,
      }
      const pair = { cert: await requestCertificate(client, wish, clock, signal), key }
      store.write(pair)
      this.#take(pair)
      log.info({ purpose, expiresMs: this.#certificate!.notAfterMs }, 'there is a new certificate')
      options.onCertificate?.(pair)
    } finally {
      onPendingKey?.(undefined)
    }
  }

  #take(pair: KeyPair | undefined) {
    this.#pair = pair
    this.#certificate = pair && parseCertificate(pair.cert)
  }

  /** Whether it says everything that is asked for; it may say more. */
  #hasAllNames(): boolean {
    const { subject, names } = this.#options
    const has = this.#certificate!
    return (
      has.subject.commonName === subject.commonName &&
      subject.organizations.every((one) => has.subject.organizations.includes(one)) &&
      names.dnsNames.every((name) => has.names.dnsNames.includes(name)) &&
      names.ipAddresses.every((address) => has.names.ipAddresses.includes(address))
    )
  }
}
