/**
 * The contract that informers live by: a list, and every event after it, together are what a later list shows. It must
 * hold for any selection, wherever the watch began, whatever else goes on, in the server's own process and over the
 * network, where several changes may be told together.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, it, expect } from 'vitest'
import { configMaps } from '#api/resources.ts'
import type { KubeObject } from '#api/kind.ts'
import type { WatchEvent } from '#client/transport.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'
import { recordWatch, type Watched } from '#testing/watched.ts'

let server: TestServer
let count = 0
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const name = fc.constantFrom('a', 'ab', 'b', 'c')
const selection = fc.constantFrom(
  {},
  { labelSelector: 'x' },
  { labelSelector: 'x=1' },
  { labelSelector: 'x!=1' },
  { labelSelector: 'x notin (1,2)' },
  { fieldSelector: 'metadata.name=a' },
  { fieldSelector: 'metadata.name!=a' },
  { fieldSelector: 'metadata.name=a', labelSelector: 'x' },
)
const selectsMark = ({ labelSelector = '', fieldSelector = '' }: { labelSelector?: string; fieldSelector?: string }) =>
  labelSelector !== 'x=1' && fieldSelector !== 'metadata.name=a'
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), name, x: fc.constantFrom(null, '1', '2') }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('remove' as const), name }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('watch' as const), selection, back: fc.nat(6), isRemote: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

interface Informer {
  selection: object
  known: Map<string, string>
  watched: Watched<KubeObject>
}

const idOf = ({ metadata }: KubeObject) => metadata.name
const versionOf = ({ metadata }: KubeObject) => metadata.resourceVersion

/** Applies the events as an informer does. Throws for one that makes no sense there. */
function replay(known: Map<string, string>, events: readonly WatchEvent[]) {
  let last = 0
  for (const event of events) {
    if (event.type === 'ERROR') throw new Error('a watch must not fail')
    const { object } = event
    const version = Number(versionOf(object))
    if (version <= last) throw new Error(`revision ${version} after ${last}`)
    last = version
    const has = known.has(idOf(object))
    if (event.type === 'ADDED' ? has : !has) throw new Error(`${event.type} of ${idOf(object)}`)
    if (event.type === 'DELETED') known.delete(idOf(object))
    else known.set(idOf(object), versionOf(object))
  }
}

async function run(steps: readonly Step[]) {
  const namespace = `p${++count}`
  await server.createNamespace(namespace)
  const { client } = server
  const informers: Informer[] = []
  /** Lists as they were, which watches may begin at. */
  const revisions: string[] = []
  const pending: Promise<unknown>[] = []
  for (const at of steps) {
    revisions.push(String(server.store.revision))
    if (at.do === 'write') {
      const labels = { x: at.x, at: String(revisions.length) }
      const metadata = { namespace, name: at.name }
      const patched = client.patch(configMaps, metadata, { metadata: { labels } })
      pending.push(
        patched.catch(() =>
          client
            .create(configMaps, { metadata: { ...metadata, labels: at.x ? { x: at.x } : {} } })
            .catch(() => undefined),
        ),
      )
    } else if (at.do === 'remove') {
      pending.push(client.delete(configMaps, { namespace, name: at.name }).catch(() => undefined))
    } else if (at.do === 'settle') await Promise.all(pending.splice(0))
    else {
      const resourceVersion = revisions.at(-1 - (at.back % revisions.length))!
      const list = await client.list(configMaps, {
        namespace,
        ...at.selection,
        resourceVersion,
        resourceVersionMatch: 'Exact',
      })
      informers.push({
        selection: at.selection,
        known: new Map(list.items.map((object) => [idOf(object), versionOf(object)])),
        // Of what does not select the last event of all, nobody could tell when it has arrived over the network.
        watched: recordWatch(at.isRemote && selectsMark(at.selection) ? server.httpsClient : client, configMaps, {
          namespace,
          ...at.selection,
          resourceVersion,
        }) as never,
      })
    }
  }
  await Promise.all(pending)
  // All watches are of one store, so that this event is the last for each of them.
  const mark = await client.create(configMaps, { metadata: { namespace, name: 'z', labels: { x: '3' } } })
  for (const { watched, known, selection } of informers) {
    const { items } = await client.list(configMaps, { namespace, ...selection })
    const expected = new Map(items.map((object) => [idOf(object), versionOf(object)]))
    if (expected.has('z'))
      await watched.until(
        ({ events }) => (events.at(-1)?.object as KubeObject | undefined)?.metadata.name === mark.metadata.name,
      )
    replay(known, watched.events)
    expect(known).toEqual(expected)
    watched[Symbol.dispose]()
  }
}

describe('a list and what a watch tells after it', () => {
  it('are together what a later list shows', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), run), { numRuns: 150 })
  })
})
