/** Discovery over HTTP: the documents of `discovery/`, made once for each set of resources. */
import type { Resource } from '#api/kind.ts'
import {
  type AggregatedDocument,
  aggregatedDiscovery,
  type AggregatedVersion,
  aggregatedVersion,
} from '../discovery/aggregated.ts'
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from '../discovery/documents.ts'
import type { PathHandler } from './server.ts'

/** `resources` answers with the same array until something changes. */
export function discoveryPaths(resources: () => readonly Resource[], serverAddress: () => string): PathHandler {
  let madeFor: readonly Resource[] = []
  const aggregated = new Map<string, AggregatedDocument>()
  const aggregatedAt = (root: 'api' | 'apis', version: AggregatedVersion): AggregatedDocument => {
    const current = resources()
    if (current !== madeFor) {
      aggregated.clear()
      madeFor = current
    }
    const key = `${root} ${version}`
    const document = aggregated.get(key) ?? aggregatedDiscovery(current, root, version)
    aggregated.set(key, document)
    return document
  }
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
          const { body, etag, contentType } = aggregatedAt(root, version)
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
