/**
 * Compression of large answers for clients that accept it. The work is done by the platform's threads, piece by piece and
 * no faster than the client takes it. Upstream: `responsewriters.deferredResponseWriter`, of which the level and the size
 * below which nothing is compressed are.
 */
import { constants, createGzip } from 'node:zlib'
import type { Clock } from '#base/clock.ts'
import { cutOff, type Response } from './exchange.ts'
import { onceDrained, writePieces } from './pieces.ts'

/** Smaller answers are sent as they are. */
export const GZIP_ABOVE_BYTES = 128 << 10
const OUTPUT_BYTES = 64 << 10

/** Whether an Accept-Encoding header names gzip, without a weight, as upstream reads it. */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  if (header === undefined) return false
  return String(header)
    .split(',')
    .some((token) => token.trim() === 'gzip')
}

/** Writes the pieces compressed and ends the answer, whose head has been written. */
export function writeCompressed(res: Response, pieces: readonly Buffer[], clock: Clock) {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: OUTPUT_BYTES })
  gzip.on('data', (chunk: Buffer) => {
    if (res.write(chunk)) return
    gzip.pause()
    onceDrained(res, clock, () => gzip.resume())
  })
  gzip.on('end', () => res.end())
  gzip.on('error', () => cutOff(res))
  res.once('close', () => gzip.destroy())
  writePieces(gzip, pieces, clock)
}
