import { describe, expect, it } from 'vitest'
import { cpuWeightOfShares, planLimitWrites } from './cgroup-limits.ts'
import { readCgroupStats } from './cgroup-stats.ts'
import { Cgroups, parseCgroupLayout } from './cgroup.ts'

const v1 = `32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw`
const v2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate'

describe('cgroup layout', () => {
  it('takes hybrid for v1, and one hierarchy for controllers mounted together', () => {
    const cgroups = new Cgroups(parseCgroupLayout(v1, () => ''))
    expect(cgroups.layout.version).toBe(1)
    expect(cgroups.layout.others).toEqual(['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'])
    expect(cgroups.procsFiles('/a/b')).toEqual([
      '/sys/fs/cgroup/cpu,cpuacct/a/b/cgroup.procs',
      '/sys/fs/cgroup/memory/a/b/cgroup.procs',
    ])
  })

  it('finds v2 with the controllers that the root offers', () => {
    const layout = parseCgroupLayout(v2, () => 'cpuset cpu io memory pids\n')
    expect(layout.version).toBe(2)
    expect([...layout.mounts.keys()]).toEqual(['cpu', 'cpuset', 'memory', 'pids', 'io'])
  })

  it('refuses a host without cgroups and paths that leave the hierarchy', () => {
    expect(() => parseCgroupLayout('', () => '')).toThrow(/no cgroup hierarchy/)
    const cgroups = new Cgroups(parseCgroupLayout(v1, () => ''))
    expect(() => cgroups.procsFiles('/a/../b')).toThrow(TypeError)
    expect(() => cgroups.procsFiles('a')).toThrow(TypeError)
  })
})

describe('cgroup limits', () => {
  it.each([
    [0, 0],
    [2, 1],
    [1024, 100],
    [262_144, 10_000],
  ])('converts %i shares to weight %i', (shares, weight) => {
    expect(cpuWeightOfShares(shares)).toBe(weight)
  })

  it('raises memory+swap before memory and lowers it after', () => {
    const files = (limit: number, current: number) =>
      planLimitWrites(1, { memoryLimitBytes: limit, memorySwapLimitBytes: limit }, current).map((w) => w.file)
    expect(files(200, 100)).toEqual(['memory.memsw.limit_in_bytes', 'memory.limit_in_bytes'])
    expect(files(50, 100)).toEqual(['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'])
    expect(files(50, -1)).toEqual(['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'])
  })

  it('writes v2 files: quota with period, swap as a difference, unified settings last', () => {
    const limits = {
      cpuQuotaUs: 50_000,
      cpuPeriodUs: 100_000,
      memoryLimitBytes: 100,
      memorySwapLimitBytes: 100,
      pidsMax: -1,
      unified: { 'memory.oom.group': '1' },
    }
    expect(planLimitWrites(2, limits).map((w) => [w.file, w.value])).toEqual([
      ['cpu.max', '50000 100000'],
      ['memory.max', '100'],
      ['memory.swap.max', '0'],
      ['pids.max', 'max'],
      ['memory.oom.group', '1'],
    ])
  })

  it('leaves alone what is zero or absent', () => {
    expect(planLimitWrites(1, { cpuShares: 0, memoryLimitBytes: 0 })).toEqual([])
    expect(planLimitWrites(2, {})).toEqual([])
  })
})

describe('cgroup stats', () => {
  it('subtracts inactive file pages and hides the v1 number for "no limit"', () => {
    const files: Record<string, string> = {
      'memory.usage_in_bytes': '1000\n',
      'memory.stat': 'total_rss 300\ntotal_inactive_file 400\ntotal_pgfault 7\n',
      'memory.limit_in_bytes': '9223372036854771712\n',
      'cpuacct.usage': '123456789\n',
      'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
    }
    expect(readCgroupStats(1, (_, file) => files[file])).toEqual({
      cpuUsageNs: 123456789,
      memoryUsageBytes: 1000,
      memoryWorkingSetBytes: 600,
      memoryRssBytes: 300,
      pageFaults: 7,
      oomKills: 2,
    })
  })

  it('reads v2 pressure in nanoseconds', () => {
    const files: Record<string, string> = {
      'cpu.stat': 'usage_usec 5\n',
      'cpu.pressure': 'some avg10=1.50 avg60=0.00 avg300=0.00 total=9\n',
      'memory.max': 'max\n',
    }
    expect(readCgroupStats(2, (_, file) => files[file])).toEqual({
      cpuUsageNs: 5000,
      cpuPressure: { some: { avg10: 1.5, avg60: 0, avg300: 0, totalNs: 9000 } },
    })
  })
})
