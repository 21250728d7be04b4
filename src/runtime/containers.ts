/**
 * Containers: created (record and directories only, no process), running, exited. The process belongs to the supervisor;
 * this class owns the record, the cgroup, the log and the answer to "what happened". Every state change is on disk before it
 * is acknowledged, and an exit is recorded by the supervisor itself, so a restart of the daemon finds everything.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep } from '#base/clock.ts'
import type { CgroupLimits } from '#base/cgroup-limits.ts'
import { messageOf } from '#base/errors.ts'
import { ContainerEventType, ContainerState, NamespaceMode } from '#contracts/cri/enums.ts'
import type { ContainerConfig, CriMessageInit, LinuxContainerResources } from '#contracts/cri/types.ts'
import type { OciResources, OciRuntimeSpec } from '#contracts/oci/runtime-spec.ts'
import { KeyedLock } from './keyed-lock.ts'
import { deviceRuleLine } from './plan/devices.ts'
import { InvalidConfigError, planContainerSpec, planResources } from './plan/container-spec.ts'
import { planSeccomp } from './plan/seccomp-profile.ts'
import { ProcessIo } from './process-io.ts'
import { RecordStore } from './records.ts'
import type { ContainerRecord, SandboxRecord } from './records.ts'
import { nowNs } from './runtime-context.ts'
import type { RuntimeContext } from './runtime-context.ts'
import type { Sandboxes } from './sandboxes.ts'
import { criSignal, criSignalName, signalNumber } from './signals.ts'
import { StatusError } from './status-error.ts'
import type { ProcessExit, StreamName, SupervisedProcess, Supervisor } from './supervisor/supervisor.ts'

/** containerd's codes for what never ran and for what nobody saw end. */
const EXIT_START_FAILED = 128
const EXIT_UNKNOWN = 255
const SIGKILL = 9
/** How long output may still arrive after the process ended (something it left behind may hold the pipe open). */
const DRAIN_MS = 2_000
const KILL_TIMEOUT_MS = 30_000

export interface Container {
  record: ContainerRecord
  supervisor?: Supervisor
  process?: SupervisedProcess
  io?: ProcessIo
  /** Resolves when the record says `exited`; present while running. */
  exited?: PromiseWithResolvers<void>
  cgroupPath: string
}

interface PromiseWithResolvers<T> {
  promise: Promise<T>
  resolve(value: T): void
}

export type ContainerListener = (container: Container, type: ContainerEventType) => void

export class Containers {
  readonly #context: RuntimeContext
  readonly #sandboxes: Sandboxes
  readonly #store: RecordStore<ContainerRecord>
  readonly #containers = new Map<string, Container>()
  readonly #lock = new KeyedLock()
  /** Ends that were reported before the start had been recorded. */
  readonly #earlyExits = new Map<string, ProcessExit>()
  readonly #publish: ContainerListener
  #closed = false

  constructor(context: RuntimeContext, sandboxes: Sandboxes, publish: ContainerListener) {
    this.#context = context
    this.#sandboxes = sandboxes
    this.#publish = publish
    this.#store = new RecordStore(join(context.stateDir, 'containers'), 'ContainerConfig')
  }

  /** Reads the records and matches them with what the supervisors run. Exits nobody saw are learnt from their files. */
  recover(running: ReadonlyMap<string, { supervisor: Supervisor; process: SupervisedProcess }>): void {
    const { records, orphans } = this.#store.load()
    for (const id of orphans) this.#store.remove(id)
    for (const record of records) {
      const container: Container = { record, cgroupPath: record.cgroupPath }
      this.#containers.set(record.id, container)
      const live = running.get(containerKey(record.id))
      // A start that was cut short between fork and record counts as started.
      if (live && record.state === 'created') record.state = 'running'
      if (live && record.state === 'exited') void live.supervisor.release(containerKey(record.id)).catch(() => {})
      if (record.state !== 'running') continue
      if (live) {
        this.#follow(container, live.supervisor, live.process)
        if (live.process.exit) void this.onExit(record.id, live.process.exit)
      } else this.#lost(container)
    }
  }

