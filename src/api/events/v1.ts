/**
 * Event in its newer form, and the series that repeated events are collected in. Stored together with core/v1
 * events.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { EventSource } from '#api/core/v1/event.ts'
import { ObjectReference } from '#api/core/v1/shared.ts'

export const EventSeries = message('events.v1.EventSeries', 'How often an event was repeated, and when last.', {
  count: f.int32(1, 'Number of times the event has happened so far.').required(),
  lastObservedTime: f.microTime(2, 'When the event was last seen.').required(),
})
export interface EventSeries extends Infer<typeof EventSeries> {}

export const Event = kind(
  'events.k8s.io',
  'v1',
  'Event',
  'Report of something that happened to an object; kept for a limited time.',
  {
    eventTime: f.microTime(2, 'When the event first happened.').required(),
    series: f.message(EventSeries, 3, 'Set once an event repeats; counts the repetitions.'),
    reportingController: f.string(4, 'Name of the controller that reports, such as kubernetes.io/kubelet.'),
    reportingInstance: f.string(5, 'Which instance of the controller reports, such as kubelet-xyz.'),
    action: f.string(6, 'What was done or failed, in machine-readable form, at most 128 characters.'),
    reason: f.string(7, 'Why it was done, in machine-readable form, at most 128 characters.'),
    regarding: f.message(ObjectReference, 8, 'Object that the event is about.').present(),
    related: f.message(ObjectReference, 9, 'Second object that was involved, if there is one.'),
    note: f.string(10, 'Description for people, at most 1024 bytes.'),
    type: f.string(11, 'Normal or Warning; more may follow in future.'),
    deprecatedSource: f.message(EventSource, 12, 'Reporting component, as in core/v1 events.').present(),
    deprecatedFirstTimestamp: f.time(13, 'First occurrence, as in core/v1 events.'),
    deprecatedLastTimestamp: f.time(14, 'Latest occurrence, as in core/v1 events.'),
    deprecatedCount: f.int32(15, 'Number of occurrences, as in core/v1 events.'),
  },
)
export interface Event extends Infer<typeof Event> {}
