/**
 * Discovery, one group version at a time: what `/api`, `/apis`, `/apis/<group>` and `/apis/<group>/<version>` answer with.
 * Pure functions of the list of resources, which changes as custom resources come and go. Upstream:
 * `apiserver/pkg/endpoints/discovery`.
 */
import { createHash } from 'node:crypto'
import type { Resource, Subresource } from '#api/kind.ts'
import type { APIGroup, APIGroupList, APIResource, APIResourceList, APIVersions } from '#api/meta/v1.ts'
import { type GroupVersions, namedGroups } from './groups.ts'
import type { RemoteVersion } from './remote-versions.ts'

type Typed<T> = { kind: string; apiVersion?: string } & T

/** `/api`. `serverAddress` is host and port as clients inside of the cluster reach it. */
export function apiVersions(serverAddress: string): Typed<APIVersions> {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  }
}

/** `/apis`. */
export function apiGroupList(resources: readonly Resource[], remotes?: readonly RemoteVersion[]): Typed<APIGroupList> {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: namedGroups(resources, remotes).map(groupOf) }
}

/** `/apis/<group>`; undefined for a group that is not served. */
export function apiGroup(
  resources: readonly Resource[],
  group: string,
  remotes: readonly RemoteVersion[] = [],
): Typed<APIGroup> | undefined {
  const isOfGroup = (one: { group: string }) => one.group === group
  const found = namedGroups(resources.filter(isOfGroup), remotes.filter(isOfGroup))[0]
  return found && { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(found) }
}

function groupOf({ group, versions }: GroupVersions): APIGroup {
  const all = versions.map(({ version }) => ({ groupVersion: `${group}/${version}`, version }))
  return { name: group, versions: all, preferredVersion: all[0]! }
}

/** `/api/v1` and `/apis/<group>/<version>`; undefined for what is not served. */
export function apiResourceList(
  resources: readonly Resource[],
  group: string,
  version: string,
): Typed<APIResourceList> | undefined {
  const own = resources.filter((resource) => resource.group === group && resource.version === version)
  if (own.length === 0) return undefined
  return {
    kind: 'APIResourceList',
    ...(group && { apiVersion: 'v1' }),
    groupVersion: own[0]!.apiVersion,
    resources: own.flatMap(entriesOf).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  }
}

function entriesOf(resource: Resource): APIResource[] {
  const { plural, kind, namespaced, singular, shortNames, categories } = resource
  const hash = storageVersionHash(resource)
  return [
    {
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs: (resource.shownVerbs ?? resource.verbs).toSorted(),
      ...(shortNames.length > 0 && { shortNames: [...shortNames] }),
      ...(categories.length > 0 && { categories: [...categories] }),
      ...(hash && { storageVersionHash: hash }),
    },
    ...Object.entries(resource.subresources).map(([name, subresource]): APIResource => ({
      name: `${plural}/${name}`,
      singularName: '',
      namespaced,
      ...foreignVersion(resource, subresource),
      kind: subresource.kind ?? kind,
      verbs: subresourceVerbs(name, subresource),
    })),
  ]
}

/** Group and version of a subresource's body, where they are not the resource's own. */
export function foreignVersion(resource: Resource, { apiVersion }: Subresource): { group?: string; version?: string } {
  if (apiVersion === undefined || apiVersion === resource.apiVersion) return {}
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  return { ...(group && { group }), version: version! }
}

const PROXY_VERBS = ['create', 'delete', 'get', 'patch', 'update']
const STREAM_VERBS = ['create', 'get']
const STATUS_VERBS = ['get', 'patch', 'update']

/** A subresource that is connected to is shown with the verbs that its HTTP methods stand for. */
export function subresourceVerbs(name: string, { verbs }: Subresource): string[] {
  if (verbs === undefined) return STATUS_VERBS
  if (!verbs.includes('connect')) return verbs.toSorted()
  return name === 'proxy' ? PROXY_VERBS : STREAM_VERBS
}

/** Kinds with two versions or views are stored as one of them. */
const storedAs: Readonly<Record<string, string>> = {
  'autoscaling/v1/HorizontalPodAutoscaler': 'autoscaling/v2/HorizontalPodAutoscaler',
  'events.k8s.io/v1/Event': '/v1/Event',
}

/** Base64 of eight bytes that change with the version objects are stored in; undefined for what is not stored. */
export function storageVersionHash({ group, version, kind, verbs }: Resource): string | undefined {
  if (!verbs.includes('watch')) return undefined
  const name = `${group}/${version}/${kind}`
  return createHash('sha256')
    .update(storedAs[name] ?? name)
    .digest()
    .subarray(0, 8)
    .toString('base64')
}
