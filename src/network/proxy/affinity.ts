/**
 * Chooses an endpoint for a client in user space: at random, or with session affinity the one it had before, as long as
 * that is still there and was used within the timeout.
 */
import type { Clock } from '#base/clock.ts'
import type { Random } from '#base/random.ts'
import type { ForwardTarget } from '../forward/tcp.ts'
import type { Backend } from './service-plan.ts'

interface Bond {
  target: ForwardTarget
  lastUsedMs: number
}

const MAX_CLIENTS = 65_536

const same = (a: ForwardTarget, b: ForwardTarget) => a.ip === b.ip && a.port === b.port

export class EndpointChooser {
  readonly #clock: Clock
  readonly #random: Random
  /** Insertion order is order of last use, so that the first are the ones to forget. */
  readonly #bonds = new Map<string, Bond>()

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  /** One of `backends` that is not among `failed`; undefined when none is left. */
  choose(
    clientIp: string,
    backends: readonly Backend[],
    affinitySeconds: number | undefined,
    failed: readonly ForwardTarget[],
  ): ForwardTarget | undefined {
    const left = failed.length === 0 ? backends : backends.filter((b) => !failed.some((f) => same(b, f)))
    if (left.length === 0) return undefined
    if (affinitySeconds === undefined) return left[left.length === 1 ? 0 : this.#random.int(left.length)]
    const now = this.#clock.monotonic()
    const bond = this.#bonds.get(clientIp)
    const valid = bond && now - bond.lastUsedMs < affinitySeconds * 1000
    const target = (valid && left.find((b) => same(b, bond.target))) || left[this.#random.int(left.length)]!
    this.#bonds.delete(clientIp)
    this.#bonds.set(clientIp, { target: { ip: target.ip, port: target.port }, lastUsedMs: now })
    if (this.#bonds.size > MAX_CLIENTS) this.#bonds.delete(this.#bonds.keys().next().value!)
    return target
  }
}
