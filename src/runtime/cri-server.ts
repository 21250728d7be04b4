/**
 * rostrum-cri: the built-in container runtime as a daemon that serves CRI v1 on a unix socket. Containers belong to the
 * supervisor, not to this process: `close` leaves them running, and the next start finds them again. `purge` removes
 * everything, or all but the images, whether a daemon ran or not.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { detectCgroups } from '#base/cgroup.ts'
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import { ARCHIVE_SERVICE, IMAGE_SERVICE, RUNTIME_SERVICE, SERVICE_NAMES } from '#contracts/cri/services.ts'
import { type ContainerEventType } from '#contracts/cri/enums.ts'
import type { SandboxNetwork } from '#contracts/sandbox-network.ts'
import { createStreamingServer } from '#streaming/streaming-server.ts'
import { BuiltinExecutor } from './builtin-executor.ts'
import type { Container } from './containers.ts'
import { Containers } from './containers.ts'
import { EventHub } from './event-hub.ts'
import { Execs } from './execs.ts'
import type { Executor } from './executor.ts'
import { readHost } from './host-facts.ts'
import { ImageStore } from './images/image-store.ts'
import { Puller } from './images/pull.ts'
import { archiveService, imageService } from './image-service.ts'
import type { RuntimeContext } from './runtime-context.ts'
import { nowNs } from './runtime-context.ts'
import { runtimeService } from './runtime-service.ts'
import type { ExecutorParts } from './runc-executor.ts'
import { findRunc, RuncExecutor } from './runc-executor.ts'
import { Sandboxes } from './sandboxes.ts'
import { addService } from './service.ts'
import { Stats } from './stats.ts'
import type { ProcessExit } from './supervisor/supervisor.ts'
import { Supervisors } from './supervisor/supervisors.ts'

export interface CriServerOptions {
  socketPath: string
  /** Images, records, writable layers; on a file system that overlayfs accepts for its upper layer. */
  stateDir: string
  /** Sockets and namespace mounts. */
  runtimeDir: string
  network: SandboxNetwork
  /** The cgroup below which containers go whose pod names no parent, e.g. `/rostrum`. */
  cgroupRoot: string
  /** `auto` is `builtin`. */
  executor: 'auto' | 'builtin' | 'runc'
  /** Where exec, attach and port-forward are served; default 127.0.0.1. */
  streamingAddress?: string
  /** Registries, mirrors and credentials, see images/registry-config.ts. */
  registriesFile?: string
  clock: Clock
  random: Random
  log: Log
  /** Aborting it is `close`. */
  signal?: AbortSignal
}

export interface CriServer {
  socketPath: string
  /** Stops serving; containers run on. */
  close(): Promise<void>
}

/** Another daemon serves the socket. */
export class AlreadyRunningError extends Error {
  override readonly name = 'AlreadyRunningError'
}

const VERSION = '0.1.0'
/** Folder of the state directory. */
const IMAGES = 'images'
const MESSAGE_BYTES = 64 << 20

/** Resolves once the socket is served and what ran before was taken over. Needs root. */
export async function startCriServer(options: CriServerOptions): Promise<CriServer> {
  if (await isServed(options.socketPath))
    throw new AlreadyRunningError(`a container runtime already serves ${options.socketPath}`)
  const { context, sandboxes, containers, execs, stats, events, close: closeParts } = await openRuntime(options)
  const streaming = await createStreamingServer({
    address: { host: options.streamingAddress ?? '127.0.0.1', port: 0 },
    exec: async ({ containerId, cmd }, session) => ({ exitCode: await execs.exec(containerId, cmd, session) }),
    attach: ({ containerId }, session) => execs.attach(containerId, session),
    portForward: ({ podSandboxId }, port, data, signal) => execs.portForward(podSandboxId, port, data, signal),
    clock: options.clock,
    random: options.random,
    log: options.log,
  })
  const server = new Server({
    'grpc.max_receive_message_length': MESSAGE_BYTES,
    'grpc.max_send_message_length': MESSAGE_BYTES,
  })
  const puller = new Puller({
    store: context.images,
    clock: options.clock,
    ...(options.registriesFile && { registriesFile: options.registriesFile }),
  })
  const parts = { context, sandboxes, containers, execs, stats, events, streaming, puller, version: VERSION }
  addService(server, SERVICE_NAMES.runtime, RUNTIME_SERVICE, runtimeService(parts), options.log)
  addService(server, SERVICE_NAMES.image, IMAGE_SERVICE, imageService(parts), options.log)
  addService(server, SERVICE_NAMES.archive, ARCHIVE_SERVICE, archiveService(parts), options.log)
  await listen(server, options.socketPath)

  let closing: Promise<void> | undefined
  const close = () =>
    (closing ??= (async () => {
      server.forceShutdown()
      await streaming.close()
      closeParts()
      rmSync(options.socketPath, { force: true })
    })())
  options.signal?.addEventListener('abort', () => void close(), { once: true })
  if (options.signal?.aborted) await close()
  return { socketPath: options.socketPath, close }
}

