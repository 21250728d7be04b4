/**
 * How fast nodes may be tainted for eviction, by the health of their zones: when most of a zone fails at once the cause
 * is probably not the nodes, so evictions slow down; when all of the cluster does, it is probably us, and they stop.
 * Upstream: nodelifecycle's handleDisruption.
 */
import type { Node } from '#api/core/v1/node.ts'

export type ZoneState = 'Normal' | 'PartialDisruption' | 'FullDisruption'

export interface DisruptionLimits {
  /** Nodes per second in a healthy zone. Default 0.1. */
  evictionRate: number
  /** In a large zone that is partly disrupted. Default 0.01; small ones stop. */
  secondaryEvictionRate: number
  /** Nodes above which a zone is large. Default 50. */
  largeZone: number
  /** Fraction of unready nodes that disrupts a zone. Default 0.55. */
  unhealthyFraction: number
}

export const defaultDisruptionLimits: DisruptionLimits = {
  evictionRate: 0.1,
  secondaryEvictionRate: 0.01,
  largeZone: 50,
  unhealthyFraction: 0.55,
}

/** Nodes that do not count, because disturbing them is expected. */
export const EXCLUDE_DISRUPTION = 'node.kubernetes.io/exclude-disruption'

/** Region and zone of a node as one text; empty where it has neither. */
export function zoneOf({ metadata: { labels = {} } }: Node): string {
  const region = labels['topology.kubernetes.io/region'] ?? labels['failure-domain.beta.kubernetes.io/region'] ?? ''
  const zone = labels['topology.kubernetes.io/zone'] ?? labels['failure-domain.beta.kubernetes.io/zone'] ?? ''
  return region === '' && zone === '' ? '' : `${region}:\0:${zone}`
}

export function zoneState(ready: number, unready: number, limits: DisruptionLimits): ZoneState {
  if (ready === 0 && unready > 0) return 'FullDisruption'
  if (unready > 2 && unready / (unready + ready) >= limits.unhealthyFraction) return 'PartialDisruption'
  return 'Normal'
}

export interface ZoneCounts {
  ready: number
  unready: number
}

export interface DisruptionPlan {
  states: Map<string, ZoneState>
  /** Nodes per second of each zone. */
  rates: Map<string, number>
  /** All zones are disrupted now: eviction taints are taken off all nodes. */
  enters: boolean
  /** They were, and some no longer are: every node gets its grace period anew. */
  leaves: boolean
}

export function planDisruption(
  previous: ReadonlyMap<string, ZoneState>,
  zones: ReadonlyMap<string, ZoneCounts>,
  limits: DisruptionLimits,
): DisruptionPlan {
  const states = new Map([...zones].map(([zone, { ready, unready }]) => [zone, zoneState(ready, unready, limits)]))
  const isAllDown = states.size > 0 && [...states.values()].every((state) => state === 'FullDisruption')
  const known = [...previous].filter(([zone]) => zones.has(zone))
  const wasAllDown = known.length > 0 && known.every(([, state]) => state === 'FullDisruption')
  const rates = new Map<string, number>()
  for (const [zone, { ready, unready }] of zones) {
    rates.set(zone, isAllDown ? 0 : rateOf(states.get(zone)!, ready + unready, limits))
  }
  return { states, rates, enters: isAllDown && !wasAllDown, leaves: wasAllDown && !isAllDown }
}

function rateOf(state: ZoneState, size: number, limits: DisruptionLimits): number {
  if (state !== 'PartialDisruption') return limits.evictionRate
  return size > limits.largeZone ? limits.secondaryEvictionRate : 0
}