  list(): Container[] {
    return [...this.#containers.values()]
  }

  ofSandbox(sandboxId: string): Container[] {
    return this.list().filter(({ record }) => record.sandboxId === sandboxId)
  }

  /** By id, or an unambiguous beginning of one. */
  find(id: string): Container | undefined {
    const exact = this.#containers.get(id)
    if (exact || id.length < 4) return exact
    const matches = this.list().filter(({ record }) => record.id.startsWith(id))
    return matches.length === 1 ? matches[0] : undefined
  }

  get(id: string): Container {
    const container = this.find(id)
    if (!container)
      throw new StatusError('NOT_FOUND', `an error occurred when try to find container "${id}": not found`)
    return container
  }

  /** The container, when something can be run in it. */
  running(id: string): Container & { supervisor: Supervisor; process: SupervisedProcess } {
    const container = this.get(id)
    if (container.record.state !== 'running' || !container.supervisor || !container.process) {
      throw new StatusError('FAILED_PRECONDITION', `container is in ${stateName(container.record)} state`)
    }
    return container as ReturnType<Containers['running']>
  }

  /** Layers of images that containers use, by directory name. */
  layersInUse(): Set<string> {
    return new Set(this.list().flatMap(({ record }) => record.layers))
  }

  async create(sandbox: SandboxRecord, config: ContainerConfig): Promise<Container> {
    const { images, random, clock } = this.#context
    const metadata = config.metadata
    if (!metadata) throw new StatusError('INVALID_ARGUMENT', 'container config must include metadata')
    if (!sandbox.ready) throw new StatusError('FAILED_PRECONDITION', `sandbox "${sandbox.id}" is not running`)
    const same = this.ofSandbox(sandbox.id).find(
      ({
        record: {
          config: { metadata: m },
        },
      }) => m!.name === metadata.name && m!.attempt === metadata.attempt,
    )
    if (same)
      throw new StatusError(
        'ALREADY_EXISTS',
        `failed to reserve container name "${metadata.name}_${metadata.attempt}": name is reserved for "${same.record.id}"`,
      )
    const image = images.find(config.image?.image ?? '')
    if (!image) throw new StatusError('NOT_FOUND', `failed to get image "${config.image?.image}": not found`)
    const layers = [...image.layers]
    for (const mount of config.mounts) {
      if (mount.image?.image) layers.push(...this.#imageLayers(mount.image.image))
      // As containerd: a host path that is not there becomes a directory.
      if (mount.hostPath && !existsSync(mount.hostPath)) mkdirSync(mount.hostPath, { recursive: true, mode: 0o755 })
    }
    const record: ContainerRecord = {
      id: Buffer.from(random.bytes(32)).toString('hex'),
      sandboxId: sandbox.id,
      config,
      imageId: image.id,
      layers,
      rootLayers: image.layers.length,
      identity: { user: '0', group: '', mergeGroups: true, extraGroups: [] },
      createdAtNs: nowNs(clock),
      state: 'created',
      startedAtNs: 0n,
      finishedAtNs: 0n,
      exitCode: 0,
      reason: '',
      message: '',
      user: [],
      stopSignal: criSignalName(config.stopSignal) ?? image.config.config?.StopSignal ?? 'SIGTERM',
      cgroupPath: '',
    }
    record.cgroupPath = this.#cgroupPath(record)
    const container: Container = { record, cgroupPath: record.cgroupPath }
    // Whatever the configuration gets wrong is said now rather than at the start.
    record.identity = this.#plan(container).identity
    this.#store.save(record)
    const dir = this.#store.path(record.id)
    mkdirSync(join(dir, 'upper'), { mode: 0o755 })
    mkdirSync(join(dir, 'work'), { mode: 0o711 })
    this.#containers.set(record.id, container)
    this.#publish(container, ContainerEventType.CONTAINER_CREATED_EVENT)
    return container
  }

  start(id: string): Promise<void> {
    return this.#lock.run(id, async () => {
      const container = this.get(id)
      const { record, cgroupPath } = container
      if (record.state !== 'created')
        throw new StatusError('FAILED_PRECONDITION', `container "${id}" is in ${stateName(record)} state`)
      const sandbox = this.#sandboxes.get(record.sandboxId)
      if (!sandbox.ready)
        throw new StatusError('FAILED_PRECONDITION', `sandbox container "${sandbox.id}" is not running`)
      const { cgroups, executor, images } = this.#context
      try {
        const { spec, identity } = this.#plan(container)
        cgroups.create(cgroupPath)
        this.#limit(cgroupPath, spec.linux.resources)
        const dir = this.#store.path(id)
        rmSync(this.#exitFile(id), { force: true })
        const started = await executor.launch({
          id,
          key: containerKey(id),
          spec,
          identity,
          root: {
            layersDir: images.layersDir,
            layers: record.layers.slice(0, record.rootLayers),
            upperDir: join(dir, 'upper'),
            workDir: join(dir, 'work'),
          },
          cgroupProcs: cgroups.procsFiles(cgroupPath),
          streams: streamsOf(record.config),
          exitFile: this.#exitFile(id),
        })
        record.state = 'running'
        record.startedAtNs = started.process.startedNs
        record.user = started.process.user
        this.#follow(container, started.supervisor, started.process)
        this.#store.save(record)
      } catch (thrown) {
        const message = `failed to start container: unable to start container process: ${messageOf(thrown)}`
        await this.#failStart(container, message)
        throw new StatusError('UNKNOWN', message, { cause: thrown })
      }
      this.#publish(container, ContainerEventType.CONTAINER_STARTED_EVENT)
      const early = this.#earlyExits.get(id)
      this.#earlyExits.delete(id)
      if (early) void this.onExit(id, early)
    })
  }

  /** Asks the container to end, and makes it after `timeoutMs`. Resolves when it has ended. */
  async stop(id: string, timeoutMs: number): Promise<void> {
    const container = this.get(id)
    const { record, supervisor, exited } = container
    if (record.state !== 'running' || !exited) return
    const key = containerKey(record.id)
    if (timeoutMs > 0) {
      await supervisor?.signal(key, signalNumber(record.stopSignal) ?? 15)
      if (await this.#within(exited.promise, timeoutMs)) return
    }
    await supervisor?.signal(key, SIGKILL)
    for (let pauseMs = 20, spentMs = 0; spentMs < KILL_TIMEOUT_MS; pauseMs = Math.min(pauseMs * 2, 1000)) {
      if (await this.#within(exited.promise, pauseMs)) return
      spentMs += pauseMs
      this.#context.cgroups.killAll(container.cgroupPath)
    }
    throw new StatusError('DEADLINE_EXCEEDED', `container "${id}" did not die of SIGKILL within ${KILL_TIMEOUT_MS} ms`)
  }

  /** Stops the container if necessary and removes everything of it but its log. */
  async remove(id: string): Promise<void> {
    await this.stop(id, 0)
    await this.#lock.run(id, async () => {
      const container = this.#containers.get(id)
      if (!container) return
      container.io?.close()
      await this.#context.executor.cleanup(id)
      await this.#context.cgroups.remove(container.cgroupPath, this.#context.clock)
      this.#containers.delete(id)
      this.#publish(container, ContainerEventType.CONTAINER_DELETED_EVENT)
      // The record first: what is left of a removal that was cut short has none and is cleaned up at the next start.
      rmSync(join(this.#store.path(id), 'record.json'), { force: true })
      await rm(this.#store.path(id), { recursive: true, force: true, maxRetries: 3 })
    })
  }

  update(id: string, resources: LinuxContainerResources): Promise<void> {
    return this.#lock.run(id, async () => {
      const { record, cgroupPath } = this.get(id)
      if (record.state === 'exited')
        throw new StatusError('FAILED_PRECONDITION', `container "${id}" is in ${stateName(record)} state`)
      const linux = (record.config.linux ??= { securityContext: undefined })
      const before = linux.resources
      // Zero means "leave it alone", for each field on its own.
      linux.resources = before ? (mergeResources(before, resources) as LinuxContainerResources) : resources
      if (record.state === 'running') {
        this.#limit(cgroupPath, planResources(resources))
      }
      this.#store.save(record)
    })
  }

  reopenLog(id: string): void {
    this.running(id).io?.reopenLog()
  }

  /** The supervisor reports an exit, now or from before this daemon was started. */
  async onExit(id: string, exit: ProcessExit): Promise<void> {
    const container = this.#containers.get(id)
    if (container?.record.state === 'created') this.#earlyExits.set(id, exit)
    if (!container || container.record.state !== 'running') return
    const { record, supervisor, io, cgroupPath } = container
    // Other processes of the container may live on in a pid namespace that is not its own.
    this.#context.cgroups.killAll(cgroupPath)
    if (io) await this.#within(io.drained, DRAIN_MS)
    // A daemon that is being stopped may have missed the last output: the next one reads it and records the end.
    if (this.#closed) return
    const oomKills = this.#context.cgroups.stats(cgroupPath).oomKills ?? 0
    record.startedAtNs ||= exit.startedNs
    this.#exited(
      container,
      exit.code,
      exit.atNs,
      oomKills > 0 && exit.code !== 0 ? 'OOMKilled' : exit.code === 0 ? 'Completed' : 'Error',
    )
    await supervisor?.release(containerKey(id)).catch(() => {})
    await this.#context.executor
      .cleanup(id)
      .catch((err: unknown) => this.#context.log.warn({ err, container: id }, 'cannot clean up after the container'))
    await this.#context.cgroups
      .remove(cgroupPath, this.#context.clock)
      .catch((err: unknown) =>
        this.#context.log.warn({ err, container: id }, 'cannot remove the cgroup of an ended container'),
      )
  }

  /** A supervisor died. Its containers are killed: nobody could report their end or read their output. */
  onSupervisorLost(supervisor: Supervisor): void {
    for (const container of this.list()) {
      if (container.supervisor === supervisor && container.record.state === 'running') this.#lost(container)
    }
  }

  /** Stops following; the containers go on. */
  close(): void {
    this.#closed = true
    for (const { io } of this.list()) io?.close()
  }

  /** The specification as it would be started now. */
  #plan({ record, cgroupPath }: Container): ReturnType<typeof planContainerSpec> {
    const { images, host } = this.#context
    const image = images.list().find(({ id }) => id === record.imageId)
    const sandbox = this.#sandboxes.get(record.sandboxId)
    const options = record.config.linux?.securityContext?.namespaceOptions
    const target = options?.pid === NamespaceMode.TARGET ? this.find(options.targetId) : undefined
    try {
      const seccomp = planSeccomp(record.config.linux?.securityContext, host.capabilities)
      return planContainerSpec({
        config: record.config,
        image: image?.config.config ?? {},
        sandbox: this.#sandboxes.paths(sandbox),
        ...(target?.record.state === 'running' && { targetPid: `/proc/${target.process!.pid}/ns/pid` }),
        cgroupPath,
        rootPath: 'rootfs',
        facts: host,
        imageLayers: (name) => this.#imageLayers(name),
        ...(seccomp && { seccomp }),
      })
    } catch (thrown) {
      if (thrown instanceof InvalidConfigError || thrown instanceof TypeError)
        throw new StatusError(
          'INVALID_ARGUMENT',
          `failed to generate container "${record.id}" spec: ${thrown.message}`,
          { cause: thrown },
        )
      throw thrown
    }
  }

  #imageLayers(name: string): readonly string[] {
    const image = this.#context.images.find(name)
    if (!image) throw new StatusError('NOT_FOUND', `failed to get image "${name}": not found`)
    return image.layers
  }

  /** The program, environment and rights that an exec in the container gets. */
  plan(container: Container): { spec: OciRuntimeSpec; identity: ContainerRecord['identity'] } {
    return this.#plan(container)
  }

  #follow(container: Container, supervisor: Supervisor, process: SupervisedProcess) {
    const { record } = container
    container.supervisor = supervisor
    container.process = process
    let resolve = () => {}
    const promise = new Promise<void>((done) => (resolve = done))
    container.exited = { promise, resolve }
    const streams = Object.fromEntries(
      streamsOf(record.config)
        .map((name) => [name, supervisor.openStream(process, name)])
        .filter(([, stream]) => stream),
    )
    const logPath = this.logPath(record)
    container.io = new ProcessIo({
      streams,
      ...(logPath && { logPath }),
      clock: this.#context.clock,
      log: this.#context.log,
    })
  }

  /** Where the log goes; undefined when the pod or the container wants none. */
  logPath({ sandboxId, config }: ContainerRecord): string | undefined {
    const directory = this.#sandboxes.find(sandboxId)?.config.logDirectory
    return directory && config.logPath ? join(directory, config.logPath) : undefined
  }

  #lost(container: Container) {
    const { record, cgroupPath } = container
    const file = this.#exitFile(record.id)
    container.io?.close()
    if (existsSync(file)) {
      const { code, atNs, startedNs } = JSON.parse(readFileSync(file, 'utf8')) as {
        code: number
        atNs: string
        startedNs: string
      }
      record.startedAtNs ||= BigInt(startedNs)
      this.#exited(container, code, BigInt(atNs), code === 0 ? 'Completed' : 'Error')
    } else {
      this.#exited(container, EXIT_UNKNOWN, nowNs(this.#context.clock), 'Unknown')
    }
    void this.#context.cgroups
      .remove(cgroupPath, this.#context.clock)
      .catch((err: unknown) =>
        this.#context.log.warn({ err, container: record.id }, 'cannot end a container whose supervisor is gone'),
      )
  }

  #exited(container: Container, code: number, atNs: bigint, reason: string) {
    const { record } = container
    Object.assign(record, { state: 'exited', exitCode: code, finishedAtNs: atNs, reason })
    this.#store.save(record)
    container.io?.close()
    container.exited?.resolve()
    delete container.io
    delete container.process
    delete container.supervisor
    delete container.exited
    this.#publish(container, ContainerEventType.CONTAINER_STOPPED_EVENT)
  }

