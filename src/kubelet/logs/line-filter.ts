/**
 * Turns a container's log file as the runtime writes it into what the container wrote. Pure and streaming: bytes in, bytes
 * out, one pass, nothing allocated per line, because logs are read by the hundred megabytes.
 *
 * ```
 * 2016-10-06T00:17:09.669794202Z stdout F a whole line
 * 2016-10-06T00:17:09.669794203Z stderr P the first part of a line that goes on in the next entry
 * ```
 */

export interface LineFilterOptions {
  /** Only entries at or after this time, milliseconds since the epoch (fractions count). */
  sinceMs?: number
  /** Put the time in front of each line. */
  timestamps?: boolean
  stream?: 'Stdout' | 'Stderr'
  /** Cuts the output off after so many bytes. */
  limitBytes?: number
  /** Takes in so many entries, then stops. */
  limitLines?: number
}

const NEWLINE = 10
const SPACE = 32
const LETTER_F = 70
const LETTER_P = 80
const LETTER_O = 111
const LETTER_E = 101
const LETTER_Z = 90
/** `2006-01-02T15:04:05.000000000Z` */
const FIXED_TIME_LENGTH = 30
/** An entry longer than this is not a log entry; runtimes cut at 16 KiB. */
const MAX_ENTRY_BYTES = 4 << 20

export class LineFilter {
  readonly #options: LineFilterOptions
  #rest: Buffer = Buffer.alloc(0)
  #out: Buffer = Buffer.alloc(0)
  #length = 0
  #remainingBytes: number
  #remainingLines: number
  /** Whether the next entry begins a line. */
  #isLineStart = true
  /** Where the space behind the time was last: nearly always at the same place. */
  #timeLength = FIXED_TIME_LENGTH

  constructor(options: LineFilterOptions) {
    this.#options = options
    this.#remainingBytes = options.limitBytes ?? Infinity
    this.#remainingLines = options.limitLines ?? Infinity
  }

  /** A limit is reached: nothing more will come out. */
  get isDone(): boolean {
    return this.#remainingBytes <= 0 || this.#remainingLines <= 0
  }

  /** What the entries that are complete with `chunk` contain. The result is valid for good. */
  push(chunk: Buffer): Buffer {
    const input = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    // Without times the output is smaller than the input; a time that is padded grows by nine digits.
    const room = input.length + (this.#options.timestamps ? input.length : 0)
    this.#out = Buffer.allocUnsafe(room)
    this.#length = 0
    let at = 0
    while (!this.isDone) {
      const end = input.indexOf(NEWLINE, at)
      if (end < 0) break
      this.#entry(input, at, end)
      at = end + 1
    }
    const left = this.isDone ? 0 : input.length - at
    // A copy: the caller reuses its chunk.
    this.#rest = left > 0 && left <= MAX_ENTRY_BYTES ? Buffer.from(input.subarray(at)) : Buffer.alloc(0)
    return this.#out.subarray(0, this.#length)
  }

  /** The last entry, where the file ends without a newline. */
  finish(): Buffer {
    return this.#rest.length > 0 ? this.push(Buffer.from('\n')) : Buffer.alloc(0)
  }

  #entry(input: Buffer, start: number, end: number) {
    let afterTime = start + this.#timeLength
    if (input[afterTime] !== SPACE || afterTime >= end) {
      afterTime = input.indexOf(SPACE, start)
      if (afterTime < 0 || afterTime >= end) return
      this.#timeLength = afterTime - start
    }
    const streamLetter = input[afterTime + 4]
    if (input[afterTime + 7] !== SPACE || (streamLetter !== LETTER_O && streamLetter !== LETTER_E)) return
    const tag = input[afterTime + 8]
    if (tag !== LETTER_F && tag !== LETTER_P) return
    let content = afterTime + 10
    if (input[content - 1] !== SPACE) {
      content = input.indexOf(SPACE, afterTime + 8) + 1
      if (content === 0 || content > end) return
    }
    this.#remainingLines--
    const { sinceMs, stream, timestamps } = this.#options
    if (sinceMs !== undefined && entryTimeMs(input, start, afterTime) < sinceMs) return
    if (stream && (stream === 'Stdout') !== (streamLetter === LETTER_O)) return
    const isPartial = tag === LETTER_P
    if (timestamps && this.#isLineStart) this.#writeTime(input, start, afterTime)
    this.#write(input, content, isPartial ? end : end + 1)
    this.#isLineStart = !isPartial
  }

  #write(source: Buffer, start: number, end: number) {
    const stop = Math.min(end, start + this.#remainingBytes)
    if (this.#length + (stop - start) > this.#out.length) this.#grow(stop - start)
    source.copy(this.#out, this.#length, start, stop)
    this.#length += stop - start
    this.#remainingBytes -= stop - start
  }

  #writeTime(input: Buffer, start: number, end: number) {
    if (end - start === FIXED_TIME_LENGTH && input[end - 1] === LETTER_Z) return this.#write(input, start, end + 1)
    const text = fixedTime(input.toString('latin1', start, end))
    const bytes = Buffer.from(`${text} `)
    this.#write(bytes, 0, bytes.length)
  }

  #grow(bytes: number) {
    const larger = Buffer.allocUnsafe((this.#out.length + bytes) * 2)
    this.#out.copy(larger, 0, 0, this.#length)
    this.#out = larger
  }
}

/** Nine digits of a second, as clients get them whatever the runtime wrote. */
function fixedTime(text: string): string {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text)
  return parts ? `${parts[1]}.${(parts[2] ?? '').padEnd(9, '0')}${parts[3]}` : text
}

/** NaN for what is no time, which compares as not before anything. */
function entryTimeMs(input: Buffer, start: number, end: number): number {
  const text = input.toString('latin1', start, end)
  const dot = text.indexOf('.')
  if (dot < 0) return Date.parse(text)
  const digits = /^\d+/.exec(text.slice(dot + 1))?.[0] ?? ''
  return Date.parse(text.slice(0, dot) + text.slice(dot + 1 + digits.length)) + Number(`0.${digits || 0}`) * 1000
}
