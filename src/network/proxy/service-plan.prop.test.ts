import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EndpointSlice } from '#api/discovery/v1.ts'
import type { Service } from '#api/core/v1/service.ts'
import { planService, planServices, type PortRule } from './service-plan.ts'

const node = { name: 'n1', zone: 'a' }

function service(spec: object = {}, status: object = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name: 'web', uid: '', resourceVersion: '1', creationTimestamp: '' },
    spec: { type: 'ClusterIP', clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'], ports: [{ port: 80 }], ...spec },
    status,
  } as Service
}

interface Known {
  ip: string
  node?: string
  ready?: boolean
  serving?: boolean
  terminating?: boolean
  zones?: string[]
}

function slice(endpoints: Known[], extra: object = {}): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace: 'default',
      name: 'web-1',
      uid: '',
      resourceVersion: '1',
      creationTimestamp: '',
      labels: { 'kubernetes.io/service-name': 'web' },
    },
    addressType: 'IPv4',
    ports: [{ port: 8080, protocol: 'TCP' }],
    endpoints: endpoints.map(({ ip, node: nodeName, zones, ...conditions }) => ({
      addresses: [ip],
      nodeName,
      conditions,
      ...(zones && { hints: { forZones: zones.map((name) => ({ name })) } }),
    })),
    ...extra,
  } as EndpointSlice
}

const plan = (s: Service, ...slices: EndpointSlice[]): PortRule => planService(s, slices, node).ports[0]!
const ips = (target: { backends: readonly { ip: string }[] }) => target.backends.map((b) => b.ip)

