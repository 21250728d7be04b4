/** What the server says to requests as they come off the wire: status codes, headers, and the words of refusals. */
import { connect as http2Connect } from 'node:http2'
import { connect as tlsConnect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeProtobuf } from '#api/protobuf-encode.ts'
import { closeEnvelope, PROTOBUF_TYPE } from '#api/protobuf-envelope.ts'
import { configMaps } from '#api/resources.ts'
import type { Status } from '#machinery/status-error.ts'
import { type FetchInit, startTestServer, type TestServer } from '#testing/test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ tokens: [{ token: 'secret', user: 'tim', uid: '1', groups: ['system:masters'] }] })
  await server.client.create(configMaps, { metadata: { namespace: 'default', name: 'there' }, data: { k: 'v' } })
})
afterAll(() => server.close())

const MAPS = '/api/v1/namespaces/default/configmaps'
const configMap = (name: string, extra: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  ...extra,
})
const deployment = (name: string, spec: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: 'a' } },
    template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    ...spec,
  },
})

async function status(path: string, init?: FetchInit): Promise<Status> {
  const answer = await server.fetch(path, init)
  const body = (await answer.json()) as Status
  expect(body.kind).toBe('Status')
  expect(body.code).toBe(answer.status)
  return body
}
const post = (body: FetchInit['body'], headers: Record<string, string> = { 'content-type': 'application/json' }) => ({
  method: 'POST',
  ...(body !== undefined && { body }),
  headers,
})

describe('paths and methods', () => {
  it.each([
    ['/api/v1/nothing'],
    ['/apis/apps/v1/nothing'],
    ['/apis/apps/v9/deployments'],
    [`${MAPS}/there/status`],
    [`${MAPS}/there/constructor`],
    [`${MAPS}/there/binding`],
    ['/api/v1/configmaps/there'],
    ['/api/v1/configmaps/default%2Fthere'],
    ['/api/v1/namespaces/default%2Fx/configmaps'],
    ['/api/v1/namespaces/default/nodes'],
  ])('%s is not there', async (path) => {
    expect(await status(path)).toMatchObject({
      reason: 'NotFound',
      message: 'the server could not find the requested resource',
    })
  })

  it.each(['/apis/none/v1/things', '/somewhere', '/livez/nothing'])('%s is a page that is not there', async (path) => {
    const answer = await server.fetch(path)
    expect(answer.status).toBe(404)
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(await answer.text()).toBe('404 page not found\n')
  })

  it('an object that is not there is named', async () => {
    expect(await status(`${MAPS}/absent`)).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'configmaps "absent" not found',
      reason: 'NotFound',
      details: { name: 'absent', kind: 'configmaps' },
      code: 404,
    })
    expect((await status('/apis/apps/v1/namespaces/default/deployments/absent')).message).toBe(
      'deployments.apps "absent" not found',
    )
  })

  it.each([
    ['POST', `${MAPS}/there`],
    ['PUT', MAPS],
    ['PATCH', MAPS],
    ['OPTIONS', MAPS],
    ['PROPFIND', MAPS],
    ['POST', '/api/v1/configmaps'],
    ['DELETE', '/api/v1/configmaps'],
    ['GET', '/apis/authentication.k8s.io/v1/selfsubjectreviews'],
    ['DELETE', '/api/v1/componentstatuses/scheduler'],
    ['POST', '/version'],
    ['DELETE', '/apis'],
    ['DELETE', '/api/v1/namespaces/default/finalize'],
  ])('%s %s is not allowed', async (method, path) => {
    const refusal = await status(path, { method, ...(method !== 'OPTIONS' && { body: {} }) })
    expect(refusal).toMatchObject({ reason: 'MethodNotAllowed', code: 405 })
    expect(refusal.message).toBe('the server does not allow this method on the requested resource')
  })

  it.each([
    '/%',
    '/api/v1/namespaces/%zz/pods',
    `${MAPS}/%E0%A4%A`,
    '/api/v1/pods?labelSelector=%ff%fe',
    '//',
    '/api//v1',
  ])('garbage %s is an error of the client', async (path) => {
    const { status: code } = await server.fetch(path)
    expect([200, 400, 404]).toContain(code)
  })

  it('HEAD is GET without a body, but not for resources', async () => {
    for (const path of ['/apis', '/version', '/livez']) {
      const [head, get] = await Promise.all([server.fetch(path, { method: 'HEAD' }), server.fetch(path)])
      expect(head.status).toBe(200)
      expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'))
      expect(await head.text()).toBe('')
      await get.text()
    }
    for (const path of [MAPS, `${MAPS}/there`]) {
      const answer = await server.fetch(path, { method: 'HEAD' })
      expect([answer.status, await answer.text()]).toEqual([405, ''])
    }
  })

  it('health checks tell what they check', async () => {
    expect(await (await server.fetch('/readyz')).text()).toBe('ok')
    for (const endpoint of ['livez', 'readyz', 'healthz']) {
      const lines = (await (await server.fetch(`/${endpoint}?verbose=1`)).text()).split('\n')
      expect(lines.at(-2)).toBe(`${endpoint} check passed`)
      expect(lines.slice(0, -2).every((line) => /^\[\+\]\S+ ok$/.test(line))).toBe(true)
      expect(lines).toContain('[+]etcd ok')
      expect(lines).toContain('[+]poststarthook/scheduling/bootstrap-system-priority-classes ok')
    }
    expect(await (await server.fetch('/livez/ping')).text()).toBe('ok')
    expect(await (await server.fetch('/readyz/poststarthook/rbac/bootstrap-roles')).text()).toBe('ok')
    expect((await server.fetch('/readyz/poststarthook/none')).status).toBe(404)
    const without = await (await server.fetch('/readyz?verbose&exclude=etcd')).text()
    expect(without).not.toContain('etcd')
    expect(await (await server.fetch('/version')).json()).toMatchObject({ major: '1', minor: '36' })
  })
})

