/**
 * Makes service addresses local to this network namespace, so that user space can listen on them: one local route for the
 * whole service range, one more for each address outside it. The routes carry a protocol number of our own, by which
 * leftovers of a killed process are found; nothing else on the host is touched.
 */
import type { Log } from '#base/log.ts'
import { type Cidr, contains, formatCidr } from '#base/ip.ts'
import { type IpCommand, isAbsent, isPresent, type NetworkHost, throwOnFailure } from '../host.ts'

/** Marks routes made by this file, in the kernel's table of route protocols. */
export const LOCAL_ROUTE_PROTOCOL = '83'

export interface LocalAddresses {
  /** Makes exactly these addresses local, besides the service ranges. */
  apply(addresses: ReadonlySet<string>): Promise<void>
  /** Gives all of them back. */
  clear(): Promise<void>
}

const command = (action: 'add' | 'del', prefix: string): IpCommand => [
  'route',
  action,
  'local',
  prefix,
  'dev',
  'lo',
  'table',
  'local',
  'proto',
  LOCAL_ROUTE_PROTOCOL,
]

/** Pure: the prefixes that cover `addresses`. */
export function planPrefixes(addresses: Iterable<string>, serviceCidrs: readonly Cidr[]): Set<string> {
  const prefixes = new Set(serviceCidrs.map(formatCidr))
  for (const ip of addresses) {
    if (!serviceCidrs.some((cidr) => contains(cidr, ip))) prefixes.add(ip.includes(':') ? `${ip}/128` : `${ip}/32`)
  }
  return prefixes
}

export function createLocalAddresses(host: NetworkHost, serviceCidrs: readonly Cidr[], log: Log): LocalAddresses {
  let present = new Set<string>()
  let adopted = false

  async function change(wanted: Set<string>) {
    if (!adopted) {
      present = await readPresent(host)
      adopted = true
    }
    const commands = [
      ...[...present].filter((p) => !wanted.has(p)).map((p) => command('del', p)),
      ...[...wanted].filter((p) => !present.has(p)).map((p) => command('add', p)),
    ]
    const failures = await host.ip(commands)
    present = wanted
    try {
      throwOnFailure('make service addresses local', commands, failures, (f) => isAbsent(f) || isPresent(f))
    } catch (err) {
      adopted = false
      throw err
    }
    if (commands.length > 0) log.debug({ changed: commands.length }, 'changed the local service addresses')
  }

  return {
    async apply(addresses) {
      const wanted = planPrefixes(addresses, serviceCidrs)
      if ([...wanted].some((p) => p.includes(':'))) await host.writeSysctl('net/ipv6/ip_nonlocal_bind', '1')
      await change(wanted)
    },
    clear: () => change(new Set()),
  }
}

async function readPresent(host: NetworkHost): Promise<Set<string>> {
  const present = new Set<string>()
  for (const option of ['-4', '-6']) {
    const routes = await host.ipJson([option, 'route', 'show', 'table', 'local', 'proto', LOCAL_ROUTE_PROTOCOL])
    for (const route of routes ?? []) {
      const { dst } = route as { dst: string }
      present.add(dst.includes('/') ? dst : `${dst}/${option === '-6' ? 128 : 32}`)
    }
  }
  return present
}
