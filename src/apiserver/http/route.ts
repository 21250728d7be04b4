/**
 * From a URL path to what it names. Upstream: `apiserver/pkg/endpoints/request.RequestInfoFactory`.
 */
import type { Resource } from '#api/kind.ts'
import type { ResourceTable } from '../catalog.ts'

export interface ResourceRoute {
  readonly resource: Resource
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
  /** What follows the subresource (`/proxy/a/b` has `a/b`), without a leading slash. */
  readonly rest: string
  /** The deprecated `/watch/` form. */
  readonly isWatchPath: boolean
}

/** The resource that `path` (without query) names, or undefined. Throws URIError for a malformed percent escape. */
export function routeOf(table: ResourceTable, path: string): ResourceRoute | undefined {
  const parts = path.split('/')
  // ['', 'api', 'v1', ...] or ['', 'apis', group, version, ...]
  const isCore = parts[1] === 'api'
  if (!isCore && parts[1] !== 'apis') return undefined
  const plurals = table.get(isCore ? `/${parts[2]}` : `${parts[2]}/${parts[3]}`)
  if (!plurals) return undefined
  let at = isCore ? 3 : 4
  const isWatchPath = parts[at] === 'watch' && parts.length > at + 1
  if (isWatchPath) at++
  let namespace: string | undefined
  // /namespaces/NAME/status belongs to the namespace itself; /namespaces/NAME/pods to what is in it.
  if (parts[at] === 'namespaces' && parts[at + 2] && plurals.get(parts[at + 2]!)?.namespaced) {
    // An empty one is what clients make of no namespace.
    namespace = unescape(parts[at + 1]!) || undefined
    at += 2
  }
  const resource = plurals.get(parts[at] ?? '')
  if (!resource) return undefined
  const name = parts[at + 1] ? unescape(parts[at + 1]!) : undefined
  // Keys are made of these, so none may reach into another's.
  if (name?.includes('/') || namespace?.includes('/')) return undefined
  const subresource = parts[at + 2] || undefined
  // Of nothing there is no part.
  if (subresource && !name) return undefined
  return { resource, namespace, name, subresource, rest: parts.slice(at + 3).join('/'), isWatchPath }
}

const unescape = (part: string) => (part.includes('%') ? decodeURIComponent(part) : part)
