/** @@HEAD events/v1.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { EventSource } from '#api/core/v1/event.ts'
import { ObjectReference } from '#api/core/v1/shared.ts'

export const EventSeries = message('events.v1.EventSeries', '', {
  count: f.int32(1, '').required(),
  lastObservedTime: f.microTime(2, '').required(),
})
export interface EventSeries extends Infer<typeof EventSeries> {}

export const Event = kind('events.k8s.io', 'v1', 'Event', '', {
  eventTime: f.microTime(2, '').required(),
  series: f.message(EventSeries, 3, ''),
  reportingController: f.string(4, ''),
  reportingInstance: f.string(5, ''),
  action: f.string(6, ''),
  reason: f.string(7, ''),
  regarding: f.message(ObjectReference, 8, ''),
  related: f.message(ObjectReference, 9, ''),
  note: f.string(10, ''),
  type: f.string(11, ''),
  deprecatedSource: f.message(EventSource, 12, ''),
  deprecatedFirstTimestamp: f.time(13, ''),
  deprecatedLastTimestamp: f.time(14, ''),
  deprecatedCount: f.int32(15, ''),
})
export interface Event extends Infer<typeof Event> {}
