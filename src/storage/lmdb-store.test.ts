import fc from 'fast-check'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open as openLmdb } from 'lmdb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { LmdbFile, StoreCorrupt, StoreLocked, type Commit } from './lmdb-file.ts'
import { LmdbStore, openLmdbStore } from './lmdb-store.ts'
import { checkProgram, operations, StoreModel } from './store-model.ts'
import { Recorder, storeSuite } from './store-suite.ts'
import { FIRST_REVISION, StoreUnavailable, type Store } from './store.ts'

let parent: string
let count = 0
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'rostrum-store-'))
})
afterAll(() => rm(parent, { recursive: true }))

const freshPath = () => join(parent, `store-${count++}`)
const openAt = (path: string) => openLmdbStore({ path, clock: systemClock })
const put = (store: Store, key: string, value: string | Buffer) =>
  store.write({ key, expected: store.latestRevision(key) ?? 0, value: Buffer.from(value) })

describe('the store in lmdb', () => {
  storeSuite(() => openAt(freshPath()))
})

describe('the store in lmdb with room to cache one entry', () => {
  storeSuite(() => openLmdbStore({ path: freshPath(), clock: systemClock, cacheBytes: 500 }), 20)
})

describe('opening again', () => {
  it('finds everything as it was, and goes on from there, for any program', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operations, { minLength: 2, maxLength: 3 }), async (programs) => {
        const path = freshPath()
        const model = new StoreModel()
        for (const program of programs) {
          const store = await openAt(path)
          try {
            await checkProgram(store, program, model)
          } finally {
            await store.close()
          }
        }
      }),
      { numRuns: 20 },
    )
  })

  it('keeps the revision when compaction has removed the last change', async () => {
    const path = freshPath()
    const store = await openAt(path)
    await put(store, '/a', '1')
    await store.write({ key: '/a', expected: 2, value: null })
    await store.compact(3)
    await store.close()
    const again = await openAt(path)
    expect(again).toMatchObject({ revision: 3, compacted: 3 })
    expect(await put(again, '/b', '1')).toBe(4)
    await again.close()
  })

  it('finishes a compaction that was cut short', async () => {
    const path = freshPath()
    const file = new LmdbFile(path, systemClock)
    const store = new LmdbStore(file, 0)
    for (const value of ['1', '2', '3']) await put(store, '/a', value)
    await file.commit({ appended: [], compacted: 4 })
    await store.close()
    const again = await openAt(path)
    await expect(again.get('/a', 3)).rejects.toMatchObject({ name: 'Compacted', compacted: 4 })
    await again.compact(4)
    await again.close()
    const swept = new LmdbFile(path, systemClock)
    expect([...swept.changesAfter(0)].map((change) => change.revision)).toEqual([4])
    expect(swept.value(3)).toBeUndefined()
    await swept.close()
  })

  it('holds no deleted keys in memory after compaction', async () => {
    const store = new LmdbStore(new LmdbFile(freshPath(), systemClock), 0)
    await Promise.all(Array.from({ length: 30 }, (_, i) => put(store, `/k${i}`, '1')))
    for (let i = 0; i < 20; i++) await store.write({ key: `/k${i}`, expected: 2 + i, value: null })
    expect(store.keyCount).toBe(30)
    await store.compact(store.revision)
    expect(store.keyCount).toBe(10)
    await store.close()
  })

  it('leaves directory and files to their owner', async () => {
    const path = freshPath()
    mkdirSync(path, { mode: 0o755 })
    const store = await openAt(path)
    const modeOf = (name: string) => (statSync(join(path, name)).mode & 0o777).toString(8)
    expect([modeOf('.'), modeOf('data.mdb'), modeOf('lock.mdb')]).toEqual(['700', '600', '600'])
    await store.close()
  })
})

