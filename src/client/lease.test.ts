import { afterEach, describe, expect, it } from 'vitest'
import { FakeClock } from '#base/fake-clock.ts'
import { silentLog } from '#base/log.ts'
import { seededRandom } from '#base/random.ts'
import { leases, namespaces } from '#api/resources.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { Client } from './client.ts'
import { LeaseHolder, runLeaseHeartbeat } from './lease.ts'
import type { Transport } from './transport.ts'

let cluster: InProcessApi
let clock: FakeClock
afterEach(() => cluster.close())

async function start(): Promise<void> {
  clock = new FakeClock()
  cluster = await startInProcessApi({ clock })
  await cluster.client.create(namespaces, { metadata: { name: 'ns' } })
}
const lease = async () => (await cluster.client.get(leases, { namespace: 'ns', name: 'boss' })).spec

/** A program that wants the lease, can be cut off from the server, and counts how often it worked. */
class Candidate {
  readonly holder: LeaseHolder
  readonly stop = new AbortController()
  readonly seen: string[] = []
  isWorking = false
  isCutOff = false
  done: Promise<void>

  constructor(identity: string, seed: number) {
    const transport: Transport = {
      call: (request, signal) =>
        this.isCutOff ? Promise.reject(new Error('unreachable')) : cluster.transport.call(request, signal),
      watch: (request, sink) => cluster.transport.watch(request, sink),
    }
    this.holder = new LeaseHolder({
      client: new Client(transport),
      clock,
      random: seededRandom(seed),
      log: silentLog,
      namespace: 'ns',
      name: 'boss',
      identity,
      onHolder: (holder) => this.seen.push(holder),
    })
    this.done = this.holder.run(this.stop.signal, async (signal) => {
      this.isWorking = true
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      this.isWorking = false
    })
  }
}
/** Advances, and makes sure that at no time two work. */
async function pass(seconds: number, candidates: Candidate[]): Promise<void> {
  for (let i = 0; i < seconds * 4; i++) {
    await clock.advance(250)
    expect(candidates.filter(({ isWorking }) => isWorking).length).toBeLessThanOrEqual(1)
    for (const { isWorking, holder } of candidates) if (isWorking) expect(holder.isHolder).toBe(true)
  }
}

describe('LeaseHolder', () => {
  it('lets one of several work, and another take over when it gives up', async () => {
    await start()
    const [a, b] = [new Candidate('a', 1), new Candidate('b', 2)]
    await pass(30, [a, b])
    const [first, second] = a.isWorking ? [a, b] : [b, a]
    expect([first.isWorking, second.isWorking]).toEqual([true, false])
    expect(await lease()).toMatchObject({ leaseDurationSeconds: 15, leaseTransitions: 0 })
    first.stop.abort()
    await pass(6, [a, b])
    await first.done
    expect(second.isWorking).toBe(true)
    expect(await lease()).toMatchObject({ leaseTransitions: 1 })
    expect(second.seen).toHaveLength(2)
    second.stop.abort()
    await pass(1, [a, b])
    await second.done
    expect((await lease()).holderIdentity ?? '').toBe('')
  })

  it('stops working when it cannot renew, before another begins', async () => {
    await start()
    const a = new Candidate('a', 1)
    await pass(3, [a])
    const b = new Candidate('b', 2)
    await pass(3, [a, b])
    a.isCutOff = true
    await pass(11, [a, b])
    expect([a.isWorking, b.isWorking]).toEqual([false, false])
    await pass(12, [a, b])
    expect(b.isWorking).toBe(true)
    b.stop.abort()
    await pass(1, [a, b])
    await Promise.all([a.done, b.done])
  })

  it('refuses times that would let two work at once', async () => {
    await start()
    const options = {
      client: cluster.client,
      clock,
      random: seededRandom(1),
      log: silentLog,
      namespace: 'ns',
      name: 'x',
      identity: 'x',
    }
    expect(() => new LeaseHolder({ ...options, durationMs: 10_000, renewDeadlineMs: 10_000 })).toThrow(RangeError)
  })
})

describe('a lease heartbeat', () => {
  it('creates the lease, and renews it four times in its duration', async () => {
    await start()
    const stop = new AbortController()
    const owner = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'u1' }
    const options = {
      client: cluster.client,
      clock,
      random: seededRandom(1),
      log: silentLog,
      namespace: 'ns',
      name: 'boss',
    }
    const done = runLeaseHeartbeat({ ...options, identity: 'n1', owners: () => [owner] }, stop.signal)
    await clock.advance(1_000)
    const created = await cluster.client.get(leases, { namespace: 'ns', name: 'boss' })
    expect(created).toMatchObject({
      metadata: { ownerReferences: [owner] },
      spec: { holderIdentity: 'n1', leaseDurationSeconds: 40 },
    })
    await clock.advance(40_000)
    const { renewTime } = await lease()
    expect(renewTime! > created.spec.renewTime!).toBe(true)
    expect(Date.parse(renewTime!)).toBeGreaterThan(clock.now() - 11_000)
    await cluster.client.delete(leases, { namespace: 'ns', name: 'boss' })
    await clock.advance(20_000)
    expect((await lease()).holderIdentity).toBe('n1')
    stop.abort()
    await done
  })
})
