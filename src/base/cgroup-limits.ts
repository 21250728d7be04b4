/**
 * What to write into which control file to limit a cgroup, for cgroup v1 and v2: pure, so that the numbers can be tested
 * without a kernel. Units are those of the OCI runtime specification; the conversions to v2 are those of runc, so that a
 * node shows the same figures whatever runs its containers.
 */

export interface CgroupLimits {
  /** Relative weight, 2..262144; 0 or absent leaves it alone. */
  cpuShares?: number
  /** Microseconds of CPU per period; -1 is no limit, 0 or absent leaves it alone. */
  cpuQuotaUs?: number
  /** Microseconds, default 100000 where a quota is given. */
  cpuPeriodUs?: number
  /** Bytes; -1 is no limit, 0 or absent leaves it alone. */
  memoryLimitBytes?: number
  /** Memory and swap together, bytes; -1 is no limit, 0 or absent leaves it alone. */
  memorySwapLimitBytes?: number
  /** Processes and threads; -1 is no limit, 0 or absent leaves it alone. */
  pidsMax?: number
  /** Lists such as `0-3,6`; empty or absent leaves them alone. */
  cpusetCpus?: string
  cpusetMems?: string
  /** By page size as the kernel names it: `2MB`, `1GB`. */
  hugepages?: Readonly<Record<string, number>>
  /** cgroup v2 only: file name -> content, written last and as it is. */
  unified?: Readonly<Record<string, string>>
}

export interface ControlWrite {
  controller: string
  file: string
  value: string
  /** A kernel without the file is fine (swap accounting may be compiled out). */
  optional?: boolean
}

/** cgroup v2 weight (1..10000) for v1 shares (2..262144); 1024 becomes 100. 0 stays 0, "unset". */
export function cpuWeightOfShares(shares: number): number {
  if (shares <= 0) return 0
  if (shares <= 2) return 1
  if (shares >= 262_144) return 10_000
  const log = Math.log2(shares)
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34))
}

const orMax = (value: number) => (value < 0 ? 'max' : String(value))

export function planLimitWrites(version: 1 | 2, limits: CgroupLimits, currentMemoryLimitBytes = -1): ControlWrite[] {
  return version === 1 ? planV1(limits, currentMemoryLimitBytes) : planV2(limits)
}

function planV1(limits: CgroupLimits, currentMemoryLimitBytes: number): ControlWrite[] {
  const writes: ControlWrite[] = []
  const add = (controller: string, file: string, value: string | number, optional = false) =>
    writes.push({ controller, file, value: String(value), ...(optional && { optional }) })
  if (limits.cpuShares) add('cpu', 'cpu.shares', Math.max(2, limits.cpuShares))
  if (limits.cpuPeriodUs) add('cpu', 'cpu.cfs_period_us', limits.cpuPeriodUs)
  if (limits.cpuQuotaUs) add('cpu', 'cpu.cfs_quota_us', limits.cpuQuotaUs)
  const memory = limits.memoryLimitBytes ?? 0
  const swap = limits.memorySwapLimitBytes || (memory === -1 ? -1 : 0)
  const writeMemory = () => memory && add('memory', 'memory.limit_in_bytes', memory)
  const writeSwap = () => swap && add('memory', 'memory.memsw.limit_in_bytes', swap, true)
  // The kernel refuses a moment in which memory exceeds memory+swap: raise the sum first, lower it last.
  const raises = memory === -1 || (currentMemoryLimitBytes >= 0 && memory > currentMemoryLimitBytes)
  if (raises) {
    writeSwap()
    writeMemory()
  } else {
    writeMemory()
    writeSwap()
  }
  if (limits.pidsMax) add('pids', 'pids.max', orMax(limits.pidsMax))
  if (limits.cpusetCpus) add('cpuset', 'cpuset.cpus', limits.cpusetCpus)
  if (limits.cpusetMems) add('cpuset', 'cpuset.mems', limits.cpusetMems)
  for (const [size, bytes] of Object.entries(limits.hugepages ?? {})) {
    add('hugetlb', `hugetlb.${size}.limit_in_bytes`, bytes, true)
  }
  return writes
}

function planV2(limits: CgroupLimits): ControlWrite[] {
  const writes: ControlWrite[] = []
  const add = (controller: string, file: string, value: string | number, optional = false) =>
    writes.push({ controller, file, value: String(value), ...(optional && { optional }) })
  if (limits.cpuShares) add('cpu', 'cpu.weight', cpuWeightOfShares(limits.cpuShares))
  if (limits.cpuQuotaUs) add('cpu', 'cpu.max', `${orMax(limits.cpuQuotaUs)} ${limits.cpuPeriodUs || 100_000}`)
  const memory = limits.memoryLimitBytes ?? 0
  if (memory) add('memory', 'memory.max', orMax(memory))
  const swap = limits.memorySwapLimitBytes || (memory === -1 ? -1 : 0)
  if (swap === -1) add('memory', 'memory.swap.max', 'max', true)
  else if (swap && memory > 0) add('memory', 'memory.swap.max', Math.max(0, swap - memory), true)
  if (limits.pidsMax) add('pids', 'pids.max', orMax(limits.pidsMax))
  if (limits.cpusetCpus) add('cpuset', 'cpuset.cpus', limits.cpusetCpus)
  if (limits.cpusetMems) add('cpuset', 'cpuset.mems', limits.cpusetMems)
  for (const [size, bytes] of Object.entries(limits.hugepages ?? {})) {
    add('hugetlb', `hugetlb.${size}.max`, bytes, true)
    add('hugetlb', `hugetlb.${size}.rsvd.max`, bytes, true)
  }
  for (const [file, value] of Object.entries(limits.unified ?? {})) add(file.split('.')[0]!, file, value)
  return writes
}
