/**
 * The bounds that a LimitRange sets: least and most of each resource, and how far limits may exceed requests. Pure.
 * Upstream: `PodValidateLimitFunc` and `PersistentVolumeClaimValidateLimitFunc`.
 */
import type { LimitRangeItem } from '#api/core/v1/namespace.ts'
import type { PersistentVolumeClaim } from '#api/core/v1/persistent-volume.ts'
import { containersTotal } from '#api/core/v1/pod-resources.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { Quantity } from '#machinery/quantity.ts'

type Amounts = Record<string, string>
interface Sizes {
  requests?: Amounts | undefined
  limits?: Amounts | undefined
}

/** What is wrong with the pod, one text each. */
export function podViolations({ spec }: Pick<Pod, 'spec'>, limits: readonly LimitRangeItem[]): string[] {
  return limits.flatMap((limit) => {
    if (limit.type === 'Container') {
      const containers = [...spec.containers, ...(spec.initContainers ?? [])]
      return containers.flatMap(({ resources }) => sizeViolations(limit, resources ?? {}))
    }
    if (limit.type === 'Pod')
      return sizeViolations(limit, { requests: podTotal(spec, 'requests'), limits: podTotal(spec, 'limits') })
    return []
  })
}

/** Of claims only requests count: nobody sets limits for storage. */
export function claimViolations({ spec }: PersistentVolumeClaim, limits: readonly LimitRangeItem[]): string[] {
  const requests = spec.resources?.requests
  return limits.flatMap((limit) => {
    if (limit.type !== 'PersistentVolumeClaim') return []
    return [
      ...entries(limit.min).flatMap(([name, bound]) => leastViolation(limit.type, name, bound, { requests })),
      ...entries(limit.max).flatMap(([name, bound]) => {
        const what = `maximum ${name} usage per ${limit.type} is ${bound}`
        const request = requests?.[name]
        if (request === undefined) return `${what}.  No request is specified`
        return isMore(request, bound) ? `${what}, but request is ${request}` : []
      }),
    ]
  })
}

/** Pod-level amounts of cpu and memory stand for those of all containers. */
function podTotal(spec: Pod['spec'], which: 'requests' | 'limits'): Amounts {
  const total = containersTotal(spec, which)
  for (const name of ['cpu', 'memory']) {
    const given = spec.resources?.[which]?.[name]
    if (given !== undefined) total[name] = given
  }
  return total
}

const entries = (amounts: Amounts | undefined) => Object.entries(amounts ?? {})

function sizeViolations(limit: LimitRangeItem, sizes: Sizes): string[] {
  const { type } = limit
  return [
    ...entries(limit.min).flatMap(([name, bound]) => leastViolation(type, name, bound, sizes)),
    ...entries(limit.max).flatMap(([name, bound]) => mostViolation(type, name, bound, sizes)),
    ...entries(limit.maxLimitRequestRatio).flatMap(([name, bound]) => ratioViolation(type, name, bound, sizes)),
  ]
}

const MILLI = -3
/** Compared in thousandths, each rounded up. */
const isMore = (a: string, b: string) => Quantity.parse(a).exactValue(MILLI) > Quantity.parse(b).exactValue(MILLI)

function leastViolation(type: string, name: string, bound: string, { requests, limits }: Sizes): string | [] {
  const what = `minimum ${name} usage per ${type} is ${bound}`
  const [request, limit] = [requests?.[name], limits?.[name]]
  if (request === undefined) return `${what}.  No request is specified`
  if (isMore(bound, request)) return `${what}, but request is ${request}`
  return limit !== undefined && isMore(bound, limit) ? `${what}, but limit is ${limit}` : []
}

function mostViolation(type: string, name: string, bound: string, { requests, limits }: Sizes): string | [] {
  const what = `maximum ${name} usage per ${type} is ${bound}`
  const [request, limit] = [requests?.[name], limits?.[name]]
  if (limit === undefined) return `${what}.  No limit is specified`
  if (isMore(limit, bound)) return `${what}, but limit is ${limit}`
  return request !== undefined && isMore(request, bound) ? `${what}, but request is ${request}` : []
}

function ratioViolation(type: string, name: string, bound: string, { requests, limits }: Sizes): string | [] {
  const what = `${name} max limit to request ratio per ${type} is ${bound}`
  const [request, limit] = [milli(requests?.[name]), milli(limits?.[name])]
  if (request === 0) return `${what}, but no request is specified or request is 0`
  if (limit === 0) return `${what}, but no limit is specified or limit is 0`
  const ratio = limit / request
  return ratio * 1000 > milli(bound) ? `${what}, but provided ratio is ${ratio.toFixed(6)}` : []
}

const milli = (amount: string | undefined) => (amount === undefined ? 0 : Quantity.parse(amount).milliValue())
