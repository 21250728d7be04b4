/** Cuts a stream of bytes into lines of JSON, as they arrive in a watch. A line may be spread over any number of chunks. */
const NEWLINE = 0x0a

/** More than `maxBytes` arrived without the end of a line. */
export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError'
}

export class JsonLines<T> {
  readonly #maxBytes: number
  #rest: Uint8Array[] = []
  #restBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The values whose lines `chunk` completes. Throws SyntaxError and LineTooLongError. */
  push(chunk: Uint8Array): T[] {
    const values: T[] = []
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const tail = chunk.subarray(start, end)
      const line =
        this.#restBytes > 0
          ? Buffer.concat([...this.#rest, tail])
          : Buffer.from(tail.buffer, tail.byteOffset, tail.length)
      this.#rest = []
      this.#restBytes = 0
      if (line.length > 0) values.push(JSON.parse(line.toString('utf8')) as T)
      start = end + 1
    }
    if (start < chunk.length) {
      this.#rest.push(chunk.subarray(start))
      this.#restBytes += chunk.length - start
      if (this.#restBytes > this.#maxBytes) throw new LineTooLongError(`a line is longer than ${this.#maxBytes} bytes`)
    }
    return values
  }
}
