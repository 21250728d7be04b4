/** Requests that were once answered by a bug, or by far more than they were worth; found by `fuzz.test.ts`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Log } from '#base/log.ts'
import { ask } from '#testing/custom-definition.ts'
import { wideRequests } from '#testing/fuzz/wide-bodies.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'

let server: TestServer
const bugs: unknown[] = []
const log: Log = {
  debug() {},
  info() {},
  warn() {},
  error: (...what) => void bugs.push(what),
  child: () => log,
}

beforeAll(async () => {
  server = await startTestServer({ log })
})
afterAll(() => server.close())

const inDefault = (plural: string) => `/api/v1/namespaces/default/${plural}`
const yaml = { 'content-type': 'application/yaml' }
const apply = { 'content-type': 'application/apply-patch+yaml' }

it('tells of what stands twice in YAML before what nobody knows', async () => {
  const text = 'metadata: {name: twice}\ncolour: red\ndata: {a: b}\ndata: {c: d}\n'
  const { code, warnings } = await ask(server, 'POST', inDefault('configmaps'), text, yaml)
  expect([code, warnings]).toEqual([201, ['line 4: key "data" already set in map', 'unknown field "colour"']])
})

describe('names that every object has are names like others', () => {
  it('of resources that are limited', async () => {
    const limits =
      '[{"type":"Container","max":{"__proto__":"1"},"min":{"a/b":"1"},"maxLimitRequestRatio":{"constructor":"2"}}]'
    const text = `{"metadata":{"name":"a"},"spec":{"limits":${limits}}}`
    const json = { 'content-type': 'application/json' }
    expect((await ask(server, 'POST', inDefault('limitranges'), text, json)).code).toBe(422)
  })

  it('of types of patches', async () => {
    const policy = { metadata: { name: 'a' }, spec: { mutations: [{ patchType: 'constructor' }] } }
    const path = '/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies'
    const { code, body } = await ask(server, 'POST', path, policy)
    expect(code).toBe(422)
    expect(body.message).toContain('Unsupported value: "constructor"')
  })

  it.each([
    ['secrets', { type: 'constructor', data: { a: 'YQ==' } }, 201],
    ['resourcequotas', { spec: { scopes: ['constructor'] } }, 422],
    ['services', { spec: { ipFamilies: ['constructor'], ports: [{ port: 80 }] } }, 422],
  ])('of what %s choose from', async (plural, draft, expected) => {
    const { code } = await ask(server, 'POST', inDefault(plural), { metadata: { name: 'own' }, ...draft })
    expect(code).toBe(expected)
  })
})

it('tells the state of its parts in protobuf too', async () => {
  const accept = 'application/vnd.kubernetes.protobuf'
  const response = await server.fetch('/api/v1/componentstatuses', { headers: { accept } })
  expect(response.status).toBe(200)
  const bytes = Buffer.from(await response.arrayBuffer())
  expect([bytes.toString('latin1', 0, 3), bytes.includes('scheduler')]).toEqual(['k8s', true])
})

it.each(['proxy', 'status', 'log'])('finds no %s of a pod without a name', async (subresource) => {
  for (const method of ['GET', 'PUT', 'POST', 'DELETE'])
    expect((await ask(server, method, `${inDefault('pods')}//${subresource}`)).code).toBe(404)
})

it('refuses to apply an event whose time is none', async () => {
  // Somebody else manages fields of the other form, so that what is applied has to be converted.
  const involvedObject = { kind: 'Pod', namespace: 'default', name: 'a' }
  await ask(server, 'POST', inDefault('events'), { metadata: { name: 'a' }, involvedObject })
  const path = '/apis/events.k8s.io/v1/namespaces/default/events/a?fieldManager=m'
  const event = 'apiVersion: events.k8s.io/v1\nkind: Event\nmetadata: {name: a}\neventTime: yesterday\n'
  const { code, body } = await ask(server, 'PATCH', path, event, apply)
  expect(code).toBe(500)
  expect(body.message).toContain('parsing time "yesterday"')
})

it('takes a list of ten thousand elements for what it is', async () => {
  const containers = Array.from({ length: 10_000 }, (_, i) => ({ name: `c${i}`, image: 'i' }))
  const path = `${inDefault('pods')}/large?fieldManager=m`
  const pod = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'large' }, spec: { containers } })
  expect((await ask(server, 'PATCH', path, pod, apply)).code).toBe(201)
})

const COUNT = 200_000
it.each([
  ['finalizers', 'configmaps', `{"metadata":{"name":"a","finalizers":[${'"x",'.repeat(COUNT)}"x"]}}`],
  ['owners', 'configmaps', `{"metadata":{"name":"a","ownerReferences":[${'{},'.repeat(COUNT)}{}]}}`],
  ['ports', 'services', `{"metadata":{"name":"a"},"spec":{"ports":[${'{},'.repeat(COUNT)}{}]}}`],
])('tells of a thousand mistakes at most: %s', async (_what, plural, text) => {
  const { code, body } = await ask(server, 'POST', inDefault(plural), text, { 'content-type': 'application/json' })
  expect([code, body.details.causes.length]).toEqual([422, 1000])
})

// Whatever compares each element with each other one takes minutes for these.
it.each(wideRequests(200_000).map((request) => [request.what, request] as const))(
  'answers very many elements: %s',
  async (_what, { method, path, contentType, body }) => {
    const { code } = await ask(server, method, path, body(), { 'content-type': contentType })
    expect([200, 201, 400, 413, 422]).toContain(code)
  },
  30_000,
)

it('has failed by no bug', () => expect(bugs).toEqual([]))
