/** Notices that nothing moves, at the cost of one timer per period instead of one per byte. */
import type { Clock, Timer } from '#base/clock.ts'

/** How long upstream keeps an idle stream: 4 hours. */
export const DEFAULT_IDLE_TIMEOUT_MS = 4 * 60 * 60 * 1000

/** Calls `onIdle` once when `progress()` has not changed for `timeoutMs` (noticed within twice that). */
export function watchIdle(clock: Clock, timeoutMs: number, progress: () => number, onIdle: () => void): Timer {
  let last = progress()
  let timer = clock.after(timeoutMs, check)
  function check() {
    const now = progress()
    if (now === last) return onIdle()
    last = now
    timer = clock.after(timeoutMs, check)
  }
  return { cancel: () => timer.cancel() }
}
