import { describe, expect, it } from 'vitest'
import { seededRandom } from '#base/random.ts'
import { RCODES, type ResourceRecord, TYPES } from './wire.ts'
import { type ClusterNames, type NamedEndpoint, type NamedService, Zone } from './zone.ts'

const http = { name: 'http', protocol: 'TCP', port: 80 }
const services: NamedService[] = [
  { namespace: 'default', name: 'web', clusterIps: ['10.96.0.50', 'fd00::50'], externalName: undefined, ports: [http] },
  { namespace: 'default', name: 'db', clusterIps: [], externalName: undefined, ports: [] },
  { namespace: 'default', name: 'idle', clusterIps: [], externalName: undefined, ports: [http] },
  { namespace: 'default', name: 'out', clusterIps: [], externalName: 'Example.com.', ports: [] },
  { namespace: 'default', name: 'alias', clusterIps: [], externalName: 'web.default.svc.cluster.local', ports: [] },
  { namespace: 'default', name: 'loop', clusterIps: [], externalName: 'loop.default.svc.cluster.local', ports: [] },
]
const sql = { name: 'sql', protocol: 'TCP', port: 5432 }
const endpoints: Record<string, NamedEndpoint[]> = {
  'default/db': [
    { ip: '10.244.1.5', label: 'db-0', ports: [sql] },
    { ip: '10.244.2.6', label: 'db-1', ports: [sql] },
  ],
  'default/web': [{ ip: '10.244.1.9', label: '10-244-1-9', ports: [{ ...http, port: 8080 }] }],
}
const names: ClusterNames = {
  hasNamespace: (namespace) => namespace === 'default',
  service: (namespace, name) => services.find((s) => s.namespace === namespace && s.name === name),
  endpoints: (namespace, name) => endpoints[`${namespace}/${name}`] ?? [],
  servicesOf: (ip) => services.filter((s) => s.clusterIps.includes(ip)),
  endpointsOf: (ip) =>
    Object.entries(endpoints).flatMap(([key, list]) =>
      list
        .filter((e) => e.ip === ip)
        .map((e) => ({ namespace: key.split('/')[0]!, service: key.split('/')[1]!, label: e.label })),
    ),
}
const zone = new Zone({ domain: 'cluster.local', names, random: seededRandom(1), serverIps: ['10.96.0.10'] })

const text = ({ name, data }: ResourceRecord) => {
  const { type, ...rest } = data
  return `${name} ${type} ${Object.values(rest).join(' ')}`
}
/** The answer in lines: `NXDOMAIN`, `NODATA`, or its records. */
function ask(name: string, type: keyof typeof TYPES): string[] {
  const answer = zone.answer(name, TYPES[type])!
  if (answer.rcode !== RCODES.NOERROR) return [answer.rcode === RCODES.NXDOMAIN ? 'NXDOMAIN' : `RCODE ${answer.rcode}`]
  return answer.answers.length === 0 ? ['NODATA'] : answer.answers.map(text).sort()
}

describe('names of services', () => {
  it.each<[string, keyof typeof TYPES, string[]]>([
    ['web.default.svc.cluster.local', 'A', ['web.default.svc.cluster.local A 10.96.0.50']],
    ['web.default.svc.cluster.local', 'AAAA', ['web.default.svc.cluster.local AAAA fd00::50']],
    ['web.default.svc.cluster.local', 'TXT', ['NODATA']],
    [
      'web.default.svc.cluster.local',
      'SRV',
      ['web.default.svc.cluster.local SRV 0 100 80 web.default.svc.cluster.local'],
    ],
    [
      '_http._tcp.web.default.svc.cluster.local',
      'SRV',
      ['_http._tcp.web.default.svc.cluster.local SRV 0 100 80 web.default.svc.cluster.local'],
    ],
    ['_http._udp.web.default.svc.cluster.local', 'SRV', ['NXDOMAIN']],
    ['_tcp.web.default.svc.cluster.local', 'SRV', ['NODATA']],
    ['_udp.web.default.svc.cluster.local', 'SRV', ['NXDOMAIN']],
    ['10-244-1-9.web.default.svc.cluster.local', 'A', ['10-244-1-9.web.default.svc.cluster.local A 10.244.1.9']],
    [
      'db.default.svc.cluster.local',
      'A',
      ['db.default.svc.cluster.local A 10.244.1.5', 'db.default.svc.cluster.local A 10.244.2.6'],
    ],
    ['db.default.svc.cluster.local', 'AAAA', ['NODATA']],
    ['db-1.db.default.svc.cluster.local', 'A', ['db-1.db.default.svc.cluster.local A 10.244.2.6']],
    ['db-2.db.default.svc.cluster.local', 'A', ['NXDOMAIN']],
    [
      '_sql._tcp.db.default.svc.cluster.local',
      'SRV',
      [
        '_sql._tcp.db.default.svc.cluster.local SRV 0 50 5432 db-0.db.default.svc.cluster.local',
        '_sql._tcp.db.default.svc.cluster.local SRV 0 50 5432 db-1.db.default.svc.cluster.local',
      ],
    ],
    ['idle.default.svc.cluster.local', 'A', ['NXDOMAIN']],
    ['gone.default.svc.cluster.local', 'A', ['NXDOMAIN']],
    ['a.b.c.web.default.svc.cluster.local', 'A', ['NXDOMAIN']],
    ['default.svc.cluster.local', 'A', ['NODATA']],
    ['nowhere.svc.cluster.local', 'A', ['NXDOMAIN']],
    ['svc.cluster.local', 'A', ['NODATA']],
  ])('%s %s', (name, type, expected) => {
    expect(ask(name, type)).toEqual(expected)
  })

  it('carry the addresses of SRV targets along', () => {
    const answer = zone.answer('_sql._tcp.db.default.svc.cluster.local', TYPES.SRV)!
    expect(answer.additionals.map(text).sort()).toEqual([
      'db-0.db.default.svc.cluster.local A 10.244.1.5',
      'db-1.db.default.svc.cluster.local A 10.244.2.6',
    ])
  })

  it('follow aliases inside the zone, and name those that lead outside', () => {
    expect(ask('alias.default.svc.cluster.local', 'A')).toEqual([
      'alias.default.svc.cluster.local CNAME web.default.svc.cluster.local',
      'web.default.svc.cluster.local A 10.96.0.50',
    ])
    const out = zone.answer('out.default.svc.cluster.local', TYPES.A)!
    expect(out.answers.map(text)).toEqual(['out.default.svc.cluster.local CNAME example.com'])
    expect(out.chase).toBe('example.com')
    expect(ask('out.default.svc.cluster.local', 'CNAME')).toEqual(['out.default.svc.cluster.local CNAME example.com'])
  })

  it('end aliases that go in circles', () => {
    expect(ask('loop.default.svc.cluster.local', 'A')).toEqual([`RCODE ${RCODES.SERVFAIL}`])
  })

  it('give a different address first from time to time', () => {
    const firsts = new Set<string>()
    for (let i = 0; i < 50; i++) firsts.add(text(zone.answer('db.default.svc.cluster.local', TYPES.A)!.answers[0]!))
    expect(firsts.size).toBe(2)
  })
})

