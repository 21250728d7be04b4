/**
 * Names and amounts of compute resources: which names there are, which are counted in whole numbers, what requests and limits
 * may be together. Upstream: `pkg/apis/core/helper` and `validateResourceRequirements`.
 */
import { own } from '#base/own.ts'
import { allowsOvercommit, isHugePages, isNativeResource, isPodLevelResource } from '#api/core/v1/pod-resources.ts'
import { qualifiedName, dnsLabel } from '#machinery/names.ts'
import { Quantity } from '#machinery/quantity.ts'
import { type Check, NEGATIVE, type Path, type Problems } from './check.ts'

const counted = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]
const computed = ['cpu', 'memory', 'ephemeral-storage']
const requestsAndLimits = ['requests', 'limits'].flatMap((kind) => computed.map((name) => `${kind}.${name}`))

const quotaNames = new Set([...computed, ...requestsAndLimits, 'requests.storage', ...counted])
const standardNames = new Set([...quotaNames, 'storage'])
const integerNames = new Set(counted)
const containerNames = new Set(computed)

const isQuotaHugePages = (name: string) => isHugePages(name) || name.startsWith('requests.hugepages-')
export const isStandardQuotaResource = (name: string) => quotaNames.has(name) || isQuotaHugePages(name)

/** A resource of a vendor, such as `example.com/gpu`. */
export function isExtendedResource(name: string): boolean {
  if (isNativeResource(name) || name.startsWith('requests.')) return false
  return qualifiedName(`requests.${name}`).length === 0
}

export const isIntegerResource = (name: string) => integerNames.has(name) || isExtendedResource(name)

/** Returns whether the name was fine so far. */
export function resourceName(name: string, at: Path, to: Problems): boolean {
  const errors = qualifiedName(name)
  to.each(at, name, errors)
  if (errors.length > 0) return false
  if (name.includes('/') || standardNames.has(name) || isQuotaHugePages(name)) return true
  to.invalid(at, name, 'must be a standard resource type or fully qualified')
  return false
}

export function containerResourceName(name: string, at: Path, to: Problems) {
  resourceName(name, at, to)
  if (!name.includes('/')) {
    if (!containerNames.has(name) && !isHugePages(name))
      to.invalid(at, name, 'must be a standard resource for containers')
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    to.invalid(at, name, "doesn't follow extended resource name standard")
  }
}

export function quotaResourceName(name: string, at: Path, to: Problems) {
  resourceName(name, at, to)
  if (!name.includes('/') && !isStandardQuotaResource(name))
    to.invalid(at, name, 'must be a standard resource for quota')
}

function podResourceName(name: string, at: Path, to: Problems) {
  if (!resourceName(name, at, to)) return
  if (!isPodLevelResource(name)) to.unsupported(at, name, ['cpu', 'hugepages-', 'memory'])
}

/** Not negative, and whole where the resource is counted. */
export function resourceAmount(name: string, text: string, at: Path, to: Problems) {
  const amount = Quantity.parse(text)
  if (amount.sign < 0) to.invalid(at, text, NEGATIVE)
  if (isIntegerResource(name) && !isWhole(amount)) to.invalid(at, text, 'must be an integer')
}

export const isWhole = (amount: Quantity) => amount.exactValue(-3) % 1000n === 0n

function hugePagesAmount(name: string, text: string, at: Path, to: Problems) {
  let size: Quantity | undefined
  try {
    size = Quantity.parse(name.slice('hugepages-'.length))
  } catch {
    // A name without a size divides nothing.
  }
  const pages = size && size.sign > 0 && isWhole(size) && Quantity.parse(text).exactValue() % size.exactValue() === 0n
  if (!pages) to.invalid(at, text, `${text} is not positive integer multiple of ${name}`)
}

type Amounts = Record<string, string>
export interface Requirements {
  limits?: Amounts
  requests?: Amounts
  claims?: { name: string; request?: string }[]
}

export const containerRequirements = (claimNames: ReadonlySet<string>): Check =>
  requirements(containerResourceName, claimNames)
export const podRequirements = (claimNames: ReadonlySet<string>): Check => requirements(podResourceName, claimNames)

function requirements(
  nameCheck: (name: string, at: Path, to: Problems) => void,
  claimNames: ReadonlySet<string>,
): Check {
  return ({ limits = {}, requests = {}, claims = [] }: Requirements, at, to) => {
    const [limitsAt, requestsAt] = [at.at('limits'), at.at('requests')]
    for (const [name, text] of Object.entries(limits)) checkAmount(name, text, limitsAt.key(name))
    for (const [name, text] of Object.entries(requests)) {
      checkAmount(name, text, requestsAt.key(name))
      // Not every name that is asked for is a good one: `constructor` is a member of all objects.
      const limit = own(limits, name)
      if (limit === undefined) {
        if (!allowsOvercommit(name)) to.required(limitsAt, 'Limit must be set for non overcommitable resources')
        continue
      }
      const order = Quantity.parse(text).cmp(Quantity.parse(limit))
      if (order !== 0 && !allowsOvercommit(name)) {
        to.invalid(requestsAt, text, `must be equal to ${name} limit of ${limit}`)
      } else if (order > 0) to.invalid(requestsAt, text, `must be less than or equal to ${name} limit of ${limit}`)
    }
    const names = [...Object.keys(limits), ...Object.keys(requests)]
    if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory')) {
      to.forbidden(at, 'HugePages require cpu or memory')
    }
    if (claims.length > 0) checkClaims(claims, claimNames, at.at('claims'), to)

    function checkAmount(name: string, text: string, place: Path) {
      nameCheck(name, place, to)
      resourceAmount(name, text, place, to)
      if (isHugePages(name)) hugePagesAmount(name, text, place, to)
    }
  }
}

function checkClaims(
  claims: NonNullable<Requirements['claims']>,
  claimNames: ReadonlySet<string>,
  at: Path,
  to: Problems,
) {
  const seen = new Set<string>()
  /** Claims of which single requests have been seen. */
  const inPart = new Set<string>()
  claims.forEach(({ name, request }, i) => {
    const place = at.index(i)
    if (!name) return to.required(place)
    if (seen.has(name)) to.duplicate(place, name)
    else {
      if (request) to.each(place.at('request'), request, dnsLabel(request))
      const key = request ? `${name}/${request}` : name
      if (seen.has(key)) to.duplicate(place, key)
      else if (!request && inPart.has(name)) to.duplicate(place, name)
      seen.add(key)
      if (key.includes('/')) inPart.add(key.slice(0, key.indexOf('/')))
    }
    if (!claimNames.has(name)) {
      const known = claimNames.size === 0 ? ' which is empty' : `: ${[...claimNames].toSorted().join(', ')}`
      to.notFound(place, name, `must be one of the names in pod.spec.resourceClaims${known}`)
    }
  })
}
