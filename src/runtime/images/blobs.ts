/**
 * Content-addressed blobs: `<dir>/sha256/<hex>`. A blob is visible only once it is complete and its digest was checked, so
 * whatever is there can be trusted after any crash.
 */
import { createHash } from 'node:crypto'
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import type { ReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Random } from '#base/random.ts'

/** What arrived is not what its digest says. */
export class DigestMismatchError extends Error {
  override readonly name = 'DigestMismatchError'
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

export class BlobStore {
  readonly #dir: string
  readonly #random: Random

  constructor(dir: string, random: Random) {
    this.#dir = join(dir, 'sha256')
    this.#random = random
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 })
    // Downloads cut short by a crash; those that can be resumed carry their digest and stay.
    for (const name of readdirSync(this.#dir))
      if (name.startsWith('tmp-')) rmSync(join(this.#dir, name), { force: true })
  }

  path(digest: string): string {
    const match = /^sha256:([0-9a-f]{64})$/.exec(digest)
    if (!match) throw new TypeError(`unsupported digest "${digest}"`)
    return join(this.#dir, match[1]!)
  }

  /** Where an unfinished download of the blob is kept. */
  partialPath(digest: string): string {
    return `${this.path(digest)}.part`
  }

  has(digest: string): boolean {
    return existsSync(this.path(digest))
  }

  size(digest: string): number {
    return statSync(this.path(digest)).size
  }

  read(digest: string): Promise<Buffer> {
    return readFile(this.path(digest))
  }

  stream(digest: string): ReadStream {
    return createReadStream(this.path(digest), { highWaterMark: 256 << 10 })
  }

  /** Stores what `source` yields. Throws DigestMismatchError when it differs from `expected`, and stores nothing. */
  async write(source: Readable, expected?: string, maxBytes = 64 * 2 ** 30): Promise<{ digest: string; size: number }> {
    const temporary = join(this.#dir, `tmp-${Buffer.from(this.#random.bytes(8)).toString('hex')}`)
    const meter = new Meter(maxBytes)
    try {
      await pipeline(source, meter, createWriteStream(temporary, { mode: 0o600, highWaterMark: 1 << 20 }))
      this.adopt(temporary, meter.digest, expected)
    } catch (thrown) {
      rmSync(temporary, { force: true })
      throw thrown
    }
    return { digest: meter.digest, size: meter.size }
  }

  /** Takes over a finished file whose digest was computed. */
  adopt(file: string, digest: string, expected?: string): void {
    if (expected && digest !== expected) {
      rmSync(file, { force: true })
      throw new DigestMismatchError(`unexpected digest ${digest}, expected ${expected}`)
    }
    renameSync(file, this.path(digest))
  }

  remove(digest: string): void {
    rmSync(this.path(digest), { force: true })
  }

  list(): string[] {
    return readdirSync(this.#dir)
      .filter((name) => /^[0-9a-f]{64}$/.test(name))
      .map((name) => `sha256:${name}`)
  }
}

/** Passes bytes through, counting and hashing them. */
export class Meter extends Transform {
  readonly #hash = createHash('sha256')
  readonly #maxBytes: number
  #digest = ''
  size = 0

  constructor(maxBytes = Infinity) {
    super({ highWaterMark: 256 << 10 })
    this.#maxBytes = maxBytes
  }

  /** Once the stream has ended. */
  get digest(): string {
    this.#digest ||= `sha256:${this.#hash.digest('hex')}`
    return this.#digest
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null, data?: Buffer) => void) {
    this.size += chunk.length
    if (this.size > this.#maxBytes) return done(new RangeError(`more than ${this.#maxBytes} bytes`))
    this.#hash.update(chunk)
    done(null, chunk)
  }
}
