/**
 * Leases: LeaseHolder makes sure that one of several programs does the work (upstream: client-go's leader election),
 * LeaseHeartbeat tells that a program lives (upstream: component-helpers' lease controller, used by every kubelet).
 *
 * A holder acts only while `isHolder`: it stops `renewDeadlineMs` after its last renewal, and a rival takes over no
 * sooner than `durationMs` after the last change it has seen, by its own clock; clocks need not agree.
 */
import type { Clock } from '#base/clock.ts'
import { sleep } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { Lease } from '#api/coordination/v1.ts'
import type { Draft } from '#api/kind.ts'
import { leases } from '#api/resources.ts'
import type { OwnerReference } from '#machinery/owner.ts'
import { isStatus } from '#machinery/status-error.ts'
import { formatMicroTime } from '#machinery/time.ts'
import type { Client } from './client.ts'

interface LeaseOptions {
  client: Client
  clock: Clock
  random: Random
  log: Log
  namespace: string
  name: string
}

export interface LeaseHolderOptions extends LeaseOptions {
  /** Tells this program from its rivals; must be unique among them. */
  identity: string
  /** Default 15 s. */
  durationMs?: number
  /** Default 10 s; less than `durationMs`. */
  renewDeadlineMs?: number
  /** Between attempts to take or renew. Default 2 s. */
  retryMs?: number
  /** Called with whoever holds the lease, whenever that changes. */
  onHolder?(identity: string): void
}

export class LeaseHolder {
  readonly #options: LeaseHolderOptions
  readonly #durationMs: number
  readonly #renewDeadlineMs: number
  readonly #retryMs: number
  #observed: Lease | undefined
  #observedAtMs = 0
  #renewedAtMs = -Infinity
  #reported: string | undefined

