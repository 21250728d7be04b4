import { describe, expect, it } from 'vitest'
import { FakeClock } from '#base/fake-clock.ts'
import { configMaps } from '#api/resources.ts'
import { kindCodec } from './codec.ts'
import { RecentEvents } from './recent-events.ts'
import { CachedObject } from './watch-cache.ts'

const codec = kindCodec('v1', 'ConfigMap', configMaps.type)

function room() {
  const clock = new FakeClock()
  const events = new RecentEvents<CachedObject>(clock)
  events.begin(10)
  let revision = 10
  /** One change more, of an object of so many bytes. */
  const change = (bytes = 10) => {
    revision++
    const current = new CachedObject(codec, { key: '/a', revision, value: Buffer.alloc(bytes) })
    events.push([{ revision, current, previous: undefined }])
  }
  const changes = (count: number) => {
    for (let i = 0; i < count; i++) change()
  }
  const revisionsSince = (after: number) => events.since(after)?.map((event) => event.revision)
  return { clock, events, change, changes, revisionsSince, newest: () => revision }
}

describe('recent events', () => {
  it('are those after a revision, from where they began', () => {
    const { changes, revisionsSince } = room()
    expect(revisionsSince(10)).toEqual([])
    changes(4)
    expect(revisionsSince(10)).toEqual([11, 12, 13, 14])
    expect(revisionsSince(12)).toEqual([13, 14])
    expect(revisionsSince(14)).toEqual([])
    expect(revisionsSince(9)).toBeUndefined()
  })

  it('are not too many', () => {
    const { changes, revisionsSince, newest } = room()
    changes(2048)
    expect(revisionsSince(10)).toHaveLength(2048)
    changes(1)
    expect(revisionsSince(newest() - 1025)).toBeUndefined()
    expect(revisionsSince(newest() - 1024)).toHaveLength(1024)
  })

  it('are not too large, and none is kept that is too large alone', () => {
    const { change, revisionsSince, newest } = room()
    for (let i = 0; i < 16; i++) change(1 << 20)
    expect(revisionsSince(10)).toHaveLength(16)
    change(1 << 20)
    expect(revisionsSince(newest() - 9)).toBeUndefined()
    expect(revisionsSince(newest() - 8)).toHaveLength(8)
    change(20 << 20)
    expect(revisionsSince(newest())).toEqual([])
    expect(revisionsSince(newest() - 1)).toBeUndefined()
    change()
    expect(revisionsSince(newest() - 1)).toEqual([newest()])
  })

  it('are not too old, but for the last hundred', async () => {
    const { clock, changes, revisionsSince, newest } = room()
    changes(300)
    await clock.advance(75_000)
    expect(revisionsSince(10)).toHaveLength(300)
    changes(150)
    await clock.advance(75_000)
    expect(revisionsSince(newest() - 151)).toBeUndefined()
    expect(revisionsSince(newest() - 150)).toHaveLength(150)
    await clock.advance(75_000)
    expect(revisionsSince(newest() - 100)).toHaveLength(100)
    expect(revisionsSince(newest() - 101)).toBeUndefined()
    expect(clock.pendingCount).toBe(0)
  })
})
