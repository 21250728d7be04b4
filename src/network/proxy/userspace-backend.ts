/**
 * Executes service rules without nftables: service addresses become local to the node, and a socket on each forwards to
 * the endpoints. Endpoints change under a listener without closing it. Backends see the node's address instead of the
 * client's; SCTP and traffic to service addresses on ports without a listener are left to the kernel.
 */
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import { type Cidr, contains, parseCidr } from '#base/ip.ts'
import { ConnectionLimit, type Forwarder, forwardTcp, type ForwardTarget } from '../forward/tcp.ts'
import { forwardUdp, type UdpForwarder } from '../forward/udp.ts'
import type { NetworkHost } from '../host.ts'
import { EndpointChooser } from './affinity.ts'
import type { ProxyBackend, RulesByService } from './backend.ts'
import { createLocalAddresses } from './local-addresses.ts'
import type { Backend } from './service-plan.ts'
import { type Listener, planListeners } from './userspace-listeners.ts'

export interface UserspaceBackendOptions {
  host: NetworkHost
  nodeIps: readonly string[]
  serviceCidrs: readonly Cidr[]
  /** Addresses of this node's pods; their traffic counts as from inside. */
  podCidrs: () => readonly Cidr[]
  clock: Clock
  random: Random
  log: Log
  maxConnections?: number
}

interface OpenListener {
  /** What it serves now; replaced when the rules change. */
  listener: Listener
  forwarder: Forwarder | UdpForwarder
}

/** Some addresses could not be listened on; those that could are served. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

export function createUserspaceBackend(options: UserspaceBackendOptions): ProxyBackend {
  const { host, nodeIps, serviceCidrs, podCidrs, clock, random, log, maxConnections } = options
  const connections = new ConnectionLimit(maxConnections)
  const addresses = createLocalAddresses(host, serviceCidrs, log)
  const open = new Map<string, OpenListener>()
  const choosers = new Map<string, EndpointChooser>()
  const reported = new Set<string>()

  const isInside = (ip: string) =>
    nodeIps.includes(ip) || ip.startsWith('127.') || ip === '::1' || podCidrs().some((cidr) => contains(cidr, ip))

  function backendsFor({ entrance, rule }: Listener, clientIp: string): readonly Backend[] {
    if (entrance === 'internal') return rule.internal.backends
    if (entrance === 'loadBalancer' && rule.sourceRanges.length > 0) {
      if (!rule.sourceRanges.some((range) => contains(parseCidr(range), clientIp))) return []
    }
    return (isInside(clientIp) ? rule.externalFromInside : rule.external).backends
  }

  function choose(entry: OpenListener, address: string, failed: readonly ForwardTarget[]) {
    const clientIp = address.startsWith('::ffff:') ? address.slice(7) : address
    const { rule } = entry.listener
    let chooser = choosers.get(rule.id)
    if (!chooser) {
      chooser = new EndpointChooser(clock, random)
      choosers.set(rule.id, chooser)
    }
    return chooser.choose(clientIp, backendsFor(entry.listener, clientIp), rule.affinitySeconds, failed)
  }

  async function start(listener: Listener) {
    const { ip, port, protocol, key } = listener
    const entry = { listener } as OpenListener
    const forward = {
      ip,
      port,
      clock,
      log,
      choose: (client: string, failed: readonly ForwardTarget[]) => choose(entry, client, failed),
    }
    entry.forwarder = protocol === 'tcp' ? await forwardTcp({ ...forward, connections }) : await forwardUdp(forward)
    open.set(key, entry)
  }

  function retarget(entry: OpenListener, listener: Listener) {
    entry.listener = listener
    if (!('flush' in entry.forwarder)) return
    const { internal, external, externalFromInside } = listener.rule
    const all = listener.entrance === 'internal' ? [internal] : [external, externalFromInside]
    const alive = new Set(all.flatMap((t) => t.backends.map((b) => `${b.ip} ${b.port}`)))
    entry.forwarder.flush((target) => alive.has(`${target.ip} ${target.port}`))
  }

  function stop(key: string, entry: OpenListener) {
    open.delete(key)
    entry.forwarder.close()
  }

  return {
    kind: 'userspace',
    async apply(rules: RulesByService) {
      const plan = planListeners(rules, nodeIps)
      for (const id of plan.unsupported) {
        if (!reported.has(id)) log.warn({ port: id }, 'cannot serve an SCTP port without nftables')
        reported.add(id)
      }
      for (const [key, entry] of open) {
        const wanted = plan.listeners.get(key)
        if (wanted) retarget(entry, wanted)
        else stop(key, entry)
      }
      await addresses.apply(plan.addresses)
      const failures: string[] = []
      for (const listener of plan.listeners.values()) {
        if (open.has(listener.key)) continue
        await start(listener).catch((err: unknown) => failures.push(`${listener.key}: ${messageOf(err)}`))
      }
      const ids = new Set([...plan.listeners.values()].map((l) => l.rule.id))
      for (const id of choosers.keys()) if (!ids.has(id)) choosers.delete(id)
      if (failures.length > 0) throw new ListenError(`cannot listen for services: ${failures.slice(0, 10).join('; ')}`)
    },
    async stop() {
      for (const [key, entry] of open) stop(key, entry)
      connections.destroyAll()
      await addresses.clear()
    },
  }
}
