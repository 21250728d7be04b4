/**
 * Joins two duplex streams: bytes both ways with back-pressure, an end of one side becomes the end of the other, a failure
 * or a reset of either ends both.
 */
import type { Duplex, Transform } from 'node:stream'
import type { Clock } from '#base/clock.ts'
import { watchIdle } from './idle.ts'

export interface SpliceOptions {
  clock: Clock
  signal?: AbortSignal
  /** Made for each direction and put between the two, e.g. a throttle. */
  through?: () => Transform
  /** Destroys both when nothing has moved for this long. Default: never. */
  idleTimeoutMs?: number
  /** The same once one direction has ended. Default 1 hour. */
  halfOpenTimeoutMs?: number
}

const DEFAULT_HALF_OPEN_TIMEOUT_MS = 60 * 60 * 1000
/** How long a side that does not read may keep what is left for it. */
const LINGER_MS = 30_000

/**
 * Resolves when both directions have ended, or when either stream was closed; both are destroyed by then, after what
 * could be delivered was. Rejects with the error of a stream that failed, or with the signal's reason.
 */
export function splice(a: Duplex, b: Duplex, options: SpliceOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    let settled = false
    let moved = 0
    let ended = 0
    const timers = new Set<{ cancel(): void }>()
    const settle = (error?: Error) => {
      if (settled) return
      settled = true
      for (const timer of timers) timer.cancel()
      options.signal?.removeEventListener('abort', onAbort)
      if (error) {
        a.destroy()
        b.destroy()
        reject(error)
      } else {
        finish(a, options.clock)
        finish(b, options.clock)
        resolve()
      }
    }
    const onAbort = () => settle(asError(options.signal!.reason))
    const watch = (timeoutMs: number) =>
      timers.add(
        watchIdle(
          options.clock,
          timeoutMs,
          () => moved,
          () => settle(new Error(`nothing moved for ${timeoutMs} ms`)),
        ),
      )

    const join = (from: Duplex, to: Duplex) => {
      from.on('data', () => moved++)
      const through = options.through?.()
      if (through) from.pipe(through).pipe(to)
      else from.pipe(to)
      from.on('error', settle)
      // How a SPDY peer says that it wants nothing more; kubectl does so at the end of every connection.
      from.on('reset', () => settle())
      const onEnd = () => {
        if (++ended === 2) settle()
        else watch(options.halfOpenTimeoutMs ?? DEFAULT_HALF_OPEN_TIMEOUT_MS)
      }
      if (from.readableEnded) {
        to.end()
        onEnd()
      } else (through ?? from).on('end', onEnd)
      // Closed without an end: nothing more comes, and nothing more can be said to it.
      from.on('close', () => settle())
    }
    if (options.idleTimeoutMs) watch(options.idleTimeoutMs)
    options.signal?.addEventListener('abort', onAbort, { once: true })
    if (options.signal?.aborted) return onAbort()
    if (a.destroyed || b.destroyed) return settle(new Error('the stream is closed'))
    join(a, b)
    join(b, a)
  })
}

/** Lets what is buffered for a stream go out, then destroys it. */
function finish(stream: Duplex, clock: Clock): void {
  if (stream.destroyed) return
  if (stream.writableFinished) {
    stream.destroy()
    return
  }
  const timer = clock.after(LINGER_MS, () => stream.destroy())
  stream.end(() => {
    timer.cancel()
    stream.destroy()
  })
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
