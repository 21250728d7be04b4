import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '#base/clock.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { nodes, pods, selfSubjectReviews } from '#api/resources.ts'
import { notFound, StatusError } from '#machinery/status-error.ts'
import { startTestServer } from '#testing/test-server.ts'
import { Client } from './client.ts'
import { ConnectionError, createHttpsTransport, type HttpsTransport } from './https-transport.ts'
import type { WatchEvent } from './transport.ts'

let server: Server | undefined
let transport: HttpsTransport | undefined

async function serve(listener: RequestListener): Promise<Client> {
  server = createServer(listener)
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  transport = createHttpsTransport({ connection: { server: `http://127.0.0.1:${port}/base` }, clock: systemClock })
  return new Client(transport)
}

afterEach(async () => {
  transport?.close()
  server?.closeAllConnections()
  await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()))
  server = undefined
})

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}
const podNamed = (name: string) => ({ metadata: { name, namespace: 'ns', resourceVersion: '1' } })

describe('HTTPS transport', () => {
  it('sends method, path, options and typed body', async () => {
    const seen: unknown[] = []
    const client = await serve(async (request, response) => {
      const body = await bodyOf(request)
      seen.push([request.method, request.url, request.headers['content-type'], body && JSON.parse(body)])
      response.end('{}')
    })
    await client.create(pods, { metadata: { name: 'a', namespace: 'ns' } }, { dryRun: 'All' })
    await client.patch(nodes, { name: 'n1' }, { x: 1 }, { type: 'merge', subresource: 'status' })
    await client.delete(pods, { namespace: 'ns', name: 'a' }, { gracePeriodSeconds: 0 })
    await client.createSubresource(pods, { namespace: 'ns', name: 'a' }, 'binding', { target: {} })
    expect(seen).toEqual([
      [
        'POST',
        '/base/api/v1/namespaces/ns/pods?dryRun=All',
        'application/json',
        { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'ns' } },
      ],
      ['PATCH', '/base/api/v1/nodes/n1/status', 'application/merge-patch+json', { x: 1 }],
      ['DELETE', '/base/api/v1/namespaces/ns/pods/a', 'application/json', { gracePeriodSeconds: 0 }],
      ['POST', '/base/api/v1/namespaces/ns/pods/a/binding', 'application/json', { target: {} }],
    ])
  })

  it('gives the items of a list their type', async () => {
    const client = await serve((_, response) => {
      response.end(JSON.stringify({ kind: 'PodList', metadata: { resourceVersion: '7' }, items: [podNamed('a')] }))
    })
    const list = await client.list(pods)
    expect(list.items[0]).toMatchObject({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } })
  })

  it('turns refusals into StatusError', async () => {
    const client = await serve((request, response) => {
      if (request.url!.endsWith('/a')) {
        response.writeHead(404).end(JSON.stringify(notFound({ group: '', plural: 'pods' }, 'a').toStatus()))
      } else response.writeHead(403).end('go away')
    })
    expect(await client.find(pods, { namespace: 'ns', name: 'a' })).toBeUndefined()
    await expect(client.get(pods, { namespace: 'ns', name: 'b' })).rejects.toMatchObject({
      reason: 'Forbidden',
      message: 'the server answered with code 403: go away',
    })
  })

  it('tries again as late as the server asks', async () => {
    let calls = 0
    const client = await serve((_, response) => {
      if (++calls < 3) response.writeHead(429, { 'retry-after': '0' }).end('busy')
      else response.end(JSON.stringify(podNamed('a')))
    })
    expect((await client.get(pods, { namespace: 'ns', name: 'a' })).metadata.name).toBe('a')
    expect(calls).toBe(3)
  })

  it('says that a server cannot be reached', async () => {
    const client = await serve(() => {})
    server!.closeAllConnections()
    await new Promise<void>((resolve) => server!.close(() => resolve()))
    server = undefined
    await expect(client.get(pods, { namespace: 'ns', name: 'a' })).rejects.toBeInstanceOf(ConnectionError)
  })

  it('rejects with the reason of an abort', async () => {
    const client = await serve(() => {})
    const stop = new AbortController()
    const call = client.get(pods, { namespace: 'ns', name: 'a' }, { signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
  })

  it('does not send credentials without TLS', () => {
    const connection = { server: 'http://127.0.0.1:1', token: async () => 'secret' }
    expect(() => createHttpsTransport({ connection, clock: systemClock })).toThrow(TypeError)
  })

  it('hands on watch events however the lines are cut, then the end', async () => {
    const line = (type: string, name: string) => `${JSON.stringify({ type, object: podNamed(name) })}\n`
    const client = await serve((request, response) => {
      expect(request.url).toBe('/base/api/v1/namespaces/ns/pods?watch=true&resourceVersion=5')
      const text = line('ADDED', 'a') + line('MODIFIED', 'ä') + line('DELETED', 'c')
      const bytes = Buffer.from(text)
      response.write(bytes.subarray(0, 30), () => response.end(bytes.subarray(30)))
    })
    const seen: WatchEvent<Pod>[] = []
    const error = await new Promise((resolve) => {
      client.watch(
        pods,
        { namespace: 'ns', resourceVersion: '5' },
        { onEvents: (e) => seen.push(...e), onEnd: resolve },
      )
    })
    expect(error).toBeUndefined()
    expect(seen.map((e) => [e.type, (e.object as Pod).metadata.name])).toEqual([
      ['ADDED', 'a'],
      ['MODIFIED', 'ä'],
      ['DELETED', 'c'],
    ])
  })

  it('ends a refused watch with the StatusError', async () => {
    const client = await serve((_, response) => {
      response.writeHead(410).end(JSON.stringify(new StatusError('Expired', 'too old').toStatus()))
    })
    const error = await new Promise((resolve) => client.watch(pods, {}, { onEvents() {}, onEnd: resolve }))
    expect(error).toMatchObject({ reason: 'Expired', code: 410 })
  })
})

describe('a client certificate', () => {
  it('can be replaced while requests are under way', async () => {
    await using live = await startTestServer()
    const { cert, key } = live.pki.admin
    const connection = { server: live.url, ca: live.pki.authority.cert, cert, key }
    transport = createHttpsTransport({ connection, clock: systemClock })
    const client = new Client(transport)
    const whoami = async () => {
      const { status } = await client.create(selfSubjectReviews, { metadata: {} } as never)
      return status!.userInfo!.username
    }
    const seen: string[] = []
    let arrived = () => {}
    const arrival = new Promise<void>((resolve) => (arrived = resolve))
    const cancel = client.watch(
      nodes,
      { resourceVersion: '0' },
      {
        onEvents: (batch) => (seen.push(...batch.map((one) => one.type)), arrived()),
        onEnd: () => seen.push('end'),
      },
    )
    expect(await whoami()).toBe('kubernetes-admin')
    const before = whoami()
    transport.useCertificate(live.issueClient('ann', ['system:masters']))
    expect(['kubernetes-admin', 'ann']).toContain(await before)
    expect(await Promise.all([whoami(), whoami()])).toEqual(['ann', 'ann'])
    await live.client.create(nodes, { metadata: { name: 'n' } })
    await arrival
    expect(seen).toEqual(['ADDED'])
    cancel()
  })
})
