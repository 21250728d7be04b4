/**
 * A program that speaks protobuf as client-go's typed clients and controller-runtime do: bodies in protobuf, JSON as what it
 * takes besides. Its messages are written here from upstream's `generated.proto` and encoded by another library, so that an
 * error in our own tables cannot cancel itself out.
 */
import protobuf from 'protobufjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { establish, specSchema, widgetDefinition } from './custom-definition.ts'
import { type FetchInit, startTestServer, type TestServer } from './test-server.ts'

const definitions = `
  syntax = "proto2";
  message TypeMeta { optional string apiVersion = 1; optional string kind = 2; }
  message Unknown { optional TypeMeta typeMeta = 1; optional bytes raw = 2; }
  message RawExtension { optional bytes raw = 1; }
  message WatchEvent { optional string type = 1; optional RawExtension object = 2; }
  message Time { optional int64 seconds = 1; optional int32 nanos = 2; }
  message OwnerReference {
    optional string kind = 1; optional string name = 3; optional string uid = 4; optional string apiVersion = 5;
    optional bool controller = 6; optional bool blockOwnerDeletion = 7;
  }
  message ObjectMeta {
    optional string name = 1; optional string generateName = 2; optional string namespace = 3; optional string uid = 5;
    optional string resourceVersion = 6; optional int64 generation = 7; optional Time creationTimestamp = 8;
    optional Time deletionTimestamp = 9; optional int64 deletionGracePeriodSeconds = 10; map<string, string> labels = 11;
    map<string, string> annotations = 12; repeated OwnerReference ownerReferences = 13; repeated string finalizers = 14;
  }
  message ListMeta { optional string resourceVersion = 2; optional string continue = 3; optional int64 remainingItemCount = 4; }
  message StatusCause { optional string reason = 1; optional string message = 2; optional string field = 3; }
  message StatusDetails {
    optional string name = 1; optional string group = 2; optional string kind = 3; repeated StatusCause causes = 4;
  }
  message Status {
    optional string status = 2; optional string message = 3; optional string reason = 4; optional StatusDetails details = 5;
    optional int32 code = 6;
  }
  message Preconditions { optional string uid = 1; optional string resourceVersion = 2; }
  message DeleteOptions { optional int64 gracePeriodSeconds = 1; optional Preconditions preconditions = 2; }

  message ConfigMap {
    optional ObjectMeta metadata = 1; map<string, string> data = 2; map<string, bytes> binaryData = 3;
    optional bool immutable = 4;
  }
  message ConfigMapList { optional ListMeta metadata = 1; repeated ConfigMap items = 2; }
  message PartialObjectMetadata { optional ObjectMeta metadata = 1; }
  message PartialObjectMetadataList { optional ListMeta metadata = 1; repeated PartialObjectMetadata items = 2; }

  message Quantity { optional string string = 1; }
  message ResourceRequirements { map<string, Quantity> limits = 1; map<string, Quantity> requests = 2; }
  message IntOrString { optional int64 type = 1; optional int32 intVal = 2; optional string strVal = 3; }
  message HTTPGetAction { optional string path = 1; optional IntOrString port = 2; optional string scheme = 4; }
  message ProbeHandler { optional HTTPGetAction httpGet = 2; }
  message Probe { optional ProbeHandler handler = 1; optional int32 periodSeconds = 4; }
  message Container {
    optional string name = 1; optional string image = 2; repeated string command = 3;
    optional ResourceRequirements resources = 8; optional Probe readinessProbe = 11; optional string imagePullPolicy = 14;
  }
  message PodSpec {
    repeated Container containers = 2; optional string restartPolicy = 3; optional int64 terminationGracePeriodSeconds = 4;
    optional string nodeName = 10;
  }
  message PodCondition {
    optional string type = 1; optional string status = 2; optional Time lastTransitionTime = 4; optional string reason = 5;
  }
  message PodStatus { optional string phase = 1; repeated PodCondition conditions = 2; optional string qosClass = 9; }
  message Pod { optional ObjectMeta metadata = 1; optional PodSpec spec = 2; optional PodStatus status = 3; }

  message LeaseSpec {
    optional string holderIdentity = 1; optional int32 leaseDurationSeconds = 2; optional Time acquireTime = 3;
    optional Time renewTime = 4; optional int32 leaseTransitions = 5;
  }
  message Lease { optional ObjectMeta metadata = 1; optional LeaseSpec spec = 2; }
`
const { root } = protobuf.parse(definitions, { keepCase: true })
const MAGIC = Buffer.from('k8s\0')
const PROTOBUF = 'application/vnd.kubernetes.protobuf'
const ACCEPT = `${PROTOBUF},application/json`

