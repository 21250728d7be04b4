/**
 * Ports of the node that lead to a pod (hostPort). With nftables a table of its own translates the destination; without,
 * this process listens and forwards, and the pod sees the node's address. Upstream: the portmap plugin of CNI.
 */
import type { SandboxPortMapping } from '#contracts/sandbox-network.ts'
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import { familyOf } from '#base/ip.ts'
import { ConnectionLimit, type Forwarder, forwardTcp } from './forward/tcp.ts'
import { forwardUdp } from './forward/udp.ts'
import type { NetworkHost } from './host.ts'
import { type NftFragment, NftTable } from './nft-table.ts'

export interface HostPorts {
  /** Rejects when a port cannot be had; nothing of the sandbox's is left open then. */
  open(sandboxId: string, ips: readonly string[], mappings: readonly SandboxPortMapping[]): Promise<void>
  close(sandboxId: string): Promise<void>
  /** Forgets what an earlier process left in the kernel, besides what this one has opened. */
  reset(): Promise<void>
  /** Ends everything that lives in this process; what is in the kernel stays. */
  stop(): void
}

const TABLE = 'rostrum-hostports'

/** Chooses by what the host offers, when the first port is asked for. */
export function createHostPorts(host: NetworkHost, clock: Clock, log: Log): HostPorts {
  let chosen: Promise<HostPorts> | undefined
  const choose = () =>
    (chosen ??= host.hasNft().then((has) => (has ? nftHostPorts(host) : userspaceHostPorts(clock, log))))
  return {
    async open(sandboxId, ips, mappings) {
      if (mappings.length > 0) await (await choose()).open(sandboxId, ips, mappings)
    },
    async close(sandboxId) {
      // Where no port was ever opened there is none to close.
      if (chosen) await (await chosen).close(sandboxId)
    },
    reset: async () => (await choose()).reset(),
    stop() {
      void chosen?.then((ports) => ports.stop())
    },
  }
}

const BASE = ' base'

/** Pure: what nftables needs before the first port. */
export function hostPortBase(): NftFragment {
  const to = 'ipv4_addr . inet_service'
  const look = [
    'ip daddr . meta l4proto . th dport @addressed-ports dnat ip to ip daddr . meta l4proto . th dport map @addressed-ports',
    'fib daddr type local ip daddr != 127.0.0.0/8 dnat ip to meta l4proto . th dport map @ports',
  ]
  return {
    sets: {
      ports: { kind: 'map', definition: `type inet_proto . inet_service : ${to};` },
      'addressed-ports': { kind: 'map', definition: `type ipv4_addr . inet_proto . inet_service : ${to};` },
      hairpins: { kind: 'set', definition: 'type ipv4_addr . ipv4_addr . inet_proto . inet_service;' },
    },
    baseChains: {
      prerouting: 'type nat hook prerouting priority dstnat + 10;',
      output: 'type nat hook output priority -90;',
      postrouting: 'type nat hook postrouting priority srcnat;',
    },
    chains: {
      prerouting: look,
      output: look,
      postrouting: ['ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpins masquerade fully-random'],
    },
  }
}

/** Pure: the elements for one sandbox. */
export function hostPortElements(ips: readonly string[], mappings: readonly SandboxPortMapping[]): NftFragment {
  const ports: Record<string, string> = {}
  const addressed: Record<string, string> = {}
  const hairpins: Record<string, string> = {}
  const ip = ips.find((candidate) => familyOf(candidate) === 4)
  for (const { protocol, containerPort, hostPort, hostIp } of ip ? mappings : []) {
    const to = `${ip} . ${containerPort}`
    hairpins[`${ip} . ${ip} . ${protocol} . ${containerPort}`] = ''
    if (hostIp === '' || hostIp === '0.0.0.0' || hostIp === '::') ports[`${protocol} . ${hostPort}`] = to
    else if (familyOf(hostIp) === 4) addressed[`${hostIp} . ${protocol} . ${hostPort}`] = to
  }
  return { elements: { ports, 'addressed-ports': addressed, hairpins } }
}

/** The table is there as long as any sandbox has a port. */
function nftHostPorts(host: NetworkHost): HostPorts {
  const table = new NftTable(host, 'ip', TABLE)
  table.set(BASE, hostPortBase())
  /** Sandboxes with ports. */
  const opened = new Set<string>()
  const set = (sandboxId: string, ports: NftFragment | undefined) => {
    table.set(sandboxId, ports)
    if (ports) opened.add(sandboxId)
    else opened.delete(sandboxId)
  }
  let last: Promise<unknown> = Promise.resolve()
  // One transaction after the other: each is planned from what the one before it left.
  const commit = () => {
    const next = last.then(() => (opened.size > 0 ? table.commit() : table.remove()))
    last = next.catch(() => {})
    return next
  }
  return {
    async open(sandboxId, ips, mappings) {
      set(sandboxId, hostPortElements(ips, mappings))
      try {
        await commit()
      } catch (err) {
        set(sandboxId, undefined)
        throw err
      }
    },
    async close(sandboxId) {
      if (!opened.has(sandboxId)) return
      set(sandboxId, undefined)
      await commit()
    },
    reset: commit,
    stop() {},
  }
}

function userspaceHostPorts(clock: Clock, log: Log): HostPorts {
  const opened = new Map<string, Forwarder[]>()
  const connections = new ConnectionLimit()
  const close = (sandboxId: string) => {
    for (const forwarder of opened.get(sandboxId) ?? []) forwarder.close()
    opened.delete(sandboxId)
  }
  return {
    async open(sandboxId, ips, mappings) {
      const forwarders: Forwarder[] = []
      close(sandboxId)
      opened.set(sandboxId, forwarders)
      try {
        for (const { protocol, containerPort, hostPort, hostIp } of mappings) {
          const listenIp = hostIp || '0.0.0.0'
          const ip = ips.find((candidate) => familyOf(candidate) === familyOf(listenIp))
          if (!ip) continue
          const target = { ip, port: containerPort }
          const options = {
            ip: listenIp,
            port: hostPort,
            clock,
            log,
            choose: (_: string, failed: readonly unknown[]) => (failed.length === 0 ? target : undefined),
          }
          if (protocol === 'tcp') forwarders.push(await forwardTcp({ ...options, connections }))
          else if (protocol === 'udp') forwarders.push(await forwardUdp(options))
          else throw new Error('SCTP needs nftables on the node')
        }
      } catch (err) {
        close(sandboxId)
        throw new HostPortError(`cannot open the host ports of sandbox ${sandboxId.slice(0, 13)}: ${messageOf(err)}`, {
          cause: err,
        })
      }
    },
    async close(sandboxId) {
      close(sandboxId)
    },
    async reset() {},
    stop() {
      for (const sandboxId of opened.keys()) close(sandboxId)
      connections.destroyAll()
    },
  }
}

export class HostPortError extends Error {
  override readonly name = 'HostPortError'
}
