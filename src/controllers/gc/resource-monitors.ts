/** Feeds the ownership graph: follows every resource that can be listed and watched, and keeps only its metadata. */
import { type KubeObject, type Resource, resourceKey } from '#api/kind.ts'
import { reflect, type ReflectorSink } from '#client/reflector.ts'
import type { ControllerContext } from '../controller.ts'
import type { ResourceSource } from '../resource-source.ts'
import type { OwnershipGraph } from './ownership-graph.ts'

interface Monitor {
  resource: Resource
  stop: AbortController
  synced: Promise<void>
}

/** Events own nothing and nobody owns them. */
const ignored: ReadonlySet<string> = new Set(['/events', 'events.k8s.io/events'])

export class ResourceMonitors {
  readonly #context: ControllerContext
  readonly #graph: OwnershipGraph
  readonly #source: ResourceSource
  readonly #monitors = new Map<string, Monitor>()

  constructor(context: ControllerContext, graph: OwnershipGraph, source: ResourceSource) {
    this.#context = context
    this.#graph = graph
    this.#source = source
  }

  /** Starts what is served now, and follows as that changes. Resolves when each that was there at first has been read once. */
  async start(): Promise<void> {
    const { signal } = this.#context
    await this.#source.synced(signal)
    this.#update()
    signal.addEventListener(
      'abort',
      this.#source.subscribe(() => this.#update()),
      { once: true },
    )
    await Promise.all([...this.#monitors.values()].map(({ synced }) => synced))
  }

  get count(): number {
    return this.#monitors.size
  }

  #update(): void {
    if (this.#context.signal.aborted) return
    const wanted = new Map<string, Resource>()
    for (const resource of this.#source.current()) {
      const name = resourceKey(resource)
      const isWatchable = resource.verbs.includes('list') && resource.verbs.includes('watch')
      if (isWatchable && !ignored.has(name)) wanted.set(`${name}@${resource.version}`, resource)
    }
    for (const [key, monitor] of this.#monitors) {
      if (wanted.has(key)) continue
      monitor.stop.abort()
      this.#monitors.delete(key)
      this.#graph.unwatch(monitor.resource)
    }
    for (const [key, resource] of wanted) if (!this.#monitors.has(key)) this.#monitors.set(key, this.#follow(resource))
  }

  #follow(resource: Resource): Monitor {
    const { client, clock, random, log, signal } = this.#context
    const graph = this.#graph
    const stop = new AbortController()
    let isSynced = () => {}
    const synced = new Promise<void>((resolve) => (isSynced = resolve))
    const ended = AbortSignal.any([signal, stop.signal])
    ended.addEventListener('abort', isSynced, { once: true })
    const sink: ReflectorSink<KubeObject> = {
      replace(items) {
        for (const item of items) graph.observe(resource, item)
        graph.removeOthers(resource, new Set(items.map(({ metadata }) => metadata.uid)))
        isSynced()
      },
      apply(events) {
        for (const { type, object } of events) {
          if (type === 'DELETED') graph.remove(object.metadata.uid)
          else graph.observe(resource, object)
        }
      },
    }
    void reflect({ client, resource, sink, clock, random, log, signal: ended })
    return { resource, stop, synced }
  }
}
