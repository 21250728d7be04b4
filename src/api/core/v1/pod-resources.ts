/**
 * What a pod needs in total, from what its containers ask for, and the quality-of-service class that follows. Upstream:
 * `component-helpers/resource` (AggregateContainerRequests) and `pkg/apis/core/v1/helper/qos`.
 *
 * Regular containers add up, and so do sidecars (init containers that restart always). Other init containers run one
 * after the other, each beside the sidecars started before it, so the largest such moment counts.
 */
import { Quantity } from '#machinery/quantity.ts'

type Amounts = Record<string, string>
interface Sized {
  name?: string
  restartPolicy?: string
  resources?: { requests?: Amounts; limits?: Amounts }
}
export interface SizedPodSpec {
  containers?: readonly Sized[]
  initContainers?: readonly Sized[]
  resources?: { requests?: Amounts; limits?: Amounts }
  overhead?: Amounts
}

/** What the containers of the pod need together; pod-level resources and overhead are left out. */
export function containersTotal(spec: SizedPodSpec, which: 'requests' | 'limits'): Amounts {
  const total = new Map<string, Quantity>()
  for (const container of spec.containers ?? []) add(total, parsed(container.resources?.[which]))
  const sidecars = new Map<string, Quantity>()
  const largestStart = new Map<string, Quantity>()
  for (const container of spec.initContainers ?? []) {
    const own = new Map(parsed(container.resources?.[which]))
    if (container.restartPolicy === 'Always') {
      add(total, own)
      add(sidecars, own)
      raise(largestStart, sidecars)
    } else {
      add(own, sidecars)
      raise(largestStart, own)
    }
  }
  raise(total, largestStart)
  return asTexts(total)
}

interface SizedStatus {
  name: string
  resources?: { requests?: Amounts; limits?: Amounts }
  allocatedResources?: Amounts
}

export interface SizedPodStatus {
  conditions?: readonly { type: string; reason?: string }[]
  containerStatuses?: readonly SizedStatus[]
  initContainerStatuses?: readonly SizedStatus[]
}

/**
 * What the pod needs in all: its containers, or what is given for the pod as a whole in their place, with the overhead of
 * its runtime class on top. With a `status`, what containers have been given counts too while a resize is under way.
 */
export function podTotal(spec: SizedPodSpec, which: 'requests' | 'limits', status?: SizedPodStatus): Amounts {
  const total = containersTotal(status ? withEffectiveSizes(spec, status, which) : spec, which)
  for (const [name, amount] of Object.entries(spec.resources?.[which] ?? {})) {
    if (isPodLevelResource(name)) total[name] = amount
  }
  for (const [name, amount] of Object.entries(spec.overhead ?? {})) {
    const sum = Quantity.parse(total[name] ?? '0')
    if (which === 'requests' || !sum.isZero) total[name] = sum.add(Quantity.parse(amount)).toString()
  }
  return total
}

function withEffectiveSizes(spec: SizedPodSpec, status: SizedPodStatus, which: 'requests' | 'limits'): SizedPodSpec {
  const pending = status.conditions?.find(({ type }) => type === 'PodResizePending')
  const isInfeasible = pending?.reason === 'Infeasible'
  const byName = new Map<string, SizedStatus>()
  for (const one of [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])])
    if (one.resources) byName.set(one.name, one)
  if (byName.size === 0) return spec
  const effective = (container: Sized, counts: boolean): Sized => {
    const found = counts ? byName.get(container.name ?? '') : undefined
    if (!found) return container
    const sizes = new Map<string, Quantity>()
    if (!isInfeasible) raise(sizes, parsed(container.resources?.[which]))
    raise(sizes, parsed(found.resources?.[which]))
    if (which === 'requests') raise(sizes, parsed(found.allocatedResources))
    return { ...container, resources: { [which]: asTexts(sizes) } }
  }
  return {
    ...spec,
    containers: (spec.containers ?? []).map((container) => effective(container, true)),
    initContainers: (spec.initContainers ?? []).map((one) => effective(one, one.restartPolicy === 'Always')),
  }
}

const asTexts = (amounts: Iterable<[string, Quantity]>): Amounts =>
  Object.fromEntries([...amounts].map(([name, amount]) => [name, amount.toString()]))

function parsed(amounts: Amounts | undefined): Map<string, Quantity> {
  return new Map(Object.entries(amounts ?? {}).map(([name, text]) => [name, Quantity.parse(text)]))
}

function add(to: Map<string, Quantity>, amounts: Iterable<[string, Quantity]>) {
  for (const [name, amount] of amounts) to.set(name, to.get(name)?.add(amount) ?? amount)
}

function raise(to: Map<string, Quantity>, amounts: Iterable<[string, Quantity]>) {
  for (const [name, amount] of amounts) {
    const was = to.get(name)
    if (was === undefined || amount.cmp(was) > 0) to.set(name, amount)
  }
}

export const isHugePages = (resource: string) => resource.startsWith('hugepages-')
/** Resources that may be given for the pod as a whole. */
export const isPodLevelResource = (resource: string) =>
  resource === 'cpu' || resource === 'memory' || isHugePages(resource)
/** Resources of Kubernetes itself; every other has a domain of its own. */
export const isNativeResource = (resource: string) => !resource.includes('/') || resource.includes('kubernetes.io/')
/** Whether a limit may be larger than the request. */
export const allowsOvercommit = (resource: string) => isNativeResource(resource) && !isHugePages(resource)

export type QOSClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

/**
 * Guaranteed: each container (or the pod as a whole) limits both cpu and memory to what it requests. BestEffort: nothing is
 * asked for. Burstable: everything between.
 */
export function qosClass(spec: SizedPodSpec): QOSClass {
  if (spec.resources) return classOf([spec.resources])
  return classOf([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((c) => c.resources ?? {}))
}

const QOS_RESOURCES = ['cpu', 'memory']

function classOf(all: readonly { requests?: Amounts; limits?: Amounts }[]): QOSClass {
  const requests = new Map<string, Quantity>()
  const limits = new Map<string, Quantity>()
  let isGuaranteed = true
  for (const resources of all) {
    const positive = (amounts: Amounts | undefined) =>
      [...parsed(amounts)].filter(([name, amount]) => QOS_RESOURCES.includes(name) && amount.sign > 0)
    const limited = positive(resources.limits)
    add(requests, positive(resources.requests))
    add(limits, limited)
    if (limited.length < QOS_RESOURCES.length) isGuaranteed = false
  }
  if (requests.size === 0 && limits.size === 0) return 'BestEffort'
  if (isGuaranteed && requests.size === limits.size) {
    if ([...requests].every(([name, amount]) => limits.get(name)?.equals(amount))) return 'Guaranteed'
  }
  return 'Burstable'
}
