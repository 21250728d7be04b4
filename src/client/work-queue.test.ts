import { describe, expect, it } from 'vitest'
import { FakeClock } from '#base/fake-clock.ts'
import { TerminalError } from '#base/errors.ts'
import { silentLog } from '#base/log.ts'
import { runWorkers, WorkQueue } from './work-queue.ts'

function setUp() {
  const clock = new FakeClock()
  return { clock, queue: new WorkQueue({ clock }) }
}

describe('WorkQueue', () => {
  it('hands out a key once, however often it was added', async () => {
    const { queue } = setUp()
    queue.add('a')
    queue.add('b')
    queue.add('a')
    expect([await queue.get(), await queue.get()]).toEqual(['a', 'b'])
    expect(queue.length).toBe(0)
  })

  it('holds back a key added while it is being worked on until it is done', async () => {
    const { queue } = setUp()
    queue.add('a')
    const key = await queue.get()
    queue.add('a')
    expect(queue.length).toBe(0)
    queue.done(key!)
    expect(queue.length).toBe(1)
  })

  it('hands a key to whoever has waited longest', async () => {
    const { queue } = setUp()
    const waiting = [queue.get(), queue.get()]
    queue.add('a')
    queue.add('b')
    expect(await Promise.all(waiting)).toEqual(['a', 'b'])
  })

  it('keeps the earliest of several delays of a key', async () => {
    const { clock, queue } = setUp()
    queue.addAfter('a', 500)
    queue.addAfter('a', 100)
    queue.addAfter('b', 50)
    queue.addAfter('a', 900)
    await clock.advance(99)
    expect([queue.length, await queue.get()]).toEqual([1, 'b'])
    await clock.advance(1)
    expect([queue.length, await queue.get()]).toEqual([1, 'a'])
    expect(clock.pendingCount).toBe(0)
  })

  it('doubles the delay of a failing key until it is forgotten', async () => {
    const { clock, queue } = setUp()
    for (const delayMs of [5, 10, 20, 40]) {
      queue.addRateLimited('a')
      await clock.advance(delayMs - 1)
      expect(queue.length).toBe(0)
      await clock.advance(1)
      queue.done((await queue.get())!)
    }
    expect(queue.retries('a')).toBe(4)
    queue.forget('a')
    queue.addRateLimited('a')
    await clock.advance(5)
    expect(queue.length).toBe(1)
  })

  it('never delays a key by more than the limit', async () => {
    const { clock, queue } = setUp()
    for (let i = 0; i < 30; i++) queue.addRateLimited('a')
    await clock.advance(1_000_000)
    expect(queue.length).toBe(1)
  })

  it('slows all retries down once they are more than the bucket holds', async () => {
    const clock = new FakeClock()
    const queue = new WorkQueue({ clock, retriesPerSecond: 10, retryBurst: 2 })
    for (const key of ['a', 'b', 'c', 'd']) queue.addRateLimited(key)
    await clock.advance(5)
    expect(queue.length).toBe(2)
    await clock.advance(95)
    expect(queue.length).toBe(3)
    await clock.advance(100)
    expect(queue.length).toBe(4)
  })

  it('drains on shutdown: hands out what is there, takes no more', async () => {
    const { queue } = setUp()
    queue.add('a')
    let isDrained = false
    const drained = queue.shutDownWithDrain().then(() => (isDrained = true))
    queue.add('b')
    const key = await queue.get()
    expect(key).toBe('a')
    expect(await queue.get()).toBeUndefined()
    expect(isDrained).toBe(false)
    queue.done(key!)
    expect(await drained).toBe(true)
  })
})

describe('runWorkers', () => {
  it('works on at most so many keys at a time, and on each of them', async () => {
    const { clock, queue } = setUp()
    const stop = new AbortController()
    let [running, most] = [0, 0]
    const seen: string[] = []
    const done = runWorkers(
      queue,
      3,
      async (key) => {
        most = Math.max(most, ++running)
        await new Promise<void>((resolve) => clock.after(10, resolve))
        running--
        seen.push(key)
      },
      { log: silentLog, signal: stop.signal },
    )
    for (let i = 0; i < 10; i++) queue.add(String(i))
    await clock.advance(100)
    expect(seen.toSorted()).toEqual([...Array(10).keys()].map(String))
    expect(most).toBe(3)
    stop.abort()
    await done
  })

  it('retries what fails, but not a TerminalError, and requeues what asks for it', async () => {
    const { clock, queue } = setUp()
    const stop = new AbortController()
    const runs = { flaky: 0, broken: 0, periodic: 0 }
    const done = runWorkers(
      queue,
      2,
      async (key) => {
        const count = ++runs[key as keyof typeof runs]
        if (key === 'flaky' && count < 3) throw new Error('not yet')
        if (key === 'broken') throw new TerminalError('never')
        if (key === 'periodic' && count < 3) return { requeueAfterMs: 1_000 }
      },
      { log: silentLog, signal: stop.signal },
    )
    for (const key of Object.keys(runs)) queue.add(key)
    await clock.advance(5_000)
    expect(runs).toEqual({ flaky: 3, broken: 1, periodic: 3 })
    expect(queue.retries('flaky')).toBe(0)
    stop.abort()
    await done
  })
})
