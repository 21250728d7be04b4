/**
 * Groups and versions in the order that discovery shows them, which is the order of preference of clients such as kubectl.
 * Upstream: the APIService priorities of kube-aggregator, and `version.CompareKubeAwareVersionStrings`.
 */
import type { Resource } from '#api/kind.ts'

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
const DEFAULT_PRIORITY = 1000

export interface GroupVersions {
  readonly group: string
  /** The preferred one first. */
  readonly versions: readonly { readonly version: string; readonly resources: readonly Resource[] }[]
}

/** All groups but core's, which has a place of its own (`/api`). */
export function namedGroups(resources: readonly Resource[]): GroupVersions[] {
  return groupVersions(resources).filter(({ group }) => group !== '')
}

export function groupVersions(resources: readonly Resource[]): GroupVersions[] {
  const groups = new Map<string, Map<string, Resource[]>>()
  for (const resource of resources) {
    const versions = groups.get(resource.group) ?? new Map<string, Resource[]>()
    groups.set(resource.group, versions.set(resource.version, [...(versions.get(resource.version) ?? []), resource]))
  }
  return [...groups]
    .map(([group, versions]) => ({
      group,
      versions: [...versions]
        .map(([version, list]) => ({ version, resources: list.toSorted((a, b) => order(a.plural, b.plural)) }))
        .toSorted((a, b) => compareVersions(b.version, a.version)),
    }))
    .toSorted((a, b) => priorityOf(b.group) - priorityOf(a.group) || order(a.group, b.group))
}

const priorityOf = (group: string) => priorities[group] ?? DEFAULT_PRIORITY
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
