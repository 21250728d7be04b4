/** Discovery over HTTP: the documents of `discovery/`, made once for each set of resources. */
import type { Resource } from '#api/kind.ts'
import { APIGroup, APIGroupList, APIResourceList, APIVersions } from '#api/meta/v1.ts'
import type { Message } from '#api/schema.ts'
import {
  type AggregatedDocument,
  aggregatedDiscovery,
  type AggregatedVersion,
  aggregatedVersion,
} from '../discovery/aggregated.ts'
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from '../discovery/documents.ts'
import type { RemoteVersion } from '../discovery/remote-versions.ts'
import type { Request } from './exchange.ts'
import { negotiate, PLAIN_ENDPOINT } from './negotiate.ts'
import { type Rendered, valueBody } from './representation.ts'
import type { PathAnswer, PathHandler } from './path-handler.ts'

const NONE: readonly RemoteVersion[] = []

/** `resources` and `remotes` answer with the same array until something changes. */
export function discoveryPaths(
  resources: () => readonly Resource[],
  serverAddress: () => string,
  remotes: () => readonly RemoteVersion[] = () => NONE,
): PathHandler {
  let madeFor: readonly Resource[] = []
  let madeWith: readonly RemoteVersion[] = NONE
  const aggregated = new Map<string, AggregatedDocument>()
  const aggregatedAt = (root: 'api' | 'apis', version: AggregatedVersion): AggregatedDocument => {
    const current = resources()
    if (current !== madeFor || remotes() !== madeWith) {
      aggregated.clear()
      madeFor = current
      madeWith = remotes()
    }
    const key = `${root} ${version}`
    const document = aggregated.get(key) ?? aggregatedDiscovery(current, root, version, madeWith)
    aggregated.set(key, document)
    return document
  }
  return {
    handle(path, req) {
      const answer = (value: Rendered | undefined) => value && negotiated(value, req)
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
        return answer(root === 'api' ? apiVersions(serverAddress()) : apiGroupList(resources(), remotes()))
      }
      if (root === 'api') return parts.length === 3 ? answer(apiResourceList(resources(), '', parts[2]!)) : undefined
      if (parts.length === 3) return answer(apiGroup(resources(), parts[2]!, remotes()))
      return parts.length === 4 ? answer(apiResourceList(resources(), parts[2]!, parts[3]!)) : undefined
    },
  }
}

/** Throws NotAcceptable. */
function negotiated(value: Rendered, { headers }: Request): PathAnswer {
  const { contentType, pieces } = valueBody(value, negotiate(headers.accept, PLAIN_ENDPOINT), discoveryType)
  return { code: 200, body: pieces[0]!, contentType }
}

const types: ReadonlyMap<string, Message> = new Map<string, Message>([
  ['APIVersions', APIVersions],
  ['APIGroupList', APIGroupList],
  ['APIGroup', APIGroup],
  ['APIResourceList', APIResourceList],
])
const discoveryType = (_apiVersion: string, kind: string) => types.get(kind)
