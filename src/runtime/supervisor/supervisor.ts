/**
 * The daemon's end of the supervisor (init/supervisor.pl), the parent of all containers. The supervisor outlives this
 * process: `connect` finds a running one by its socket, or starts it detached. One supervisor serves one version of the
 * program, so that an upgraded daemon starts its own and keeps talking to the old one until its containers are gone.
 *
 * Standard streams are the supervisor's pipes, opened here through /proc/<pid>/fd, which makes a daemon that comes back
 * after a crash continue reading where it stopped.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { constants, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect as connectSocket, Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Clock } from '#base/clock.ts'
import { sleep } from '#base/clock.ts'
import { systemCode } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import { decodeFrame, encodeFrame } from './wire.ts'
import type { WireInput, WireValue } from './wire.ts'

/** A step of init/supervisor.pl: its name and arguments. */
export type Step = readonly [name: string, ...args: (string | number | Uint8Array)[]]

export interface ProcessExit {
  /** 128 + signal when a signal ended it. */
  code: number
  signal: number
  atNs: bigint
  startedNs: bigint
}

export interface SupervisedProcess {
  key: string
  pid: number
  startedNs: bigint
  /** Descriptor numbers inside the supervisor. */
  fds: Partial<Record<StreamName, number>>
  /** What the user was resolved to inside: uid, gid, then supplementary groups. */
  user: number[]
  /** Free text that came with the start. */
  info: string
  exit?: ProcessExit
}

export type StreamName = 'stdin' | 'stdout' | 'stderr'

export interface StartRequest {
  /** Unique among what runs: `c/<container>` or `e/<exec>`. */
  key: string
  steps: readonly Step[]
  streams: readonly StreamName[]
  tty?: boolean
  /** CLONE_ flags of the fork itself; CLONE_NEWPID is the only sensible one. */
  clone?: number
  /** A pid namespace to join, as a file. */
  join?: string
  /** The key of a running process whose namespaces, all of them, are joined. */
  enter?: string
  /** cgroup.procs files, opened before namespaces change. */
  cgroups?: readonly string[]
  /** Where the exit is recorded even when nobody is connected. */
  exitFile?: string
  /** The program only starts the process to be supervised, ends with code 0, and leaves that process's pid in this file. */
  adopt?: string
  info?: string
}

/** The supervisor refused or failed: `message` is fit for users ("exec: "foo": executable file not found in $PATH"). */
export class SupervisorError extends Error {
  override readonly name = 'SupervisorError'
}

/** The supervisor is gone, and with it everything it would have said about its processes. */
export class SupervisorLostError extends Error {
  override readonly name = 'SupervisorLostError'
}

export interface SupervisorEvents {
  onExit(key: string, exit: ProcessExit): void
  /** The connection broke without `close`. */
  onLost(): void
}

const REQUEST_TIMEOUT_MS = 30_000
const START_TIMEOUT_MS = 20_000
const FRAME_LIMIT = 16 << 20

export interface SupervisorOptions {
  /** Holds the sockets; private to root. */
  directory: string
  clock: Clock
  log: Log
  events: SupervisorEvents
}

/** The program's path and the version that names its socket. */
export function locateProgram(): { path: string; version: string } {
  // The sources ship with the package, so the file is found below the package root from src/ and from the bundle alike.
  for (let dir = dirname(fileURLToPath(import.meta.url)); dir !== dirname(dir); dir = dirname(dir)) {
    const path = join(dir, 'src/runtime/init/supervisor.pl')
    if (existsSync(path)) {
      return { path, version: createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 12) }
    }
  }
  throw new Error('cannot find src/runtime/init/supervisor.pl of the package')
}

/** Sockets of supervisors that were started in `directory`, of any version. */
export function listSupervisorSockets(directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .filter((name) => /^supervisor-\w+\.sock$/.test(name))
    .map((name) => join(directory, name))
}

export class Supervisor {
  readonly version: string
  readonly pid: number
  /** What ran, or had ended unreported, at the time of the connection. */
  readonly recovered: readonly SupervisedProcess[]
  readonly #connection: Connection

