/**
 * What every Store must do, whatever it is made of: called by the test file of each implementation. A random program
 * of operations is compared with the plainest model there is, a list of all changes (store-model.ts).
 */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkProgram, operations } from './store-model.ts'
import {
  CompareFailed,
  Compacted,
  FutureRevision,
  MAX_VALUE_BYTES,
  StoreUnavailable,
  type Revision,
  type Store,
  type StoreEvent,
} from './store.ts'

/** Keeps what a watcher receives; `until` waits for a number of events. */
export class Recorder {
  readonly events: StoreEvent[] = []
  readonly batches: number[] = []
  ended: { error: Error | undefined } | undefined
  #waiting: { count: number; resolve: () => void }[] = []

  onEvents(events: readonly StoreEvent[]): void {
    expect(this.ended).toBeUndefined()
    this.events.push(...events)
    this.batches.push(events.length)
    this.#wake()
  }

  onEnd(error?: Error): void {
    expect(this.ended).toBeUndefined()
    this.ended = { error }
    this.#wake()
  }

  /** Resolves once `count` events have come, or the watch has ended. */
  async until(count: number): Promise<void> {
    if (this.events.length >= count || this.ended) return
    await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }))
  }

  get lines(): string[] {
    return this.events.map((e) => `${e.type} ${e.key} ${e.entry?.value ?? ''} after ${e.previous?.value ?? ''}`.trim())
  }

  #wake() {
    const ready = this.#waiting.filter(({ count }) => this.ended || this.events.length >= count)
    this.#waiting = this.#waiting.filter((waiting) => !ready.includes(waiting))
    for (const { resolve } of ready) resolve()
  }
}