describe('who asks', () => {
  const everything = ['/', '/api', '/apis', '/version', '/livez', '/readyz', '/metrics', '/openapi/v2', MAPS, '/none']
  const forEveryUser = ['/api', '/apis', '/version', '/livez', '/readyz', '/openapi/v2']

  it.each(everything)('nobody is anonymous at %s', async (path) => {
    const isPublic = ['/version', '/livez', '/readyz'].includes(path)
    const answer = await server.fetch(path, { as: 'nobody' })
    expect(answer.status).toBe(isPublic ? 200 : 403)
    if (!isPublic) expect(((await answer.json()) as Status).message).toContain('User "system:anonymous" cannot ')
    expect((await server.fetch(path, { as: 'nobody', method: 'POST', body: {} })).status).toBe(403)
  })

  it.each(['wrong', 'secret-wrong', 'a.b.c', 'e30.e30.e30', '.', 'abcdef.0123456789abcdef'])(
    'the token %j is nobody’s, not even anonymous',
    async (token) => {
      const answer = await server.fetch('/version', { as: 'nobody', headers: { authorization: `Bearer ${token}` } })
      expect(answer.headers.get('www-authenticate')).toBeTruthy()
      expect(await answer.json()).toEqual({
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'Unauthorized',
        reason: 'Unauthorized',
        code: 401,
      })
    },
  )

  it.each(['Bearer ', 'Bearer  secret', 'Basic c2VjcmV0', 'secret', '\t'])(
    'the header %j holds no token',
    async (authorization) => {
      expect((await server.fetch(MAPS, { as: 'nobody', headers: { authorization } })).status).toBe(403)
      expect((await server.fetch('/version', { as: 'nobody', headers: { authorization } })).status).toBe(200)
    },
  )

  it('a static token is somebody’s', async () => {
    const headers = { authorization: 'Bearer secret' }
    expect((await server.fetch(MAPS, { as: 'nobody', headers })).status).toBe(200)
    const mixed = { authorization: ' bEARER secret more' }
    expect((await server.fetch(MAPS, { as: 'nobody', headers: mixed })).status).toBe(200)
  })

  it('a certificate counts before a token', async () => {
    const headers = { authorization: 'Bearer wrong' }
    expect((await server.fetch(MAPS, { headers })).status).toBe(200)
  })

  it('a certificate of another authority is nobody’s', async () => {
    await using other = await startTestServer()
    expect((await server.fetch(MAPS, { as: other.issueClient('eve', ['system:masters']) })).status).toBe(401)
  })

  it('somebody without rights is refused everything, before anything is looked at', async () => {
    const as = server.issueClient('eve', ['readers'])
    expect(await status(MAPS, { as })).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message:
        'configmaps is forbidden: User "eve" cannot list resource "configmaps" in API group "" in the namespace "default"',
      reason: 'Forbidden',
      details: { kind: 'configmaps' },
      code: 403,
    })
    expect((await status('/apis/apps/v1/deployments?watch=1', { as })).message).toBe(
      'deployments.apps is forbidden: User "eve" cannot watch resource "deployments" in API group "apps" at the cluster scope',
    )
    expect((await status(`${MAPS}/there`, { as, method: 'DELETE' })).message).toBe(
      'configmaps "there" is forbidden: User "eve" cannot delete resource "configmaps" in API group "" in the namespace "default"',
    )
    expect((await status('/metrics', { as })).message).toBe('forbidden: User "eve" cannot get path "/metrics"')
    for (const path of everything)
      expect((await server.fetch(path, { as })).status, path).toBe(forEveryUser.includes(path) ? 200 : 403)
    expect((await status(MAPS, { as, ...post('{') })).code, 'the body is not even read').toBe(403)
    expect((await status(MAPS, { as, headers: { accept: 'text/html' } })).code).toBe(403)
  })

  it('keeps who asks apart on resumed connections', async () => {
    const eve = server.issueClient('eve')
    for (let i = 0; i < 3; i++) {
      expect((await server.fetch('/metrics', { as: eve, headers: { connection: 'close' } })).status).toBe(403)
      expect((await server.fetch('/metrics', { headers: { connection: 'close' } })).status).toBe(200)
      expect((await server.fetch('/metrics', { as: 'nobody', headers: { connection: 'close' } })).status).toBe(403)
    }
  })
})

