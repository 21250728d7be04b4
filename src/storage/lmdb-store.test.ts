import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { openLmdbStore } from './lmdb-store.ts'
import { storeSuite } from './store-suite.ts'

let parent: string
let count = 0
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'rostrum-store-'))
})
afterAll(() => rm(parent, { recursive: true }))

const freshPath = () => join(parent, `store-${count++}`)

describe('the store in lmdb', () => {
  storeSuite(() => openLmdbStore({ path: freshPath(), clock: systemClock }))
})

describe('the store in lmdb with room to cache one entry', () => {
  storeSuite(() => openLmdbStore({ path: freshPath(), clock: systemClock, cacheBytes: 500 }), 20)
})
