/** Reads the counters of a cgroup: text of control files in, numbers out. Absent controllers leave their figures undefined. */

/** Pressure stall information of one resource; percentages over the window, total in nanoseconds. */
export interface Pressure {
  some?: { avg10: number; avg60: number; avg300: number; totalNs: number }
  full?: { avg10: number; avg60: number; avg300: number; totalNs: number }
}

export interface CgroupStats {
  /** CPU time used since the cgroup exists. */
  cpuUsageNs?: number
  /** Including page cache. */
  memoryUsageBytes?: number
  /** Usage without inactive file pages, what eviction looks at. */
  memoryWorkingSetBytes?: number
  memoryRssBytes?: number
  /** Absent when there is no limit. */
  memoryLimitBytes?: number
  swapUsageBytes?: number
  pageFaults?: number
  majorPageFaults?: number
  /** Processes killed in this cgroup by the kernel for want of memory. */
  oomKills?: number
  pids?: number
  cpuPressure?: Pressure
  memoryPressure?: Pressure
  ioPressure?: Pressure
}

/** Text of a control file of a controller, or undefined when there is none. */
export type ReadControl = (controller: string, file: string) => string | undefined

/** v1 says "no limit" with the largest page-aligned 63-bit number. */
const V1_UNLIMITED = 2 ** 62

export function readCgroupStats(version: 1 | 2, read: ReadControl): CgroupStats {
  return withoutUndefined(version === 1 ? readV1(read) : readV2(read))
}

function readV1(read: ReadControl): CgroupStats {
  const memory = keyed(read('memory', 'memory.stat'))
  const usage = number(read('memory', 'memory.usage_in_bytes'))
  const both = number(read('memory', 'memory.memsw.usage_in_bytes'))
  const limit = number(read('memory', 'memory.limit_in_bytes'))
  return {
    cpuUsageNs: number(read('cpuacct', 'cpuacct.usage')),
    memoryUsageBytes: usage,
    memoryWorkingSetBytes: workingSet(usage, memory.get('total_inactive_file')),
    memoryRssBytes: memory.get('total_rss'),
    memoryLimitBytes: limit !== undefined && limit < V1_UNLIMITED ? limit : undefined,
    swapUsageBytes: memory.get('total_swap') ?? (both !== undefined && usage !== undefined ? both - usage : undefined),
    pageFaults: memory.get('total_pgfault'),
    majorPageFaults: memory.get('total_pgmajfault'),
    oomKills: keyed(read('memory', 'memory.oom_control')).get('oom_kill'),
    pids: number(read('pids', 'pids.current')),
  }
}

function readV2(read: ReadControl): CgroupStats {
  const memory = keyed(read('memory', 'memory.stat'))
  const usage = number(read('memory', 'memory.current'))
  const cpuUs = keyed(read('cpu', 'cpu.stat')).get('usage_usec')
  return {
    cpuUsageNs: cpuUs === undefined ? undefined : cpuUs * 1000,
    memoryUsageBytes: usage,
    memoryWorkingSetBytes: workingSet(usage, memory.get('inactive_file')),
    memoryRssBytes: memory.get('anon'),
    memoryLimitBytes: number(read('memory', 'memory.max')),
    swapUsageBytes: number(read('memory', 'memory.swap.current')),
    pageFaults: memory.get('pgfault'),
    majorPageFaults: memory.get('pgmajfault'),
    oomKills: keyed(read('memory', 'memory.events')).get('oom_kill'),
    pids: number(read('pids', 'pids.current')),
    cpuPressure: pressure(read('cpu', 'cpu.pressure')),
    memoryPressure: pressure(read('memory', 'memory.pressure')),
    ioPressure: pressure(read('io', 'io.pressure')),
  }
}

function workingSet(usage: number | undefined, inactiveFile: number | undefined): number | undefined {
  return usage === undefined ? undefined : Math.max(0, usage - (inactiveFile ?? 0))
}

/** Undefined for `max` and for absent files. */
function number(text: string | undefined): number | undefined {
  const value = text === undefined ? NaN : Number.parseInt(text, 10)
  return Number.isNaN(value) ? undefined : value
}

/** Lines of `key value`. */
function keyed(text: string | undefined): Map<string, number> {
  const map = new Map<string, number>()
  for (const line of text?.split('\n') ?? []) {
    const space = line.indexOf(' ')
    if (space > 0) map.set(line.slice(0, space), Number(line.slice(space + 1)))
  }
  return map
}

/** Lines such as `some avg10=0.00 avg60=0.12 avg300=0.05 total=123456`, total in microseconds. */
function pressure(text: string | undefined): Pressure | undefined {
  if (!text) return undefined
  const out: Pressure = {}
  for (const line of text.split('\n')) {
    const match = /^(some|full) avg10=(\S+) avg60=(\S+) avg300=(\S+) total=(\d+)/.exec(line)
    if (!match) continue
    const [, kind, avg10, avg60, avg300, total] = match
    out[kind as 'some' | 'full'] = {
      avg10: Number(avg10),
      avg60: Number(avg60),
      avg300: Number(avg300),
      totalNs: Number(total) * 1000,
    }
  }
  return out
}

function withoutUndefined(stats: CgroupStats): CgroupStats {
  return Object.fromEntries(Object.entries(stats).filter(([, value]) => value !== undefined))
}
