/**
 * Group versions that extension API servers serve: which they are, where their requests go, and what keeps that true.
 * Every APIService with a Service is one. Upstream: `kube-aggregator/pkg/apiserver.APIAggregator`.
 *
 * Where nothing is aggregated, a request pays for one comparison.
 */
import type { APIService } from '#api/apiregistration/v1.ts'
import type { CustomResourceDefinition } from '#api/apiextensions/v1.ts'
import type { Service } from '#api/core/v1/service.ts'
import { allResources, apiServices, customResourceDefinitions, endpointSlices, services } from '#api/resources.ts'
import type { Resource } from '#api/kind.ts'
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { KeyPair } from '#base/x509.ts'
import type { Client } from '#client/client.ts'
import { runWorkers, WorkQueue } from '#client/work-queue.ts'
import { isStatus } from '#machinery/status-error.ts'
import type { Api } from '../api.ts'
import { slicesOf } from '../outbound/service-address.ts'
import { timestamp } from '../registry/object-meta.ts'
import type { CacheEvent } from '../registry/object-cache.ts'
import {
  builtInServices,
  customServices,
  MANAGED,
  planRegistration,
  type RegistrationStep,
} from './auto-registration.ts'
import { conditionsWith, discoveryFailed, findingOf, PASSED, probePath } from './availability.ts'
import { RemoteDiscovery } from './remote-discovery.ts'
import { RemoteOpenApi } from './remote-openapi.ts'
import { RemoteServer, type RemoteServerOptions } from './remote-server.ts'

export interface AggregatorOptions {
  api: Api
  /** Shown to extension servers, which believe what it says about users. */
  proxyClient?: KeyPair | undefined
  clock: Clock
  random: Random
  log: Log
}

/** An extension server may fall silent without any object telling, so each is asked again. */
const RESYNC_MS = 30_000
const PROBE_TIMEOUT_MS = 5_000
/** Of several addresses one that answers is enough. */
const PROBES = 5
const MAX_RETRY_MS = 30_000
const MAX_PROBE_BYTES = 4 << 20
const WORKERS = 5
/** The key under which registration is queued; no APIService has such a name. */
const REGISTRATION = ''

export class Aggregator {
  readonly #options: AggregatorOptions
  #serverOptions: RemoteServerOptions
  readonly #stop = new AbortController()
  readonly #queue: WorkQueue
  readonly discovery: RemoteDiscovery
  readonly openApi: RemoteOpenApi
  /** By the name of the APIService. */
  #servers: ReadonlyMap<string, RemoteServer> = new Map()
  /** By `group/version`. */
  #byVersion: ReadonlyMap<string, RemoteServer> = new Map()
  #client: Client | undefined

