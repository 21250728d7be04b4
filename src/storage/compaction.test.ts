import { describe, expect, it } from 'vitest'
import { FakeClock } from '#base/fake-clock.ts'
import { planCompaction, startCompaction } from './compaction.ts'
import { createMemoryStore } from './memory-store.ts'
import { StoreUnavailable } from './store.ts'

const MINUTE = 60_000

async function writeEveryMinute(minutes: number, keepMs: number) {
  const clock = new FakeClock()
  const store = createMemoryStore()
  const timer = startCompaction(store, clock, keepMs)
  const currentAt: number[] = []
  for (let minute = 0; minute <= minutes; minute++) {
    currentAt.push(store.revision)
    await store.write({ key: '/a', expected: store.latestRevision('/a') ?? 0, value: Buffer.from(`${minute}`) })
    await clock.advance(MINUTE)
  }
  return { store, timer, clock, currentAt }
}

describe('compaction by age', () => {
  it('keeps everything of the last five minutes, and not much more', async () => {
    const { store, timer, currentAt } = await writeEveryMinute(20, 5 * MINUTE)
    expect(store.compacted).toBeLessThanOrEqual(currentAt[16]!)
    expect(store.compacted).toBeGreaterThanOrEqual(currentAt[15]!)
    timer.cancel()
    await store.close()
  })

  it('forgets nothing before that time has passed', async () => {
    const { store, timer } = await writeEveryMinute(3, 5 * MINUTE)
    expect(store.compacted).toBe(0)
    timer.cancel()
    await store.close()
  })

  it('stops when it is cancelled', async () => {
    const { store, timer, clock } = await writeEveryMinute(10, 5 * MINUTE)
    const { compacted } = store
    timer.cancel()
    await clock.advance(60 * MINUTE)
    expect(clock.pendingCount).toBe(0)
    expect(store.compacted).toBe(compacted)
    await store.close()
  })

  it('tries again after a failure', async () => {
    const clock = new FakeClock()
    const store = createMemoryStore()
    const compact = store.compact.bind(store)
    let failures = 3
    store.compact = async (revision) => {
      if (failures-- > 0) throw new StoreUnavailable('the disk is full')
      await compact(revision)
    }
    const timer = startCompaction(store, clock, 5 * MINUTE)
    await store.write({ key: '/a', expected: 0, value: Buffer.from('1') })
    await clock.advance(5 * MINUTE + 4 * MINUTE)
    expect(failures).toBeLessThan(0)
    expect(store.compacted).toBe(2)
    timer.cancel()
    await store.close()
  })

  it('takes the newest sample that is old enough', () => {
    const samples = [0, 10, 20, 30].map((atMs) => ({ atMs, revision: atMs + 1 }))
    expect(planCompaction(samples, 35, 10)).toEqual({ revision: 21 })
    expect(planCompaction(samples, 9, 10)).toBeUndefined()
  })
})
