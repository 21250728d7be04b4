import { describe, expect, it } from 'vitest'
import { EntryCache } from './entry-cache.ts'
import type { StoreEntry } from './store.ts'

const entryOf = (revision: number, bytes: number, attachment?: unknown): StoreEntry => ({
  key: `/k${revision}`,
  value: Buffer.alloc(bytes),
  revision,
  attachment,
})

describe('the entry cache', () => {
  it('stays within its budget, whatever is put and used', () => {
    const cache = new EntryCache(10_000)
    for (let revision = 1; revision <= 500; revision++) {
      cache.put(entryOf(revision, (revision * 37) % 2_000))
      cache.get(revision - 3)
      expect(cache.bytes).toBeLessThanOrEqual(10_000)
    }
    expect(cache.size).toBeGreaterThan(3)
  })

  it('drops what was not used before what was', () => {
    const cache = new EntryCache(4_000)
    for (const revision of [1, 2, 3]) cache.put(entryOf(revision, 1_000))
    cache.get(1)
    cache.put(entryOf(4, 1_000))
    expect([1, 2, 3, 4].filter((revision) => cache.peek(revision))).toEqual([1, 3, 4])
  })

  it('counts decoded attachments, refuses what is larger than itself, and takes the optional only if there is room', () => {
    const cache = new EntryCache(4_000)
    cache.put(entryOf(1, 1_000, {}))
    expect(cache.peek(1)).toBeUndefined()
    cache.put(entryOf(2, 3_000))
    cache.putIfRoom(entryOf(3, 1_000))
    expect(cache.peek(3)).toBeUndefined()
    cache.putIfRoom(entryOf(4, 10))
    expect(cache.peek(4)).toBeDefined()
  })

  it('gives room back', () => {
    const cache = new EntryCache(4_000)
    cache.put(entryOf(1, 1_000))
    cache.delete(1)
    cache.delete(1)
    expect(cache.bytes).toBe(0)
    cache.put(entryOf(2, 1_000))
    cache.clear()
    expect([cache.bytes, cache.size]).toEqual([0, 0])
  })
})
