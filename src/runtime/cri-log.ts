/**
 * The CRI log format: `2024-01-01T00:00:00.000000000Z stdout F line`. Lines longer than 16 KiB are cut into pieces tagged `P`,
 * the last one `F`. Bytes pass through unchanged, whatever their encoding. Framing is done on whole chunks with string
 * operations, because a program may write a hundred megabytes a second and most lines are short.
 */

/** containerd's max_container_log_line_size. */
export const MAX_LINE_BYTES = 16 * 1024

/** `timestamp` is wall time in nanoseconds. */
export function formatLogTime(ns: bigint): string {
  const ms = Number(ns / 1_000_000n)
  return `${new Date(ms).toISOString().slice(0, 19)}.${String(ns % 1_000_000_000n).padStart(9, '0')}Z`
}

/** Cuts one stream into log lines; what has no line end yet waits for the next chunk. Texts are latin1: one character, one byte. */
export class LogFramer {
  readonly #stream: 'stdout' | 'stderr'
  #pending = ''

  constructor(stream: 'stdout' | 'stderr') {
    this.#stream = stream
  }

  /** The complete lines of `chunk` and what was pending, as log text (latin1). */
  push(chunk: Buffer, time: string): string {
    let text = this.#pending + chunk.toString('latin1')
    let out = ''
    // Long lines first: a stretch of 16 KiB without a line end.
    for (let at = 0; text.length - at > MAX_LINE_BYTES;) {
      const end = text.lastIndexOf('\n', at + MAX_LINE_BYTES)
      if (end >= at) {
        at = end + 1
        continue
      }
      if (at > 0) out += this.#lines(text.slice(0, at), time)
      out += `${time} ${this.#stream} P ${text.slice(at, at + MAX_LINE_BYTES)}\n`
      text = text.slice(at + MAX_LINE_BYTES)
      at = 0
    }
    const end = text.lastIndexOf('\n') + 1
    if (end > 0) out += this.#lines(text.slice(0, end), time)
    this.#pending = text.slice(end)
    return out
  }

  /** What was still pending when the stream ended: a last line without an end. */
  end(time: string): string {
    const text = this.#pending
    this.#pending = ''
    return text ? `${time} ${this.#stream} F ${text}\n` : ''
  }

  /** `text` ends with a line end. */
  #lines(text: string, time: string): string {
    const prefix = `${time} ${this.#stream} F `
    return `${prefix}${text.slice(0, -1).replaceAll('\n', `\n${prefix}`)}\n`
  }
}
