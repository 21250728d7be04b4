/**
 * Requests of every wrong kind, a few thousand of them: none may crash the server, be answered by a bug of its own,
 * or stay without an answer. A failure prints its seed; `FUZZ_SEED` replays it, `FUZZ_REQUESTS` says how many.
 */
import { type ClientHttp2Session, connect as http2Connect } from 'node:http2'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  allResources,
  configMaps,
  deployments,
  events,
  eventsV1,
  horizontalPodAutoscalersV1,
  namespaces,
  pods,
  services,
  serviceAccounts,
} from '#api/resources.ts'
import type { Resource } from '#api/kind.ts'
import type { Field, Message } from '#api/schema.ts'
import { encodeProtobuf } from '#api/protobuf-encode.ts'
import { closeEnvelope, PROTOBUF_TYPE } from '#api/protobuf-envelope.ts'
import type { Log } from '#base/log.ts'
import { type Random, seededRandom, systemRandom } from '#base/random.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'

const SEED = Number(process.env.FUZZ_SEED ?? systemRandom.int(2 ** 31))
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 1500)
const AT_ONCE = 20

let server: TestServer
let session: ClientHttp2Session
/** What the server took for bugs of its own. */
const bugs: string[] = []
const log: Log = {
  debug() {},
  info() {},
  warn() {},
  error: (fields, message) => void bugs.push(`${message}: ${String((fields as { err?: Error }).err?.stack)}`),
  child: () => log,
}

beforeAll(async () => {
  server = await startTestServer({ log })
  session = http2Connect(server.url, { ca: server.pki.authority.cert, ...server.pki.admin })
})
afterAll(async () => {
  session.destroy()
  await server.close()
})

/** Kinds that much depends on. */
const common = [pods, services, deployments, namespaces, configMaps, events, eventsV1, horizontalPodAutoscalersV1]
const methods = [
  'GET',
  'GET',
  'POST',
  'POST',
  'POST',
  'PUT',
  'PUT',
  'PATCH',
  'PATCH',
  'PATCH',
  'DELETE',
  'HEAD',
  'OPTIONS',
]

const spec = { containers: [{ name: 'c', image: 'i' }] }
/** What there is to change and to delete, however much of it has been deleted. */
const present: readonly (readonly [Resource<any>, object])[] = [
  [pods, { spec }],
  [services, { spec: { ports: [{ port: 80 }] } }],
  [
    deployments,
    { spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec } } },
  ],
  [namespaces, {}],
  [configMaps, { data: { a: 'b' } }],
  [events, { involvedObject: { kind: 'Pod', namespace: 'default', name: 'a' } }],
  [horizontalPodAutoscalersV1, { spec: { scaleTargetRef: { kind: 'Deployment', name: 'a' }, maxReplicas: 3 } }],
]

async function restore() {
  const drafts = present.flatMap(([resource, body]) =>
    ['a', 'b'].map(
      (name) =>
        [resource, { ...body, metadata: { namespace: resource.namespaced ? 'default' : undefined, name } }] as const,
    ),
  )
  // Without it every pod would be waited for, in case its account is about to be made.
  await server.client
    .create(serviceAccounts, { metadata: { name: 'default', namespace: 'default' } })
    .catch(() => undefined)
  // Most of them are there still.
  await Promise.all(
    drafts.map(([resource, draft]) => server.client.create(resource, draft as never).catch(() => undefined)),
  )
}

class Fuzz {
  readonly random: Random
  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  one<T>(choices: readonly T[]): T {
    return choices[this.random.int(choices.length)]!
  }
  chance(percent: number): boolean {
    return this.random.int(100) < percent
  }

  text(): string {
    return this.one([
      () => '',
      () => 'a',
      () => 'default',
      () => 'A b\n"\\\u0000\u2028ü😀',
      () => '__proto__',
      () => 'constructor',
      () => '../../x',
      () => 'x'.repeat(this.one([64, 254, 5000])),
      () => Buffer.from(this.random.bytes(this.random.int(20))).toString('latin1'),
      () => '$patch',
      () => '-1',
      () => '99999999999999999999',
      () => '2026-13-45T99:99:99Z',
    ])()
  }

  /** Any JSON at all. */
  junk(depth = 0): unknown {
    return this.one<() => unknown>([
      () => null,
      () => true,
      () => this.one([0, -1, 1.5, 1e308, -0, 2 ** 53, 2 ** 31]),
      () => this.text(),
      () => (depth > 3 ? [] : Array.from({ length: this.random.int(4) }, () => this.junk(depth + 1))),
      () =>
        depth > 3
          ? {}
          : Object.fromEntries(Array.from({ length: this.random.int(4) }, () => [this.key(), this.junk(depth + 1)])),
    ])()
  }

  key(): string {
    return this.one([
      'metadata',
      'spec',
      'status',
      'name',
      'labels',
      '$patch',
      '$retainKeys',
      '$setElementOrder/containers',
      '$deleteFromPrimitiveList/finalizers',
      '__proto__',
      'op',
      'path',
      this.text(),
    ])
  }

  /** Percent of values that are wrong; changes from request to request. */
  damage = 0

