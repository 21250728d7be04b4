/**
 * The standard streams of one container: pipes held by the supervisor, read here into the log file and to whoever is
 * attached. Reading stops while the disk or an attached client cannot keep up, so the container waits rather than this
 * process growing. Attached clients come and go; the log has everything.
 */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import type { Socket } from 'node:net'
import { dirname } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import { formatLogTime, LogFramer } from './cri-log.ts'

export interface ProcessStreams {
  stdin?: Socket
  stdout?: Socket
  stderr?: Socket
}

export interface ProcessIoOptions {
  streams: ProcessStreams
  /** Undefined: nothing is logged. */
  logPath?: string
  clock: Clock
  log: Log
}

export interface AttachStreams {
  stdin?: Readable
  stdout?: Writable
  stderr?: Writable
}

export class ProcessIo {
  /** Resolves when the container can write nothing more: all its output is in the log. */
  readonly drained: Promise<void>
  readonly #options: ProcessIoOptions
  readonly #sinks = { stdout: new Set<Writable>(), stderr: new Set<Writable>() }
  #fd: number | undefined
  #failedWrites = 0
  #closed = false

  constructor(options: ProcessIoOptions) {
    this.#options = options
    this.#open()
    const { stdout, stderr } = options.streams
    this.drained = Promise.all([this.#read('stdout', stdout), this.#read('stderr', stderr)]).then(() => {})
    options.streams.stdin?.on('error', () => {})
  }

  /** Continues in a new file of the same name, after the old one was moved away. */
  reopenLog(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
    this.#open()
  }

  /** Connects a client until the container ends, the client's output is gone, or `signal` aborts. */
  attach({ stdin, stdout, stderr }: AttachStreams, signal: AbortSignal): Promise<void> {
    if (stdout) this.#sinks.stdout.add(stdout)
    if (stderr) this.#sinks.stderr.add(stderr)
    const input = this.#options.streams.stdin
    if (stdin && input) {
      stdin.pipe(input, { end: false })
      stdin.on('error', () => {})
    }
    const gone = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true })
      if (signal.aborted) resolve()
      for (const sink of [stdout, stderr]) sink?.on('close', resolve).on('error', () => resolve())
    })
    return Promise.race([this.drained, gone]).finally(() => {
      if (stdin && input) stdin.unpipe(input)
      if (stdout) this.#sinks.stdout.delete(stdout)
      if (stderr) this.#sinks.stderr.delete(stderr)
      for (const stream of [this.#options.streams.stdout, this.#options.streams.stderr]) stream?.resume()
    })
  }

  /** Closes this process's end of the container's input. */
  closeStdin(): void {
    this.#options.streams.stdin?.end()
  }

  /** Stops reading. What the container wrote meanwhile stays in its pipes. */
  close(): void {
    this.#closed = true
    for (const stream of Object.values(this.#options.streams)) (stream as Socket | undefined)?.destroy()
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #read(name: 'stdout' | 'stderr', stream: Socket | undefined): Promise<void> {
    if (!stream) return Promise.resolve()
    const framer = new LogFramer(name)
    const { clock } = this.#options
    const now = () => formatLogTime(BigInt(Math.round(clock.now() * 1000)) * 1000n)
    stream.on('data', (chunk: Buffer) => {
      this.#write(framer.push(chunk, now()))
      for (const sink of this.#sinks[name]) {
        if (sink.write(chunk)) continue
        stream.pause()
        sink.once('drain', () => stream.resume())
      }
    })
    return new Promise((resolve) => {
      const finish = () => {
        if (!this.#closed) this.#write(framer.end(now()))
        resolve()
      }
      stream.once('end', finish).once('error', finish).once('close', finish)
    })
  }

  #open() {
    const { logPath } = this.#options
    if (!logPath) return
    mkdirSync(dirname(logPath), { recursive: true, mode: 0o755 })
    this.#fd = openSync(logPath, 'a', 0o640)
  }

  #write(text: string) {
    if (!text || this.#fd === undefined) return
    try {
      const bytes = Buffer.from(text, 'latin1')
      for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at)
    } catch (err) {
      // A full disk must not stop the container; say it once in a while.
      if (this.#failedWrites++ % 1000 === 0)
        this.#options.log.warn({ err, path: this.#options.logPath }, 'cannot write the container log; output is lost')
    }
  }
}
