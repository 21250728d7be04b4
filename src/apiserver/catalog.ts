/**
 * Which resources the API serves at this moment, by path and by kind. Built-in ones are there from the start; those of
 * CustomResourceDefinitions come, change and go while the server runs. Whatever is derived from the set of resources
 * (routes, discovery, OpenAPI) either asks here each time or keeps what it made for as long as `generation` stays.
 *
 * Invariant: a path and a kind each lead to one entry; where two owners want the same one, who came first has it.
 */
import type { Resource } from '#api/kind.ts'
import type { Message } from '#api/schema.ts'

/** `group/version` to plural to resource. */
export type ResourceTable = ReadonlyMap<string, ReadonlyMap<string, Resource>>

/** `E` is what the API keeps about each resource. */
export class Catalog<E extends { readonly resource: Resource }> {
  readonly #owners = new Map<string, readonly E[]>()
  readonly #listeners = new Set<() => void>()
  #generation = 0
  #entries: readonly E[] = []
  #resources: readonly Resource[] = []
  #table: ReadonlyMap<string, ReadonlyMap<string, Resource>> = new Map()
  #byResource = new Map<Resource, E>()
  #byKind = new Map<string, E>()

  /** Grows with every change; what was derived at the same generation is still true. */
  get generation(): number {
    return this.#generation
  }

  get entries(): readonly E[] {
    return this.#entries
  }

  /** The same array until something changes. */
  get resources(): readonly Resource[] {
    return this.#resources
  }

  /** For routing; the same object until something changes. */
  get table(): ResourceTable {
    return this.#table
  }

  /** What is served at the resource's path, even where the resource is somebody's own description of it. */
  entryOf(resource: Resource): E | undefined {
    const found = this.#byResource.get(resource)
    if (found) return found
    const { group, version, plural } = resource
    return this.at(group, version, plural)
  }

  at(group: string, version: string, plural: string): E | undefined {
    const resource = this.#table.get(`${group}/${version}`)?.get(plural)
    return resource && this.#byResource.get(resource)
  }

  /** `apiVersion` as objects have it: `v1`, `apps/v1`. */
  ofKind(apiVersion: string, kind: string): E | undefined {
    return this.#byKind.get(`${apiVersion}/${kind}`)
  }

  /** The type of a kind that bodies may hold. */
  typeOf(apiVersion: string, kind: string): Message | undefined {
    return this.ofKind(apiVersion, kind)?.resource.type
  }

  /** Everything that `owner` serves from now on, in place of what it served; nothing where `entries` is empty. */
  set(owner: string, entries: readonly E[]) {
    if (entries.length > 0) this.#owners.set(owner, entries)
    else if (!this.#owners.delete(owner)) return
    this.#rebuild()
    this.#generation++
    for (const listener of this.#listeners) listener()
  }

  /** Calls back, synchronously, after every change. Returns a function that stops it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #rebuild() {
    const entries: E[] = []
    const table = new Map<string, Map<string, Resource>>()
    this.#byResource = new Map()
    this.#byKind = new Map()
    for (const owned of this.#owners.values()) {
      for (const entry of owned) {
        const { group, version, apiVersion, kind, plural } = entry.resource
        const place = `${group}/${version}`
        const plurals = table.get(place) ?? new Map<string, Resource>()
        if (plurals.has(plural)) continue
        table.set(place, plurals.set(plural, entry.resource))
        entries.push(entry)
        this.#byResource.set(entry.resource, entry)
        if (!this.#byKind.has(`${apiVersion}/${kind}`)) this.#byKind.set(`${apiVersion}/${kind}`, entry)
      }
    }
    this.#entries = entries
    this.#resources = entries.map(({ resource }) => resource)
    this.#table = table
  }
}
