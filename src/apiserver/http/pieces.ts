/**
 * Writes large answers in pieces that wait for the client, so that neither a copy of the whole nor a long queue is ever
 * made. A client that takes nothing for a while is cut off.
 */
import type { Clock } from '#base/clock.ts'

/** Half as much costs a list a sixth more, for the turns of the event loop that it takes. */
export const PIECE_BYTES = 512 << 10

/** What pieces are written to: an answer, or what compresses it. */
type Sink = Pick<NodeJS.WritableStream, 'write' | 'end' | 'once' | 'off'> & { destroy(): unknown }

/**
 * Writes pieces as fast as they are taken, small ones joined to about PIECE_BYTES, and ends the sink. Each has a turn of
 * the event loop to itself: what is written in one turn would be copied together.
 */
export function writePieces(sink: Sink, pieces: readonly Buffer[], clock: Clock, from = 0) {
  let at = from + 1
  let bytes = pieces[from]!.length
  while (at < pieces.length && bytes + pieces[at]!.length <= PIECE_BYTES) bytes += pieces[at++]!.length
  const piece = at - from === 1 ? pieces[from]! : Buffer.concat(pieces.slice(from, at), bytes)
  if (at === pieces.length) return void sink.end(piece)
  const next = () => writePieces(sink, pieces, clock, at)
  if (sink.write(piece)) setImmediate(next)
  else onceDrained(sink, clock, next)
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
