/**
 * Control groups of this host: cgroup v2, v1, and the "hybrid" of v1 controllers beside an empty v2 hierarchy (treated as
 * v1). A cgroup is named by one absolute path (`/kubepods/burstable/pod1`), the same below every controller's mount. All
 * operations are synchronous: the files are kernel memory, and a thread-pool hop costs more than the call.
 *
 * Used by the runtime for containers and by the kubelet for pods and QoS classes, which therefore agree on paths.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import type { Clock } from './clock.ts'
import { sleep } from './clock.ts'
import { planLimitWrites } from './cgroup-limits.ts'
import type { CgroupLimits } from './cgroup-limits.ts'
import { readCgroupStats } from './cgroup-stats.ts'
import type { CgroupStats } from './cgroup-stats.ts'
import { systemCode } from './errors.ts'

/** The controllers a container is limited and measured by. The others of the host stay at its root. */
const CONTROLLERS = ['cpu', 'cpuacct', 'cpuset', 'memory', 'pids', 'devices', 'hugetlb', 'io'] as const

export interface CgroupLayout {
  version: 1 | 2
  /** Where each controller's hierarchy is mounted; with v2 the same directory for all that exist. */
  mounts: ReadonlyMap<string, string>
  /** v1: hierarchies this module puts nothing into (freezer, blkio, named ones), but in which runc makes the same paths. */
  others: readonly string[]
}

/** Reads `/proc/self/mountinfo` text. Throws Error when no cgroup hierarchy with controllers is mounted. */
export function parseCgroupLayout(mountinfo: string, v2Controllers: (mount: string) => string): CgroupLayout {
  const mounts = new Map<string, string>()
  const all = new Set<string>()
  let unified: string | undefined
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ')
    if (!left || !right) continue
    const mount = left.split(' ')[4]!
    const [type, , options] = right.split(' ')
    if (type === 'cgroup2') unified ??= mount
    if (type === 'cgroup' || type === 'cgroup2') all.add(mount)
    if (type !== 'cgroup') continue
    const names = options!.split(',')
    for (const name of CONTROLLERS) if (names.includes(name) && !mounts.has(name)) mounts.set(name, mount)
  }
  if (mounts.has('memory') || mounts.has('cpu')) {
    for (const mount of mounts.values()) all.delete(mount)
    return { version: 1, mounts, others: [...all] }
  }
  if (!unified) throw new Error('no cgroup hierarchy is mounted; mount cgroup2 at /sys/fs/cgroup')
  const names = v2Controllers(unified).trim().split(/\s+/)
  return {
    version: 2,
    mounts: new Map(CONTROLLERS.filter((c) => names.includes(c)).map((c) => [c, unified])),
    others: [],
  }
}

/** The cgroups of the running host. */
export function detectCgroups(): Cgroups {
  const layout = parseCgroupLayout(readFileSync('/proc/self/mountinfo', 'utf8'), (mount) =>
    readFileSync(`${mount}/cgroup.controllers`, 'utf8'),
  )
  return new Cgroups(layout)
}

export class Cgroups {
  readonly layout: CgroupLayout
  /** The distinct hierarchies: one for v2, one per mounted controller set for v1. */
  readonly hierarchies: readonly string[]

  constructor(layout: CgroupLayout) {
    this.layout = layout
    this.hierarchies = [...new Set(layout.mounts.values())]
  }

  /** Creates the cgroup and its missing ancestors, in every hierarchy, with controllers enabled. Idempotent. */
  create(path: string): void {
    const parts = checkPath(path).split('/').slice(1)
    for (const root of this.hierarchies) {
      if (exists(root + path)) continue
      let dir = root
      for (const part of parts) {
        if (this.layout.version === 2) this.#enableControllers(dir)
        const parent = dir
        dir += `/${part}`
        if (exists(dir)) continue
        try {
          mkdirSync(dir, 0o755)
        } catch (thrown) {
          if (systemCode(thrown) !== 'EEXIST') throw thrown
        }
        if (root === this.layout.mounts.get('cpuset') && this.layout.version === 1) inheritCpuset(parent, dir)
      }
    }
  }

  exists(path: string): boolean {
    return this.hierarchies.some((root) => exists(root + checkPath(path)))
  }

  /** Absolute paths of the files a process writes its pid (or `0`) to in order to join. */
  procsFiles(path: string): string[] {
    return this.hierarchies.map((root) => `${root}${checkPath(path)}/cgroup.procs`)
  }

  addProcess(path: string, pid: number): void {
    for (const file of this.procsFiles(path)) writeFileSync(file, String(pid))
  }

  /** Throws the system error of the first limit that the kernel refuses. Limits of absent controllers are skipped. */
  applyLimits(path: string, limits: CgroupLimits): void {
    const current = this.layout.version === 1 && limits.memoryLimitBytes ? this.stats(path).memoryLimitBytes : undefined
    for (const { controller, file, value, optional } of planLimitWrites(this.layout.version, limits, current)) {
      // Files such as cgroup.freeze belong to the hierarchy rather than to a controller.
      const root = this.layout.mounts.get(controller) ?? (controller === 'cgroup' ? this.hierarchies[0] : undefined)
      if (!root) continue
      const target = `${root}${path}/${checkFile(file)}`
      try {
        writeFileSync(target, value)
      } catch (cause) {
        if (optional && ['ENOENT', 'EACCES', 'EINVAL', 'ENOTSUP'].includes(systemCode(cause) ?? '')) continue
        throw Object.assign(new Error(`cannot write "${value}" to ${target}: ${systemCode(cause)}`, { cause }), {
          code: systemCode(cause),
        })
      }
    }
  }