  /** Nearly an object of the type. */
  like(type: Message, depth = 0): Record<string, unknown> {
    const out: Record<string, unknown> = {}
    for (const [name, field] of Object.entries(type.fields)) {
      if (!field.isRequired && this.chance(depth < 1 ? 30 : depth < 2 ? 60 : 85)) continue
      out[name] = this.chance(this.damage) ? this.junk() : this.value(field, depth)
    }
    if (this.chance(this.damage)) out[this.key()] = this.junk()
    return out
  }

  /** The first of them, unless this value is to be wrong. */
  mostly<T>(...choices: readonly T[]): T {
    return this.chance(this.damage) ? this.one(choices) : choices[0]!
  }

  value(field: Field, depth: number): unknown {
    const one = (): unknown => {
      if (typeof field.type !== 'string') return depth > 6 ? {} : this.like(field.type, depth + 1)
      if (field.allowed && this.chance(80)) return this.one(field.allowed)
      return {
        string: () => this.mostly(this.one(['a', 'b', 'x']), 'x/y', this.text()),
        int32: () => this.mostly(this.one([1, 2, 80]), 0, -1, 2 ** 31, 1.5),
        int64: () => this.mostly(this.one([1, 30]), 0, -1, 2 ** 53),
        double: () => this.mostly(0.5, 0, 1e300),
        bool: () => this.chance(50),
        bytes: () => this.mostly('YQ==', '', 'Y', '%'),
        quantity: () => this.mostly<unknown>(this.one(['1', '100m', '1Gi']), '', '1e99', '-5', 'x', 1.5),
        time: () => this.mostly('2026-01-31T12:00:00Z', this.text()),
        microTime: () => this.mostly('2026-01-31T12:00:00.000000Z', this.text()),
        intOrString: () => this.mostly<unknown>(this.one<unknown>([1, '25%']), 'x', ''),
        object: () => this.junk(),
        json: () => this.junk(),
      }[field.type]()
    }
    const size = this.random.int(3)
    if (field.shape === 'one') return one()
    if (field.shape === 'list') return Array.from({ length: size }, one)
    const member = () => (field.shape === 'map' ? one() : Array.from({ length: this.random.int(3) }, one))
    return Object.fromEntries(Array.from({ length: size }, () => [this.one(['a', 'cpu', this.text()]), member()]))
  }

  path(method: string): { path: string; type: Message; apiVersion: string; kind: string } {
    const resource = this.one(this.chance(50) ? common : allResources)
    const { type, apiVersion, kind } = resource
    const segment = () => encodeURIComponent(this.one(['a', 'b', this.text()]))
    let path = resource.group ? `/apis/${apiVersion}` : `/api/${apiVersion}`
    if (resource.namespaced ? !this.chance(3) : this.chance(2))
      path += `/namespaces/${this.chance(97) ? 'default' : segment()}`
    path += `/${this.chance(98) ? resource.plural : segment()}`
    const isNamed =
      method === 'POST' ? this.chance(10) : method === 'GET' || method === 'DELETE' ? this.chance(60) : true
    if (isNamed) {
      path += `/${this.chance(95) ? this.one(['a', 'b']) : segment()}`
      const subresources = Object.keys(resource.subresources)
      if (this.chance(20)) path += `/${this.chance(90) && subresources.length > 0 ? this.one(subresources) : segment()}`
    }
    if (this.chance(2))
      path = this.one(['/', '/apis', '/api/v1', '/version', '/%', '/readyz/x', '//', '/metrics', '/apis/apps/v1/'])
    if (this.chance(1)) path = path.replace(/[aeiou]/, '%')
    return { path: path + this.query(), type, apiVersion, kind }
  }

  query(): string {
    if (this.chance(75)) return ''
    const names = [
      'labelSelector',
      'fieldSelector',
      'limit',
      'continue',
      'resourceVersion',
      'resourceVersionMatch',
      'dryRun',
      'fieldValidation',
      'fieldManager',
      'pretty',
      'gracePeriodSeconds',
      'propagationPolicy',
      'orphanDependents',
      'includeObject',
      'sendInitialEvents',
      'allowWatchBookmarks',
    ]
    const values = [
      '',
      '0',
      '1',
      '-1',
      'All',
      'Strict',
      'true',
      'a=b',
      'a in (b,c)',
      '!a',
      'metadata.name=a',
      'spec.nodeName!=',
      'Exact',
      'NotOlderThan',
      'e30',
      Buffer.from('{"v":"meta.k8s.io/v1","rv":1,"start":"a"}').toString('base64url'),
      'Foreground',
    ]
    const pairs = Array.from({ length: 1 + this.random.int(3) }, () => {
      const value = this.chance(75) ? this.one(values) : this.text()
      return `${this.one(names)}=${this.chance(95) ? encodeURIComponent(value) : '%zz'}`
    })
    if (this.chance(1)) pairs.push('watch=1', 'timeoutSeconds=1')
    return `?${pairs.join('&')}`
  }

