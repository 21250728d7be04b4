import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Node } from '#api/core/v1/node.ts'
import { CidrAllocator, CidrExhaustedError } from './cidr-allocator.ts'
import { observeHealth, unknownConditions } from './node-health.ts'
import { toleratedForMs, withConditionTaints, withEvictionTaint } from './taints.ts'
import { defaultDisruptionLimits, planDisruption, type ZoneState } from './zone-disruption.ts'

const NOW = '2026-01-01T00:00:00Z'
const nodeWith = (conditions: Record<string, string>, spec: object = {}): Node =>
  ({
    metadata: { name: 'n1', creationTimestamp: NOW },
    spec,
    status: {
      conditions: Object.entries(conditions).map(([type, status]) => ({ type, status, lastHeartbeatTime: NOW })),
    },
  }) as unknown as Node

describe('condition taints', () => {
  const cases: [conditions: Record<string, string>, spec: object, keys: string[] | undefined][] = [
    [{ Ready: 'True' }, {}, undefined],
    [{ Ready: 'False' }, {}, ['not-ready']],
    [{ Ready: 'Unknown', DiskPressure: 'True' }, {}, ['unreachable', 'disk-pressure']],
    [
      { Ready: 'True', NetworkUnavailable: 'True', PIDPressure: 'True' },
      { unschedulable: true },
      ['network-unavailable', 'pid-pressure', 'unschedulable'],
    ],
    [{ Ready: 'True' }, { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] }, []],
    [{ Ready: 'True' }, { taints: [{ key: 'mine', effect: 'NoSchedule' }] }, undefined],
  ]
  it.each(cases)('of %j with %j are %j', (conditions, spec, keys) => {
    const taints = withConditionTaints(nodeWith(conditions, spec), NOW)
    expect(taints?.map(({ key }) => key.replace('node.kubernetes.io/', ''))).toEqual(keys)
  })

  it('for eviction replace each other, and leave the rest alone', () => {
    const mine = { key: 'mine', effect: 'NoExecute' }
    const unreachable = withEvictionTaint([mine], 'node.kubernetes.io/unreachable', NOW)
    expect(unreachable.map(({ key }) => key)).toEqual(['mine', 'node.kubernetes.io/unreachable'])
    expect(withEvictionTaint(unreachable, 'node.kubernetes.io/not-ready', NOW).map(({ key }) => key)).toEqual([
      'mine',
      'node.kubernetes.io/not-ready',
    ])
    expect(withEvictionTaint(unreachable, undefined, NOW)).toEqual([mine])
  })
})

describe('tolerations', () => {
  const taint = { key: 'k', value: 'v', effect: 'NoExecute' }
  it('let a pod stay as long as the shortest of them', () => {
    const other = { key: 'o', effect: 'NoExecute' }
    const forever = { key: 'k', operator: 'Exists' }
    expect(toleratedForMs([taint], [])).toBe(0)
    expect(toleratedForMs([taint], [forever])).toBe(Infinity)
    expect(toleratedForMs([taint, other], [forever])).toBe(0)
    expect(toleratedForMs([taint, other], [forever, { key: 'o', operator: 'Exists', tolerationSeconds: 30 }])).toBe(
      30_000,
    )
    expect(toleratedForMs([taint], [{ ...forever, tolerationSeconds: -1 }])).toBe(0)
  })
})

describe('the health of a node', () => {
  const grace = { monitorMs: 40_000, startupMs: 60_000 }
  const at = (ms: number) => Date.parse(NOW) + ms

  it('is judged by the last change that was seen, of its status or its lease', () => {
    const node = nodeWith({ Ready: 'True' })
    const lease = (renewTime: string) => ({ spec: { renewTime } }) as never
    const first = observeHealth(node, lease('2026-01-01T00:00:00.000000Z'), undefined, at(0))
    const same = observeHealth(node, lease('2026-01-01T00:00:00.000000Z'), first, at(30_000))
    expect(unknownConditions(node, same, grace, at(40_000))).toBeUndefined()
    expect(unknownConditions(node, same, grace, at(40_001))).toHaveLength(4)
    const renewed = observeHealth(node, lease('2026-01-01T00:00:10.000000Z'), first, at(30_000))
    expect(unknownConditions(node, renewed, grace, at(70_000))).toBeUndefined()
  })

  it('becomes unknown with the reasons that users know', () => {
    const node = nodeWith({ Ready: 'True', DiskPressure: 'False', NetworkUnavailable: 'False' })
    const conditions = unknownConditions(
      node,
      { heartbeat: NOW, renewTime: undefined, changedAtMs: at(0) },
      grace,
      at(50_000),
    )!
    expect(conditions.map((c) => [c.type, c.status, c.reason])).toEqual([
      ['Ready', 'Unknown', 'NodeStatusUnknown'],
      ['DiskPressure', 'Unknown', 'NodeStatusUnknown'],
      ['NetworkUnavailable', 'False', undefined],
      ['MemoryPressure', 'Unknown', 'NodeStatusNeverUpdated'],
      ['PIDPressure', 'Unknown', 'NodeStatusNeverUpdated'],
    ])
  })

  it('has more time before the first status, counted from the creation of the node', () => {
    const node = nodeWith({})
    const health = observeHealth(node, undefined, undefined, at(20_000))
    expect(unknownConditions(node, health, grace, at(60_000))).toBeUndefined()
    expect(unknownConditions(node, health, grace, at(60_001))?.map((c) => c.message)).toEqual(
      Array(4).fill('Kubelet never posted node status.'),
    )
  })
})

