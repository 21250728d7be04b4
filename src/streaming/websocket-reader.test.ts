import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { sendOverWebSocket } from './websocket-reader.ts'

const server = createServer()
let source: AsyncIterable<Buffer>
let sent: Promise<void> = Promise.resolve()

beforeEach(async () => {
  server.removeAllListeners('upgrade')
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    sent = sendOverWebSocket(req, socket, head, source)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
})
afterEach(() => void server.close())

const connect = (...protocols: string[]) =>
  new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/log`, protocols)

async function* pieces(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text)
}

async function received(ws: WebSocket): Promise<{ messages: [text: string, isBinary: boolean][]; code: number }> {
  const messages: [string, boolean][] = []
  ws.on('message', (data, isBinary) => messages.push([String(data), isBinary]))
  const [code] = (await once(ws, 'close')) as [number]
  return { messages, code }
}

describe('a log over a WebSocket', () => {
  it.each([[[]], [['binary.k8s.io']]])('is sent as bytes to a client that asks for %j', async (protocols) => {
    source = pieces('one\n', 'two\n')
    const ws = connect(...protocols)
    expect(await received(ws)).toEqual({
      messages: [
        ['', true],
        ['one\n', true],
        ['two\n', true],
      ],
      code: 1000,
    })
    expect(ws.protocol).toBe(protocols[0] ?? '')
    await sent
  })

  it('is sent as base64 where that is asked for', async () => {
    source = pieces('one\n')
    const { messages } = await received(connect('base64.binary.k8s.io'))
    expect(messages).toEqual([
      ['', false],
      [Buffer.from('one\n').toString('base64'), false],
    ])
  })

  it('is refused to a client that wants another protocol', async () => {
    source = pieces('one\n')
    const ws = connect('v4.channel.k8s.io')
    const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage]
    expect(response.statusCode).toBe(403)
    ws.on('error', () => {})
    ws.terminate()
    await sent
  })

  it('ends when the client has gone, although nothing follows', async () => {
    let ended = false
    source = {
      async *[Symbol.asyncIterator]() {
        yield Buffer.from('one\n')
        await new Promise((resolve) => server.once('client gone', resolve))
        ended = true
      },
    }
    const ws = connect()
    await once(ws, 'message')
    ws.close()
    await once(ws, 'close')
    await sent
    expect(ended).toBe(false)
  })

  it('that breaks is told from one that ended', async () => {
    source = {
      async *[Symbol.asyncIterator]() {
        yield Buffer.from('one\n')
        throw new Error('the kubelet went away')
      },
    }
    expect(await received(connect())).toMatchObject({ code: 1011 })
  })
})
