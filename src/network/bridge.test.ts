import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { silentLog } from '#base/log.ts'
import { seededRandom } from '#base/random.ts'
import { createBridgeNetwork } from './bridge.ts'
import { hostInterfaceOf } from './bridge-plan.ts'
import { RecordingHost } from './recording-host.ts'

let stateDirectory: string
beforeEach(async () => {
  stateDirectory = await mkdtemp(join(tmpdir(), 'bridge-'))
})
afterEach(() => rm(stateDirectory, { recursive: true, force: true }))

const open = (host: RecordingHost, podCidr?: string, shared = false) =>
  createBridgeNetwork({
    host,
    stateDirectory,
    podCidr,
    shared,
    clock: systemClock,
    random: seededRandom(1),
    log: silentLog,
  })
const request = (id: string, portMappings: object[] = []) => ({
  sandboxId: id,
  netnsPath: `/run/netns/${id}`,
  namespace: 'default',
  name: id,
  uid: id,
  labels: {},
  annotations: {},
  portMappings: portMappings as never,
  dns: { servers: [], searches: [], options: [] },
})

describe('the bridge network', () => {
  it('connects a sandbox with two runs of ip once the bridge is there', async () => {
    const host = new RecordingHost()
    const network = open(host, '10.244.1.0/24')
    await network.setup(request('first'))
    host.commands.length = host.batches = 0
    const { ips, interfaceName } = await network.setup(request('a'))
    const pair = hostInterfaceOf('a')
    expect(interfaceName).toBe('eth0')
    expect(host.batches).toBe(2)
    expect(host.commands).toEqual([
      expect.stringMatching(
        `^link add ${pair} mtu 1500 master rostrum0 up type veth peer name eth0 address 0a:58:\\S+ mtu 1500 netns /run/netns/a$`,
      ),
      `link set dev ${pair} type bridge_slave hairpin on`,
      '@/run/netns/a link set lo up',
      '@/run/netns/a link set eth0 up',
      `@/run/netns/a address add ${ips[0]}/32 dev eth0`,
      '@/run/netns/a route add 10.244.1.1/32 dev eth0 scope link',
      '@/run/netns/a route add default via 10.244.1.1 dev eth0',
    ])
  })

  it('shares the runs of many sandboxes', async () => {
    const host = new RecordingHost()
    const network = open(host, '10.244.1.0/24')
    await network.status()
    host.batches = 0
    const results = await Promise.all(Array.from({ length: 50 }, (_, i) => network.setup(request(`s${i}`))))
    expect(new Set(results.flatMap((r) => r.ips)).size).toBe(50)
    expect(host.batches).toBeLessThan(50 + 30)
  })

  it('is not ready without a pod CIDR, and remembers the one it was given', async () => {
    const host = new RecordingHost()
    const network = open(host)
    expect(await network.status()).toMatchObject({ ready: false, reason: 'NetworkPluginNotReady' })
    await network.teardown(request('never'))
    await network.updatePodCidr('10.244.7.0/24')
    expect(await network.status()).toMatchObject({ ready: true })
    expect((await open(host).setup(request('a'))).ips[0]).toMatch(/^10\.244\.7\./)
  })

  it('gives a sandbox both families', async () => {
    const { ips } = await open(new RecordingHost(), '10.244.1.0/24,fd00:1::/64').setup(request('a'))
    expect(ips).toEqual([expect.stringMatching(/^10\./), expect.stringMatching(/^fd00:1::/)])
  })

  it('frees at its start what sandboxes left that are gone', async () => {
    const host = new RecordingHost()
    const before = open(host, '10.244.1.0/29')
    const kept = await before.setup(request('kept'))
    for (const id of ['x', 'y', 'z']) await before.setup(request(id))
    host.answers.set('link show type veth', [{ ifname: hostInterfaceOf('kept') }])
    const after = open(host, '10.244.1.0/29')
    const ips = (await Promise.all(['a', 'b', 'c', 'd'].map((id) => after.setup(request(id))))).flatMap((r) => r.ips)
    expect(ips).not.toContain(kept.ips[0])
    await expect(after.setup(request('e'))).rejects.toThrow('no address is left')
  })

  it('frees what teardown is called for, as often as it is called', async () => {
    const host = new RecordingHost()
    const network = open(host, '10.244.1.0/30')
    await network.setup(request('a'))
    host.failing.set('link del', 'Cannot find device "veth"')
    await network.teardown(request('a'))
    await network.teardown(request('a'))
    // The range has room for one: what was freed twice is there for the next.
    expect((await network.setup(request('b'))).ips).toHaveLength(1)
  })

  it('disconnects many sandboxes in one go', async () => {
    const host = new RecordingHost()
    const network = open(host, '10.244.1.0/24')
    await Promise.all(['a', 'b', 'c'].map((id) => network.setup(request(id))))
    await network.teardown(request('x'))
    host.commands.length = host.batches = 0
    await Promise.all(['a', 'b', 'c'].map((id) => network.teardown(request(id))))
    expect(host.batches).toBeLessThanOrEqual(2)
    expect(host.commands.at(-1)).toMatch(/^link del group \d+$/)
    for (const id of ['a', 'b', 'c'])
      expect(host.commands.join()).toContain(`link set dev ${hostInterfaceOf(id)} group`)
  })

  it('says what could not be done', async () => {
    const host = new RecordingHost()
    const network = open(host, '10.244.1.0/24')
    host.failing.set('link add veth', 'RTNETLINK answers: Operation not permitted')
    await expect(network.setup(request('a'))).rejects.toThrow(
      /cannot connect a sandbox: ip link add .*: RTNETLINK answers/,
    )
  })

  it('makes a pair again that an interrupted attempt left', async () => {
    const host = new RecordingHost()
    const network = open(host, '10.244.1.0/24')
    await network.status()
    host.failing.set('link add veth', 'RTNETLINK answers: File exists')
    await expect(network.setup(request('a'))).rejects.toThrow('File exists')
    expect(host.commands.filter((c) => c.startsWith('link del dev veth'))).toHaveLength(1)
  })

  it('maps host ports by nftables where it is there', async () => {
    const host = new RecordingHost()
    host.nftWorks = true
    const network = open(host, '10.244.1.0/24')
    const port = { protocol: 'tcp', containerPort: 80, hostPort: 8080, hostIp: '' }
    const { ips } = await network.setup(request('a', [port]))
    expect(host.scripts.at(-1)).toContain(`add element ip rostrum-hostports ports { tcp . 8080 : ${ips[0]} . 80 }`)
    const other = { ...port, hostPort: 8081 }
    await network.setup(request('b', [other]))
    await network.teardown(request('a', [port]))
    expect(host.scripts.at(-1)).toContain('delete element ip rostrum-hostports ports { tcp . 8080 }')
    // The last one leaves nothing behind, and the next one begins anew.
    await network.teardown(request('b', [other]))
    expect(host.scripts.at(-1)).toMatch(/delete table ip rostrum-hostports\n$/)
    await network.setup(request('c', [port]))
    expect(host.scripts.at(-1)).toContain('add chain ip rostrum-hostports prerouting')
  })

  it('leaves no host ports behind where several processes share the records of them', async () => {
    const host = new RecordingHost()
    host.nftWorks = true
    const process = () => open(host, '10.244.1.0/24', true)
    const port = { protocol: 'tcp', containerPort: 80, hostPort: 8080, hostIp: '' }
    await process().setup(request('a', [port]))
    // Its pair is gone already, so that nobody opens its port again before it is closed.
    await process().teardown(request('a', [port]))
    expect(host.scripts.at(-1)).toMatch(/delete table ip rostrum-hostports\n$/)
  })
})