  request(): { method: string; path: string; headers: Record<string, string>; body?: Buffer } {
    this.damage = this.one([0, 0, 1, 3, 10])
    const method = this.one(methods)
    const { path, type, apiVersion, kind } = this.path(method)
    const headers: Record<string, string> = {}
    if (this.chance(10))
      headers.accept = this.one([
        '*/*',
        'application/yaml',
        'application/json;as=Table;v=v1;g=meta.k8s.io',
        'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
        'text/html',
        ';;;,=',
        'application/json;as',
      ])
    if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return { method, path, headers }
    const object: Record<string, unknown> = { ...(this.chance(80) && { apiVersion, kind }), ...this.like(type) }
    if (this.chance(90)) object.metadata = { name: this.one(['a', 'b']) }
    if (method === 'PATCH') {
      const format = this.one(['json', 'json', 'merge', 'merge', 'strategic-merge', 'strategic-merge', 'apply', 'none'])
      headers['content-type'] = format === 'apply' ? 'application/apply-patch+yaml' : `application/${format}-patch+json`
      const operation = () => ({
        op: this.one(['add', 'remove', 'replace', 'move', 'copy', 'test', this.text()]),
        path: this.one(['', '/', '/metadata/labels', '/spec', '/metadata/name', '/spec/x/-', this.text()]),
        from: this.text(),
        value: this.junk(),
      })
      const patch =
        format === 'json' && this.chance(80)
          ? Array.from({ length: this.random.int(4) }, operation)
          : this.chance(60)
            ? object
            : this.junk()
      return { method, path, headers, body: this.damaged(Buffer.from(JSON.stringify(patch))) }
    }
    const value = this.chance(95) ? object : this.junk()
    if (this.chance(15)) {
      headers['content-type'] = PROTOBUF_TYPE
      return { method, path, headers, body: this.damaged(this.protobuf(type, apiVersion, kind, value)) }
    }
    headers['content-type'] = this.chance(80)
      ? 'application/json'
      : this.one(['application/json; charset=utf-8', 'application/yaml', 'text/plain', ''])
    return { method, path, headers, body: this.damaged(Buffer.from(JSON.stringify(value))) }
  }

  protobuf(type: Message, apiVersion: string, kind: string, value: unknown): Buffer {
    try {
      return closeEnvelope(apiVersion, kind, encodeProtobuf(type, value as Record<string, unknown>))
    } catch {
      // Not everything that JSON can say has a place in it.
      return Buffer.concat([Buffer.from('k8s\0'), this.random.bytes(30)])
    }
  }

  damaged(bytes: Buffer): Buffer {
    if (!this.chance(3)) return bytes
    const at = this.random.int(bytes.length + 1)
    return this.one([
      () => bytes.subarray(0, at),
      () => Buffer.concat([bytes.subarray(0, at), this.random.bytes(3), bytes.subarray(at)]),
      () => Buffer.concat([bytes, bytes]),
      () => Buffer.alloc(0),
    ])()
  }
}

function overHttp2({
  method,
  path,
  headers,
  body,
}: ReturnType<Fuzz['request']>): Promise<{ code: number; text: string }> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': method, ':path': path, ...headers }, { endStream: body === undefined })
    let code = 0
    let text = ''
    stream.on('response', (answer) => (code = answer[':status']!))
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    stream.on('error', reject).on('end', () => resolve({ code, text }))
    if (body !== undefined) stream.end(body)
  })
}

async function overHttp1({ path, ...init }: ReturnType<Fuzz['request']>): Promise<{ code: number; text: string }> {
  const answer = await server.fetch(path, init)
  return { code: answer.status, text: await answer.text() }
}

it(`survives ${REQUESTS} strange requests (seed ${SEED})`, async () => {
  const fuzz = new Fuzz(SEED)
  const codes = new Map<number, number>()
  for (let done = 0; done < REQUESTS; done += AT_ONCE) {
    await restore()
    const batch = Array.from({ length: AT_ONCE }, () => fuzz.request())
    await Promise.all(
      batch.map(async (request, i) => {
        const about = `seed ${SEED}, request ${done + i}: ${request.method} ${request.path} ${JSON.stringify(request.headers)} ${request.body?.toString('latin1').slice(0, 2000)}`
        let answer
        try {
          answer = await (i % 2 ? overHttp2(request) : overHttp1(request))
        } catch (err) {
          throw new Error(`no answer to ${about}`, { cause: err })
        }
        const { code, text } = answer
        codes.set(code, (codes.get(code) ?? 0) + 1)
        // Upstream, too, answers some patches with 500 and a text of its own; what it does not do is to fail by a bug.
        expect(bugs, `${about}\n${text}`).toEqual([])
        expect(code, about).toBeGreaterThanOrEqual(200)
        if (code >= 400 && text.startsWith('{'))
          expect(JSON.parse(text), about).toMatchObject({ kind: 'Status', code, message: expect.any(String) })
      }),
    )
    expect(bugs).toEqual([])
  }
  const all = [...codes.keys()]
  expect(all, 'the requests are not all refused for one reason').toEqual(
    expect.arrayContaining([200, 201, 400, 404, 405, 406, 415, 422]),
  )
  expect((await server.fetch('/readyz')).status).toBe(200)
})
