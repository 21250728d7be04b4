import { createSocket, type Socket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decode, encode, type Packet } from 'dns-packet'
import { afterEach, describe, expect, it } from 'vitest'
import { endpointSlices, namespaces, services } from '#api/resources.ts'
import { systemClock } from '#base/clock.ts'
import { silentLog } from '#base/log.ts'
import { seededRandom } from '#base/random.ts'
import { Client } from '#client/client.ts'
import { createInformers } from '#client/informers.ts'
import { ObjectSource } from '#testing/object-source.ts'
import { framed } from './exchange.ts'
import { type DnsOptions, type DnsServer, startDns } from './start-dns.ts'

const stops: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

const DOMAIN = 'cluster.local'

async function start(source: ObjectSource, upstream: DnsOptions['upstream'] = [], extra: Partial<DnsOptions> = {}) {
  const abort = new AbortController()
  const shared = { clock: systemClock, random: seededRandom(1), log: silentLog, signal: abort.signal }
  const informers = createInformers({ client: new Client(source), ...shared })
  const listen = [{ address: '127.0.0.1', port: 0 }]
  const dns = await startDns({ informers, clusterDomain: DOMAIN, listen, upstream, ...shared, ...extra })
  stops.push(() => {
    abort.abort()
    return dns.stopped
  })
  await dns.ready
  return dns
}

function resolverFor(dns: DnsServer): Resolver {
  const resolver = new Resolver({ timeout: 2000, tries: 1 })
  resolver.setServers([`127.0.0.1:${dns.addresses[0]!.port}`])
  return resolver
}

/** Sends bytes and returns the first answer's bytes. */
function askUdp(dns: DnsServer, message: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4')
  return new Promise((resolve) => {
    socket.on('message', (answer) => {
      socket.close()
      resolve(answer)
    })
    socket.send(message, dns.addresses[0]!.port, '127.0.0.1')
  })
}

/** For both transports: one that is free for TCP, whose ports connections use up, is free for UDP. */
async function freePort(): Promise<number> {
  const probe = createServer()
  const port = await listen(probe)
  await new Promise((resolve) => probe.close(resolve))
  return port
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function cluster(): ObjectSource {
  const source = new ObjectSource()
  source.put(namespaces, { metadata: { name: 'default' } })
  source.put(services, {
    metadata: { namespace: 'default', name: 'web' },
    spec: { clusterIP: '10.96.0.50', ports: [{ name: 'http', port: 80 }] },
  })
  source.put(services, {
    metadata: { namespace: 'default', name: 'out' },
    spec: { type: 'ExternalName', externalName: 'www.example.com' },
  })
  source.put(services, { metadata: { namespace: 'default', name: 'db' }, spec: { clusterIP: 'None' } })
  source.put(endpointSlices, slice(['10.244.1.5']))
  return source
}

const slice = (ips: string[], ready = true) => ({
  metadata: { namespace: 'default', name: 'db-1', labels: { 'kubernetes.io/service-name': 'db' } },
  addressType: 'IPv4',
  ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
  endpoints: ips.map((ip, i) => ({ addresses: [ip], hostname: `db-${i}`, conditions: { ready } })),
})

/** Another name server, with answers by name; counts the questions. */
async function otherServer(answers: (question: { name: string; type: string }) => Partial<Packet> | undefined) {
  const asked: string[] = []
  const answer = (message: Buffer, overTcp: boolean): Buffer | undefined => {
    const packet = decode(message)
    const question = packet.questions![0]!
    if (question.type !== 'HINFO') asked.push(`${question.name} ${question.type} ${overTcp ? 'tcp' : 'udp'}`)
    const found = answers(question)
    return found && encode({ type: 'response', id: packet.id!, questions: [question], ...found })
  }
  const udp: Socket = createSocket('udp4')
  udp.on('message', (message, from) => {
    const bytes = answer(message, false)
    if (bytes) udp.send(bytes.length > 512 ? truncate(bytes) : bytes, from.port, from.address)
  })
  const tcp: Server = createServer((socket) => {
    socket.on('data', (chunk) => socket.write(framed(answer(chunk.subarray(2), true)!)))
  })
  const port = await listen(tcp)
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve))
  stops.push(() => {
    udp.close()
    tcp.close()
  })
  return { address: `127.0.0.1:${port}`, asked }
}

