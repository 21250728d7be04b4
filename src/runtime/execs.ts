/**
 * Commands run inside of containers, connections into pods, and attaching: everything with live streams. A command gets the
 * container's namespaces, environment, user and rights. Every one ends with its client, its time limit, or its container.
 */
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import { sleep } from '#base/clock.ts'
import type { RemoteCommandSession } from '#streaming/remote-command-session.ts'
import type { Containers } from './containers.ts'
import { containerKey } from './containers.ts'
import type { Started } from './executor.ts'
import type { RuntimeContext } from './runtime-context.ts'
import type { Sandboxes } from './sandboxes.ts'
import { hostNetwork } from './sandboxes.ts'
import { StatusError } from './status-error.ts'
import type { ProcessExit, StreamName } from './supervisor/supervisor.ts'

/** Per stream, as CRI demands; what is more is dropped. */
const EXEC_SYNC_OUTPUT_BYTES = 16 << 20
/** How long a stream may stay silent after its process ended, before it is closed: something else holds it open. */
const LINGER_MS = 500
const CLONE_NEWNET = 0x4000_0000

export class Execs {
  readonly #context: RuntimeContext
  readonly #containers: Containers
  readonly #sandboxes: Sandboxes
  readonly #exits = new Map<string, (exit: ProcessExit | undefined) => void>()

  constructor(context: RuntimeContext, containers: Containers, sandboxes: Sandboxes) {
    this.#context = context
    this.#containers = containers
    this.#sandboxes = sandboxes
  }

  onExit(key: string, exit: ProcessExit): void {
    this.#exits.get(key)?.(exit)
  }

  /** A supervisor died, and with it the knowledge about its commands. */
  onSupervisorLost(): void {
    for (const resolve of this.#exits.values()) resolve(undefined)
  }

  /** Runs a command to its end. Throws StatusError DEADLINE_EXCEEDED after `timeoutMs` (0: none), once it is dead. */
  async execSync(
    id: string,
    cmd: readonly string[],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<{ stdout: Buffer; stderr: Buffer; exitCode: number }> {
    const outputs = { stdout: new Collector(), stderr: new Collector() }
    const exit = await this.#exec(
      this.#containers.running(id),
      cmd,
      { tty: false, streams: ['stdout', 'stderr'], timeoutMs, signal },
      async ({ stdout, stderr }) => {
        stdout!.on('data', (chunk: Buffer) => outputs.stdout.add(chunk))
        stderr!.on('data', (chunk: Buffer) => outputs.stderr.add(chunk))
        return [stdout!, stderr!]
      },
    )
    return { stdout: outputs.stdout.bytes(), stderr: outputs.stderr.bytes(), exitCode: exit.code }
  }

  /** Runs a command with a client's streams; returns its exit code. */
  async exec(id: string, cmd: readonly string[], session: RemoteCommandSession): Promise<number> {
    const container = this.#containers.running(id)
    const streams: StreamName[] = [
      ...(session.stdin ? ['stdin' as const] : []),
      'stdout',
      ...(session.tty ? [] : ['stderr' as const]),
    ]
    const exit = await this.#exec(
      container,
      cmd,
      { tty: session.tty, streams, timeoutMs: 0, signal: session.signal, resizes: session.resizes },
      async (io, started) => {
        if (session.stdin && io.stdin) {
          const { stdin } = io
          stdin.on('error', () => {})
          session.stdin.on('error', () => stdin.destroy())
          session.stdin.pipe(stdin)
          // The supervisor holds the pipe open, too, so that a client's end must be passed on.
          stdin.once('close', () => void started.supervisor.closeStdin(started.process.key).catch(() => {}))
        }
        for (const name of ['stdout', 'stderr'] as const) {
          const sink = session[name]
          if (sink) io[name]?.pipe(sink, { end: false })
          else io[name]?.resume()
        }
        return [io.stdout, io.stderr].filter((stream) => stream !== undefined)
      },
    )
    return exit.code
  }

