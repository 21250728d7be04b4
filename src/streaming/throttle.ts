/** Holds a byte stream to a rate: what the API server's `--max-connection-bytes-per-sec` promises. */
import { Transform } from 'node:stream'
import type { Clock, Timer } from '#base/clock.ts'

/** Each chunk passes at once and delays the next by the time it is worth. Throws RangeError unless the rate is positive. */
export function throttle(clock: Clock, bytesPerSecond: number): Transform {
  if (!(bytesPerSecond > 0)) throw new RangeError(`bytesPerSecond must be positive, got ${bytesPerSecond}`)
  let timer: Timer | undefined
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      this.push(chunk)
      timer = clock.after((chunk.length / bytesPerSecond) * 1000, () => done())
    },
    destroy(error, done) {
      timer?.cancel()
      done(error)
    },
  })
}