describe('the rest of the zone', () => {
  it.each<[string, keyof typeof TYPES, string[]]>([
    ['10-244-1-9.default.pod.cluster.local', 'A', ['10-244-1-9.default.pod.cluster.local A 10.244.1.9']],
    ['fd00--9.default.pod.cluster.local', 'AAAA', ['fd00--9.default.pod.cluster.local AAAA fd00::9']],
    ['fd00--9.default.pod.cluster.local', 'A', ['NODATA']],
    ['10-244-1-9.nowhere.pod.cluster.local', 'A', ['NXDOMAIN']],
    ['web.default.pod.cluster.local', 'A', ['NXDOMAIN']],
    ['dns-version.cluster.local', 'TXT', ['dns-version.cluster.local TXT 1.1.0']],
    ['cluster.local', 'NS', ['cluster.local NS ns.dns.cluster.local']],
    ['ns.dns.cluster.local', 'A', ['ns.dns.cluster.local A 10.96.0.10']],
    ['cluster.local', 'A', ['NODATA']],
    ['anything.cluster.local', 'A', ['NXDOMAIN']],
  ])('%s %s', (name, type, expected) => {
    expect(ask(name, type)).toEqual(expected)
  })

  it('says how long a denial holds', () => {
    for (const name of ['gone.default.svc.cluster.local', 'svc.cluster.local']) {
      const [soa] = zone.answer(name, TYPES.A)!.authorities
      expect(soa).toMatchObject({ name: 'cluster.local', ttlSeconds: 5, data: { type: 'SOA', minimum: 5 } })
    }
  })

  it('leaves names outside the zone to others', () => {
    expect(zone.answer('example.com', TYPES.A)).toBeUndefined()
    expect(zone.answer('notcluster.local', TYPES.A)).toBeUndefined()
    expect(zone.answer('local', TYPES.A)).toBeUndefined()
  })

  it('looks pods up where it is asked to', () => {
    const verified = new Zone({
      domain: 'cluster.local',
      names: { ...names, hasPod: (_, ip) => ip === '10.244.1.9' },
      random: seededRandom(1),
      serverIps: [],
    })
    expect(verified.answer('10-244-1-9.default.pod.cluster.local', TYPES.A)!.answers).toHaveLength(1)
    expect(verified.answer('10-244-1-8.default.pod.cluster.local', TYPES.A)!.rcode).toBe(RCODES.NXDOMAIN)
  })

  it('knows addresses backwards', () => {
    const back = (name: string) => zone.reverse(name, TYPES.PTR)?.answers.map(text)
    expect(back('50.0.96.10.in-addr.arpa')).toEqual(['50.0.96.10.in-addr.arpa PTR web.default.svc.cluster.local'])
    expect(back('5.1.244.10.in-addr.arpa')).toEqual(['5.1.244.10.in-addr.arpa PTR db-0.db.default.svc.cluster.local'])
    expect(back(`0.5${'.0'.repeat(26)}.0.0.d.f.ip6.arpa`)).toEqual([
      `0.5${'.0'.repeat(26)}.0.0.d.f.ip6.arpa PTR web.default.svc.cluster.local`,
    ])
    expect(back('1.1.1.1.in-addr.arpa')).toBeUndefined()
    expect(back('300.1.1.1.in-addr.arpa')).toBeUndefined()
  })
})
