/**
 * Resource requests and limits as the kernel takes them: CPU shares and quota, memory, the out-of-memory score. Pure;
 * formulas and limits are upstream's (`kubelet/cm/helpers_linux.go`, `kubelet/qos/policy.go`).
 */
import type { Container } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { CgroupLimits } from '#base/cgroup-limits.ts'
import { Quantity } from '#machinery/quantity.ts'
import { isRestartableInit, qosClass } from './pod-spec.ts'

export type Amounts = Readonly<Record<string, string>>

const MIN_SHARES = 2
const MAX_SHARES = 262_144
const MIN_QUOTA_US = 1_000
export const QUOTA_PERIOD_US = 100_000

const quantity = (amounts: Amounts | undefined, name: string): Quantity =>
  amounts?.[name] === undefined ? Quantity.of(0) : Quantity.parse(String(amounts[name]))

/** Thousandths of a core; 0 where it is not given. */
export const milliCpu = (amounts: Amounts | undefined) => quantity(amounts, 'cpu').milliValue()
export const memoryBytes = (amounts: Amounts | undefined) => quantity(amounts, 'memory').value()

export function cpuShares(milli: number): number {
  return Math.min(Math.max(Math.floor((milli * 1024) / 1000), MIN_SHARES), MAX_SHARES)
}

/** Microseconds per QUOTA_PERIOD_US; 0 is no limit. */
export function cpuQuotaUs(milli: number): number {
  return milli === 0 ? 0 : Math.max(Math.floor((milli * QUOTA_PERIOD_US) / 1000), MIN_QUOTA_US)
}

/** How eagerly the kernel kills the container's processes when the node is out of memory: -997 (never) to 1000 (first). */
export function oomScoreAdjustment(pod: Pod, container: Container, memoryCapacityBytes: number): number {
  if ((pod.spec.priority ?? 0) >= 2_000_001_000) return -997
  const qos = qosClass(pod)
  if (qos === 'Guaranteed') return -997
  if (qos === 'BestEffort') return 1000
  const scoreOf = (bytes: number) => 1000 - Math.floor((1000 * bytes) / memoryCapacityBytes)
  let score = scoreOf(memoryBytes(container.resources?.requests))
  if (isRestartableInit(container) && pod.spec.initContainers?.includes(container)) {
    // A sidecar is not to die before the containers it serves.
    const smallest = Math.min(...pod.spec.containers.map((c) => memoryBytes(c.resources?.requests)))
    score = Math.min(score, scoreOf(smallest))
  }
  if (score < 3) return 3
  return score === 1000 ? 999 : score
}

/** All that a pod asks for together: containers and sidecars add up, init containers run one at a time. */
export function podRequests(pod: Pod): Record<string, Quantity> {
  return podTotal(pod, 'requests')
}

/** As `podRequests`; a resource is there only where something limits it. */
export function podLimits(pod: Pod): Record<string, Quantity> {
  return podTotal(pod, 'limits')
}

function podTotal(pod: Pod, kind: 'requests' | 'limits'): Record<string, Quantity> {
  const total = new Map<string, Quantity>()
  const add = (amounts: Amounts | undefined, into: Map<string, Quantity>) => {
    for (const name of Object.keys(amounts ?? {})) {
      into.set(name, (into.get(name) ?? Quantity.of(0)).add(quantity(amounts, name)))
    }
  }
  for (const c of pod.spec.containers) add(c.resources?.[kind], total)
  const sidecars = new Map<string, Quantity>()
  const initPeak = new Map<string, Quantity>()
  for (const c of pod.spec.initContainers ?? []) {
    const needed = new Map(sidecars)
    add(c.resources?.[kind], needed)
    if (isRestartableInit(c)) {
      add(c.resources?.[kind], total)
      add(c.resources?.[kind], sidecars)
    }
    for (const [name, q] of needed) if (q.cmp(initPeak.get(name) ?? Quantity.of(0)) > 0) initPeak.set(name, q)
  }
  for (const [name, peak] of initPeak) if (peak.cmp(total.get(name) ?? Quantity.of(0)) > 0) total.set(name, peak)
  for (const name of Object.keys(pod.spec.resources?.[kind] ?? {})) {
    total.set(name, quantity(pod.spec.resources?.[kind], name))
  }
  if (kind === 'requests') add(pod.spec.overhead, total)
  else
    for (const name of Object.keys(pod.spec.overhead ?? {}))
      if (total.has(name)) add({ [name]: pod.spec.overhead![name]! }, total)
  return Object.fromEntries(total)
}

/** What a pod's own cgroup is limited to: limits only where every container has one. Upstream: `ResourceConfigForPod`. */
export function podCgroupLimits(pod: Pod): CgroupLimits {
  const qos = qosClass(pod)
  if (qos === 'BestEffort') return { cpuShares: MIN_SHARES }
  const requests = podRequests(pod)
  const limits = podLimits(pod)
  const everyContainerLimits = (name: string) =>
    !quantity(pod.spec.resources?.limits, name).isZero ||
    [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].every(
      (c) => !quantity(c.resources?.limits, name).isZero,
    )
  const out: CgroupLimits = { cpuShares: cpuShares(requests.cpu?.milliValue() ?? 0) }
  if (everyContainerLimits('cpu') && limits.cpu) {
    out.cpuQuotaUs = cpuQuotaUs(limits.cpu.milliValue())
    out.cpuPeriodUs = QUOTA_PERIOD_US
  }
  if (everyContainerLimits('memory') && limits.memory) out.memoryLimitBytes = limits.memory.value()
  return out
}
