/**
 * Distributes endpoints over slices of limited size, changing as few slices as possible: endpoints stay where they are,
 * new ones fill slices that change anyway, then one unchanged slice that has room for all of them, then new slices.
 * Slices are not merged when they become sparse. Upstream: `endpointslice.Reconciler.reconcileByPortMapping`.
 */
import type { Endpoint, EndpointSlice } from '#api/discovery/v1.ts'
import { semanticEqual } from '../semantic-equal.ts'

export interface Packing {
  /** Endpoints of the existing slices that change. */
  update: Map<EndpointSlice, Endpoint[]>
  create: Endpoint[][]
  delete: EndpointSlice[]
}

/** `mustRewrite` tells of a slice that has to be written although its endpoints stay, for other labels. */
export function packEndpoints(
  existing: readonly EndpointSlice[],
  desired: readonly Endpoint[],
  maxPerSlice: number,
  mustRewrite: (slice: EndpointSlice) => boolean,
): Packing {
  const left = new Map(desired.map((endpoint) => [identityOf(endpoint), endpoint]))
  const packing: Packing = { update: new Map(), create: [], delete: [] }
  const unchanged: EndpointSlice[] = []
  for (const slice of existing) {
    const before = slice.endpoints ?? []
    const kept: Endpoint[] = []
    let isChanged = mustRewrite(slice)
    for (const endpoint of before) {
      const identity = identityOf(endpoint)
      const wanted = left.get(identity)
      if (!wanted) continue
      left.delete(identity)
      kept.push({ ...wanted, ...(endpoint.hints && { hints: endpoint.hints }) })
      isChanged ||= !isSameEndpoint(endpoint, wanted)
    }
    if (kept.length === 0 && before.length > 0) packing.delete.push(slice)
    else if (isChanged || kept.length !== before.length) packing.update.set(slice, kept)
    else unchanged.push(slice)
  }
  place([...left.values()], unchanged, packing, maxPerSlice)
  return packing
}

function place(rest: Endpoint[], unchanged: EndpointSlice[], packing: Packing, maxPerSlice: number): void {
  // The fullest first, which leaves the fewest sparse ones.
  for (const endpoints of [...packing.update.values()].sort((a, b) => b.length - a.length)) {
    endpoints.push(...rest.splice(0, Math.max(maxPerSlice - endpoints.length, 0)))
  }
  while (rest.length > 0) {
    const roomy = rest.length < maxPerSlice ? closestFit(unchanged, rest.length, maxPerSlice) : undefined
    if (roomy) packing.update.set(roomy, [...(roomy.endpoints ?? []), ...rest.splice(0)])
    else packing.create.push(rest.splice(0, maxPerSlice))
  }
}

function closestFit(slices: readonly EndpointSlice[], count: number, maxPerSlice: number): EndpointSlice | undefined {
  let best: EndpointSlice | undefined
  let leastRoom = maxPerSlice
  for (const slice of slices) {
    const room = maxPerSlice - count - (slice.endpoints?.length ?? 0)
    if (room >= 0 && room < leastRoom) {
      leastRoom = room
      best = slice
    }
  }
  return best
}

/** By which an endpoint is the same one, whatever its state. */
function identityOf({ addresses, hostname, targetRef }: Endpoint): string {
  return `${addresses.toSorted().join(',')}|${hostname ?? ''}|${targetRef?.namespace ?? ''}|${targetRef?.name ?? ''}`
}

function isSameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return (
    a.nodeName === b.nodeName &&
    a.zone === b.zone &&
    a.conditions?.ready === b.conditions?.ready &&
    a.conditions?.serving === b.conditions?.serving &&
    a.conditions?.terminating === b.conditions?.terminating &&
    semanticEqual({ ...a.targetRef, resourceVersion: '' }, { ...b.targetRef, resourceVersion: '' })
  )
}