type Json = any

/** Fields that were not sent are not there; numbers and bytes as JSON has them. */
const read = (type: string, bytes: Uint8Array): Json => {
  const message = root.lookupType(type)
  return message.toObject(message.decode(bytes), { longs: Number, bytes: String })
}

function envelope(apiVersion: string, kind: string, object: Json): Uint8Array {
  const message = root.lookupType(kind)
  const raw = message.encode(message.fromObject(object)).finish()
  const unknown = root.lookupType('Unknown').create({ typeMeta: { apiVersion, kind }, raw })
  return Buffer.concat([MAGIC, root.lookupType('Unknown').encode(unknown).finish()])
}

/** The kind that the envelope names, and the object. */
function opened(bytes: Buffer): { kind: string; apiVersion: string; object: Json } {
  expect(bytes.subarray(0, 4)).toEqual(MAGIC)
  const unknown = root.lookupType('Unknown').decode(bytes.subarray(4)) as Json
  const { apiVersion, kind } = unknown.typeMeta
  return { apiVersion, kind, object: read(kind, unknown.raw) }
}

describe('a client that speaks protobuf', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
  })
  afterAll(() => server.close())

  /** What was answered. Asserts that it is protobuf, whatever the status. */
  async function ask(method: string, path: string, body?: Uint8Array, more: FetchInit['headers'] = {}) {
    const headers = { accept: ACCEPT, ...(body && { 'content-type': PROTOBUF }), ...more }
    const answer = await server.fetch(path, { method, headers, ...(body && { body }) })
    expect(answer.headers.get('content-type')).toBe(PROTOBUF)
    return { status: answer.status, ...opened(Buffer.from(await answer.arrayBuffer())) }
  }

  async function namespace(name: string): Promise<string> {
    await server.createNamespace(name)
    return `/api/v1/namespaces/${name}`
  }

  const map = (name: string, data: Json = {}, meta: Json = {}) =>
    envelope('v1', 'ConfigMap', { metadata: { name, ...meta }, data })

  /** The events of a watch, one at a time. */
  async function* watch(path: string): AsyncGenerator<{ type: string; kind: string; object: Json }, void> {
    const abort = new AbortController()
    const accept = `${PROTOBUF};stream=watch,${ACCEPT}`
    const answer = await server.fetch(path, { headers: { accept }, signal: abort.signal })
    expect(answer.headers.get('content-type')).toBe(`${PROTOBUF};stream=watch`)
    let bytes = Buffer.alloc(0)
    try {
      for await (const chunk of answer.body!) {
        bytes = Buffer.concat([bytes, chunk as Uint8Array])
        while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0)) {
          const end = 4 + bytes.readUInt32BE(0)
          const event = root.lookupType('WatchEvent').decode(bytes.subarray(4, end)) as Json
          bytes = bytes.subarray(end)
          yield { type: event.type, ...opened(Buffer.from(event.object.raw)) }
        }
      }
    } finally {
      abort.abort()
    }
  }

  const next = async <T>(events: AsyncGenerator<T, void>): Promise<T> => {
    const { value, done } = await events.next()
    if (done) throw new Error('the watch is over')
    return value as T
  }

  it('creates, reads and deletes what it wrote, and the same is there in JSON', async () => {
    const at = await namespace('pods')
    const container = {
      name: 'c',
      image: 'i',
      command: ['sleep', '1'],
      resources: { requests: { cpu: { string: '250m' }, memory: { string: '64Mi' } } },
      readinessProbe: { handler: { httpGet: { path: '/', port: { type: 1, strVal: 'web' } } }, periodSeconds: 7 },
    }
    const sent = { metadata: { generateName: 'p-', labels: { app: 'web' } }, spec: { containers: [container] } }
    const created = await ask('POST', `${at}/pods`, envelope('v1', 'Pod', sent))
    expect(created).toMatchObject({ status: 201, apiVersion: 'v1', kind: 'Pod' })
    const { metadata } = created.object
    expect(created.object).toMatchObject({
      metadata: { generateName: 'p-', namespace: 'pods', labels: { app: 'web' }, generation: 1 },
      spec: { containers: [{ ...container, imagePullPolicy: 'Always' }], restartPolicy: 'Always' },
      status: { phase: 'Pending', qosClass: 'Burstable' },
    })
    expect(metadata.creationTimestamp.seconds).toBeGreaterThan(1_700_000_000)

    const path = `${at}/pods/${metadata.name}`
    expect((await ask('GET', path)).object).toEqual(created.object)
    const inJson = (await (await server.fetch(path)).json()) as Json
    expect(inJson.spec.containers[0]).toMatchObject({
      resources: { requests: { cpu: '250m', memory: '64Mi' } },
      readinessProbe: { httpGet: { path: '/', port: 'web', scheme: 'HTTP' }, periodSeconds: 7 },
    })

    const other = envelope('v1', 'DeleteOptions', { preconditions: { uid: 'another' } })
    expect(await ask('DELETE', path, other)).toMatchObject({ status: 409, object: { reason: 'Conflict' } })
    const now = envelope('v1', 'DeleteOptions', { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } })
    expect(await ask('DELETE', path, now)).toMatchObject({ status: 200 })
    expect(await ask('GET', path)).toMatchObject({
      status: 404,
      apiVersion: 'v1',
      kind: 'Status',
      object: {
        status: 'Failure',
        reason: 'NotFound',
        message: `pods "${metadata.name}" not found`,
        details: { name: metadata.name, kind: 'pods' },
        code: 404,
      },
    })
  })

  it('keeps a cache by listing from any revision and watching from there', async () => {
    const at = await namespace('cached')
    await ask('POST', `${at}/configmaps`, map('a', { k: '1' }))
    const list = await ask('GET', `${at}/configmaps?resourceVersion=0&limit=500`)
    expect(list).toMatchObject({ status: 200, apiVersion: 'v1', kind: 'ConfigMapList' })
    expect(list.object.items.map((item: Json) => item.metadata.name)).toEqual(['a'])

    const from = list.object.metadata.resourceVersion
    const events = watch(
      `${at}/configmaps?allowWatchBookmarks=true&resourceVersion=${from}&timeoutSeconds=300&watch=true`,
    )
    const first = next(events)
    const { object } = await ask('POST', `${at}/configmaps`, map('b', { k: '2' }))
    expect(await first).toEqual({ type: 'ADDED', apiVersion: 'v1', kind: 'ConfigMap', object })
    const changed = envelope('v1', 'ConfigMap', { ...object, data: { k: '3' } })
    const { object: after } = await ask('PUT', `${at}/configmaps/b`, changed)
    expect(await next(events)).toEqual({ type: 'MODIFIED', apiVersion: 'v1', kind: 'ConfigMap', object: after })
    await ask('DELETE', `${at}/configmaps/b`)
    expect(await next(events)).toMatchObject({ type: 'DELETED', object: { metadata: { name: 'b' }, data: { k: '3' } } })
    await events.return()
  })

  it('takes its first list out of the watch, up to the bookmark that ends it', async () => {
    const at = await namespace('streamed')
    for (const name of ['a', 'b']) await ask('POST', `${at}/configmaps`, map(name))
    const events = watch(
      `${at}/configmaps?allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&sendInitialEvents=true&watch=true`,
    )
    for (const name of ['a', 'b'])
      expect(await next(events)).toMatchObject({ type: 'ADDED', kind: 'ConfigMap', object: { metadata: { name } } })
    const bookmark = await next(events)
    expect(bookmark).toMatchObject({
      type: 'BOOKMARK',
      kind: 'ConfigMap',
      object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    })
    const live = next(events)
    const { object } = await ask('POST', `${at}/configmaps`, map('c'))
    expect(await live).toMatchObject({ type: 'ADDED', object })
    expect(Number(object.metadata.resourceVersion)).toBeGreaterThan(Number(bookmark.object.metadata.resourceVersion))
    await events.return()
  })

  it('is told of conflicts and of what is invalid', async () => {
    const at = await namespace('conflicts')
    const { object: old } = await ask('POST', `${at}/configmaps`, map('a', { k: '1' }))
    const write = (k: string) => ask('PUT', `${at}/configmaps/a`, envelope('v1', 'ConfigMap', { ...old, data: { k } }))
    expect(await write('2')).toMatchObject({ status: 200, object: { data: { k: '2' } } })
    expect(await write('3')).toMatchObject({
      status: 409,
      kind: 'Status',
      object: {
        reason: 'Conflict',
        message:
          'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
        details: { name: 'a', kind: 'configmaps' },
      },
    })
    expect(await ask('POST', `${at}/configmaps`, map('a'))).toMatchObject({
      status: 409,
      object: { reason: 'AlreadyExists' },
    })
    expect(await ask('POST', `${at}/configmaps`, map('b', { 'no key': '' }))).toMatchObject({
      status: 422,
      object: { reason: 'Invalid', details: { causes: [{ reason: 'FieldValueInvalid', field: 'data[no key]' }] } },
    })
  })

  it('writes a status whole and by patch, and nothing but the status', async () => {
    const at = await namespace('statuses')
    const spec = { containers: [{ name: 'c', image: 'i' }] }
    const { object: pod } = await ask('POST', `${at}/pods`, envelope('v1', 'Pod', { metadata: { name: 'p' }, spec }))
    const ready = { type: 'Ready', status: 'True', lastTransitionTime: { seconds: 1_700_000_000 } }
    const status = { phase: 'Running', conditions: [ready], qosClass: 'BestEffort' }
    const image = { ...pod.spec, containers: [{ name: 'c', image: 'other' }] }
    const whole = envelope('v1', 'Pod', { ...pod, spec: image, status })
    const updated = await ask('PUT', `${at}/pods/p/status`, whole)
    expect(updated.object).toMatchObject({ status, spec: { containers: [{ image: 'i' }] } })

    const patch = { status: { conditions: [{ type: 'Ready', status: 'False', reason: 'Gone' }] } }
    const patched = await ask('PATCH', `${at}/pods/p/status`, Buffer.from(JSON.stringify(patch)), {
      'content-type': 'application/strategic-merge-patch+json',
    })
    expect(patched.object.status.conditions).toMatchObject([
      { type: 'Ready', status: 'False', reason: 'Gone', lastTransitionTime: ready.lastTransitionTime },
    ])
    // A patch that insists on a version, as controller-runtime's `MergeFromWithOptimisticLock` sends it.
    const { uid, resourceVersion } = pod.metadata
    const locked = { metadata: { uid, resourceVersion, labels: { a: 'b' } } }
    const late = await ask('PATCH', `${at}/pods/p`, Buffer.from(JSON.stringify(locked)), {
      'content-type': 'application/merge-patch+json',
    })
    expect(late).toMatchObject({ status: 409, object: { reason: 'Conflict' } })
  })

  it('holds a lease by microseconds', async () => {
    const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases'
    const time = { seconds: 1_700_000_000, nanos: 123_456_000 }
    const spec = { holderIdentity: 'one', leaseDurationSeconds: 15, acquireTime: time, renewTime: time }
    const lease = (object: Json) => envelope('coordination.k8s.io/v1', 'Lease', object)
    const { object } = await ask('POST', path, lease({ metadata: { name: 'leader' }, spec }))
    expect(object.spec).toMatchObject({ ...spec })
    expect(((await (await server.fetch(`${path}/leader`)).json()) as Json).spec.renewTime).toBe(
      '2023-11-14T22:13:20.123456Z',
    )
    const renewed = { ...object, spec: { ...spec, renewTime: { seconds: 1_700_000_010, nanos: 0 } } }
    expect(await ask('PUT', `${path}/leader`, lease(renewed))).toMatchObject({ status: 200 })
    const usurped = { ...object, spec: { ...spec, holderIdentity: 'two' } }
    expect(await ask('PUT', `${path}/leader`, lease(usurped))).toMatchObject({ status: 409 })
  })

  it('watches metadata alone', async () => {
    const at = await namespace('partial')
    await ask('POST', `${at}/configmaps`, map('a', { big: 'value' }, { labels: { l: 'v' } }))
    const as = (kind: string) => `;as=${kind};g=meta.k8s.io;v=v1`
    const accept = `${PROTOBUF}${as('PartialObjectMetadataList')},application/json${as('PartialObjectMetadataList')},application/json`
    const list = await ask('GET', `${at}/configmaps`, undefined, { accept })
    expect(list).toMatchObject({ apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadataList' })
    expect(list.object.items).toMatchObject([{ metadata: { name: 'a', labels: { l: 'v' } } }])
    expect(list.object.items[0]).not.toHaveProperty('data')
  })

  it('gets JSON of custom resources, which have no protobuf, and may not send any', async () => {
    const definition = widgetDefinition([{ schema: specSchema({ size: { type: 'integer', maximum: 9 } }) }])
    await establish(server, definition)
    const path = '/apis/example.com/v1/namespaces/default/widgets'
    const widget = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' }, spec: { size: 3 } }
    const headers = { accept: ACCEPT }
    const created = await server.fetch(path, { method: 'POST', headers, body: widget })
    expect(created.status).toBe(201)
    expect(created.headers.get('content-type')).toBe('application/json')
    expect(await created.json()).toMatchObject(widget)
    const sent = await server.fetch(path, {
      method: 'POST',
      headers: { ...headers, 'content-type': PROTOBUF },
      body: map('w2'),
    })
    expect(sent.status).toBe(400)
  })
})
