/** An extension API server behind a real API server: who it hears is asking, and what clients hear of it. */
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apiServices, customResourceDefinitions, endpointSlices, services } from '#api/resources.ts'
import { type HttpsTestServer, startHttpsServer } from '#testing/https-server.ts'
import { createLoopbackEndpoint, createLoopbackService } from '#testing/loopback-service.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'

interface Heard {
  method: string
  url: string
  headers: Record<string, string | string[] | undefined>
  raw: string[]
  body: string
  clientName: string | undefined
}

let server: TestServer
let extension: HttpsTestServer
let heard: Heard[]
/** Requests of clients: whether the server is there, and what it serves, is asked at any time. */
const asked = () => heard.filter(({ url }) => url.includes('/namespaces/'))
let isBroken = false
/** Requests that are open at the extension server, by path. */
let onWatch: (write: (line: string) => void, end: () => void) => void = () => {}

const GROUP = 'wardle.example.com'
const NAME = `v1alpha1.${GROUP}`
const flunders = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: `${GROUP}/v1alpha1`,
  resources: [
    { name: 'flunders', singularName: 'flunder', namespaced: true, kind: 'Flunder', verbs: ['create', 'get', 'list'] },
    { name: 'flunders/status', singularName: '', namespaced: true, kind: 'Flunder', verbs: ['get'] },
  ],
}

const flunder = { type: 'object', properties: { spec: { $ref: '#/definitions/Spec' } } }
const openApi = {
  swagger: '2.0',
  paths: {
    [`/apis/${GROUP}/v1alpha1/flunders`]: {
      get: {
        produces: ['application/json'],
        parameters: [{ name: 'limit', in: 'query', type: 'integer' }],
        responses: { 200: { description: 'OK', schema: { $ref: '#/definitions/Flunder' } } },
      },
      post: { parameters: [{ name: 'body', in: 'body', required: true, schema: { $ref: '#/definitions/Flunder' } }] },
    },
    '/version/': { get: {} },
  },
  definitions: { Flunder: flunder, Spec: { type: 'string' }, Unused: {} },
}

beforeAll(async () => {
  server = await startTestServer()
  heard = []
  extension = await startHttpsServer({
    hosts: ['api.wardle.svc'],
    clientCa: server.pki.frontProxy.authority.cert,
    handle(request, body, response) {
      const { method = '', url = '', headers, rawHeaders: raw } = request
      const socket = request.socket as unknown as { getPeerCertificate(): { subject?: { CN?: string } } }
      heard.push({ method, url, headers, raw, body, clientName: socket.getPeerCertificate().subject?.CN })
      const json = (code: number, value: unknown) =>
        response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(value))
      if (isBroken) return void json(500, {})
      if (url === `/apis/${GROUP}/v1alpha1`) return void json(200, flunders)
      if (url === '/openapi/v2') return void json(200, openApi)
      if (url.includes('/moved')) return void response.writeHead(302, { location: 'https://elsewhere/' }).end()
      if (url.includes('watch=true')) {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.flushHeaders()
        onWatch(
          (line) => response.write(line),
          () => response.end(),
        )
        return
      }
      if (url.includes('/flunders')) return void json(200, { kind: 'Flunder', url, method, body })
      json(404, {})
    },
    upgrade(request, socket) {
      heard.push({ ...request, raw: request.rawHeaders, body: '', clientName: '' } as unknown as Heard)
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n')
      socket.pipe(socket)
    },
  })
  await server.createNamespace('wardle')
})
afterAll(async () => {
  await server.close()
  await extension.close()
})

const service = (extra: object = {}) => ({
  metadata: { name: NAME },
  spec: {
    group: GROUP,
    version: 'v1alpha1',
    service: { namespace: 'wardle', name: 'api' },
    groupPriorityMinimum: 2000,
    versionPriority: 200,
    caBundle: extension.caBundle,
    ...extra,
  },
})

