/**
 * The Summary of this node's and its pods' use of resources (upstream: `stats/v1alpha1`), from the runtime's statistics and
 * `/proc`. Rates are computed from the sample before, where the runtime doesn't give them.
 */
import { readFile } from 'node:fs/promises'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import { messageOf } from '#base/errors.ts'
import { type CriClient, isCriUnimplemented } from '#contracts/cri/client.ts'
import type {
  ContainerStats,
  CriMessage,
  CpuUsage,
  MemoryUsage,
  NetworkUsage,
  PodSandboxStats,
} from '#contracts/cri/types.ts'
import { formatTime } from '#machinery/time.ts'
import { diskSpace, type DiskSpace, parseMeminfo } from '../machine-info.ts'
import type { ObservedPod } from '../observed-pod.ts'
import { POD_UID_LABEL } from '../runtime-labels.ts'

export interface CpuFigures {
  time: string
  usageNanoCores?: number
  usageCoreNanoSeconds?: number
}
export interface MemoryFigures {
  time: string
  availableBytes?: number
  usageBytes?: number
  workingSetBytes?: number
  rssBytes?: number
  pageFaults?: number
  majorPageFaults?: number
}
export interface InterfaceFigures {
  name: string
  rxBytes?: number
  rxErrors?: number
  txBytes?: number
  txErrors?: number
}
export interface NetworkFigures extends InterfaceFigures {
  time: string
  interfaces: InterfaceFigures[]
}
export interface FsFigures {
  time: string
  availableBytes?: number
  capacityBytes?: number
  usedBytes?: number
  inodesFree?: number
  inodes?: number
  inodesUsed?: number
}
export interface ContainerFigures {
  name: string
  startTime: string
  cpu?: CpuFigures
  memory?: MemoryFigures
  rootfs?: FsFigures
  swap?: { time: string; swapUsageBytes?: number; swapAvailableBytes?: number }
}
export interface PodFigures {
  podRef: { name: string; namespace: string; uid: string }
  startTime: string
  containers: ContainerFigures[]
  cpu?: CpuFigures
  memory?: MemoryFigures
  network?: NetworkFigures
  process_stats?: { process_count: number }
}
export interface NodeFigures {
  nodeName: string
  startTime: string
  cpu: CpuFigures
  memory: MemoryFigures
  network?: NetworkFigures
  fs?: FsFigures
  runtime?: { imageFs?: FsFigures; containerFs?: FsFigures }
  rlimit?: { time: string; maxpid: number; curproc: number }
}
export interface Summary {
  node: NodeFigures
  pods: PodFigures[]
}

export interface SummaryOptions {
  cri: CriClient
  clock: Clock
  log: Log
  nodeName: string
  /** A directory on the file system that volumes and logs are on. */
  nodeFsPath: string
  /** A directory on the file system of the images. */
  imageFsPath(): Promise<string>
  pods(): readonly ObservedPod[]
}

/** One answer serves all who ask within this time. */
const FRESH_MS = 1_000
const TICK_NS = 10_000_000

type Counter = CriMessage<'UInt64Value'> | undefined
const valueOf = (counter: Counter) => counter?.value

export class SummarySource {
  readonly #options: SummaryOptions
  readonly #startedAtMs: number
  #last: { atMs: number; summary: Promise<Summary> } | undefined
  /** CPU counters of the sample before, by key. */
  #samples = new Map<string, { atMs: number; ns: number }>()
  #hasPodStats = true

  constructor(options: SummaryOptions) {
    this.#options = options
    this.#startedAtMs = options.clock.now()
  }

