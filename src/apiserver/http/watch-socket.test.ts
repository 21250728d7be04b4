/** Watches over a WebSocket, as pages in a browser open them. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import { configMaps } from '#api/resources.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'
import { WatchSocket } from './watch-socket.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ maxWatchBacklogBytes: 1 << 20 })
})
afterAll(() => server.close())

const PATH = '/api/v1/namespaces/default/configmaps'
const put = (name: string, data: Record<string, string> = {}) =>
  server.client.create(configMaps, { metadata: { namespace: 'default', name }, data })
const openWatches = () => server.apiServer.api.watchCounts.get('/configmaps') ?? 0

interface Message {
  data: Buffer
  isBinary: boolean
}

function connect(query: string, options: ClientOptions = {}, protocols: string[] = [], asked = server): WebSocket {
  const credentials = { ca: asked.pki.authority.cert, ...asked.pki.admin }
  return new WebSocket(`${asked.url.replace('https', 'wss')}${PATH}${query}`, protocols, { ...credentials, ...options })
}

/** What a client is sent, as one asks for it; ends with the connection. */
async function* messages(query: string, options: ClientOptions = {}, asked = server) {
  const ws = connect(`?watch=1${query}`, options, [], asked)
  const arrived: Message[] = []
  let wake = () => {}
  ws.on('message', (data: Buffer, isBinary) => {
    arrived.push({ data, isBinary })
    wake()
  })
  let failure: Error | undefined
  ws.on('error', (err) => (failure = err))
  ws.on('close', () => wake())
  try {
    for (;;) {
      const next = arrived.shift()
      if (next) yield next
      else if (ws.readyState === WebSocket.CLOSED) {
        if (failure) throw failure
        return
      } else await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    ws.close()
  }
}

const textOf = (data: Buffer) => {
  const { type, object } = JSON.parse(data.toString())
  return `${type} ${object.metadata.name ?? object.reason}`
}

async function next(watch: AsyncGenerator<Message, void>): Promise<Message> {
  const { value } = await watch.next()
  if (!value) throw new Error('the watch has ended')
  return value
}

it('sends each event as a message of text, what was there before and what comes', async () => {
  await put('a')
  await put('b')
  const watch = messages('')
  const first = [await next(watch), await next(watch)]
  expect(first.map(({ data }) => textOf(data))).toEqual(['ADDED a', 'ADDED b'])
  expect(first.every(({ isBinary }) => !isBinary)).toBe(true)
  await Promise.all([put('c'), put('d'), put('e')])
  const later = [await next(watch), await next(watch), await next(watch)]
  expect(later.map(({ data }) => textOf(data)).toSorted()).toEqual(['ADDED c', 'ADDED d', 'ADDED e'])
  await watch.return()
  await expect.poll(openWatches).toBe(0)
})

it('sends protobuf as messages of bytes, without lengths before them', async () => {
  const watch = messages('&fieldSelector=metadata.name=a', {
    headers: { accept: 'application/vnd.kubernetes.protobuf' },
  })
  const { data, isBinary } = await next(watch)
  expect(isBinary).toBe(true)
  // Field 1 of the event is its type.
  expect(data.subarray(0, 7).toString('latin1')).toBe('\n\u0005ADDED')
  await watch.return()
})

it('ends when its time is over', async () => {
  const names: string[] = []
  for await (const { data } of messages('&timeoutSeconds=1&fieldSelector=metadata.name=a')) names.push(textOf(data))
  expect(names).toEqual(['ADDED a'])
})

it('tells of a revision that is gone, and ends', async () => {
  await using own = await startTestServer()
  const old = own.store.revision
  await own.client.create(configMaps, { metadata: { namespace: 'default', name: 'after' } })
  await own.store.compact(own.store.revision)
  // A server knows what has happened since its start, whatever the store has forgotten.
  await using restarted = await startTestServer({ store: own.store })
  const told: string[] = []
  for await (const { data } of messages(`&resourceVersion=${old}`, {}, restarted)) told.push(textOf(data))
  expect(told).toEqual(['ERROR Expired'])
})

it('answers with the protocol that the client offers', async () => {
  const ws = connect('?watch=1', {}, ['any.example.com'])
  await once(ws, 'open')
  expect(ws.protocol).toBe('any.example.com')
  ws.close()
  await once(ws, 'close')
  await expect.poll(openWatches).toBe(0)
})

it('disconnects a client that takes nothing', async () => {
  const ws = connect('?watch=1')
  ws.on('error', () => {})
  await once(ws, 'open')
  ws.pause()
  expect(openWatches()).toBe(1)
  for (let i = 0; openWatches() > 0; i++) await put(`large-${i}`, { k: 'x'.repeat(200 << 10) })
  ws.terminate()
})

it('is closed with its connection, though nothing was ever answered', async () => {
  const socket = new PassThrough()
  const answer = new WatchSocket({ headers: {} } as IncomingMessage, socket, Buffer.alloc(0))
  const closed = once(answer, 'close')
  socket.destroy()
  await closed
  expect(answer.headersSent).toBe(false)
})

it('is for those who may watch, and for watches alone', async () => {
  const nobody = { cert: undefined, key: undefined }
  await expect(once(connect('?watch=1', nobody), 'open')).rejects.toThrow('403')
  await expect(once(connect(''), 'open')).rejects.toThrow('404')
})
