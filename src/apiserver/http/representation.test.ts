/** The same objects in every representation that they can be asked for. */
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { conversionOf } from '#api/conversion.ts'
import { decode } from '#api/decode.ts'
import { fullObject } from '#api/full-object.ts'
import type { KubeObject, Resource } from '#api/kind.ts'
import { PartialObjectMetadata, PartialObjectMetadataList } from '#api/meta/partial.ts'
import { TokenRequest } from '#api/authentication/v1.ts'
import { Scale } from '#api/autoscaling/v1.ts'
import { Binding } from '#api/core/v1/pod.ts'
import { APIGroup, APIGroupList, APIResourceList, APIVersions, DeleteOptions, ListMeta, Status } from '#api/meta/v1.ts'
import { Eviction } from '#api/policy/v1.ts'
import { decodeProtobuf } from '#api/protobuf-decode.ts'
import { encodeProtobuf } from '#api/protobuf-encode.ts'
import { closeEnvelope, openEnvelope, PROTOBUF_TYPE } from '#api/protobuf-envelope.ts'
import { allResources, configMaps, deployments, namespaces, pods } from '#api/resources.ts'
import { f, message, type Message } from '#api/schema.ts'
import { seededRandom } from '#base/random.ts'
import { type FetchInit, startTestServer, type TestServer } from '#testing/test-server.ts'
import { gone } from '#machinery/status-error.ts'
import { kindCodec } from '../registry/codec.ts'
import { watchEncoding } from './watch-encoding.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  for (const resource of stored) await putFull(resource)
  await server.client.create(configMaps, { metadata: { namespace: 'default', name: 'there' }, data: { k: 'v' } })
})
afterAll(() => server.close())

const MAPS = '/api/v1/namespaces/default/configmaps'
const SEED = 7

type Json = Record<string, any>

const listed = allResources.filter(({ verbs, plural }) => verbs.includes('list') && plural !== 'componentstatuses')
const stored = listed.filter((resource) => !conversionOf(resource))

/** Puts an object with a value in every field straight into the store, for no client could write one of every kind. */
async function putFull(resource: Resource) {
  const { type, apiVersion, kind, namespaced } = resource
  const object = decode(type, fullObject(type, seededRandom(SEED)), { withDefaults: false }).object as Json
  const metadata = { ...object.metadata, name: 'full', deletionTimestamp: undefined, finalizers: undefined }
  metadata.namespace = namespaced ? 'full' : undefined
  const codec = kindCodec(apiVersion, kind, type)
  const key = server.apiServer.api.registry(resource).key(metadata.namespace, 'full')
  await server.store.write({
    key,
    expected: 0,
    value: codec.encode({ ...object, apiVersion, kind, metadata } as KubeObject),
  })
}

const pathOf = ({ group, apiVersion, plural, namespaced }: Resource) =>
  `/${group ? 'apis' : 'api'}/${apiVersion}${namespaced ? '/namespaces/full' : ''}/${plural}`

const get = (path: string, accept: string, init: FetchInit = {}) =>
  server.fetch(path, { ...init, headers: { ...init.headers, accept } })
const json = async (path: string, accept = 'application/json') => (await (await get(path, accept)).json()) as Json

/** The object in an answer in protobuf, with the kind that its envelope names. */
async function protobuf(path: string, type: Message, accept = PROTOBUF_TYPE, init: FetchInit = {}): Promise<Json> {
  const answer = await get(path, accept, init)
  expect(answer.headers.get('content-type')).toBe(PROTOBUF_TYPE)
  return opened(Buffer.from(await answer.arrayBuffer()), type)
}

function opened(bytes: Buffer, type: Message): Json {
  const { apiVersion, kind, raw } = openEnvelope(bytes)
  return { apiVersion, kind, ...decodeProtobuf(type, raw) }
}

/** Without what only one of the forms has: empty fields that JSON shows, and the kinds of objects inside others. */
function comparable(type: Message, object: Json): Json {
  const { apiVersion: _version, kind: _kind, ...rest } = decode(type, object).object
  return JSON.parse(JSON.stringify(rest, (key, value) => (key === 'apiVersion' || key === 'kind' ? undefined : value)))
}

