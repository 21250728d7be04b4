import { describe } from 'vitest'
import { createMemoryStore } from './memory-store.ts'
import { storeSuite } from './store-suite.ts'

describe('the store in memory', () => {
  storeSuite(async () => createMemoryStore(), 300)
})
