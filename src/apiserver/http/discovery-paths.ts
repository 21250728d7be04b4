/** Discovery over HTTP: the documents of `discovery/`, made once for each set of resources. */
import type { Resource } from '#api/kind.ts'
import { aggregatedDiscovery, aggregatedVersion } from '../discovery/aggregated.ts'
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from '../discovery/documents.ts'
import type { PathHandler } from './server.ts'

export function discoveryPaths(resources: () => readonly Resource[], serverAddress: () => string): PathHandler {
  const json = (value: unknown) =>
    value === undefined ? undefined : { code: 200, body: `${JSON.stringify(value)}\n`, contentType: 'application/json' }
  return {
    handle(path, req) {
      const parts = path.replace(/\/$/, '').split('/')
      const root = parts[1]
      if (root !== 'api' && root !== 'apis') return undefined
      if (parts.length === 2) {
        const version = aggregatedVersion(String(req.headers.accept ?? ''))
        if (version) {
          const { body, etag, contentType } = aggregatedDiscovery(resources(), root, version)
          const headers = { etag, vary: 'Accept' }
          if (req.headers['if-none-match'] === etag) return { code: 304, body: '', contentType, headers }
          return { code: 200, body, contentType, headers }
        }
        return json(root === 'api' ? apiVersions(serverAddress()) : apiGroupList(resources()))
      }
      if (root === 'api') return parts.length === 3 ? json(apiResourceList(resources(), '', parts[2]!)) : undefined
      if (parts.length === 3) return json(apiGroup(resources(), parts[2]!))
      return parts.length === 4 ? json(apiResourceList(resources(), parts[2]!, parts[3]!)) : undefined
    },
  }
}