describe('bodies', () => {
  it('in JSON, YAML and protobuf', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: in-yaml\ndata:\n  k: "1"\n'
    const made = await server.fetch(MAPS, post(yaml, { 'content-type': 'application/yaml' }))
    expect(made.status).toBe(201)
    expect(await made.json()).toMatchObject({ metadata: { name: 'in-yaml' }, data: { k: '1' } })
    const object = configMap('in-protobuf', { data: { k: 'ü' }, binaryData: { b: 'AAEC' } })
    const bytes = closeEnvelope('v1', 'ConfigMap', encodeProtobuf(configMaps.type, object))
    const other = await server.fetch(MAPS, post(bytes, { 'content-type': PROTOBUF_TYPE }))
    expect(await other.json()).toMatchObject(object)
  })

  it.each([
    [
      '',
      "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: ",
    ],
    ['{', 'json parse error: '],
    ['{"kind":"ConfigMap",}', '({"kind":"ConfigMap",})'],
    [`{"kind":"ConfigMap","metadata":${'x'.repeat(50)}}`, '({"kind":"ConfigMap","metadata" ...)'],
    ['nonsense', '(6e6f6e73656e7365)'],
    ['[]', 'json: cannot unmarshal array'],
    ['"text"', 'json: cannot unmarshal string'],
    [
      '{"metadata":[]}',
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal array into Go struct field ConfigMap.metadata of type v1.ObjectMeta',
    ],
    ['{"data":{"k":1}}', 'json: cannot unmarshal number into Go struct field ConfigMap.data of type string'],
    ['{"binaryData":{"k":"%"}}', 'illegal base64 data at input byte 0'],
    ['{"kind":"Secret"}', 'cannot be handled as a ConfigMap'],
    ['{"apiVersion":"v2"}', 'the API version in the data (v2) does not match the expected API version (v1)'],
    [
      '{"metadata":{"name":"a","namespace":"other"}}',
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
    [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'exceeded max depth'],
    [`{"metadata":{"name":"a"},"x":${'{"y":'.repeat(2000)}1${'}'.repeat(2000)}}`, 'exceeded max depth'],
  ])('that are wrong are refused: %.40s', async (body, message) => {
    const refusal = await status(MAPS, post(body))
    expect(refusal).toMatchObject({ reason: 'BadRequest', code: 400 })
    expect(refusal.message).toContain(message)
  })

  it('that are null are objects without anything', async () => {
    expect(await status(MAPS, post('null'))).toMatchObject({
      reason: 'Invalid',
      message: 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
    })
  })

  it.each([
    ['a: [', 'error converting YAML to JSON: yaml: '],
    ['--- 1\n--- 2\n', 'error converting YAML to JSON: yaml: '],
    // Each line stands for ten of the line before.
    [
      `a: &a [x]\n${[...'bcdefghij'].map((c, i) => `${c}: &${c} [${Array(10).fill(`*${'abcdefghi'[i]}`).join(',')}]`).join('\n')}\n`,
      'more than',
    ],
  ])('of YAML that is wrong are refused: %.20s', async (body, message) => {
    const refusal = await status(MAPS, post(body, { 'content-type': 'application/yaml' }))
    expect(refusal.code).toBe(400)
    expect(refusal.message).toContain(message)
  })

  it.each([
    ['', 'empty data'],
    ['x8s', 'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]'],
    ['k8s\0\xff\xff\xff', 'protobuf: '],
    ['k8s\0', 'empty body'],
  ])('of protobuf that is wrong are refused: %j', async (body, message) => {
    const refusal = await status(MAPS, post(Buffer.from(body, 'latin1'), { 'content-type': PROTOBUF_TYPE }))
    expect(refusal.code).toBe(400)
    expect(refusal.message).toContain(message)
  })

  it('of an unknown type are refused', async () => {
    expect(await status(MAPS, post('{}', { 'content-type': 'text/plain' }))).toMatchObject({
      reason: 'UnsupportedMediaType',
      code: 415,
      message:
        'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    })
    const patch = { method: 'PATCH', body: '{}', headers: { 'content-type': 'application/json' } }
    expect(await status(`${MAPS}/there`, patch)).toMatchObject({
      code: 415,
      message: '415: Unsupported Media Type',
    })
  })

  it.each(['announced', 'streamed'])(
    'that are too large are refused, %s, and the connection stays usable',
    async (how) => {
      const large = JSON.stringify(configMap('large', { data: { k: 'x'.repeat(10 << 20) } }))
      const socket = tlsConnect({ port: server.port, ca: server.pki.authority.cert, ...server.pki.admin })
      const length = Buffer.byteLength(large)
      const head = how === 'announced' ? `content-length: ${length}` : 'transfer-encoding: chunked'
      const body = how === 'announced' ? large : `${length.toString(16)}\r\n${large}\r\n0\r\n\r\n`
      socket.write(`POST ${MAPS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${head}\r\n\r\n${body}`)
      socket.write('GET /version HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
      let text = ''
      for await (const chunk of socket) text += chunk
      expect(text).toContain('HTTP/1.1 413')
      expect(text).toContain('"message":"Request entity too large: limit is 3145728","reason":"RequestEntityTooLarge"')
      expect(text).toContain('HTTP/1.1 200 OK')
    },
  )

  it('that stop half-way hurt nobody', async () => {
    const socket = tlsConnect({ port: server.port, ca: server.pki.authority.cert, ...server.pki.admin })
    socket.write(`POST ${MAPS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a`)
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    socket.destroy()
    expect((await server.fetch('/livez')).status).toBe(200)
  })

  it('are not read by those who need none', async () => {
    const answer = await server.fetch(`${MAPS}/there`, { method: 'GET', body: 'ignored' })
    expect(answer.status).toBe(200)
    await answer.text()
  })

  it('huge headers are refused, large ones are not', async () => {
    const large = { 'x-long': 'x'.repeat(200_000) }
    expect((await server.fetch(MAPS, { headers: large })).status).toBe(200)
    const headers = { 'x-long': 'x'.repeat(1 << 20) }
    const outcome = await server.fetch(MAPS, { headers }).then(
      ({ status: code }) => code,
      () => 'closed',
    )
    expect([431, 'closed']).toContain(outcome)
    expect((await server.fetch('/livez')).status).toBe(200)
  })
})

describe('fieldValidation', () => {
  const body = '{"metadata":{"name":"fv"},"data":{"k":"v","k":"w"},"colour":"red","metadata":{"name":"fv","shape":1}}'
  const apps = '/apis/apps/v1/namespaces/default/deployments'

  it('Warn, which is the default, tells in headers', async () => {
    for (const query of ['?dryRun=All', '?dryRun=All&fieldValidation=Warn']) {
      const answer = await server.fetch(MAPS + query, post(body))
      expect(answer.status).toBe(201)
      expect(answer.headers.get('warning')).toBe(
        '299 - "duplicate field \\"metadata\\"", 299 - "unknown field \\"metadata.shape\\"", 299 - "duplicate field \\"data.k\\"", 299 - "unknown field \\"colour\\""',
      )
    }
  })

  it('Strict refuses', async () => {
    expect((await status(`${MAPS}?fieldValidation=Strict`, post(body))).message).toBe(
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "metadata", unknown field "metadata.shape", duplicate field "data.k", unknown field "colour"',
    )
    const nested = deployment('fv')
    ;(nested.spec.template.spec.containers[0] as any).imagePolicy = 'x'
    expect((await status(`${apps}?fieldValidation=Strict`, post(nested))).message).toContain(
      'unknown field "spec.template.spec.containers[0].imagePolicy"',
    )
  })

  it('Ignore says nothing', async () => {
    const answer = await server.fetch(`${MAPS}?dryRun=All&fieldValidation=Ignore`, post(body))
    expect(answer.status).toBe(201)
    expect(answer.headers.get('warning')).toBeNull()
  })

  it('holds for patches', async () => {
    for (const type of ['merge-patch', 'strategic-merge-patch']) {
      const init = (query: string) =>
        [
          `${MAPS}/there?dryRun=All${query}`,
          {
            method: 'PATCH',
            body: '{"colour":1,"data":{"a":"b","a":"c"}}',
            headers: { 'content-type': `application/${type}+json` },
          },
        ] as const
      const answer = await server.fetch(...init(''))
      expect(answer.headers.get('warning')).toBe(
        '299 - "duplicate field \\"data.a\\"", 299 - "unknown field \\"colour\\""',
      )
      const refusal = await status(...init('&fieldValidation=Strict'))
      expect(refusal).toMatchObject({ reason: 'Invalid', code: 422 })
      expect(refusal.message).toContain('strict decoding error: duplicate field "data.a", unknown field "colour"')
    }
  })

  it('tells of any name, and of not too many', async () => {
    const odd = await server.fetch(`${MAPS}?dryRun=All`, post({ ...configMap('odd'), 'ключ\n"\\': 1 }))
    expect(odd.status).toBe(201)
    expect(Buffer.from(odd.headers.get('warning')!, 'latin1').toString()).toBe(
      '299 - "unknown field \\"ключ\\\\n\\\\\\"\\\\\\\\\\""',
    )
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`field-${'x'.repeat(300)}-${i}`, 1]))
    const answer = await server.fetch(`${MAPS}?dryRun=All`, post({ ...configMap('many'), ...many }))
    expect(answer.status).toBe(201)
    expect(answer.headers.get('warning')!.length).toBeLessThan(5000)
  })

  it.each([
    [
      'fieldValidation=Sometimes',
      'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Sometimes": supported values: "", "Ignore", "Strict", "Warn"',
    ],
    [
      'dryRun=Some',
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
    ],
    [
      `fieldManager=${'x'.repeat(129)}`,
      'CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
    ],
  ])('and other options are checked: %.30s', async (query, message) => {
    expect(await status(`${MAPS}?${query}`, post(configMap('x')))).toMatchObject({ reason: 'Invalid', message })
  })

  it('options of lists are checked', async () => {
    expect((await status(`${MAPS}?limit=many`)).message).toBe('strconv.ParseInt: parsing "many": invalid syntax')
    expect((await server.fetch(`${MAPS}?unknown=1&watch=false`)).status).toBe(200)
  })
})

