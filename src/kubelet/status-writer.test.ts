import { describe, expect, it } from 'vitest'
import { FakeClock } from '#base/fake-clock.ts'
import { silentLog } from '#base/log.ts'
import type { Pod, PodStatus } from '#api/core/v1/pod.ts'
import { Client } from '#client/client.ts'
import type { ApiRequest } from '#client/transport.ts'
import { notFound, StatusError } from '#machinery/status-error.ts'
import { makePod } from './fixtures.ts'
import { StatusWriter } from './status-writer.ts'

/** An API that has one pod, and keeps what it is sent as far as `keep` says. */
class OnePodApi {
  pod: Pod | undefined
  readonly calls: string[] = []
  failures: Error[] = []
  keep = (status: PodStatus) => status
  readonly client = new Client({
    call: async (request) => this.#answer(request),
    watch: () => () => {},
  })

  constructor(pod: Pod) {
    this.pod = pod
  }

  #answer({ verb, body }: ApiRequest) {
    const failure = this.failures.shift()
    this.calls.push(`${verb}${failure ? ' failed' : ''}`)
    if (failure) throw failure
    if (!this.pod) throw notFound({ group: '', plural: 'pods' }, 'web')
    if (verb === 'delete') {
      this.pod = undefined
      return undefined
    }
    const status = this.keep((body as Pod).status)
    const resourceVersion = String(Number(this.pod.metadata.resourceVersion) + 1)
    this.pod = {
      ...this.pod,
      metadata: { ...this.pod.metadata, resourceVersion },
      status: { ...this.pod.status, ...status },
    }
    return this.pod
  }
}

const setUp = (pod = makePod()) => {
  const clock = new FakeClock()
  const api = new OnePodApi(pod)
  return { clock, api, pod, writer: new StatusWriter({ client: api.client, clock, log: silentLog }) }
}

describe('StatusWriter', () => {
  it('sends what changed, and nothing when nothing did', async () => {
    const { api, clock, pod, writer } = setUp()
    writer.set(pod, { phase: 'Pending' })
    await clock.advance(0)
    writer.set(pod, { phase: 'Pending' })
    writer.observe(api.pod!)
    await clock.advance(1000)
    expect(api.calls).toEqual(['patch'])
  })

  it('lets a better status replace one that waits', async () => {
    const { api, clock, pod, writer } = setUp()
    writer.set(pod, { phase: 'Pending' }, { delayMs: 400 })
    await clock.advance(100)
    writer.set(pod, { phase: 'Running' })
    await clock.advance(1000)
    expect(api.calls).toEqual(['patch'])
    expect(api.pod!.status.phase).toBe('Running')
    expect(clock.pendingCount).toBe(0)
  })

  it('tries again, and gives up on a pod that is gone', async () => {
    const { api, clock, pod, writer } = setUp()
    api.failures = [new Error('down'), new StatusError('Conflict', 'somebody was faster')]
    writer.set(pod, { phase: 'Running' })
    await clock.advance(1000)
    expect(api.calls).toEqual(['patch failed', 'patch failed', 'patch'])
    api.pod = undefined
    writer.set(pod, { phase: 'Pending' })
    await clock.advance(60_000)
    expect(api.calls).toHaveLength(4)
  })

  it('deletes the object only when the API asked for it, nothing runs and the phase is final', async () => {
    const { api, clock, pod, writer } = setUp()
    writer.finish(pod, { phase: 'Succeeded' })
    await clock.advance(0)
    expect(api.calls).toEqual(['patch'])
    const { metadata } = api.pod!
    writer.observe({
      ...api.pod!,
      metadata: { ...metadata, resourceVersion: '9', deletionTimestamp: '2026-01-01T00:00:00Z' },
    })
    await clock.advance(0)
    expect(api.calls).toEqual(['patch', 'delete'])
  })

  it('does not shout at an API that does not keep what it is told', async () => {
    const { api, clock, pod, writer } = setUp()
    api.keep = () => ({})
    writer.set(pod, { phase: 'Running' })
    for (let i = 0; i < 50; i++) {
      await clock.advance(100)
      writer.observe(api.pod!)
    }
    expect(api.calls).toEqual(['patch'])
    await clock.advance(10_000)
    expect(api.calls).toEqual(['patch', 'patch'])
  })
})
