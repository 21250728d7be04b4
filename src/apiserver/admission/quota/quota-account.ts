/**
 * The account of one ResourceQuota: what every object uses of it, and what writes that are under way may use. Pure: it
 * knows objects by key only. Invariant: `used` is the sum over all objects of the most that each may use, and never
 * exceeds a bound by what was reserved here.
 */
import type { Quantity } from '#machinery/quantity.ts'
import { type Amounts, largest, only, ZERO } from './amounts.ts'

/** A place that a write has in an account until it is known what became of it. */
export interface Reservation {
  readonly key: string
  readonly amounts: Amounts
}

/** What a write would use more than is left; amounts of the names that are exceeded. */
export interface Excess {
  requested: Amounts
  used: Amounts
  hard: Amounts
  /** Whether it would fit if all other writes under way came to nothing. */
  isPending: boolean
}

export class QuotaAccount {
  readonly hard: Amounts
  /** By the key of objects that are there. */
  readonly #present = new Map<string, Amounts>()
  readonly #reserved = new Map<string, Set<Reservation>>()
  readonly #used = new Map<string, Quantity>()
  readonly #usedByPresent = new Map<string, Quantity>()

  constructor(hard: Amounts) {
    this.hard = hard
    for (const name of hard.keys()) {
      this.#used.set(name, ZERO)
      this.#usedByPresent.set(name, ZERO)
    }
  }

  /** By every name that is bounded, writes under way included. */
  get used(): Amounts {
    return this.#used
  }

  /** Of the objects that are counted. */
  get presentKeys(): Iterable<string> {
    return [...this.#present.keys()]
  }

  /** An object that is there uses `amounts`; undefined for one that is gone or not counted. Returns whether anything changed. */
  setPresent(key: string, amounts: Amounts | undefined): boolean {
    const before = this.#present.get(key)
    const after = amounts && only(amounts, this.hard)
    if (!before && !after) return false
    this.#move(this.#usedByPresent, before, after)
    return this.#change(key, () => {
      if (after) this.#present.set(key, after)
      else this.#present.delete(key)
    })
  }

  /** What `amounts` for the object of this key would exceed; undefined where nothing. */
  excess(key: string, amounts: Amounts): Excess | undefined {
    const mine = this.#mostOf(key)
    const present = this.#present.get(key)
    const exceeded = new Set<string>()
    let isPending = true
    for (const [name, amount] of only(amounts, this.hard)) {
      const more = amount.sub(mine.get(name) ?? ZERO)
      if (more.sign <= 0) continue
      const bound = this.hard.get(name)!
      if (this.#used.get(name)!.add(more).cmp(bound) <= 0) continue
      exceeded.add(name)
      const settled = this.#usedByPresent.get(name)!.add(amount.sub(present?.get(name) ?? ZERO))
      if (settled.cmp(bound) > 0) isPending = false
    }
    if (exceeded.size === 0) return undefined
    const requested = new Map([...exceeded].map((name) => [name, amounts.get(name)!.sub(mine.get(name) ?? ZERO)]))
    return { requested, used: only(this.#used, exceeded), hard: only(this.hard, exceeded), isPending }
  }

  reserve(reservation: Reservation): void {
    const { key } = reservation
    this.#change(key, () => {
      const others = this.#reserved.get(key)
      if (others) others.add(reservation)
      else this.#reserved.set(key, new Set([reservation]))
    })
  }

  /** Returns whether anything changed. */
  release(reservation: Reservation): boolean {
    const { key } = reservation
    const all = this.#reserved.get(key)
    if (!all?.has(reservation)) return false
    return this.#change(key, () => {
      all.delete(reservation)
      if (all.size === 0) this.#reserved.delete(key)
    })
  }

  #mostOf(key: string): Amounts {
    let most = largest(this.#present.get(key), undefined)
    for (const { amounts } of this.#reserved.get(key) ?? []) most = largest(most, only(amounts, this.hard))
    return most
  }

  #change(key: string, act: () => void): boolean {
    const before = this.#mostOf(key)
    act()
    return this.#move(this.#used, before, this.#mostOf(key))
  }

  /** Brings a sum from one part of it to another. */
  #move(sum: Map<string, Quantity>, before: Amounts | undefined, after: Amounts | undefined): boolean {
    let hasChanged = false
    for (const [name, total] of sum) {
      const [was, is] = [before?.get(name) ?? ZERO, after?.get(name) ?? ZERO]
      if (was.equals(is)) continue
      hasChanged = true
      const left = total.sub(was)
      // A sum of nothing takes over how the next amount is written.
      sum.set(name, left.isZero ? ZERO.add(is) : left.add(is))
    }
    return hasChanged
  }
}
