/**
 * When the earliest of those changes happened that the next version of a Service's endpoints takes in; it becomes the
 * annotation `endpoints.kubernetes.io/last-change-trigger-time`, from which programming latency is measured.
 */
import type { Pod } from '#api/core/v1/pod.ts'
import type { Service } from '#api/core/v1/service.ts'
import { conditionOf } from '#machinery/conditions.ts'

export const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time'

interface Seen {
  service: string
  pods: Map<string, string>
}

export class TriggerTimes {
  readonly #seen = new Map<string, Seen>()

  /** RFC 3339, or undefined where nothing with a time has changed since the last call for this Service. */
  next(key: string, service: Service, pods: readonly Pod[]): string | undefined {
    const before = this.#seen.get(key)
    const created = service.metadata.creationTimestamp
    const times = new Map<string, string>()
    let earliest: string | undefined
    // Times are all in UTC with whole seconds, so that their text sorts as they do.
    const changed = (time: string) => {
      if (earliest === undefined || time < earliest) earliest = time
    }
    for (const { metadata, status } of pods) {
      const time = conditionOf(status.conditions, 'Ready')?.lastTransitionTime
      if (!time) continue
      times.set(metadata.name, time)
      if (time > (before?.pods.get(metadata.name) ?? '')) changed(time)
    }
    if (created > (before?.service ?? '')) changed(created)
    this.#seen.set(key, { service: created, pods: times })
    return before ? earliest : created
  }

  forget(key: string): void {
    this.#seen.delete(key)
  }
}
