import { describe, expect, it } from 'vitest'
import { FakeClock } from '#base/fake-clock.ts'
import { seededRandom } from '#base/random.ts'
import { MAX_WAITING_REQUESTS, RequestCache, TOKEN_TTL_MS, TooManyRequestsError } from './request-cache.ts'

describe('RequestCache', () => {
  it('gives a request back once', () => {
    const cache = new RequestCache<string>(new FakeClock(), seededRandom(1))
    const token = cache.insert('a')
    expect([cache.consume(token), cache.consume(token), cache.consume('other')]).toEqual(['a', undefined, undefined])
  })

  it('forgets a request after a minute', async () => {
    const clock = new FakeClock()
    const cache = new RequestCache<string>(clock, seededRandom(1))
    const [early, late] = [cache.insert('a'), cache.insert('b')]
    await clock.advance(TOKEN_TTL_MS - 1)
    expect(cache.consume(early)).toBe('a')
    await clock.advance(1)
    expect(cache.consume(late)).toBeUndefined()
  })

  it('holds a limited number, and has room again when they expire', async () => {
    const clock = new FakeClock()
    const cache = new RequestCache<number>(clock, seededRandom(1))
    for (let i = 0; i < MAX_WAITING_REQUESTS; i++) cache.insert(i)
    expect(() => cache.insert(0)).toThrow(TooManyRequestsError)
    await clock.advance(TOKEN_TTL_MS)
    expect(cache.insert(0)).toMatch(/^[\w-]{24}$/)
  })
})
