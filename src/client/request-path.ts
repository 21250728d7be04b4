/** Where on the API server an ApiRequest goes: HTTP method, path with query, and content type of the body. */
import { type ApiRequest, patchContentTypes } from './transport.ts'

const methods = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
} as const

/** `/api/v1/...` or `/apis/<group>/<version>/...`, with the options as query. Throws TypeError for a name that can't be in a path. */
export function requestPath(request: ApiRequest): { method: string; path: string; contentType?: string } {
  const { verb, resource, namespace, name, subresource, options, patchType } = request
  const segments = resource.group === '' ? ['api', resource.version] : ['apis', resource.group, resource.version]
  if (resource.namespaced && namespace) segments.push('namespaces', namespace)
  segments.push(resource.plural)
  // The name of an object to be created is in its body, but that of the parent of a subresource in the path.
  if (name && (verb !== 'create' || subresource)) segments.push(name)
  else if (needsName.has(verb)) throw new TypeError(`cannot ${verb} ${resource.plural} without a name`)
  if (subresource) segments.push(...subresource.split('/'))
  for (const segment of segments) {
    if (segment === '.' || segment === '..') throw new TypeError(`"${segment}" cannot be a segment of a path`)
  }
  const query = new URLSearchParams()
  if (verb === 'watch') query.set('watch', 'true')
  for (const [key, value] of Object.entries(options ?? {})) if (value !== undefined) query.set(key, String(value))
  const search = query.size > 0 ? `?${query}` : ''
  const contentType = patchType
    ? patchContentTypes[patchType]
    : request.body !== undefined
      ? 'application/json'
      : undefined
  return { method: methods[verb], path: `/${segments.map(encodeURIComponent).join('/')}${search}`, contentType }
}

const needsName: ReadonlySet<string> = new Set(['get', 'update', 'patch', 'delete'])
