/** Linux capabilities by name, and the sets a container gets: the default set of containerd, changed as the pod asks. */
import type { OciCapabilities } from '#contracts/oci/runtime-spec.ts'

/** In the kernel's order: the index is the number. */
export const CAPABILITIES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
].map((name) => `CAP_${name}`)

export const DEFAULT_CAPABILITIES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FSETID',
  'FOWNER',
  'MKNOD',
  'NET_RAW',
  'SETGID',
  'SETUID',
  'SETFCAP',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'SYS_CHROOT',
  'KILL',
  'AUDIT_WRITE',
].map((name) => `CAP_${name}`)

export interface CapabilityRequest {
  privileged: boolean
  add: readonly string[]
  drop: readonly string[]
  addAmbient: readonly string[]
}

/** `available` is what this daemon itself holds: nobody can give what he has not. Throws TypeError for unknown names. */
export function planCapabilities(request: CapabilityRequest, available: readonly string[]): OciCapabilities {
  const normal = (name: string) => {
    const full = name.toUpperCase().startsWith('CAP_') ? name.toUpperCase() : `CAP_${name.toUpperCase()}`
    if (full !== 'CAP_ALL' && !CAPABILITIES.includes(full)) throw new TypeError(`unknown capability "${name}"`)
    return full
  }
  const add = request.add.map(normal)
  const drop = request.drop.map(normal)
  const ambient = request.addAmbient.map(normal)
  let set = new Set(request.privileged ? available : DEFAULT_CAPABILITIES)
  if (!request.privileged) {
    // "ALL" first, single names after: adding ALL and dropping one, or the other way round, mean what they say.
    if (add.includes('CAP_ALL')) set = new Set(available)
    if (drop.includes('CAP_ALL')) set = new Set()
    for (const name of add) if (name !== 'CAP_ALL') set.add(name)
    for (const name of drop) set.delete(name)
    for (const name of ambient) set.add(name)
  }
  const list = CAPABILITIES.filter((name) => set.has(name) && available.includes(name))
  const ambientList = list.filter((name) => ambient.includes(name))
  return { bounding: list, effective: list, permitted: list, inheritable: ambientList, ambient: ambientList }
}

/** The mask whose bits are the named capabilities. */
export function capabilityMask(names: readonly string[]): bigint {
  return names.reduce((mask, name) => mask | (1n << BigInt(CAPABILITIES.indexOf(name))), 0n)
}

/** The names of a hexadecimal mask, as in /proc/self/status. */
export function capabilityNames(hex: string): string[] {
  const mask = BigInt(`0x${hex}`)
  return CAPABILITIES.filter((_, number) => mask & (1n << BigInt(number)))
}