  /** Throws CriError when the runtime doesn't answer. */
  async get(): Promise<Summary> {
    const now = this.#options.clock.monotonic()
    if (this.#last && now - this.#last.atMs < FRESH_MS) return this.#last.summary
    const summary = this.#collect()
    this.#last = { atMs: now, summary }
    summary.catch(() => (this.#last = undefined))
    return summary
  }

  async #collect(): Promise<Summary> {
    const samples = this.#samples
    this.#samples = new Map()
    const [node, pods] = await Promise.all([this.#node(samples), this.#pods(samples)])
    return { node, pods }
  }

  async #pods(samples: Map<string, { atMs: number; ns: number }>): Promise<PodFigures[]> {
    const observed = new Map(this.#options.pods().map((pod) => [pod.uid, pod]))
    const stats = await this.#criStats()
    return stats.flatMap(({ uid, sandbox, containers }) => {
      const pod = observed.get(uid)
      return pod ? [this.#pod(pod, sandbox, containers, samples)] : []
    })
  }

  /** Of the newest sandbox of each pod. */
  async #criStats() {
    const { cri } = this.#options
    if (this.#hasPodStats) {
      try {
        const { stats } = await cri.runtime.listPodSandboxStats({})
        return stats.flatMap((sandbox) => {
          const uid = sandbox.attributes?.metadata?.uid
          return uid ? [{ uid, sandbox, containers: sandbox.linux?.containers ?? [] }] : []
        })
      } catch (thrown) {
        if (!isCriUnimplemented(thrown)) throw thrown
        this.#hasPodStats = false
      }
    }
    const { stats } = await cri.runtime.listContainerStats({})
    const byPod = new Map<string, ContainerStats[]>()
    for (const container of stats) {
      const uid = container.attributes?.labels[POD_UID_LABEL]
      if (uid) byPod.set(uid, [...(byPod.get(uid) ?? []), container])
    }
    return [...byPod].map(([uid, containers]) => ({ uid, sandbox: undefined, containers }))
  }

  #pod(
    pod: ObservedPod,
    sandbox: PodSandboxStats | undefined,
    stats: readonly ContainerStats[],
    samples: Map<string, { atMs: number; ns: number }>,
  ): PodFigures {
    const containers = stats.flatMap((s): ContainerFigures[] => {
      const seen = pod.containers.find((c) => c.id === s.attributes?.id)
      if (!seen || seen.state !== 'running') return []
      return [this.#container(seen.name, seen.id, seen.startedAtMs, s, samples)]
    })
    const linux = sandbox?.linux
    const cpu = linux?.cpu ? this.#cpu(`pod/${pod.uid}`, linux.cpu, samples) : sumCpu(containers, this.#now())
    const memory = linux?.memory ? memoryFigures(linux.memory, this.#now()) : sumMemory(containers, this.#now())
    return {
      podRef: { name: pod.name, namespace: pod.namespace, uid: pod.uid },
      startTime: formatTime(pod.sandboxes[0]?.createdAtMs ?? this.#startedAtMs),
      containers,
      ...(cpu && { cpu }),
      ...(memory && { memory }),
      ...(linux?.network && { network: networkFigures(linux.network, this.#now()) }),
      ...(linux?.process?.processCount && { process_stats: { process_count: linux.process.processCount.value } }),
    }
  }

  #container(
    name: string,
    id: string,
    startedAtMs: number,
    stats: ContainerStats,
    samples: Map<string, { atMs: number; ns: number }>,
  ): ContainerFigures {
    const layer = stats.writableLayer
    const used = valueOf(layer?.usedBytes)
    const inodesUsed = valueOf(layer?.inodesUsed)
    return {
      name,
      startTime: formatTime(startedAtMs),
      ...(stats.cpu && { cpu: this.#cpu(`container/${id}`, stats.cpu, samples) }),
      ...(stats.memory && { memory: memoryFigures(stats.memory, this.#now()) }),
      ...(layer && {
        rootfs: {
          time: this.#now(),
          ...(used !== undefined && { usedBytes: used }),
          ...(inodesUsed !== undefined && { inodesUsed }),
        },
      }),
      ...(stats.swap && {
        swap: {
          time: this.#now(),
          ...optional('swapUsageBytes', valueOf(stats.swap.swapUsageBytes)),
          ...optional('swapAvailableBytes', valueOf(stats.swap.swapAvailableBytes)),
        },
      }),
    }
  }

  #cpu(key: string, cpu: CpuUsage, samples: Map<string, { atMs: number; ns: number }>): CpuFigures {
    const total = valueOf(cpu.usageCoreNanoSeconds)
    const atMs = cpu.timestamp > 0 ? cpu.timestamp / 1e6 : this.#options.clock.now()
    const rate = valueOf(cpu.usageNanoCores) ?? this.#rate(key, total, atMs, samples)
    return {
      time: formatTime(atMs),
      ...optional('usageNanoCores', rate),
      ...optional('usageCoreNanoSeconds', total),
    }
  }

  #rate(key: string, ns: number | undefined, atMs: number, samples: Map<string, { atMs: number; ns: number }>) {
    if (ns === undefined) return undefined
    this.#samples.set(key, { atMs, ns })
    const before = samples.get(key)
    if (!before || atMs <= before.atMs || ns < before.ns) return undefined
    return Math.round(((ns - before.ns) / (atMs - before.atMs)) * 1000)
  }

  async #node(samples: Map<string, { atMs: number; ns: number }>): Promise<NodeFigures> {
    const { clock, imageFsPath, log, nodeFsPath, nodeName } = this.#options
    const time = this.#now()
    const text = (path: string) => readFile(path, 'utf8').catch(() => '')
    const [stat, meminfo, network, loadavg, pidMax] = await Promise.all(
      ['/proc/stat', '/proc/meminfo', '/proc/net/dev', '/proc/loadavg', '/proc/sys/kernel/pid_max'].map(text),
    )
    const memory = parseMeminfo(meminfo!)
    const total = memory.get('MemTotal') ?? 0
    const available = memory.get('MemAvailable') ?? 0
    const ns = cpuNs(stat!)
    const disk = async (path: string | Promise<string>) => {
      try {
        return fsFigures(await diskSpace(await path), time)
      } catch (thrown) {
        log.debug({ reason: messageOf(thrown) }, 'cannot measure a file system')
        return undefined
      }
    }
    const [fs, imageFs] = await Promise.all([disk(nodeFsPath), disk(imageFsPath())])
    const processes = /\d+\/(\d+)/.exec(loadavg!)?.[1]
    return {
      nodeName,
      startTime: formatTime(this.#startedAtMs),
      cpu: {
        time,
        usageCoreNanoSeconds: ns,
        ...optional('usageNanoCores', this.#rate('node', ns, clock.now(), samples)),
      },
      memory: {
        time,
        availableBytes: available,
        usageBytes: total - (memory.get('MemFree') ?? 0),
        workingSetBytes: total - available,
        rssBytes: memory.get('AnonPages') ?? 0,
      },
      ...optional('network', nodeNetwork(network!, time)),
      ...optional('fs', fs),
      runtime: { ...optional('imageFs', imageFs), ...optional('containerFs', imageFs) },
      rlimit: { time, maxpid: Number(pidMax!.trim()) || 0, curproc: Number(processes ?? 0) },
    }
  }

  #now(): string {
    return formatTime(this.#options.clock.now())
  }
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V }
}

function memoryFigures(memory: MemoryUsage, time: string): MemoryFigures {
  return {
    time,
    ...optional('availableBytes', valueOf(memory.availableBytes)),
    ...optional('usageBytes', valueOf(memory.usageBytes)),
    ...optional('workingSetBytes', valueOf(memory.workingSetBytes)),
    ...optional('rssBytes', valueOf(memory.rssBytes)),
    ...optional('pageFaults', valueOf(memory.pageFaults)),
    ...optional('majorPageFaults', valueOf(memory.majorPageFaults)),
  }
}

function networkFigures(network: NetworkUsage, time: string): NetworkFigures {
  const figures = (i: CriMessage<'NetworkInterfaceUsage'>): InterfaceFigures => ({
    name: i.name,
    ...optional('rxBytes', valueOf(i.rxBytes)),
    ...optional('rxErrors', valueOf(i.rxErrors)),
    ...optional('txBytes', valueOf(i.txBytes)),
    ...optional('txErrors', valueOf(i.txErrors)),
  })
  const main = network.defaultInterface ? figures(network.defaultInterface) : { name: '' }
  return {
    time,
    ...main,
    interfaces: [...(network.defaultInterface ? [main] : []), ...network.interfaces.map(figures)],
  }
}

function sumCpu(containers: readonly ContainerFigures[], time: string): CpuFigures | undefined {
  if (containers.length === 0) return undefined
  const sum = (key: 'usageNanoCores' | 'usageCoreNanoSeconds') =>
    containers.reduce((total, c) => total + (c.cpu?.[key] ?? 0), 0)
  return { time, usageNanoCores: sum('usageNanoCores'), usageCoreNanoSeconds: sum('usageCoreNanoSeconds') }
}

function sumMemory(containers: readonly ContainerFigures[], time: string): MemoryFigures | undefined {
  if (containers.length === 0) return undefined
  const sum = (key: 'usageBytes' | 'workingSetBytes' | 'rssBytes' | 'pageFaults' | 'majorPageFaults') =>
    containers.reduce((total, c) => total + (c.memory?.[key] ?? 0), 0)
  return {
    time,
    usageBytes: sum('usageBytes'),
    workingSetBytes: sum('workingSetBytes'),
    rssBytes: sum('rssBytes'),
    pageFaults: sum('pageFaults'),
    majorPageFaults: sum('majorPageFaults'),
  }
}

function fsFigures(disk: DiskSpace, time: string): FsFigures {
  return {
    time,
    availableBytes: disk.availableBytes,
    capacityBytes: disk.capacityBytes,
    usedBytes: disk.usedBytes,
    inodesFree: disk.inodesFree,
    inodes: disk.inodes,
    inodesUsed: disk.inodes - disk.inodesFree,
  }
}

/** All but idle and waiting for disks, of all processors together. */
export function cpuNs(stat: string): number {
  const ticks = /^cpu\s+(.*)$/m.exec(stat)?.[1]?.trim().split(/\s+/).map(Number) ?? []
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = ticks
  return (user + nice + system + irq + softirq + steal) * TICK_NS
}

function nodeNetwork(text: string, time: string): NetworkFigures | undefined {
  const interfaces = text
    .split('\n')
    .slice(2)
    .flatMap((line): InterfaceFigures[] => {
      const [name, rest] = line.split(':')
      const n = rest?.trim().split(/\s+/).map(Number)
      if (!name || !n || name.trim() === 'lo') return []
      return [{ name: name.trim(), rxBytes: n[0]!, rxErrors: n[2]!, txBytes: n[8]!, txErrors: n[10]! }]
    })
  const main = interfaces.find((i) => /^(eth|en|wl)/.test(i.name)) ?? interfaces[0]
  return main && { time, ...main, interfaces }
}
