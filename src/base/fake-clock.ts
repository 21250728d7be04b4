/** A Clock that moves only when told to: timers fire in order of their time, ties in order of creation. */
import type { Clock, Timer } from './clock.ts'
import { nextTurn } from './next-turn.ts'

interface Pending {
  atMs: number
  sequence: number
  fn: () => void
}

export class FakeClock implements Clock {
  #nowMs: number
  #elapsedMs = 0
  #sequence = 0
  #pending: Pending[] = []

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  after(delayMs: number, fn: () => void): Timer {
    const pending = { atMs: this.#elapsedMs + Math.max(delayMs, 0), sequence: this.#sequence++, fn }
    this.#pending.push(pending)
    return {
      cancel: () => {
        const index = this.#pending.indexOf(pending)
        if (index >= 0) this.#pending.splice(index, 1)
      },
    }
  }

  /** How many timers wait. */
  get pendingCount(): number {
    return this.#pending.length
  }

  /** Milliseconds until the next timer, or undefined when none waits. */
  get nextDelayMs(): number | undefined {
    const next = this.#next()
    return next && next.atMs - this.#elapsedMs
  }

  /** Moves time forward by `ms`, firing what falls due; promises settled by a timer run before the next one fires. */
  async advance(ms: number): Promise<void> {
    const target = this.#elapsedMs + ms
    for (;;) {
      await nextTurn()
      const next = this.#next()
      if (!next || next.atMs > target) break
      this.#moveTo(next.atMs)
      this.#pending.splice(this.#pending.indexOf(next), 1)
      next.fn()
    }
    this.#moveTo(target)
    await nextTurn()
  }

  #moveTo(elapsedMs: number) {
    this.#nowMs += elapsedMs - this.#elapsedMs
    this.#elapsedMs = elapsedMs
  }

  #next(): Pending | undefined {
    let best: Pending | undefined
    for (const p of this.#pending) {
      if (!best || p.atMs < best.atMs || (p.atMs === best.atMs && p.sequence < best.sequence)) best = p
    }
    return best
  }
}
