/**
 * How many requests are worked on at once: reading and writing ones each have a limit, beyond which they wait in line, one
 * line for each user, so that a user who asks a lot waits for himself. A line that is full refuses, and who has waited too
 * long is refused too: the client tries again after a while. Watches and connections do not count, and those who may do
 * anything never wait. Upstream: `--max-requests-inflight` and `--max-mutating-requests-inflight`.
 */
import type { Clock } from '#base/clock.ts'
import { StatusError } from '#machinery/status-error.ts'

export interface InFlightLimits {
  /** Default: 400. */
  reading?: number
  /** Default: 200. */
  writing?: number
  /** Waiting requests of one user. Default: 500. */
  waitingPerUser?: number
  /** Waiting requests of all. Default: 5000. */
  waiting?: number
  /** Default: 15 s. */
  maxWaitMs?: number
}

export type Share = 'reading' | 'writing'

interface Waiting {
  readonly user: string
  readonly start: () => void
}

interface Lane {
  readonly limit: number
  running: number
  /** By user; the first of the first user is the next, and then it is another user's turn. */
  readonly lines: Map<string, Waiting[]>
}

export class InFlight {
  readonly #lanes: Readonly<Record<Share, Lane>>
  readonly #waitingPerUser: number
  readonly #maxWaiting: number
  readonly #maxWaitMs: number
  readonly #clock: Clock
  #waiting = 0

  constructor(limits: InFlightLimits, clock: Clock) {
    const { reading = 400, writing = 200, waitingPerUser = 500, waiting = 5000, maxWaitMs = 15_000 } = limits
    const lane = (limit: number): Lane => ({ limit, running: 0, lines: new Map() })
    this.#lanes = { reading: lane(reading), writing: lane(writing) }
    this.#waitingPerUser = waitingPerUser
    this.#maxWaiting = waiting
    this.#maxWaitMs = maxWaitMs
    this.#clock = clock
  }

  /** Takes a place, which `leave` gives back. Undefined where it is free at once. Throws, or rejects with, TooManyRequests. */
  enter(share: Share, user: string, isExempt: boolean): Promise<void> | undefined {
    const lane = this.#lanes[share]
    if (lane.running < lane.limit || isExempt) {
      lane.running++
      return undefined
    }
    const line = lane.lines.get(user) ?? []
    if (line.length >= this.#waitingPerUser || this.#waiting >= this.#maxWaiting) throw tooManyRequests()
    lane.lines.set(user, line)
    this.#waiting++
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        user,
        start: () => {
          timer.cancel()
          resolve()
        },
      }
      const timer = this.#clock.after(this.#maxWaitMs, () => {
        line.splice(line.indexOf(waiting), 1)
        if (line.length === 0) lane.lines.delete(user)
        this.#waiting--
        reject(tooManyRequests())
      })
      line.push(waiting)
    })
  }

  /** Gives the place to who is next. */
  leave(share: Share) {
    const lane = this.#lanes[share]
    lane.running--
    if (lane.running >= lane.limit) return
    for (const [user, line] of lane.lines) {
      const next = line.shift()!
      // To the end, so that the others have their turn first.
      lane.lines.delete(user)
      if (line.length > 0) lane.lines.set(user, line)
      this.#waiting--
      lane.running++
      next.start()
      return
    }
  }
}

const tooManyRequests = () =>
  new StatusError('TooManyRequests', 'too many requests, please try again later', { details: { retryAfterSeconds: 1 } })
