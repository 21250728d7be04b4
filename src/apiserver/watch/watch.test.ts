import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FakeClock } from '#base/fake-clock.ts'
import { configMaps, pods } from '#api/resources.ts'
import { isStatus } from '#machinery/status-error.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'
import { eventText, recordWatch } from '#testing/watched.ts'

let server: TestServer
let count = 0
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

/** A namespace of its own for each test, and short ways to change what is in it. */
async function arena() {
  const namespace = `w${++count}`
  await server.createNamespace(namespace)
  const { client } = server
  return {
    namespace,
    revision: () => String(server.store.revision),
    put: (name: string, labels: Record<string, string> = {}) =>
      client.create(configMaps, { metadata: { namespace, name, labels } }),
    label: (name: string, labels: Record<string, string | null>) =>
      client.patch(configMaps, { namespace, name }, { metadata: { labels } }),
    remove: (name: string) => client.delete(configMaps, { namespace, name }),
    watch: (options: object = {}) => recordWatch(client, configMaps, { namespace, ...options }),
  }
}
const kinds = (watched: { events: { type: string; object: unknown }[] }) =>
  watched.events.map(({ type, object }) => `${type} ${(object as { metadata: { name: string } }).metadata.name}`)

describe('a watch', () => {
  it('without a resourceVersion begins with what there is', async () => {
    const { put, remove, watch } = await arena()
    await put('a')
    await put('b')
    using watched = watch()
    expect(kinds(watched)).toEqual(['ADDED a', 'ADDED b'])
    await remove('a')
    await watched.until(({ events }) => events.length === 3)
    expect(kinds(watched).at(-1)).toBe('DELETED a')
  })

  it('from resourceVersion 0 does too', async () => {
    const { put, watch } = await arena()
    await put('a')
    using watched = watch({ resourceVersion: '0' })
    expect(kinds(watched)).toEqual(['ADDED a'])
  })

  it('from a resourceVersion tells what has happened since, in order', async () => {
    const { put, label, remove, watch, revision } = await arena()
    await put('a')
    const start = revision()
    await put('b')
    await label('a', { x: '1' })
    await remove('b')
    using watched = watch({ resourceVersion: start })
    await watched.until(({ events }) => events.length === 3)
    expect(kinds(watched)).toEqual(['ADDED b', 'MODIFIED a', 'DELETED b'])
    await put('c')
    await watched.until(({ events }) => events.length === 4)
    const versions = watched.events.map((event) => Number((event.object as any).metadata.resourceVersion))
    expect(versions).toEqual([...versions].sort((a, b) => a - b))
  })

  it('from before what memory holds is served from the store', async () => {
    const { put, label, watch, revision } = await arena()
    await put('a')
    const start = revision()
    for (let i = 0; i < 2500; i++) await label('a', { n: String(i) })
    using watched = watch({ resourceVersion: start })
    await watched.until(({ events }) => events.length === 2500)
    const seen = watched.events.map((event) => (event.object as any).metadata.labels.n)
    expect(seen).toEqual(Array.from({ length: 2500 }, (_, i) => String(i)))
    await label('a', { n: 'live' })
    await watched.until(({ events }) => events.length === 2501)
  })

  it('of a deleted object carries the revision of the deletion', async () => {
    const { put, remove, watch, revision } = await arena()
    const made = await put('a')
    using watched = watch({ resourceVersion: revision() })
    await remove('a')
    await watched.until(({ events }) => events.length === 1)
    const gone = watched.events[0]!.object as typeof made
    expect(gone.metadata.resourceVersion).toBe(revision())
    expect({ ...gone.metadata, resourceVersion: '' }).toEqual({ ...made.metadata, resourceVersion: '' })
  })

  it('from a revision that is gone ends with Expired', async () => {
    await using own = await startTestServer()
    const old = String(own.store.revision)
    await own.client.create(configMaps, { metadata: { namespace: 'default', name: 'a' } })
    await own.store.compact(own.store.revision)
    // The server holds what happened since its start in memory, whatever the store has forgotten.
    await using restarted = await startTestServer({ store: own.store })
    using watched = recordWatch(restarted.client, configMaps, { resourceVersion: old })
    const error = await watched.ended()
    expect(isStatus(error, 'Expired')).toBe(true)
    expect((error as any).code).toBe(410)
    expect(error!.message).toMatch(/^too old resource version: /)
    const answer = await restarted.fetch(`/api/v1/configmaps?watch=true&resourceVersion=${old}`)
    expect(answer.status).toBe(200)
    expect(JSON.parse((await answer.text()).trim())).toMatchObject({
      type: 'ERROR',
      object: { kind: 'Status', reason: 'Expired', code: 410 },
    })
  })

  it('from a revision that has not happened is refused', async () => {
    const { watch, revision } = await arena()
    using watched = watch({ resourceVersion: String(Number(revision()) + 1000) })
    const error = await watched.ended()
    expect(error).toMatchObject({
      reason: 'Timeout',
      code: 504,
      details: { causes: [{ reason: 'ResourceVersionTooLarge' }], retryAfterSeconds: 1 },
    })
    expect(error!.message).toContain('Too large resource version')
  })

  it('from something that is no revision is refused', async () => {
    const { watch } = await arena()
    using watched = watch({ resourceVersion: 'yesterday' })
    expect(isStatus(await watched.ended(), 'BadRequest')).toBe(true)
  })

  it('sees objects come into and go out of its selection', async () => {
    const { put, label, remove, watch, revision } = await arena()
    await put('in', { tier: 'front' })
    await put('out', { tier: 'back' })
    using watched = watch({ resourceVersion: revision(), labelSelector: 'tier=front' })
    await label('out', { tier: 'front' })
    await label('in', { tier: 'back' })
    await label('out', { other: 'x' })
    await label('in', { other: 'x' })
    await remove('out')
    await remove('in')
    await put('late', { tier: 'front' })
    await watched.until(({ events }) => events.length === 5)
    expect(kinds(watched)).toEqual(['ADDED out', 'DELETED in', 'MODIFIED out', 'DELETED out', 'ADDED late'])
    const left = watched.events[1]!.object as any
    expect(left.metadata.labels.tier, 'the object as it was selected last').toBe('front')
    expect(Number(left.metadata.resourceVersion)).toBeGreaterThan(
      Number((watched.events[0]!.object as any).metadata.resourceVersion),
    )
  })

  it('selects by field', async () => {
    const { namespace, put, remove, watch } = await arena()
    await put('ab')
    await put('a')
    using one = watch({ fieldSelector: 'metadata.name=a' })
    expect(kinds(one)).toEqual(['ADDED a'])
    await remove('ab')
    await remove('a')
    await one.until(({ events }) => events.length === 2)
    expect(kinds(one)).toEqual(['ADDED a', 'DELETED a'])
    using others = recordWatch(server.client, pods, { namespace, fieldSelector: 'status.phase!=Running' })
    const made = await server.client.create(pods, {
      metadata: { namespace, name: 'p' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    } as never)
    await server.client.updateStatus(pods, { ...made, status: { phase: 'Running' } } as never)
    await others.until(({ events }) => events.length === 2)
    expect(kinds(others)).toEqual(['ADDED p', 'DELETED p'])
  })

  it('sees nothing of other namespaces whose names begin alike', async () => {
    const { namespace, put, watch, revision } = await arena()
    await server.createNamespace(`${namespace}-x`)
    using watched = watch({ resourceVersion: revision() })
    await server.client.create(configMaps, { metadata: { namespace: `${namespace}-x`, name: 'a' } })
    await put('b')
    await watched.until(({ events }) => events.length === 1)
    expect(kinds(watched)).toEqual(['ADDED b'])
  })

  it('that is cancelled hears nothing more', async () => {
    const { put, watch, revision } = await arena()
    const watched = watch({ resourceVersion: revision() })
    using other = watch({ resourceVersion: revision() })
    watched[Symbol.dispose]()
    await put('a')
    await other.until(({ events }) => events.length === 1)
    expect(watched.events).toEqual([])
    expect(watched.end).toBeUndefined()
  })

  it('ends when its time is over', async () => {
    const clock = new FakeClock()
    await using own = await startTestServer({ clock })
    using watched = recordWatch(own.client, configMaps, { timeoutSeconds: 7 })
    await clock.advance(6_999)
    expect(watched.end).toBeUndefined()
    await clock.advance(1)
    expect(await watched.ended()).toBeUndefined()
  })

  it('ends with the server', async () => {
    const own = await startTestServer()
    using watched = recordWatch(own.client, configMaps)
    await own.close()
    expect(await watched.ended()).toBeUndefined()
  })
})

describe('bookmarks', () => {
  it('come every minute to those who ask, and no one else', async () => {
    const clock = new FakeClock()
    await using own = await startTestServer({ clock })
    const resourceVersion = String(own.store.revision)
    using marked = recordWatch(own.client, pods, { resourceVersion, allowWatchBookmarks: true })
    using plain = recordWatch(own.client, pods)
    await clock.advance(60_000)
    await own.client.create(configMaps, { metadata: { namespace: 'default', name: 'a' } })
    await clock.advance(60_000)
    expect(plain.events).toEqual([])
    expect(marked.events).toHaveLength(2)
    expect(marked.events[1]).toEqual({
      type: 'BOOKMARK',
      object: {
        kind: 'Pod',
        apiVersion: 'v1',
        metadata: { resourceVersion: String(own.store.revision), creationTimestamp: null },
      },
    })
  })
})

describe('a watch with a time-out', () => {
  it('is told where it is shortly before its end', async () => {
    const clock = new FakeClock()
    await using own = await startTestServer({ clock })
    const options = { resourceVersion: String(own.store.revision), allowWatchBookmarks: true }
    using watched = recordWatch(own.client, pods, { ...options, timeoutSeconds: 10 })
    using short = recordWatch(own.client, pods, { ...options, timeoutSeconds: 2 })
    await own.client.create(configMaps, { metadata: { namespace: 'default', name: 'a' } })
    await clock.advance(7_999)
    expect(watched.events).toEqual([])
    await clock.advance(1)
    expect(watched.events).toMatchObject([
      { type: 'BOOKMARK', object: { metadata: { resourceVersion: String(own.store.revision) } } },
    ])
    await clock.advance(2_000)
    expect(await watched.ended()).toBeUndefined()
    expect(short.events).toEqual([])
  })
})

describe('sendInitialEvents', () => {
  const streaming = {
    sendInitialEvents: true,
    resourceVersionMatch: 'NotOlderThan',
    allowWatchBookmarks: true,
  } as const

  it('ends the initial events with an annotated bookmark', async () => {
    const { put, watch, revision } = await arena()
    await put('a')
    await put('b')
    const now = revision()
    using watched = watch(streaming)
    expect(kinds(watched).slice(0, 2)).toEqual(['ADDED a', 'ADDED b'])
    expect(watched.events[2]).toMatchObject({
      type: 'BOOKMARK',
      object: { metadata: { resourceVersion: now, annotations: { 'k8s.io/initial-events-end': 'true' } } },
    })
    await put('c')
    await watched.until(({ events }) => events.length === 4)
  })

  it.each([undefined, '', '0'])('is what a watch wants that begins at %j', async (resourceVersion) => {
    const { put, watch } = await arena()
    await put('a')
    using watched = watch({ resourceVersion, allowWatchBookmarks: true })
    expect(watched.events.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK'])
    expect(watched.events[1]).toMatchObject({
      object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    })
    using quiet = watch({ resourceVersion })
    expect(quiet.events.map(({ type }) => type)).toEqual(['ADDED'])
  })

  it('may be false, and then there are none', async () => {
    const { put, watch } = await arena()
    await put('a')
    using watched = watch({ sendInitialEvents: false, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true })
    expect(watched.events).toEqual([])
  })

  it('does so where there is nothing, too', async () => {
    const { watch } = await arena()
    using watched = watch({ ...streaming, resourceVersion: '0' })
    expect(watched.events.map(({ type }) => type)).toEqual(['BOOKMARK'])
  })

  it('false begins with now', async () => {
    const { put, watch } = await arena()
    await put('a')
    using watched = watch({ sendInitialEvents: false, resourceVersionMatch: 'NotOlderThan' })
    await put('b')
    await watched.until(({ events }) => events.length === 1)
    expect(kinds(watched)).toEqual(['ADDED b'])
  })

  it.each([
    [{ sendInitialEvents: true }, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'],
    [{ sendInitialEvents: true, resourceVersionMatch: 'Exact' }, 'sendInitialEvents requires setting'],
    [{ resourceVersionMatch: 'NotOlderThan' }, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents'],
  ])('with %j is refused', async (options, message) => {
    const { watch } = await arena()
    using watched = watch(options)
    const error = await watched.ended()
    expect(isStatus(error, 'Invalid')).toBe(true)
    expect(error!.message).toContain(message)
  })
})

it('many watchers of one selection are told the same', async () => {
  const { put, label, remove, watch, revision } = await arena()
  const start = revision()
  const early = Array.from({ length: 50 }, () => watch({ resourceVersion: start, labelSelector: 'x' }))
  for (let i = 0; i < 10; i++) await put(`a${i}`, { x: '1' })
  const late = Array.from({ length: 50 }, () => watch({ resourceVersion: start, labelSelector: 'x' }))
  for (let i = 0; i < 10; i++) await label(`a${i}`, i % 2 ? { x: null } : { y: '1' })
  for (let i = 0; i < 10; i++) await remove(`a${i}`)
  const all = [...early, ...late]
  await Promise.all(all.map((watched) => watched.until(({ events }) => events.length === 25)))
  const texts = all.map(({ events }) => events.map(eventText).join('\n'))
  expect(new Set(texts).size).toBe(1)
  for (const watched of all) watched[Symbol.dispose]()
})