/** `open` makes an empty store; the suite closes it. */
export function storeSuite(open: () => Promise<Store>, runs = 60): void {
  let store: Store
  beforeEach(async () => {
    store = await open()
  })
  afterEach(() => store.close())

  const put = (key: string, value: string, expected: Revision = store.latestRevision(key) ?? 0) =>
    store.write({ key, expected, value: Buffer.from(value) })
  const remove = (key: string) => store.write({ key, expected: store.latestRevision(key) ?? 0, value: null })
  const valuesOf = async (prefix: string, revision?: Revision) =>
    (await store.list(prefix, revision === undefined ? {} : { revision })).entries.map((e) => `${e.key}=${e.value}`)

  describe('writes', () => {
    it('start after revision 1 and count up by one', async () => {
      expect(store.revision).toBe(1)
      const revisions = await Promise.all([put('/a', '1'), put('/b', '1'), put('/a', '2')])
      expect(revisions).toEqual([2, 3, 4])
      expect(store.revision).toBe(4)
    })

    it('are seen by latest at once, by readers once they are durable', async () => {
      const written = put('/a', '1')
      expect(store.latest('/a')).toMatchObject({ key: '/a', revision: 2, value: Buffer.from('1') })
      expect(store.latestRevision('/a')).toBe(2)
      expect(store.revision).toBe(1)
      expect(await store.get('/a', 1)).toBeUndefined()
      await written
      expect(await store.get('/a')).toMatchObject({ revision: 2, value: Buffer.from('1') })
    })

    it('settle in the order in which they were made', async () => {
      const order: number[] = []
      const all = Array.from({ length: 50 }, (_, i) => put(`/k${i % 7}`, `${i}`).then((r) => order.push(r)))
      await Promise.all(all)
      expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i + 2))
    })

    it('of several racers that expect the same revision let one win, and tell the others what is there', async () => {
      const first = await put('/a', 'first')
      const outcomes = await Promise.allSettled(['x', 'y', 'z'].map((value) => put('/a', value, first)))
      expect(outcomes.map((o) => o.status)).toEqual(['fulfilled', 'rejected', 'rejected'])
      for (const outcome of outcomes.slice(1)) {
        const { reason } = outcome as PromiseRejectedResult
        expect(reason).toBeInstanceOf(CompareFailed)
        expect(reason.current).toMatchObject({ revision: first + 1, value: Buffer.from('x') })
      }
    })

    it('tell of a collision only once the write that they collided with is durable', async () => {
      const order: string[] = []
      const winner = put('/a', 'winner', 0).then(() => order.push('written'))
      const loser = put('/a', 'loser', 0).catch(() => order.push('collided'))
      await Promise.all([winner, loser])
      expect(order).toEqual(['written', 'collided'])
    })

    it('create only what is absent and replace only what is there', async () => {
      await expect(put('/a', '1', 7)).rejects.toMatchObject({ name: 'CompareFailed', current: undefined })
      await put('/a', '1', 0)
      await expect(put('/a', '2', 0)).rejects.toBeInstanceOf(CompareFailed)
    })

    it('delete what is there, and nothing else', async () => {
      await expect(store.write({ key: '/a', expected: 0, value: null })).rejects.toBeInstanceOf(CompareFailed)
      const made = await put('/a', '1')
      expect(await remove('/a')).toBe(made + 1)
      expect(store.latest('/a')).toBeUndefined()
      expect(store.latestRevision('/a')).toBeUndefined()
      expect(await store.get('/a')).toBeUndefined()
      expect(await store.get('/a', made)).toMatchObject({ revision: made })
      expect(await put('/a', 'again', 0)).toBe(made + 2)
    })

    it('do not use up a revision when they are refused', async () => {
      await put('/a', '1')
      await expect(put('/a', '2', 0)).rejects.toBeInstanceOf(CompareFailed)
      expect(await put('/b', '1')).toBe(3)
    })

    it('take values from nothing to the limit', async () => {
      await put('/empty', '')
      expect((await store.get('/empty'))!.value).toHaveLength(0)
      const large = Buffer.alloc(MAX_VALUE_BYTES, 'large')
      await store.write({ key: '/large', expected: 0, value: large })
      await put('/after', '1')
      expect((await store.get('/large'))!.value.equals(large)).toBe(true)
      const tooLarge = store.write({ key: '/too', expected: 0, value: Buffer.alloc(MAX_VALUE_BYTES + 1) })
      await expect(tooLarge).rejects.toBeInstanceOf(RangeError)
    })

    it('refuse what cannot be a key', async () => {
      for (const key of ['', '/nul\0', '/half\ud800', '/' + 'x'.repeat(2_000)])
        await expect(put(key, '1', 0)).rejects.toBeInstanceOf(RangeError)
    })

    it('hand the attachment to readers and watchers', async () => {
      const attachment = { decoded: true }
      const recorder = new Recorder()
      store.watch('/a', store.revision, recorder)
      await store.write({ key: '/a', expected: 0, value: Buffer.from('1'), attachment })
      await recorder.until(1)
      expect((await store.get('/a'))!.attachment).toBe(attachment)
      expect((await store.list('/')).entries[0]!.attachment).toBe(attachment)
      expect(recorder.events[0]!.entry!.attachment).toBe(attachment)
    })
  })

  describe('reading', () => {
    it('tells the past exactly', async () => {
      await put('/p/a', '1') // 2
      await put('/p/b', '1') // 3
      await put('/p/a', '2') // 4
      await remove('/p/b') // 5
      await put('/p/b', '2') // 6
      expect(await valuesOf('/p/', 1)).toEqual([])
      expect(await valuesOf('/p/', 2)).toEqual(['/p/a=1'])
      expect(await valuesOf('/p/', 3)).toEqual(['/p/a=1', '/p/b=1'])
      expect(await valuesOf('/p/', 4)).toEqual(['/p/a=2', '/p/b=1'])
      expect(await valuesOf('/p/', 5)).toEqual(['/p/a=2'])
      expect(await valuesOf('/p/')).toEqual(['/p/a=2', '/p/b=2'])
      expect((await store.get('/p/b', 4))!.revision).toBe(3)
    })

    it('refuses the future', async () => {
      await expect(store.get('/a', 2)).rejects.toBeInstanceOf(FutureRevision)
      await expect(store.list('/a', { revision: 2 })).rejects.toBeInstanceOf(FutureRevision)
      expect(() => store.watch('/a', 2, new Recorder())).toThrow(FutureRevision)
    })

    it('keeps prefixes apart that begin alike', async () => {
      await Promise.all(['/pods', '/pods/a/1', '/pods/ab/1', '/podsx/a', '/pod/z'].map((key) => put(key, 'v')))
      expect(await valuesOf('/pods/a/')).toEqual(['/pods/a/1=v'])
      expect(await valuesOf('/pods/')).toEqual(['/pods/a/1=v', '/pods/ab/1=v'])
      expect(await valuesOf('/pods')).toEqual(['/pods=v', '/pods/a/1=v', '/pods/ab/1=v', '/podsx/a=v'])
    })

    it('orders keys by their bytes', async () => {
      const keys = ['/k/\u{10000}', '/k/\uffff', '/k/z', '/k/é', '/k/B', '/k/a', '/k/a/b', '/k/a-b']
      await Promise.all(keys.map((key) => put(key, 'v')))
      const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect((await store.list('/k/')).entries.map((e) => e.key)).toEqual(sorted)
      expect((await store.list('/k/', { startAfter: sorted[4]! })).entries.map((e) => e.key)).toEqual(sorted.slice(5))
    })

    it('pages through one revision while others write', async () => {
      const count = 2_500
      await Promise.all(Array.from({ length: count }, (_, i) => put(`/p/${String(i).padStart(4, '0')}`, 'old')))
      const { revision } = store
      const keys: string[] = []
      for (let startAfter = '', more = true; more;) {
        const page = await store.list('/p/', { revision, limit: 600, startAfter })
        expect(page.revision).toBe(revision)
        expect(page.entries.every((e) => e.value.toString() === 'old')).toBe(true)
        keys.push(...page.entries.map((e) => e.key))
        startAfter = keys.at(-1)!
        more = page.more
        await Promise.all([put(`/p/${startAfter.slice(3)}x`, 'new'), put('/p/2400', 'new'), remove('/p/2300')]).catch(
          () => {},
        )
      }
      expect(keys).toEqual(Array.from({ length: count }, (_, i) => `/p/${String(i).padStart(4, '0')}`))
      expect((await store.list('/p/', { revision })).entries).toHaveLength(count)
    })

    it('says that there is more exactly when there is', async () => {
      await Promise.all([put('/p/1', 'v'), put('/p/2', 'v'), put('/p/3', 'v'), put('/q', 'v')])
      await remove('/p/3')
      expect((await store.list('/p/', { limit: 1 })).more).toBe(true)
      expect((await store.list('/p/', { limit: 2 })).more).toBe(false)
      expect((await store.list('/p/', { limit: 2, revision: 5 })).more).toBe(true)
      expect(await store.list('/p/', { limit: 1, counts: true })).toMatchObject({ more: true, remaining: 1 })
      expect(await store.list('/p/', { limit: 1, counts: true, revision: 5 })).toMatchObject({ remaining: 2 })
      expect(await store.list('/p/', { limit: 2, counts: true })).toMatchObject({ more: false, remaining: 0 })
      expect((await store.list('/p/', { limit: 0 })).entries).toHaveLength(2)
    })
  })

  describe('watching', () => {
    it('starts with history and goes on live, with what was there before', async () => {
      await put('/p/a', '1')
      await put('/other', '1')
      await put('/p/a', '2')
      const recorder = new Recorder()
      store.watch('/p/', 1, recorder)
      await put('/p/b', '1')
      await remove('/p/a')
      await recorder.until(4)
      expect(recorder.lines).toEqual([
        'put /p/a 1 after',
        'put /p/a 2 after 1',
        'put /p/b 1 after',
        'delete /p/a  after 2',
      ])
    })

    it('has no gap and no duplicate, wherever it starts while others write', async () => {
      const recorders: { after: Revision; recorder: Recorder }[] = []
      const writers = Array.from({ length: 8 }, async (_, w) => {
        for (let i = 0; i < 60; i++) {
          await put(`/p/${w}/${i % 5}`, `${i}`)
          if (i % 10 !== w) continue
          const recorder = new Recorder()
          const after = Math.max(1, store.revision - i * 3)
          recorders.push({ after, recorder })
          store.watch('/p/', after, recorder)
        }
      })
      await Promise.all(writers)
      for (const { after, recorder } of recorders) {
        await recorder.until(store.revision - after)
        const expected = Array.from({ length: store.revision - after }, (_, i) => after + 1 + i)
        expect(recorder.events.map((e) => e.revision)).toEqual(expected)
      }
      expect(recorders.length).toBeGreaterThan(40)
    })

    it('delivers a commit in one call and before the write is acknowledged', async () => {
      const recorder = new Recorder()
      store.watch('/p/', 1, recorder)
      await put('/warm', 'up')
      await Promise.all(['a', 'b', 'c'].map((name) => put(`/p/${name}`, '1')))
      expect(recorder.events).toHaveLength(3)
      expect(recorder.batches).toEqual([3])
    })

    it('serves many watchers of many prefixes', async () => {
      const recorders = Array.from({ length: 300 }, (_, i) => ({ prefix: `/p/${i % 30}/`, recorder: new Recorder() }))
      for (const { prefix, recorder } of recorders) store.watch(prefix, store.revision, recorder)
      const all = new Recorder()
      store.watch('', store.revision, all)
      await put('/warm', 'up')
      await Promise.all(Array.from({ length: 90 }, (_, i) => put(`/p/${i % 45}/${i}`, '1')))
      for (const { prefix, recorder } of recorders) {
        expect(recorder.events.map((e) => e.key).filter((key) => !key.startsWith(prefix))).toEqual([])
        expect(recorder.events).toHaveLength(2)
      }
      await all.until(91)
      expect(all.events).toHaveLength(91)
    })

    it('hears nothing after it was cancelled, not even from within', async () => {
      const recorder = new Recorder()
      let cancelOther = () => {}
      store.watch('/p/', 1, { onEvents: () => cancelOther(), onEnd: () => {} })
      cancelOther = store.watch('/p/', 1, recorder)
      await put('/warm', 'up')
      await put('/p/a', '1')
      await put('/p/a', '2')
      cancelOther()
      expect(recorder.events).toEqual([])
      const early = new Recorder()
      store.watch('/p/', 1, early)()
      await put('/p/a', '3')
      await store.close()
      expect(early).toMatchObject({ events: [], ended: undefined })
    })

    it('ends the one watcher that throws', async () => {
      const recorder = new Recorder()
      let ended: Error | undefined
      store.watch('/p/', 1, {
        onEvents() {
          throw new TypeError('broken')
        },
        onEnd: (error) => (ended = error),
      })
      store.watch('/p/', 1, recorder)
      await put('/p/a', '1')
      await put('/p/a', '2')
      await recorder.until(2)
      expect(ended?.cause).toBeInstanceOf(TypeError)
      expect(recorder.events).toHaveLength(2)
    })
  })

  describe('compaction', () => {
    it('forgets what was, keeps what is', async () => {
      await put('/a', '1') // 2
      await put('/b', '1') // 3
      await put('/a', '2') // 4
      await remove('/b') // 5
      await put('/c', '1') // 6
      await store.compact(5)
      expect(store.compacted).toBe(5)
      await expect(store.get('/a', 4)).rejects.toMatchObject({ name: 'Compacted', compacted: 5 })
      await expect(store.list('/', { revision: 4 })).rejects.toBeInstanceOf(Compacted)
      expect(() => store.watch('/', 4, new Recorder())).toThrow(Compacted)
      expect(await valuesOf('/', 5)).toEqual(['/a=2'])
      expect(await valuesOf('/')).toEqual(['/a=2', '/c=1'])
      const recorder = new Recorder()
      store.watch('/', 5, recorder)
      await recorder.until(1)
      expect(recorder.lines).toEqual(['put /c 1 after'])
    })

    it('keeps what the first readable change replaced', async () => {
      await put('/a', '1') // 2
      await put('/a', '2') // 3
      await store.compact(2)
      const recorder = new Recorder()
      store.watch('/', 2, recorder)
      await recorder.until(1)
      expect(recorder.lines).toEqual(['put /a 2 after 1'])
    })

    it('does nothing the second time, and refuses the future', async () => {
      await put('/a', '1')
      await store.compact(2)
      await store.compact(1)
      await store.compact(2)
      expect(store.compacted).toBe(2)
      await expect(store.compact(3)).rejects.toBeInstanceOf(FutureRevision)
    })

    it('lets a deleted key come back meanwhile', async () => {
      await put('/a', '1')
      await remove('/a')
      const compaction = store.compact(store.revision)
      const back = put('/a', 'back', 0)
      await Promise.all([compaction, back])
      await put('/b', '1')
      await store.compact(store.revision)
      expect(await valuesOf('/')).toEqual(['/a=back', '/b=1'])
      await remove('/a')
      await store.compact(store.revision)
      expect(await valuesOf('/')).toEqual(['/b=1'])
    })

    it('goes over many changes without holding up writes', async () => {
      for (let round = 0; round < 3; round++)
        await Promise.all(Array.from({ length: 1_200 }, (_, i) => put(`/p/${i}`, `${round}`)))
      await Promise.all(Array.from({ length: 600 }, (_, i) => remove(`/p/${i}`)))
      const at = store.revision
      const compaction = store.compact(at)
      await put('/during', '1')
      await compaction
      const { entries } = await store.list('/p/')
      expect(entries).toHaveLength(600)
      expect(entries.every((e) => e.value.toString() === '2')).toBe(true)
      expect((await store.list('/p/', { revision: at })).entries).toHaveLength(600)
    })
  })

  describe('closing', () => {
    it('waits for accepted writes and ends the watches', async () => {
      const recorder = new Recorder()
      store.watch('/', 1, recorder)
      const written = put('/a', '1')
      await store.close()
      expect(await written).toBe(2)
      expect(recorder.events).toHaveLength(1)
      expect(recorder.ended).toEqual({ error: undefined })
    })

    it('refuses everything afterwards', async () => {
      await store.close()
      await store.close()
      await expect(store.write({ key: '/a', expected: 0, value: null })).rejects.toBeInstanceOf(StoreUnavailable)
      await expect(store.get('/a')).rejects.toBeInstanceOf(StoreUnavailable)
      await expect(store.list('/a')).rejects.toBeInstanceOf(StoreUnavailable)
      await expect(store.compact(1)).rejects.toBeInstanceOf(StoreUnavailable)
      expect(() => store.watch('/a', 1, new Recorder())).toThrow(StoreUnavailable)
    })
  })

  it('does what the model does, for any program', async () => {
    await fc.assert(
      fc.asyncProperty(operations, async (program) => {
        const fresh = await open()
        try {
          await checkProgram(fresh, program)
        } finally {
          await fresh.close()
        }
      }),
      { numRuns: runs },
    )
  })
}
