/**
 * Service rules as nftables content: maps from address, protocol and port to a verdict, and one chain per set of endpoints.
 * A packet costs one map lookup however many services there are. Upstream: kube-proxy's nftables mode, see its README for
 * the hooks; endpoints without affinity are one rule here (`dnat to numgen ... map`), rather than a chain each.
 */
import { createHash } from 'node:crypto'
import type { Family } from '#base/ip.ts'
import type { NftFragment } from '../nft-table.ts'
import type { Backend, PortRule, Target } from './service-plan.ts'

/** Connections with this mark get the node's address as their source. The same bit as upstream's. */
export const MASQUERADE_MARK = '0x4000'
const MARK = `meta mark set meta mark | ${MASQUERADE_MARK}`

const words = (family: Family) =>
  family === 4
    ? { ip: 'ip', address: 'ipv4_addr', noLoopback: 'ip daddr != 127.0.0.0/8' }
    : { ip: 'ip6', address: 'ipv6_addr', noLoopback: 'ip6 daddr != ::1' }

export interface BaseRuleOptions {
  family: Family
  /** Ranges of this node's pods: their traffic keeps its source. Without any, all traffic to cluster IPs is masqueraded. */
  podCidrs: readonly string[]
  /** Addresses in these ranges that no service has are dropped rather than routed. */
  serviceCidrs: readonly string[]
  /** Addresses at which node ports are open. */
  nodeIps: readonly string[]
}

const asElements = (keys: readonly string[]) => Object.fromEntries(keys.map((key) => [key, '']))

/** Hooks, dispatch and masquerade: all that does not depend on services. */
export function baseRules({ family, podCidrs, serviceCidrs, nodeIps }: BaseRuleOptions): NftFragment {
  const { ip, address } = words(family)
  const destination = `${ip} daddr . meta l4proto . th dport`
  const verdicts = { kind: 'map', definition: `type ${address} . inet_proto . inet_service : verdict;` } as const
  const portVerdicts = { kind: 'map', definition: 'type inet_proto . inet_service : verdict;' } as const
  const addresses = { kind: 'set', definition: `type ${address};` } as const
  const ranges = { kind: 'set', definition: `type ${address}; flags interval;` } as const
  return {
    sets: {
      'service-ips': verdicts,
      'service-nodeports': portVerdicts,
      'no-endpoint-services': verdicts,
      'no-endpoint-nodeports': portVerdicts,
      'firewall-ips': verdicts,
      'cluster-ips': addresses,
      'nodeport-ips': addresses,
      'pod-cidrs': ranges,
      'service-cidrs': ranges,
      hairpins: { kind: 'set', definition: `type ${address} . ${address} . inet_proto . inet_service;` },
    },
    baseChains: {
      'filter-prerouting': 'type filter hook prerouting priority dstnat - 10;',
      'filter-output-first': 'type filter hook output priority -110;',
      'filter-input': 'type filter hook input priority filter;',
      'filter-forward': 'type filter hook forward priority filter;',
      'filter-output': 'type filter hook output priority filter;',
      'nat-prerouting': 'type nat hook prerouting priority dstnat;',
      'nat-output': 'type nat hook output priority -100;',
      'nat-postrouting': 'type nat hook postrouting priority srcnat;',
    },
    chains: {
      'filter-prerouting': ['ct state new jump firewall-check'],
      'filter-output-first': ['ct state new jump firewall-check'],
      'filter-input': ['ct state new jump nodeport-endpoints-check', 'ct state new jump service-endpoints-check'],
      'filter-forward': ['ct state new jump service-endpoints-check', 'ct state new jump cluster-ips-check'],
      'filter-output': ['ct state new jump service-endpoints-check', 'ct state new jump cluster-ips-check'],
      'nat-prerouting': ['jump services'],
      'nat-output': ['jump services'],
      'nat-postrouting': [
        `meta mark & ${MASQUERADE_MARK} == ${MASQUERADE_MARK} meta mark set meta mark ^ ${MASQUERADE_MARK} masquerade fully-random`,
        `ct status dnat ${ip} saddr . ${ip} daddr . meta l4proto . th dport @hairpins masquerade fully-random`,
      ],
      services: [
        // Replies to anybody but the pods of this node would not come back through this node.
        `${ip} daddr @cluster-ips ${ip} saddr != @pod-cidrs ${MARK}`,
        `${destination} vmap @service-ips`,
        `${ip} daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports`,
      ],
      'firewall-check': [`${destination} vmap @firewall-ips`],
      'service-endpoints-check': [`${destination} vmap @no-endpoint-services`],
      'nodeport-endpoints-check': [`${ip} daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports`],
      'cluster-ips-check': [`${ip} daddr @cluster-ips goto reject-chain`, `${ip} daddr @service-cidrs drop`],
      'reject-chain': ['meta l4proto tcp reject with tcp reset', 'reject'],
    },
    elements: {
      'pod-cidrs': asElements(podCidrs),
      'service-cidrs': asElements(serviceCidrs),
      'nodeport-ips': asElements(nodeIps),
    },
  }
}

/** Everything that one service needs in the table of `family`. */
export function serviceFragment(rules: readonly PortRule[], family: Family): NftFragment {
  const out = { sets: {}, chains: {}, elements: {} }
  for (const rule of rules) if (rule.family === family) new RuleWriter(rule, out).write()
  return out
}

type Output = Required<Pick<NftFragment, 'sets' | 'elements'>> & { chains: Record<string, string[]> }

class RuleWriter {
  readonly rule: PortRule
  readonly out: Output
  readonly ip: string
  readonly address: string
  /** Chain by content, so that traffic kinds with the same endpoints share one. */
  readonly chainOf = new Map<string, string>()

