import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, request, type Server } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import { type Duplex, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { afterEach, describe, expect, it } from 'vitest'
import * as webSockets from 'ws'
import { WebSocket } from 'ws'
import { systemClock } from '#base/clock.ts'
import { silentLog } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import { dialPortForward } from './port-forward-client.ts'
import { proxyStream, type ProxyStreamOptions } from './proxy-stream.ts'
import { execOverSpdy, execOverWebSocket, type RemoteCommand } from './remote-command-client.ts'
import type { RemoteCommandSession, RemoteCommandStreams } from './remote-command-session.ts'
import { SpdyConnection } from './spdy-connection.ts'
import { splice } from './splice.ts'
import { createStreamingServer, type StreamingHandlers, type StreamingServer } from './streaming-server.ts'
import { openUpgrade, UpgradeFailedError } from './upgrade-client.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const ALL: RemoteCommandStreams = { stdin: true, stdout: true, stderr: true, tty: false }
const unexpected = () => Promise.reject(new Error('unexpected call'))
const clock = systemClock

async function listen(server: Server): Promise<string> {
  server.on('connection', (socket: Socket) => socket.on('error', () => {}))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function runtime(handlers: Partial<StreamingHandlers>): Promise<StreamingServer> {
  const server = await createStreamingServer({
    exec: unexpected,
    attach: unexpected,
    portForward: unexpected,
    ...handlers,
    clock,
    random: systemRandom,
  })
  cleanups.push(() => server.close())
  return server
}

/** A server that proxies every upgrade to what `target` gives, as an API server does. */
async function proxy(target: () => string, options: Partial<ProxyStreamOptions> = {}): Promise<string> {
  const server = createHttpServer()
  const sockets = new Set<Duplex>()
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    sockets.add(socket)
    void proxyStream(req, socket, head, { kind: 'exec', clock, log: silentLog, ...options, target: new URL(target()) })
  })
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
  })
  return listen(server)
}

type Exec = (session: RemoteCommandSession) => ReturnType<StreamingHandlers['exec']>

async function execChain(run: Exec, streams = ALL, options: Partial<ProxyStreamOptions> = {}): Promise<URL> {
  const server = await runtime({ exec: (_request, session) => run(session) })
  const base = await proxy(
    () => server.urlFor({ kind: 'exec', request: { containerId: 'c', cmd: ['x'], ...streams } }),
    options,
  )
  const query = Object.entries(streams).map(([name, on]) => `${name}=${on}`)
  return new URL(`${base}/api/v1/namespaces/default/pods/p/exec?${query.join('&')}`)
}

const CLIENTS: { name: string; run: (url: URL, streams: RemoteCommandStreams) => Promise<RemoteCommand> }[] = [
  { name: 'WebSocket, translated', run: (url, streams) => execOverWebSocket({ url, streams, clock }) },
  { name: 'SPDY, passed through', run: (url, streams) => execOverSpdy({ url, streams, clock }) },
]

