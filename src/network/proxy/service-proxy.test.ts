import { createSocket } from 'node:dgram'
import { connect, createServer, type Server } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { endpointSlices, services } from '#api/resources.ts'
import { systemClock } from '#base/clock.ts'
import { silentLog } from '#base/log.ts'
import { seededRandom } from '#base/random.ts'
import { Client } from '#client/client.ts'
import { createInformers } from '#client/informers.ts'
import { ObjectSource } from '#testing/object-source.ts'
import { RecordingHost } from '../recording-host.ts'
import { type ServiceProxyOptions, startServiceProxy } from './service-proxy.ts'

/** All of 127.0.0.0/8 is local without root, so that service addresses can be taken from there. */
const vip = '127.96.0.5'
const nodeIp = '127.96.0.1'

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function start(extra: Partial<ServiceProxyOptions> = {}) {
  const source = new ObjectSource()
  const host = new RecordingHost()
  const abort = new AbortController()
  const shared = { clock: systemClock, random: seededRandom(3), log: silentLog, signal: abort.signal }
  const informers = createInformers({ client: new Client(source), ...shared })
  const proxy = await startServiceProxy({
    informers,
    host,
    nodeName: 'n1',
    nodeIps: [nodeIp],
    serviceCidrs: '127.96.0.0/16',
    backend: 'auto',
    settleMs: 1,
    ...shared,
    ...extra,
  })
  const stop = () => {
    abort.abort()
    return proxy.stopped
  }
  stops.push(stop)
  await proxy.ready
  return { source, host, proxy, stop }
}

/** A free port, so that tests do not meet. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, vip, resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Says its name, then repeats what it hears; both transports at one port. */
async function backend(name: string): Promise<{ ip: string; port: number; server: Server }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    socket.write(`${name}:`)
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const udp = createSocket('udp4')
  udp.on('message', (message, from) => udp.send(`${name}:${message}`, from.port, from.address))
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve))
  stops.push(() => {
    server.close()
    udp.close()
  })
  return { ip: '127.0.0.1', port, server }
}

function put(source: ObjectSource, port: number, backends: { ip: string; port: number }[], spec: object = {}) {
  source.put(services, {
    metadata: { namespace: 'default', name: 'web' },
    spec: {
      type: 'ClusterIP',
      clusterIP: vip,
      ports: [
        { name: 't', port },
        { name: 'u', port, protocol: 'UDP' },
      ],
      ...spec,
    },
  })
  // Endpoints of one slice share their ports, so each gets a slice.
  for (let i = 0; i < 3; i++) {
    const metadata = { namespace: 'default', name: `web-${i}`, labels: { 'kubernetes.io/service-name': 'web' } }
    const b = backends[i]
    if (!b) source.remove(endpointSlices, metadata)
    else {
      source.put(endpointSlices, {
        metadata,
        addressType: 'IPv4',
        ports: [
          { name: 't', port: b.port, protocol: 'TCP' },
          { name: 'u', port: b.port, protocol: 'UDP' },
        ],
        endpoints: [{ addresses: [b.ip], conditions: {}, nodeName: i === 0 ? 'n1' : 'n2' }],
      })
    }
  }
}

function tcp(ip: string, port: number, text = ''): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port })
    let answer = ''
    socket.on('connect', () => socket.end(text))
    socket.on('data', (chunk) => (answer += chunk))
    socket.on('end', () => resolve(answer))
    socket.on('error', (err: NodeJS.ErrnoException) => resolve(err.code ?? 'ERROR'))
  })
}

function udpClient(port: number) {
  const socket = createSocket('udp4')
  stops.push(() => socket.close())
  return (text: string): Promise<string> =>
    new Promise((resolve) => {
      socket.once('message', (message) => resolve(String(message)))
      socket.send(text, port, vip)
    })
}

