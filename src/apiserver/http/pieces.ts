/**
 * Writes large answers in pieces that wait for the client, so that neither a copy of the whole nor a long queue is ever
 * made. A client that takes nothing for a while is cut off.
 */
import type { Clock } from '#base/clock.ts'

export const PIECE_BYTES = 256 << 10

/** What pieces are written to: an answer, or what compresses it. */
type Sink = Pick<NodeJS.WritableStream, 'write' | 'end' | 'once' | 'off'> & { destroy(): unknown }

/** Joins small buffers into pieces of about PIECE_BYTES, writes them as fast as they are taken, and ends the sink. */
export function writePieces(sink: Sink, pieces: readonly Buffer[], clock: Clock, from = 0) {
  let at = from
  while (at < pieces.length) {
    const start = at
    let bytes = 0
    while (at < pieces.length && bytes < PIECE_BYTES) bytes += pieces[at++]!.length
    const piece = at - start === 1 ? pieces[start]! : Buffer.concat(pieces.slice(start, at), bytes)
    if (at === pieces.length) sink.end(piece)
    else if (!sink.write(piece)) {
      const next = at
      onceDrained(sink, clock, () => writePieces(sink, pieces, clock, next))
      return
    }
  }
}

/** A client that takes nothing for so long is taken for gone. */
const STALLED_MS = 60_000

/** Calls `next` when what was written has been taken; ends the connection of a client that does not take it. */
export function onceDrained(sink: Omit<Sink, 'write' | 'end'>, clock: Clock, next: () => void) {
  const timer = clock.after(STALLED_MS, () => sink.destroy())
  const settle = () => {
    timer.cancel()
    sink.off('close', settle)
    sink.off('drain', drained)
  }
  const drained = () => {
    settle()
    next()
  }
  sink.once('close', settle)
  sink.once('drain', drained)
}