describe.each(CLIENTS)('exec by $name', ({ run }) => {
  it('brings output, errors and the exit code', async () => {
    const url = await execChain(async (session) => {
      session.stdout!.write('out')
      session.stderr!.write('err')
      return { exitCode: 7 }
    })
    const command = await run(url, ALL)
    expect(await Promise.all([text(command.stdout!), text(command.stderr!), command.exit])).toEqual([
      'out',
      'err',
      { exitCode: 7 },
    ])
  })

  it('moves 100 MB there and back', { timeout: 60_000 }, async () => {
    const url = await execChain(async (session) => {
      await pipeline(session.stdin!, session.stdout!)
      return { exitCode: 0 }
    })
    const command = await run(url, ALL)
    const [sent, received] = [createHash('sha256'), createHash('sha256')]
    const block = Buffer.from(systemRandom.bytes(1 << 20))
    const source = Readable.from(
      (function* () {
        for (let i = 0; i < 100; i++) {
          block.writeUInt32BE(i)
          sent.update(block)
          yield Buffer.from(block)
        }
      })(),
    )
    command.stderr!.resume()
    command.stdout!.on('data', (chunk: Buffer) => received.update(chunk))
    source.pipe(command.stdin!)
    await Promise.all([once(command.stdout!, 'end'), command.exit])
    expect(received.digest('hex')).toBe(sent.digest('hex'))
  })

  it('ends at once when the process does, whatever is still typed', async () => {
    const url = await execChain(async () => ({ exitCode: 0 }))
    const command = await run(url, ALL)
    command.stdin!.write(Buffer.alloc(8 << 20))
    expect(await command.exit).toEqual({ exitCode: 0 })
  })

  it('reports a command that cannot run, once', async () => {
    const url = await execChain(() => Promise.reject(new Error('no such file')))
    const command = await run(url, ALL)
    expect(await command.exit).toEqual({ error: 'error executing command in container: no such file' })
  })

  it('delivers the size of the terminal', async () => {
    const streams = { ...ALL, stderr: false, tty: true }
    const url = await execChain(async (session) => {
      for await (const size of session.resizes) {
        session.stdout!.write(`${size.width}x${size.height}`)
        break
      }
      return { exitCode: 0 }
    }, streams)
    const command = await run(url, streams)
    command.resize({ width: 132, height: 43 })
    expect(await text(command.stdout!)).toBe('132x43')
  })

  it('tells the process when the client goes', async () => {
    let started!: () => void
    const start = new Promise<void>((resolve) => (started = resolve))
    let gone!: () => void
    const aborted = new Promise<void>((resolve) => (gone = resolve))
    const url = await execChain(async (session) => {
      session.signal.addEventListener('abort', () => gone())
      started()
      await aborted
      return { exitCode: 137 }
    })
    const command = await run(url, ALL)
    await start
    command.close()
    await aborted
    const outcome = await command.exit.catch((err: unknown) => err)
    expect(outcome).toBeInstanceOf(Error)
  })

  it('makes the process wait for a client that does not read, within bounds', async () => {
    let written = 0
    const url = await execChain(async (session) => {
      const endless = new Readable({ read: () => void endless.push(Buffer.alloc(64 << 10)) })
      endless.on('data', (chunk: Buffer) => (written += chunk.length))
      await pipeline(endless, session.stdout!, { signal: session.signal }).catch(() => {})
      return { exitCode: 0 }
    })
    await run(url, ALL)
    // Buffers of three processes' worth of sockets fill up; then nothing moves for a while.
    for (let last = -1; written !== last || written === 0;) {
      last = written
      await new Promise<void>((resolve) => void clock.after(100, resolve))
    }
    expect(written).toBeLessThan(48 << 20)
  })
})

