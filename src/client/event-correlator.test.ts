import { describe, expect, it } from 'vitest'
import { EventCorrelator, type EventDraft } from './event-correlator.ts'

function eventOf(message: string, over: Partial<EventDraft> = {}): EventDraft {
  return {
    metadata: { name: `web.${message}`, namespace: 'default' },
    involvedObject: { kind: 'Pod', namespace: 'default', name: 'web', uid: 'u1', apiVersion: 'v1' },
    reason: 'Failed',
    message,
    source: { component: 'test' },
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
    count: 1,
    type: 'Warning',
    ...over,
  }
}
const fresh = () => 'fresh'

describe('EventCorrelator', () => {
  it('counts repetitions under the name and first time of the first', () => {
    const correlator = new EventCorrelator()
    expect(correlator.correlate(eventOf('a'), 0, fresh)).toMatchObject({ isUpdate: false, event: { count: 1 } })
    const again = eventOf('a', { metadata: { name: 'web.2', namespace: 'default' }, firstTimestamp: 'later' })
    expect(correlator.correlate(again, 1_000, fresh)).toMatchObject({
      isUpdate: true,
      event: { metadata: { name: 'web.a' }, count: 2, firstTimestamp: '2026-01-01T00:00:00Z' },
    })
  })

  it('combines the tenth different message of a reason and those after it', () => {
    const correlator = new EventCorrelator()
    const messages = Array.from({ length: 12 }, (_, i) => correlator.correlate(eventOf(`m${i}`), i, fresh)!)
    expect(messages.slice(0, 9).map((c) => [c.isUpdate, c.event.message])).toEqual(
      Array.from({ length: 9 }, (_, i) => [false, `m${i}`]),
    )
    expect(messages.slice(9).map((c) => [c.isUpdate, c.event.message, c.event.count, c.event.metadata.name])).toEqual([
      [false, '(combined from similar events): m9', 1, 'fresh'],
      [true, '(combined from similar events): m10', 2, 'fresh'],
      [true, '(combined from similar events): m11', 3, 'fresh'],
    ])
  })

  it('starts combining anew when ten minutes passed without one', () => {
    const correlator = new EventCorrelator()
    for (let i = 0; i < 12; i++) correlator.correlate(eventOf(`m${i}`), 0, fresh)
    expect(correlator.correlate(eventOf('late'), 600_001, fresh)?.event.message).toBe('late')
  })

  it('lets 25 events of a source about an object through, then one every five minutes', () => {
    const correlator = new EventCorrelator()
    const written = (nowMs: number) => correlator.correlate(eventOf('a'), nowMs, fresh) !== undefined
    expect(Array.from({ length: 30 }, () => written(0)).filter(Boolean)).toHaveLength(25)
    expect(written(299_999)).toBe(false)
    expect([written(300_000), written(300_000)]).toEqual([true, false])
    expect(correlator.correlate(eventOf('a', { type: 'Normal' }), 0, fresh)).toBeDefined()
  })
})
