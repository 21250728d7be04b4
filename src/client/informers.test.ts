import { afterEach, describe, expect, it } from 'vitest'
import { FakeClock } from '#base/fake-clock.ts'
import { silentLog } from '#base/log.ts'
import { seededRandom } from '#base/random.ts'
import type { ConfigMap } from '#api/core/v1/config.ts'
import { configMaps, namespaces } from '#api/resources.ts'
import { gone, StatusError } from '#machinery/status-error.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { Client } from './client.ts'
import type { Informer } from './informer.ts'
import { createInformers } from './informers.ts'
import type { Transport, WatchSink } from './transport.ts'

let cluster: InProcessApi
afterEach(() => cluster.close())

/** The real server, with watches that the test can break and lists that it can refuse. */
class Faulty implements Transport {
  readonly #inner: Transport
  readonly #watches = new Map<WatchSink, () => void>()
  refuseLists: Error | undefined
  lists = 0

  constructor(inner: Transport) {
    this.#inner = inner
  }

  call(...args: Parameters<Transport['call']>): Promise<unknown> {
    if (args[0].verb !== 'list') return this.#inner.call(...args)
    this.lists++
    return this.refuseLists ? Promise.reject(this.refuseLists) : this.#inner.call(...args)
  }

  watch(...[request, sink]: Parameters<Transport['watch']>): () => void {
    const cancel = this.#inner.watch(request, sink)
    const end = () => {
      this.#watches.delete(sink)
      cancel()
    }
    this.#watches.set(sink, end)
    return end
  }

  breakWatches(error?: Error): void {
    for (const [sink, cancel] of this.#watches) {
      cancel()
      sink.onEnd(error)
    }
  }

  get openWatches(): number {
    return this.#watches.size
  }
}

async function start(initial: 'pages' | 'stream' = 'pages') {
  cluster = await startInProcessApi()
  await cluster.client.create(namespaces, { metadata: { name: 'ns' } })
  await cluster.client.create(namespaces, { metadata: { name: 'other' } })
  const clock = new FakeClock()
  const transport = new Faulty(cluster.transport)
  const client = new Client(transport)
  const informers = createInformers({
    client,
    clock,
    random: seededRandom(1),
    log: silentLog,
    signal: cluster.signal,
    initial,
  })
  const informer = informers.for(configMaps)
  return { clock, transport, informers, informer, log: record(informer) }
}

/** What handlers are told, as text. */
function record(informer: Informer<ConfigMap>): string[] {
  const log: string[] = []
  const name = (object: ConfigMap) => `${object.metadata.name}=${object.data?.v}`
  informer.handle({
    added: (object) => log.push(`+${name(object)}`),
    updated: (object, previous) => log.push(`~${name(previous)}>${object.data?.v}`),
    deleted: (object) => log.push(`-${name(object)}`),
  })
  return log
}

const put = (name: string, v: string, namespace = 'ns') =>
  cluster.client.create(configMaps, { metadata: { name, namespace }, data: { v } })
const change = (name: string, v: string) => cluster.client.patch(configMaps, { namespace: 'ns', name }, { data: { v } })
const remove = (name: string) => cluster.client.delete(configMaps, { namespace: 'ns', name })
const quiet = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))