const listType = (type: Message) =>
  message('List', 'A list.', { metadata: f.message(ListMeta, 1, ''), items: f.list(type, 2, '') })

describe.each(listed.map((resource) => [`${resource.apiVersion} ${resource.kind}`, resource] as const))(
  '%s',
  (_name, resource) => {
    const { type, apiVersion, kind } = resource
    const path = `${pathOf(resource)}/full`

    it('in protobuf is the same as in JSON', async () => {
      const [inJson, inProtobuf] = [await json(path), await protobuf(path, type)]
      expect(inProtobuf).toMatchObject({ apiVersion, kind, metadata: { name: 'full' } })
      expect(comparable(type, inProtobuf)).toEqual(comparable(type, inJson))
    })

    it('in a list', async () => {
      const [inJson, inProtobuf] = [await json(pathOf(resource)), await protobuf(pathOf(resource), listType(type))]
      expect(inProtobuf).toMatchObject({ apiVersion, kind: `${kind}List`, metadata: inJson.metadata })
      expect(inProtobuf.items.map((item: Json) => comparable(type, item))).toEqual(
        inJson.items.map((item: Json) => comparable(type, item)),
      )
    })

    it('with nothing but its metadata', async () => {
      const accept = `${PROTOBUF_TYPE};as=PartialObjectMetadata;v=v1;g=meta.k8s.io`
      const partial = await protobuf(path, PartialObjectMetadata, accept)
      expect(partial).toMatchObject({ apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata' })
      const { metadata } = await json(path)
      expect(comparable(PartialObjectMetadata, { metadata: partial.metadata })).toEqual(
        comparable(PartialObjectMetadata, { metadata }),
      )
    })

    it('in a watch', async () => {
      const query = `?watch=1&timeoutSeconds=30&fieldSelector=metadata.name=full`
      const frame = await firstFrame(`${pathOf(resource)}${query}`)
      expect(frame.type).toBe('ADDED')
      const event = opened(frame.object, type)
      expect(event).toMatchObject({ apiVersion, kind })
      expect(comparable(type, event)).toEqual(comparable(type, await json(path)))
    })
  },
)

const WatchEvent = message('WatchEvent', 'An event of a watch.', {
  type: f.string(1, ''),
  object: f.message(message('RawExtension', '', { raw: f.bytes(1, '') }), 2, ''),
})

/** Reads frames until `wanted` has them all. */
async function frames(path: string, count: number, accept = `${PROTOBUF_TYPE};stream=watch`) {
  const answer = await get(path, accept)
  expect(answer.headers.get('content-type')).toBe(`${PROTOBUF_TYPE};stream=watch`)
  const reader = answer.body!.getReader()
  let bytes = Buffer.alloc(0)
  const out: { type: string; object: Buffer }[] = []
  while (out.length < count) {
    const { value, done } = await reader.read()
    if (done) break
    bytes = Buffer.concat([bytes, value])
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0)) {
      const end = 4 + bytes.readUInt32BE(0)
      const event = decodeProtobuf(WatchEvent, bytes.subarray(4, end)) as Json
      out.push({ type: event.type, object: Buffer.from(event.object.raw, 'base64') })
      bytes = bytes.subarray(end)
    }
  }
  await reader.cancel()
  return out
}
const firstFrame = async (path: string) => (await frames(path, 1))[0]!

