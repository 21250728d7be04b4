/** What this machine is and has, from `/proc`, `/etc` and the file system. Read once; only disk space is asked for again. */
import { readFile, statfs } from 'node:fs/promises'
import { arch, cpus, hostname, release } from 'node:os'

export interface MachineInfo {
  cpuCount: number
  memoryBytes: number
  swapBytes: number
  machineId: string
  systemUuid: string
  bootId: string
  kernelVersion: string
  osImage: string
  /** As Go names it: `amd64`, `arm64`. */
  architecture: string
  hostname: string
  hugePages: readonly { sizeBytes: number; count: number }[]
}

export interface DiskSpace {
  capacityBytes: number
  availableBytes: number
  usedBytes: number
  inodes: number
  inodesFree: number
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' }

export async function readMachineInfo(): Promise<MachineInfo> {
  const text = (path: string) =>
    readFile(path, 'utf8').then(
      (t) => t.trim(),
      () => '',
    )
  const meminfo = parseMeminfo(await text('/proc/meminfo'))
  const osRelease = await text('/etc/os-release')
  const machineId = (await text('/etc/machine-id')) || (await text('/var/lib/dbus/machine-id'))
  const pages = (meminfo.get('HugePages_Total') ?? 0) / 1024
  const pageBytes = meminfo.get('Hugepagesize') ?? 0
  return {
    cpuCount: cpus().length,
    memoryBytes: meminfo.get('MemTotal') ?? 0,
    swapBytes: meminfo.get('SwapTotal') ?? 0,
    machineId,
    systemUuid: (await text('/sys/class/dmi/id/product_uuid')) || machineId,
    bootId: await text('/proc/sys/kernel/random/boot_id'),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? 'Linux',
    architecture: architectures[arch()] ?? arch(),
    hostname: hostname(),
    hugePages: pages > 0 && pageBytes > 0 ? [{ sizeBytes: pageBytes, count: pages }] : [],
  }
}

/** Bytes by name; lines without unit are multiplied by 1024 all the same, so counts come out 1024-fold. */
export function parseMeminfo(text: string): Map<string, number> {
  const values = new Map<string, number>()
  for (const line of text.split('\n')) {
    const parts = /^([\w()]+):\s+(\d+)/.exec(line)
    if (parts) values.set(parts[1]!, Number(parts[2]) * 1024)
  }
  return values
}

/** Throws the system error when the path does not exist. */
export async function diskSpace(path: string): Promise<DiskSpace> {
  const s = await statfs(path)
  return {
    capacityBytes: s.blocks * s.bsize,
    availableBytes: s.bavail * s.bsize,
    usedBytes: (s.blocks - s.bfree) * s.bsize,
    inodes: s.files,
    inodesFree: s.ffree,
  }
}
