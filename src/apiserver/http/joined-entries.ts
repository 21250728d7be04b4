/**
 * The JSON of objects that follow each other in lists, joined once for all lists in which they do. A list of thousands of
 * objects would otherwise be copied together for each of its readers; this way, only what lies around a change is.
 */
import type { Listed } from '../registry/object-cache.ts'
import { PIECE_BYTES } from './pieces.ts'

/** Neighbours, and their JSON: each object after a comma. */
interface Run {
  readonly entries: readonly Listed[]
  readonly bytes: Buffer
}

const COMMA = 0x2c

export class JoinedEntries {
  /** By the first of its entries; for as long as memory is not needed for something else. */
  readonly #runs = new WeakMap<Listed, WeakRef<Run>>()

  /** The objects' JSON with commas between them, in pieces of about PIECE_BYTES. */
  join(entries: readonly Listed[]): Buffer[] {
    const pieces: Buffer[] = []
    for (let at = 0; at < entries.length;) {
      const run = this.#known(entries, at) ?? this.#made(entries, at)
      pieces.push(at === 0 ? run.bytes.subarray(1) : run.bytes)
      at += run.entries.length
    }
    return pieces
  }

  #known(entries: readonly Listed[], at: number): Run | undefined {
    const run = this.#runs.get(entries[at]!)?.deref()
    return run?.entries.every((entry, i) => entry === entries[at + i]) ? run : undefined
  }

  #made(entries: readonly Listed[], at: number): Run {
    let end = at
    let length = 0
    while (end < entries.length && length < PIECE_BYTES) length += entries[end++]!.wire.length + 1
    const bytes = Buffer.allocUnsafeSlow(length)
    let written = 0
    for (let i = at; i < end; i++) {
      bytes[written++] = COMMA
      written += entries[i]!.wire.copy(bytes, written)
    }
    const run = { entries: entries.slice(at, end), bytes }
    // What is shorter is the end of a list, to which the next object would be added.
    if (length >= PIECE_BYTES) this.#runs.set(entries[at]!, new WeakRef(run))
    return run
  }
}
