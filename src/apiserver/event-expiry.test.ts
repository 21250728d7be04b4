import { expect, it } from 'vitest'
import { events } from '#api/resources.ts'
import { FakeClock } from '#base/fake-clock.ts'
import { startTestServer } from '#testing/test-server.ts'

it('events are forgotten an hour after they were last seen', async () => {
  const clock = new FakeClock(Date.UTC(2026, 0, 1))
  await using server = await startTestServer({ clock })
  const put = (name: string, extra: object) =>
    server.client.create(events, {
      metadata: { namespace: 'default', name },
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
      ...extra,
    } as never)
  const names = async () => (await server.client.list(events)).items.map(({ metadata }) => metadata.name)
  await Promise.all(Array.from({ length: 60 }, (_, i) => put(`old-${i}`, { lastTimestamp: '2026-01-01T00:00:00Z' })))
  await put('seen-again', { lastTimestamp: '2026-01-01T00:00:00Z' })
  await put('later', { lastTimestamp: '2026-01-01T00:30:00Z' })
  await clock.advance(3_500_000)
  expect(await names()).toHaveLength(62)
  await server.client.patch(
    events,
    { namespace: 'default', name: 'seen-again' },
    { lastTimestamp: '2026-01-01T00:58:00Z' },
  )
  await clock.advance(160_000)
  await expect.poll(names).toEqual(['later', 'seen-again'])
  await clock.advance(1_800_000)
  await expect.poll(names).toEqual(['seen-again'])
  await clock.advance(1_800_000)
  await expect.poll(names).toEqual([])
})
