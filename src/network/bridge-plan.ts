/**
 * The commands that make up the bridge network of a node; pure. Pods get single addresses (/32, /128) and reach everything,
 * each other too, through the bridge's own address: so all their traffic passes the node's IP layer, where services are
 * translated and policies apply, whether or not bridged frames are shown to the packet filter.
 */
import { createHash } from 'node:crypto'
import { type Cidr, addressAt, familyOf, parseIp } from '#base/ip.ts'
import type { IpCommand } from './host.ts'

export const POD_INTERFACE = 'eth0'

const MAX_INTERFACE_NAME = 15

/** Throws RangeError for what the kernel would refuse, and for names that could not be passed on as one word. */
export function checkInterfaceName(name: string): string {
  if (name.length > MAX_INTERFACE_NAME || !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    throw new RangeError(`"${name}" is not a name for a network interface`)
  return name
}

/** The host's end of a sandbox's pair. */
export const hostInterfaceOf = (sandboxId: string) =>
  `veth${createHash('sha256').update(sandboxId).digest('hex').slice(0, 11)}`

/**
 * A hardware address that follows from the IP address, so that an address which is used again means the same hardware
 * address to everybody who remembers it.
 */
export function hardwareAddressOf(ip: string): string {
  const { value } = parseIp(ip)
  const bytes = [0x0a, 0x58]
  for (let shift = 24n; shift >= 0n; shift -= 8n) bytes.push(Number((value >> shift) & 0xffn))
  return bytes.map((b) => b.toString(16).padStart(2, '0')).join(':')
}

const single = (ip: string) => `${ip}/${familyOf(ip) === 6 ? 128 : 32}`

/** Creates the bridge or brings an existing one up to date; every command may fail with "exists". */
export function bridgeCommands(bridge: string, cidrs: readonly Cidr[], mtu: number): IpCommand[] {
  const gateways = cidrs.map((cidr) => ({ ip: addressAt(cidr, 1), prefix: cidr.prefix }))
  const address = hardwareAddressOf(gateways[0]!.ip)
  return [
    ['link', 'add', 'name', bridge, 'address', address, 'type', 'bridge', 'forward_delay', '0', 'mcast_snooping', '0'],
    ['link', 'set', 'dev', bridge, 'address', address, 'mtu', String(mtu), 'up'],
    ...gateways.map(({ ip, prefix }) => [
      'address',
      'add',
      `${ip}/${prefix}`,
      ...(familyOf(ip) === 4 ? ['broadcast', '+'] : ['nodad']),
      'dev',
      bridge,
    ]),
  ]
}

export interface SandboxLink {
  hostInterface: string
  netnsPath: string
  ips: readonly string[]
  gateways: readonly string[]
  mtu: number
}

/** On the host: the pair, one end in the bridge, the other in the sandbox. */
export function attachCommands(bridge: string, { hostInterface, netnsPath, ips, mtu }: SandboxLink): IpCommand[] {
  const address = hardwareAddressOf(ips[0]!)
  const peer = ['peer', 'name', POD_INTERFACE, 'address', address, 'mtu', String(mtu), 'netns', netnsPath]
  return [
    ['link', 'add', hostInterface, 'mtu', String(mtu), 'master', bridge, 'up', 'type', 'veth', ...peer],
    // Where bridged frames pass the packet filter, a pod that a service sends to itself is answered on its own port.
    ['link', 'set', 'dev', hostInterface, 'type', 'bridge_slave', 'hairpin', 'on'],
  ]
}

/** In the sandbox. */
export function sandboxCommands({ ips, gateways }: SandboxLink): IpCommand[] {
  return [
    ['link', 'set', 'lo', 'up'],
    ['link', 'set', POD_INTERFACE, 'up'],
    ...ips.map((ip) => ['address', 'add', single(ip), 'dev', POD_INTERFACE, ...(familyOf(ip) === 6 ? ['nodad'] : [])]),
    ...gateways.flatMap((gateway) => [
      ['route', 'add', single(gateway), 'dev', POD_INTERFACE, 'scope', 'link'],
      ['route', 'add', 'default', 'via', gateway, 'dev', POD_INTERFACE],
    ]),
  ]
}

export const detachCommands = (hostInterface: string): IpCommand[] => [['link', 'del', 'dev', hostInterface]]
