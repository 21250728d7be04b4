import { afterEach, describe, expect, it } from 'vitest'
import { FakeClock } from '#base/fake-clock.ts'
import { silentLog } from '#base/log.ts'
import { seededRandom } from '#base/random.ts'
import type { ConfigMap } from '#api/core/v1/config.ts'
import { configMaps, events, namespaces } from '#api/resources.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { Client } from './client.ts'
import { createEventRecorder, type EventRecorder } from './event-recorder.ts'
import type { Transport } from './transport.ts'

let cluster: InProcessApi
let clock: FakeClock
let object: ConfigMap
afterEach(() => cluster.close())

async function start(
  wrap: (transport: Transport) => Transport = (t) => t,
  queueLimit?: number,
): Promise<EventRecorder> {
  clock = new FakeClock()
  cluster = await startInProcessApi({ clock })
  await cluster.client.create(namespaces, { metadata: { name: 'ns' } })
  object = await cluster.client.create(configMaps, { metadata: { name: 'thing', namespace: 'ns' } })
  const client = new Client(wrap(cluster.transport))
  const { signal } = cluster
  return createEventRecorder({
    client,
    clock,
    random: seededRandom(1),
    log: silentLog,
    component: 'test',
    host: 'n1',
    queueLimit,
    signal,
  })
}
const written = async () => (await cluster.client.list(events, { namespace: 'ns' })).items

describe('the event recorder', () => {
  it('writes who saw what happen to which object', async () => {
    const recorder = await start()
    recorder.as('other').event(object, 'Warning', 'Broken', 'It broke.')
    await recorder.flushed()
    const [event] = await written()
    expect(event).toMatchObject({
      involvedObject: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'ns', name: 'thing', uid: object.metadata.uid },
      type: 'Warning',
      reason: 'Broken',
      message: 'It broke.',
      source: { component: 'other', host: 'n1' },
      count: 1,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
    })
    expect(event!.metadata.name).toMatch(/^thing\.[0-9a-f]{16}$/)
  })

  it('counts repetitions on the same event', async () => {
    const recorder = await start()
    for (let i = 0; i < 3; i++) {
      recorder.event(object, 'Normal', 'Again', 'Once more.')
      await clock.advance(60_000)
    }
    await recorder.flushed()
    expect(await written()).toMatchObject([
      { count: 3, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:02:00Z' },
    ])
  })

  it('writes a counted event anew when it has expired', async () => {
    const recorder = await start()
    recorder.event(object, 'Normal', 'Again', 'Once more.')
    await recorder.flushed()
    await cluster.client.deleteCollection(events, { namespace: 'ns' })
    recorder.event(object, 'Normal', 'Again', 'Once more.')
    await recorder.flushed()
    expect(await written()).toMatchObject([{ count: 2 }])
  })

  it('tries again while the server cannot be reached', async () => {
    let failures = 2
    const recorder = await start((transport) => ({
      ...transport,
      call: (request, signal) =>
        request.resource === (events as never) && failures-- > 0
          ? Promise.reject(new Error('unreachable'))
          : transport.call(request, signal),
    }))
    recorder.event(object, 'Normal', 'Late', 'Better than never.')
    await clock.advance(30_000)
    await recorder.flushed()
    expect(await written()).toHaveLength(1)
  })

  it('drops what does not fit into its queue rather than wait', async () => {
    const recorder = await start(undefined, 5)
    for (let i = 0; i < 9; i++) recorder.event(object, 'Normal', `Reason${i}`, 'x')
    await recorder.flushed()
    expect(await written()).toHaveLength(5)
  })

  it('gives up on what the server refuses', async () => {
    const recorder = await start()
    recorder.event({ apiVersion: 'v1', kind: 'Pod', namespace: 'nowhere', name: 'p' }, 'Normal', 'Lost', 'x')
    await recorder.flushed()
    expect(await written()).toEqual([])
  })
})
