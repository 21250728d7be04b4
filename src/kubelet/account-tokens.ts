/**
 * Tokens of service accounts for pods, bound to the pod, asked for once and renewed when four fifths of their life (or a
 * day) have passed. Kept in memory only. Upstream: `kubelet/token`.
 */
import type { Clock } from '#base/clock.ts'
import type { Random } from '#base/random.ts'
import type { TokenRequest } from '#api/authentication/v1.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { ServiceAccountTokenProjection } from '#api/core/v1/volume.ts'
import { serviceAccounts } from '#api/resources.ts'
import type { Client } from '#client/client.ts'
import { parseTime } from '#machinery/time.ts'

const MAX_AGE_MS = 24 * 3_600_000
const RENEW_AT = 0.8
const MAX_JITTER_MS = 10_000
const DEFAULT_SECONDS = 3600

interface Entry {
  token: string
  expiresAtMs: number
  renewAtMs: number
}

export class AccountTokens {
  readonly #client: Client
  readonly #clock: Clock
  readonly #random: Random
  /** By pod, then by audience and life. */
  readonly #entries = new Map<string, Map<string, Entry>>()

  constructor(options: { client: Client; clock: Clock; random: Random }) {
    this.#client = options.client
    this.#clock = options.clock
    this.#random = options.random
  }

  /** A valid token. Where renewing fails and the old one still holds, that one. Throws StatusError otherwise. */
  async get(
    pod: Pod,
    { audience = '', expirationSeconds = DEFAULT_SECONDS }: ServiceAccountTokenProjection,
  ): Promise<string> {
    const { uid, name, namespace } = pod.metadata
    const account = pod.spec.serviceAccountName || 'default'
    const key = JSON.stringify([account, audience, expirationSeconds])
    const held = this.#entries.get(uid)?.get(key)
    const now = this.#clock.now()
    if (held && now < held.renewAtMs) return held.token
    try {
      const answer = await this.#client.createSubresource<TokenRequest>(
        serviceAccounts,
        { ...(namespace !== undefined && { namespace }), name: account },
        'token',
        {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          metadata: {},
          spec: {
            ...(audience && { audiences: [audience] }),
            expirationSeconds,
            boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
          },
        },
      )
      const token = answer.status.token ?? ''
      const expiresAtMs = parseTime(answer.status.expirationTimestamp ?? '')
      const lifeMs = Math.min((expiresAtMs - now) * RENEW_AT, MAX_AGE_MS)
      const renewAtMs = now + lifeMs - Math.min(MAX_JITTER_MS, lifeMs / 10) * this.#random.float()
      let ofPod = this.#entries.get(uid)
      if (!ofPod) this.#entries.set(uid, (ofPod = new Map()))
      ofPod.set(key, { token, expiresAtMs, renewAtMs })
      return token
    } catch (thrown) {
      if (held && now < held.expiresAtMs) return held.token
      throw thrown
    }
  }

  /** When the first of the pod's tokens wants to be renewed, milliseconds since the epoch. */
  renewAtMs(uid: string): number | undefined {
    const times = [...(this.#entries.get(uid)?.values() ?? [])].map((e) => e.renewAtMs)
    return times.length > 0 ? Math.min(...times) : undefined
  }

  forget(uid: string): void {
    this.#entries.delete(uid)
  }
}
