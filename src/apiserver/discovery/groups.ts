/**
 * Groups and versions in the order that discovery shows them, which is the order of preference of clients such as kubectl.
 * Upstream: the APIService priorities of kube-aggregator, and `version.CompareKubeAwareVersionStrings`.
 */
import type { Resource } from '#api/kind.ts'
import type { RemoteVersion } from './remote-versions.ts'

/** Higher goes first; groups of custom resources follow with 1000. */
const priorities: Readonly<Record<string, number>> = {
  'apiregistration.k8s.io': 20_001,
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'admissionregistration.k8s.io': 16_700,
  'apiextensions.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'resource.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
}
/** Of the versions of custom resources. */
const DEFAULT_PRIORITY = { group: 1000, version: 100 }

/** Of versions within their group, where they are not 15. */
const versionPriorities: Readonly<Record<string, number>> = {
  '/v1': 1,
  'autoscaling/v2': 30,
  'flowcontrol.apiserver.k8s.io/v1': 21,
  'resource.k8s.io/v1': 21,
}
const DEFAULT_VERSION_PRIORITY = 15

/** What the APIService of a built-in group version says; undefined for the others. */
export function builtInPriority(group: string, version: string): { group: number; version: number } | undefined {
  const found = priorities[group]
  if (found === undefined) return undefined
  return { group: found, version: versionPriorities[`${group}/${version}`] ?? DEFAULT_VERSION_PRIORITY }
}

export interface ServedVersion {
  readonly version: string
  /** What this server serves itself; nothing where somebody else does. */
  readonly resources: readonly Resource[]
  readonly remote?: RemoteVersion
}

export interface GroupVersions {
  readonly group: string
  /** The preferred one first. */
  readonly versions: readonly ServedVersion[]
}

/** All groups but core's, which has a place of its own (`/api`). */
export function namedGroups(resources: readonly Resource[], remotes?: readonly RemoteVersion[]): GroupVersions[] {
  return groupVersions(resources, remotes).filter(({ group }) => group !== '')
}

/** Where a version is served here and elsewhere, elsewhere counts. */
export function groupVersions(resources: readonly Resource[], remotes: readonly RemoteVersion[] = []): GroupVersions[] {
  const groups = new Map<string, Map<string, Resource[] | RemoteVersion>>()
  const add = (group: string, version: string, what: (before: Resource[]) => Resource[] | RemoteVersion) => {
    const versions = groups.get(group) ?? new Map<string, Resource[] | RemoteVersion>()
    const before = versions.get(version) ?? []
    groups.set(group, versions.set(version, what(Array.isArray(before) ? before : [])))
  }
  for (const resource of resources) add(resource.group, resource.version, (before) => [...before, resource])
  for (const remote of remotes) add(remote.group, remote.version, () => remote)
  return [...groups]
    .map(([group, versions]) => {
      const served = [...versions].map(([version, what]) => servedVersion(group, version, what))
      const priority = Math.max(...served.map((one) => one.priority.group))
      const sorted = served.toSorted(
        (a, b) => b.priority.version - a.priority.version || compareVersions(b.version, a.version),
      )
      return { group, priority, versions: sorted }
    })
    .toSorted((a, b) => b.priority - a.priority || order(a.group, b.group))
}

function servedVersion(group: string, version: string, what: Resource[] | RemoteVersion) {
  if (!Array.isArray(what)) {
    const priority = { group: what.groupPriority, version: what.versionPriority }
    return { version, resources: [], remote: what, priority }
  }
  const priority = builtInPriority(group, version) ?? DEFAULT_PRIORITY
  return { version, resources: what.toSorted((a, b) => order(a.plural, b.plural)), priority }
}

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

const stages = ['alpha', 'beta', '']

/** Positive where `a` is the more mature or newer version: v2, v1, v2beta1, v1beta2, v1alpha1; other names come last. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [parse(a), parse(b)]
  if (!x || !y) return x ? 1 : y ? -1 : order(b, a)
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return x[i]! - y[i]!
  return 0
}

function parse(version: string): [number, number, number] | undefined {
  const parts = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version)
  return parts ? [stages.indexOf(parts[2] ?? ''), Number(parts[1]), Number(parts[3] ?? 0)] : undefined
}
