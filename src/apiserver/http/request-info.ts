/**
 * What an HTTP request is about, to those who decide whether it is allowed: a resource by its path, served or not, or the
 * path itself. Authorisation goes by this before anything is said about what exists. Upstream:
 * `apiserver/pkg/endpoints/request.RequestInfoFactory`.
 */
import { own } from '#base/own.ts'
import { RequestAttributes, type RequestTarget } from '../authz/request-attributes.ts'
import type { Attributes, User } from '../user.ts'
import { isTrue } from './query.ts'
import type { ResourceRoute } from './route.ts'

/** What each method does to an object. */
export const methodVerbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** Old forms of paths begin with what is to be done. */
const VERBS_IN_PATHS = ['proxy', 'watch']
const NAMESPACE_SUBRESOURCES = ['status', 'finalize']

/** `route` is what the path leads to, if anything; `path` is decoded. */
export function requestAttributes(
  user: User,
  method: string,
  path: string,
  query: URLSearchParams,
  route: ResourceRoute | undefined,
): Attributes {
  if (route) {
    const { resource, subresource, namespace, name, isWatchPath } = route
    if (isWatchPath) return new RequestAttributes(user, { resource, subresource, namespace, name }, 'watch')
    return about(user, { resource, subresource, namespace, name }, method, query)
  }
  const info = unservedTarget(path)
  if (info?.verb) return new RequestAttributes(user, info.target, info.verb)
  if (info) return about(user, info.target, method, query)
  const nothing = { group: '', version: '', resource: '', subresource: '', namespace: '', name: '' }
  return { user, verb: method.toLowerCase(), ...nothing, path }
}

function about(user: User, target: RequestTarget, method: string, query: URLSearchParams): Attributes {
  const verb = own(methodVerbs, method) ?? ''
  if (target.name !== undefined || (verb !== 'get' && verb !== 'delete'))
    return new RequestAttributes(user, target, verb)
  const ofMany = verb === 'delete' ? 'deletecollection' : isTrue(query.get('watch')) ? 'watch' : 'list'
  const fieldSelector = query.get('fieldSelector')
  const labelSelector = query.get('labelSelector')
  const options = { ...(fieldSelector && { fieldSelector }), ...(labelSelector && { labelSelector }) }
  return new RequestAttributes(user, { ...target, options }, ofMany)
}

/** What a path that leads nowhere would be about; undefined for one that is not about a resource. */
function unservedTarget(path: string): { target: RequestTarget; verb?: string } | undefined {
  const parts = path.replace(/^\/+/, '').split('/')
  while (parts.at(-1) === '') parts.pop()
  const prefix = parts.shift()
  if (parts.length < 2 || (prefix !== 'api' && prefix !== 'apis')) return undefined
  const group = prefix === 'apis' ? parts.shift()! : ''
  const version = parts.shift()!
  if (parts.length === 0) return undefined
  const verb = VERBS_IN_PATHS.includes(parts[0]!) && parts.length > 1 ? parts.shift() : undefined
  let namespace = ''
  if (parts[0] === 'namespaces' && parts.length > 1) {
    namespace = parts[1]!
    if (parts.length > 2 && !NAMESPACE_SUBRESOURCES.includes(parts[2]!)) parts.splice(0, 2)
  }
  const [plural = '', name, subresource] = parts
  const target = { resource: { group, version, plural }, namespace, name: name || undefined, subresource }
  return { target, ...(verb !== undefined && { verb }) }
}
