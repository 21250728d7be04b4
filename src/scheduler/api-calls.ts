/**
 * The scheduler's calls to the API, made in the background: bindings, and updates of pod status. Both lanes are bounded;
 * when bindings pile up the scheduler stops deciding until some are done. Of several updates of one pod only the latest
 * is sent.
 */
import type { Clock } from '#base/clock.ts'
import { sleep } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import { pods } from '#api/resources.ts'
import type { Client, ObjectKey } from '#client/client.ts'
import { isStatus, StatusError } from '#machinery/status-error.ts'

/** Runs tasks, `limit` at a time, and lets somebody know when the backlog has become short again. */
export class Lane {
  readonly #limit: number
  readonly #backlogLimit: number
  readonly #onDrained: () => void
  #waiting: (() => Promise<void>)[] = []
  #head = 0
  #running = 0
  #wasFull = false

  constructor(limit: number, backlogLimit: number, onDrained: () => void) {
    this.#limit = limit
    this.#backlogLimit = backlogLimit
    this.#onDrained = onDrained
  }

  /** Tasks that wait for their turn. */
  get backlog(): number {
    return this.#waiting.length - this.#head
  }

  get running(): number {
    return this.#running
  }

  /** Whether the caller should hold back until `onDrained` is called. */
  get isFull(): boolean {
    if (this.backlog < this.#backlogLimit) return false
    this.#wasFull = true
    return true
  }

  /** `task` must not reject. */
  run(task: () => Promise<void>): void {
    if (this.#running < this.#limit) void this.#start(task)
    else this.#waiting.push(task)
  }

  async #start(task: () => Promise<void>) {
    this.#running++
    await task()
    this.#running--
    const next = this.#waiting[this.#head]
    if (next) {
      this.#head++
      if (this.#head > 1024 && this.#head * 2 > this.#waiting.length) {
        this.#waiting = this.#waiting.slice(this.#head)
        this.#head = 0
      }
      void this.#start(next)
    }
    if (this.#wasFull && this.backlog <= this.#backlogLimit / 2) {
      this.#wasFull = false
      this.#onDrained()
    }
  }
}

export interface StatusPatch {
  readonly uid: string
  readonly key: ObjectKey
  readonly status: Record<string, unknown>
}

const ATTEMPTS = 4
const RETRY_MS = 10

/** Sends status updates; one that the API cannot take now is tried a few times, then left to the pod's next attempt. */
export class StatusPatches {
  readonly #client: Client
  readonly #clock: Clock
  readonly #log: Log
  readonly #signal: AbortSignal
  readonly #lane: Lane
  readonly #pending = new Map<string, StatusPatch>()

  constructor(options: { client: Client; clock: Clock; log: Log; signal: AbortSignal }) {
    this.#client = options.client
    this.#clock = options.clock
    this.#log = options.log
    this.#signal = options.signal
    this.#lane = new Lane(16, Infinity, () => {})
  }

  send(patch: StatusPatch): void {
    const isWaiting = this.#pending.has(patch.uid)
    this.#pending.set(patch.uid, patch)
    if (!isWaiting) this.#lane.run(() => this.#sendLatest(patch.uid))
  }

  async #sendLatest(uid: string) {
    const patch = this.#pending.get(uid)
    this.#pending.delete(uid)
    if (!patch) return
    // The uid makes this fail rather than hit another pod of the same name.
    const body = { metadata: { uid }, status: patch.status }
    for (let attempt = 1; !this.#signal.aborted; attempt++) {
      try {
        await this.#client.patch(pods, patch.key, body, { subresource: 'status', signal: this.#signal })
        return
      } catch (err) {
        if (this.#signal.aborted || isStatus(err, 'NotFound', 'Conflict')) return
        const isRefused = err instanceof StatusError && err.code < 500 && err.code !== 429
        if (isRefused || attempt === ATTEMPTS) {
          this.#log.warn({ pod: patch.key.name, why: messageOf(err) }, 'cannot update the status of a pod')
          return
        }
        await sleep(this.#clock, RETRY_MS * 4 ** (attempt - 1), this.#signal).catch(() => {})
      }
    }
  }
}