describe('watches in protobuf', () => {
  it('tell what happens, with the revision at which it was deleted, and bookmarks', async () => {
    const from = server.store.revision
    const made = await server.client.create(configMaps, { metadata: { namespace: 'default', name: 'short' } })
    await server.client.patch(configMaps, { namespace: 'default', name: 'short' }, { data: { a: 'b' } })
    await server.client.delete(configMaps, { namespace: 'default', name: 'short' })
    const path = `${MAPS}?watch=1&resourceVersion=${from}&fieldSelector=metadata.name=short`
    const events = (await frames(path, 3)).map(({ type, object }) => ({
      type,
      object: opened(object, configMaps.type),
    }))
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED'])
    expect(events[0]!.object.metadata.resourceVersion).toBe(made.metadata.resourceVersion)
    expect(events[2]!.object).toMatchObject({
      data: { a: 'b' },
      metadata: { resourceVersion: String(server.store.revision) },
    })
    const initial = '&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
    const [added, bookmark] = await frames(`${MAPS}?watch=1&fieldSelector=metadata.name=there${initial}`, 2)
    expect(opened(added!.object, configMaps.type)).toMatchObject({ kind: 'ConfigMap', data: { k: 'v' } })
    expect(bookmark!.type).toBe('BOOKMARK')
    expect(opened(bookmark!.object, configMaps.type)).toMatchObject({
      kind: 'ConfigMap',
      metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } },
    })
  })

  it('carry nothing but metadata where that is asked for, bookmarks too', async () => {
    const accept = `${PROTOBUF_TYPE};as=PartialObjectMetadata;v=v1;g=meta.k8s.io`
    const initial = '&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
    const events = await frames(`${MAPS}?watch=1&fieldSelector=metadata.name=there${initial}`, 2, accept)
    for (const { object } of events) {
      expect(opened(object, PartialObjectMetadata)).toMatchObject({
        apiVersion: 'meta.k8s.io/v1',
        kind: 'PartialObjectMetadata',
        metadata: { resourceVersion: expect.any(String) },
      })
    }
  })

  it('tell of errors as what they are', () => {
    const accepted = { format: 'protobuf', isPretty: false, as: undefined } as const
    const encoding = watchEncoding(accepted, configMaps, undefined as never, new URLSearchParams())
    const bytes = encoding.error(gone('too old').toStatus())
    const event = decodeProtobuf(WatchEvent, bytes.subarray(4)) as Json
    expect(bytes.readUInt32BE(0)).toBe(bytes.length - 4)
    expect(event.type).toBe('ERROR')
    const status = opened(Buffer.from(event.object.raw, 'base64'), Status)
    expect(status).toMatchObject({ apiVersion: 'v1', kind: 'Status', reason: 'Expired', code: 410 })
  })
})