type RuntimeOptions = Omit<CriServerOptions, 'socketPath' | 'streamingAddress' | 'signal' | 'registriesFile'>

/** Everything but the sockets: recovers what is on disk and what runs. */
async function openRuntime(options: RuntimeOptions) {
  const { stateDir, runtimeDir, network, cgroupRoot, clock, random, log } = options
  for (const dir of [stateDir, runtimeDir]) mkdirSync(dir, { recursive: true, mode: 0o711 })
  const scratchDir = join(runtimeDir, 'scratch')
  mkdirSync(scratchDir, { recursive: true, mode: 0o755 })
  rmSync(join(stateDir, 'tmp'), { recursive: true, force: true })
  const cgroups = detectCgroups()
  const host = readHost()
  const events = new EventHub()
  // Processes may end while the records are still being read.
  const early: [key: string, exit: ProcessExit][] = []
  let recovering = true
  const supervisors = new Supervisors({
    directory: join(runtimeDir, 'supervisor'),
    clock,
    log,
    onExit: (key, exit) => (recovering ? early.push([key, exit]) : deliverExit(key, exit)),
    onLost: (supervisor) => {
      log.error({}, 'the supervisor of the containers is gone; its containers are ended')
      containers.onSupervisorLost(supervisor)
      execs.onSupervisorLost()
    },
  })
  const recovered = await supervisors.recover()
  const images = await ImageStore.open({
    dir: join(stateDir, IMAGES),
    random,
    runSteps: async (steps) => (await supervisors.current()).run(steps),
  })
  const context: RuntimeContext = {
    stateDir,
    runtimeDir,
    scratchDir,
    cgroupRoot,
    cgroups,
    host,
    network,
    supervisors,
    images,
    clock,
    random,
    log,
    executor: chooseExecutor(options.executor, {
      supervisors,
      layout: cgroups.layout,
      scratchDir,
      lastCapability: host.lastCapability,
      runtimeDir,
    }),
  }
  const sandboxes = new Sandboxes(context)
  const publish = (container: Container, type: ContainerEventType) => {
    if (events.subscriberCount === 0) return
    const record = sandboxes.find(container.record.sandboxId)
    events.publish({
      containerId: container.record.id,
      containerEventType: type,
      createdAt: Number(nowNs(clock)),
      ...(record && { podSandboxStatus: sandboxes.status(record) }),
      containersStatuses: containers.ofSandbox(container.record.sandboxId).map((member) => containers.status(member)),
    })
  }
  const containers = new Containers(context, sandboxes, publish)
  const execs = new Execs(context, containers, sandboxes)
  const deliverExit = (key: string, exit: ProcessExit) => {
    if (!key.startsWith('c/')) return execs.onExit(key, exit)
    containers
      .onExit(key.slice(2), exit)
      .catch((err: unknown) => log.error({ err, key }, 'cannot record the end of a container'))
  }
  const keyed = (prefix: string) => recovered.filter(({ process }) => process.key.startsWith(prefix))
  await sandboxes.recover(
    new Map(
      keyed('s/')
        .filter(({ process }) => !process.exit)
        .map(({ process }) => [process.key.slice(2), process.pid]),
    ),
  )
  containers.recover(new Map(keyed('c/').map((entry) => [entry.process.key, entry])))
  recovering = false
  for (const [key, exit] of early) deliverExit(key, exit)
  // Commands of an earlier daemon have lost their clients.
  for (const { supervisor, process } of keyed('e/')) {
    await supervisor.signal(process.key, 9).catch(() => {})
    await supervisor.release(process.key).catch(() => {})
  }
  const stats = new Stats(context, containers, sandboxes)
  const close = () => {
    containers.close()
    supervisors.close()
  }
  return { context, sandboxes, containers, execs, stats, events, close }
}

