/** OpenAPI over HTTP: JSON only; clients that ask for protobuf first are told so and ask again. */
import { createHash } from 'node:crypto'
import { StatusError } from '#machinery/status-error.ts'
import type { OpenApiDocuments } from '../openapi/documents.ts'
import type { PathHandler } from './server.ts'

const V3 = '/openapi/v3'

export function openApiPaths(documents: () => OpenApiDocuments): PathHandler {
  const etags = new WeakMap<Buffer, string>()
  const etagOf = (body: Buffer) => {
    let etag = etags.get(body)
    if (!etag) etags.set(body, (etag = `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`))
    return etag
  }
  return {
    handle(path, req, query) {
      const body = documentAt(documents, path)
      if (!body) return undefined
      if (!acceptsJson(String(req.headers.accept ?? ''))) {
        throw new StatusError('NotAcceptable', 'only the following media types are accepted: application/json')
      }
      const etag = etagOf(body)
      // A document asked for by its hash never changes.
      const cache = query.has('hash') ? 'public, immutable' : 'no-cache, private'
      const headers = { etag, vary: 'Accept', 'cache-control': cache }
      if (req.headers['if-none-match'] === etag)
        return { code: 304, body: '', contentType: 'application/json', headers }
      return { code: 200, body, contentType: 'application/json', headers }
    },
  }
}

function documentAt(documents: () => OpenApiDocuments, path: string): Buffer | undefined {
  if (path === '/openapi/v2') return documents().v2()
  if (path === V3 || path === `${V3}/`) return documents().v3Index()
  return path.startsWith(`${V3}/`) ? documents().v3(path.slice(V3.length + 1)) : undefined
}

function acceptsJson(accept: string): boolean {
  return accept === '' || /(^|,)\s*(application\/(json|\*)|\*\/\*)\s*(;|,|$)/.test(accept)
}