describe('requests and errors in protobuf', () => {
  const send = (method: string, path: string, type: Message, apiVersion: string, kind: string, object: object) =>
    server.fetch(path, {
      method,
      headers: { 'content-type': PROTOBUF_TYPE, accept: PROTOBUF_TYPE },
      body: closeEnvelope(apiVersion, kind, encodeProtobuf(type, object as Json)),
    })
  const typeNamed = (kind: string) => allResources.find((resource) => resource.kind === kind)!.type

  it('errors', async () => {
    const absent = await protobuf(`${MAPS}/absent`, Status)
    expect(absent).toMatchObject({
      kind: 'Status',
      reason: 'NotFound',
      details: { name: 'absent', kind: 'configmaps' },
    })
  })

  it('an object is created, replaced and deleted', async () => {
    const body = { metadata: { name: 'pb' }, data: { k: 'v' } }
    const made = await send('POST', MAPS, configMaps.type, 'v1', 'ConfigMap', body)
    expect(made.status).toBe(201)
    const object = opened(Buffer.from(await made.arrayBuffer()), configMaps.type)
    const put = await send('PUT', `${MAPS}/pb`, configMaps.type, 'v1', 'ConfigMap', { ...object, data: { k: 'w' } })
    expect(opened(Buffer.from(await put.arrayBuffer()), configMaps.type).data).toEqual({ k: 'w' })
    const options = { preconditions: { uid: 'another' } }
    const refused = await send('DELETE', `${MAPS}/pb`, DeleteOptions, 'meta.k8s.io/v1', 'DeleteOptions', options)
    expect(opened(Buffer.from(await refused.arrayBuffer()), Status)).toMatchObject({ reason: 'Conflict' })
    const gone = await send('DELETE', `${MAPS}/pb`, DeleteOptions, 'v1', 'DeleteOptions', {})
    expect(opened(Buffer.from(await gone.arrayBuffer()), Status)).toMatchObject({ status: 'Success' })
  })

  it('a body that does not name its kind is taken for what the path expects', async () => {
    const raw = encodeProtobuf(configMaps.type, { metadata: { name: 'nameless' } })
    const headers = { 'content-type': PROTOBUF_TYPE }
    const made = await server.fetch(MAPS, { method: 'POST', headers, body: closeEnvelope('', '', raw) })
    expect(await made.json()).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'nameless' } })
  })

  it('a patched object is answered in protobuf', async () => {
    const init = {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: '{"data":{"x":"y"}}',
    }
    expect(await protobuf(`${MAPS}/there`, configMaps.type, PROTOBUF_TYPE, init)).toMatchObject({
      data: { k: 'v', x: 'y' },
    })
  })

  it('scales, evictions, bindings, tokens and reviews', async () => {
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    await server.client.create(deployments, {
      metadata: { namespace: 'default', name: 'web' },
      spec: { selector: { matchLabels: { a: 'b' } }, template },
    } as never)
    const path = '/apis/apps/v1/namespaces/default/deployments/web/scale'
    const scale = await protobuf(path, Scale)
    expect(scale).toMatchObject({ apiVersion: 'autoscaling/v1', kind: 'Scale', spec: { replicas: 1 } })
    const scaled = await send('PUT', path, Scale, 'autoscaling/v1', 'Scale', { ...scale, spec: { replicas: 3 } })
    expect(opened(Buffer.from(await scaled.arrayBuffer()), Scale)).toMatchObject({ spec: { replicas: 3 } })

    const podPath = '/api/v1/namespaces/default/pods/p'
    await server.client.create(pods, { metadata: { namespace: 'default', name: 'p' }, spec: template.spec } as never)
    const target = { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } }
    expect((await send('POST', `${podPath}/binding`, Binding, 'v1', 'Binding', target)).status).toBe(201)
    const eviction = { metadata: { name: 'p' } }
    expect((await send('POST', `${podPath}/eviction`, Eviction, 'policy/v1', 'Eviction', eviction)).status).toBe(201)

    const account = '/api/v1/namespaces/default/serviceaccounts/default/token'
    const token = await send('POST', account, TokenRequest, 'authentication.k8s.io/v1', 'TokenRequest', { spec: {} })
    expect(opened(Buffer.from(await token.arrayBuffer()), TokenRequest).status.token).toMatch(/^ey/)

    const review = typeNamed('SelfSubjectAccessReview')
    const asked = { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } }
    const reviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
    const answer = await send('POST', reviews, review, 'authorization.k8s.io/v1', 'SelfSubjectAccessReview', asked)
    expect(opened(Buffer.from(await answer.arrayBuffer()), review).status).toMatchObject({ allowed: true })
  })

  it('discovery', async () => {
    const cases = [
      ['/api', APIVersions, 'APIVersions'],
      ['/apis', APIGroupList, 'APIGroupList'],
      ['/apis/apps', APIGroup, 'APIGroup'],
      ['/apis/apps/v1', APIResourceList, 'APIResourceList'],
      ['/api/v1', APIResourceList, 'APIResourceList'],
    ] as const
    for (const [path, type, kind] of cases) {
      const found = await protobuf(path, type)
      expect(found.kind).toBe(kind)
      expect(comparable(type, found)).toEqual(comparable(type, await json(path)))
    }
    expect(await (await get('/apis/apps', 'application/yaml')).text()).toContain('kind: APIGroup\n')
    expect((await get('/apis/apps', 'text/html')).status).toBe(406)
  })
})

