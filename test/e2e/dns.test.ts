/**
 * Names from a pod's point of view: the name server in the host's namespace, reached through the service kube-dns by each
 * backend of the service proxy. Needs root, iproute2 and nftables.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { exec } from '#base/exec.ts'
import { silentLog } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import { namespaces, services } from '#api/resources.ts'
import { Client } from '#client/client.ts'
import { createInformers } from '#client/informers.ts'
import { planDnsService } from '#dns/dns-service.ts'
import { startDns } from '#dns/start-dns.ts'
import { createSystemHost } from '#network/host.ts'
import { createNodeNamespace, removeClusterNetwork } from '#network/machine.ts'
import { planSlot } from '#network/slot.ts'
import { ObjectSource } from '#testing/object-source.ts'
import { buildProgram, Inside, snapshot } from './network-inside.ts'

const SLOT = 62
const plan = planSlot(SLOT)
const host = createSystemHost()
const podCidr = `10.${244 - SLOT}.1.0/24`

let directory: string
let program: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dns-e2e-'))
  program = await buildProgram(directory)
})
afterAll(() => rm(directory, { recursive: true, force: true }))

describe.each(['nft', 'userspace'] as const)('names in a cluster whose services are forwarded by %s', (backend) => {
  const abort = new AbortController()
  let before: string
  let agent: Inside
  let pod: Inside
  let request: object
  let dns: Awaited<ReturnType<typeof startDns>>
  const lookup = (name: string, rrtype = 'A') => pod.ask('lookup', { server: plan.dnsServiceIp, name, rrtype })

  beforeAll(async () => {
    await removeClusterNetwork(host, SLOT, silentLog)
    before = await snapshot()
    const ns = await createNodeNamespace({ host, slot: SLOT, cluster: 'dns', index: 0, log: silentLog })
    const source = new ObjectSource()
    for (const name of ['default', 'kube-system']) source.put(namespaces, { metadata: { name } })
    const wanted = planDnsService({ clusterIp: plan.dnsServiceIp, address: ns.hostIp, port: 53 })
    source.put(services, wanted.service as never)
    for (let i = 0; i < 40; i++) {
      const spec = { clusterIP: `10.${96 + SLOT}.1.${i}`, ports: [{ name: `port-${i}`, port: 80 + i }] }
      source.put(services, { metadata: { namespace: 'default', name: `web-${i}` }, spec })
    }
    const ports = Array.from({ length: 60 }, (_, i) => ({ name: `p${i}`, port: 1000 + i }))
    source.put(services, {
      metadata: { namespace: 'default', name: 'many' },
      spec: { clusterIP: plan.dnsServiceIp, ports },
    })
    const shared = { clock: systemClock, random: systemRandom, log: silentLog, signal: abort.signal }
    dns = await startDns({
      informers: createInformers({ client: new Client(source), ...shared }),
      clusterDomain: 'cluster.local',
      listen: [{ address: ns.hostIp, port: 53 }],
      upstream: [],
      ...shared,
    })
    await dns.ready
    const config = {
      name: 'n0',
      ip: ns.nodeIp,
      podCidr,
      serviceCidr: plan.serviceCidr,
      backend,
      mode: 'auto',
      stateDirectory: join(directory, backend),
    }
    agent = new Inside(program, ns.netnsName, ['node', JSON.stringify(config)])
    await agent.ready()
    await agent.ask('put', {
      plural: 'nodes',
      object: {
        metadata: { name: 'n0' },
        spec: { podCIDR: podCidr, podCIDRs: [podCidr] },
        status: { addresses: [{ type: 'InternalIP', address: ns.nodeIp }] },
      },
    })
    await agent.ask('put', { plural: 'services', object: wanted.service })
    await agent.ask('put', { plural: 'endpointSlices', object: wanted.slice })
    await agent.ask('settled')
    await exec(['ip', 'netns', 'add', 'dns-e2e-pod'])
    request = { sandboxId: 'dnspod', netnsPath: '/run/netns/dns-e2e-pod', portMappings: [] }
    await agent.ask('setup', request)
    pod = new Inside(program, 'dns-e2e-pod', ['pod', 'pod'])
    await pod.ready()
  })

  afterAll(async () => {
    await pod.end()
    await agent.ask('teardown', request)
    await exec(['ip', 'netns', 'del', 'dns-e2e-pod'])
    await agent.ask('stop')
    await agent.end()
    abort.abort()
    await dns.stopped
    await removeClusterNetwork(host, SLOT, silentLog)
    expect(await snapshot()).toBe(before)
  })

  it('resolves services', async () => {
    expect(await lookup('web-7.default.svc.cluster.local')).toEqual([`10.${96 + SLOT}.1.7`])
    expect(await lookup('kube-dns.kube-system.svc.cluster.local')).toEqual([plan.dnsServiceIp])
    expect(await lookup('_port-3._tcp.web-3.default.svc.cluster.local', 'SRV')).toEqual([
      { name: 'web-3.default.svc.cluster.local', port: 83, priority: 0, weight: 100 },
    ])
  })

  it('denies what is not there, at once', async () => {
    expect(await lookup('gone.default.svc.cluster.local')).toBe('ENOTFOUND')
    expect(await lookup('web-1.default.svc.cluster.local', 'AAAA')).toBe('ENODATA')
  })

  it('answers many pods at once', async () => {
    const names = Array.from({ length: 400 }, (_, i) => `web-${i % 40}.default.svc.cluster.local`)
    const answers = await Promise.all(names.map((name) => lookup(name)))
    expect(answers).toEqual(names.map((_, i) => [`10.${96 + SLOT}.1.${i % 40}`]))
  })

  it('gives long answers over TCP', async () => {
    const answer = (await lookup('many.default.svc.cluster.local', 'SRV')) as unknown[]
    expect(answer.length).toBe(60)
    expect(dns.metrics.requests.tcp).toBeGreaterThan(0)
  })
})