describe('exec, the target being at fault', () => {
  const answer = (status: number, body: string) => {
    const server = createHttpServer()
    server.on('upgrade', (_req, socket: Duplex) => {
      socket.end(
        `HTTP/1.1 ${status} Whatever\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
    })
    return listen(server)
  }

  it('a WebSocket client reads the answer of the target on the error channel', async () => {
    const target = await answer(404, 'container not found ("c")')
    const url = new URL(`${await proxy(() => target)}/exec?stdout=true`)
    const command = await execOverWebSocket({ url, streams: { ...ALL, stdin: false, stderr: false }, clock })
    expect(await command.exit).toEqual({ error: 'unable to upgrade connection: container not found ("c")' })
  })

  it('a SPDY client gets the answer as it is', async () => {
    const target = await answer(404, 'container not found ("c")')
    const url = new URL(`${await proxy(() => target)}/exec?stdout=true`)
    const failure = await execOverSpdy({ url, streams: ALL, clock }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(UpgradeFailedError)
    expect(failure).toMatchObject({ status: 404, message: 'unable to upgrade connection: container not found ("c")' })
  })

  it('an answer that is neither an upgrade nor an error is an error', async () => {
    const target = await answer(302, '')
    const url = new URL(`${await proxy(() => target)}/exec?stdout=true`)
    const failure = await execOverSpdy({ url, streams: ALL, clock }).catch((error: unknown) => error)
    expect(failure).toMatchObject({
      status: 500,
      message: 'unable to upgrade connection: invalid upgrade response: status code 302',
    })
  })

  it('nobody listens', async () => {
    const url = new URL(`${await proxy(() => 'http://127.0.0.1:1/')}/exec?stdout=true`)
    const failure = await execOverSpdy({ url, streams: ALL, clock }).catch((error: unknown) => error)
    expect(failure).toMatchObject({
      status: 500,
      message: expect.stringContaining('error dialing backend: dial 127.0.0.1:1'),
    })
    const command = await execOverWebSocket({ url, streams: ALL, clock })
    expect(await command.exit).toEqual({ error: expect.stringContaining('ECONNREFUSED') })
  })

  it('a connection that breaks before the status is an error, not a success', async () => {
    const server = createHttpServer()
    server.on('upgrade', (_req, socket: Duplex) => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n',
      )
      const connection = new SpdyConnection(socket, {
        role: 'server',
        clock,
        onStream: (stream) =>
          void (stream.header('streamtype') === 'stderr' && queueMicrotask(() => connection.destroy())),
      })
    })
    const target = await listen(server)
    const url = new URL(`${await proxy(() => target)}/exec?stdout=true&stderr=true`)
    const command = await execOverWebSocket({ url, streams: { ...ALL, stdin: false }, clock })
    expect(await command.exit).toEqual({ error: expect.stringMatching(/connection/) })
  })
})

describe('older WebSocket protocols, passed through', () => {
  const PROTOCOLS = [
    { protocol: 'v4.channel.k8s.io', base64: false, json: true },
    { protocol: 'v4.base64.channel.k8s.io', base64: true, json: true },
    { protocol: 'v3.channel.k8s.io', base64: false, json: false },
    { protocol: 'channel.k8s.io', base64: false, json: false },
    { protocol: 'base64.channel.k8s.io', base64: true, json: false },
  ]
  it.each(PROTOCOLS)('$protocol', async ({ protocol, base64, json }) => {
    const url = await execChain(async (session) => {
      const line = await new Promise((resolve) => session.stdin!.once('data', resolve))
      session.stdout!.write(`got ${String(line)}`)
      return { exitCode: 3 }
    })
    url.protocol = 'ws:'
    const ws = new WebSocket(url, [protocol])
    const channels = new Map<number, string>()
    ws.on('message', (raw: Buffer) => {
      const channel = base64 ? raw[0]! - 0x30 : raw[0]!
      const payload = base64 ? Buffer.from(raw.toString('latin1', 1), 'base64') : raw.subarray(1)
      channels.set(channel, (channels.get(channel) ?? '') + payload.toString())
    })
    await once(ws, 'open')
    expect(ws.protocol).toBe(protocol)
    ws.send(base64 ? `0${Buffer.from('hello').toString('base64')}` : Buffer.from('\0hello'))
    const [code] = (await once(ws, 'close')) as [number]
    expect(code).toBe(1000)
    expect(channels.get(1)).toBe('got hello')
    if (json)
      expect(JSON.parse(channels.get(3)!)).toMatchObject({
        reason: 'NonZeroExitCode',
        details: { causes: [{ message: '3' }] },
      })
    else expect(channels.get(3)).toBe('command terminated with non-zero exit code: command terminated with exit code 3')
  })

  it('a protocol that nobody knows is refused', async () => {
    const url = await execChain(unexpected)
    url.protocol = 'ws:'
    const ws = new WebSocket(url, ['v6.channel.k8s.io'])
    const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage]
    expect(response.statusCode).toBe(403)
    expect(await text(response)).toContain('requested protocol(s) are not supported: [v6.channel.k8s.io]')
    ws.on('error', () => {})
    ws.terminate()
  })
})

describe('port-forward', () => {
  async function echoServer(): Promise<number> {
    const sockets = new Set<Socket>()
    const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket)
      socket.pipe(socket)
      socket.on('error', () => {})
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    cleanups.push(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    return (server.address() as AddressInfo).port
  }

  async function forwarder(options: { port?: number[] } = {}): Promise<string> {
    const server = await runtime({
      portForward: async (_request, port, data) => {
        const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
        await once(socket, 'connect')
        await splice(data, socket, { clock })
      },
    })
    return proxy(() => server.urlFor({ kind: 'portforward', request: { podSandboxId: 's', ...options } }), {
      kind: 'portforward',
    })
  }

  it('over SPDY, many at once, each with its own end', async () => {
    const port = await echoServer()
    const client = await dialPortForward({ url: new URL(await forwarder()), clock })
    cleanups.push(() => client.close())
    const one = async (id: number) => {
      const { data, failure } = client.open(port)
      const payload = `${id}:`.repeat(50_000)
      data.end(payload)
      expect(await text(data)).toBe(payload)
      expect(await failure).toBeUndefined()
    }
    await Promise.all(Array.from({ length: 20 }, (_, i) => one(i)))
    expect(await client.open(1).failure).toContain('error forwarding port 1 to pod s, uid : connect ECONNREFUSED')
    client.close()
    expect(await client.closed).toBeUndefined()
  })

  it('over SPDY in a WebSocket', async () => {
    const port = String(await echoServer())
    const transport = await openTunnel(new URL(await forwarder()))
    const connection = new SpdyConnection(transport, { role: 'client', clock })
    cleanups.push(() => connection.destroy())
    connection.createStream({ streamType: 'error', port, requestID: '0' }).end()
    const data = connection.createStream({ streamType: 'data', port, requestID: '0' })
    const payload = 'tunnel'.repeat(500_000)
    data.end(payload)
    expect(await text(data)).toBe(payload)
  })

  it('over WebSocket channels', async () => {
    const port = await echoServer()
    const url = new URL(await forwarder({ port: [port] }))
    url.protocol = 'ws:'
    const ws = new WebSocket(url, ['v4.channel.k8s.io'])
    const received: Buffer[] = []
    const echoed = new Promise<void>((resolve) =>
      ws.on('message', (raw: Buffer) => {
        received.push(raw)
        if (received.length === 3) resolve()
      }),
    )
    await once(ws, 'open')
    ws.send(Buffer.from('\0hello'))
    await echoed
    const portBytes = Buffer.from([port & 0xff, port >> 8])
    expect(received).toEqual([
      Buffer.concat([Buffer.from([0]), portBytes]),
      Buffer.concat([Buffer.from([1]), portBytes]),
      Buffer.from('\0hello'),
    ])
    ws.terminate()
  })
})

describe('what is passed on', () => {
  it('neither credentials nor identities, but who asked', async () => {
    const seen = new Promise<IncomingMessage['headers']>((resolve) => {
      const server = createHttpServer()
      server.on('upgrade', (req, socket: Duplex) => {
        resolve(req.headers)
        socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
      })
      void listen(server).then(async (target) => {
        const base = await proxy(() => target, { kind: 'raw', headers: { 'x-extra': 'added' } })
        request(base, {
          headers: {
            Connection: 'Upgrade',
            Upgrade: 'custom',
            Authorization: 'Bearer secret',
            'Impersonate-User': 'root',
            'X-Remote-User': 'root',
            'X-Forwarded-For': '10.1.2.3',
            'X-Kept': 'kept',
          },
        })
          .on('response', (res) => res.resume())
          .on('error', () => {})
          .end()
      })
    })
    const headers = await seen
    expect(headers).toMatchObject({
      upgrade: 'custom',
      'x-kept': 'kept',
      'x-extra': 'added',
      'x-forwarded-for': '10.1.2.3, 127.0.0.1',
    })
    for (const name of ['authorization', 'impersonate-user', 'x-remote-user']) expect(headers).not.toHaveProperty(name)
  })

  it('the half-close of either side', async () => {
    const server = createHttpServer()
    server.on('upgrade', (_req, socket: Socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: custom\r\n\r\n')
      let received = ''
      socket.on('data', (chunk) => (received += String(chunk)))
      socket.on('end', () => socket.end(`got ${received}`))
    })
    const target = await listen(server)
    const url = new URL(await proxy(() => target, { kind: 'raw' }))
    const socket = connect({ port: Number(url.port), host: '127.0.0.1', allowHalfOpen: true })
    socket.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: custom\r\n\r\nhello')
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 101 [\s\S]*\r\n\r\ngot hello$/)
  })

  it('no faster than it is allowed to be', async () => {
    const url = await execChain(
      async (session) => {
        session.stdout!.write(Buffer.alloc(300 << 10))
        return { exitCode: 0 }
      },
      ALL,
      { maxBytesPerSecond: 1 << 20 },
    )
    const startMs = clock.monotonic()
    const command = await execOverWebSocket({ url, streams: ALL, clock })
    command.stderr!.resume()
    expect((await text(command.stdout!)).length).toBe(300 << 10)
    expect(clock.monotonic() - startMs).toBeGreaterThan(100)
  })
})

/** Exported by `ws`, but not typed. */
const { Receiver, Sender } = webSockets as unknown as {
  Receiver: new (options: object) => Duplex
  Sender: { frame(data: Buffer, options: object): Buffer[] }
}

/** What kubectl's tunnelling dialer does; `ws` itself refuses the slash in the subprotocol. */
async function openTunnel(url: URL): Promise<Duplex> {
  const { Duplex } = await import('node:stream')
  const response = await openUpgrade({
    url,
    method: 'GET',
    clock,
    headers: {
      Host: url.host,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol': 'SPDY/3.1+portforward.k8s.io',
    },
  })
  if (!response.upgraded) throw new Error(`answered ${response.response.statusCode}`)
  expect(response.head.headers['sec-websocket-protocol']).toBe('SPDY/3.1+portforward.k8s.io')
  const { socket } = response
  cleanups.push(() => socket.destroy())
  const receiver = new Receiver({ isServer: false, binaryType: 'nodebuffer' })
  const duplex = new Duplex({
    read: () => void socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      const frame = Sender.frame(chunk, { fin: true, mask: true, opcode: 2, readOnly: true, rsv1: false })
      socket.write(Buffer.concat(frame), () => done())
    },
  })
  receiver.on('message', (data: Buffer) => duplex.push(data))
  socket.pipe(receiver)
  return duplex
}