describe('a commit that is on disk and not published yet', () => {
  class HeldFile extends LmdbFile {
    held = Promise.resolve()

    override async commit(commit: Commit): Promise<void> {
      await super.commit(commit)
      await this.held
    }
  }

  it('is shown to nobody', async () => {
    const file = new HeldFile(freshPath(), systemClock)
    const store = new LmdbStore(file, 0)
    await put(store, '/a', 'old')
    let letGo = () => {}
    file.held = new Promise((resolve) => (letGo = resolve))
    const written = put(store, '/a', 'new')
    while (file.change(3) === undefined) await new Promise((resolve) => setImmediate(resolve))
    const recorder = new Recorder()
    store.watch('/', 1, recorder)
    await recorder.until(1)
    expect(store.revision).toBe(2)
    expect((await store.get('/a'))!.value.toString()).toBe('old')
    expect((await store.list('/')).entries[0]!.value.toString()).toBe('old')
    expect(recorder.lines).toEqual(['put /a old after'])
    letGo()
    await written
    expect(recorder.lines).toEqual(['put /a old after', 'put /a new after old'])
    await store.close()
  })
})

describe('a failed commit', () => {
  class FailingFile extends LmdbFile {
    failures = 0

    override async commit(commit: Commit): Promise<void> {
      if (this.failures-- > 0) throw new StoreUnavailable('the disk is full')
      return super.commit(commit)
    }
  }

  it('fails everything that waits, leaves no trace, and does not keep later writes from succeeding', async () => {
    const path = freshPath()
    const file = new FailingFile(path, systemClock)
    const store = new LmdbStore(file, 1 << 20)
    const recorder = new Recorder()
    store.watch('/', 1, recorder)
    await put(store, '/kept', 'old')
    await put(store, '/gone', 'old')
    file.failures = 1
    const failed = [
      put(store, '/kept', 'new'),
      put(store, '/kept', 'newer'),
      put(store, '/made', '1'),
      store.write({ key: '/gone', expected: 3, value: null }),
      store.write({ key: '/made', expected: 0, value: Buffer.from('collides with what fails') }),
    ]
    for (const outcome of await Promise.allSettled(failed))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'StoreUnavailable' } })
    expect(store.revision).toBe(3)
    expect(store.latest('/kept')).toMatchObject({ revision: 2, value: Buffer.from('old') })
    expect(store.latest('/made')).toBeUndefined()
    expect((await store.list('/')).entries.map((e) => `${e.key}=${e.value}`)).toEqual(['/gone=old', '/kept=old'])
    const revision = await put(store, '/kept', 'after')
    // 4 to 7 were given to the writes that failed.
    expect(revision).toBe(8)
    expect(recorder.events.map((e) => e.revision)).toEqual([2, 3, 8])
    const late = new Recorder()
    store.watch('/', 3, late)
    await late.until(1)
    expect(late.lines).toEqual(['put /kept after after old'])
    await store.close()
    const again = await openAt(path)
    expect((await again.list('/')).entries.map((e) => `${e.key}=${e.value}`)).toEqual(['/gone=old', '/kept=after'])
    await again.close()
  })

  it('fails a compaction, which can be asked for again', async () => {
    const file = new FailingFile(freshPath(), systemClock)
    const store = new LmdbStore(file, 1 << 20)
    await put(store, '/a', '1')
    await put(store, '/a', '2')
    file.failures = 1
    await expect(store.compact(3)).rejects.toBeInstanceOf(StoreUnavailable)
    expect(store.compacted).toBe(0)
    await store.compact(3)
    expect(store.compacted).toBe(3)
    await store.close()
  })
})

