/**
 * Which resources the cluster serves, for controllers that work on all of them (namespaces, garbage collection): the
 * built-in ones, those of CustomResourceDefinitions and those of extension API servers as they come and go.
 */
import type { CustomResourceDefinition } from '#api/apiextensions/v1.ts'
import { defineResource, kind, type Resource, resourceKey } from '#api/kind.ts'
import { allResources, customResourceDefinitions } from '#api/resources.ts'
import type { Informer, Informers } from '#client/informer.ts'
import { isConditionTrue } from '#machinery/conditions.ts'

export interface ResourceSource {
  /** Each resource once, in its preferred version. */
  current(): readonly Resource[]
  /** The resource of a kind in any of its versions; undefined where it is not served (yet). */
  ofKind(apiVersion: string, kind: string): Resource | undefined
  /** `group/version` of what is served by somebody who does not answer, so that its resources are not known. */
  undiscovered?(): readonly string[]
  /** Calls back when the answer of `current` has changed. Returns a function that stops it. */
  subscribe(onChange: () => void): () => void
  /** Resolves when the custom ones are known. */
  synced(signal?: AbortSignal): Promise<void>
}

/** What extension API servers serve. */
export interface ExtensionResources {
  current(): readonly Resource[]
  undiscovered(): readonly string[]
  subscribe(onChange: () => void): () => void
}

const noExtensions: ExtensionResources = { current: () => [], undiscovered: () => [], subscribe: () => () => {} }

export interface ResourceSourceOptions {
  /** For tests and for clusters that serve less. */
  builtIn?: readonly Resource[]
  /** Default: none. */
  extensions?: ExtensionResources
}

export function createResourceSource(informers: Informers, options: ResourceSourceOptions = {}): ResourceSource {
  const { builtIn = allResources, extensions = noExtensions } = options
  return new Source(informers.for(customResourceDefinitions), withoutDuplicates(builtIn), extensions)
}

class Source implements ResourceSource {
  readonly #crds: Informer<CustomResourceDefinition>
  readonly #builtIn: readonly Resource[]
  readonly #extensions: ExtensionResources
  readonly #custom = new WeakMap<CustomResourceDefinition, Resource>()

  constructor(crds: Informer<CustomResourceDefinition>, builtIn: readonly Resource[], extensions: ExtensionResources) {
    this.#crds = crds
    this.#builtIn = builtIn
    this.#extensions = extensions
  }

  current(): readonly Resource[] {
    return [
      ...this.#builtIn,
      ...this.#crds
        .list()
        .filter(isEstablished)
        .map((crd) => this.#resourceOf(crd)),
      ...this.#extensions.current(),
    ]
  }

  undiscovered(): readonly string[] {
    return this.#extensions.undiscovered()
  }

  ofKind(apiVersion: string, kindName: string): Resource | undefined {
    const group = apiVersion.includes('/') ? apiVersion.split('/')[0]! : ''
    const builtIn = this.#builtIn.find((r) => r.kind === kindName && r.group === group)
    if (builtIn) return builtIn
    const crd = this.#crds.list().find(({ spec }) => spec.group === group && spec.names.kind === kindName)
    if (crd && isEstablished(crd)) return this.#resourceOf(crd)
    return this.#extensions.current().find((r) => r.kind === kindName && r.group === group)
  }

  subscribe(onChange: () => void): () => void {
    const stopExtensions = this.#extensions.subscribe(onChange)
    const stopCustom = this.#crds.handle({
      added: onChange,
      updated: (crd, previous) => {
        if (isEstablished(crd) !== isEstablished(previous)) onChange()
      },
      deleted: onChange,
    })
    return () => {
      stopExtensions()
      stopCustom()
    }
  }

  synced(signal?: AbortSignal): Promise<void> {
    return this.#crds.synced(signal)
  }

  #resourceOf(crd: CustomResourceDefinition): Resource {
    let resource = this.#custom.get(crd)
    if (!resource) this.#custom.set(crd, (resource = customResource(crd)))
    return resource
  }
}

/** What a definition's storage version is served as; its schema is left out. */
export function customResource({ spec }: CustomResourceDefinition): Resource {
  const version = spec.versions.find((v) => v.storage) ?? spec.versions[0]!
  const served = version.served ? version : (spec.versions.find((v) => v.served) ?? version)
  const { names } = spec
  return defineResource(kind(spec.group, served.name, names.kind, '', {}), names.plural, {
    namespaced: spec.scope === 'Namespaced',
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
  })
}

function isEstablished({ metadata, status }: CustomResourceDefinition): boolean {
  return !metadata.deletionTimestamp && isConditionTrue(status?.conditions, 'Established')
}

/** A group's resource that is served in several versions is taken once, in the highest. */
function withoutDuplicates(resources: readonly Resource[]): Resource[] {
  const byName = new Map<string, Resource>()
  for (const resource of resources) {
    const key = resourceKey(resource)
    const other = byName.get(key)
    if (!other || resource.version > other.version) byName.set(key, resource)
  }
  return [...byName.values()]
}
