/**
 * Which sockets the user space proxy listens on, derived from the service rules. A service without endpoints has none, so
 * that the kernel answers its clients with a reset or an ICMP error, as a packet filter would.
 */
import { isIP } from 'node:net'
import type { RulesByService } from './backend.ts'
import type { PortRule, Protocol } from './service-plan.ts'

export type Entrance = 'internal' | 'external' | 'loadBalancer'

export interface Listener {
  /** `tcp 10.96.0.1 443` */
  key: string
  protocol: Exclude<Protocol, 'sctp'>
  ip: string
  port: number
  entrance: Entrance
  rule: PortRule
}

export interface ListenerPlan {
  listeners: Map<string, Listener>
  /** Addresses that must be local to this node so that they can be listened on. */
  addresses: Set<string>
  /** Rule ids that user space cannot serve (SCTP). */
  unsupported: string[]
}

/**
 * `nodeIps` are the addresses that take node ports. Where two services claim one socket the one first in order of names
 * gets it, the same on every node.
 */
export function planListeners(rules: RulesByService, nodeIps: readonly string[]): ListenerPlan {
  const plan: ListenerPlan = { listeners: new Map(), addresses: new Set(), unsupported: [] }
  for (const service of [...rules.keys()].sort()) {
    for (const rule of rules.get(service)!) planRule(rule, nodeIps, plan)
  }
  return plan
}

function planRule(rule: PortRule, nodeIps: readonly string[], plan: ListenerPlan) {
  const { protocol } = rule
  if (protocol === 'sctp') {
    plan.unsupported.push(rule.id)
    return
  }
  const add = (ip: string, port: number, entrance: Entrance) => {
    const targets = entrance === 'internal' ? [rule.internal] : [rule.external, rule.externalFromInside]
    if (targets.every((t) => t.backends.length === 0)) return
    const key = `${protocol} ${ip} ${port}`
    if (!plan.listeners.has(key)) plan.listeners.set(key, { key, protocol, ip, port, entrance, rule })
  }
  const claim = (ips: readonly string[], entrance: Entrance) => {
    for (const ip of ips) {
      if (!nodeIps.includes(ip)) plan.addresses.add(ip)
      add(ip, rule.port, entrance)
    }
  }
  claim(rule.clusterIps, 'internal')
  claim(rule.externalIps, 'external')
  claim(rule.loadBalancerIps, 'loadBalancer')
  if (rule.nodePort !== undefined) {
    for (const ip of nodeIps) if (isIP(ip) === rule.family) add(ip, rule.nodePort, 'external')
  }
}