  /** Writes one control file, e.g. v1 `devices.allow`. False when the controller is not there. */
  write(path: string, controller: string, file: string, value: string): boolean {
    const root = this.layout.mounts.get(controller)
    if (root) writeFileSync(`${root}${checkPath(path)}/${checkFile(file)}`, value)
    return root !== undefined
  }

  /** The text of one control file, or undefined when it, its controller or the cgroup is not there. */
  read(path: string, controller: string, file: string): string | undefined {
    const root = this.layout.mounts.get(controller) ?? (this.layout.version === 2 ? this.hierarchies[0] : undefined)
    return root && readText(`${root}${checkPath(path)}/${file}`)
  }

  stats(path: string): CgroupStats {
    return readCgroupStats(this.layout.version, (controller, file) => this.read(path, controller, file))
  }

  /** Processes in the cgroup and below it. */
  pids(path: string): number[] {
    const pids = new Set<number>()
    for (const root of this.hierarchies) {
      for (const dir of subtree(root + checkPath(path))) {
        for (const line of readText(`${dir}/cgroup.procs`)?.split('\n') ?? []) if (line) pids.add(Number(line))
      }
    }
    return [...pids]
  }

  /** Names of the cgroups directly below. */
  children(path: string): string[] {
    const names = new Set<string>()
    for (const root of this.hierarchies) for (const name of subdirectories(root + checkPath(path))) names.add(name)
    return [...names]
  }

  /**
   * Sends SIGKILL to everything in the cgroup and below. True when nothing was left to kill. New processes may appear
   * between reading and killing on v1: call again until true.
   */
  killAll(path: string): boolean {
    const pids = this.pids(path)
    if (pids.length === 0) return true
    const killFile = this.layout.version === 2 ? `${this.hierarchies[0]}${path}/cgroup.kill` : undefined
    if (killFile && exists(killFile)) {
      writeFileSync(killFile, '1')
      return false
    }
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch (thrown) {
        if (systemCode(thrown) !== 'ESRCH') throw thrown
      }
    }
    return false
  }

  /**
   * Kills what is inside and removes the cgroup with everything below it. Waits for the dying with growing pauses, at most
   * `timeoutMs` (default 10 s), then throws the last error. Idempotent.
   */
  async remove(path: string, clock: Clock, timeoutMs = 10_000): Promise<void> {
    if (checkPath(path) === '/') throw new TypeError('the root cgroup cannot be removed')
    const deadline = clock.monotonic() + timeoutMs
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 100)) {
      try {
        if (this.killAll(path)) return this.#removeDirectories(path)
      } catch (thrown) {
        if (systemCode(thrown) !== 'EBUSY' || clock.monotonic() >= deadline) throw thrown
      }
      if (clock.monotonic() >= deadline) throw new Error(`cgroup ${path} still has processes after ${timeoutMs} ms`)
      await sleep(clock, pauseMs)
    }
  }

  #removeDirectories(path: string) {
    for (const root of [...this.hierarchies, ...this.layout.others]) {
      for (const dir of subtree(root + path).toReversed()) {
        try {
          rmdirSync(dir)
        } catch (thrown) {
          if (systemCode(thrown) !== 'ENOENT') throw thrown
        }
      }
    }
  }

  #enableControllers(dir: string) {
    const have = new Set(readText(`${dir}/cgroup.subtree_control`)?.trim().split(/\s+/))
    const available = new Set(readText(`${dir}/cgroup.controllers`)?.trim().split(/\s+/))
    const missing = [...this.layout.mounts.keys()].filter((c) => !have.has(c) && available.has(c))
    if (missing.length > 0) writeFileSync(`${dir}/cgroup.subtree_control`, missing.map((c) => `+${c}`).join(' '))
  }
}

/** A new v1 cpuset is empty, and nothing can join it until it has CPUs and memory nodes. */
function inheritCpuset(parent: string, dir: string) {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (readText(`${dir}/${file}`)?.trim() === '') writeFileSync(`${dir}/${file}`, readText(`${parent}/${file}`) ?? '')
  }
}

/** The directory and all below it, parents first; empty when it does not exist. */
function subtree(dir: string): string[] {
  if (!exists(dir)) return []
  return [dir, ...subdirectories(dir).flatMap((name) => subtree(`${dir}/${name}`))]
}

function subdirectories(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return []
    throw thrown
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    // A cgroup may vanish between any two calls; ENODEV and EOPNOTSUPP are how control files of such say so.
    if (['ENOENT', 'ENODEV', 'EOPNOTSUPP', 'EACCES'].includes(systemCode(thrown) ?? '')) return undefined
    throw thrown
  }
}

const exists = (path: string) => statSync(path, { throwIfNoEntry: false }) !== undefined

function checkPath(path: string): string {
  if (!path.startsWith('/') || path.split('/').includes('..') || path.includes('//') || path.includes('\0')) {
    throw new TypeError(`a cgroup path is absolute and without "..", got "${path}"`)
  }
  return path
}

function checkFile(file: string): string {
  if (!/^[\w.]+$/.test(file)) throw new TypeError(`invalid cgroup control file name "${file}"`)
  return file
}
