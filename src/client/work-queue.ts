/**
 * A queue of keys to be worked on, each at most once at a time: a key added while it is being worked on comes back when
 * that is done, and a key added twice is worked on once. Its length is bounded by the number of distinct keys.
 * Failed keys return after a growing delay. Upstream: client-go's rate-limiting work queue.
 */
import type { Clock, Timer } from '#base/clock.ts'
import { assert, messageOf, TerminalError } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import { isStatus } from '#machinery/status-error.ts'
import { DelayHeap } from './delay-heap.ts'

export interface WorkQueueOptions {
  clock: Clock
  /** First retry delay of a key; doubles with each failure. Default 5 ms. */
  baseDelayMs?: number
  /** Default 1,000 s. */
  maxDelayMs?: number
  /** Retries per second of all keys together, after a burst of `retryBurst`. Default 100 and 1,000. */
  retriesPerSecond?: number
  retryBurst?: number
}

export class WorkQueue<K extends string = string> {
  readonly #clock: Clock
  readonly #baseDelayMs: number
  readonly #maxDelayMs: number
  readonly #bucket: TokenBucket
  /** In the order in which they will be handed out. Every element is in `#dirty` and not in `#processing`. */
  #queue: K[] = []
  #head = 0
  /** All that needs to be worked on. */
  readonly #dirty = new Set<K>()
  /** All that is being worked on; may be dirty as well, and is queued again when done. */
  readonly #processing = new Set<K>()
  readonly #failures = new Map<K, number>()
  readonly #delayed = new DelayHeap<K>()
  readonly #getters: ((key: K | undefined) => void)[] = []
  #timer: Timer | undefined
  #timerAtMs = Infinity
  #shutDown = false
  #onDrained: (() => void)[] = []

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock
    this.#baseDelayMs = options.baseDelayMs ?? 5
    this.#maxDelayMs = options.maxDelayMs ?? 1_000_000
    this.#bucket = new TokenBucket(options.clock, options.retriesPerSecond ?? 100, options.retryBurst ?? 1_000)
  }

  /** Keys that wait to be handed out. */
  get length(): number {
    return this.#queue.length - this.#head
  }

  get isShutDown(): boolean {
    return this.#shutDown
  }

  add(key: K): void {
    if (this.#shutDown || this.#dirty.has(key)) return
    this.#dirty.add(key)
    if (!this.#processing.has(key)) this.#push(key)
  }

  /** Adds the key in `delayMs`. Of several delays of one key the shortest counts. */
  addAfter(key: K, delayMs: number): void {
    if (this.#shutDown) return
    if (delayMs <= 0) return this.add(key)
    this.#delayed.add(key, this.#clock.monotonic() + delayMs)
    this.#arm()
  }

  /** Adds the key after a delay that doubles with every call since the last `forget`. */
  addRateLimited(key: K): void {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    const backoffMs = Math.min(this.#baseDelayMs * 2 ** failures, this.#maxDelayMs)
    this.addAfter(key, Math.max(backoffMs, this.#bucket.reserve()))
  }

  /** How often the key was added rate-limited since the last `forget`. */
  retries(key: K): number {
    return this.#failures.get(key) ?? 0
  }

  /** The key is fine again: its next retry starts from the shortest delay. */
  forget(key: K): void {
    this.#failures.delete(key)
  }

  /** The next key, which the caller must give back with `done`; undefined once the queue is shut down and empty. */
  get(): Promise<K | undefined> {
    if (this.length > 0) return Promise.resolve(this.#take())
    if (this.#shutDown) return Promise.resolve(undefined)
    return new Promise((resolve) => this.#getters.push(resolve))
  }

  /** The key is no longer worked on; if it was added meanwhile it is queued again. */
  done(key: K): void {
    assert(this.#processing.delete(key), `the key "${key}" was not being worked on`)
    if (this.#dirty.has(key)) this.#push(key)
    else if (this.#processing.size === 0) this.#settleDrain()
  }

  /** Takes no more keys; those already queued are still handed out. */
  shutDown(): void {
    this.#shutDown = true
    this.#timer?.cancel()
    for (const resolve of this.#getters.splice(0)) resolve(undefined)
  }

  /** Shuts down, and resolves when every key that was queued or being worked on is done. */
  shutDownWithDrain(): Promise<void> {
    this.shutDown()
    if (this.#processing.size === 0 && this.length === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onDrained.push(resolve))
  }

  #push(key: K): void {
    const getter = this.#getters.shift()
    if (getter) {
      this.#dirty.delete(key)
      this.#processing.add(key)
      getter(key)
    } else this.#queue.push(key)
  }

  #take(): K {
    const key = this.#queue[this.#head]!
    this.#head++
    // Reclaims the handed-out front once it is the larger part, which keeps taking constant on average.
    if (this.#head > 64 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    this.#dirty.delete(key)
    this.#processing.add(key)
    return key
  }

  #settleDrain(): void {
    if (!this.#shutDown || this.length > 0) return
    for (const resolve of this.#onDrained.splice(0)) resolve()
  }

  #arm(): void {
    const atMs = this.#delayed.nextAtMs
    if (atMs === undefined || atMs >= this.#timerAtMs) return
    this.#timer?.cancel()
    this.#timerAtMs = atMs
    this.#timer = this.#clock.after(atMs - this.#clock.monotonic(), () => {
      this.#timerAtMs = Infinity
      // A timer may fire a fraction of a millisecond early.
      for (const key of this.#delayed.takeDue(this.#clock.monotonic() + 0.5)) this.add(key)
      this.#arm()
    })
  }
}

/** Lets `perSecond` through on average, `burst` at once. */
class TokenBucket {
  readonly #clock: Clock
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  #atMs: number

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock
    this.#perMs = perSecond / 1000
    this.#burst = burst
    this.#tokens = burst
    this.#atMs = clock.monotonic()
  }

  /** Takes a token, possibly one of the future, and returns in how many milliseconds it is there. */
  reserve(): number {
    const nowMs = this.#clock.monotonic()
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#atMs) * this.#perMs)
    this.#atMs = nowMs
    this.#tokens--
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs
  }
}

/** What a reconcile asks for besides being done: to be run again in a while. */
export interface ReconcileResult {
  requeueAfterMs?: number
}
export type Reconcile<K extends string = string> = (key: K, signal: AbortSignal) => Promise<ReconcileResult | void>

/**
 * Works on the queue with up to `concurrency` keys at a time, until it is shut down, which an abort of `signal` does.
 * A key whose reconcile throws is retried with a growing delay, unless it throws a TerminalError. Never rejects.
 */
export async function runWorkers<K extends string>(
  queue: WorkQueue<K>,
  concurrency: number,
  reconcile: Reconcile<K>,
  { log, signal }: { log: Log; signal: AbortSignal },
): Promise<void> {
  const onAbort = () => queue.shutDown()
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) queue.shutDown()
  const work = async () => {
    for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
      try {
        if (signal.aborted) continue
        const result = await reconcile(key, signal)
        queue.forget(key)
        if (result?.requeueAfterMs !== undefined) queue.addAfter(key, result.requeueAfterMs)
      } catch (err) {
        report(log, queue, key, err, signal)
      } finally {
        queue.done(key)
      }
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  signal.removeEventListener('abort', onAbort)
}

function report<K extends string>(log: Log, queue: WorkQueue<K>, key: K, err: unknown, signal: AbortSignal): void {
  if (signal.aborted) return
  if (err instanceof TerminalError) {
    queue.forget(key)
    log.error({ err, key }, 'cannot reconcile; not trying again')
    return
  }
  queue.addRateLimited(key)
  // A stale copy is everyday life; the fresh one is already on its way.
  const fields = { key, retries: queue.retries(key), reason: messageOf(err) }
  if (isStatus(err, 'Conflict') || queue.retries(key) < 3) log.debug(fields, 'reconcile failed; trying again')
  else log.warn({ ...fields, err }, 'reconcile keeps failing; trying again')
}