  constructor(rule: PortRule, out: Output) {
    this.rule = rule
    this.out = out
    const { ip, address } = words(rule.family)
    this.ip = ip
    this.address = address
  }

  write() {
    const { rule } = this
    const { protocol, port, internal, external, externalFromInside, nodePort } = rule
    for (const ip of rule.clusterIps) {
      const key = `${ip} . ${protocol} . ${port}`
      this.element('cluster-ips', ip)
      if (internal.backends.length > 0)
        this.element('service-ips', key, `goto ${this.targetChain('service', internal)}`)
      else this.element('no-endpoint-services', key, emptyVerdict(internal))
    }
    const outside = [...rule.externalIps, ...rule.loadBalancerIps].map((ip) => `${ip} . ${protocol} . ${port}`)
    if (outside.length === 0 && nodePort === undefined) return
    const anywhere = external.backends.length + externalFromInside.backends.length > 0
    const chain = anywhere ? this.externalChain() : undefined
    for (const key of outside) {
      if (chain) this.element('service-ips', key, `goto ${chain}`)
      if (external.backends.length === 0) this.element('no-endpoint-services', key, emptyVerdict(external))
    }
    if (nodePort !== undefined) {
      const key = `${protocol} . ${nodePort}`
      if (chain) this.element('service-nodeports', key, `goto ${chain}`)
      if (external.backends.length === 0) this.element('no-endpoint-nodeports', key, emptyVerdict(external))
    }
    if (rule.sourceRanges.length > 0 && rule.loadBalancerIps.length > 0) {
      const firewall = this.chain('firewall', [`${this.ip} saddr { ${rule.sourceRanges.join(', ')} } return`, 'drop'])
      for (const ip of rule.loadBalancerIps)
        this.element('firewall-ips', `${ip} . ${protocol} . ${port}`, `goto ${firewall}`)
    }
  }

  externalChain(): string {
    const { external, externalFromInside, keepClientIp } = this.rule
    const lines: string[] = []
    if (!keepClientIp) lines.push(MARK, `goto ${this.targetChain('service', externalFromInside)}`)
    else {
      if (externalFromInside.backends.length > 0) {
        const inside = this.targetChain('service', externalFromInside)
        lines.push(`${this.ip} saddr @pod-cidrs goto ${inside}`)
        lines.push(`fib saddr type local ${MARK}`, `fib saddr type local goto ${inside}`)
      }
      if (external.backends.length > 0) lines.push(`goto ${this.targetChain('local', external)}`)
    }
    return this.chain('external', lines)
  }

  targetChain(role: string, { backends }: Target): string {
    const content = JSON.stringify(backends)
    const known = this.chainOf.get(content)
    if (known) return known
    for (const backend of backends) {
      if (backend.local)
        this.element('hairpins', `${backend.ip} . ${backend.ip} . ${this.rule.protocol} . ${backend.port}`)
    }
    // A second set of endpoints needs a name of its own: `service` may be taken by that of the cluster IP.
    const name = this.chain(this.chainOf.size === 0 ? role : `${role}-${this.chainOf.size}`, this.targetRules(backends))
    this.chainOf.set(content, name)
    return name
  }

  targetRules(backends: readonly Backend[]): string[] {
    const { protocol, affinitySeconds } = this.rule
    const [only] = backends
    // A map costs every later transaction a little: nft reads all of them. Most services have one endpoint.
    if (affinitySeconds === undefined && backends.length === 1) return [this.dnat(only!)]
    if (affinitySeconds === undefined) {
      const choices = backends.map((b, i) => `${i} : ${b.ip} . ${b.port}`).join(', ')
      return [`meta l4proto ${protocol} dnat ${this.ip} to numgen random mod ${backends.length} map { ${choices} }`]
    }
    const endpoints = backends.map((backend) => this.endpoint(backend, affinitySeconds))
    const choices = endpoints.map((e, i) => `${i} : goto ${e.chain}`).join(', ')
    return [
      ...endpoints.map((e) => `${this.ip} saddr @${e.set} goto ${e.chain}`),
      `numgen random mod ${endpoints.length} vmap { ${choices} }`,
    ]
  }

  dnat({ ip, port }: Backend): string {
    const to = this.rule.family === 4 ? `${ip}:${port}` : `[${ip}]:${port}`
    return `meta l4proto ${this.rule.protocol} dnat to ${to}`
  }

  endpoint(backend: Backend, seconds: number): { chain: string; set: string } {
    const set = this.name('affinity', `${backend.ip} ${backend.port} ${seconds}`)
    this.out.sets[set] = {
      kind: 'set',
      definition: `type ${this.address}; flags dynamic,timeout; timeout ${seconds}s;`,
    }
    const chain = this.name('endpoint', `${backend.ip} ${backend.port} ${seconds}`)
    this.out.chains[chain] = [`update @${set} { ${this.ip} saddr }`, this.dnat(backend)]
    return { chain, set }
  }

  element(set: string, key: string, value = '') {
    const elements = (this.out.elements[set] ??= {}) as Record<string, string>
    elements[key] ??= value
  }

  chain(role: string, rules: string[]): string {
    const name = this.name(role, '')
    this.out.chains[name] = rules
    return name
  }

  /** Readable, and unique by a digest; the rest of the name is only for people. */
  name(role: string, detail: string): string {
    const digest = createHash('sha256').update(`${this.rule.id} ${detail}`).digest('hex').slice(0, 12)
    return `${role}-${digest}-${this.rule.id}`
  }
}

const emptyVerdict = (target: Target) => (target.whenEmpty === 'drop' ? 'drop' : 'goto reject-chain')