/** Resolves once the APIService's condition has this reason. */
const available = (reason: string): Promise<Record<string, any>> =>
  until(async () => {
    const { status } = await server.client.get(apiServices, { name: NAME })
    const condition = status.conditions?.find(({ type }) => type === 'Available')
    return condition?.reason === reason && condition
  })

const json = async (path: string, init = {}) => (await server.fetch(path, init)).json() as Promise<any>

describe('an APIService of this server itself', () => {
  it('is there for every group version, and available', async () => {
    const { items } = await server.client.list(apiServices)
    const names = items.map(({ metadata }) => metadata.name)
    expect(names).toContain('v1.')
    expect(names).toContain('v2.autoscaling')
    expect(names).not.toContain('v1.apiregistration.k8s.io')
    const apps = items.find(({ metadata }) => metadata.name === 'v1.apps')!
    expect(apps.spec).toEqual({ group: 'apps', version: 'v1', groupPriorityMinimum: 17800, versionPriority: 15 })
    expect(apps.metadata.labels).toEqual({ 'kube-aggregator.kubernetes.io/automanaged': 'onstart' })
    expect(apps.status.conditions).toMatchObject([{ type: 'Available', status: 'True', reason: 'Local' }])
  })

  it('comes and goes with versions of custom resources', async () => {
    const definition = {
      metadata: { name: 'widgets.example.org' },
      spec: {
        group: 'example.org',
        scope: 'Namespaced',
        names: { plural: 'widgets', kind: 'Widget' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    }
    await server.client.create(customResourceDefinitions, definition as never)
    const found = await until(() => server.client.find(apiServices, { name: 'v1.example.org' }))
    expect(found).toMatchObject({
      metadata: { labels: { 'kube-aggregator.kubernetes.io/automanaged': 'true' } },
      spec: { groupPriorityMinimum: 1000, versionPriority: 100 },
    })
    await server.client.delete(apiServices, { name: 'v1.example.org' })
    await until(() => server.client.find(apiServices, { name: 'v1.example.org' }))
    await server.client.delete(customResourceDefinitions, { name: 'widgets.example.org' })
    await until(async () => !(await server.client.find(apiServices, { name: 'v1.example.org' })))
  })
})

/** Asks until the answer is something; what is waited for happens without any request of ours. */
async function until<T>(ask: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await ask()
    if (found) return found
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('an extension API server', () => {
  it('is not available before it answers, and says why', async () => {
    await server.client.create(apiServices, service() as never)
    expect(await available('ServiceNotFound')).toMatchObject({
      status: 'False',
      message: 'service/api in "wardle" is not present',
    })
    const answer = await server.fetch(`/apis/${GROUP}/v1alpha1/namespaces/wardle/flunders`)
    expect(answer.status).toBe(503)
    expect(await answer.text()).toBe('service unavailable\n')
    const key = { namespace: 'wardle', name: 'api' }
    await server.client.create(services, { metadata: key, spec: { ports: [{ port: 8443, name: 'other' }] } })
    expect((await available('ServicePortError')).message).toBe('service/api in "wardle" is not listening on port 443')
    await server.client.patch(services, key, { spec: { ports: [{ port: 443 }, { port: 8443, $patch: 'delete' }] } })
    expect((await available('EndpointsNotFound')).message).toBe(
      'cannot find endpointslices for service/api in "wardle"',
    )
    const { items } = await json('/apis', {
      headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' },
    })
    expect(items.find(({ metadata }: any) => metadata.name === GROUP).versions).toEqual([
      { version: 'v1alpha1', freshness: 'Stale' },
    ])
    await server.client.delete(services, key)
    isBroken = true
    await createLoopbackService(server.apiServer.api, server.client, { ...key, port: extension.port })
    const url = `https://127.0.0.1:${extension.port}/apis/${GROUP}/v1alpha1`
    expect((await available('FailedDiscoveryCheck')).message).toBe(
      `failing or missing response from ${url}: bad status from ${url}: 500`,
    )
    isBroken = false
    await server.client.delete(endpointSlices, key)
    await createLoopbackEndpoint(server.apiServer.api, { ...key, port: extension.port })
    expect(await available('Passed')).toMatchObject({ status: 'True', message: 'all checks passed' })
  })

  it('is in discovery', async () => {
    const { groups } = await json('/apis')
    expect(groups.find(({ name }: { name: string }) => name === GROUP)).toEqual({
      name: GROUP,
      versions: [{ groupVersion: `${GROUP}/v1alpha1`, version: 'v1alpha1' }],
      preferredVersion: { groupVersion: `${GROUP}/v1alpha1`, version: 'v1alpha1' },
    })
    expect(await json(`/apis/${GROUP}`)).toMatchObject({ kind: 'APIGroup', name: GROUP })
    expect(await json(`/apis/${GROUP}/v1alpha1`)).toEqual(flunders)
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
    const versions = await until(async () => {
      const { items } = await json('/apis', { headers: { accept } })
      const found = items.find(({ metadata }: any) => metadata.name === GROUP)
      return found.versions[0].freshness === 'Current' && found.versions
    })
    expect(versions[0].resources).toMatchObject([
      {
        resource: 'flunders',
        scope: 'Namespaced',
        responseKind: { kind: 'Flunder' },
        subresources: [{ subresource: 'status' }],
      },
    ])
  })

  it('is in OpenAPI, in the new form too where it knows the old one only', async () => {
    const place = `/apis/${GROUP}/v1alpha1/flunders`
    const { paths, definitions } = await until(async () => {
      const found = await json('/openapi/v2')
      return found.paths[place] && found
    })
    expect(paths['/api/v1/pods']).toBeDefined()
    expect(definitions).toMatchObject({ Flunder: flunder, Spec: { type: 'string' } })
    expect(definitions).not.toHaveProperty('Unused')
    const index = await json('/openapi/v3')
    const { serverRelativeURL } = index.paths[`apis/${GROUP}/v1alpha1`]
    const document = await json(serverRelativeURL)
    expect(document.components.schemas.Flunder.properties.spec).toEqual({ $ref: '#/components/schemas/Spec' })
    const { get, post } = document.paths[place]
    expect(get.parameters).toEqual([{ name: 'limit', in: 'query', schema: { type: 'integer' } }])
    const content = { schema: { $ref: '#/components/schemas/Flunder' } }
    expect(get.responses['200'].content).toEqual({ 'application/json': content })
    expect(post.requestBody).toEqual({ required: true, content: { '*/*': content } })
  })

  it('hears who asks, from somebody whom it can believe, and no credentials', async () => {
    const alice = server.issueClient('alice', ['system:masters', 'friends'])
    const answer = await server.fetch(`/apis/${GROUP}/v1alpha1/namespaces/wardle/flunders/a?x=1&y=%2F`, {
      method: 'POST',
      body: { some: 'thing' },
      as: alice,
      headers: { 'x-remote-user': 'mallory', 'x-remote-group': ['root'], 'x-custom': 'kept' },
    })
    expect(answer.status).toBe(200)
    const last = asked().at(-1)!
    expect(last).toMatchObject({
      method: 'POST',
      url: `/apis/${GROUP}/v1alpha1/namespaces/wardle/flunders/a?x=1&y=%2F`,
      body: '{"some":"thing"}',
      clientName: 'front-proxy-client',
    })
    expect(last.headers).toMatchObject({ 'x-remote-user': 'alice', 'x-custom': 'kept', host: 'api.wardle.svc:443' })
    expect(last.headers).not.toHaveProperty('authorization')
    const groups = last.raw.filter((_value, i) => last.raw[i - 1]?.toLowerCase() === 'x-remote-group')
    expect(groups).toEqual(['system:masters', 'friends', 'system:authenticated'])
  })

  it('is asked nothing that the client may not do', async () => {
    const bob = server.issueClient('bob')
    const before = asked().length
    const answer = await server.fetch(`/apis/${GROUP}/v1alpha1/namespaces/wardle/flunders`, { as: bob })
    expect(answer.status).toBe(403)
    expect((await answer.json()) as object).toMatchObject({
      message: `flunders.${GROUP} is forbidden: User "bob" cannot list resource "flunders" in API group "${GROUP}" in the namespace "wardle"`,
    })
    expect(asked()).toHaveLength(before)
  })

  it('may stream for as long as it likes', async () => {
    const opened = new Promise<{ write: (line: string) => void; end: () => void }>((resolve) => {
      onWatch = (write, end) => resolve({ write, end })
    })
    const answer = await server.fetch(`/apis/${GROUP}/v1alpha1/flunders?watch=true`)
    const { write, end } = await opened
    const reader = answer.body!.getReader()
    const next = async () => Buffer.from((await reader.read()).value!).toString()
    write('{"type":"ADDED"}\n')
    expect(await next()).toBe('{"type":"ADDED"}\n')
    write('{"type":"MODIFIED"}\n')
    expect(await next()).toBe('{"type":"MODIFIED"}\n')
    end()
    expect((await reader.read()).done).toBe(true)
  })

  it('is reached by components of this process, under their own names', async () => {
    const { extensions } = server.apiServer
    const resource = await until(async () => extensions.current()[0])
    expect(resource).toMatchObject({ apiVersion: `${GROUP}/v1alpha1`, kind: 'Flunder', plural: 'flunders' })
    expect(extensions.undiscovered()).toEqual([])
    const admin = server.clientFor({ name: 'some-controller', groups: ['system:masters'] })
    expect(await admin.get(resource, { namespace: 'wardle', name: 'a' })).toMatchObject({
      kind: 'Flunder',
      method: 'GET',
    })
    const { headers } = asked().at(-1)!
    expect(headers).toMatchObject({ 'x-remote-user': 'some-controller', 'x-remote-group': 'system:masters' })
    const events: unknown[] = []
    const ended = new Promise<Error | undefined>((resolve) => {
      onWatch = (write, end) => {
        write('{"type":"ADDED","object":{}}\n')
        end()
      }
      const sink = { onEvents: (some: readonly unknown[]) => void events.push(...some), onEnd: resolve }
      server.apiServer.transport({ name: 'w', groups: ['system:masters'] }).watch({ verb: 'watch', resource }, sink)
    })
    expect(await ended).toBeUndefined()
    expect(events).toEqual([{ type: 'ADDED', object: {} }])
    const before = asked().length
    const bob = server.clientFor({ name: 'bob', groups: [] })
    await expect(bob.get(resource, { namespace: 'wardle', name: 'a' })).rejects.toThrow(/"bob" cannot get resource/)
    expect(asked()).toHaveLength(before)
  })

  it('may not send clients elsewhere', async () => {
    const answer = await server.fetch(`/apis/${GROUP}/v1alpha1/moved`)
    expect(answer.status).toBe(502)
    expect(await answer.text()).toContain('the backend attempted to redirect this request, which is not permitted')
  })

  it('may upgrade connections', async () => {
    const { cert, key } = server.pki.admin
    const socket = connect({ port: server.port, host: '127.0.0.1', ca: server.pki.authority.cert, cert, key })
    const path = `/apis/${GROUP}/v1alpha1/namespaces/wardle/flunders/a/connect`
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\nhello`)
    let text = ''
    for await (const chunk of socket) {
      text += String(chunk)
      if (text.endsWith('hello')) break
    }
    expect(text).toMatch(/^HTTP\/1\.1 101 /)
    const { raw } = asked().at(-1)!
    expect(raw[raw.findIndex((name) => name.toLowerCase() === 'x-remote-user') + 1]).toBe('kubernetes-admin')
    socket.destroy()
  })

  it('is gone with its APIService', async () => {
    await server.client.delete(apiServices, { name: NAME })
    const answer = await server.fetch(`/apis/${GROUP}/v1alpha1/namespaces/wardle/flunders`)
    expect(answer.status).toBe(404)
    const { groups } = await json('/apis')
    expect(groups.map(({ name }: { name: string }) => name)).not.toContain(GROUP)
  })
})
