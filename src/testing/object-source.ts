/**
 * A Transport over objects in memory, for tests of components that only read: lists, watches, and field selectors on
 * `metadata.name`. Objects are put there as they are; nothing is validated or defaulted.
 */
import type { KubeObject, Resource } from '#api/kind.ts'
import type { ApiRequest, Transport, WatchEvent, WatchSink } from '#client/transport.ts'
import { StatusError } from '#machinery/status-error.ts'

interface Watcher {
  request: ApiRequest
  sink: WatchSink
}

/** What a test writes down of an object: metadata may be partial. */
export type Sketch<T extends KubeObject> = Omit<Partial<T>, 'metadata'> & {
  metadata: Partial<T['metadata']> & { name: string }
}

export class ObjectSource implements Transport {
  #revision = 1
  readonly #objects = new Map<string, KubeObject>()
  readonly #watchers = new Set<Watcher>()
  readonly #history: { resource: Resource; event: ObjectEvent }[] = []

  /** Creates or replaces an object. */
  put<T extends KubeObject>(resource: Resource<T>, sketch: Sketch<T>): T {
    const key = keyOf(resource, sketch.metadata)
    const metadata = {
      uid: `uid-${sketch.metadata.name}`,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...sketch.metadata,
      resourceVersion: String(++this.#revision),
    }
    const object = { apiVersion: resource.apiVersion, kind: resource.kind, ...sketch, metadata } as unknown as T
    const type = this.#objects.has(key) ? 'MODIFIED' : 'ADDED'
    this.#objects.set(key, object)
    this.#tell(resource as Resource, { type, object })
    return object
  }

  /** Deletes an object; nothing happens when it isn't there. */
  remove(resource: Resource, metadata: { name: string; namespace?: string }): void {
    const key = keyOf(resource, metadata)
    const object = this.#objects.get(key)
    if (!object) return
    this.#objects.delete(key)
    const gone = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#revision) } }
    this.#tell(resource, { type: 'DELETED', object: gone })
  }

  async call(request: ApiRequest): Promise<unknown> {
    if (request.verb !== 'list') throw new StatusError('MethodNotAllowed', `${request.verb} is not served here`)
    const { apiVersion, kind } = request.resource
    const prefix = `${apiVersion}/${request.resource.plural}/`
    const items = [...this.#objects]
      .filter(([key, o]) => key.startsWith(prefix) && selects(request, o))
      .map(([, o]) => o)
    return { apiVersion, kind: `${kind}List`, metadata: { resourceVersion: String(this.#revision) }, items }
  }

  watch(request: ApiRequest, sink: WatchSink): () => void {
    const watcher = { request, sink }
    this.#watchers.add(watcher)
    const from = Number(request.options?.resourceVersion ?? 0)
    for (const past of this.#history) {
      if (Number(past.event.object.metadata.resourceVersion) > from) deliver(watcher, past.resource, past.event)
    }
    return () => this.#watchers.delete(watcher)
  }

  #tell(resource: Resource, event: ObjectEvent) {
    this.#history.push({ resource, event })
    for (const watcher of this.#watchers) deliver(watcher, resource, event)
  }
}

type ObjectEvent = WatchEvent & { object: KubeObject }

function deliver({ request, sink }: Watcher, resource: Resource, event: ObjectEvent) {
  const same = request.resource.plural === resource.plural && request.resource.apiVersion === resource.apiVersion
  if (same && selects(request, event.object)) sink.onEvents([event])
}

const keyOf = (resource: Resource, { namespace = '', name }: { namespace?: string; name: string }) =>
  `${resource.apiVersion}/${resource.plural}/${namespace}/${name}`

function selects({ namespace, options }: ApiRequest, { metadata }: KubeObject): boolean {
  if (namespace && namespace !== metadata.namespace) return false
  const name = /^metadata\.name=(.*)$/.exec(options?.fieldSelector ?? '')?.[1]
  return name === undefined || name === metadata.name
}
