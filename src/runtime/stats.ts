/**
 * Statistics of containers and pods in CRI's form: counters of cgroups, the network namespace's interface counters, and the
 * size of writable layers (measured at most every ten seconds, because it means walking a directory).
 */
import { readFileSync } from 'node:fs'
import { lstat, opendir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { CgroupStats, Pressure } from '#base/cgroup-stats.ts'
import type { CriMessageInit } from '#contracts/cri/types.ts'
import type { Container, Containers } from './containers.ts'
import type { SandboxRecord } from './records.ts'
import type { RuntimeContext } from './runtime-context.ts'
import { nowNs } from './runtime-context.ts'
import type { Sandboxes } from './sandboxes.ts'

const USAGE_MAX_AGE_MS = 10_000

interface Measured {
  bytes: number
  inodes: number
}

interface Usage extends Measured {
  atMs: number
}

/** What is being unpacked or removed has an ending. */
const COMPLETE_LAYER = /^[^.]+$/

export class Stats {
  readonly #context: RuntimeContext
  readonly #containers: Containers
  readonly #sandboxes: Sandboxes
  readonly #usage = new Map<string, Usage>()
  readonly #layers = new Map<string, Measured>()
  /** The previous CPU reading, for the rate. */
  readonly #cpu = new Map<string, { atNs: bigint; usageNs: number; nanoCores: number }>()

  constructor(context: RuntimeContext, containers: Containers, sandboxes: Sandboxes) {
    this.#context = context
    this.#containers = containers
    this.#sandboxes = sandboxes
  }

  async container({ record, cgroupPath }: Container): Promise<CriMessageInit<'ContainerStats'>> {
    const { clock, cgroups, stateDir } = this.#context
    const timestamp = Number(nowNs(clock))
    const usage = await this.#writableLayer(record.id)
    const attributes = {
      id: record.id,
      metadata: record.config.metadata!,
      labels: record.config.labels,
      annotations: record.config.annotations,
    }
    const writableLayer = {
      timestamp,
      fsId: { mountpoint: stateDir },
      usedBytes: { value: usage.bytes },
      inodesUsed: { value: usage.inodes },
    }
    if (record.state !== 'running') return { attributes, writableLayer }
    const stats = cgroups.stats(cgroupPath)
    return {
      attributes,
      cpu: this.#cpuUsage(record.id, stats),
      memory: memoryUsage(timestamp, stats),
      writableLayer,
      swap: { timestamp, ...wrap('swapUsageBytes', stats.swapUsageBytes) },
      ...(stats.ioPressure && { io: { timestamp, psi: psi(stats.ioPressure) } }),
    }
  }

  async sandbox(record: SandboxRecord): Promise<CriMessageInit<'PodSandboxStats'>> {
    const { clock, cgroups } = this.#context
    const timestamp = Number(nowNs(clock))
    const { id, config } = record
    const attributes = { id, metadata: config.metadata!, labels: config.labels, annotations: config.annotations }
    const members = this.#containers.ofSandbox(id).filter((c) => c.record.state === 'running')
    const containers = await Promise.all(members.map((c) => this.container(c)))
    const parent = config.linux?.cgroupParent
    const stats = parent ? cgroups.stats(parent.startsWith('/') ? parent : `/${parent}`) : {}
    const pid = members[0]?.process?.pid ?? this.#sandboxes.holderPid(id)
    const network = pid && record.ready ? networkUsage(timestamp, pid, record.interfaceName) : undefined
    return {
      attributes,
      linux: {
        cpu: this.#cpuUsage(id, stats),
        memory: memoryUsage(timestamp, stats),
        ...(network && { network }),
        process: { timestamp, ...wrap('processCount', stats.pids) },
        containers,
        ...(stats.ioPressure && { io: { timestamp, psi: psi(stats.ioPressure) } }),
      },
    }
  }

  async imageFs(): Promise<CriMessageInit<'ImageFsInfoResponse'>> {
    const { clock, images, stateDir } = this.#context
    const imagesDir = dirname(images.layersDir)
    const used = await this.#imageUsage(imagesDir, images.layersDir)
    const layers = await this.#cached('containers', join(stateDir, 'containers'))
    const timestamp = Number(nowNs(clock))
    const usage = (mountpoint: string, { bytes, inodes }: Usage) => ({
      timestamp,
      fsId: { mountpoint },
      usedBytes: { value: bytes },
      inodesUsed: { value: inodes },
    })
    return {
      imageFilesystems: [usage(imagesDir, used)],
      containerFilesystems: [usage(join(stateDir, 'containers'), layers)],
    }
  }

  forget(id: string): void {
    this.#usage.delete(id)
    this.#cpu.delete(id)
  }

  #cpuUsage(id: string, stats: CgroupStats): CriMessageInit<'CpuUsage'> {
    const atNs = nowNs(this.#context.clock)
    const usageNs = stats.cpuUsageNs
    const base = { timestamp: Number(atNs), ...(stats.cpuPressure && { psi: psi(stats.cpuPressure) }) }
    if (usageNs === undefined) return base
    const before = this.#cpu.get(id)
    const elapsed = before ? Number(atNs - before.atNs) : 0
    // Two readings too close together say nothing about a rate.
    const nanoCores =
      before && elapsed >= 100_000_000
        ? Math.max(0, Math.round(((usageNs - before.usageNs) * 1e9) / elapsed))
        : before?.nanoCores
    if (!before || elapsed >= 100_000_000) this.#cpu.set(id, { atNs, usageNs, nanoCores: nanoCores ?? 0 })
    return {
      ...base,
      usageCoreNanoSeconds: { value: usageNs },
      ...(before && nanoCores !== undefined && { usageNanoCores: { value: nanoCores } }),
    }
  }

  #writableLayer(id: string): Promise<Usage> {
    return this.#cached(id, join(this.#context.stateDir, 'containers', id, 'upper'))
  }

  /** A layer is measured once: it never changes, and images have tens of thousands of files. */
  async #imageUsage(imagesDir: string, layersDir: string): Promise<Usage> {
    const names = await entriesOf(imagesDir)
    const layers = await entriesOf(layersDir)
    for (const name of this.#layers.keys()) if (!layers.includes(name)) this.#layers.delete(name)
    const total = { bytes: 0, inodes: 0, atMs: this.#context.clock.now() }
    const add = ({ bytes, inodes }: Measured) => {
      total.bytes += bytes
      total.inodes += inodes + 1
    }
    for (const name of names) {
      const dir = join(imagesDir, name)
      if (dir !== layersDir) add(await this.#cached(`images/${name}`, dir))
    }
    for (const name of layers) {
      let usage = this.#layers.get(name)
      if (!usage) {
        usage = await directoryUsage(join(layersDir, name))
        // Anything else is on its way in or out.
        if (COMPLETE_LAYER.test(name)) this.#layers.set(name, usage)
      }
      add(usage)
    }
    return total
  }

  async #cached(key: string, dir: string): Promise<Usage> {
    const known = this.#usage.get(key)
    const nowMs = this.#context.clock.now()
    if (known && nowMs - known.atMs < USAGE_MAX_AGE_MS) return known
    const usage = { ...(await directoryUsage(dir)), atMs: nowMs }
    this.#usage.set(key, usage)
    return usage
  }
}

const entriesOf = (dir: string): Promise<string[]> => readdir(dir).catch(() => [])

/** Bytes on disk and number of files below a directory, hard links counted once. What vanishes meanwhile counts nothing. */
export async function directoryUsage(dir: string): Promise<Measured> {
  const seen = new Set<bigint>()
  let bytes = 0
  let inodes = 0
  const visit = async (path: string): Promise<void> => {
    const entries = await opendir(path).catch(() => undefined)
    if (!entries) return
    for await (const entry of entries) {
      const child = join(path, entry.name)
      const stat = await lstat(child, { bigint: true }).catch(() => undefined)
      if (!stat || (stat.nlink > 1n && !stat.isDirectory() && seen.has(stat.ino))) continue
      if (stat.nlink > 1n && !stat.isDirectory()) seen.add(stat.ino)
      bytes += Number(stat.blocks) * 512
      inodes++
      if (stat.isDirectory()) await visit(child)
    }
  }
  await visit(dir)
  return { bytes, inodes }
}

function memoryUsage(timestamp: number, stats: CgroupStats): CriMessageInit<'MemoryUsage'> {
  const available =
    stats.memoryLimitBytes !== undefined && stats.memoryWorkingSetBytes !== undefined
      ? Math.max(0, stats.memoryLimitBytes - stats.memoryWorkingSetBytes)
      : undefined
  return {
    timestamp,
    ...wrap('workingSetBytes', stats.memoryWorkingSetBytes),
    ...wrap('availableBytes', available),
    ...wrap('usageBytes', stats.memoryUsageBytes),
    ...wrap('rssBytes', stats.memoryRssBytes),
    ...wrap('pageFaults', stats.pageFaults),
    ...wrap('majorPageFaults', stats.majorPageFaults),
    ...(stats.memoryPressure && { psi: psi(stats.memoryPressure) }),
  }
}

/** Lines of /proc/<pid>/net/dev, which shows the namespace that the process lives in. */
function networkUsage(timestamp: number, pid: number, defaultName: string): CriMessageInit<'NetworkUsage'> | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/net/dev`, 'utf8')
  } catch {
    return undefined
  }
  const interfaces = text
    .split('\n')
    .slice(2)
    .filter(Boolean)
    .map((line) => {
      const [name, ...numbers] = line.trim().split(/[:\s]+/)
      const n = numbers.map(Number)
      return {
        name: name!,
        rxBytes: { value: n[0]! },
        rxErrors: { value: n[2]! },
        txBytes: { value: n[8]! },
        txErrors: { value: n[10]! },
      }
    })
  const defaultInterface =
    interfaces.find(({ name }) => name === defaultName) ?? interfaces.find(({ name }) => name !== 'lo')
  return {
    timestamp,
    ...(defaultInterface && { defaultInterface }),
    interfaces: interfaces.filter(({ name }) => name !== 'lo'),
  }
}

function wrap<K extends string>(key: K, value: number | undefined): { [key in K]?: { value: number } } {
  return value === undefined ? {} : ({ [key]: { value } } as { [key in K]?: { value: number } })
}

function psi({ some, full }: Pressure): CriMessageInit<'PsiStats'> {
  const data = (p: NonNullable<Pressure['some']>) => ({
    total: p.totalNs,
    avg10: p.avg10,
    avg60: p.avg60,
    avg300: p.avg300,
  })
  return { ...(some && { some: data(some) }), ...(full && { full: data(full) }) }
}