  /**
   * Connects a client with the container's own streams, until the container ends or the client's output is gone. Where the
   * client's input ends, so does the container's if it said that it wants one client's only; else the client leaves, and
   * the next one may go on. Upstream: containerd's `ContainerIO.Attach`.
   */
  async attach(id: string, session: RemoteCommandSession): Promise<void> {
    const container = this.#containers.running(id)
    const { supervisor, io } = container
    const key = containerKey(container.record.id)
    const stop = new AbortController()
    const signal = AbortSignal.any([session.signal, stop.signal])
    if (session.tty) void this.#resize(session.resizes, (width, height) => supervisor.resize(key, width, height))
    const { stdin, stdout, stderr } = session
    const isOnce = container.record.config.stdinOnce && !session.tty
    stdin?.once('end', () => {
      if (!isOnce) return stop.abort()
      io?.closeStdin()
      void supervisor.closeStdin(key).catch(() => {})
    })
    try {
      await io!.attach({ ...(stdin && { stdin }), ...(stdout && { stdout }), ...(stderr && { stderr }) }, signal)
    } finally {
      stop.abort()
    }
  }

  /** Serves one forwarded connection to a port on the pod's loopback. Throws Error with words for the user. */
  async portForward(sandboxId: string, port: number, data: Duplex, signal: AbortSignal): Promise<void> {
    const sandbox = this.#sandboxes.get(sandboxId)
    if (!sandbox.ready) throw new StatusError('FAILED_PRECONDITION', `sandbox "${sandboxId}" is not running`)
    if (hostNetwork(sandbox.config)) return this.#forwardOnHost(port, data, signal)
    const key = this.#key()
    const supervisor = await this.#context.supervisors.current()
    const ended = this.#ended(key)
    const steps = [['setns', this.#sandboxes.netnsPath(sandbox), CLONE_NEWNET] as const, ['dial', port] as const]
    const process = await supervisor.start({ key, steps, streams: ['stdin', 'stdout'] }).catch((thrown: unknown) => {
      this.#exits.delete(key)
      throw thrown
    })
    const input = supervisor.openStream(process, 'stdin')!
    const output = supervisor.openStream(process, 'stdout')!
    const kill = () => void supervisor.signal(key, 9).catch(() => {})
    signal.addEventListener('abort', kill, { once: true })
    if (signal.aborted) kill()
    try {
      await supervisor.closeStdin(key)
      input.on('error', () => {})
      output.on('error', () => {})
      data.on('error', kill)
      data.pipe(input)
      output.pipe(data)
      await ended
      await this.#linger([output])
    } finally {
      signal.removeEventListener('abort', kill)
      input.destroy()
      output.destroy()
      await supervisor.release(key).catch(() => {})
    }
  }

  async #forwardOnHost(port: number, data: Duplex, signal: AbortSignal) {
    const socket = connect({ port, host: 'localhost', allowHalfOpen: true })
    const abort = () => socket.destroy()
    signal.addEventListener('abort', abort, { once: true })
    try {
      await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
      data.on('error', abort)
      data.pipe(socket)
      socket.pipe(data)
      await finished(socket).catch(() => {})
    } catch (cause) {
      throw new Error(`failed to connect to localhost:${port} inside the pod: ${(cause as Error).message}`, { cause })
    } finally {
      signal.removeEventListener('abort', abort)
      socket.destroy()
    }
  }

  /** `wire` connects the streams and returns those whose end means that all output was read. */
  async #exec(
    container: ReturnType<Containers['running']>,
    cmd: readonly string[],
    options: {
      tty: boolean
      streams: StreamName[]
      timeoutMs: number
      signal: AbortSignal
      resizes?: RemoteCommandSession['resizes']
    },
    wire: (io: Partial<Record<StreamName, Socket>>, started: Started) => Promise<Socket[]>,
  ): Promise<ProcessExit> {
    if (cmd.length === 0) throw new StatusError('INVALID_ARGUMENT', 'command is empty')
    const { clock, executor, cgroups } = this.#context
    const key = this.#key()
    const { spec, identity } = this.#containers.plan(container)
    const process = { ...spec.process, args: [...cmd], terminal: options.tty }
    if (options.tty && !process.env.some((entry) => entry.startsWith('TERM=')))
      process.env = [...process.env, 'TERM=xterm']
    const ended = this.#ended(key)
    const { id } = container.record
    const started = await executor
      .exec(container.supervisor, {
        id,
        key,
        containerKey: containerKey(id),
        process,
        ...(spec.linux.seccomp && { seccomp: spec.linux.seccomp }),
        identity,
        cgroupProcs: cgroups.procsFiles(container.cgroupPath),
        streams: options.streams,
      })
      .catch((thrown: unknown) => {
        this.#exits.delete(key)
        throw new StatusError(
          'UNKNOWN',
          `failed to exec in container: failed to start exec: OCI runtime exec failed: exec failed: unable to start container process: ${(thrown as Error).message}`,
          { cause: thrown },
        )
      })
    const { supervisor } = started
    const io = Object.fromEntries(options.streams.map((name) => [name, supervisor.openStream(started.process, name)!]))
    const stop = new AbortController()
    let timedOut = false
    const kill = () => void supervisor.signal(key, 9).catch(() => {})
    if (options.timeoutMs > 0) {
      sleep(clock, options.timeoutMs, stop.signal).then(
        () => {
          timedOut = true
          kill()
        },
        () => {},
      )
    }
    options.signal.addEventListener('abort', kill, { once: true })
    if (options.signal.aborted) kill()
    if (options.resizes) void this.#resize(options.resizes, (width, height) => supervisor.resize(key, width, height))
    try {
      const outputs = await wire(io, started)
      const exit = await ended
      stop.abort()
      await this.#linger(outputs)
      if (timedOut)
        throw new StatusError(
          'DEADLINE_EXCEEDED',
          `failed to exec in container: timeout ${options.timeoutMs / 1000}s exceeded: context deadline exceeded`,
        )
      if (!exit) throw new StatusError('UNKNOWN', 'failed to exec in container: the supervisor is gone')
      return exit
    } finally {
      stop.abort()
      options.signal.removeEventListener('abort', kill)
      for (const stream of Object.values(io)) stream.destroy()
      await supervisor.release(key).catch(() => {})
    }
  }

