import { describe, expect, it } from 'vitest'
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Endpoints, Service } from '#api/core/v1/service.ts'
import type { EndpointSlice } from '#api/discovery/v1.ts'
import { planSubsets } from './endpoints-controller.ts'
import { planMirror } from './mirroring-controller.ts'
import { planSlices } from './slice-plan.ts'
import { repackSubsets, truncateSubsets } from './subsets.ts'

interface PodTraits {
  ip?: string[]
  ready?: boolean
  deleted?: boolean
  phase?: string
  port?: number
  hostname?: string
}

function podNamed(
  name: string,
  { ip = ['10.0.0.1'], ready = true, deleted, phase = 'Running', port = 8080, hostname }: PodTraits = {},
): Pod {
  return {
    metadata: {
      name,
      namespace: 'ns',
      uid: `u-${name}`,
      ...(deleted && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    spec: {
      nodeName: 'n1',
      containers: [{ name: 'c', ports: [{ name: 'http', containerPort: port, protocol: 'TCP' }] }],
      ...(hostname && { hostname, subdomain: 'web' }),
    },
    status: {
      phase,
      podIP: ip[0],
      podIPs: ip.map((address) => ({ ip: address })),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  } as unknown as Pod
}

function service(spec: Partial<Service['spec']> = {}): Service {
  return {
    metadata: { name: 'web', namespace: 'ns', uid: 'svc', labels: { app: 'web' } },
    spec: {
      clusterIP: '10.96.0.1',
      ipFamilies: ['IPv4'],
      ports: [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' }],
      ...spec,
    },
  } as unknown as Service
}
const node = { metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'z1' } } } as unknown as Node
const plan = (svc: Service, pods: Pod[], existing: EndpointSlice[] = []) =>
  planSlices({ service: svc, pods, nodeOf: () => node, existing })

describe('EndpointSlices', () => {
  it('describe each pod with its conditions, node and zone', () => {
    const { create } = plan(service(), [
      podNamed('a', { hostname: 'a' }),
      podNamed('b', { ip: ['10.0.0.2'], ready: false }),
      podNamed('c', { ip: ['10.0.0.3'], deleted: true }),
      podNamed('done', { phase: 'Succeeded' }),
      podNamed('new', { ip: [] }),
    ])
    expect(create).toHaveLength(1)
    expect(create[0]).toMatchObject({
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      metadata: {
        generateName: 'web-',
        labels: {
          app: 'web',
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
        ownerReferences: [
          { apiVersion: 'v1', kind: 'Service', name: 'web', uid: 'svc', controller: true, blockOwnerDeletion: true },
        ],
      },
    })
    expect(
      create[0]!.endpoints!.map((e) => [e.addresses, e.conditions, e.hostname, e.zone, e.targetRef?.name]),
    ).toEqual([
      [['10.0.0.1'], { ready: true, serving: true, terminating: false }, 'a', 'z1', 'a'],
      [['10.0.0.2'], { ready: false, serving: false, terminating: false }, undefined, 'z1', 'b'],
      [['10.0.0.3'], { ready: false, serving: true, terminating: true }, undefined, 'z1', 'c'],
    ])
  })

  it('of a dual-stack Service come in both families', () => {
    const { create } = plan(service({ ipFamilies: ['IPv4', 'IPv6'] }), [podNamed('a', { ip: ['10.0.0.1', 'fd00::1'] })])
    expect(create.map((s) => [s.addressType, s.endpoints![0]!.addresses])).toEqual([
      ['IPv4', ['10.0.0.1']],
      ['IPv6', ['fd00::1']],
    ])
  })

  it('separate pods whose named port has different numbers', () => {
    const { create } = plan(service(), [podNamed('a'), podNamed('b', { ip: ['10.0.0.2'], port: 9090 })])
    expect(create.map((s) => s.ports![0]!.port).toSorted()).toEqual([8080, 9090])
  })

  it('count everything as ready where the Service publishes not ready addresses', () => {
    const { create } = plan(service({ publishNotReadyAddresses: true }), [
      podNamed('a', { ready: false, deleted: true }),
    ])
    expect(create[0]!.endpoints![0]!.conditions).toEqual({ ready: true, serving: false, terminating: true })
  })

  it('of a Service without pods are one empty slice, which then stays', () => {
    const { create } = plan(service({ clusterIP: 'None' }), [])
    expect(create).toMatchObject([
      { endpoints: [], ports: [], metadata: { labels: { 'service.kubernetes.io/headless': '' } } },
    ])
    const existing = { ...create[0], metadata: { ...create[0]!.metadata, name: 'web-1' } } as EndpointSlice
    expect(plan(service({ clusterIP: 'None' }), [], [existing])).toEqual({
      create: [],
      update: [],
      delete: [],
      skipped: [],
    })
  })

  it('are reused rather than replaced when the ports change', () => {
    const { create } = plan(service(), [podNamed('a')])
    const existing = { ...create[0], metadata: { ...create[0]!.metadata, name: 'web-1' } } as EndpointSlice
    const next = plan(service(), [podNamed('a', { port: 9090 })], [existing])
    expect(next).toMatchObject({
      create: [],
      delete: [],
      update: [{ metadata: { name: 'web-1' }, ports: [{ port: 9090 }] }],
    })
  })

  it('carry hints for the zone, or for the node too, as the Service prefers', () => {
    const [slice] = plan(service({ trafficDistribution: 'PreferSameNode' }), [podNamed('a')]).create
    expect(slice!.endpoints![0]!.hints).toEqual({ forZones: [{ name: 'z1' }], forNodes: [{ name: 'n1' }] })
    const existing = { ...slice, metadata: { ...slice!.metadata, name: 'web-1' } } as EndpointSlice
    const { update } = plan(service(), [podNamed('a')], [existing])
    expect(update[0]!.endpoints![0]!.hints).toBeUndefined()
  })

  it('leave out pods whose node is unknown, and say so', () => {
    const { skipped, create } = planSlices({
      service: service(),
      pods: [podNamed('a')],
      nodeOf: () => undefined,
      existing: [],
    })
    expect([skipped, create[0]!.endpoints]).toEqual([['a'], []])
  })
})

describe('Endpoints', () => {
  it('split ready and not ready addresses', () => {
    const subsets = planSubsets(service(), [
      podNamed('a'),
      podNamed('b', { ip: ['10.0.0.2'], ready: false }),
      podNamed('c', { deleted: true }),
    ])
    expect(subsets).toEqual([
      {
        addresses: [
          { ip: '10.0.0.1', nodeName: 'n1', targetRef: { kind: 'Pod', namespace: 'ns', name: 'a', uid: 'u-a' } },
        ],
        notReadyAddresses: [
          { ip: '10.0.0.2', nodeName: 'n1', targetRef: { kind: 'Pod', namespace: 'ns', name: 'b', uid: 'u-b' } },
        ],
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      },
    ])
  })

  it('are grouped by ports, whatever the order they are given in', () => {
    const [a, b] = [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }]
    const [http, dns] = [
      { name: 'http', port: 80 },
      { name: 'dns', port: 53 },
    ]
    const packed = repackSubsets([
      { addresses: [b], ports: [http] },
      { addresses: [a], ports: [http] },
      { addresses: [a, b], ports: [dns] },
      { addresses: [a] },
    ])
    expect(packed).toEqual(
      [{ addresses: [a] }, { addresses: [a, b], ports: [dns, http] }].toSorted((x, y) =>
        JSON.stringify(x) < JSON.stringify(y) ? -1 : 1,
      ),
    )
  })

  it('are cut to a thousand, ready ones first', () => {
    const addresses = Array.from({ length: 1200 }, (_, i) => ({ ip: `10.0.${i >> 8}.${i & 255}` }))
    expect(
      truncateSubsets([{ addresses: addresses.slice(0, 500) }, { addresses: addresses.slice(500, 900) }]),
    ).toBeUndefined()
    const cut = truncateSubsets([{ addresses: addresses.slice(0, 900), notReadyAddresses: addresses.slice(900) }])!
    expect([cut[0]!.addresses!.length, cut[0]!.notReadyAddresses!.length]).toEqual([900, 100])
  })
})

describe('mirroring', () => {
  const endpoints = {
    metadata: {
      name: 'db',
      namespace: 'ns',
      uid: 'e',
      labels: { tier: 'db' },
      annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': 'x', note: 'y' },
    },
    subsets: [
      {
        addresses: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }, { ip: 'db.example' }],
        notReadyAddresses: [{ ip: '192.0.2.2' }],
        ports: [{ port: 5432 }],
      },
    ],
  } as unknown as Endpoints

  it('makes a slice for each family, and counts what is no address', () => {
    const { create, invalid } = planMirror(endpoints, [])
    expect(invalid).toBe(1)
    expect(create.map((s) => [s.addressType, s.endpoints!.map((e) => [e.addresses[0], e.conditions!.ready])])).toEqual([
      [
        'IPv4',
        [
          ['192.0.2.1', true],
          ['192.0.2.2', false],
        ],
      ],
      ['IPv6', [['2001:db8::1', true]]],
    ])
    expect(create[0]!.metadata).toMatchObject({
      labels: {
        tier: 'db',
        'kubernetes.io/service-name': 'db',
        'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
      },
      annotations: { note: 'y' },
    })
  })

  it('writes nothing twice, reuses slices, and removes those that are no longer needed', () => {
    const slices = planMirror(endpoints, []).create.map((s, i) => ({
      ...s,
      metadata: { ...s.metadata, name: `db-${i}` },
    })) as EndpointSlice[]
    expect(planMirror(endpoints, slices)).toMatchObject({ create: [], update: [], delete: [] })
    const moved = { ...endpoints, subsets: [{ addresses: [{ ip: '192.0.2.9' }], ports: [{ port: 1 }] }] } as Endpoints
    const next = planMirror(moved, slices)
    expect([next.create, next.update.map((s) => s.metadata.name), next.delete.map((s) => s.metadata.name)]).toEqual([
      [],
      ['db-0'],
      ['db-1'],
    ])
  })
})
