/**
 * Whether what a service account's token is bound to is still there. A token is worth nothing once it is not. Upstream:
 * the validators of `pkg/serviceaccount`.
 */
import { timingSafeEqual } from 'node:crypto'
import type { Secret } from '#api/core/v1/config.ts'
import type { KubeObject, Resource } from '#api/kind.ts'
import type { Clock } from '#base/clock.ts'
import { nodes, pods, secrets, serviceAccounts } from '#api/resources.ts'
import { formatTime } from '#machinery/time.ts'
import type { Registry } from '../registry/registry.ts'
import type { Bound, TokenSubject } from './service-account-tokens.ts'

/** What is being deleted may still use its token a little longer than it should need to. */
const LEEWAY_MS = 60_000
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since'
export const LAST_USED = 'kubernetes.io/legacy-token-last-used'

/** How many Secrets are remembered as noted today. */
const MAX_NOTED = 4096

export interface TokenSubjectsOptions {
  /** Not asked before there is a token. */
  registry(resource: Resource): Registry
  clock: Clock
  /** Notes in a Secret that its token was used `today` (`2006-01-02`). Does not throw. */
  noteUse(secret: Secret, today: string): void
}

export class TokenSubjects {
  readonly #options: TokenSubjectsOptions
  /** Days on which the use of a Secret was noted, by its uid. */
  readonly #noted = new Map<string, string>()

  constructor(options: TokenSubjectsOptions) {
    this.#options = options
  }

  isAlive({ namespace, serviceaccount, pod, secret, node }: TokenSubject): boolean {
    return (
      this.#isThere(serviceAccounts, namespace, serviceaccount) &&
      this.#isThere(pods, namespace, pod) &&
      this.#isThere(secrets, namespace, secret) &&
      // A pod's token only tells where it runs.
      (pod !== undefined || this.#isThere(nodes, undefined, node))
    )
  }

  /** Whether the Secret of a token of the older kind still holds it, and nobody has marked it invalid. */
  isKept({ namespace, serviceaccount, secret }: TokenSubject, token: string): boolean {
    const account = this.#find(serviceAccounts, namespace, serviceaccount.name)
    const kept = this.#find(secrets, namespace, secret!.name) as Secret | undefined
    if (!account || account.metadata.uid !== serviceaccount.uid || account.metadata.deletionTimestamp) return false
    if (!kept || kept.metadata.deletionTimestamp || kept.metadata.labels?.[INVALID_SINCE]) return false
    const [held, shown] = [Buffer.from(kept.data?.token ?? '', 'base64'), Buffer.from(token)]
    if (held.length !== shown.length || !timingSafeEqual(held, shown)) return false
    this.#note(kept)
    return true
  }

  /** So that those that nobody uses can be found. */
  #note(secret: Secret) {
    const { uid, labels } = secret.metadata
    const today = formatTime(this.#options.clock.now()).slice(0, '2006-01-02'.length)
    if (labels?.[LAST_USED] === today || this.#noted.get(uid) === today) return
    if (this.#noted.size >= MAX_NOTED) this.#noted.clear()
    this.#noted.set(uid, today)
    this.#options.noteUse(secret, today)
  }

  #isThere(resource: Resource, namespace: string | undefined, bound: Bound | undefined): boolean {
    if (!bound) return true
    const found = this.#find(resource, namespace, bound.name)
    if (!found || found.metadata.uid !== bound.uid) return false
    const { deletionTimestamp } = found.metadata
    return deletionTimestamp === undefined || this.#options.clock.now() < Date.parse(deletionTimestamp) + LEEWAY_MS
  }

  #find(resource: Resource, namespace: string | undefined, name: string): KubeObject | undefined {
    const registry = this.#options.registry(resource)
    return registry.cache.get(registry.key(namespace, name))?.object
  }
}
