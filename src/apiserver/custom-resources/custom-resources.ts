/**
 * Makes the API serve what CustomResourceDefinitions define, as they come, change and go: keeps the status of each
 * definition (names, conditions), puts its versions into the catalog, and empties what is to be deleted.
 *
 * A definition is served before it says that it is established, so that whoever waits for that finds it. Definitions are
 * looked at one after the other, because their names depend on one another's; only the deletion of objects, which may take
 * long, goes on by itself.
 */
import type { CustomResourceDefinition } from '#api/apiextensions/v1.ts'
import { kind } from '#api/kind.ts'
import { customResourceDefinitions } from '#api/resources.ts'
import type { Clock } from '#base/clock.ts'
import { jsonEqual } from '#base/equal.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import { runWorkers, WorkQueue } from '#client/work-queue.ts'
import { isConditionTrue } from '#machinery/conditions.ts'
import { isStatus } from '#machinery/status-error.ts'
import { formatTime } from '#machinery/time.ts'
import type { Api } from '../api.ts'
import { type Registry, storagePrefix } from '../registry/registry.ts'
import type { Draft, Stored } from '../registry/strategy.ts'
import { WatchCache } from '../registry/watch-cache.ts'
import { plannedStatus } from './definition-status.ts'
import { CLEANUP_FINALIZER, emptyDefinition } from './definition-cleanup.ts'
import type { RuleValidator } from './rule-validation.ts'
import { type ServedDefinition, serveDefinition } from './served-definition.ts'
import { storedCodec } from './stored-codec.ts'
import type { Structural } from './structural.ts'
import type { Converter } from './version-forms.ts'

export interface CustomResourcesOptions {
  api: Api
  /** How a definition's objects are brought from one version to another. */
  converterOf(definition: CustomResourceDefinition): Converter
  rulesOf(schema: Structural): RuleValidator | undefined
  clock: Clock
  random: Random
  log: Log
}

type Definition = CustomResourceDefinition & Stored

/** A definition that is served, and what of it that depends on. */
interface Serving {
  readonly uid: string
  readonly stored: WatchCache
  readonly spec: Definition['spec']
  readonly names: Definition['status']['acceptedNames']
  readonly served: ServedDefinition
  isTerminating: boolean
}

export class CustomResources {
  readonly #options: CustomResourcesOptions
  readonly #registry: Registry
  readonly #queue: WorkQueue
  readonly #serving = new Map<string, Serving>()
  /** Names of definitions whose objects are being deleted. */
  readonly #emptying = new Set<string>()
  readonly #stop = new AbortController()

  constructor(options: CustomResourcesOptions) {
    this.#options = options
    this.#registry = options.api.registry(customResourceDefinitions)
    this.#queue = new WorkQueue({ clock: options.clock })
  }

  /** Resolves when everything that is established already is served. */
  async start(): Promise<void> {
    const { cache } = this.#registry
    cache.follow(cache.prefix, {
      onEvents: (events) => {
        for (const { current, previous } of events) this.#changed((current ?? previous)!.object as Definition, !current)
      },
      onEnd: () => this.#end(),
    })
    for (const definition of this.#all()) {
      if (isConditionTrue(definition.status.conditions, 'Established'))
        await this.#serve(definition, definition.status.acceptedNames)
      this.#queue.add(definition.metadata.name)
    }
    const { log } = this.#options
    void runWorkers(this.#queue, 1, (name) => this.#reconcile(name), { log, signal: this.#stop.signal })
  }

  #end() {
    this.#stop.abort()
    this.#queue.shutDown()
    for (const { served, stored } of this.#serving.values()) {
      served.stop()
      stored.stop()
    }
  }

