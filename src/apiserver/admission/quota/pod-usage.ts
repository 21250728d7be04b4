/** What pods use of quotas. Upstream: `pkg/quota/v1/evaluator/core/pods.go`. */
import { isHugePages, isNativeResource, podTotal, qosClass } from '#api/core/v1/pod-resources.ts'
import type { Pod, PodAffinityTerm } from '#api/core/v1/pod.ts'
import { pods } from '#api/resources.ts'
import { Quantity } from '#machinery/quantity.ts'
import type { Stored } from '../../registry/strategy.ts'
import { type Amounts, ONE } from './amounts.ts'
import { countName, type Evaluator, type ScopeSelector, selects } from './usage.ts'

const COUNT = countName(pods)
const REQUESTS = 'requests.'
/** A class of devices as a resource of containers. */
export const DEVICE_CLASS_RESOURCE = 'deviceclass.resource.kubernetes.io/'
const COMPUTE = ['cpu', 'memory', 'ephemeral-storage']
const NAMES = new Set([COUNT, 'pods', ...COMPUTE.flatMap((name) => [name, REQUESTS + name, `limits.${name}`])])
/** Where these are bounded each container has to state them. */
const STATED = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'])

const podOf = (object: Stored) => object as unknown as Pod

export const podEvaluator: Evaluator = {
  bounds: (name) =>
    NAMES.has(name) || isHugePages(name) || name.startsWith('requests.hugepages-') || boundsExtended(name),
  concerns({ operation, subresource, old }, object) {
    if (subresource === 'resize') return operation === 'UPDATE'
    if (subresource !== '') return false
    return operation === 'CREATE' || (operation === 'UPDATE' && hasDeadline(podOf(old!)) !== hasDeadline(podOf(object)))
  },
  inScope: (selector, object) => isInScope(selector, podOf(object)),
  lacking: (names, object) => lackingIn(podOf(object), names),
  usage(object, { nowMs }) {
    const pod = podOf(object)
    // What has ended is still there, but needs nothing.
    if (isOver(pod) || nowMs > endOf(pod)) return new Map([[COUNT, ONE]])
    const { spec, status } = pod
    const use = usageOf(podTotal(spec, 'requests', status), podTotal(spec, 'limits', status))
    return new Map([[COUNT, ONE], ['pods', ONE], ...use])
  },
  endsAt(object) {
    const end = endOf(podOf(object))
    return isOver(podOf(object)) || end === Infinity ? undefined : end
  },
}

const isOver = ({ status }: Pod) => status?.phase === 'Failed' || status?.phase === 'Succeeded'

/** Who is stuck on a node that is lost must not keep others from taking over. */
function endOf({ metadata: { deletionTimestamp, deletionGracePeriodSeconds } }: Pod): number {
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return Infinity
  return Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000
}

/** Bounds of extended resources are for what is requested, which is also what is limited. */
export const boundsExtended = (name: string) =>
  name.startsWith(REQUESTS) && (!isNativeResource(name) || name.startsWith(REQUESTS + DEVICE_CLASS_RESOURCE))

const isExtended = (name: string) => !isNativeResource(name) || name.startsWith(DEVICE_CLASS_RESOURCE)

function usageOf(requests: Record<string, string>, limits: Record<string, string>): Amounts {
  const use = new Map<string, Quantity>()
  for (const [name, text] of Object.entries(requests)) {
    const amount = Quantity.parse(text)
    if (COMPUTE.includes(name) || isHugePages(name)) use.set(name, amount)
    if (COMPUTE.includes(name) || isHugePages(name) || isExtended(name)) use.set(REQUESTS + name, amount)
  }
  for (const name of COMPUTE) if (limits[name] !== undefined) use.set(`limits.${name}`, Quantity.parse(limits[name]))
  return use
}

function lackingIn({ spec }: Pod, names: readonly string[]): string | undefined {
  const ofPod = spec.resources
  const stated = [...Object.keys(ofPod?.requests ?? {}), ...Object.keys(ofPod?.limits ?? {})]
  if (stated.some((name) => name === 'cpu' || name === 'memory' || isHugePages(name))) return undefined
  const required = names.filter((name) => STATED.has(name)).toSorted()
  const containers = [...spec.containers, ...(spec.initContainers ?? [])]
  const problems = required.flatMap((name) => {
    const silent = containers.filter(
      ({ resources }) => !usageOf(resources?.requests ?? {}, resources?.limits ?? {}).has(name),
    )
    const who = [...new Set(silent.map((container) => container.name))].toSorted()
    return who.length === 0 ? [] : [`${name} for: ${who.join(',')}`]
  })
  return problems.length === 0 ? undefined : `must specify ${problems.join('; ')}`
}

const hasDeadline = ({ spec }: Pod) => (spec.activeDeadlineSeconds ?? -1) >= 0

function isInScope(selector: ScopeSelector, pod: Pod): boolean {
  switch (selector.scopeName) {
    case 'Terminating':
      return hasDeadline(pod)
    case 'NotTerminating':
      return !hasDeadline(pod)
    case 'BestEffort':
      return isBestEffort(pod)
    case 'NotBestEffort':
      return !isBestEffort(pod)
    case 'PriorityClass':
      return selects(selector, pod.spec.priorityClassName ? [pod.spec.priorityClassName] : [])
    case 'CrossNamespacePodAffinity':
      return looksElsewhere(pod)
    default:
      return false
  }
}

const isBestEffort = ({ spec, status }: Pod) => (status?.qosClass ?? qosClass(spec)) === 'BestEffort'

/** Whether the pod is attracted or put off by pods of other namespaces. */
function looksElsewhere({ spec: { affinity } }: Pod): boolean {
  const terms = [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((kind): (PodAffinityTerm | undefined)[] => [
    ...(kind?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(kind?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ])
  return terms.some((term) => (term?.namespaces ?? []).length > 0 || term?.namespaceSelector !== undefined)
}
