import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { systemRandom } from '#base/random.ts'
import { decodeStatus } from './exit-status.ts'
import { encodeResize } from './resize-events.ts'
import { splice } from './splice.ts'
import type { SpdyConnection } from './spdy-connection.ts'
import {
  createStreamingServer,
  type StreamingHandlers,
  type StreamingRequest,
  type StreamingServer,
} from './streaming-server.ts'
import { dialSpdy, UpgradeFailedError } from './upgrade-client.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const unexpected = () => Promise.reject(new Error('unexpected call'))

async function serve(handlers: Partial<StreamingHandlers>): Promise<StreamingServer> {
  const server = await createStreamingServer({
    exec: unexpected,
    attach: unexpected,
    portForward: unexpected,
    ...handlers,
    clock: systemClock,
    random: systemRandom,
  })
  cleanups.push(() => server.close())
  return server
}

function execRequest(streams: Partial<StreamingRequest['request']> = {}): StreamingRequest {
  return {
    kind: 'exec',
    request: { containerId: 'c1', cmd: ['true'], stdin: false, stdout: true, stderr: true, tty: false, ...streams },
  }
}

async function dial(url: string, protocols = ['v4.channel.k8s.io']): Promise<SpdyConnection> {
  const { connection } = await dialSpdy({ url: new URL(url), protocols, clock: systemClock })
  cleanups.push(() => connection.destroy())
  return connection
}

const open = (connection: SpdyConnection, ...types: string[]) =>
  types.map((streamType) => connection.createStream({ streamType }))

