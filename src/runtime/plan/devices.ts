/** The devices of a container: what every container has, what a pod asks for, and all of the host's for privileged ones. */
import { lstatSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { OciDevice, OciDeviceRule } from '#contracts/oci/runtime-spec.ts'

const DEFAULTS: [path: string, major: number, minor: number][] = [
  ['/dev/null', 1, 3],
  ['/dev/zero', 1, 5],
  ['/dev/full', 1, 7],
  ['/dev/random', 1, 8],
  ['/dev/urandom', 1, 9],
  ['/dev/tty', 5, 0],
]

export const defaultDevices = (): OciDevice[] =>
  DEFAULTS.map(([path, major, minor]) => ({ type: 'c', path, major, minor, fileMode: 0o666 }))

/** mknod of anything, use of the defaults, terminals (136: pts, 5:2: ptmx, 5:1: console). */
export const defaultDeviceRules = (): OciDeviceRule[] => [
  { allow: false, type: 'a', access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...DEFAULTS.map(([, major, minor]) => ({ allow: true, type: 'c' as const, major, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
  { allow: true, type: 'c', major: 5, minor: 2, access: 'rwm' },
  { allow: true, type: 'c', major: 5, minor: 1, access: 'rwm' },
]

/** The device at a host path, or all devices below a host directory. Throws the system error when it is not there. */
export function hostDevices(hostPath: string, containerPath: string): OciDevice[] {
  const stat = statSync(hostPath)
  if (stat.isDirectory()) {
    return readdirSync(hostPath).flatMap((name) => {
      const path = join(hostPath, name)
      const inner = lstatSync(path)
      return inner.isDirectory() || inner.isCharacterDevice() || inner.isBlockDevice()
        ? hostDevices(path, join(containerPath, name))
        : []
    })
  }
  if (!stat.isCharacterDevice() && !stat.isBlockDevice()) throw new TypeError(`"${hostPath}" is no device`)
  const type = stat.isBlockDevice() ? 'b' : 'c'
  const major = Number((BigInt(stat.rdev) >> 8n) & 0xfffn)
  const minor = (stat.rdev & 0xff) | ((stat.rdev >>> 12) & 0xfff00)
  return [{ type, path: containerPath, major, minor, fileMode: stat.mode & 0o777, uid: stat.uid, gid: stat.gid }]
}

const NOT_FOR_CONTAINERS = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev', 'console', 'ptmx'])

/** Every device node below the host's /dev. */
export function allHostDevices(): OciDevice[] {
  return readdirSync('/dev')
    .filter((name) => !NOT_FOR_CONTAINERS.has(name))
    .flatMap((name) => {
      const path = join('/dev', name)
      try {
        const stat = lstatSync(path)
        return stat.isDirectory() || stat.isCharacterDevice() || stat.isBlockDevice() ? hostDevices(path, path) : []
      } catch {
        // Devices come and go; one that went is not missed.
        return []
      }
    })
}

/** Lines for devices.allow and devices.deny of cgroup v1. */
export function deviceRuleLine({ type = 'a', major, minor, access = 'rwm' }: OciDeviceRule): string {
  return type === 'a' ? 'a' : `${type} ${major ?? '*'}:${minor ?? '*'} ${access}`
}