  #all(): Definition[] {
    return this.#registry.cache.list(this.#registry.prefix(undefined)).map(({ object }) => object as Definition)
  }

  #find(name: string): Definition | undefined {
    return this.#registry.cache.get(this.#registry.key(undefined, name))?.object as Definition | undefined
  }

  #changed({ metadata, spec }: Definition, isGone: boolean) {
    this.#queue.add(metadata.name)
    // The names that it has had are free now.
    if (isGone) for (const other of this.#othersOf(metadata.name, spec.group)) this.#queue.add(other.metadata.name)
  }

  #othersOf(name: string, group: string): Definition[] {
    return this.#all().filter(({ metadata, spec }) => spec.group === group && metadata.name !== name)
  }

  async #reconcile(name: string): Promise<void> {
    const definition = this.#find(name)
    if (!definition) return this.#unserve(name)
    const { clock } = this.#options
    const others = this.#othersOf(name, definition.spec.group)
    const status = plannedStatus(definition, others, formatTime(clock.now()))
    const isEstablished = isConditionTrue(status.conditions, 'Established')
    if (isEstablished) await this.#serve(definition, status.acceptedNames)
    if (status !== definition.status) {
      await this.#writeStatus(definition, status)
      if (!jsonEqual(status.acceptedNames, definition.status.acceptedNames))
        for (const other of others) this.#queue.add(other.metadata.name)
    }
    const { deletionTimestamp, finalizers } = definition.metadata
    if (deletionTimestamp && finalizers?.includes(CLEANUP_FINALIZER)) this.#empty(name)
  }

  /** A definition that has changed meanwhile comes back by itself. */
  async #writeStatus({ metadata }: Definition, status: Definition['status']): Promise<void> {
    const change = (old: Stored | undefined): Draft => {
      const { resourceVersion } = metadata
      return { ...old!, metadata: { ...old!.metadata, resourceVersion }, status } as Draft
    }
    try {
      const options = { namespace: undefined, dryRun: false, subresource: 'status' }
      await this.#registry.update(metadata.name, change, options)
    } catch (err) {
      if (!isStatus(err, 'Conflict', 'NotFound')) throw err
    }
  }

  async #serve(definition: Definition, names: Definition['status']['acceptedNames']): Promise<void> {
    const { api, converterOf, rulesOf, clock, random } = this.#options
    const { metadata, spec, status } = definition
    // What is built in was there first.
    const isBuiltIn = api.catalog.entries.some(
      ({ resource }) =>
        resource.group === spec.group && resource.plural === names.plural && resource.type.schema === undefined,
    )
    if (isBuiltIn) return
    const isTerminating = isConditionTrue(status.conditions, 'Terminating')
    let before = this.#serving.get(metadata.name)
    if (before && before.uid !== metadata.uid) {
      this.#unserve(metadata.name)
      before = undefined
    }
    if (before && jsonEqual(before.spec, spec) && jsonEqual(before.names, names)) {
      if (before.isTerminating === isTerminating) return
      before.isTerminating = isTerminating
      api.catalog.set(ownerOf(metadata.name), before.served.entries(isTerminating))
      return
    }
    const stored = before?.stored ?? (await this.#load(spec.group, names.plural, names.kind))
    const served = serveDefinition(definition, names, {
      isTerminating: () => serving.isTerminating,
      stored,
      converter: converterOf(definition),
      rulesOf,
      store: api.store,
      clock,
      random,
    })
    if (this.#stop.signal.aborted) return
    const serving: Serving = { uid: metadata.uid, stored, spec, names, served, isTerminating }
    this.#serving.set(metadata.name, serving)
    api.catalog.set(ownerOf(metadata.name), served.entries(isTerminating))
    before?.served.stop()
  }

  async #load(group: string, plural: string, kindName: string): Promise<WatchCache> {
    const prefix = storagePrefix({ group, plural })
    const { api, clock } = this.#options
    const cache = new WatchCache(api.store, storedCodec(anyVersion(group, kindName)), prefix, clock)
    await cache.start()
    return cache
  }

  #unserve(name: string) {
    const serving = this.#serving.get(name)
    if (!serving) return
    this.#serving.delete(name)
    this.#options.api.catalog.set(ownerOf(name), [])
    serving.served.stop()
    serving.stored.stop()
  }

  #empty(name: string) {
    if (this.#emptying.has(name)) return
    this.#emptying.add(name)
    const { clock, log } = this.#options
    emptyDefinition({
      definitions: this.#registry,
      name,
      storage: () => {
        const serving = this.#serving.get(name)
        return serving && { registry: serving.served.storage, stored: serving.stored }
      },
      clock,
    })
      .catch((err: unknown) => {
        if (this.#stop.signal.aborted) return
        log.warn({ definition: name, reason: messageOf(err) }, 'cannot delete custom resources; trying again')
        this.#queue.addAfter(name, RETRY_MS)
      })
      .finally(() => this.#emptying.delete(name))
  }
}

/** What is stored is read in whatever version it is. */
const anyVersion = (group: string, kindName: string) => kind(group, '', kindName, '', {})

const RETRY_MS = 1_000
const ownerOf = (name: string) => `customresourcedefinition/${name}`
