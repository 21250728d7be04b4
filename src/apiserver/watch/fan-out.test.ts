import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Clock } from '#base/clock.ts'
import { FakeClock } from '#base/fake-clock.ts'
import { configMaps } from '#api/resources.ts'
import type { ApiRequest } from '#client/transport.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'
import { systemUser } from '../server.ts'
import { FanOut } from './fan-out.ts'
import { openWatch } from './open-watch.ts'

let server: TestServer
let count = 0
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

/** Time in which telling takes as long as `work` says, and rests end when `wake` is called. */
function slowTelling() {
  let elapsedMs = 0
  const asleep: { restMs: number; wake: () => void }[] = []
  const clock: Clock = {
    now: () => elapsedMs,
    monotonic: () => elapsedMs,
    after(restMs, wake) {
      asleep.push({ restMs, wake })
      return { cancel: () => {} }
    },
  }
  return {
    fanOut: new FanOut(clock),
    asleep,
    work: (ms: number) => void (elapsedMs += ms),
    wake: () => asleep.pop()!.wake(),
  }
}

async function room() {
  const namespace = `f${++count}`
  await server.createNamespace(namespace)
  const pace = slowTelling()
  const open = (options: ApiRequest['options'] = {}, workMs = 4) => {
    const told: string[][] = []
    const clock = new FakeClock()
    const request: ApiRequest = { verb: 'watch', resource: configMaps, namespace, options }
    const caller = { user: systemUser('test'), userAgent: undefined, warnings: [] }
    openWatch(server.apiServer.api, caller, request, clock, {
      fanOut: pace.fanOut,
      onInitial: (events) => void told.push(events.map(({ object }) => object.metadata.name)),
      onBatch: ({ events }) => {
        pace.work(workMs)
        told.push(events.map(({ object }) => object.metadata.name))
      },
      onBookmark: () => void told.push(['bookmark']),
      onEnd: () => void told.push(['end']),
    })
    return { told, clock }
  }
  /** Resolves when those that it wakes have been told, or have not. */
  const create = async (name: string) => {
    await server.client.create(configMaps, { metadata: { namespace, name } })
    await new Promise(setImmediate)
  }
  const revision = () => String(server.store.revision)
  return { ...pace, open, create, revision }
}

describe('watchers over the network', () => {
  it('are told at once, and of what happens while they are told, together', async () => {
    const { open, create, revision, asleep, wake } = await room()
    const { told } = open({ resourceVersion: revision() })
    await create('a')
    expect(told).toEqual([['a']])
    expect(asleep.map(({ restMs }) => restMs)).toEqual([4])
    await create('b')
    await create('c')
    expect(told).toEqual([['a']])
    wake()
    expect(told).toEqual([['a'], ['b', 'c']])
  })

  it('do not wait where telling takes no time worth speaking of', async () => {
    const { open, create, revision, asleep } = await room()
    const { told } = open({ resourceVersion: revision() }, 0.1)
    for (const name of ['a', 'b', 'c']) await create(name)
    expect(told).toEqual([['a'], ['b'], ['c']])
    expect(asleep).toEqual([])
  })

  it('never wait longer than some milliseconds', async () => {
    const { open, create, revision, asleep } = await room()
    open({ resourceVersion: revision() }, 1000)
    await create('a')
    expect(asleep.map(({ restMs }) => restMs)).toEqual([10])
  })

  it('who come later are not told of what happened before, which the others are told first', async () => {
    const { open, create, revision, wake } = await room()
    const first = open({ resourceVersion: revision() })
    await create('a')
    await create('b')
    const second = open({ resourceVersion: revision() })
    expect(first.told).toEqual([['a'], ['b']])
    await create('c')
    wake()
    expect(first.told).toEqual([['a'], ['b'], ['c']])
    expect(second.told).toEqual([['c']])
  })

  it('have been told of everything before a bookmark', async () => {
    const { open, create, revision } = await room()
    const { told, clock } = open({ resourceVersion: revision(), allowWatchBookmarks: true })
    await create('a')
    await create('b')
    expect(told).toEqual([['a']])
    await clock.advance(60_000)
    expect(told).toEqual([['a'], ['b'], ['bookmark']])
  })

  it('are told without a rest when much waits', async () => {
    const { open, create, revision } = await room()
    const { told } = open({ resourceVersion: revision() })
    const { client } = server
    await create('a')
    const namespace = `f${count}`
    await client.create(configMaps, { metadata: { namespace, name: 'b' }, data: { large: 'x'.repeat(300_000) } })
    expect(told).toEqual([['a'], ['b']])
  })
})