describe('streaming server over SPDY', () => {
  it('carries output, then the exit code, then closes', async () => {
    const server = await serve({
      exec: async (_request, session) => {
        session.stdout!.write('out')
        session.stderr!.write('err')
        return { exitCode: 3 }
      },
    })
    const connection = await dial(server.urlFor(execRequest()))
    const [error, stdout, stderr] = open(connection, 'error', 'stdout', 'stderr')
    expect(await Promise.all([text(stdout!), text(stderr!)])).toEqual(['out', 'err'])
    expect(JSON.parse(await text(error!))).toEqual({
      metadata: {},
      status: 'Failure',
      message: 'command terminated with non-zero exit code: command terminated with exit code 3',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    })
    expect(await connection.closed).toBeUndefined()
  })

  it('gives the process the end of stdin, and 100 MB both ways unharmed', { timeout: 60_000 }, async () => {
    const server = await serve({
      exec: async (_request, session) => {
        await pipeline(session.stdin!, session.stdout!)
        return { exitCode: 0 }
      },
    })
    const connection = await dial(server.urlFor(execRequest({ stdin: true })))
    const [error, stdin, stdout] = open(connection, 'error', 'stdin', 'stdout', 'stderr')
    const chunks = 100
    const block = Buffer.from(systemRandom.bytes(1 << 20))
    const sent = createHash('sha256')
    const source = Readable.from(
      (function* () {
        for (let i = 0; i < chunks; i++) {
          block.writeUInt32BE(i)
          sent.update(block)
          yield Buffer.from(block)
        }
      })(),
    )
    const received = createHash('sha256')
    let bytes = 0
    const receiving = (async () => {
      for await (const chunk of stdout!) {
        received.update(chunk as Buffer)
        bytes += (chunk as Buffer).length
      }
    })()
    source.pipe(stdin!)
    await receiving
    expect(bytes).toBe(chunks << 20)
    expect(received.digest('hex')).toBe(sent.digest('hex'))
    expect(decodeStatus(await text(error!), 4)).toEqual({ exitCode: 0 })
  })

  it('finishes at once when the process ends before its input does', async () => {
    const server = await serve({ exec: async () => ({ exitCode: 0 }) })
    const connection = await dial(server.urlFor(execRequest({ stdin: true })))
    const [error, stdin] = open(connection, 'error', 'stdin', 'stdout', 'stderr')
    stdin!.write(Buffer.alloc(8 << 20))
    expect(decodeStatus(await text(error!), 4)).toEqual({ exitCode: 0 })
    expect(await connection.closed).toBeUndefined()
  })

  it('delivers terminal sizes, the newest', async () => {
    const server = await serve({
      exec: async (_request, session) => {
        for await (const size of session.resizes) session.stdout!.write(`${size.width}x${size.height};`)
        return { exitCode: 0 }
      },
    })
    const connection = await dial(server.urlFor(execRequest({ tty: true, stderr: false })))
    const [, stdout, resize] = open(connection, 'error', 'stdout', 'resize')
    resize!.write(encodeResize({ width: 80, height: 24 }))
    const first = await new Promise((resolve) => stdout!.once('data', (data) => resolve(String(data))))
    resize!.end(encodeResize({ width: 120, height: 40 }))
    expect(first).toBe('80x24;')
    expect(await text(stdout!)).toBe('120x40;')
  })

  it('tells the process that the client is gone', async () => {
    let aborted!: (reason: unknown) => void
    const gone = new Promise((resolve) => (aborted = resolve))
    const server = await serve({
      exec: async (_request, session) => {
        session.signal.addEventListener('abort', () => aborted(session.signal.reason))
        session.stdout!.write('started')
        await gone
        return { exitCode: 0 }
      },
    })
    const connection = await dial(server.urlFor(execRequest()))
    const [, stdout] = open(connection, 'error', 'stdout', 'stderr')
    await new Promise((resolve) => stdout!.once('data', resolve))
    connection.destroy()
    expect(await gone).toBeInstanceOf(Error)
  })

  it('makes the process wait for a client that does not read', async () => {
    let written = 0
    const server = await serve({
      exec: async (_request, session) => {
        const endless = new Readable({
          read() {
            this.push(Buffer.alloc(64 << 10))
          },
        })
        endless.on('data', (chunk: Buffer) => (written += chunk.length))
        await pipeline(endless, session.stdout!, { signal: session.signal }).catch(() => {})
        return { exitCode: 0 }
      },
    })
    const connection = await dial(server.urlFor(execRequest()))
    const [, stdout] = open(connection, 'error', 'stdout', 'stderr')
    // The writer stands still once the window and the buffers are full.
    let last = -1
    while (written !== last || written === 0) {
      last = written
      await new Promise((resolve) => systemClock.after(50, () => resolve(undefined)))
    }
    expect(written).toBeLessThan(8 << 20)
    expect(stdout!.readableLength).toBeLessThanOrEqual(1 << 20)
  })

  it('reports a handler that fails', async () => {
    const server = await serve({ attach: () => Promise.reject(new Error('no such container')) })
    const url = server.urlFor({
      kind: 'attach',
      request: { containerId: 'c1', stdin: false, stdout: true, stderr: false, tty: false },
    })
    const connection = await dial(url)
    const [error] = open(connection, 'error', 'stdout')
    expect(decodeStatus(await text(error!), 4)).toEqual({
      error: 'error attaching to container: no such container',
    })
  })

  it('sends plain text of a failure, and nothing of a success, before version 4', async () => {
    const codes = [0, 2]
    const server = await serve({ exec: async () => ({ exitCode: codes.shift()! }) })
    for (const expected of ['', 'command terminated with non-zero exit code: command terminated with exit code 2']) {
      const connection = await dial(server.urlFor(execRequest()), ['v2.channel.k8s.io'])
      const [error] = open(connection, 'error', 'stdout', 'stderr')
      expect(await text(error!)).toBe(expected)
    }
  })

  it('accepts a token once', async () => {
    const server = await serve({ exec: async () => ({ exitCode: 0 }) })
    const url = server.urlFor(execRequest())
    await dial(url)
    await expect(dial(url)).rejects.toThrow(UpgradeFailedError)
  })

  it('refuses protocols it does not know, and says which it does', async () => {
    const server = await serve({ exec: async () => ({ exitCode: 0 }) })
    await expect(dial(server.urlFor(execRequest()), ['v9.channel.k8s.io'])).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining('client supports [v9.channel.k8s.io], server accepts [v5.channel.k8s.io'),
    })
  })

  it('refuses a request that is no upgrade', async () => {
    const server = await serve({})
    expect((await fetch(server.urlFor(execRequest()))).status).toBe(400)
  })

  it('forwards ports in pairs of streams, with an error where one fails', async () => {
    const echoServer = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
    cleanups.push(() => echoServer.close())
    await once(echoServer, 'listening')
    const echoPort = (echoServer.address() as AddressInfo).port
    const server = await serve({
      portForward: async (_request, port, data) => {
        if (port === 81) throw new Error('connection refused')
        const echo = connect(echoPort, '127.0.0.1')
        await splice(data, echo, { clock: systemClock })
      },
    })
    const url = server.urlFor({ kind: 'portforward', request: { podSandboxId: 'p1' } })
    const connection = await dial(url, ['portforward.k8s.io'])
    const pair = (port: string, requestID: string) =>
      ['error', 'data'].map((streamType) => connection.createStream({ streamType, port, requestID }))
    const [error, data] = pair('80', '0')
    const [error2, data2] = pair('81', '1')
    error!.end()
    data!.end('hello')
    expect(await text(data!)).toBe('hello')
    expect(await text(error!)).toBe('')
    expect(await text(error2!)).toBe('error forwarding port 81 to pod p1, uid : connection refused')
    expect(await buffer(data2!)).toHaveLength(0)
  })
})
