/**
 * Time as an argument. Everything outside base/ and main/ receives a Clock, so that a simulation can own time and a
 * failure can be replayed. `systemClock` is the real one; `FakeClock` in fake-clock.ts stands still until it is told to move.
 */
export interface Timer {
  /** Stops the timer; harmless when it already fired. */
  cancel(): void
}

export interface Clock {
  /** Wall time, milliseconds since the Unix epoch. */
  now(): number
  /** Milliseconds since an arbitrary start; never goes back. For measuring and for deadlines. */
  monotonic(): number
  /** Calls `fn` once after `delayMs`. A system timer does not keep the process alive. */
  after(delayMs: number, fn: () => void): Timer
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, fn) {
    // Node clamps longer delays to 1 ms; a wait of 24 days may as well be re-examined then.
    const handle = setTimeout(fn, Math.min(Math.max(delayMs, 0), 0x7fff_ffff))
    handle.unref()
    return { cancel: () => clearTimeout(handle) }
  },
}

/** Resolves after `delayMs`, or rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      timer.cancel()
      reject(signal!.reason)
    }
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** Runs `fn` every `periodMs`, the first time after one period, until the returned timer is cancelled. */
export function every(clock: Clock, periodMs: number, fn: () => void): Timer {
  let timer = clock.after(periodMs, tick)
  let stopped = false
  function tick() {
    fn()
    if (!stopped) timer = clock.after(periodMs, tick)
  }
  return {
    cancel() {
      stopped = true
      timer.cancel()
    },
  }
}
