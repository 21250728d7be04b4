/** What this daemon may do and where it runs: read once at start. */
import { readFileSync } from 'node:fs'
import { capabilityNames } from './plan/capabilities.ts'
import type { HostFacts } from './plan/container-spec.ts'
import { allHostDevices, hostDevices } from './plan/devices.ts'

export interface Host extends HostFacts {
  lastCapability: number
  /** Changes with every boot: namespaces and processes of another boot are gone. */
  bootId: string
  hostname: string
  /** The daemon's own network namespace, as a file other processes can open. */
  netnsPath: string
}

export function readHost(): Host {
  const status = readFileSync('/proc/self/status', 'utf8')
  const permitted = /^CapPrm:\s*([0-9a-f]+)$/m.exec(status)![1]!
  const bounding = new Set(capabilityNames(/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)![1]!))
  return {
    capabilities: capabilityNames(permitted).filter((name) => bounding.has(name)),
    hostDevices: allHostDevices,
    devicesAt: hostDevices,
    lastCapability: Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8')),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    hostname: readFileSync('/proc/sys/kernel/hostname', 'utf8').trim(),
    netnsPath: `/proc/${process.pid}/ns/net`,
  }
}