describe('representations', () => {
  it('pretty', async () => {
    const text = await (await server.fetch(`${MAPS}/there?pretty=true`)).text()
    expect(text).toContain('\n  "metadata": {\n')
    expect(JSON.parse(text)).toEqual(await json(`${MAPS}/there`))
    const list = await server.fetch(MAPS, { headers: { 'user-agent': 'curl/8.5' } })
    expect(await list.text()).toContain('\n  "items": [\n')
    expect((await (await server.fetch(`${MAPS}/there?pretty=false`)).text()).split('\n').length).toBeLessThan(3)
  })

  it('in YAML, errors too', async () => {
    expect(await (await get(`${MAPS}/there`, 'application/yaml')).text()).toMatch(/^apiVersion: v1\ndata:\n {2}k: v\n/)
    const absent = await get(`${MAPS}/absent`, 'application/yaml')
    expect(absent.headers.get('content-type')).toBe('application/yaml')
    expect(await absent.text()).toContain('reason: NotFound\n')
  })

  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
  const partial = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io'

  it('as a Table', async () => {
    const list = await json(MAPS, table)
    expect(list).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' })
    expect(list.columnDefinitions.map(({ name }: any) => name)).toEqual(['Name', 'Data', 'Age'])
    expect(list.rows.find((row: any) => row.cells[0] === 'there').object.kind).toBe('PartialObjectMetadata')
    const one = await json(`${MAPS}/there?includeObject=None`, table)
    expect(one.rows).toHaveLength(1)
    expect(one.rows[0].object).toBeNull()
  })

  it('as PartialObjectMetadata', async () => {
    const one = await json(`${MAPS}/there`, partial)
    expect(one).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'there' } })
    expect(one.data).toBeUndefined()
    const list = await json(MAPS, partial.replace('Metadata', 'MetadataList'))
    expect(list.kind).toBe('PartialObjectMetadataList')
    expect(list.items.every((item: any) => item.kind === 'PartialObjectMetadata' && !item.data)).toBe(true)
    const accept = `${PROTOBUF_TYPE};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io`
    const inProtobuf = await protobuf(MAPS, PartialObjectMetadataList, accept)
    expect(inProtobuf.items.map((item: Json) => item.metadata.name)).toEqual(
      list.items.map((item: Json) => item.metadata.name),
    )
  })

  it('not as a Table where there is nothing to list', async () => {
    const review = { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } }
    const ask = (accept: string) =>
      server.fetch('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        method: 'POST',
        headers: { accept },
        body: review,
      })
    expect((await ask(table.split(',')[0]!)).status).toBe(406)
    expect((await ask(table)).status).toBe(201)
  })

  it('not in YAML for a watch', async () => {
    const answer = await get(`${MAPS}?watch=1`, 'application/yaml')
    expect(answer.status).toBe(406)
    expect(await answer.text()).toContain('application/json;stream=watch')
  })

  it.each([
    [table, 'Table'],
    [partial, 'PartialObjectMetadata'],
  ])('of a watch for Accept: %s', async (accept, kind) => {
    const answer = await get(`${MAPS}?watch=1&fieldSelector=metadata.name=there`, accept)
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
    const { value } = await reader.read()
    expect(JSON.parse(value!)).toMatchObject({ type: 'ADDED', object: { kind } })
    await reader.cancel()
  })
})

describe('compression', () => {
  const large = 'x'.repeat(200 << 10)
  const zipped = { 'accept-encoding': 'deflate, gzip' }
  beforeAll(async () => {
    await server.client.create(configMaps, { metadata: { namespace: 'default', name: 'large' }, data: { large } })
  })

  it.each([`${MAPS}/large`, MAPS])('of %s, which is large', async (path) => {
    const [plain, compressed] = [await server.fetch(path), await server.fetch(path, { headers: zipped })]
    expect(compressed.headers.get('content-encoding')).toBe('gzip')
    expect(compressed.headers.get('vary')).toBe('Accept-Encoding')
    const bytes = Buffer.from(await compressed.arrayBuffer())
    const text = await plain.text()
    expect(gunzipSync(bytes).toString()).toBe(text)
    expect(bytes.length).toBeLessThan(text.length / 10)
  })

  it('not of what is small, nor for who does not accept it, nor of watches', async () => {
    const encoding = async (path: string, headers: Record<string, string>) => {
      const answer = await server.fetch(path, { headers })
      await answer.body?.cancel()
      return answer.headers.get('content-encoding')
    }
    expect(await encoding(`${MAPS}/there`, zipped)).toBeNull()
    expect(await encoding(`${MAPS}/large`, { 'accept-encoding': 'br' })).toBeNull()
    expect(await encoding(`${MAPS}/large`, {})).toBeNull()
    expect(await encoding(`${MAPS}?watch=1`, zipped)).toBeNull()
  })
})

it('an empty list is a list', async () => {
  const empty = await protobuf('/apis/apps/v1/namespaces/default/daemonsets', listType(pods.type))
  expect(empty).toMatchObject({ kind: 'DaemonSetList', metadata: { resourceVersion: String(server.store.revision) } })
  expect((await json('/api/v1/namespaces')).items.map((item: Json) => item.metadata.name)).toContain('default')
  expect(namespaces.kind).toBe('Namespace')
})