describe('the plan of a service', () => {
  it('sends to the target port of ready endpoints', () => {
    const rule = plan(
      service(),
      slice([
        { ip: '10.244.1.2', node: 'n1' },
        { ip: '10.244.2.2', ready: false },
      ]),
    )
    expect(rule).toMatchObject({
      id: 'default/web/tcp/',
      protocol: 'tcp',
      port: 80,
      clusterIps: ['10.96.0.5'],
      internal: { backends: [{ ip: '10.244.1.2', port: 8080, local: true }], whenEmpty: 'reject' },
    })
  })

  it('falls back to endpoints that still serve while they terminate', () => {
    const leaving = { ip: '10.244.1.2', ready: false, serving: true, terminating: true }
    const gone = { ip: '10.244.1.3', ready: false, serving: false, terminating: true }
    expect(ips(plan(service(), slice([leaving, gone])).internal)).toEqual(['10.244.1.2'])
    expect(ips(plan(service(), slice([leaving, { ip: '10.244.1.4' }])).internal)).toEqual(['10.244.1.4'])
  })

  it('has nothing for headless, external and foreign services', () => {
    const s = slice([{ ip: '10.244.1.2' }])
    const foreign = service()
    foreign.metadata.labels = { 'service.kubernetes.io/service-proxy-name': 'other' }
    for (const none of [
      service({ clusterIP: 'None', clusterIPs: ['None'] }),
      service({ type: 'ExternalName' }),
      foreign,
    ])
      expect(planService(none, [s], node).ports).toEqual([])
  })

  it('matches ports by name and protocol', () => {
    const s = service({
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 81, protocol: 'UDP' },
      ],
    })
    const ports = [
      { name: 'b', port: 53, protocol: 'UDP' },
      { name: 'b', port: 54, protocol: 'TCP' },
    ]
    const rules = planService(s, [slice([{ ip: '10.244.1.2' }], { ports })], node).ports
    expect(rules.map((r) => r.internal.backends.map((b) => b.port))).toEqual([[], [53]])
  })

  it('keeps families apart', () => {
    const s = service({ clusterIPs: ['10.96.0.5', 'fd00::5'] })
    const six = slice([{ ip: 'fd00:1::2' }], { addressType: 'IPv6' })
    const rules = planService(s, [slice([{ ip: '10.244.1.2' }]), six], node).ports
    expect(rules.map((r) => [r.family, r.clusterIps, ips(r.internal)])).toEqual([
      [4, ['10.96.0.5'], ['10.244.1.2']],
      [6, ['fd00::5'], ['fd00:1::2']],
    ])
  })

  it('stays on the node where the traffic policy says so, and drops rather than rejects what others could serve', () => {
    const s = service({
      type: 'NodePort',
      ports: [{ port: 80, nodePort: 30080 }],
      externalTrafficPolicy: 'Local',
      internalTrafficPolicy: 'Local',
    })
    const here = { ip: '10.244.1.2', node: 'n1' }
    const there = { ip: '10.244.2.2', node: 'n2' }
    const both = plan(s, slice([here, there]))
    expect([ips(both.internal), ips(both.external), ips(both.externalFromInside)]).toEqual([
      ['10.244.1.2'],
      ['10.244.1.2'],
      ['10.244.1.2', '10.244.2.2'],
    ])
    expect(both.keepClientIp).toBe(true)
    expect(plan(s, slice([there])).external).toEqual({ backends: [], whenEmpty: 'drop' })
    expect(plan(s, slice([])).external).toEqual({ backends: [], whenEmpty: 'reject' })
  })

  it('follows zone hints only when all have one and one is for here', () => {
    const a = { ip: '10.244.1.2', zones: ['a'] }
    const b = { ip: '10.244.2.2', zones: ['b'] }
    expect(ips(plan(service(), slice([a, b])).internal)).toEqual(['10.244.1.2'])
    expect(ips(plan(service(), slice([a, { ip: '10.244.2.2' }])).internal)).toEqual(['10.244.1.2', '10.244.2.2'])
    expect(ips(plan(service(), slice([b])).internal)).toEqual(['10.244.2.2'])
  })

  it('takes traffic at load balancer addresses that arrive unchanged', () => {
    const ingress = [{ ip: '192.0.2.1' }, { ip: '192.0.2.2', ipMode: 'Proxy' }, { hostname: 'lb' }]
    const s = service(
      {
        type: 'LoadBalancer',
        loadBalancerSourceRanges: ['10.0.0.0/8', 'nonsense', 'fd00::/8'],
        healthCheckNodePort: 31000,
        externalTrafficPolicy: 'Local',
      },
      { loadBalancer: { ingress } },
    )
    const { ports, healthCheck } = planService(s, [slice([{ ip: '10.244.1.2', node: 'n1' }])], node)
    expect(ports[0]).toMatchObject({ loadBalancerIps: ['192.0.2.1'], sourceRanges: ['10.0.0.0/8'] })
    expect(healthCheck).toEqual({ port: 31000, namespace: 'default', name: 'web', localEndpoints: 1 })
  })

  it('gives affinity its time', () => {
    expect(plan(service({ sessionAffinity: 'ClientIP' })).affinitySeconds).toBe(10_800)
    const config = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 7 } } }
    expect(plan(service(config)).affinitySeconds).toBe(7)
  })

  it('is the same however endpoints are cut into slices', () => {
    const endpoint = fc.record({
      ip: fc.integer({ min: 1, max: 30 }).map((n) => `10.244.1.${n}`),
      node: fc.constantFrom('n1', 'n2'),
      ready: fc.boolean(),
      serving: fc.boolean(),
      terminating: fc.boolean(),
    })
    const endpoints = fc.uniqueArray(endpoint, { selector: (e) => e.ip, maxLength: 20 })
    fc.assert(
      fc.property(endpoints, fc.nat(20), (all, cut) => {
        const s = service({ type: 'NodePort', externalTrafficPolicy: 'Local' })
        const whole = planServices([s], [slice(all)], node).get('default/web')!
        const parts = planServices([s], [slice(all.slice(cut)), slice(all.slice(0, cut))], node).get('default/web')!
        expect(parts).toEqual(whole)
        const [rule] = whole.ports
        const usable = all.filter((e) => e.ready)
        const expected = usable.length > 0 ? usable : all.filter((e) => e.serving && e.terminating)
        expect(ips(rule!.internal).sort()).toEqual(expected.map((e) => e.ip).sort())
        expect(rule!.external.backends.every((b) => b.local)).toBe(true)
      }),
    )
  })
})
