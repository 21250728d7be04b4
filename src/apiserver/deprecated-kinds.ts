/**
 * Kinds that clients are told to leave, with the words in which upstream tells it. Upstream: `APILifecycleDeprecated` and
 * `APILifecycleReplacement` of the types, and `apiserver/pkg/endpoints/deprecation`.
 */
import type { Resource } from '#api/kind.ts'
import { componentStatus, endpoints } from '#api/resources.ts'

const deprecated: ReadonlyMap<Resource, { since: string; replacement?: string }> = new Map<
  Resource,
  { since: string; replacement?: string }
>([
  [componentStatus, { since: '1.19' }],
  [endpoints, { since: '1.33', replacement: 'discovery.k8s.io/v1 EndpointSlice' }],
])

/** What everybody is told who uses the resource; undefined for nearly all. */
export function deprecationOf(resource: Resource): string | undefined {
  const entry = deprecated.get(resource)
  if (!entry) return undefined
  const instead = entry.replacement ? `; use ${entry.replacement}` : ''
  return `${resource.apiVersion} ${resource.kind} is deprecated in v${entry.since}+${instead}`
}