function truncate(bytes: Buffer): Buffer {
  const packet = decode(bytes)
  return encode({ type: 'response', id: packet.id!, flags: 0x0200, questions: packet.questions! })
}

describe('the name server', () => {
  it('answers an ordinary resolver', async () => {
    const resolver = resolverFor(await start(cluster()))
    expect(await resolver.resolve4('web.default.svc.cluster.local', { ttl: true })).toEqual([
      { address: '10.96.0.50', ttl: 5 },
    ])
    expect(await resolver.resolve4('WEB.default.svc.Cluster.Local')).toEqual(['10.96.0.50'])
    expect(await resolver.resolve4('db.default.svc.cluster.local')).toEqual(['10.244.1.5'])
    expect(await resolver.resolveSrv('_sql._tcp.db.default.svc.cluster.local')).toEqual([
      { name: 'db-0.db.default.svc.cluster.local', port: 5432, priority: 0, weight: 100 },
    ])
    expect(await resolver.reverse('10.96.0.50')).toEqual(['web.default.svc.cluster.local'])
    await expect(resolver.resolve4('gone.default.svc.cluster.local')).rejects.toMatchObject({ code: 'ENOTFOUND' })
    await expect(resolver.resolve6('web.default.svc.cluster.local')).rejects.toMatchObject({ code: 'ENODATA' })
    await expect(resolver.resolve4('example.com')).rejects.toMatchObject({ code: 'EREFUSED' })
  })

  it('follows the cluster', async () => {
    const source = cluster()
    const resolver = resolverFor(await start(source))
    source.put(endpointSlices, slice(['10.244.1.5', '10.244.2.7']))
    expect((await resolver.resolve4('db.default.svc.cluster.local')).sort()).toEqual(['10.244.1.5', '10.244.2.7'])
    expect(await resolver.resolve4('db-1.db.default.svc.cluster.local')).toEqual(['10.244.2.7'])
    source.put(endpointSlices, slice(['10.244.1.5'], false))
    await expect(resolver.resolve4('db.default.svc.cluster.local')).rejects.toMatchObject({ code: 'ENOTFOUND' })
    source.remove(services, { namespace: 'default', name: 'web' })
    await expect(resolver.resolve4('web.default.svc.cluster.local')).rejects.toMatchObject({ code: 'ENOTFOUND' })
    await expect(resolver.reverse('10.96.0.50')).rejects.toMatchObject({ code: 'ENOTFOUND' })
  })

  it('gives over TCP what does not fit into a datagram', async () => {
    const source = cluster()
    const ips = Array.from({ length: 300 }, (_, i) => `10.244.${i >> 8}.${i & 255}`)
    source.put(endpointSlices, slice(ips))
    const dns = await start(source)
    const query = encode({ type: 'query', id: 5, questions: [{ name: 'db.default.svc.cluster.local', type: 'A' }] })
    const short = await askUdp(dns, query)
    expect(short.length).toBeLessThanOrEqual(512)
    expect(decode(short)).toMatchObject({ flag_tc: true })
    expect((await resolverFor(dns).resolve4('db.default.svc.cluster.local')).length).toBe(300)
    expect(dns.metrics.requests.tcp).toBe(1)
    expect(dns.metrics.truncated).toBeGreaterThanOrEqual(2)
  })

  it('answers several questions on one connection, in pieces or at once', async () => {
    const dns = await start(cluster())
    const socket = connect(dns.addresses[0]!.port, '127.0.0.1')
    stops.push(() => socket.destroy())
    const query = (id: number) =>
      framed(encode({ type: 'query', id, questions: [{ name: 'web.default.svc.cluster.local', type: 'A' }] }))
    const bytes = Buffer.concat([query(1), query(2), query(3)])
    let received = Buffer.alloc(0)
    const done = new Promise<void>((resolve) => {
      socket.on('data', (chunk) => {
        received = Buffer.concat([received, chunk])
        const length = received.length >= 2 ? received.readUInt16BE(0) + 2 : 1
        if (received.length === 3 * length) resolve()
      })
    })
    socket.setNoDelay(true)
    socket.write(bytes.subarray(0, 1))
    socket.write(bytes.subarray(1, 40))
    socket.write(bytes.subarray(40))
    await done
    const length = received.readUInt16BE(0) + 2
    expect([0, 1, 2].map((i) => received.readUInt16BE(i * length + 2))).toEqual([1, 2, 3])
  })

  it('refuses what it does not do', async () => {
    const dns = await start(cluster())
    const question = { name: 'web.default.svc.cluster.local', type: 'A' as const }
    const rcode = async (message: Buffer) => (await askUdp(dns, message))[3]! & 15
    expect(await rcode(encode({ type: 'query', id: 1, questions: [{ ...question, class: 'CH' }] }))).toBe(5)
    expect(await rcode(encode({ type: 'query', id: 1, questions: [{ ...question, type: 'AXFR' }] }))).toBe(5)
    expect(await rcode(encode({ type: 'query', id: 1, questions: [question, question] }))).toBe(1)
    const update = encode({ type: 'query', id: 1, questions: [question] })
    update[2] = 5 << 3
    expect(await rcode(update)).toBe(4)
  })

  it('forwards the rest, and remembers the answers', async () => {
    const other = await otherServer(({ name, type }) =>
      type === 'A' ? { answers: [{ name, type: 'A', ttl: 60, data: '192.0.2.1' }] } : {},
    )
    const dns = await start(cluster(), [other.address])
    const resolver = resolverFor(dns)
    for (let i = 0; i < 3; i++) expect(await resolver.resolve4('www.example.com')).toEqual(['192.0.2.1'])
    expect(other.asked).toEqual(['www.example.com A udp'])
    expect(dns.metrics).toMatchObject({ cacheHits: 2, cacheMisses: 1 })
  })

  it('asks only once for many clients', async () => {
    const other = await otherServer(({ name }) => ({ answers: [{ name, type: 'A', ttl: 0, data: '192.0.2.1' }] }))
    const resolver = resolverFor(await start(cluster(), [other.address]))
    await Promise.all(Array.from({ length: 20 }, () => resolver.resolve4('www.example.com')))
    expect(other.asked.length).toBeLessThan(20)
  })

  it('finds the addresses behind an alias that leads outside', async () => {
    const other = await otherServer(() => ({
      answers: [
        { name: 'www.example.com', type: 'CNAME', ttl: 60, data: 'cdn.example.net' },
        { name: 'cdn.example.net', type: 'A', ttl: 60, data: '192.0.2.9' },
      ],
    }))
    const resolver = resolverFor(await start(cluster(), [other.address]))
    expect(await resolver.resolve4('out.default.svc.cluster.local')).toEqual(['192.0.2.9'])
    expect(await resolver.resolveCname('out.default.svc.cluster.local')).toEqual(['www.example.com'])
  })

  it('goes on to the next server when one does not answer, and asks that one last from then on', async () => {
    const silent = await otherServer(() => undefined)
    const good = await otherServer(({ name }) => ({ answers: [{ name, type: 'A', ttl: 0, data: '192.0.2.2' }] }))
    const dns = await start(cluster(), [silent.address, good.address], { upstreamTimeoutMs: 100 })
    const resolver = new Resolver({ timeout: 5000, tries: 1 })
    resolver.setServers([`127.0.0.1:${dns.addresses[0]!.port}`])
    expect(await resolver.resolve4('a.example.com')).toEqual(['192.0.2.2'])
    expect(await resolver.resolve4('b.example.com')).toEqual(['192.0.2.2'])
    expect(silent.asked).toEqual(['a.example.com A udp'])
  })

  it('gets long answers for clients that come over TCP', async () => {
    const answers = Array.from({ length: 60 }, (_, i) => ({
      name: 'big.example.com',
      type: 'A' as const,
      ttl: 9,
      data: `192.0.2.${i}`,
    }))
    const other = await otherServer(() => ({ answers }))
    const resolver = resolverFor(await start(cluster(), [other.address]))
    expect((await resolver.resolve4('big.example.com')).length).toBe(60)
    expect(other.asked).toEqual(['big.example.com A udp', 'big.example.com A tcp'])
  })

  it('does not carry the guesses of resolvers outside', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'dns-'))
    stops.push(() => rm(directory, { recursive: true }))
    const other = await otherServer(() => ({}))
    const [ip, port] = other.address.split(':')
    expect(port).toBeDefined()
    await writeFile(join(directory, 'resolv.conf'), `nameserver ${ip}9\nsearch corp.example\n`)
    const dns = await start(
      cluster(),
      { resolvConf: join(directory, 'resolv.conf') },
      { clusterCidrs: ['10.96.0.0/16'] },
    )
    const resolver = resolverFor(dns)
    await expect(resolver.resolve4('web.default.svc.cluster.local.corp.example')).rejects.toMatchObject({
      code: 'ENOTFOUND',
    })
    await expect(resolver.resolve4('www.example.com.default.svc.cluster.local')).rejects.toMatchObject({
      code: 'ENOTFOUND',
    })
    await expect(resolver.reverse('10.96.3.3')).rejects.toMatchObject({ code: 'ENOTFOUND' })
    expect(await resolver.resolve4('localhost')).toEqual(['127.0.0.1'])
    expect(dns.metrics.forwarded).toBe(0)
  })

  it('notices that questions come back to itself', async () => {
    // A relay that sends everything to the name server which forwards to it.
    let target = 0
    const relay = createSocket('udp4')
    const clients = new Map<number, number>()
    relay.on('message', (message, from) => {
      if (from.port === target) relay.send(message, clients.get(message.readUInt16BE(0))!, '127.0.0.1')
      else {
        clients.set(message.readUInt16BE(0), from.port)
        relay.send(message, target, '127.0.0.1')
      }
    })
    await new Promise<void>((resolve) => relay.bind(0, '127.0.0.1', resolve))
    stops.push(() => relay.close())
    target = await freePort()
    const listen = [{ address: '127.0.0.1', port: target }]
    const dns = await start(cluster(), [`127.0.0.1:${relay.address().port}`], { listen })
    // The probe is on its way since the start; a question behind it finds the loop known.
    await expect(resolverFor(dns).resolve4('web.default.svc.cluster.local')).resolves.toEqual(['10.96.0.50'])
    await expect(resolverFor(dns).resolve4('example.com')).rejects.toMatchObject({ code: 'EREFUSED' })
  })

  it('does not forward to an address of its own', async () => {
    const port = await freePort()
    const dns = await start(cluster(), [`127.0.0.1:${port}`], { listen: [{ address: '127.0.0.1', port }] })
    await expect(resolverFor(dns).resolve4('example.com')).rejects.toMatchObject({ code: 'EREFUSED' })
    expect(dns.metrics.forwarded).toBe(0)
  })

  it('counts', async () => {
    const dns = await start(cluster())
    await resolverFor(dns).resolve4('web.default.svc.cluster.local')
    await askUdp(dns, Buffer.alloc(12))
    const text = dns.metrics.exposition()
    expect(text).toContain('rostrum_dns_requests_total{proto="udp"} 2\n')
    expect(text).toContain('rostrum_dns_responses_total{rcode="NOERROR"} 1\n')
    expect(text).toContain('rostrum_dns_malformed_total 1\n')
  })
})
