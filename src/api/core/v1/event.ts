/** @@HEAD core/v1/event.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { ObjectReference } from './shared.ts'

export const EventSeries = message('core.v1.EventSeries', '', {
  count: f.int32(1, ''),
  lastObservedTime: f.microTime(2, ''),
})
export interface EventSeries extends Infer<typeof EventSeries> {}

export const EventSource = message('core.v1.EventSource', '', {
  component: f.string(1, ''),
  host: f.string(2, ''),
})
export interface EventSource extends Infer<typeof EventSource> {}

export const Event = kind('', 'v1', 'Event', '', {
  involvedObject: f.message(ObjectReference, 2, '').required(),
  reason: f.string(3, ''),
  message: f.string(4, ''),
  source: f.message(EventSource, 5, ''),
  firstTimestamp: f.time(6, ''),
  lastTimestamp: f.time(7, ''),
  count: f.int32(8, ''),
  type: f.string(9, ''),
  eventTime: f.microTime(10, ''),
  series: f.message(EventSeries, 11, ''),
  action: f.string(12, ''),
  related: f.message(ObjectReference, 13, ''),
  reportingComponent: f.string(14, ''),
  reportingInstance: f.string(15, ''),
})
export interface Event extends Infer<typeof Event> {}
