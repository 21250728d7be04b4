/**
 * Ends pods before the node runs out of memory, disk or process ids: what signals say is pure (`planEviction`), the loop
 * acts on it, one pod a round, after unused images have gone. Conditions stay for five minutes after the last time, so that
 * the scheduler doesn't send back at once what was just evicted. Upstream: `kubelet/eviction`.
 */
import { type Clock, sleep } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { Quantity } from '#machinery/quantity.ts'
import type { DiskSpace } from './machine-info.ts'
import { podRequests } from './resource-amounts.ts'
import type { Summary } from './stats/summary.ts'
import type { Verdict } from './pod-worker.ts'

export type Signal =
  | 'memory.available'
  | 'nodefs.available'
  | 'nodefs.inodesFree'
  | 'imagefs.available'
  | 'imagefs.inodesFree'
  | 'pid.available'

/** A quantity, or a percentage of the capacity. */
export type Thresholds = Partial<Record<Signal, string>>

export const defaultThresholds: Thresholds = {
  'memory.available': '100Mi',
  'nodefs.available': '10%',
  'nodefs.inodesFree': '5%',
  'imagefs.available': '15%',
  'imagefs.inodesFree': '5%',
}

export type Pressure = 'memory' | 'disk' | 'pid'

const signals: Readonly<Record<Signal, { pressure: Pressure; resource: string }>> = {
  'memory.available': { pressure: 'memory', resource: 'memory' },
  'nodefs.available': { pressure: 'disk', resource: 'ephemeral-storage' },
  'nodefs.inodesFree': { pressure: 'disk', resource: 'inodes' },
  'imagefs.available': { pressure: 'disk', resource: 'ephemeral-storage' },
  'imagefs.inodesFree': { pressure: 'disk', resource: 'inodes' },
  'pid.available': { pressure: 'pid', resource: 'pids' },
}

export type Observation = Partial<Record<Signal, { available: number; capacity: number }>>

export interface Met {
  signal: Signal
  pressure: Pressure
  resource: string
  threshold: number
  available: number
}

/** Thresholds that are crossed, memory first. */
export function metThresholds(thresholds: Thresholds, observation: Observation): Met[] {
  return (Object.keys(signals) as Signal[]).flatMap((signal) => {
    const text = thresholds[signal]
    const seen = observation[signal]
    if (!text || !seen || seen.capacity === 0) return []
    const threshold = text.endsWith('%')
      ? (seen.capacity * Number.parseFloat(text)) / 100
      : Quantity.parse(text).value()
    return seen.available < threshold ? [{ signal, ...signals[signal], threshold, available: seen.available }] : []
  })
}

/** What pods use, by uid. */
export type Usage = ReadonlyMap<string, { memoryBytes: number; diskBytes: number }>

/**
 * Pods in the order in which they are to go: those that use more than they asked for first, then by priority, then by how
 * far they are beyond. Critical pods stay.
 */
export function evictionOrder(pods: readonly Pod[], usage: Usage, resource: string): Pod[] {
  const measure = (pod: Pod) => {
    const used = usage.get(pod.metadata.uid)
    const amount = resource === 'memory' ? (used?.memoryBytes ?? 0) : (used?.diskBytes ?? 0)
    const request = podRequests(pod)[resource]?.value() ?? 0
    return { beyond: amount - request, priority: pod.spec.priority ?? 0 }
  }
  return pods
    .filter((pod) => (pod.spec.priority ?? 0) < 2_000_000_000)
    .map((pod) => ({ pod, ...measure(pod) }))
    .toSorted((a, b) => Number(b.beyond > 0) - Number(a.beyond > 0) || a.priority - b.priority || b.beyond - a.beyond)
    .map(({ pod }) => pod)
}

/** The reason and message under which a pod goes. */
export function evictionVerdict({ resource, threshold, available }: Met): Verdict {
  const amount = (n: number) => Quantity.of(Math.floor(n), resource === 'inodes' ? 'DecimalSI' : 'BinarySI').toString()
  const message =
    `The node was low on resource: ${resource}. ` +
    `Threshold quantity: ${amount(threshold)}, available: ${amount(available)}. `
  return {
    reason: 'Evicted',
    message,
    graceSeconds: 1,
    disruption: { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message },
  }
}

