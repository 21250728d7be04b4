/** Events of events.k8s.io/v1 from and to those of core/v1: the same data under other names. */
import type { KubeObject } from '#api/kind.ts'

type Event = Record<string, any> & KubeObject

/** Names in events.k8s.io/v1, and in core/v1. */
const names: readonly (readonly [string, string])[] = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
]
const toCore = new Map(names)
const toEvents = new Map(names.map(([newer, older]) => [older, newer]))

export function eventFromEventsV1(event: Event): KubeObject {
  return { ...renamed(event, toCore), apiVersion: 'v1', kind: 'Event' }
}

export function eventToEventsV1(event: Event): KubeObject {
  return { ...renamed(event, toEvents), apiVersion: 'events.k8s.io/v1', kind: 'Event' }
}

function renamed(event: Event, by: ReadonlyMap<string, string>): KubeObject {
  return Object.fromEntries(
    Object.entries(event).map(([key, value]) => [by.get(key) ?? key, value]),
  ) as unknown as KubeObject
}