  #key(): string {
    return `e/${Buffer.from(this.#context.random.bytes(16)).toString('hex')}`
  }

  #ended(key: string): Promise<ProcessExit | undefined> {
    return new Promise((resolve) => {
      this.#exits.set(key, (exit) => {
        this.#exits.delete(key)
        resolve(exit)
      })
    })
  }

  /** Waits until the streams ended; one that nothing arrives on any more is given up. A client that reads slowly is waited for. */
  async #linger(streams: readonly Socket[]): Promise<void> {
    const stop = new AbortController()
    const ends = Promise.all(streams.map((stream) => finished(stream, { writable: false }).catch(() => {})))
    const silence = (async () => {
      for (let before = -1; ;) {
        await sleep(this.#context.clock, LINGER_MS, stop.signal)
        const bytes = streams.reduce((sum, stream) => sum + stream.bytesRead, 0)
        if (bytes === before && streams.every((stream) => !stream.isPaused() && stream.readableLength === 0)) return
        before = bytes
      }
    })()
    await Promise.race([ends, silence.catch(() => {})])
    stop.abort()
  }

  async #resize(resizes: RemoteCommandSession['resizes'], apply: (width: number, height: number) => Promise<void>) {
    try {
      for await (const { width, height } of resizes) await apply(width, height)
    } catch (err) {
      this.#context.log.debug({ err }, 'the terminal is gone')
    }
  }
}

class Collector {
  readonly #chunks: Buffer[] = []
  #size = 0

  add(chunk: Buffer) {
    const room = EXEC_SYNC_OUTPUT_BYTES - this.#size
    if (room <= 0) return
    this.#chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk)
    this.#size += Math.min(chunk.length, room)
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}