export interface EvictionOptions {
  clock: Clock
  log: Log
  thresholds: Thresholds
  summary(): Promise<Summary>
  nodeDisk(): Promise<DiskSpace>
  imageDisk(): Promise<DiskSpace>
  /** Pods that may be ended. */
  pods(): readonly Pod[]
  evict(pod: Pod, verdict: Verdict): void
  removeUnusedImages(): Promise<number>
  /** Told when a pressure begins or ends. */
  onPressure(): void
  signal: AbortSignal
}

const PERIOD_MS = 10_000
const TRANSITION_MS = 5 * 60_000

export class Eviction {
  readonly #options: EvictionOptions
  readonly #lastMetMs = new Map<Pressure, number>()

  constructor(options: EvictionOptions) {
    this.#options = options
  }

  get pressure(): { memory: boolean; disk: boolean; pid: boolean } {
    const now = this.#options.clock.monotonic()
    const holds = (p: Pressure) => now - (this.#lastMetMs.get(p) ?? -Infinity) < TRANSITION_MS
    return { memory: holds('memory'), disk: holds('disk'), pid: holds('pid') }
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(): Promise<void> {
    const { clock, log, signal } = this.#options
    while (!signal.aborted) {
      await sleep(clock, PERIOD_MS, signal).catch(() => {})
      if (signal.aborted) return
      try {
        await this.#round()
      } catch (thrown) {
        log.warn({ reason: messageOf(thrown) }, 'cannot see whether the node is short of something')
      }
    }
  }

  async #round() {
    const { clock, log, thresholds } = this.#options
    const before = this.pressure
    const met = metThresholds(thresholds, await this.#observe())
    for (const { pressure } of met) this.#lastMetMs.set(pressure, clock.monotonic())
    const after = this.pressure
    const isChanged = (['memory', 'disk', 'pid'] as const).some((p) => before[p] !== after[p])
    if (isChanged) this.#options.onPressure()
    const [worst] = met
    if (!worst) return
    log.warn({ signal: worst.signal, available: worst.available }, 'the node is short of a resource')
    if (worst.pressure === 'disk' && (await this.#options.removeUnusedImages()) > 0) {
      const stillMet = metThresholds(thresholds, await this.#observe()).some((m) => m.signal === worst.signal)
      if (!stillMet) return
    }
    const [first] = evictionOrder(this.#options.pods(), usageOf(await this.#options.summary()), worst.resource)
    if (first) this.#options.evict(first, evictionVerdict(worst))
  }

  async #observe(): Promise<Observation> {
    const { node } = await this.#options.summary()
    const [nodeDisk, imageDisk] = await Promise.all([this.#options.nodeDisk(), this.#options.imageDisk()])
    const memory = node.memory
    const disk = (d: DiskSpace, prefix: 'nodefs' | 'imagefs'): Observation => ({
      [`${prefix}.available`]: { available: d.availableBytes, capacity: d.capacityBytes },
      [`${prefix}.inodesFree`]: { available: d.inodesFree, capacity: d.inodes },
    })
    return {
      'memory.available': {
        available: memory.availableBytes ?? 0,
        capacity: (memory.availableBytes ?? 0) + (memory.workingSetBytes ?? 0),
      },
      ...disk(nodeDisk, 'nodefs'),
      ...disk(imageDisk, 'imagefs'),
      'pid.available': {
        available: (node.rlimit?.maxpid ?? 0) - (node.rlimit?.curproc ?? 0),
        capacity: node.rlimit?.maxpid ?? 0,
      },
    }
  }
}

export function usageOf({ pods }: Summary): Usage {
  return new Map(
    pods.map((pod) => [
      pod.podRef.uid,
      {
        memoryBytes: pod.memory?.workingSetBytes ?? 0,
        diskBytes: pod.containers.reduce((sum, c) => sum + (c.rootfs?.usedBytes ?? 0), 0),
      },
    ]),
  )
}

/** Of an emptyDir whose limit is exceeded. */
export function volumeVerdict(volume: string, limit: string): Verdict {
  return {
    reason: 'Evicted',
    message: `Usage of EmptyDir volume "${volume}" exceeds the limit "${limit}". `,
    graceSeconds: 1,
  }
}
