/** Which plugins care for which events, and whether an event is worth another try of a pod (upstream: queueing hints). */
import type { Log } from '#base/log.ts'
import { type ClusterEvent, isWildcard, matchesEvent } from '../framework/cluster-event.ts'
import { type EventHint, pluginsOf, type Profile } from '../framework/plugin.ts'
import type { QueuedPod } from './queued-pod.ts'

export type Requeueing = 'skip' | 'afterBackoff' | 'immediately'

export interface ClusterChange {
  readonly event: ClusterEvent
  readonly before: unknown
  readonly after: unknown
}

interface Registered {
  readonly plugin: string
  readonly hint: EventHint
}

export class EventHints {
  readonly #profiles = new Map<string, Registered[]>()
  readonly #log: Log

  constructor(profiles: Iterable<Profile>, log: Log) {
    this.#log = log
    for (const profile of profiles) {
      const registered = pluginsOf(profile).flatMap((p) => (p.events ?? []).map((hint) => ({ plugin: p.name, hint })))
      this.#profiles.set(profile.schedulerName, registered)
    }
  }

  /** The names of the plugins for whose rejected pods the event may matter; undefined for all. */
  pluginsFor(event: ClusterEvent): ReadonlySet<string> | undefined {
    if (isWildcard(event)) return undefined
    const names = new Set<string>()
    for (const registered of this.#profiles.values()) {
      for (const { plugin, hint } of registered) if (matchesEvent(hint.event, event)) names.add(plugin)
    }
    return names
  }

  eventsOf(schedulerName: string, plugin: string): ClusterEvent[] {
    const registered = this.#profiles.get(schedulerName) ?? []
    return registered.filter((r) => r.plugin === plugin).map((r) => r.hint.event)
  }

  /** What to do with a pod that was rejected, now that this happened. */
  judge(pod: QueuedPod, { event, before, after }: ClusterChange): Requeueing {
    if (pod.unschedulablePlugins.size + pod.pendingPlugins.size === 0) return 'afterBackoff'
    if (isWildcard(event)) return 'afterBackoff'
    let result: Requeueing = 'skip'
    for (const { plugin, hint } of this.#profiles.get(pod.info.pod.spec.schedulerName ?? '') ?? []) {
      const isPending = pod.pendingPlugins.has(plugin)
      if (!isPending && !pod.unschedulablePlugins.has(plugin)) continue
      if (!matchesEvent(hint.event, event) || !this.#mayHelp(plugin, hint, pod, before, after)) continue
      if (isPending) return 'immediately'
      if (pod.pendingPlugins.size === 0) return 'afterBackoff'
      result = 'afterBackoff'
    }
    return result
  }

  /** A plugin that fails counts as hopeful, so that its fault cannot strand the pod. */
  #mayHelp(plugin: string, hint: EventHint, pod: QueuedPod, before: unknown, after: unknown): boolean {
    try {
      return hint.mayHelp?.(pod.info, before, after) ?? true
    } catch (err) {
      this.#log.error({ err, plugin, pod: pod.info.key }, 'cannot tell whether an event helps a pod: the plugin failed')
      return true
    }
  }
}
