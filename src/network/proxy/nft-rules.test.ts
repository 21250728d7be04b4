import { describe, expect, it } from 'vitest'
import { baseRules, serviceFragment } from './nft-rules.ts'
import type { Backend, PortRule, Target } from './service-plan.ts'

const a: Backend = { ip: '10.244.1.2', port: 8080, local: true }
const b: Backend = { ip: '10.244.2.2', port: 8080, local: false }
const target = (...backends: Backend[]): Target => ({ backends, whenEmpty: 'reject' })
const rule = (extra: Partial<PortRule> = {}): PortRule => ({
  id: 'default/web/tcp/http',
  family: 4,
  protocol: 'tcp',
  port: 80,
  clusterIps: ['10.96.0.5'],
  externalIps: [],
  loadBalancerIps: [],
  sourceRanges: [],
  nodePort: undefined,
  internal: target(a, b),
  external: target(a, b),
  externalFromInside: target(a, b),
  keepClientIp: false,
  affinitySeconds: undefined,
  ...extra,
})
/** Chains by their role, digests taken out. */
function rulesOf(r: PortRule) {
  const { chains = {}, elements = {} } = serviceFragment([r], r.family)
  const short = (text: string) => text.replace(/-[0-9a-f]{12}-default\/web\/tcp\/http/g, '')
  return {
    chains: Object.fromEntries(Object.entries(chains).map(([name, rules]) => [short(name), rules.map(short)])),
    elements: Object.fromEntries(
      Object.entries(elements).map(([set, keys]) => [
        set,
        Object.fromEntries(Object.entries(keys).map(([k, v]) => [k, short(v)])),
      ]),
    ),
  }
}

describe('nftables rules of a service', () => {
  it('lead from the cluster IP to a random endpoint in one rule', () => {
    expect(rulesOf(rule())).toEqual({
      chains: {
        service: [
          'meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.244.1.2 . 8080, 1 : 10.244.2.2 . 8080 }',
        ],
      },
      elements: {
        'cluster-ips': { '10.96.0.5': '' },
        'service-ips': { '10.96.0.5 . tcp . 80': 'goto service' },
        hairpins: { '10.244.1.2 . 10.244.1.2 . tcp . 8080': '' },
      },
    })
  })

  it('need no choice where there is one endpoint', () => {
    expect(rulesOf(rule({ internal: target(b) })).chains.service).toEqual(['meta l4proto tcp dnat to 10.244.2.2:8080'])
  })

  it('reject where there is no endpoint', () => {
    const { chains, elements } = rulesOf(
      rule({ internal: target(), external: target(), externalFromInside: target(), nodePort: 30080 }),
    )
    expect(chains).toEqual({})
    expect(elements['no-endpoint-services']).toEqual({ '10.96.0.5 . tcp . 80': 'goto reject-chain' })
    expect(elements['no-endpoint-nodeports']).toEqual({ 'tcp . 30080': 'goto reject-chain' })
    expect(elements['service-ips']).toBeUndefined()
  })

  it('masquerade what comes from outside, unless the client address is to be kept', () => {
    const outside = rulesOf(rule({ nodePort: 30080, externalIps: ['192.0.2.1'] }))
    expect(outside.chains.external).toEqual(['meta mark set meta mark | 0x4000', 'goto service'])
    expect(outside.elements['service-ips']).toMatchObject({ '192.0.2.1 . tcp . 80': 'goto external' })
    expect(outside.elements['service-nodeports']).toEqual({ 'tcp . 30080': 'goto external' })
    const kept = rulesOf(rule({ nodePort: 30080, keepClientIp: true, external: target(a) }))
    expect(kept.chains.external).toEqual([
      'ip saddr @pod-cidrs goto service',
      'fib saddr type local meta mark set meta mark | 0x4000',
      'fib saddr type local goto service',
      'goto local-1',
    ])
    const elsewhere = rulesOf(
      rule({ nodePort: 30080, keepClientIp: true, external: { backends: [], whenEmpty: 'drop' } }),
    )
    expect(elsewhere.elements['no-endpoint-nodeports']).toEqual({ 'tcp . 30080': 'drop' })
    expect(elsewhere.chains.external!.at(-1)).toBe('fib saddr type local goto service')
  })

  it('let only the allowed ranges through a load balancer', () => {
    const { chains, elements } = rulesOf(rule({ loadBalancerIps: ['192.0.2.9'], sourceRanges: ['10.0.0.0/8'] }))
    expect(chains.firewall).toEqual(['ip saddr { 10.0.0.0/8 } return', 'drop'])
    expect(elements['firewall-ips']).toEqual({ '192.0.2.9 . tcp . 80': 'goto firewall' })
  })

  it('remember clients with session affinity', () => {
    const { chains = {}, sets = {} } = serviceFragment([rule({ affinitySeconds: 60 })], 4)
    expect(Object.values(sets).map((s) => s.definition)).toEqual(
      Array(2).fill('type ipv4_addr; flags dynamic,timeout; timeout 60s;'),
    )
    const endpoint = Object.entries(chains).find(([name]) => name.startsWith('endpoint'))![1]
    expect(endpoint[0]).toMatch(/^update @affinity-\S+ \{ ip saddr \}$/)
    expect(endpoint[1]).toBe('meta l4proto tcp dnat to 10.244.1.2:8080')
    const service = Object.entries(chains).find(([name]) => name.startsWith('service'))![1]
    expect(service.at(-1)).toMatch(/^numgen random mod 2 vmap \{ 0 : goto endpoint-\S+, 1 : goto endpoint-\S+ \}$/)
  })

  it('name everything so that nft reads it as one name', () => {
    const { chains = {}, sets = {} } = serviceFragment([rule({ affinitySeconds: 60, nodePort: 3 })], 4)
    for (const name of [...Object.keys(chains), ...Object.keys(sets)]) expect(name).toMatch(/^[a-z][a-z0-9/._-]*$/)
  })

  it('write IPv6 in its own words', () => {
    const six = { ip: 'fd00::2', port: 8080, local: false }
    const r = rule({ family: 6, clusterIps: ['fd00::5'], internal: target(six), affinitySeconds: 5 })
    expect(JSON.stringify(serviceFragment([r], 6))).toContain('dnat to [fd00::2]:8080')
    expect(JSON.stringify(baseRules({ family: 6, podCidrs: [], serviceCidrs: [], nodeIps: [] }))).not.toMatch(
      /ip saddr|ipv4_addr/,
    )
  })
})