describe.each(['pages', 'stream'] as const)('an informer that starts with %s', (initial) => {
  it('tells what is there, then every change in order', async () => {
    const { informer, log } = await start(initial)
    await put('a', '1')
    await informer.synced()
    await quiet()
    await put('b', '1')
    await change('a', '2')
    await remove('b')
    await quiet()
    expect(log).toEqual(['+a=1', '+b=1', '~a=1>2', '-b=1'])
    expect(informer.get('ns', 'a')?.data).toEqual({ v: '2' })
    expect([informer.size, informer.list('other'), informer.isSynced]).toEqual([1, [], true])
  })

  it('takes a broken watch up where it stopped, without telling anything twice', async () => {
    const { informer, log, clock, transport } = await start(initial)
    await put('a', '1')
    await informer.synced()
    const { lists } = transport
    transport.breakWatches(new Error('reset by peer'))
    await change('a', '2')
    await put('b', '1')
    await remove('b')
    await clock.advance(5_000)
    expect(log).toEqual(['+a=1', '~a=1>2', '+b=1', '-b=1'])
    expect(transport.lists).toBe(lists)
    expect(transport.openWatches).toBe(1)
  })

  it('relists when the history is gone, and tells of what it missed', async () => {
    const { informer, log, clock, transport } = await start(initial)
    await informer.synced()
    for (const name of ['kept', 'changed', 'deleted', 'replaced']) await put(name, '1')
    await quiet()
    log.length = 0
    transport.breakWatches(gone('too old'))
    await change('changed', '2')
    await remove('deleted')
    await remove('replaced')
    await put('replaced', '2')
    await put('new', '1')
    await clock.advance(5_000)
    expect(log.toSorted()).toEqual(['+new=1', '+replaced=2', '-deleted=1', '-replaced=1', '~changed=1>2'])
    expect(log.indexOf('-replaced=1')).toBeLessThan(log.indexOf('+replaced=2'))
    expect(
      informer
        .list()
        .map(({ metadata }) => metadata.name)
        .toSorted(),
    ).toEqual(['changed', 'kept', 'new', 'replaced'])
  })
})

describe('an informer', () => {
  it('keeps asking, ever more slowly, while the server refuses', async () => {
    const { clock, transport, informer } = await start()
    await informer.synced()
    await quiet()
    transport.refuseLists = new StatusError('ServiceUnavailable', 'starting')
    transport.breakWatches(gone('too old'))
    await clock.advance(60_000)
    const early = transport.lists
    await clock.advance(600_000)
    expect(early).toBeGreaterThan(3)
    expect(transport.lists - early).toBeLessThan(25)
    transport.refuseLists = undefined
    await clock.advance(60_000)
    expect(transport.openWatches).toBe(1)
  })

  it('keeps its indexes in step', async () => {
    const { informer } = await start()
    await put('a', 'x')
    await informer.synced()
    informer.index('value', ({ data }) => [data?.v ?? ''])
    await put('b', 'x')
    await change('a', 'y')
    await quiet()
    const names = (value: string) => informer.byIndex('value', value).map(({ metadata }) => metadata.name)
    expect([names('x'), names('y'), names('z')]).toEqual([['b'], ['a'], []])
    await remove('b')
    await quiet()
    expect(names('x')).toEqual([])
    expect(() => informer.byIndex('nothing', 'x')).toThrow(RangeError)
  })

  it('is one for all who ask for the same, and another one for a selection', async () => {
    const { informers, informer } = await start()
    await put('a', '1')
    await put('b', '1', 'other')
    const inOther = informers.for(configMaps, { namespace: 'other' })
    expect(informers.for(configMaps)).toBe(informer)
    expect(inOther).not.toBe(informer)
    await Promise.all([informer.synced(), inOther.synced()])
    expect([informer.size, inOther.size]).toEqual([2, 1])
  })

  it('tells a late handler of everything, and a stopped one of nothing more', async () => {
    const { informer } = await start()
    await informer.synced()
    await put('a', '1')
    await quiet()
    const late: string[] = []
    const stopHandling = informer.handle({ added: ({ metadata }) => late.push(metadata.name) })
    await put('b', '1')
    await quiet()
    stopHandling()
    await put('c', '1')
    await quiet()
    expect(late).toEqual(['a', 'b'])
  })

  it('goes on when a handler throws', async () => {
    const { informer, log } = await start()
    informer.handle({
      added() {
        throw new Error('a bug')
      },
    })
    const after = record(informer)
    await informer.synced()
    await put('a', '1')
    await quiet()
    expect([log, after]).toEqual([['+a=1'], ['+a=1']])
  })

  it('stops waiting when it is told to', async () => {
    const { informers, transport } = await start()
    transport.refuseLists = new Error('unreachable')
    const giveUp = new AbortController()
    const waiting = informers.for(namespaces).synced(giveUp.signal)
    giveUp.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })
})