/** Prefers the built-in one: it starts faster and needs nothing installed. */
function chooseExecutor(wanted: CriServerOptions['executor'], parts: ExecutorParts): Executor {
  if (wanted !== 'runc') return new BuiltinExecutor(parts)
  const runcPath = findRunc()
  if (!runcPath)
    throw new Error(
      'the executor "runc" was asked for, but runc is not in /usr/local/sbin, /usr/local/bin, /usr/sbin or /usr/bin',
    )
  return new RuncExecutor({ ...parts, runcPath })
}

export interface PurgeOptions extends Omit<RuntimeOptions, 'executor'> {
  socketPath: string
  /** Leaves images where they are, for a later daemon with the same `stateDir`. */
  keepImages?: boolean
}

/**
 * Ends every container and pod and removes all that this runtime ever made: processes, mounts, namespaces, cgroups, state.
 * The daemon must not be running. Goes as far as it can; throws AggregateError of what could not be removed.
 */
export async function purge(options: PurgeOptions): Promise<void> {
  if (await isServed(options.socketPath))
    throw new AlreadyRunningError(`stop the container runtime at ${options.socketPath} first`)
  const { stateDir, runtimeDir, cgroupRoot, clock } = options
  if (!existsSync(stateDir) && !existsSync(runtimeDir)) return
  const failures: unknown[] = []
  const attempt = async (work: () => Promise<unknown>) => {
    await work().catch((thrown: unknown) => failures.push(thrown))
  }
  // Bundles on disk are runc's, and only it can take them away.
  const executor = existsSync(join(runtimeDir, 'bundles')) && findRunc() ? 'runc' : 'builtin'
  const { context, sandboxes, containers, close } = await openRuntime({ ...options, executor })
  await Promise.all(containers.list().map(({ record }) => attempt(() => containers.remove(record.id))))
  for (const { id } of sandboxes.list()) {
    await attempt(() => sandboxes.stop(id))
    await attempt(() => sandboxes.remove(id))
  }
  await attempt(() => context.supervisors.quit())
  close()
  if (cgroupRoot !== '/' && context.cgroups.exists(cgroupRoot))
    await attempt(() => context.cgroups.remove(cgroupRoot, clock))
  if (failures.length > 0)
    throw new AggregateError(
      failures,
      `cannot remove everything of the container runtime: ${failures.map(messageOf).join('; ')}`,
    )
  const state = options.keepImages ? readdirSync(stateDir).filter((name) => name !== IMAGES) : []
  const dirs = options.keepImages ? state.map((name) => join(stateDir, name)) : [stateDir]
  for (const dir of [...dirs, runtimeDir]) rmSync(dir, { recursive: true, force: true })
  rmSync(options.socketPath, { force: true })
}

async function listen(server: Server, socketPath: string) {
  mkdirSync(dirname(socketPath), { recursive: true, mode: 0o711 })
  rmSync(socketPath, { force: true })
  // Whoever can open the socket is root on this machine: nobody else may, not even for a moment.
  const before = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) =>
      server.bindAsync(`unix://${socketPath}`, ServerCredentials.createInsecure(), (error) =>
        error ? reject(error) : resolve(),
      ),
    )
  } finally {
    process.umask(before)
  }
  chmodSync(socketPath, 0o600)
}

function isServed(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