describe('HTTP/2', () => {
  it('answers requests whose bodies nobody reads, one after the other on one connection', async () => {
    const session = http2Connect(server.url, { ca: server.pki.authority.cert, ...server.pki.admin })
    const body = Buffer.alloc(200_000, 'x')
    const refused = () =>
      new Promise<number>((resolve, reject) => {
        const stream = session.request({ ':method': 'PATCH', ':path': `${MAPS}/there/nothing` })
        let code = 0
        stream.on('response', (headers) => (code = headers[':status']!))
        stream.on('close', () => resolve(code))
        stream.on('error', reject)
        stream.resume().end(body)
      })
    try {
      // More than a client keeps for a server that does not take it.
      for (let round = 0; round < 8; round++)
        expect(await Promise.all(Array.from({ length: 15 }, refused))).toEqual(Array(15).fill(404))
    } finally {
      session.destroy()
    }
  })

  it('serves many requests on one connection, as HTTP/1.1 does', async () => {
    const session = http2Connect(server.url, { ca: server.pki.authority.cert, ...server.pki.admin })
    const request = (method: string, path: string, body?: string) =>
      new Promise<{ code: number; text: string; warning: unknown }>((resolve, reject) => {
        const stream = session.request({
          ':method': method,
          ':path': path,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        })
        let text = ''
        let code = 0
        let warning: unknown
        stream.on('response', (headers) => {
          code = headers[':status']!
          warning = headers.warning
        })
        stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        stream.on('end', () => resolve({ code, text, warning }))
        stream.on('error', reject)
        stream.end(body)
      })
    try {
      const names = Array.from({ length: 30 }, (_, i) => `h2-${i}`)
      const made = await Promise.all(
        names.map((name) => request('POST', MAPS, JSON.stringify({ ...configMap(name), colour: 1 }))),
      )
      expect(made.map(({ code }) => code)).toEqual(Array(30).fill(201))
      expect(made[0]!.warning).toBe('299 - "unknown field \\"colour\\""')
      const got = await Promise.all(names.map((name) => request('GET', `${MAPS}/${name}`)))
      expect(got.map(({ text }) => JSON.parse(text).metadata.name)).toEqual(names)
      expect(await request('HEAD', '/apis')).toMatchObject({ code: 200, text: '' })
      expect((await request('GET', '/none')).code).toBe(404)
      expect((await request('POST', MAPS, '{')).code).toBe(400)
      const large = await request(
        'POST',
        MAPS,
        JSON.stringify(configMap('large', { data: { k: 'x'.repeat(10 << 20) } })),
      )
      expect(large.code).toBe(413)
      const watch = session.request({ ':path': `${MAPS}?watch=1&fieldSelector=metadata.name=there` })
      const first = await new Promise<Buffer>((resolve) => watch.once('data', resolve))
      expect(JSON.parse(first.toString())).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'there' } } })
    } finally {
      session.destroy()
    }
  })

  it('survives streams that are reset at any time', async () => {
    const session = http2Connect(server.url, { ca: server.pki.authority.cert, ...server.pki.admin })
    session.on('error', () => {})
    await new Promise((resolve) => session.once('connect', resolve))
    const paths = [`${MAPS}?watch=1`, MAPS, `${MAPS}/there`, '/openapi/v2', '/metrics']
    for (let i = 0; i < 60; i++) {
      const stream = session.request({ ':method': i % 4 ? 'GET' : 'POST', ':path': paths[i % paths.length]! })
      stream.on('error', () => {})
      if (i % 4 === 0) stream.write('{"metadata":')
      if (i % 3 === 0) stream.close(8)
      else stream.once('response', () => stream.close(8))
    }
    await server.client.patch(configMaps, { namespace: 'default', name: 'there' }, { data: { k: 'w' } })
    session.destroy()
    expect((await server.fetch('/livez')).status).toBe(200)
  })
})
