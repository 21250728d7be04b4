/**
 * What extension API servers serve, asked of each when its APIService changes and once a minute. One that does not answer
 * keeps its place in discovery, marked as stale. Upstream: `kube-aggregator/pkg/apiserver.DiscoveryAggregationController`.
 */
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import { runWorkers, WorkQueue } from '#client/work-queue.ts'
import { groupPath } from '../group-path.ts'
import type { RemoteVersion } from '../discovery/remote-versions.ts'
import { parseBounded } from '../outbound/bounded-json.ts'
import type { RemoteServer } from './remote-server.ts'

const REFRESH_MS = 60_000
const RETRY_MS = 500
const TIMEOUT_MS = 5_000
const MAX_BYTES = 16 << 20
const WORKERS = 2
const ACCEPT = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .join(',')

interface Document {
  readonly etag: string
  /** Resources by `group/version`. */
  readonly versions: ReadonlyMap<string, readonly object[]>
}

export interface RemoteDiscoveryOptions {
  clock: Clock
  log: Log
  signal: AbortSignal
}

export class RemoteDiscovery {
  readonly #log: Log
  readonly #signal: AbortSignal
  readonly #queue: WorkQueue
  #servers: ReadonlyMap<string, RemoteServer> = new Map()
  /** By the name of the APIService. */
  readonly #found = new Map<string, RemoteVersion>()
  /** By what leads to the server, which may serve several versions. */
  readonly #documents = new Map<string, Document>()
  #versions: readonly RemoteVersion[] = []
  readonly #listeners = new Set<() => void>()

  constructor({ clock, log, signal }: RemoteDiscoveryOptions) {
    this.#log = log
    this.#signal = signal
    this.#queue = new WorkQueue({ clock, baseDelayMs: RETRY_MS, maxDelayMs: REFRESH_MS })
  }

  /** The same array until something changes. */
  get versions(): readonly RemoteVersion[] {
    return this.#versions
  }

  /** Calls back after each change of `versions`. Returns a function that stops it. */
  subscribe(onChange: () => void): () => void {
    this.#listeners.add(onChange)
    return () => this.#listeners.delete(onChange)
  }