  private constructor(connection: Connection, hello: Record<string, WireValue>) {
    this.#connection = connection
    this.version = hello.version as string
    this.pid = Number(hello.pid)
    this.recovered = (hello.processes as WireValue[]).map(processOf)
  }

  /** Connects to the supervisor of this version of the program, starting it first if necessary. */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const { path, version } = locateProgram()
    mkdirSync(options.directory, { recursive: true, mode: 0o700 })
    const socketPath = join(options.directory, `supervisor-${version}.sock`)
    const running = await Supervisor.attach(socketPath, options)
    if (running) return running
    // The environment is not passed on: containers must not see it in /proc, and Perl must not be steered by it.
    const child = spawn('/usr/bin/perl', [path, socketPath, version], {
      detached: true,
      cwd: '/',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
      stdio: ['ignore', 'ignore', openSync(join(options.directory, 'supervisor.log'), 'a', 0o600)],
    })
    const failed = new Promise<never>((_, reject) => {
      child.once('error', (cause) =>
        reject(new SupervisorError(`cannot start /usr/bin/perl: ${cause.message}`, { cause })),
      )
      child.once('exit', (code) =>
        reject(new SupervisorError(`the supervisor ended with code ${code}; see ${options.directory}/supervisor.log`)),
      )
    })
    failed.catch(() => {})
    child.unref()
    const deadline = options.clock.monotonic() + START_TIMEOUT_MS
    for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 2, 100)) {
      await Promise.race([sleep(options.clock, pauseMs), failed])
      const started = await Supervisor.attach(socketPath, options)
      if (started) return started
      if (options.clock.monotonic() > deadline)
        throw new SupervisorError(`the supervisor did not start within ${START_TIMEOUT_MS} ms`)
    }
  }

  /** Connects to a supervisor that runs already; undefined when none listens there (a stale socket is removed). */
  static async attach(socketPath: string, options: SupervisorOptions): Promise<Supervisor | undefined> {
    const socket = connectSocket(socketPath)
    try {
      await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    } catch (thrown) {
      if (systemCode(thrown) === 'ECONNREFUSED') rmSync(socketPath, { force: true })
      else if (systemCode(thrown) !== 'ENOENT') throw thrown
      return undefined
    }
    const connection = new Connection(socket, options)
    return new Supervisor(connection, await connection.request('hello', {}))
  }

  /** Runs steps in a short-lived child. Throws SupervisorError with the failing step's words. */
  async run(steps: readonly Step[]): Promise<void> {
    await this.#connection.request('run', { steps })
  }

  /** Resolves once the program itself runs (execve succeeded). Throws SupervisorError otherwise; then nothing remains. */
  async start(request: StartRequest): Promise<SupervisedProcess> {
    const { process } = await this.#connection.request('start', { ...request, tty: request.tty ? '1' : undefined })
    return processOf(process)
  }

  /** False when the process had ended. */
  async signal(key: string, signal: number): Promise<boolean> {
    return (await this.#connection.request('signal', { key, signal })).sent !== '0'
  }

  async resize(key: string, width: number, height: number): Promise<void> {
    await this.#connection.request('resize', { key, width, height })
  }

  /** Lets the process see the end of its input once every other writer is closed, too. */
  async closeStdin(key: string): Promise<void> {
    await this.#connection.request('closeStdin', { key })
  }

  /** Forgets an ended process and closes its pipes. */
  async release(key: string): Promise<void> {
    await this.#connection.request('release', { key })
  }

  /** Unmounts whatever is mounted at the paths and removes the mount points (unless `keep`). Missing ones are fine. */
  async unmount(paths: readonly string[], keep = false): Promise<void> {
    await this.#connection.request('unmount', { paths, keep: keep ? '1' : undefined })
  }

  /** Ends the supervisor. Throws SupervisorError while processes run. */
  async quit(): Promise<void> {
    await this.#connection.request('quit', {}).catch((thrown: unknown) => {
      if (!(thrown instanceof SupervisorLostError)) throw thrown
    })
  }

  /** The supervisor's pipe as a socket of this process: to read from for output, to write to for `stdin`. */
  openStream(process: SupervisedProcess, name: StreamName): Socket | undefined {
    const number = process.fds[name]
    if (number === undefined) return undefined
    const mode = name === 'stdin' ? constants.O_WRONLY : constants.O_RDONLY
    const fd = openSync(`/proc/${this.pid}/fd/${number}`, mode | constants.O_NONBLOCK)
    return new Socket({ fd, readable: name !== 'stdin', writable: name === 'stdin' })
  }

  /** Disconnects; everything keeps running. */
  close(): void {
    this.#connection.close()
  }
}

