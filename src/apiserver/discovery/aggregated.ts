/**
 * Discovery in one document: all groups, versions and resources at once, which spares clients dozens of requests. Served at
 * `/api` and `/apis` to those that ask for it by `Accept`. Upstream: `apiserver/pkg/endpoints/discovery/aggregated`.
 */
import { createHash } from 'node:crypto'
import type { Resource } from '#api/kind.ts'
import { foreignVersion, subresourceVerbs } from './documents.ts'
import { type GroupVersions, groupVersions } from './groups.ts'
import type { RemoteVersion } from './remote-versions.ts'

export type AggregatedVersion = 'v2' | 'v2beta1'

export interface AggregatedDocument {
  readonly body: Buffer
  /** With its quotes, as in the `ETag` header. */
  readonly etag: string
  readonly contentType: string
}

/** `/api` (the core group) or `/apis` (all others). */
export function aggregatedDiscovery(
  resources: readonly Resource[],
  root: 'api' | 'apis',
  version: AggregatedVersion,
  remotes?: readonly RemoteVersion[],
): AggregatedDocument {
  const groups = groupVersions(resources, remotes).filter(({ group }) => (group === '') === (root === 'api'))
  const document = {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(groupDiscovery),
  }
  const body = Buffer.from(JSON.stringify(document))
  return {
    body,
    etag: `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`,
    contentType: `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
  }
}

/** Which form the client prefers; undefined for the one that is not aggregated. */
export function aggregatedVersion(accept: string): AggregatedVersion | undefined {
  for (const range of accept.split(',')) {
    const [type, ...rest] = range.split(';').map((part) => part.trim())
    const parameters = new Map(rest.map((part) => part.split('=') as [string, string]))
    if (parameters.get('as') === undefined) {
      if (type === 'application/json' || type === '*/*' || type === 'application/*') return undefined
      continue
    }
    const version = parameters.get('v')
    const isKnown = parameters.get('g') === 'apidiscovery.k8s.io' && parameters.get('as') === 'APIGroupDiscoveryList'
    if (type === 'application/json' && isKnown && (version === 'v2' || version === 'v2beta1')) return version
  }
  return undefined
}

function groupDiscovery({ group, versions }: GroupVersions) {
  return {
    metadata: { ...(group && { name: group }) },
    versions: versions.map(({ version, resources, remote }) => ({
      version,
      ...(remote && remote.resources.length === 0
        ? {}
        : { resources: remote?.resources ?? resources.map(resourceDiscovery) }),
      freshness: remote?.freshness ?? 'Current',
    })),
  }
}

/** Group and version are empty where they are those of the list. */
const responseKind = (kind: string, { group = '', version = '' } = {}) => ({ group, version, kind })

function resourceDiscovery(resource: Resource) {
  const { plural, kind, namespaced, singular, shortNames, categories } = resource
  const subresources = Object.entries(resource.subresources).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return {
    resource: plural,
    responseKind: responseKind(kind),
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs: (resource.shownVerbs ?? resource.verbs).toSorted(),
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    ...(subresources.length > 0 && {
      subresources: subresources.map(([name, subresource]) => ({
        subresource: name,
        responseKind: responseKind(subresource.kind ?? kind, foreignVersion(resource, subresource)),
        verbs: subresourceVerbs(name, subresource),
      })),
    }),
  }
}