  /** Resolves when `signal` aborts. */
  async run(): Promise<void> {
    await runWorkers(this.#queue, WORKERS, (name) => this.#refresh(name), { log: this.#log, signal: this.#signal })
  }

  /** All extension servers there are, by the names of their APIServices; `changed` are to be asked. */
  follow(servers: ReadonlyMap<string, RemoteServer>, changed: readonly string[]) {
    this.#servers = servers
    for (const name of this.#found.keys()) if (!servers.has(name)) this.#found.delete(name)
    const used = new Set([...servers.values()].map(({ connectionKey }) => connectionKey))
    for (const key of this.#documents.keys()) if (!used.has(key)) this.#documents.delete(key)
    for (const [name, server] of servers) if (!this.#found.has(name)) this.#note(server, [], 'Stale')
    this.#publish()
    for (const name of changed) this.#queue.add(name)
  }

  async #refresh(name: string): Promise<{ requeueAfterMs: number } | void> {
    const server = this.#servers.get(name)
    if (!server) return
    let resources: readonly object[]
    try {
      resources = await this.#resourcesOf(server)
    } catch (err) {
      // What has been heard before is no longer sure to be true, and clients should not rely on it.
      if (this.#servers.get(name) === server) {
        this.#note(server, [], 'Stale')
        this.#publish()
      }
      throw err
    }
    if (this.#servers.get(name) !== server) return
    this.#note(server, resources, 'Current')
    this.#publish()
    return { requeueAfterMs: REFRESH_MS }
  }

  #note(server: RemoteServer, resources: readonly object[], freshness: RemoteVersion['freshness']) {
    const { name, group, version, groupPriority, versionPriority } = server
    this.#found.set(name, { group, version, groupPriority, versionPriority, resources, freshness })
  }

  /** A list that is not the one before tells that something has changed. */
  #publish() {
    const now = [...this.#found.values()]
    if (JSON.stringify(now) === JSON.stringify(this.#versions)) return
    this.#versions = now
    for (const listener of this.#listeners) listener()
  }

  /** Throws Error where the server does not answer. */
  async #resourcesOf(server: RemoteServer): Promise<readonly object[]> {
    if (!server.isAvailable) throw new Error(`service ${server.host} returned non-success response code: 503`)
    const { group, version, connectionKey } = server
    const before = this.#documents.get(connectionKey)
    const limits = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }
    const answer = await server.fetch('/apis', { accept: ACCEPT, ...(before && { etag: before.etag }), ...limits })
    if (answer.code === 304 && before) return before.versions.get(`${group}/${version}`) ?? []
    if (answer.code === 503) throw new Error(`service ${server.host} returned non-success response code: 503`)
    if (answer.code === 200 && /;\s*as=APIGroupDiscoveryList/.test(answer.contentType)) {
      const versions = versionsOf(parseBounded(answer.body.toString()))
      this.#documents.set(connectionKey, { etag: answer.etag, versions })
      return versions.get(`${group}/${version}`) ?? []
    }
    const path = `/${groupPath(server)}`
    const list = await server.fetch(path, { accept: 'application/json', ...limits })
    if (list.code !== 200) throw new Error(`failed to download legacy discovery for ${path}: ${list.code}`)
    return fromLegacy(parseBounded(list.body.toString()))
  }
}

type Json = Record<string, any>
const NO_KIND = { group: '', version: '', kind: '' }
const objectsIn = (value: unknown): Json[] =>
  Array.isArray(value) ? value.filter((one): one is Json => typeof one === 'object' && one !== null) : []

/** Older clients stumble over resources that tell no kind. */
const withKind = (resource: Json): Json => ({
  ...resource,
  responseKind: resource.responseKind ?? NO_KIND,
  ...(resource.subresources && {
    subresources: objectsIn(resource.subresources).map((one) => ({
      ...one,
      responseKind: one.responseKind ?? NO_KIND,
    })),
  }),
})

/** Of an APIGroupDiscoveryList. */
function versionsOf(document: unknown): ReadonlyMap<string, readonly object[]> {
  const out = new Map<string, readonly object[]>()
  for (const group of objectsIn((document as Json)?.items))
    for (const version of objectsIn(group.versions))
      out.set(`${group.metadata?.name ?? ''}/${version.version}`, objectsIn(version.resources).map(withKind))
  return out
}

/** Of an APIResourceList, which older servers have only. */
export function fromLegacy(document: unknown): readonly object[] {
  const entries = objectsIn((document as Json)?.resources).filter(({ name }) => typeof name === 'string')
  const kindOf = ({ group = '', version = '', kind = '' }: Json) => ({ group, version, kind })
  const scopeOf = ({ namespaced }: Json) => (namespaced ? 'Namespaced' : 'Cluster')
  const parents = new Map<string, Json>()
  for (const entry of entries) {
    if (entry.name.includes('/')) continue
    const { shortNames, categories } = entry
    parents.set(entry.name, {
      resource: entry.name,
      responseKind: kindOf(entry),
      scope: scopeOf(entry),
      singularResource: entry.singularName ?? '',
      verbs: entry.verbs ?? [],
      ...(shortNames && { shortNames }),
      ...(categories && { categories }),
    })
  }
  for (const entry of entries) {
    const slash = entry.name.indexOf('/')
    if (slash < 0) continue
    const name = entry.name.slice(0, slash)
    let parent = parents.get(name)
    if (!parent) {
      parent = { resource: name, responseKind: NO_KIND, scope: scopeOf(entry), singularResource: '', verbs: [] }
      parents.set(name, parent)
    }
    const subresource = {
      subresource: entry.name.slice(slash + 1),
      responseKind: kindOf(entry),
      verbs: entry.verbs ?? [],
    }
    parent.subresources = [...(parent.subresources ?? []), subresource]
  }
  return [...parents.values()]
}