  constructor(options: AggregatorOptions) {
    const { clock, log } = options
    this.#options = options
    this.#serverOptions = options
    this.#queue = new WorkQueue({ clock, maxDelayMs: MAX_RETRY_MS })
    this.discovery = new RemoteDiscovery({ clock, log, signal: this.#stop.signal })
    this.openApi = new RemoteOpenApi({ clock, log, signal: this.#stop.signal })
  }

  /** Who serves what is at this path, if it is somebody else. */
  find(path: string): RemoteServer | undefined {
    if (this.#byVersion.size === 0) return undefined
    const [, root, first, second] = path.split('/', 4)
    if (root === 'apis') return this.#byVersion.get(`${first}/${second}`)
    return root === 'api' ? this.#byVersion.get(`/${first}`) : undefined
  }

  /** Who serves this, if it is somebody else. */
  serverOf({ group, version }: Pick<Resource, 'group' | 'version'>): RemoteServer | undefined {
    return this.#byVersion.size === 0 ? undefined : this.#byVersion.get(`${group}/${version}`)
  }

  /** By the names of their APIServices. */
  get servers(): ReadonlyMap<string, RemoteServer> {
    return this.#servers
  }

  /** Follows APIServices and what is behind them. `client` acts for the API server. Resolves once the built-in ones are there. */
  async start(client: Client): Promise<void> {
    const { log } = this.#options
    const { signal } = this.#stop
    this.#client = client
    this.#follow()
    void runWorkers(this.#queue, WORKERS, (key) => this.#work(key), { log, signal })
    void this.discovery.run()
    void this.openApi.run()
    await this.#register('onStart')
    this.#queue.add(REGISTRATION)
    for (const service of this.#apiServices()) this.#queue.add(service.metadata.name)
  }

  /** Shown to extension servers from now on. */
  useCertificate(proxyClient: KeyPair) {
    this.#serverOptions = { ...this.#serverOptions, proxyClient }
    this.#rebuild([], true)
  }

  close() {
    this.#stop.abort(new Error('the API server is closing'))
    for (const server of this.#servers.values()) server.close()
    this.#servers = new Map()
    this.#byVersion = new Map()
  }

  #follow() {
    const { api } = this.#options
    const nothing = () => {}
    const follow = (resource: Resource, onEvents: (events: readonly CacheEvent[]) => void) => {
      const { cache } = api.registry(resource)
      const cancel = cache.follow(cache.prefix, { onEvents, onEnd: nothing })
      this.#stop.signal.addEventListener('abort', cancel, { once: true })
    }
    follow(apiServices, (events) => {
      this.#rebuild(events)
      for (const { current, previous } of events) this.#queue.add((current ?? previous)!.object.metadata.name)
      if (events.some(concernsRegistration)) this.#queue.add(REGISTRATION)
    })
    follow(customResourceDefinitions, () => this.#queue.add(REGISTRATION))
    follow(services, (events) => {
      for (const { current, previous } of events) {
        const { namespace = '', name } = (current ?? previous)!.object.metadata
        this.#serviceChanged(namespace, name)
      }
    })
    follow(endpointSlices, (events) => {
      for (const { current, previous } of events) {
        const { namespace = '', labels } = (current ?? previous)!.object.metadata
        this.#serviceChanged(namespace, labels?.['kubernetes.io/service-name'] ?? '')
      }
    })
    this.#rebuild([])
  }

  #serviceChanged(namespace: string, name: string) {
    for (const { service, name: apiService } of this.#servers.values())
      if (service.namespace === namespace && service.name === name) this.#queue.add(apiService)
  }

  #apiServices(): APIService[] {
    const { cache } = this.#options.api.registry(apiServices)
    return cache.list(cache.prefix).map((entry) => entry.object as APIService)
  }

  #rebuild(events: readonly CacheEvent[], isAnew = false) {
    const changed = new Set(events.map(({ current, previous }) => (current ?? previous)!.object.metadata.name))
    const before = this.#servers
    const servers = new Map<string, RemoteServer>()
    for (const apiService of this.#apiServices()) {
      const { name } = apiService.metadata
      if (!apiService.spec.service) continue
      const known = before.get(name)
      if (known && !changed.has(name) && !isAnew) servers.set(name, known)
      else servers.set(name, new RemoteServer(apiService, this.#serverOptions, known))
    }
    for (const [name, server] of before) if (!servers.has(name)) server.close()
    if (before.size === 0 && servers.size === 0) return
    this.#servers = servers
    this.#byVersion = new Map([...servers.values()].map((server) => [`${server.group}/${server.version}`, server]))
    const unknown = [...servers.keys()].filter((name) => servers.get(name) !== before.get(name))
    this.discovery.follow(servers, unknown)
    this.openApi.follow(servers, unknown)
  }

  async #work(key: string): Promise<{ requeueAfterMs: number } | void> {
    return key === REGISTRATION ? this.#register('always') : this.#check(key)
  }

  async #register(sort: 'onStart' | 'always'): Promise<void> {
    const { cache } = this.#options.api.registry(customResourceDefinitions)
    const definitions = cache.list(cache.prefix).map((entry) => entry.object as CustomResourceDefinition)
    const wanted = sort === 'onStart' ? builtInServices(allResources) : customServices(definitions)
    const steps = planRegistration(wanted, this.#apiServices(), sort)
    await Promise.all(steps.map((step) => this.#take(step)))
  }

  async #take(step: RegistrationStep): Promise<void> {
    const client = this.#client!
    try {
      if (step.kind === 'delete') {
        const { name, uid } = step.existing.metadata
        await client.delete(apiServices, { name }, { preconditions: { uid } })
        return
      }
      const { name, label, spec } = step.wanted
      if (step.kind === 'create')
        await client.create(apiServices, { metadata: { name, labels: { [MANAGED]: label } }, spec })
      else await client.update(apiServices, { ...step.existing, spec })
    } catch (err) {
      // Somebody was faster; if that was not what is wanted, the change brings us back here.
      if (!isStatus(err, 'AlreadyExists', 'Conflict', 'NotFound')) throw err
    }
  }

  /** Finds out whether an APIService is available and says so. Throws Error to be asked again soon. */
  async #check(name: string): Promise<{ requeueAfterMs: number } | void> {
    const { api, clock } = this.#options
    const registry = api.registry(apiServices)
    const apiService = registry.cache.get(registry.key(undefined, name))?.object as APIService | undefined
    if (!apiService) return
    const { namespace = '', name: serviceName = '' } = apiService.spec.service ?? {}
    const serviceRegistry = api.registry(services)
    const service = serviceRegistry.cache.get(serviceRegistry.key(namespace, serviceName))?.object as
      | Service
      | undefined
    let finding = findingOf(apiService, { service, slices: slicesOf(api, namespace, serviceName) })
    let failure: string | undefined
    if (!finding) {
      failure = await this.#probe(name, probePath(apiService))
      finding = failure === undefined ? PASSED : discoveryFailed(failure)
    }
    const conditions = conditionsWith(apiService, finding, timestamp(clock.now()))
    if (conditions) {
      const changed = { ...apiService, status: { ...apiService.status, conditions: [...conditions] } }
      await this.#client!.update(apiServices, changed, { subresource: 'status' })
    }
    if (failure !== undefined) throw new Error(failure)
    return apiService.spec.service && { requeueAfterMs: RESYNC_MS }
  }

  /** Why the extension server can't be used; undefined where it can. */
  async #probe(name: string, path: string): Promise<string | undefined> {
    const first = await this.#probeOnce(name, path)
    if (first === undefined) return undefined
    const others = await Promise.all(Array.from({ length: PROBES - 1 }, () => this.#probeOnce(name, path)))
    return others.includes(undefined) ? undefined : others.at(-1)
  }

  async #probeOnce(name: string, path: string): Promise<string | undefined> {
    const server = this.#servers.get(name)
    if (!server) return 'the APIService is gone'
    let shown = ''
    try {
      const address = server.address()
      shown = `https://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}${path}`
      const { code } = await server.fetch(path, { address, timeoutMs: PROBE_TIMEOUT_MS, maxBytes: MAX_PROBE_BYTES })
      if (code >= 200 && code < 300) return undefined
      return `failing or missing response from ${shown}: bad status from ${shown}: ${code}`
    } catch (err) {
      return shown ? `failing or missing response from ${shown}: ${messageOf(err)}` : messageOf(err)
    }
  }
}

/** What a user does to an APIService that is managed has to be undone. */
const concernsRegistration = ({ current, previous }: CacheEvent): boolean =>
  [current, previous].some((entry) => entry?.object.metadata.labels?.[MANAGED] === 'true')
