/**
 * The core Event and its parts: short-lived reports by components about what happened to an object. The events
 * group serves the same stored objects in a newer shape.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { ObjectReference } from './shared.ts'

export const EventSeries = message(
  'core.v1.EventSeries',
  'Tells how often a repeating event was seen, and when last.',
  {
    count: f.int32(1, 'Number of occurrences in this series up to the last observed time.'),
    lastObservedTime: f.microTime(2, 'When the most recent occurrence in the series was seen.'),
  },
)
export interface EventSeries extends Infer<typeof EventSeries> {}

export const EventSource = message(
  'core.v1.EventSource',
  'Names the component that reported an event, and where it runs.',
  {
    component: f.string(1, 'Component that produced the event, such as kubelet.'),
    host: f.string(2, 'Node on which the reporting component runs.'),
  },
)
export interface EventSource extends Infer<typeof EventSource> {}

export const Event = kind(
  '',
  'v1',
  'Event',
  'A report that something happened to an object; best effort, and deleted after a while.',
  {
    involvedObject: f.message(ObjectReference, 2, 'Object the event is about.').required().present(),
    reason: f.string(3, 'Short machine-readable cause in CamelCase, such as FailedScheduling.'),
    message: f.string(4, 'Human-readable description of what happened.'),
    source: f.message(EventSource, 5, 'Component that reported the event; older form of reportingComponent.').present(),
    firstTimestamp: f.time(6, 'When the event was first recorded.'),
    lastTimestamp: f.time(7, 'When the event was most recently recorded.'),
    count: f.int32(8, 'How many times this event has occurred.'),
    type: f.string(9, 'Severity class of the event: Normal or Warning.'),
    eventTime: f.microTime(10, 'When the event was first observed, with microseconds.'),
    series: f.message(EventSeries, 11, 'Repetition data; absent when the event happened only once.'),
    action: f.string(12, 'What was done, or failed to be done, regarding the involved object.'),
    related: f.message(ObjectReference, 13, 'Second object that takes part in the event, if any.'),
    reportingComponent: f.string(14, 'Name of the reporting controller, such as kubernetes.io/kubelet.').present(),
    reportingInstance: f.string(15, 'Identifier of the reporting process, such as its pod or host name.').present(),
  },
)
export interface Event extends Infer<typeof Event> {}
