import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock as clock } from '#base/clock.ts'
import { dialSpdy, DialError, openUpgrade, UpgradeFailedError } from './upgrade-client.ts'

const cleanups: (() => unknown)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

async function server(onConnection: (socket: Socket) => void): Promise<URL> {
  const listener = createServer((socket) => {
    socket.on('error', () => {})
    cleanups.push(() => socket.destroy())
    onConnection(socket)
  })
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  cleanups.push(() => listener.close())
  return new URL(`http://127.0.0.1:${(listener.address() as AddressInfo).port}/x`)
}

const UPGRADED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: custom\r\n\r\n'
const headers = { Connection: 'Upgrade', Upgrade: 'custom' }
const dial = (url: URL) => openUpgrade({ url, method: 'GET', headers, clock })

describe('openUpgrade', () => {
  it('keeps bytes that come with the response head', async () => {
    const response = await dial(await server((socket) => socket.write(`${UPGRADED}first`)))
    if (!response.upgraded) throw new Error('not upgraded')
    const [first] = await once(response.socket, 'data')
    expect(String(first)).toBe('first')
    response.socket.destroy()
  })

  it('gives up on a server that does not answer, or is not there', async () => {
    const silent = await server(() => {})
    const error = await openUpgrade({ url: silent, method: 'GET', headers, clock, timeoutMs: 20 }).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(DialError)
    expect(error).toMatchObject({ message: `dial ${silent.host}: no answer within 20 ms` })
    await expect(dial(new URL('http://127.0.0.1:1/'))).rejects.toThrow(DialError)
  })

  it('gives up when told to', async () => {
    const reason = new Error('enough')
    const url = await server(() => {})
    await expect(openUpgrade({ url, method: 'GET', headers, clock, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    )
    const abort = new AbortController()
    const pending = openUpgrade({ url, method: 'GET', headers, clock, signal: abort.signal })
    abort.abort(reason)
    await expect(pending).rejects.toBe(reason)
  })

  it('does not take another protocol for SPDY', async () => {
    const url = await server((socket) => socket.write(UPGRADED))
    const error = await dialSpdy({ url, protocols: ['x'], clock }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(UpgradeFailedError)
  })
})
