import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Node } from '#api/core/v1/node.ts'
import { contains, formatIp, parseCidr } from '#base/ip.ts'
import { planNodeRoutes, withoutOverlaps } from './node-routes-plan.ts'

const node = (name: string, ip: string, podCIDR: string) =>
  ({ metadata: { name }, spec: { podCIDR }, status: { addresses: [{ type: 'InternalIP', address: ip }] } }) as Node
const links = [{ device: 'eth0', cidr: parseCidr('172.30.0.0/24') }]
const nodes = [
  node('n1', '172.30.0.10', '10.244.1.0/24'),
  node('n2', '172.30.0.11', '10.244.2.0/24'),
  node('far', '192.0.2.7', '10.244.3.0/24'),
]

describe('routes between nodes', () => {
  it('are direct on the same link and go through the tunnel elsewhere', () => {
    const plan = planNodeRoutes(nodes, { nodeName: 'n1', mode: 'auto', links })
    expect(plan.routes).toEqual([
      { cidr: '10.244.3.0/24', via: '10.244.3.0', device: 'rostrum-vxlan', onlink: true },
      { cidr: '10.244.2.0/24', via: '172.30.0.11', device: 'eth0', onlink: false },
    ])
    expect(plan.tunnel).toEqual({
      localIp: '172.30.0.10',
      tunnelIp: '10.244.1.0',
      hardwareAddress: '0a:58:ac:1e:00:0a',
      peers: [{ nodeIp: '192.0.2.7', hardwareAddress: '0a:58:c0:00:02:07', tunnelIp: '10.244.3.0' }],
    })
    expect(plan.localPodCidrs).toEqual(['10.244.1.0/24'])
    expect(plan.clusterRanges).toContain('172.30.0.11/32')
  })

  it('agree on both ends of a tunnel', () => {
    const here = planNodeRoutes(nodes, { nodeName: 'n1', mode: 'vxlan', links }).tunnel!
    const there = planNodeRoutes(nodes, { nodeName: 'far', mode: 'vxlan', links: [] }).tunnel!
    expect(there.peers).toContainEqual({
      nodeIp: here.localIp,
      hardwareAddress: here.hardwareAddress,
      tunnelIp: here.tunnelIp,
    })
  })

  it('need no tunnel in mode routes, whatever lies between', () => {
    const plan = planNodeRoutes(nodes, { nodeName: 'n1', mode: 'routes', links })
    expect(plan.tunnel).toBeUndefined()
    expect(plan.routes).toContainEqual({ cidr: '10.244.3.0/24', via: '192.0.2.7', device: undefined, onlink: false })
  })

  it('serve a machine that is no node', () => {
    const plan = planNodeRoutes(nodes.slice(0, 2), { nodeName: '', mode: 'auto', links })
    expect(plan.routes.map((r) => r.cidr)).toEqual(['10.244.1.0/24', '10.244.2.0/24'])
  })

  it('say which nodes cannot be reached', () => {
    const plan = planNodeRoutes([...nodes, { ...node('new', '', '10.244.9.0/24'), status: {} } as Node], {
      nodeName: 'n1',
      mode: 'auto',
      links,
    })
    expect(plan.problems).toEqual(['node "new" has no InternalIP for 10.244.9.0/24'])
  })
})

describe('ranges without overlaps', () => {
  it('cover the same addresses, and nothing twice', () => {
    const range = fc
      .tuple(fc.bigInt({ min: 0n, max: 0xffn }), fc.integer({ min: 24, max: 32 }))
      .map(([low, prefix]) => `${formatIp(4, 0x0a00_0000n + low)}/${prefix}`)
    fc.assert(
      fc.property(fc.array(range, { maxLength: 12 }), (ranges) => {
        const kept = withoutOverlaps(ranges)
        for (const r of kept) expect(kept.filter((o) => contains(parseCidr(o), r.split('/')[0]!))).toEqual([r])
        for (let i = 0n; i < 256n; i++) {
          const ip = formatIp(4, 0x0a00_0000n + i)
          const inAny = (list: string[]) => list.some((r) => contains(parseCidr(r), ip))
          expect(inAny(kept)).toBe(inAny(ranges))
        }
      }),
      { numRuns: 50 },
    )
  })
})