/** Requests and answers over one socket; events go to the owner. */
class Connection {
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #pending = new Map<string, { resolve(value: Record<string, WireValue>): void; reject(error: Error): void }>()
  #chunks: Buffer[] = []
  #bytes = 0
  #nextId = 0
  #closed = false

  constructor(socket: Socket, { clock, log, events }: SupervisorOptions) {
    this.#socket = socket
    this.#clock = clock
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      this.#bytes += chunk.length
      for (let frame = this.#next(); frame; frame = this.#next()) this.#receive(frame, events)
    })
    socket.on('error', (err) => log.warn({ err }, 'the connection to the supervisor failed'))
    socket.on('close', () => {
      const lost = !this.#closed
      this.#closed = true
      for (const { reject } of this.#pending.values()) reject(new SupervisorLostError('the supervisor is gone'))
      this.#pending.clear()
      if (lost) events.onLost()
    })
  }

  request(op: string, fields: { [key: string]: WireInput }): Promise<Record<string, WireValue>> {
    if (this.#closed) return Promise.reject(new SupervisorLostError('the supervisor is gone'))
    const id = String(this.#nextId++)
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(REQUEST_TIMEOUT_MS, () => {
        this.#pending.delete(id)
        reject(new SupervisorError(`the supervisor did not answer "${op}" within ${REQUEST_TIMEOUT_MS} ms`))
      })
      this.#pending.set(id, {
        resolve: (value) => (timer.cancel(), resolve(value)),
        reject: (error) => (timer.cancel(), reject(error)),
      })
      this.#socket.write(encodeFrame({ ...fields, id, op }))
    })
  }

  close() {
    this.#closed = true
    this.#socket.destroy()
  }

  #next(): Buffer | undefined {
    if (this.#bytes < 4) return undefined
    if (this.#chunks[0]!.length < 4) this.#join()
    const length = this.#chunks[0]!.readUInt32BE() + 4
    if (length > FRAME_LIMIT) {
      this.#socket.destroy(new Error(`frame of ${length} bytes`))
      return undefined
    }
    if (this.#bytes < length) return undefined
    if (this.#chunks[0]!.length < length) this.#join()
    const all = this.#chunks[0]!
    if (all.length === length) this.#chunks.shift()
    else this.#chunks[0] = all.subarray(length)
    this.#bytes -= length
    return all.subarray(4, length)
  }

  #join() {
    this.#chunks = [Buffer.concat(this.#chunks)]
  }

  #receive(frame: Buffer, events: SupervisorEvents) {
    const message = decodeFrame(frame) as Record<string, WireValue>
    if (message.event === 'exit') return events.onExit(message.key as string, exitOf(message.exit))
    const waiting = this.#pending.get(message.re as string)
    this.#pending.delete(message.re as string)
    if (message.error !== undefined) waiting?.reject(new SupervisorError(message.error as string))
    else waiting?.resolve(message)
  }
}

function processOf(value: WireValue): SupervisedProcess {
  const p = value as Record<string, WireValue>
  const fds = Object.entries(p.fds as Record<string, string>).map(([name, fd]) => [name, Number(fd)])
  return {
    key: p.key as string,
    pid: Number(p.pid),
    startedNs: BigInt(p.started as string),
    fds: Object.fromEntries(fds),
    user: (p.user as string).split(' ').filter(Boolean).map(Number),
    info: p.info as string,
    ...(p.exit !== undefined && { exit: exitOf(p.exit) }),
  }
}

function exitOf(value: WireValue): ProcessExit {
  const e = value as Record<string, string>
  return { code: Number(e.code), signal: Number(e.signal), atNs: BigInt(e.at!), startedNs: BigInt(e.started!) }
}
