import { describe, expect, it } from 'vitest'
import { contains, parseCidr } from '#base/ip.ts'
import { MAX_SLOTS, netnsNameOf, nodeIpOf, planSlot, slotConflicts } from './slot.ts'

describe('slots', () => {
  it('never share a range or a name', () => {
    const plans = Array.from({ length: MAX_SLOTS }, (_, slot) => planSlot(slot))
    const ranges = plans.flatMap((p) => [p.podCidr, p.serviceCidr, p.nodeCidr]).map(parseCidr)
    for (const range of ranges) {
      const [low] = planText(range)
      expect(ranges.filter((other) => contains(other, low!))).toEqual([range])
    }
    expect(new Set(plans.map((p) => p.hostInterface)).size).toBe(MAX_SLOTS)
    for (const p of plans) {
      expect(p.hostInterface.length).toBeLessThanOrEqual(15)
      expect(plans.filter((q) => q.netnsPrefix.startsWith(p.netnsPrefix))).toEqual([p])
    }
  })

  it('follow the address plan', () => {
    expect(planSlot(0)).toMatchObject({
      podCidr: '10.244.0.0/16',
      serviceCidr: '10.96.0.0/16',
      nodeCidr: '172.30.0.0/24',
      hostIp: '172.30.0.1',
      dnsServiceIp: '10.96.0.10',
    })
    expect(nodeIpOf(3, 2)).toBe('172.30.3.12')
    expect(netnsNameOf(3, 'dev', 'n2')).toBe('rostrum-s3-dev-n2')
  })

  it('refuse what is out of range', () => {
    for (const slot of [-1, 64, 0.5]) expect(() => planSlot(slot)).toThrow(RangeError)
    for (const index of [-1, 240]) expect(() => nodeIpOf(0, index)).toThrow(RangeError)
    for (const cluster of ['', '../x', 'A', 'a b']) expect(() => netnsNameOf(0, cluster, 'hub')).toThrow(RangeError)
  })

  it('see what the machine already uses', () => {
    const used = [
      { cidr: '10.0.0.0/8', device: 'vpn0' },
      { cidr: '172.30.0.0/24', device: 'rostrum-s0' },
      { cidr: '10.96.3.0/24', device: 'eth1' },
      { cidr: '192.168.0.0/16', device: 'eth0' },
      { cidr: '0.0.0.0/0', device: 'eth0' },
    ]
    expect(slotConflicts(0, used).map((u) => u.device)).toEqual(['vpn0', 'eth1'])
  })
})

const planText = ({ base }: { base: bigint }) => [
  [24n, 16n, 8n, 0n].map((shift) => Number((base >> shift) & 255n)).join('.'),
]
