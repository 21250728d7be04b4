/**
 * Tells users what happened to their objects, by Events of the core group. Recording never waits and never fails:
 * events pass the correlator, then a bounded queue, and are written in the background. What doesn't fit is dropped.
 */
import type { Clock } from '#base/clock.ts'
import { sleep } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import { Limiter } from '#base/limiter.ts'
import type { Log } from '#base/log.ts'
import { type Random, uuid } from '#base/random.ts'
import type { ObjectReference } from '#api/core/v1/shared.ts'
import type { KubeObject } from '#api/kind.ts'
import { events } from '#api/resources.ts'
import { dnsSubdomain } from '#machinery/names.ts'
import { isStatus, StatusError } from '#machinery/status-error.ts'
import { formatTime } from '#machinery/time.ts'
import type { Client } from './client.ts'
import { type Correlated, EventCorrelator, type EventDraft } from './event-correlator.ts'

export type EventType = 'Normal' | 'Warning'

export interface EventRecorder {
  /** Records that `reason` (UpperCamelCase) happened to the object; `message` says it to a human. */
  event(about: KubeObject | ObjectReference, type: EventType, reason: string, message: string): void
  /** The same queue and correlator, speaking as another component. */
  as(component: string): EventRecorder
  /** Resolves when all that has been recorded is written or given up. */
  flushed(): Promise<void>
}

export interface EventRecorderOptions {
  client: Client
  clock: Clock
  random: Random
  log: Log
  /** Name of the program in `source.component`, such as `deployment-controller`. */
  component: string
  /** Node on which it runs, for programs that belong to one. */
  host?: string
  /** Events that wait to be written at most. Default 1,000. */
  queueLimit?: number
  /** Abandons what is still waiting. */
  signal: AbortSignal
}

const ATTEMPTS = 12
const RETRY_MS = 10_000
const CONCURRENT_WRITES = 4

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, clock, random, log, host, queueLimit = 1_000, signal } = options
  const correlator = new EventCorrelator()
  /** Writes of one event are chained, so that its counts arrive in order. */
  const chains = new Map<string, Promise<void>>()
  let pending = 0
  let dropped = 0
  const gate = new Limiter(CONCURRENT_WRITES)

  const nameFor = (objectName: string) => {
    // Upstream takes nanoseconds; below a millisecond chance stands in for them.
    const nanos = BigInt(Math.floor(clock.now())) * 1_000_000n + BigInt(random.int(1_000_000))
    const name = `${objectName}.${nanos.toString(16)}`
    return dnsSubdomain(name).length === 0 ? name : uuid(random)
  }

  const record = (
    component: string,
    about: KubeObject | ObjectReference,
    type: EventType,
    reason: string,
    message: string,
  ) => {
    if (signal.aborted) return
    const involvedObject = referenceTo(about)
    const objectName = involvedObject.name ?? ''
    const time = formatTime(clock.now())
    const draft: EventDraft = {
      metadata: { name: nameFor(objectName), namespace: involvedObject.namespace || 'default' },
      involvedObject,
      reason,
      message: message.slice(0, 1024),
      source: { component, ...(host && { host }) },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
      type,
      reportingComponent: component,
      ...(host && { reportingInstance: host }),
    }
    if (pending >= queueLimit) {
      if (dropped++ % 1000 === 0) log.warn({ component, dropped }, 'events are dropped: too many wait to be written')
      return
    }
    const correlated = correlator.correlate(draft, clock.now(), () => nameFor(objectName))
    if (!correlated) return
    pending++
    const written = (chains.get(correlated.key) ?? Promise.resolve())
      .then(() => gate.run(() => write(correlated)))
      .finally(() => {
        pending--
        if (chains.get(correlated.key) === written) chains.delete(correlated.key)
      })
    chains.set(correlated.key, written)
  }

  const write = async (correlated: Correlated): Promise<void> => {
    for (let attempt = 1; attempt <= ATTEMPTS && !signal.aborted; attempt++) {
      try {
        await store(correlated)
        return
      } catch (err) {
        if (signal.aborted) return
        const { involvedObject, reason } = correlated.event
        const fields = { object: involvedObject?.name, reason, why: messageOf(err) }
        // The server has looked at it and refused: it would again.
        if (err instanceof StatusError) {
          const isExpected = isStatus(err, 'AlreadyExists') || hasCause(err, 'NamespaceTerminating')
          if (isExpected) log.debug(fields, 'the server refused an event')
          else log.warn(fields, 'the server refused an event')
          return
        }
        log.debug(fields, 'cannot write an event; trying again')
        await sleep(clock, attempt === 1 ? RETRY_MS * random.float() : RETRY_MS, signal).catch(() => {})
      }
    }
  }

  const store = async ({ event, isUpdate, key }: Correlated): Promise<void> => {
    if (isUpdate) {
      const { count, lastTimestamp, message } = event
      try {
        await client.patch(events, event.metadata, { count, lastTimestamp, message }, { signal })
        return
      } catch (err) {
        // It has expired since. Its successor takes over the count.
        if (!isStatus(err, 'NotFound')) throw err
      }
    }
    await client.create(events, event, { signal })
    correlator.stored(event, key)
  }

  const speakingAs = (component: string): EventRecorder => ({
    event: (about, type, reason, message) => record(component, about, type, reason, message),
    as: speakingAs,
    flushed: async () => {
      while (chains.size > 0) await Promise.all(chains.values())
    },
  })
  return speakingAs(options.component)
}

/** What an event says of the object that it is about. */
export function referenceTo(about: KubeObject | ObjectReference): ObjectReference {
  if (!('metadata' in about)) return about
  const { apiVersion, kind, metadata } = about
  const { namespace, name, uid, resourceVersion } = metadata
  return { kind, ...(namespace && { namespace }), name, uid, apiVersion, resourceVersion }
}

function hasCause(err: StatusError, reason: string): boolean {
  return err.details?.causes?.some((cause) => cause.reason === reason) ?? false
}
