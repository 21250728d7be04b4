/**
 * Events are forgotten an hour after they were last seen; without that a cluster would collect them for ever. Upstream:
 * the `--event-ttl` of kube-apiserver, kept there by leases of etcd.
 */
import type { Event } from '#api/core/v1/event.ts'
import { events } from '#api/resources.ts'
import { type Clock, every, type Timer } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import { isStatus } from '#machinery/status-error.ts'
import type { Api } from './api.ts'

const TTL_MS = 3_600_000
const PERIOD_MS = 60_000
/** Deleted in one pass at most; what is left waits for the next. */
const MAX_DELETIONS = 5_000
const AT_ONCE = 50

/** Deletes expired events until the timer is cancelled. */
export function startEventExpiry(api: Api, clock: Clock, log: Log): Timer {
  let isBusy = false
  return every(clock, PERIOD_MS, () => {
    if (isBusy) return
    isBusy = true
    deleteExpired(api, clock.now())
      .catch((err: unknown) => log.warn({ reason: messageOf(err) }, 'cannot delete expired events; trying again'))
      .finally(() => {
        isBusy = false
      })
  })
}

async function deleteExpired(api: Api, nowMs: number): Promise<void> {
  const registry = api.registry(events)
  const expired = registry.cache
    .list(registry.prefix(undefined))
    .map(({ object }) => object as Event)
    .filter((event) => lastSeenMs(event) + TTL_MS <= nowMs)
    .slice(0, MAX_DELETIONS)
  const worker = async () => {
    for (let event = expired.pop(); event; event = expired.pop()) {
      const { namespace, name, uid, resourceVersion } = event.metadata
      try {
        await registry.delete(name, { preconditions: { uid, resourceVersion } }, { namespace, dryRun: false })
      } catch (err) {
        // Somebody else has deleted it, or it has been seen again.
        if (!isStatus(err, 'NotFound', 'Conflict')) throw err
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

function lastSeenMs({ metadata, lastTimestamp, eventTime, series }: Event): number {
  const times = [metadata.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime]
  return Math.max(...times.map((time) => (time ? Date.parse(time) : 0)))
}
