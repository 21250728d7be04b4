/**
 * Hints that keep traffic near where it comes from, for Services with `spec.trafficDistribution`: each ready endpoint
 * is for clients of its own zone, or of its own node.
 */
import type { Service } from '#api/core/v1/service.ts'
import type { Endpoint } from '#api/discovery/v1.ts'

const near: ReadonlySet<string> = new Set(['PreferClose', 'PreferSameZone', 'PreferSameNode'])

/** The endpoints with the hints that the Service asks for, and no others. */
export function withHints(endpoints: readonly Endpoint[], { spec }: Service): Endpoint[] {
  const wish = spec.trafficDistribution ?? ''
  return endpoints.map((endpoint) => {
    const { hints, ...rest } = endpoint
    if (!near.has(wish)) return hints ? rest : endpoint
    // What is said of an endpoint that isn't ready does not matter, and stays.
    if (!endpoint.conditions?.ready) return endpoint
    const forZones = endpoint.zone ? [{ name: endpoint.zone }] : undefined
    const forNodes = wish === 'PreferSameNode' && endpoint.nodeName ? [{ name: endpoint.nodeName }] : undefined
    if (!forZones && !forNodes) return rest
    return { ...rest, hints: { ...(forZones && { forZones }), ...(forNodes && { forNodes }) } }
  })
}
