/**
 * A component must not notice whether it talks to the API within the process or over HTTPS: the same program of
 * operations, run on two servers over the two transports, gives the same answers and leaves the same state.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Resource } from '#api/kind.ts'
import { configMaps, deployments, eventsV1, namespaces, pods, services } from '#api/resources.ts'
import { FakeClock } from '#base/fake-clock.ts'
import { seededRandom } from '#base/random.ts'
import type { Client } from '#client/client.ts'
import { StatusError } from '#machinery/status-error.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'
import { recordWatch } from '#testing/watched.ts'

let inProcess: TestServer
let overHttps: TestServer
let count = 0

beforeAll(async () => {
  // Times of watches are drawn where there are watches over HTTP, names and UIDs must not depend on it.
  const random = () => ({ ...seededRandom(7), float: () => 0.5 })
  const start = () => startTestServer({ clock: new FakeClock(Date.UTC(2026, 0, 1)), random: random() })
  ;[inProcess, overHttps] = [await start(), await start()]
})
afterAll(async () => {
  await inProcess.close()
  await overHttps.close()
})

const container = { name: 'c', image: 'i' }
const drafts: Record<string, { resource: Resource<any>; body: object }> = {
  configMap: { resource: configMaps, body: { data: { k: 'v' } } },
  pod: { resource: pods, body: { spec: { containers: [container], nodeName: 'n' } } },
  service: { resource: services, body: { spec: { type: 'NodePort', ports: [{ port: 80 }] } } },
  deployment: {
    resource: deployments,
    body: {
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [container] } },
      },
    },
  },
  event: {
    resource: eventsV1,
    body: {
      regarding: { namespace: 'x' },
      reason: 'R',
      action: 'A',
      type: 'Normal',
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'e.com/c',
      reportingInstance: 'i',
    },
  },
  namespace: { resource: namespaces, body: {} },
  wrong: { resource: configMaps, body: { data: { k: 5 }, binaryData: [] } },
}
const kind = fc.constantFrom(...Object.keys(drafts))
const name = fc.constantFrom('a', 'b', 'Not-A-Name')
const patches = fc.constantFrom<readonly ['merge' | 'strategic' | 'json', unknown]>(
  ['merge', { metadata: { labels: { x: '1' } } }],
  ['merge', { metadata: { finalizers: ['a/b'] } }],
  ['merge', { metadata: { finalizers: null } }],
  ['strategic', { metadata: { annotations: { x: null, y: '1' } } }],
  ['strategic', { spec: { template: { spec: { containers: [{ name: 'c', image: 'j' }] } } } }],
  ['strategic', { spec: { replicas: 'x' } }],
  ['json', [{ op: 'add', path: '/metadata/labels', value: { z: '1' } }]],
  ['json', [{ op: 'test', path: '/metadata/name', value: 'a' }]],
  ['json', 'text'],
)
const options = fc.constantFrom({}, {}, {}, { dryRun: 'All' as const }, { fieldValidation: 'Strict' as const })
const step = fc.oneof(
  fc.record({ do: fc.constant('create' as const), kind, name, options }),
  fc.record({ do: fc.constant('generate' as const), kind }),
  fc.record({ do: fc.constant('get' as const), kind, name }),
  fc.record({
    do: fc.constant('list' as const),
    kind,
    options: fc.constantFrom({}, { limit: 1 }, { labelSelector: 'x' }, { labelSelector: '!!' }),
  }),
  fc.record({
    do: fc.constant('patch' as const),
    kind,
    name,
    patch: patches,
    options,
    subresource: fc.constantFrom(undefined, undefined, 'status', 'scale'),
  }),
  fc.record({ do: fc.constant('update' as const), kind, name, isStale: fc.boolean() }),
  fc.record({
    do: fc.constant('delete' as const),
    kind,
    name,
    body: fc.constantFrom(
      {},
      { gracePeriodSeconds: 0 },
      { propagationPolicy: 'Foreground' },
      { gracePeriodSeconds: 'x' },
    ),
  }),
  fc.record({ do: fc.constant('collect' as const), kind }),
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

async function perform(client: Client, namespace: string, at: Step): Promise<unknown> {
  const { resource, body } = drafts[at.kind]!
  const key =
    'name' in at ? { namespace, name: resource === namespaces ? `${namespace}-${at.name}` : at.name } : undefined!
  const draft = (metadata: object) => ({
    ...structuredClone(body),
    metadata: { namespace: resource.namespaced ? namespace : undefined, ...metadata },
  })
  switch (at.do) {
    case 'create':
      return client.create(resource, draft({ name: key.name }) as never, at.options)
    case 'generate':
      return client.create(resource, draft({ generateName: `${namespace}-` }) as never)
    case 'get':
      return client.get(resource, key)
    case 'list':
      return client.list(resource, { ...(resource.namespaced && { namespace }), ...at.options })
    case 'patch':
      return client.patch(resource, key, at.patch[1], {
        type: at.patch[0],
        ...at.options,
        ...(at.subresource && { subresource: at.subresource }),
      })
    case 'update': {
      const found = (await client.find(resource, key)) ?? draft({ name: key.name })
      const metadata = { ...found.metadata, labels: { u: '1' }, ...(at.isStale && { resourceVersion: '3' }) }
      return client.update(resource, { ...found, metadata } as never)
    }
    case 'delete':
      return client.delete(resource, key, at.body as never)
    case 'collect':
      return resource.namespaced ? client.deleteCollection(resource, { namespace }) : undefined
  }
}

async function outcome(promise: Promise<unknown>): Promise<unknown> {
  try {
    // What is undefined is not there, which JSON can't tell apart.
    return JSON.parse(JSON.stringify((await promise) ?? null))
  } catch (err) {
    if (err instanceof StatusError) return err.toStatus()
    throw err
  }
}

async function run(steps: readonly Step[]) {
  const namespace = `t${++count}`
  await Promise.all([inProcess, overHttps].map((server) => server.createNamespace(namespace)))
  const start = { namespace, resourceVersion: String(inProcess.store.revision) }
  expect(overHttps.store.revision).toBe(inProcess.store.revision)
  using near = recordWatch(inProcess.client, configMaps, start)
  using far = recordWatch(overHttps.httpsClient, configMaps, start)
  for (const at of steps) {
    const [here, there] = await Promise.all([
      outcome(perform(inProcess.client, namespace, at)),
      outcome(perform(overHttps.httpsClient, namespace, at)),
    ])
    expect(there).toEqual(here)
  }
  for (const server of [inProcess, overHttps])
    await server.client.create(configMaps, { metadata: { namespace, name: 'last' } })
  const isLast = ({ events }: typeof near) => (events.at(-1)?.object as any)?.metadata?.name === 'last'
  await Promise.all([near.until(isLast), far.until(isLast)])
  expect(JSON.parse(JSON.stringify(far.events))).toEqual(JSON.parse(JSON.stringify(near.events)))
}

describe('the two transports', () => {
  it('answer alike', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 25, size: 'max' }), run), { numRuns: 25 })
  })
})
