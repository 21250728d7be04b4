/**
 * Lists over HTTP are made of what earlier lists have left in memory: joined bytes, and what selections held. Whatever
 * was written in between, they must show what a model of the objects says, whole or in pages.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configMaps } from '#api/resources.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'

let server: TestServer
let count = 0
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

/** A few of these make a piece of a large answer. */
const LARGE = 'x'.repeat(200_000)
const names = Array.from({ length: 8 }, (_, i) => `m${i}`)

const selectors: readonly { query: string; selects: (name: string, x: string) => boolean }[] = [
  { query: '', selects: () => true },
  { query: 'labelSelector=x%3D1', selects: (_, x) => x === '1' },
  { query: 'labelSelector=x!%3D1', selects: (_, x) => x !== '1' },
  { query: 'labelSelector=x+in+(1,2)', selects: (_, x) => x !== '3' },
  { query: 'fieldSelector=metadata.name!%3Dm3', selects: (name) => name !== 'm3' },
  { query: 'fieldSelector=metadata.name%3Dm3', selects: (name) => name === 'm3' },
]

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      name: fc.constantFrom(...names),
      x: fc.constantFrom('1', '2', '3'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), name: fc.constantFrom(...names) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('list' as const),
      selector: fc.constantFrom(...selectors),
      limit: fc.constantFrom(0, 0, 1, 3),
      elsewhere: fc.boolean(),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

interface ListText {
  metadata: { continue?: string }
  items: { metadata: { name: string; namespace: string; resourceVersion: string; labels: { x: string } } }[]
}

async function listed(path: string, query: string, limit: number) {
  const found: ListText['items'] = []
  let token: string | undefined
  do {
    const page = [query, limit && `limit=${limit}`, token && `continue=${encodeURIComponent(token)}`].filter(Boolean)
    const answer = await server.fetch(`${path}?${page.join('&')}`)
    const { metadata, items } = (await answer.json()) as ListText
    if (limit > 0) expect(items.length).toBeLessThanOrEqual(limit)
    found.push(...items)
    token = metadata.continue
  } while (token)
  return found.map(({ metadata }) => `${metadata.namespace} ${metadata.name} ${metadata.resourceVersion}`)
}

async function run(steps: readonly Step[]) {
  const namespaces = [`l${++count}a`, `l${count}b`]
  for (const namespace of namespaces) await server.createNamespace(namespace)
  const [namespace, other] = namespaces as [string, string]
  const { client } = server
  await client.create(configMaps, { metadata: { namespace: other, name: 'm3', labels: { x: '1' } } })
  const model = new Map<string, { x: string; version: string }>()
  for (const at of steps) {
    if (at.do === 'remove') {
      if (model.delete(at.name)) await client.delete(configMaps, { namespace, name: at.name })
    } else if (at.do === 'write') {
      const { name, x } = at
      const metadata = { namespace, name, labels: { x } }
      const written = await (model.has(name)
        ? client.patch(configMaps, { namespace, name }, { metadata: { labels: { x } } })
        : client.create(configMaps, { metadata, data: { large: LARGE } }))
      model.set(at.name, { x: at.x, version: written.metadata.resourceVersion! })
    } else {
      const { query, selects } = at.selector
      const expected = names
        .filter((name) => model.has(name) && selects(name, model.get(name)!.x))
        .map((name) => `${namespace} ${name} ${model.get(name)!.version}`)
      if (at.elsewhere) {
        const all = await listed('/api/v1/configmaps', query, at.limit)
        expect(all.filter((line) => line.startsWith(`${namespace} `))).toEqual(expected)
      } else expect(await listed(`/api/v1/namespaces/${namespace}/configmaps`, query, at.limit)).toEqual(expected)
    }
  }
  for (const name of model.keys()) await client.delete(configMaps, { namespace, name })
}

describe('lists over HTTP', () => {
  it('show what there is, in whatever pieces and pages they come', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), run), { numRuns: 40 })
  })
})