  /** Throws RangeError unless retry < renew deadline < duration. */
  constructor(options: LeaseHolderOptions) {
    this.#options = options
    this.#durationMs = options.durationMs ?? 15_000
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 10_000
    this.#retryMs = options.retryMs ?? 2_000
    if (!(this.#retryMs < this.#renewDeadlineMs && this.#renewDeadlineMs < this.#durationMs)) {
      const times = `${this.#retryMs}, ${this.#renewDeadlineMs} and ${this.#durationMs} ms`
      throw new RangeError(`retry, renew deadline and duration of a lease must grow in this order, got ${times}`)
    }
  }

  get isHolder(): boolean {
    return this.#options.clock.monotonic() - this.#renewedAtMs < this.#renewDeadlineMs
  }

  /** Whoever held the lease when it was last looked at. */
  get holder(): string | undefined {
    return this.#observed?.spec.holderIdentity || undefined
  }

  /**
   * Waits until the lease is ours, then runs `work` for as long as it is: the signal that `work` gets aborts when the
   * lease is lost or `signal` aborts. Returns when `work` has ended; the lease is given up by then. Rejects as `work` does.
   */
  async run(signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { clock, random, log, name } = this.#options
    while (!signal.aborted && !(await this.#attempt(signal))) {
      await sleep(clock, this.#retryMs * (1 + 1.2 * random.float()), signal).catch(() => {})
    }
    if (signal.aborted) return
    log.info({ lease: name }, 'the lease is ours')
    const lost = new AbortController()
    const renewing = this.#renewWhileHeld(AbortSignal.any([signal, lost.signal])).then(() => lost.abort())
    try {
      await work(AbortSignal.any([signal, lost.signal]))
    } finally {
      lost.abort()
      await renewing
      await this.#release()
    }
  }

  async #renewWhileHeld(signal: AbortSignal): Promise<void> {
    const { clock, log, name } = this.#options
    while (!signal.aborted) {
      const leftMs = this.#renewedAtMs + this.#renewDeadlineMs - clock.monotonic()
      await sleep(clock, Math.min(this.#retryMs, leftMs), signal).catch(() => {})
      if (signal.aborted) return
      if (!this.isHolder) {
        log.warn({ lease: name }, 'the lease could not be renewed in time and is lost')
        return
      }
      // An answer that comes after the deadline is of no use.
      const deadlineMs = this.#renewedAtMs + this.#renewDeadlineMs - clock.monotonic()
      const late = new AbortController()
      const timer = clock.after(deadlineMs, () => late.abort(new Error('the renew deadline has passed')))
      await this.#attempt(AbortSignal.any([signal, late.signal]))
      timer.cancel()
      if (this.holder !== undefined && this.holder !== this.#options.identity) return
    }
  }

  /** Takes or renews the lease if it may. Never rejects. */
  async #attempt(signal: AbortSignal): Promise<boolean> {
    const { client, clock, identity, log, name, namespace } = this.#options
    // Counted from before the request: the server may have taken it in at once.
    const startedAtMs = clock.monotonic()
    try {
      const current = await client.find(leases, { namespace, name }, { signal })
      if (!current) {
        const spec = this.#spec(undefined)
        this.#observe(await client.create(leases, { metadata: { namespace, name }, spec }, { signal }))
      } else {
        this.#observe(current)
        const { holderIdentity, leaseDurationSeconds = 0 } = current.spec
        const isOurs = holderIdentity === identity
        const expiresAtMs = this.#observedAtMs + leaseDurationSeconds * 1000
        if (holderIdentity && !isOurs && clock.monotonic() < expiresAtMs) return false
        this.#observe(await client.update(leases, { ...current, spec: this.#spec(current) }, { signal }))
      }
      this.#renewedAtMs = startedAtMs
      return true
    } catch (err) {
      if (signal.aborted) return false
      if (isStatus(err, 'Conflict', 'AlreadyExists')) log.debug({ lease: name }, 'another program was faster')
      else log.warn({ lease: name, reason: messageOf(err) }, 'cannot take or renew the lease')
      return false
    }
  }

  #spec(current: Lease | undefined): Lease['spec'] {
    const { clock, identity } = this.#options
    const now = formatMicroTime(clock.now())
    const isOurs = current?.spec.holderIdentity === identity
    const transitions = current?.spec.leaseTransitions ?? 0
    return {
      ...current?.spec,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(this.#durationMs / 1000),
      acquireTime: (isOurs && current?.spec.acquireTime) || now,
      renewTime: now,
      leaseTransitions: isOurs || !current ? transitions : transitions + 1,
    }
  }

  #observe(lease: Lease): void {
    if (this.#observed?.metadata.resourceVersion !== lease.metadata.resourceVersion) {
      this.#observed = lease
      this.#observedAtMs = this.#options.clock.monotonic()
    }
    const holder = lease.spec.holderIdentity
    if (holder && holder !== this.#reported) {
      this.#reported = holder
      this.#options.onHolder?.(holder)
    }
  }

  /** Lets a rival take over at once instead of after the lease's duration. */
  async #release(): Promise<void> {
    const { client, clock, identity, log, name, namespace } = this.#options
    this.#renewedAtMs = -Infinity
    const late = new AbortController()
    const timer = clock.after(this.#renewDeadlineMs, () => late.abort(new Error('the release took too long')))
    try {
      const current = await client.find(leases, { namespace, name }, { signal: late.signal })
      if (current?.spec.holderIdentity !== identity) return
      const now = formatMicroTime(clock.now())
      const { leaseTransitions } = current.spec
      const spec = { holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now, leaseTransitions }
      await client.update(leases, { ...current, spec }, { signal: late.signal })
    } catch (err) {
      log.debug({ lease: name, reason: messageOf(err) }, 'cannot release the lease; it expires by itself')
    } finally {
      timer.cancel()
    }
  }
}

export interface LeaseHeartbeatOptions extends LeaseOptions {
  identity: string
  /** Default 40 s. */
  durationMs?: number
  /** Default a quarter of the duration. */
  renewMs?: number
  /** Owners of the lease, such as the Node; asked for until there are some. */
  owners?(): readonly OwnerReference[] | undefined
}

/** Renews a lease that nobody else wants, until `signal` aborts. Never rejects. */
export async function runLeaseHeartbeat(options: LeaseHeartbeatOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, identity, log, name, namespace, random } = options
  const durationMs = options.durationMs ?? 40_000
  const renewMs = options.renewMs ?? durationMs / 4
  let latest: Lease | undefined

  const renew = async (): Promise<void> => {
    latest ??= await client.find(leases, { namespace, name }, { signal })
    const owners = options.owners?.()
    const spec = {
      ...latest?.spec,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(durationMs / 1000),
      renewTime: formatMicroTime(clock.now()),
    }
    const draft: Draft<Lease> = { metadata: { namespace, name, ...(owners && { ownerReferences: [...owners] }) }, spec }
    if (!latest) latest = await client.create(leases, draft, { signal })
    else {
      const ownerReferences = owners ? [...owners] : latest.metadata.ownerReferences
      const metadata = { ...latest.metadata, ...(ownerReferences && { ownerReferences }) }
      latest = await client.update(leases, { ...latest, metadata, spec }, { signal })
    }
  }

  for (let failures = 0; !signal.aborted;) {
    try {
      await renew()
      failures = 0
    } catch (err) {
      if (signal.aborted) return
      // Whatever we knew of it may be out of date: read it again.
      latest = undefined
      failures++
      if (!isStatus(err, 'Conflict')) log.warn({ lease: name, reason: messageOf(err) }, 'cannot renew the lease')
    }
    const retryMs = Math.min(200 * 2 ** (failures - 1), 7_000)
    const delayMs = failures === 0 ? renewMs * (1 + 0.04 * (random.float() - 0.5)) : retryMs
    await sleep(clock, delayMs, signal).catch(() => {})
  }
}
