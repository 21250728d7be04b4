import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { FakeClock } from '#base/fake-clock.ts'
import { WebSocketChannels, type WebSocketChannelsOptions } from './websocket-channels.ts'

const cleanups: (() => unknown)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

async function connected(options: Partial<WebSocketChannelsOptions> = {}) {
  const clock = new FakeClock()
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  cleanups.push(() => server.close())
  await once(server, 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  client.on('error', () => {})
  cleanups.push(() => client.terminate())
  const [ws] = (await once(server, 'connection')) as [WebSocket]
  const channels = new WebSocketChannels(ws, {
    clock,
    base64: false,
    closeSignal: true,
    sendCloseSignal: false,
    readable: [0, 4],
    writable: [1],
    ...options,
  })
  if (client.readyState !== client.OPEN) await once(client, 'open')
  return { clock, client, channels }
}

describe('WebSocketChannels', () => {
  it('ends a channel on the close signal, and no other', async () => {
    const { client, channels } = await connected()
    client.send(Buffer.from('\0input'))
    client.send(Buffer.from([255, 0]))
    expect(await text(channels.readable(0))).toBe('input')
    client.send(Buffer.from('\u0004size'))
    const [size] = await once(channels.readable(4), 'data')
    expect(String(size)).toBe('size')
  })

  it('closes on a close signal that names no channel', async () => {
    const { client } = await connected()
    client.send(Buffer.from([255]))
    const [code] = await once(client, 'close')
    expect(code).toBe(1002)
  })

  it('drops what is sent to channels that are not there', async () => {
    const { client, channels } = await connected()
    for (const channel of [1, 2, 9, 254]) client.send(Buffer.from([channel, 1, 2, 3]))
    client.send(Buffer.alloc(0))
    client.send(Buffer.from('\0ok'))
    const [data] = await once(channels.readable(0), 'data')
    expect(String(data)).toBe('ok')
  })

  it('stops reading when nobody takes the input, and pongs meanwhile', async () => {
    const { clock, client, channels } = await connected()
    let acknowledged = 0
    for (let i = 0; i < 256; i++) client.send(Buffer.alloc(64 << 10), () => acknowledged++)
    while (channels.readable(0).readableLength < 1 << 20) await new Promise((resolve) => setImmediate(resolve))
    const pong = once(client, 'pong')
    await clock.advance(5_000)
    await pong
    expect(channels.readable(0).readableLength).toBeLessThan(3 << 20)
    channels.readable(0).resume()
    while (acknowledged < 256) await new Promise((resolve) => setImmediate(resolve))
  })

  it('tells a broken connection from an end', async () => {
    const broken = await connected()
    broken.client.terminate()
    await expect(text(broken.channels.readable(0))).rejects.toThrow('the WebSocket closed with code 1006')
    const ended = await connected()
    ended.client.close(1000)
    expect(await text(ended.channels.readable(0))).toBe('')
    const error = await new Promise((resolve) => ended.channels.writable(1).write('x', resolve))
    expect(error).toBeInstanceOf(Error)
  })

  it('drops a connection on which nothing moves', async () => {
    const { clock, client } = await connected({ idleTimeoutMs: 1000 })
    const closed = once(client, 'close')
    await clock.advance(3000)
    expect((await closed)[0]).toBe(1006)
  })
})
