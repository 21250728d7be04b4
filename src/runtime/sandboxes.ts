/**
 * Pod sandboxes: namespaces pinned as bind mounts below the run-time directory (no pause process holds them), their network,
 * and their record. A sandbox is ready from the moment its network is up until it is stopped, its namespaces are lost, or
 * the machine restarts.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NamespaceMode, PodSandboxState, Protocol } from '#contracts/cri/enums.ts'
import type { CriMessageInit, PodSandboxConfig } from '#contracts/cri/types.ts'
import type { SandboxNetworkRequest } from '#contracts/sandbox-network.ts'
import { KeyedLock } from './keyed-lock.ts'
import type { SandboxPaths } from './plan/container-spec.ts'
import { RecordStore } from './records.ts'
import type { SandboxRecord } from './records.ts'
import type { RuntimeContext } from './runtime-context.ts'
import { StatusError } from './status-error.ts'
import type { Step } from './supervisor/supervisor.ts'

const CLONE_NEWPID = 0x2000_0000
const NAMESPACES = { net: 0x4000_0000, ipc: 0x0800_0000, uts: 0x0400_0000 }
const SHM_BYTES = 64 << 20

/** Set where the kernel lets them: what containerd does by default, so that images run unprivileged on low ports. */
const DEFAULT_SYSCTLS = { 'net/ipv4/ip_unprivileged_port_start': '0', 'net/ipv4/ping_group_range': '0 2147483647' }

export class Sandboxes {
  readonly #context: RuntimeContext
  readonly #store: RecordStore<SandboxRecord>
  readonly #records = new Map<string, SandboxRecord>()
  /** Ids of those being made. */
  readonly #unfinished = new Set<string>()
  readonly #lock = new KeyedLock()
  /** Sandbox id -> the supervisor's key of its pid namespace holder, resolved to a pid when it runs. */
  readonly #holders = new Map<string, number>()

  constructor(context: RuntimeContext) {
    this.#context = context
    this.#store = new RecordStore(join(context.stateDir, 'sandboxes'), 'PodSandboxConfig')
  }

  /** Reads the records and finds out which sandboxes survived. `holders`: pids of pid namespace holders that still run. */
  async recover(holders: ReadonlyMap<string, number>): Promise<void> {
    const { records, orphans } = this.#store.load()
    for (const id of orphans) this.#store.remove(id)
    for (const record of records) {
      this.#records.set(record.id, record)
      const holder = holders.get(record.id)
      if (holder) this.#holders.set(record.id, holder)
      const lost =
        record.bootId !== this.#context.host.bootId ||
        (this.#kinds(record.config).length > 0 && !existsSync(this.#pin(record.id, 'ipc'))) ||
        (this.#sharesPid(record.config) && !holder)
      if (record.ready && lost) {
        this.#context.log.warn(
          { sandbox: record.id },
          'the namespaces of the pod sandbox are gone; it is not ready any more',
        )
        record.ready = false
        this.#store.save(record)
      }
    }
  }

  /** Without those being made: they would look like stopped ones. */
  list(): SandboxRecord[] {
    return [...this.#records.values()].filter(({ id }) => !this.#unfinished.has(id))
  }

  /** By id, or an unambiguous beginning of one. */
  find(id: string): SandboxRecord | undefined {
    const exact = this.#records.get(id)
    if (exact || id.length < 4) return exact
    const matches = [...this.#records.values()].filter((record) => record.id.startsWith(id))
    return matches.length === 1 ? matches[0] : undefined
  }

  get(id: string): SandboxRecord {
    const record = this.find(id)
    if (!record) throw new StatusError('NOT_FOUND', `an error occurred when try to find sandbox "${id}": not found`)
    return record
  }

  /** Creates the sandbox; on failure nothing of it stays. */
  async run(config: PodSandboxConfig, runtimeHandler: string): Promise<SandboxRecord> {
    const { clock, host, log, network } = this.#context
    const metadata = config.metadata
    if (!metadata) throw new StatusError('INVALID_ARGUMENT', 'sandbox config must include metadata')
    if (runtimeHandler && runtimeHandler !== this.#context.executor.name) {
      throw new StatusError('INVALID_ARGUMENT', `no runtime for "${runtimeHandler}" is configured`)
    }
    const same = [...this.#records.values()].find(
      ({ config: { metadata: m } }) =>
        m!.uid === metadata.uid &&
        m!.name === metadata.name &&
        m!.namespace === metadata.namespace &&
        m!.attempt === metadata.attempt,
    )
    if (same)
      throw new StatusError(
        'ALREADY_EXISTS',
        `failed to reserve sandbox name "${metadata.name}_${metadata.namespace}_${metadata.uid}_${metadata.attempt}": name is reserved for "${same.id}"`,
      )
    const record: SandboxRecord = {
      id: Buffer.from(this.#context.random.bytes(32)).toString('hex'),
      config,
      runtimeHandler,
      createdAtNs: BigInt(Math.round(clock.now() * 1000)) * 1000n,
      ready: false,
      bootId: host.bootId,
      ips: [],
      interfaceName: '',
      networked: !hostNetwork(config),
    }
    this.#records.set(record.id, record)
    this.#unfinished.add(record.id)
    return this.#lock.run(record.id, async () => {
      try {
        // Before anything exists, so that a crash in the middle leaves a record to clean up by.
        this.#store.save(record)
        this.#writeFiles(record)
        await this.#makeNamespaces(record)
        if (record.networked) {
          const { ips, interfaceName } = await network.setup(this.#networkRequest(record))
          record.ips = ips
          record.interfaceName = interfaceName
        }
        record.ready = true
        this.#store.save(record)
        return record
      } catch (thrown) {
        await this.#dismantle(record).catch((err: unknown) =>
          log.warn({ err, sandbox: record.id }, 'cannot clean up after a failed sandbox'),
        )
        this.#forget(record.id)
        throw thrown
      } finally {
        this.#unfinished.delete(record.id)
      }
    })
  }

  /** Takes the sandbox's network and namespaces away. Its containers must have ended. Idempotent. */
  stop(id: string): Promise<void> {
    return this.#lock.run(id, async () => {
      const record = this.#records.get(id)
      if (!record) return
      if (record.ready) {
        record.ready = false
        this.#store.save(record)
      }
      await this.#dismantle(record)
      this.#store.save(record)
    })
  }

