/** Several versions of one custom resource: over one store, with the same fields or converted by a webhook. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { customResourceDefinitions } from '#api/resources.ts'
import type { KubeObject } from '#api/kind.ts'
import { ask, establish, redefine, specSchema, widgetDefinition, widgetsOf } from '#testing/custom-definition.ts'
import { type HttpsTestServer, startHttpsServer } from '#testing/https-server.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'
import { recordWatch } from '#testing/watched.ts'

let server: TestServer
beforeEach(async () => {
  server = await startTestServer()
})
afterEach(() => server.close())

const NAME = 'widgets.example.com'
const at = (version: string, name = '') =>
  `/apis/example.com/${version}/namespaces/default/widgets${name && '/'}${name}`
const widget = (version: string, name: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion: `example.com/${version}`,
  kind: 'Widget',
  metadata: { name, ...metadata },
  spec,
})
const create = (version: string, name: string, spec: object = {}, metadata: object = {}) =>
  ask(server, 'POST', at(version), widget(version, name, spec, metadata))
const specOf = async (version: string, name: string) => (await ask(server, 'GET', at(version, name))).body.spec
const specsOf = async (version: string) =>
  (await ask(server, 'GET', at(version))).body.items.map(({ apiVersion, spec }: any) => [apiVersion, spec])

describe('versions with the same fields', () => {
  const v1 = { name: 'v1', schema: specSchema({ a: { type: 'string' }, one: { type: 'integer', default: 1 } }) }
  const v2 = { name: 'v2', schema: specSchema({ a: { type: 'string' }, two: { type: 'integer', default: 2 } }) }
  beforeEach(() => establish(server, widgetDefinition([v1, v2])))

  it('see of an object what their schemas know, and complete it with the defaults of the stored one', async () => {
    expect((await create('v1', 'x', { a: 'b', one: 5 })).body.spec).toEqual({ a: 'b', one: 5 })
    expect(await specOf('v2', 'x')).toEqual({ a: 'b' })
    // What v1 does not know is not stored.
    await create('v2', 'y', { a: 'c', two: 7 })
    expect(await specsOf('v1')).toEqual([
      ['example.com/v1', { a: 'b', one: 5 }],
      ['example.com/v1', { a: 'c', one: 1 }],
    ])
    expect(await specsOf('v2')).toEqual([
      ['example.com/v2', { a: 'b' }],
      ['example.com/v2', { a: 'c' }],
    ])
  })

  it('are watched together', async () => {
    await create('v1', 'old', { a: 'b' })
    using first = recordWatch(server.httpsClient, widgetsOf('v1'), { namespace: 'default' })
    using second = recordWatch(server.httpsClient, widgetsOf('v2'), { namespace: 'default' })
    for (const watched of [first, second]) await watched.until(({ events }) => events.length === 1)
    await create('v2', 'new', { a: 'b' })
    await ask(server, 'DELETE', at('v1', 'old'))
    for (const [watched, version] of [
      [first, 'v1'],
      [second, 'v2'],
    ] as const) {
      await watched.until(({ events }) => events.length === 3)
      const texts = watched.events.map(
        ({ type, object }) => `${type} ${(object as KubeObject).metadata.name} ${object.apiVersion}`,
      )
      expect(texts).toEqual(['ADDED old', 'ADDED new', 'DELETED old'].map((event) => `${event} example.com/${version}`))
    }
  })

  it('name the fields of their managers even when they are served no more', async () => {
    await create('v1', 'x', { one: 5 })
    const apply = (version: string, manager: string, spec: object, query = '') =>
      ask(server, 'PATCH', `${at(version, 'x')}?fieldManager=${manager}${query}`, widget(version, 'x', spec), {
        'content-type': 'application/apply-patch+yaml',
      })
    expect((await apply('v2', 'second', { a: 'b' })).code).toBe(200)
    await redefine(server, NAME, ({ versions }) => {
      versions[1]!.served = false
    })
    const patched = await ask(server, 'PATCH', at('v1', 'x'), { metadata: { labels: { a: 'b' } } })
    expect(patched.body.metadata.managedFields).toContainEqual(
      expect.objectContaining({
        manager: 'second',
        apiVersion: 'example.com/v2',
        fieldsV1: { 'f:spec': { 'f:a': {} } },
      }),
    )
    const { code, body } = await apply('v1', 'first', { a: 'c' })
    expect([code, body.message]).toEqual([409, 'Apply failed with 1 conflict: conflict with "second": .spec.a'])
    // Who goes on in another version has given up what it does not say again.
    expect((await apply('v1', 'second', { one: 6 }, '&force=true')).body.spec).toEqual({ one: 6 })
  })

  it('are completed by a patch of something else', async () => {
    await create('v1', 'x', { a: 'b', one: 5 })
    await redefine(server, NAME, ({ versions }) => {
      versions[0]!.storage = false
      versions[1]!.storage = true
    })
    expect(await specOf('v2', 'x')).toEqual({ a: 'b' })
    const { body } = await ask(server, 'PATCH', at('v2', 'x'), { metadata: { labels: { a: 'b' } } })
    expect(body.spec).toEqual({ a: 'b', two: 2 })
  })

  it('are remembered as long as objects may be stored in them', async () => {
    await create('v1', 'x', { a: 'b', one: 5 })
    await redefine(server, NAME, ({ versions }) => {
      versions[0]!.storage = false
      versions[1]!.storage = true
    })
    const { status } = await server.client.get(customResourceDefinitions, { name: NAME })
    expect(status.storedVersions).toEqual(['v1', 'v2'])
    // Stored in the old version still, and in the new one once it is written, even without a change.
    expect(await specOf('v1', 'x')).toEqual({ a: 'b', one: 5 })
    expect(await specOf('v2', 'x')).toEqual({ a: 'b' })
    const { body: before } = await ask(server, 'GET', at('v2', 'x'))
    const { body: after } = await ask(server, 'PUT', at('v2', 'x'), before)
    expect(after.metadata.resourceVersion).not.toBe(before.metadata.resourceVersion)
    expect(await specOf('v1', 'x')).toEqual({ a: 'b' })
    expect(await specOf('v2', 'x')).toEqual({ a: 'b', two: 2 })
    const { body: again } = await ask(server, 'PUT', at('v2', 'x'), after)
    expect(again.metadata.resourceVersion).toBe(after.metadata.resourceVersion)
  })
})

describe('versions that a webhook converts', () => {
  type Review = { request: { uid: string; desiredAPIVersion: string; objects: any[] } }
  let webhook: HttpsTestServer
  let reviews: Review['request'][]
  /** What the webhook makes of one object. */
  let convert: (object: any, apiVersion: string) => any
  let respond: (review: Review) => object

  beforeEach(async () => {
    reviews = []
    // v1 has `hostPort`, v2 has `host` and `port`.
    convert = ({ spec, ...object }, apiVersion) => {
      const [host, port] = (spec.hostPort ?? '').split(':')
      const converted = apiVersion.endsWith('/v1') ? { hostPort: `${spec.host}:${spec.port}` } : { host, port }
      return { ...object, apiVersion, spec: converted }
    }
    respond = ({ request: { uid, objects, desiredAPIVersion } }) => ({
      uid,
      result: { status: 'Success' },
      convertedObjects: objects.map((object) => convert(object, desiredAPIVersion)),
    })
    webhook = await startHttpsServer({
      handle(_request, body, response) {
        const review = JSON.parse(body) as Review
        reviews.push(review.request)
        response.writeHead(200, { 'content-type': 'application/json' })
        const said = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'ConversionReview', response: respond(review) }
        response.end(JSON.stringify(said))
      },
    })
    const clientConfig = { url: `https://127.0.0.1:${webhook.port}/convert`, caBundle: webhook.caBundle }
    const conversion = { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions: ['v1', 'v1beta1'] } }
    await establish(server, widgetDefinition([{ name: 'v1' }, { name: 'v2' }], { conversion }))
  })
  afterEach(() => webhook.close())

  it('are asked for as little as possible, and many at once', async () => {
    await create('v1', 'a', { hostPort: 'a:1' })
    expect(await specOf('v1', 'a')).toEqual({ hostPort: 'a:1' })
    expect(reviews).toEqual([])
    await create('v1', 'b', { hostPort: 'b:2' })
    expect(await specsOf('v2')).toEqual([
      ['example.com/v2', { host: 'a', port: '1' }],
      ['example.com/v2', { host: 'b', port: '2' }],
    ])
    expect(await specOf('v2', 'a')).toEqual({ host: 'a', port: '1' })
    expect(reviews).toMatchObject([
      { uid: expect.any(String), desiredAPIVersion: 'example.com/v2', objects: [{ metadata: { name: 'a' } }, {}] },
    ])
  })

  it('are stored in one version, whichever is written', async () => {
    const { body } = await create('v2', 'a', { host: 'a', port: '1' })
    expect(body).toMatchObject({ apiVersion: 'example.com/v2', spec: { host: 'a', port: '1' } })
    reviews.length = 0
    expect(await specOf('v1', 'a')).toEqual({ hostPort: 'a:1' })
    expect(reviews).toEqual([])
    const patched = await ask(server, 'PATCH', at('v2', 'a'), { spec: { port: '2' } })
    expect(patched.body).toMatchObject({ spec: { host: 'a', port: '2' }, metadata: { generation: 2 } })
    expect(await specOf('v1', 'a')).toEqual({ hostPort: 'a:2' })
  })

  it('are watched in the order of what happened', async () => {
    await create('v1', 'a', { hostPort: 'a:1' })
    using watched = recordWatch(server.httpsClient, widgetsOf('v2'), { namespace: 'default' })
    await watched.until(({ events }) => events.length === 1)
    await create('v1', 'b', { hostPort: 'b:2' })
    await create('v2', 'c', { host: 'c', port: '3' })
    await ask(server, 'DELETE', at('v1', 'a'))
    await watched.until(({ events }) => events.length === 4)
    expect(watched.events.map(({ type, object }) => [type, (object as any).spec.host])).toEqual([
      ['ADDED', 'a'],
      ['ADDED', 'b'],
      ['ADDED', 'c'],
      ['DELETED', 'a'],
    ])
  })

  it('keep their metadata, but for labels and annotations', async () => {
    const plain = convert
    convert = (object, apiVersion) => ({
      ...plain(object, apiVersion),
      metadata: { ...object.metadata, labels: { from: 'webhook' }, generation: 77, finalizers: ['example.com/x'] },
    })
    await create('v1', 'a', { hostPort: 'a:1' }, { labels: { from: 'user' }, annotations: { a: 'b' } })
    const { metadata } = (await ask(server, 'GET', at('v2', 'a'))).body
    expect(metadata).toMatchObject({ generation: 1, labels: { from: 'webhook' }, annotations: { a: 'b' } })
    expect(metadata.finalizers).toBeUndefined()
  })

  const about = 'conversion webhook for example.com/v1, Kind=Widget'
  it.each([
    [
      'another name',
      (o: any) => ({ ...o, metadata: { ...o.metadata, name: 'b' } }),
      'object: must have the same name: a != b',
    ],
    ['no metadata', ({ metadata: _metadata, ...o }: any) => o, 'object: must have the same name: a != '],
    ['another kind', (o: any) => ({ ...o, kind: 'Other' }), 'object: invalid kind (expected Widget, received Other)'],
    [
      'the version that it had',
      (o: any) => ({ ...o, apiVersion: 'example.com/v1' }),
      'object: invalid groupVersion (expected example.com/v2, received example.com/v1)',
    ],
    [
      'labels that are none',
      (o: any) => ({ ...o, metadata: { ...o.metadata, labels: { 'a b': 'c' } } }),
      'metadata: metadata.labels: Invalid value: "a b": name part must consist of',
    ],
  ])('may not come back with %s', async (_what, spoil, why) => {
    const plain = convert
    convert = (object, apiVersion) => spoil(plain(object, apiVersion))
    await create('v1', 'a', { hostPort: 'a:1' })
    const { code, body } = await ask(server, 'GET', at('v2', 'a'))
    expect(code).toBe(500)
    expect(body.message).toContain(`${about} returned invalid ${why}`)
  })

  it.each([
    ['refuses', { result: { status: 'Failure', message: 'I do not want to' } }, 'failed: I do not want to'],
    ['says nothing', { result: {} }, "failed: response.result.status was '', not 'Success'"],
    ['answers something else', { uid: 'other' }, 'failed: expected response.uid='],
    ['loses objects', { convertedObjects: [] }, 'returned 0 objects, expected 1'],
  ])('fail where the webhook %s', async (_what, said, why) => {
    const plain = respond
    respond = (review) => ({ ...plain(review), ...said })
    await create('v1', 'a', { hostPort: 'a:1' })
    const { code, body } = await ask(server, 'GET', at('v2'))
    expect(code).toBe(500)
    expect(body.message).toContain(`${about} ${why}`)
    expect((await ask(server, 'GET', at('v1'))).code).toBe(200)
  })

  it('come back once the webhook does', async () => {
    await create('v1', 'a', { hostPort: 'a:1' })
    const { port } = webhook
    await redefine(server, NAME, ({ conversion }) => {
      conversion!.webhook!.clientConfig!.url = 'https://127.0.0.1:1/convert'
    })
    const { code, body } = await ask(server, 'GET', at('v2', 'a'))
    expect([code, body.message]).toEqual([
      500,
      `${about} failed: Post "https://127.0.0.1:1/convert?timeout=30s": dial tcp 127.0.0.1:1: connect: connection refused`,
    ])
    await redefine(server, NAME, ({ conversion }) => {
      conversion!.webhook!.clientConfig!.url = `https://127.0.0.1:${port}/convert`
    })
    expect(await specOf('v2', 'a')).toEqual({ host: 'a', port: '1' })
  })
})
