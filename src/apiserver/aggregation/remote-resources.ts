/**
 * What extension API servers serve, for components that work on everything that there is, such as the garbage collector.
 * Of the objects no more is known than that they have metadata.
 */
import { ALL_VERBS, defineResource, kind, type Resource, type Verb } from '#api/kind.ts'
import type { RemoteVersion } from '../discovery/remote-versions.ts'
import type { RemoteDiscovery } from './remote-discovery.ts'

export interface RemoteResources {
  /** Each resource once, in its preferred version; the same array until something changes. */
  current(): readonly Resource[]
  /** `group/version` of what is registered, but does not answer. */
  undiscovered(): readonly string[]
  /** Calls back when an answer may be another one. Returns a function that stops it. */
  subscribe(onChange: () => void): () => void
}

export function remoteResources(discovery: RemoteDiscovery): RemoteResources {
  let read: { versions: readonly RemoteVersion[]; resources: readonly Resource[] } = { versions: [], resources: [] }
  return {
    current() {
      const { versions } = discovery
      if (versions !== read.versions) read = { versions, resources: resourcesIn(versions) }
      return read.resources
    },
    undiscovered: () =>
      discovery.versions
        .filter(({ freshness }) => freshness === 'Stale')
        .map(({ group, version }) => `${group}/${version}`)
        .sort(),
    subscribe: (onChange) => discovery.subscribe(onChange),
  }
}

function resourcesIn(versions: readonly RemoteVersion[]): readonly Resource[] {
  const out = new Map<string, Resource>()
  for (const { group, version, resources } of versions.toSorted((a, b) => b.versionPriority - a.versionPriority)) {
    for (const found of resources as readonly Record<string, any>[]) {
      const { resource: plural, responseKind, scope, verbs } = found
      const name = `${group}/${plural}`
      if (typeof plural !== 'string' || typeof responseKind?.kind !== 'string' || !responseKind.kind) continue
      if (out.has(name) || !Array.isArray(verbs)) continue
      const type = kind(group, version, responseKind.kind, '', {})
      const known = verbs.filter((verb): verb is Verb => ALL_VERBS.includes(verb))
      out.set(name, defineResource(type, plural, { namespaced: scope === 'Namespaced', verbs: known }))
    }
  }
  return [...out.values()]
}