describe('what cannot be opened', () => {
  it('is a directory that is open, here or in another process', async () => {
    const path = freshPath()
    const store = await openAt(path)
    await expect(openAt(path)).rejects.toMatchObject({ name: 'StoreLocked', path, pid: process.pid })
    await put(store, '/a', '1')
    await store.close()
    await (await openAt(path)).close()
  })

  it('is not a directory whose owner has died', async () => {
    const path = freshPath()
    await (await openAt(path)).close()
    const dead = Number(execFileSync(process.execPath, ['-p', 'process.pid']).toString())
    const root = openLmdb<string, string>({ path, noSubdir: false, encoding: 'string', overlappingSync: false })
    const owner = { pid: dead, started: '1', boot: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim() }
    const meta = root.openDB<string, string>('meta', { encoding: 'string' })
    await meta.put('owner', JSON.stringify(owner))
    await root.close()
    const reopened = await openAt(path)
    expect(reopened.revision).toBe(FIRST_REVISION)
    await reopened.close()
  })

  const cases: [string, (data: string) => void, RegExp][] = [
    [
      'no lmdb file at all',
      (data) => writeFileSync(data, 'a letter to the landlord'.repeat(1_000)),
      /not an lmdb file/,
    ],
    ['a file of a few bytes', (data) => writeFileSync(data, 'x'), /cut off/],
    ['a file that lost its end', (data) => truncateSync(data, statSync(data).size / 2), /cut off/],
    ['a file that lost its second page', (data) => truncateSync(data, 4_100), /cut off/],
    ['a file full of zeros', (data) => writeFileSync(data, Buffer.alloc(1 << 16)), /not an lmdb file/],
  ]
  it.each(cases)('is %s', async (_, damage, why) => {
    const path = freshPath()
    const store = await openAt(path)
    await Promise.all(Array.from({ length: 300 }, (_, i) => put(store, `/k${i}`, Buffer.alloc(3_000, `${i}`))))
    await store.close()
    damage(join(path, 'data.mdb'))
    const failure = await openAt(path).catch((err: unknown) => err)
    expect(failure).toBeInstanceOf(StoreCorrupt)
    expect((failure as Error).message).toMatch(why)
    expect((failure as Error).message).toContain(path)
  })

  it("is another program's lmdb file, or another format", async () => {
    const foreign = freshPath()
    const root = openLmdb<string, string>({
      path: foreign,
      noSubdir: false,
      encoding: 'string',
      overlappingSync: false,
    })
    await root.openDB<string, string>('theirs', { encoding: 'string' }).put('a', 'b')
    await root.close()
    const before = readFileSync(join(foreign, 'data.mdb'))
    await expect(openAt(foreign)).rejects.toThrow(/belongs to another program/)
    expect(readFileSync(join(foreign, 'data.mdb')).equals(before)).toBe(true)

    const newer = freshPath()
    await (await openAt(newer)).close()
    const ours = openLmdb<string, string>({ path: newer, noSubdir: false, encoding: 'string', overlappingSync: false })
    await ours.openDB<string, string>('meta', { encoding: 'string' }).put('format', 'rostrum-store-99')
    await ours.close()
    await expect(openAt(newer)).rejects.toThrow(/rostrum-store-99/)
  })

  it('is not a file whose free end was cut off', async () => {
    const path = freshPath()
    const store = await openAt(path)
    await put(store, '/a', '1')
    const whole = statSync(join(path, 'data.mdb')).size
    for (let i = 0; i < 3; i++) await store.write({ key: `/b${i}`, expected: 0, value: Buffer.alloc(1 << 20) })
    for (let i = 0; i < 3; i++) await store.write({ key: `/b${i}`, expected: 3 + i, value: null })
    await store.compact(store.revision)
    await put(store, '/a', '2')
    await store.close()
    expect(statSync(join(path, 'data.mdb')).size).toBeGreaterThan(whole + (3 << 20))
    const copy = freshPath()
    mkdirSync(copy)
    copyFileSync(join(path, 'data.mdb'), join(copy, 'data.mdb'))
    truncateSync(join(copy, 'data.mdb'), whole + (2 << 20))
    const again = await openAt(copy)
    expect((await again.list('/')).entries.map((e) => `${e.key}=${e.value}`)).toEqual(['/a=2'])
    await again.close()
  })

  it('says who holds the lock', () => {
    expect(new StoreLocked('/data', 7).message).toMatch(/process 7/)
  })
})
