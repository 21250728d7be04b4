/** Watches over HTTP whose clients are slow, or gone; and the end of the server. */
import { systemClock } from '#base/clock.ts'
import { type ClientHttp2Session, type ClientHttp2Stream, connect as http2Connect } from 'node:http2'
import { connect as tlsConnect, type TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { configMaps } from '#api/resources.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'
import { recordWatch } from '#testing/watched.ts'

const PATH = '/api/v1/namespaces/default/configmaps'
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(): Promise<TestServer> {
  const server = await startTestServer({ maxWatchBacklogBytes: BACKLOG })
  closing.push(() => server.close())
  return server
}

/** A watch whose client reads nothing until it is told to. */
function openHttp1(server: TestServer, query: string): { socket: TLSSocket; closed: Promise<void> } {
  const socket = tlsConnect({ port: server.port, ca: server.pki.authority.cert, ...server.pki.admin })
  closing.push(() => socket.destroy())
  socket.on('error', () => {})
  socket.write(`GET ${PATH}?watch=1${query} HTTP/1.1\r\nhost: x\r\n\r\n`)
  socket.pause()
  return { socket, closed: new Promise((resolve) => socket.once('close', () => resolve())) }
}

function openHttp2(
  server: TestServer,
  query: string,
): { session: ClientHttp2Session; stream: ClientHttp2Stream; closed: Promise<void> } {
  const session = http2Connect(server.url, { ca: server.pki.authority.cert, ...server.pki.admin })
  closing.push(() => session.destroy())
  session.on('error', () => {})
  const stream = session.request({ ':path': `${PATH}?watch=1${query}` })
  stream.on('error', () => {})
  return { session, stream, closed: new Promise((resolve) => stream.once('close', () => resolve())) }
}

const BACKLOG = 1 << 20
const LARGE = 'x'.repeat(100 << 10)
const put = (server: TestServer, name: string, data: object = { k: LARGE }) =>
  server.client.create(configMaps, { metadata: { namespace: 'default', name }, data } as never)
const touch = (server: TestServer, name: string, i: number) =>
  server.client.patch(configMaps, { namespace: 'default', name }, { metadata: { labels: { i: String(i) } } })

/** How many watches of config maps the server keeps, those of this process left out. */
const open = (server: TestServer) => server.apiServer.api.watchCounts.get('/configmaps') ?? 0

describe.each(['HTTP/1.1', 'HTTP/2'] as const)('over %s', (version) => {
  it('a client that does not read is disconnected, and nobody else notices', async () => {
    const server = await start()
    await put(server, 'a')
    const query = `&resourceVersion=${server.store.revision}`
    const slow = version === 'HTTP/2' ? openHttp2(server, query) : openHttp1(server, query)
    // Nothing is consumed, so that the stream's window stays used up.
    if ('stream' in slow) slow.stream.once('response', () => slow.stream.pause())
    const reader = await server.fetch(`${PATH}?watch=1${query}`)
    using near = recordWatch(server.client, configMaps, { resourceVersion: String(server.store.revision) })
    let received = 0
    const reading = (async () => {
      for await (const chunk of reader.body as unknown as AsyncIterable<Uint8Array>) {
        received += chunk.length
        if (received > 149 * LARGE.length) return
      }
    })()
    // The buffers of both kernels take some of it.
    for (let i = 0; i < 150; i++) {
      await touch(server, 'a', i)
      await new Promise(setImmediate)
    }
    await reading
    expect(near.events).toHaveLength(150)
    // The slow client finds out as soon as it looks.
    if ('socket' in slow) slow.socket.resume()
    else slow.stream.resume()
    await slow.closed
  })

  it('initial events that are more than a client may be behind reach a slow one, with what comes after', async () => {
    const server = await start()
    await Promise.all(Array.from({ length: 40 }, (_, i) => put(server, `m${i}`)))
    const query = '&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
    const body: AsyncIterable<Uint8Array> =
      version === 'HTTP/2'
        ? openHttp2(server, query).stream
        : ((await server.fetch(`${PATH}?watch=1${query}`)).body as never)
    await expect.poll(() => open(server)).toBe(1)
    for (let i = 0; i < 5; i++) await put(server, `late${i}`, {})
    const types: string[] = []
    let rest = ''
    const decoder = new TextDecoder()
    for await (const chunk of body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop()!
      for (const line of lines) types.push(JSON.parse(line).type)
      if (types.length === 46) break
    }
    expect(types).toEqual([...Array(40).fill('ADDED'), 'BOOKMARK', ...Array(5).fill('ADDED')])
  })

  it('a client that goes away is forgotten', async () => {
    const server = await start()
    const gone = version === 'HTTP/2' ? openHttp2(server, '') : openHttp1(server, '')
    await expect.poll(() => open(server)).toBe(1)
    if ('socket' in gone) gone.socket.destroy()
    else gone.stream.close(8)
    await expect.poll(() => open(server)).toBe(0)
    await put(server, 'a', {})
  })

  it('the end of the server is the end of the stream, after a whole line', async () => {
    const server = await start()
    await put(server, 'a', {})
    const { stream } = openHttp2(server, '')
    const http1 = await server.fetch(`${PATH}?watch=1`)
    await expect.poll(() => open(server)).toBe(2)
    const ended = server.close()
    let text = ''
    for await (const chunk of (version === 'HTTP/2' ? stream : http1.body!) as AsyncIterable<Uint8Array>)
      text += Buffer.from(chunk).toString()
    expect(text.endsWith('}\n')).toBe(true)
    expect(JSON.parse(text)).toMatchObject({ type: 'ADDED' })
    await ended
  })
})

it('a server that closes waits for answers under way, but not for long', async () => {
  const server = await start()
  await Promise.all(Array.from({ length: 20 }, (_, i) => put(server, `m${i}`)))
  const answers = await Promise.all(Array.from({ length: 3 }, () => server.fetch(PATH)))
  const stuck = openHttp1(server, '')
  const begin = systemClock.monotonic()
  const closed = server.close()
  const lists = (await Promise.all(answers.map((answer) => answer.json()))) as { items: unknown[] }[]
  expect(lists.map(({ items }) => items.length)).toEqual([20, 20, 20])
  await closed
  expect(systemClock.monotonic() - begin).toBeLessThan(10_000)
  stuck.socket.destroy()
})