describe('the service proxy in user space', () => {
  it('forwards both ways, and half-closes', async () => {
    const { source, proxy } = await start()
    const port = await freePort()
    put(source, port, [await backend('a')])
    await proxy.settled()
    expect(proxy.backend).toBe('userspace')
    expect(await tcp(vip, port, 'hello')).toBe('a:hello')
    const long = 'x'.repeat(3 << 20)
    expect((await tcp(vip, port, long)).length).toBe(long.length + 2)
  })

  it('refuses connections while there is no endpoint', async () => {
    const { source, proxy } = await start()
    const port = await freePort()
    const a = await backend('a')
    put(source, port, [])
    await proxy.settled()
    expect(await tcp(vip, port)).toBe('ECONNREFUSED')
    put(source, port, [a])
    await proxy.settled()
    expect(await tcp(vip, port)).toBe('a:')
    put(source, port, [])
    await proxy.settled()
    expect(await tcp(vip, port)).toBe('ECONNREFUSED')
  })

  it('passes over an endpoint that does not answer', async () => {
    const { source, proxy } = await start()
    const port = await freePort()
    const a = await backend('a')
    const dead = { ip: '127.0.0.1', port: await freePort() }
    put(source, port, [a, dead])
    await proxy.settled()
    for (let i = 0; i < 10; i++) expect(await tcp(vip, port)).toBe('a:')
  })

  it('resets the client when no endpoint answers', async () => {
    const { source, proxy } = await start()
    const port = await freePort()
    put(source, port, [{ ip: '127.0.0.1', port: await freePort() }])
    await proxy.settled()
    expect(await tcp(vip, port)).toBe('ECONNRESET')
  })

  it('keeps open connections when their endpoint is taken out, and sends new ones elsewhere', async () => {
    const { source, proxy } = await start()
    const port = await freePort()
    const [a, b] = [await backend('a'), await backend('b')]
    put(source, port, [a])
    await proxy.settled()
    const socket = connect({ host: vip, port })
    stops.push(() => socket.destroy())
    const next = () => new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(String(chunk))))
    expect(await next()).toBe('a:')
    put(source, port, [b])
    await proxy.settled()
    expect(await tcp(vip, port)).toBe('b:')
    socket.write('still there')
    expect(await next()).toBe('still there')
  })

  it('moves UDP flows away from an endpoint that is taken out', async () => {
    const { source, proxy } = await start()
    const port = await freePort()
    const [a, b] = [await backend('a'), await backend('b')]
    put(source, port, [a])
    await proxy.settled()
    const ask = udpClient(port)
    expect(await ask('1')).toBe('a:1')
    put(source, port, [b])
    await proxy.settled()
    expect(await ask('2')).toBe('b:2')
    put(source, port, [a, b])
    await proxy.settled()
    expect(await ask('3')).toBe('b:3')
  })

  it('keeps a client at its endpoint with session affinity', async () => {
    const { source, proxy } = await start()
    const port = await freePort()
    put(source, port, [await backend('a'), await backend('b'), await backend('c')], { sessionAffinity: 'ClientIP' })
    await proxy.settled()
    const first = await tcp(vip, port)
    for (let i = 0; i < 10; i++) expect(await tcp(vip, port)).toBe(first)
  })

  it('opens node ports at the addresses of the node', async () => {
    const { source, proxy } = await start()
    const [port, nodePort] = [await freePort(), await freePort()]
    put(source, port, [await backend('a')], { type: 'NodePort', ports: [{ name: 't', port, nodePort }] })
    await proxy.settled()
    expect(await tcp(nodeIp, nodePort)).toBe('a:')
    expect(await tcp(vip, nodePort)).toBe('ECONNREFUSED')
  })

  it('goes on with the rest when somebody else has a port, and takes it when it becomes free', async () => {
    const { source, proxy } = await start()
    const [port, nodePort] = [await freePort(), await freePort()]
    const squatter = createServer()
    await new Promise<void>((resolve) => squatter.listen(nodePort, nodeIp, resolve))
    put(source, port, [await backend('a')], { type: 'NodePort', ports: [{ name: 't', port, nodePort }] })
    await proxy.settled()
    expect(await tcp(vip, port)).toBe('a:')
    expect(proxy.lastError).toContain('EADDRINUSE')
    await new Promise((resolve) => squatter.close(resolve))
    await expect.poll(() => tcp(nodeIp, nodePort), { timeout: 5_000 }).toBe('a:')
    await expect.poll(() => proxy.lastError).toBeUndefined()
  })

  it('makes the service range local, and gives it back', async () => {
    const { source, host, proxy, stop } = await start()
    const port = await freePort()
    put(source, port, [await backend('a')], { externalIPs: ['127.97.0.1'] })
    await proxy.settled()
    const suffix = 'dev lo table local proto 83'
    expect(host.commands).toEqual([
      `route add local 127.96.0.0/16 ${suffix}`,
      `route add local 127.97.0.1/32 ${suffix}`,
    ])
    await stop()
    expect(host.commands.slice(2)).toEqual([
      `route del local 127.96.0.0/16 ${suffix}`,
      `route del local 127.97.0.1/32 ${suffix}`,
    ])
    expect(await tcp(vip, port)).toBe('ECONNREFUSED')
  })

  it('answers the health checks of load balancers', async () => {
    const { source, proxy } = await start()
    const [port, healthCheckNodePort] = [await freePort(), await freePort()]
    const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort }
    put(source, port, [await backend('a')], local)
    await proxy.settled()
    const check = async () => (await fetch(`http://${nodeIp}:${healthCheckNodePort}/`)).status
    await expect.poll(check).toBe(200)
    put(source, port, [], local)
    await proxy.settled()
    expect(await check()).toBe(503)
  })
})

describe('the service proxy with nftables', () => {
  it('replaces the table first, then sends only what changed', async () => {
    const { source, host, proxy, stop } = await start({ backend: 'nft' })
    expect(host.scripts[0]).toMatch(
      /^add table ip rostrum-proxy\ndelete table ip rostrum-proxy\nadd table ip rostrum-proxy\n/,
    )
    put(source, 80, [{ ip: '10.244.1.2', port: 8080 }])
    await proxy.settled()
    put(source, 80, [{ ip: '10.244.1.3', port: 8080 }])
    await proxy.settled()
    const last = host.scripts.at(-1)!
    expect(last).toContain('dnat to 10.244.1.3:8080')
    expect(last).not.toContain('add table')
    expect(last).not.toContain('service-ips')
    expect(host.runs).toContain(`conntrack -D -p udp --orig-dst ${vip} --dport 80 --dst-nat 10.244.1.2`)
    await stop()
    expect(host.scripts.at(-1)).toBe('add table ip rostrum-proxy\ndelete table ip rostrum-proxy\n')
  })

  it('leaves its rules to the next process where it is told to', async () => {
    const { host, stop } = await start({ backend: 'nft', keepOnStop: true })
    const count = host.scripts.length
    await stop()
    expect(host.scripts).toHaveLength(count)
  })

  it('starts over after a transaction that failed', async () => {
    const { source, host, proxy } = await start({ backend: 'nft' })
    host.failNft = new Error('busy')
    put(source, 80, [{ ip: '10.244.1.2', port: 8080 }])
    await proxy.settled()
    expect(proxy.lastError).toBe('busy')
    await expect.poll(() => proxy.lastError).toBeUndefined()
    expect(host.scripts.at(-1)).toMatch(/^add table/)
    expect(host.scripts.at(-1)).toContain('dnat to 10.244.1.2:8080')
  })
})