  /** Forgets a stopped sandbox. */
  remove(id: string): Promise<void> {
    return this.#lock.run(id, async () => {
      if (this.#records.has(id)) this.#forget(id)
    })
  }

  /** What containers of the sandbox join and mount. */
  paths(record: SandboxRecord): SandboxPaths {
    const { config, id } = record
    const kinds = this.#kinds(config)
    const options = config.linux?.securityContext?.namespaceOptions
    const holder = this.#holders.get(id)
    const dir = this.#dir(id)
    return {
      // The supervisor may have been started in another namespace than this daemon lives in now.
      net: kinds.includes('net') ? this.#pin(id, 'net') : this.#context.host.netnsPath,
      ...(kinds.includes('ipc') && { ipc: this.#pin(id, 'ipc') }),
      ...(kinds.includes('uts') && { uts: this.#pin(id, 'uts') }),
      ...(holder && { pid: `/proc/${holder}/ns/pid` }),
      hostPid: options?.pid === NamespaceMode.NODE,
      hostNetwork: hostNetwork(config),
      shm: kinds.includes('ipc') ? join(dir, 'shm') : '/dev/shm',
      hostname: config.hostname || this.#context.host.hostname,
      hostnameFile: join(dir, 'hostname'),
      hostsFile: join(dir, 'hosts'),
      resolvFile: join(dir, 'resolv.conf'),
    }
  }

  /** A file that names the sandbox's network namespace. */
  netnsPath(record: SandboxRecord): string {
    return this.paths(record).net!
  }

  holderPid(id: string): number | undefined {
    return this.#holders.get(id)
  }

  status(record: SandboxRecord): CriMessageInit<'PodSandboxStatus'> {
    const { config } = record
    const [ip = '', ...rest] = record.ready ? record.ips : []
    const options = config.linux?.securityContext?.namespaceOptions
    return {
      ...summary(record),
      network: { ip, additionalIps: rest.map((address) => ({ ip: address })) },
      linux: {
        namespaces: {
          options: {
            network: options?.network ?? 0,
            pid: options?.pid ?? 0,
            ipc: options?.ipc ?? 0,
            targetId: options?.targetId ?? '',
          },
        },
      },
    }
  }

  #kinds(config: PodSandboxConfig): (keyof typeof NAMESPACES)[] {
    const options = config.linux?.securityContext?.namespaceOptions
    const kinds: (keyof typeof NAMESPACES)[] = []
    if (!hostNetwork(config)) kinds.push('net')
    if (options?.ipc !== NamespaceMode.NODE) kinds.push('ipc')
    // Several nodes may share a machine, so a pod on its node's network can have another host name than the machine.
    if (!hostNetwork(config) || (config.hostname && config.hostname !== this.#context.host.hostname)) kinds.push('uts')
    return kinds
  }

  #sharesPid(config: PodSandboxConfig): boolean {
    return (
      config.linux?.securityContext?.namespaceOptions !== undefined &&
      config.linux.securityContext.namespaceOptions.pid === NamespaceMode.POD
    )
  }

  async #makeNamespaces(record: SandboxRecord) {
    const { config, id } = record
    const kinds = this.#kinds(config)
    const steps: Step[] = []
    if (kinds.length > 0) steps.push(['unshare', kinds.reduce((sum, kind) => sum | NAMESPACES[kind], 0)])
    if (kinds.includes('uts'))
      steps.push(['sethostname', (config.hostname || this.#context.host.hostname).slice(0, 64)])
    if (kinds.includes('net')) {
      steps.push(['loopback'])
      for (const [name, value] of Object.entries(DEFAULT_SYSCTLS)) steps.push(['sysctl', name, value, 1])
    }
    for (const [name, value] of Object.entries(config.linux?.sysctls ?? {})) {
      // Dots separate, unless the name is written with slashes; then dots belong to interface names.
      const path = name.includes('/') ? name : name.replaceAll('.', '/')
      if (path.split('/').includes('..')) throw new StatusError('INVALID_ARGUMENT', `invalid sysctl "${name}"`)
      steps.push(['sysctl', path, value])
    }
    for (const kind of kinds) steps.push(['pin', kind, this.#pin(id, kind)])
    if (kinds.includes('ipc')) {
      const shm = join(this.#dir(id), 'shm')
      // nosuid, nodev, noexec
      steps.push(['mkdir', shm, '1777'], ['mount', 'shm', shm, 'tmpfs', 2 | 4 | 8, `mode=1777,size=${SHM_BYTES}`])
    }
    const supervisor = await this.#context.supervisors.current()
    if (steps.length > 0) await supervisor.run(steps)
    if (this.#sharesPid(config)) {
      const { scratchDir, host } = this.#context
      const { pid } = await supervisor.start({
        key: holderKey(id),
        steps: [
          ['oomScore', -998],
          ['hold', scratchDir, host.lastCapability],
        ],
        streams: [],
        clone: CLONE_NEWPID,
      })
      this.#holders.set(id, pid)
    }
  }

  async #dismantle(record: SandboxRecord) {
    const { id } = record
    const supervisor = await this.#context.supervisors.current()
    if (this.#holders.has(id)) {
      for (const each of this.#context.supervisors.all()) {
        await each.signal(holderKey(id), 9)
        await each.release(holderKey(id))
      }
      this.#holders.delete(id)
    }
    if (record.networked) {
      await this.#context.network.teardown(this.#networkRequest(record))
      record.networked = false
    }
    await supervisor.unmount([
      ...Object.keys(NAMESPACES).map((kind) => this.#pin(id, kind)),
      join(this.#dir(id), 'shm'),
    ])
  }

  #forget(id: string) {
    this.#records.delete(id)
    rmSync(this.#dir(id), { recursive: true, force: true })
    this.#store.remove(id)
  }

  #networkRequest({ id, config }: SandboxRecord): SandboxNetworkRequest {
    const protocols = { [Protocol.TCP]: 'tcp', [Protocol.UDP]: 'udp', [Protocol.SCTP]: 'sctp' } as const
    const { namespace = '', name = '', uid = '' } = config.metadata ?? {}
    return {
      sandboxId: id,
      netnsPath: this.#pin(id, 'net'),
      namespace,
      name,
      uid,
      labels: config.labels,
      annotations: config.annotations,
      portMappings: config.portMappings
        .filter((p) => p.hostPort > 0)
        .map(({ protocol, containerPort, hostPort, hostIp }) => ({
          protocol: protocols[protocol],
          containerPort,
          hostPort,
          hostIp,
        })),
      dns: config.dnsConfig ?? { servers: [], searches: [], options: [] },
    }
  }

  #writeFiles({ id, config }: SandboxRecord) {
    const dir = this.#dir(id)
    mkdirSync(dir, { recursive: true, mode: 0o711 })
    const hostname = config.hostname || this.#context.host.hostname
    writeFileSync(join(dir, 'hostname'), `${hostname}\n`)
    writeFileSync(join(dir, 'hosts'), '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n')
    writeFileSync(join(dir, 'resolv.conf'), resolvConf(config))
  }

  #dir(id: string): string {
    return join(this.#context.runtimeDir, 'sandboxes', id)
  }

  #pin(id: string, kind: string): string {
    return join(this.#dir(id), kind)
  }
}

export const holderKey = (sandboxId: string) => `s/${sandboxId}`

export function hostNetwork(config: PodSandboxConfig): boolean {
  return config.linux?.securityContext?.namespaceOptions?.network === NamespaceMode.NODE
}

/** The fields that lists and statuses share. */
export function summary(record: SandboxRecord) {
  const { id, config, ready, createdAtNs, runtimeHandler } = record
  return {
    id,
    metadata: config.metadata!,
    state: ready ? PodSandboxState.SANDBOX_READY : PodSandboxState.SANDBOX_NOTREADY,
    createdAt: Number(createdAtNs),
    labels: config.labels,
    annotations: config.annotations,
    runtimeHandler,
  }
}

function resolvConf({ dnsConfig }: PodSandboxConfig): string {
  if (
    !dnsConfig ||
    (dnsConfig.servers.length === 0 && dnsConfig.searches.length === 0 && dnsConfig.options.length === 0)
  ) {
    return existsSync('/etc/resolv.conf') ? readFileSync('/etc/resolv.conf', 'utf8') : ''
  }
  const lines = []
  if (dnsConfig.searches.length > 0) lines.push(`search ${dnsConfig.searches.join(' ')}`)
  for (const server of dnsConfig.servers) lines.push(`nameserver ${server}`)
  if (dnsConfig.options.length > 0) lines.push(`options ${dnsConfig.options.join(' ')}`)
  return `${lines.join('\n')}\n`
}