  async #failStart(container: Container, message: string) {
    const { record, cgroupPath } = container
    this.#earlyExits.delete(record.id)
    const at = nowNs(this.#context.clock)
    Object.assign(record, {
      state: 'exited',
      exitCode: EXIT_START_FAILED,
      reason: 'StartError',
      message,
      startedAtNs: 0n,
      finishedAtNs: at,
    })
    this.#store.save(record)
    this.#publish(container, ContainerEventType.CONTAINER_STOPPED_EVENT)
    const warn = (err: unknown) =>
      this.#context.log.warn({ err, container: record.id }, 'cannot clean up after a failed start')
    await this.#context.executor.cleanup(record.id).catch(warn)
    await this.#context.cgroups.remove(cgroupPath, this.#context.clock).catch(warn)
  }

  #limit(path: string, resources: OciResources) {
    const { cgroups } = this.#context
    cgroups.applyLimits(path, limitsOf(resources))
    for (const rule of resources.devices ?? []) {
      cgroups.write(path, 'devices', rule.allow ? 'devices.allow' : 'devices.deny', deviceRuleLine(rule))
    }
  }

  #cgroupPath({ id, sandboxId }: ContainerRecord): string {
    const parent = this.#sandboxes.find(sandboxId)?.config.linux?.cgroupParent || this.#context.cgroupRoot
    return `${parent.startsWith('/') ? '' : '/'}${parent.replace(/\/+$/, '')}/${id}`
  }

  #exitFile(id: string): string {
    return join(this.#store.path(id), 'exit.json')
  }

  /** Whether the promise settled in time. */
  async #within(promise: Promise<void>, timeoutMs: number): Promise<boolean> {
    const timer = new AbortController()
    const late = sleep(this.#context.clock, timeoutMs, timer.signal).then(
      () => false,
      () => false,
    )
    const result = await Promise.race([promise.then(() => true), late])
    timer.abort()
    return result
  }

  status(container: Container): CriMessageInit<'ContainerStatus'> {
    const { record } = container
    const image = this.#context.images.list().find(({ id }) => id === record.imageId)
    const tag = image?.names.find((name) => !name.includes('@'))
    const [uid, gid, ...groups] = record.user
    return {
      id: record.id,
      metadata: record.config.metadata!,
      state: stateOf(record),
      createdAt: Number(record.createdAtNs),
      startedAt: Number(record.startedAtNs),
      finishedAt: Number(record.finishedAtNs),
      exitCode: record.exitCode,
      image: { ...record.config.image, image: tag ?? record.config.image?.image ?? '' },
      imageRef: image?.names.find((name) => name.includes('@')) ?? record.imageId,
      imageId: record.imageId,
      reason: record.reason,
      message: record.message,
      labels: record.config.labels,
      annotations: record.config.annotations,
      mounts: record.config.mounts,
      logPath: this.logPath(record) ?? '',
      ...(record.config.linux?.resources && { resources: { linux: record.config.linux.resources } }),
      ...(uid !== undefined && gid !== undefined && { user: { linux: { uid, gid, supplementalGroups: groups } } }),
      stopSignal: criSignal(record.stopSignal),
    }
  }
}

