/**
 * What a pod requests of a node (upstream: component-helpers `PodRequests`): the sum of its containers, or what its init
 * containers need at their peak where that is more, sidecars counting towards both; pod-level requests in their place
 * where the pod states them; and the overhead of its runtime class on top. For a pod that runs, what is allocated or in
 * effect counts too while a resize is under way. Amounts are integers: thousandths for cpu, whole units for the rest, each
 * quantity rounded up.
 */
import type { Container } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { Quantity } from '#machinery/quantity.ts'

/** By resource name. A resource that is requested as zero is present. */
export type Amounts = Map<string, number>

type QuantityMap = Record<string, string> | undefined

export interface PodRequestsOptions {
  /** Stands in for what a container does not state. */
  missing?: Readonly<Record<string, number>>
  /** Leaves out what the pod itself states. */
  withoutPodLevel?: boolean
}

export function podRequests(pod: Pod, { missing, withoutPodLevel }: PodRequestsOptions = {}): Amounts {
  const { spec, status } = pod
  const effective = effectiveRequests(pod)
  const total: Amounts = new Map()
  for (const container of spec.containers) addAll(total, effective(container, missing))

  if (spec.initContainers?.length) {
    const sidecars: Amounts = new Map()
    const peak: Amounts = new Map()
    for (const container of spec.initContainers) {
      const needs = effective(container, missing)
      if (container.restartPolicy === 'Always') {
        addAll(total, needs)
        addAll(sidecars, needs)
        maxAll(peak, sidecars)
      } else {
        addAll(needs, sidecars)
        maxAll(peak, needs)
      }
    }
    maxAll(total, peak)
  }

  const stated = spec.resources?.requests
  if (!withoutPodLevel && hasPodLevelRequests(pod)) {
    const resized = status.resources && resizing(pod, stated, status.resources.requests, status.allocatedResources)
    for (const [name, quantity] of Object.entries(stated!)) {
      if (isPodLevelResource(name)) total.set(name, resized?.get(name) ?? parseAmount(name, quantity))
    }
  }

  for (const [name, quantity] of Object.entries(spec.overhead ?? {})) {
    total.set(name, (total.get(name) ?? 0) + parseAmount(name, quantity))
  }
  return total
}

/** Whether the pod itself, not only its containers, states requests that count. */
export function hasPodLevelRequests(pod: Pod): boolean {
  return Object.keys(pod.spec.resources?.requests ?? {}).some(isPodLevelResource)
}

/** The request of one container, given what its status says is allocated and in effect. */
function effectiveRequests(pod: Pod) {
  const statuses = new Map<string, { resources?: { requests?: QuantityMap }; allocatedResources?: QuantityMap }>()
  for (const s of pod.status.containerStatuses ?? []) if (s.resources) statuses.set(s.name, s)
  for (const s of pod.status.initContainerStatuses ?? []) if (s.resources) statuses.set(s.name, s)
  return (container: Container, missing: Readonly<Record<string, number>> | undefined): Amounts => {
    const stated = container.resources?.requests
    const status = statuses.get(container.name)
    const amounts = status?.resources
      ? resizing(pod, stated, status.resources.requests, status.allocatedResources)
      : amountsOf(stated)
    if (missing) for (const name in missing) if (!amounts.has(name)) amounts.set(name, missing[name]!)
    return amounts
  }
}

/** While a resize is under way the greatest of the three counts; one that cannot be done does not. */
function resizing(pod: Pod, stated: QuantityMap, inEffect: QuantityMap, allocated: QuantityMap): Amounts {
  const infeasible = pod.status.conditions?.some((c) => c.type === 'PodResizePending' && c.reason === 'Infeasible')
  const amounts = infeasible ? new Map<string, number>() : amountsOf(stated)
  maxAll(amounts, amountsOf(inEffect))
  maxAll(amounts, amountsOf(allocated))
  return amounts
}

export function amountsOf(quantities: QuantityMap): Amounts {
  const amounts: Amounts = new Map()
  for (const name in quantities) amounts.set(name, parseAmount(name, quantities[name]!))
  return amounts
}

/** Thousandths for cpu, whole units for anything else; 0 for a text that is no quantity, which the API server never stores. */
export function parseAmount(name: string, quantity: string): number {
  // Most quantities are short; reading the commonest by hand is ten times as fast as the exact arithmetic.
  const simple = /^(\d{1,9})(m|Ki|Mi|Gi)?$/.exec(quantity)
  if (simple) {
    const [, digits, suffix = ''] = simple
    const value = Number(digits)
    if (suffix === 'm') return name === 'cpu' ? value : Math.ceil(value / 1000)
    return value * simpleFactors[suffix as keyof typeof simpleFactors] * (name === 'cpu' ? 1000 : 1)
  }
  try {
    const exact = Quantity.parse(quantity)
    return name === 'cpu' ? exact.milliValue() : exact.value()
  } catch {
    return 0
  }
}
const simpleFactors = { '': 1, Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3 }

function isPodLevelResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')
}

function addAll(into: Amounts, other: Amounts) {
  for (const [name, amount] of other) into.set(name, (into.get(name) ?? 0) + amount)
}

function maxAll(into: Amounts, other: Amounts) {
  for (const [name, amount] of other) {
    const present = into.get(name)
    if (present === undefined || amount > present) into.set(name, amount)
  }
}
