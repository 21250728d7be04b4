/**
 * Two nodes on this machine with pods on their bridges, and services between them, once with nftables and once in user
 * space; afterwards the machine's network must be what it was before. Needs root, iproute2 and nftables.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exec } from '#base/exec.ts'
import { silentLog } from '#base/log.ts'
import { createSystemHost } from '#network/host.ts'
import { createNodeNamespace, findSlotConflicts, listClusterNetworks, removeClusterNetwork } from '#network/machine.ts'
import { planSlot } from '#network/slot.ts'
import { buildProgram, Inside, snapshot } from './network-inside.ts'

const SLOT = 61
const plan = planSlot(SLOT)
const host = createSystemHost()
const podCidrs = [`10.${244 - SLOT}.1.0/24`, `10.${244 - SLOT}.2.0/24`]
const vip = `10.${96 + SLOT}.0.50`

let directory: string
let program: string

const service = (extra: object = {}) => ({
  plural: 'services',
  object: {
    metadata: { namespace: 'default', name: 'web' },
    spec: {
      type: 'NodePort',
      clusterIP: vip,
      clusterIPs: [vip],
      ports: [
        { name: 'tcp', protocol: 'TCP', port: 80, nodePort: 30080 },
        { name: 'udp', protocol: 'UDP', port: 80, nodePort: 30081 },
      ],
      ...extra,
    },
  },
})

const slice = (endpoints: { ip: string; node: string }[]) => ({
  plural: 'endpointSlices',
  object: {
    metadata: { namespace: 'default', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [
      { name: 'tcp', protocol: 'TCP', port: 8080 },
      { name: 'udp', protocol: 'UDP', port: 8080 },
    ],
    endpoints: endpoints.map(({ ip, node }) => ({ addresses: [ip], nodeName: node, conditions: { ready: true } })),
  },
})

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'network-e2e-'))
  program = await buildProgram(directory)
})
afterAll(() => rm(directory, { recursive: true, force: true }))

describe.each([
  { backend: 'nft', mode: 'auto' },
  { backend: 'userspace', mode: 'auto' },
  { backend: 'nft', mode: 'vxlan' },
] as const)('a cluster network with backend $backend and routes in mode $mode', ({ backend, mode }) => {
  let before: string
  const agents: Inside[] = []
  const pods: { name: string; node: number; inside: Inside; ip: string; request: object }[] = []
  const both = (op: string, argument: object) => Promise.all(agents.map((agent) => agent.ask(op, argument)))
  const apply = async (endpoints: number[], extra: object = {}) => {
    await both('put', service(extra))
    await both('put', slice(endpoints.map((i) => ({ ip: pods[i]!.ip, node: `n${pods[i]!.node}` }))))
    await both('settled', {})
  }
  const tcp = (from: number, ip: string, port: number, text = '') =>
    pods[from]!.inside.ask('tcp', { ip, port, text }) as Promise<string>
  /** Asks until the answer fits: changes are in force within a moment. */
  const until = async (ask: () => Promise<string>, fits: (answer: string) => boolean) => {
    const deadline = performance.now() + 5_000
    for (;;) {
      const answer = await ask()
      if (fits(answer) || performance.now() > deadline) return answer
    }
  }

  beforeAll(async () => {
    await removeClusterNetwork(host, SLOT, silentLog)
    before = await snapshot()
    expect(await findSlotConflicts(host, SLOT)).toEqual([])
    for (const index of [0, 1]) {
      const ns = await createNodeNamespace({
        host,
        slot: SLOT,
        cluster: 'e2e',
        index,
        log: silentLog,
      })
      const config = {
        name: `n${index}`,
        ip: ns.nodeIp,
        podCidr: podCidrs[index],
        serviceCidr: plan.serviceCidr,
        backend,
        mode,
        stateDirectory: join(directory, `${backend}-${mode}-${index}`),
        ...(backend === 'userspace' && { path: join(directory, 'bin') }),
      }
      if (backend === 'userspace') {
        // Without nft on the path the whole node is one where it was never installed.
        await exec(['mkdir', '-p', config.path!])
        for (const tool of ['ip', 'bridge', 'nsenter'])
          await exec(['sh', '-c', `ln -sf "$(command -v ${tool})" "$1/${tool}"`, 'sh', config.path!])
      }
      agents.push(new Inside(program, ns.netnsName, ['node', JSON.stringify(config)]))
    }
    for (const agent of agents) await agent.ready()
    for (const index of [0, 1]) {
      await both('put', {
        plural: 'nodes',
        object: {
          metadata: { name: `n${index}` },
          spec: { podCIDR: podCidrs[index], podCIDRs: [podCidrs[index]] },
          status: { addresses: [{ type: 'InternalIP', address: `172.30.${SLOT}.${10 + index}` }] },
        },
      })
    }
    for (const [i, node] of [0, 0, 1].entries()) {
      const name = `pod${i}`
      await exec(['ip', 'netns', 'add', `e2e-${name}`])
      const request = {
        sandboxId: `${i}`.repeat(64),
        netnsPath: `/run/netns/e2e-${name}`,
        namespace: 'default',
        name,
        uid: name,
        labels: {},
        annotations: {},
        portMappings: i === 0 ? [{ protocol: 'tcp', containerPort: 8080, hostPort: 9090, hostIp: '' }] : [],
        dns: { servers: [], searches: [], options: [] },
      }
      const { ips } = await agents[node]!.ask('setup', request)
      const inside = new Inside(program, `e2e-${name}`, ['pod', name])
      await inside.ready()
      pods.push({ name, node, inside, ip: ips[0], request })
    }
    await until(
      () => tcp(0, pods[2]!.ip, 8080),
      (a) => a.startsWith('pod2'),
    )
  })

  afterAll(async () => {
    for (const pod of pods) {
      await pod.inside.end()
      await agents[pod.node]!.ask('teardown', pod.request)
      await exec(['ip', 'netns', 'del', `e2e-${pod.name}`])
    }
    for (const agent of agents) {
      await agent.ask('stop')
      await agent.end()
    }
    const left = await exec([
      'nsenter',
      `--net=/run/netns/rostrum-s${SLOT}-e2e-n0`,
      'ip',
      'route',
      'show',
      'table',
      'all',
    ])
    expect(left.stdout).not.toContain('proto 8')
    const rules = await exec(['nsenter', `--net=/run/netns/rostrum-s${SLOT}-e2e-n0`, 'nft', 'list', 'ruleset'])
    expect(rules.stdout).toBe('')
    expect(await listClusterNetworks(host)).toContainEqual({
      slot: SLOT,
      cluster: 'e2e',
      netnsNames: expect.arrayContaining([`rostrum-s${SLOT}-e2e-hub`, `rostrum-s${SLOT}-e2e-n1`]),
    })
    await removeClusterNetwork(host, SLOT, silentLog)
    await removeClusterNetwork(host, SLOT, silentLog)
    expect(await snapshot()).toBe(before)
  })

  it('uses the backend it was told to', async () => {
    for (const agent of agents) expect((await agent.ask('problems')).backend).toBe(backend)
  })

  it('connects pods across nodes with their own addresses', async () => {
    expect(await tcp(0, pods[1]!.ip, 8080)).toBe(`pod1 ${pods[0]!.ip}\n`)
    expect(await tcp(0, pods[2]!.ip, 8080)).toBe(`pod2 ${pods[0]!.ip}\n`)
    expect(await tcp(2, pods[0]!.ip, 8080)).toBe(`pod0 ${pods[2]!.ip}\n`)
  })

  it('answers a port without endpoints with a reset', async () => {
    await apply([])
    expect(
      await until(
        () => tcp(0, vip, 80),
        (a) => a === 'ECONNREFUSED',
      ),
    ).toBe('ECONNREFUSED')
    expect(await tcp(0, vip, 81)).toBe('ECONNREFUSED')
    expect(await pods[0]!.inside.ask('udp', { ip: vip, port: 80, text: 'x', key: 'none' })).toBe('ECONNREFUSED')
  })

  it('spreads TCP connections over all endpoints, to itself as well', async () => {
    await apply([0, 1, 2])
    await until(
      () => tcp(0, vip, 80),
      (a) => a.startsWith('pod'),
    )
    const seen = new Set<string>()
    for (let i = 0; i < 40; i++) {
      const answer = await tcp(0, vip, 80, 'hello')
      expect(answer).toMatch(/^pod\d [0-9.]+\nhello$/)
      seen.add(answer.slice(0, 4))
    }
    expect([...seen].sort()).toEqual(['pod0', 'pod1', 'pod2'])
  })

  it('keeps the client address behind a cluster IP where the backend can', async () => {
    await apply([2])
    const answer = await until(
      () => tcp(0, vip, 80),
      (a) => a.startsWith('pod2'),
    )
    expect(answer).toBe(backend === 'nft' ? `pod2 ${pods[0]!.ip}\n` : `pod2 172.30.${SLOT}.10\n`)
  })

  it('moves new connections within a moment when endpoints change', async () => {
    await apply([0])
    expect(await tcp(1, vip, 80)).toMatch(/^pod0/)
    const started = performance.now()
    await apply([2])
    const elapsed = performance.now() - started
    expect(await tcp(1, vip, 80)).toMatch(/^pod2/)
    console.log(`${backend}: endpoints moved in ${elapsed.toFixed(0)} ms`)
  })

  it('forwards UDP, and moves a flow when its endpoint goes away', async () => {
    await apply([1])
    const ask = (key: string) => pods[0]!.inside.ask('udp', { ip: vip, port: 80, text: 'hi', key }) as Promise<string>
    let key = 0
    expect(
      await until(
        () => ask(`u${key++}`),
        (a) => a.startsWith('pod1'),
      ),
    ).toMatch(/^pod1 .* hi$/)
    const kept = `u${key - 1}`
    await apply([2])
    await until(
      () => ask(`u${key++}`),
      (a) => a.startsWith('pod2'),
    )
    // Cutting the old flow takes the conntrack program with nftables; user space always does it.
    const flow = await until(
      () => ask(kept),
      (a) => a.startsWith('pod2'),
    )
    if (backend === 'userspace') expect(flow).toMatch(/^pod2/)
  })

  it('opens node ports on every node, from the host too', async () => {
    await apply([2])
    for (const node of [0, 1]) {
      expect(
        await until(
          () => tcp(0, `172.30.${SLOT}.${10 + node}`, 30080),
          (a) => a.startsWith('pod2'),
        ),
      ).toMatch(/^pod2/)
    }
    const fromHost = await exec(['bash', '-c', `exec 3<>/dev/tcp/172.30.${SLOT}.11/30080; head -1 <&3`])
    expect(fromHost.stdout).toMatch(/^pod2/)
  })

  it('lets the host reach cluster IPs through the first node, and pods directly', async () => {
    await apply([2])
    const line = (ip: string, port: number) =>
      exec(['timeout', '5', 'bash', '-c', `exec 3<>/dev/tcp/${ip}/${port}; head -1 <&3`]).then((r) => r.stdout)
    expect(await line(vip, 80)).toMatch(/^pod2/)
    expect(await line(pods[0]!.ip, 8080)).toBe(`pod0 172.30.${SLOT}.1\n`)
  })

  it('keeps a client at its endpoint with session affinity', async () => {
    await apply([0, 1, 2], { sessionAffinity: 'ClientIP' })
    const first = (await tcp(1, vip, 80)).slice(0, 4)
    for (let i = 0; i < 12; i++) expect((await tcp(1, vip, 80)).slice(0, 4)).toBe(first)
  })

  it('sends outside traffic to local endpoints only with externalTrafficPolicy Local', async () => {
    await apply([2], { externalTrafficPolicy: 'Local' })
    const from = (node: number) =>
      exec(['bash', '-c', `exec 3<>/dev/tcp/172.30.${SLOT}.${10 + node}/30080; timeout 1 head -1 <&3`]).then(
        (r) => r.stdout,
        () => 'failed',
      )
    const kept = await from(1)
    expect(kept).toBe(backend === 'nft' ? `pod2 172.30.${SLOT}.1\n` : `pod2 10.${244 - SLOT}.2.1\n`)
    const other = exec([
      'timeout',
      '1',
      'bash',
      '-c',
      `exec 3<>/dev/tcp/172.30.${SLOT}.10/30080; head -1 <&3 | grep pod`,
    ])
    await expect(other).rejects.toThrow()
    expect(await tcp(0, `172.30.${SLOT}.10`, 30080)).toMatch(/^pod2/)
  })

  it('carries bulk data both ways without loss', async () => {
    await apply([2])
    await until(
      () => tcp(0, vip, 80),
      (a) => a.startsWith('pod2'),
    )
    const bytes = 64 << 20
    const { received, ms } = await pods[0]!.inside.ask('bulk', { ip: vip, port: 80, bytes })
    expect(received).toBe(bytes + (backend === 'nft' ? `pod2 ${pods[0]!.ip}\n` : `pod2 172.30.${SLOT}.10\n`).length)
    console.log(`${backend} ${mode}: ${((2 * bytes) / 1e6 / (ms / 1000)).toFixed(0)} MB/s`)
  })

  it('opens host ports', async () => {
    expect(await tcp(2, `172.30.${SLOT}.10`, 9090)).toMatch(/^pod0/)
    expect(await tcp(1, `172.30.${SLOT}.10`, 9090)).toMatch(/^pod0/)
    expect(await tcp(0, `172.30.${SLOT}.10`, 9090)).toMatch(/^pod0/)
  })

  it('stops forwarding when the service is deleted', async () => {
    await both('remove', { plural: 'services', metadata: { namespace: 'default', name: 'web' } })
    const gone = (a: string) => a === 'ECONNREFUSED' || a === 'TIMEOUT'
    expect(gone(await until(() => tcp(0, vip, 80), gone))).toBe(true)
    expect(await until(() => tcp(0, `172.30.${SLOT}.10`, 30080), gone)).toBe('ECONNREFUSED')
  })
})