export const containerKey = (id: string) => `c/${id}`

export function stateOf({ state }: ContainerRecord): ContainerState {
  return {
    created: ContainerState.CONTAINER_CREATED,
    running: ContainerState.CONTAINER_RUNNING,
    exited: ContainerState.CONTAINER_EXITED,
  }[state]
}

const stateName = (record: ContainerRecord) => `CONTAINER_${record.state.toUpperCase()}`

function streamsOf({ stdin, tty }: ContainerConfig): StreamName[] {
  return [...(stdin ? ['stdin' as const] : []), 'stdout', ...(tty ? [] : ['stderr' as const])]
}

function limitsOf({ cpu, memory, pids, hugepageLimits, unified }: OciResources): CgroupLimits {
  return {
    ...(cpu?.shares && { cpuShares: cpu.shares }),
    ...(cpu?.quota && { cpuQuotaUs: cpu.quota }),
    ...(cpu?.period && { cpuPeriodUs: cpu.period }),
    ...(cpu?.cpus && { cpusetCpus: cpu.cpus }),
    ...(cpu?.mems && { cpusetMems: cpu.mems }),
    ...(memory?.limit && { memoryLimitBytes: memory.limit }),
    ...(memory?.swap && { memorySwapLimitBytes: memory.swap }),
    ...(pids?.limit && { pidsMax: pids.limit }),
    ...(hugepageLimits && {
      hugepages: Object.fromEntries(hugepageLimits.map(({ pageSize, limit }) => [pageSize, limit])),
    }),
    ...(unified && { unified }),
  }
}

function mergeResources(before: LinuxContainerResources, change: LinuxContainerResources): LinuxContainerResources {
  const set = Object.entries(change).filter(
    ([, value]) => value && (typeof value !== 'object' || Object.keys(value).length > 0),
  )
  return { ...before, ...Object.fromEntries(set) }
}