describe('disruption of zones', () => {
  const plan = (previous: Record<string, ZoneState>, zones: Record<string, [ready: number, unready: number]>) =>
    planDisruption(
      new Map(Object.entries(previous)),
      new Map(Object.entries(zones).map(([zone, [ready, unready]]) => [zone, { ready, unready }])),
      defaultDisruptionLimits,
    )

  it('slows evictions down in large zones that are mostly unready, and stops them in small ones', () => {
    const { rates, enters } = plan({}, { good: [10, 2], small: [4, 6], large: [20, 60], down: [0, 3] })
    expect(Object.fromEntries(rates)).toEqual({ good: 0.1, small: 0, large: 0.01, down: 0.1 })
    expect(enters).toBe(false)
  })

  it('stops all evictions while nothing is ready', () => {
    expect(plan({ a: 'Normal' }, { a: [0, 3], b: [0, 1] })).toMatchObject({
      enters: true,
      leaves: false,
      rates: new Map([
        ['a', 0],
        ['b', 0],
      ]),
    })
    expect(plan({ a: 'FullDisruption' }, { a: [0, 3] })).toMatchObject({ enters: false, leaves: false })
    expect(plan({ a: 'FullDisruption' }, { a: [1, 2] })).toMatchObject({ enters: false, leaves: true })
  })
})

describe('CIDR allocation', () => {
  it('gives each block once, and again only when it is released', () => {
    const allocator = new CidrAllocator('10.244.0.0/22', 24)
    expect([1, 2, 3, 4].map(() => allocator.allocate())).toEqual([
      '10.244.0.0/24',
      '10.244.1.0/24',
      '10.244.2.0/24',
      '10.244.3.0/24',
    ])
    expect(() => allocator.allocate()).toThrow(CidrExhaustedError)
    allocator.release('10.244.2.0/24')
    expect(allocator.allocate()).toBe('10.244.2.0/24')
  })

  it('does not give what touches an occupied network', () => {
    const allocator = new CidrAllocator('10.244.0.0/16', 24)
    expect(allocator.occupy('10.244.0.0/23')).toBe(true)
    expect(allocator.occupy('10.244.2.128/25')).toBe(true)
    expect(allocator.occupy('192.168.0.0/16')).toBe(false)
    expect(allocator.allocate()).toBe('10.244.3.0/24')
  })

  it('writes IPv6 blocks in their canonical form', () => {
    const allocator = new CidrAllocator('fd00:10:244::/56', 64)
    expect([allocator.allocate(), allocator.allocate()]).toEqual(['fd00:10:244::/64', 'fd00:10:244:1::/64'])
  })

  it('never has two blocks that overlap', () => {
    const action = fc.oneof(
      fc.constant('take' as const),
      fc.nat(20).map((i) => ({ release: i })),
    )
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const allocator = new CidrAllocator('10.0.0.0/28', 31)
        const held: string[] = []
        for (const a of actions) {
          if (a !== 'take') {
            const [cidr] = held.splice(a.release, 1)
            if (cidr) allocator.release(cidr)
          } else if (held.length < allocator.size) held.push(allocator.allocate())
          expect(new Set(held).size).toBe(held.length)
          expect(allocator.takenCount).toBe(held.length)
        }
      }),
    )
  })

  it.each(['10.0.0.0', '10.0.0.0/33', 'x/8', '10.0.0.0/8x'])('refuses %s', (cidr) => {
    expect(() => new CidrAllocator(cidr, 24)).toThrow(RangeError)
  })
})
