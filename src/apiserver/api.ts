/**
 * The API, verb by verb, for requests that are already authenticated: authorisation, decoding, admission, registry,
 * subresources. Both ways in (HTTP and the in-process transport) call `perform` and `watch`, so that neither can do what
 * the other may not.
 */
import { type Conversion, conversionOf } from '#api/conversion.ts'
import { decode, DecodeError } from '#api/decode.ts'
import type { KubeObject, Resource } from '#api/kind.ts'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { ApiRequest } from '#client/transport.ts'
import { badRequest, forbidden, notFound, notImplemented, type Status, StatusError } from '#machinery/status-error.ts'
import type { Store } from '#storage/store.ts'
import { admit, type AdmissionPlugin, type AdmissionRequest, validateAdmission } from './admission/admission.ts'
import { ConvertedObject, convertBatch, storedRequest } from './converted.ts'
import { type ListResult, listObjects } from './list.ts'
import { applyPatch, type PatchFormat } from './patch/apply-patch.ts'
import { checkDeleteRequest, type DeleteRequest } from './registry/deletion.ts'
import { Registry, type Written } from './registry/registry.ts'
import type { Draft, Stored, Strategy } from './registry/strategy.ts'
import type { CachedObject } from './registry/watch-cache.ts'
import { selectionOf } from './selection.ts'
import type { SubresourceHandler, VirtualResource } from './subresources/subresource.ts'
import { type Attributes, type Authorizer, refusalText, type User } from './user.ts'
import { type BatchSink, WatchGroups } from './watch/watch-groups.ts'

export interface Caller {
  readonly user: User
  /** Collects messages for `Warning` headers. */
  readonly warnings: string[]
}

export type Answer =
  | { type: 'object'; code: number; object: KubeObject; cached?: CachedObject | undefined }
  | { type: 'list'; list: ListResult }
  | { type: 'status'; status: Status }

/** One served resource with all that belongs to it. */
export interface Served {
  readonly registry: Registry
  readonly watches: WatchGroups
}

export interface ApiOptions {
  store: Store
  resources: readonly Resource[]
  strategies: ReadonlyMap<string, Strategy>
  /** By `group/plural/subresource`. */
  subresources: ReadonlyMap<string, SubresourceHandler>
  /** Resources that are computed rather than stored, by `group/plural`. */
  virtual: ReadonlyMap<string, VirtualResource>
  admission: readonly AdmissionPlugin[]
  authorizer: Authorizer
  clock: Clock
  random: Random
  log: Log
}

export const resourceKey = (r: { group: string; plural: string }) => `${r.group}/${r.plural}`

export class Api {
  readonly #options: ApiOptions
  readonly #served = new Map<string, Served>()

  constructor(options: ApiOptions) {
    this.#options = options
    for (const resource of options.resources) {
      if (options.virtual.has(resourceKey(resource)) || conversionOf(resource)) continue
      const strategy = options.strategies.get(resourceKey(resource)) ?? {}
      const registry = new Registry({
        resource,
        strategy,
        store: options.store,
        clock: options.clock,
        random: options.random,
      })
      this.#served.set(resourceKey(resource), { registry, watches: new WatchGroups(registry.cache) })
    }
  }

  /** Loads every watch cache. Must settle before the first request. */
  async start(): Promise<void> {
    await Promise.all([...this.#served.values()].map(({ registry }) => registry.start()))
  }

  stop() {
    for (const { registry } of this.#served.values()) registry.cache.stop()
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.#options.clock.now()
  }

  get resources(): readonly Resource[] {
    return this.#options.resources
  }

  get store(): Store {
    return this.#options.store
  }

  /** Throws NotFound for a resource that is not stored. */
  served(resource: Resource): Served {
    const found = this.#served.get(resourceKey(conversionOf(resource)?.stored ?? resource))
    if (!found) throw notFound(resource, '')
    return found
  }

  registry(resource: Resource): Registry {
    return this.served(resource).registry
  }

  get watchCounts(): ReadonlyMap<string, number> {
    return new Map([...this.#served].map(([key, { watches }]) => [key, watches.size]))
  }

  /** Throws Forbidden. */
  authorize(
    user: User,
    request: Pick<ApiRequest, 'verb' | 'resource' | 'subresource' | 'namespace' | 'name'>,
    verb: string = request.verb,
  ) {
    const { resource } = request
    const attributes: Attributes = {
      user,
      verb,
      group: resource.group,
      version: resource.version,
      resource: resource.plural,
      subresource: request.subresource ?? '',
      namespace: request.namespace ?? '',
      name: request.name ?? '',
    }
    const decision = this.#options.authorizer.authorize(attributes)
    if (!decision.allowed) throw forbidden(resource, request.name ?? '', refusalText(attributes, decision.reason))
  }

  /** Everything but watches and connections. Throws StatusError. */
  async perform(caller: Caller, request: ApiRequest): Promise<Answer> {
    this.authorize(caller.user, request)
    const virtual = this.#options.virtual.get(resourceKey(request.resource))
    if (virtual) return virtual.perform(this, caller, request)
    const conversion = conversionOf(request.resource)
    if (conversion) return this.#performConverted(conversion, caller, request)
    return this.#performStored(caller, request)
  }

  /** A request that is authorised, for a resource in its stored form. */
  async #performStored(caller: Caller, request: ApiRequest): Promise<Answer> {
    if (request.subresource) {
      const { resource, subresource } = request
      const handler =
        this.#options.subresources.get(`${resourceKey(resource)}/${subresource}`) ??
        this.#options.subresources.get(`*/${subresource}`)
      if (!handler) {
        if (!(subresource in resource.subresources))
          throw new StatusError('NotFound', 'the server could not find the requested resource')
        throw notImplemented(`subresource ${subresource} of ${resource.plural} is not implemented yet`)
      }
      return handler.perform(this, caller, request)
    }
    switch (request.verb) {
      case 'get':
        return this.read(request)
      case 'list':
        return { type: 'list', list: await listObjects(this.registry(request.resource), request) }
      case 'create':
        return this.#create(caller, request)
      case 'update':
        return this.update(caller, request, () => this.decodeBody(caller, request))
      case 'patch':
        return this.patch(caller, request)
      case 'delete':
        return this.#delete(caller, request)
      case 'deletecollection':
        return this.#deleteCollection(caller, request)
      case 'watch':
        throw new TypeError('a watch is not performed')
    }
  }

  /** The object that the request names, for requests that are authorised already. Throws NotFound. */
  read({ resource, namespace, name }: ApiRequest): Answer {
    const cached = this.registry(resource).get(namespace, name!)
    return { type: 'object', code: 200, object: cached.object, cached }
  }

  /** Starts a watch from `request.options.resourceVersion` (a number here). Throws StatusError. */
  watch(caller: Caller, request: ApiRequest, after: number, sink: BatchSink): () => void {
    this.authorize(caller.user, request)
    const conversion = conversionOf(request.resource)
    const served = this.served(request.resource)
    if (!conversion) return served.watches.watch(selectionOf(served.registry, request), after, sink)
    return served.watches.watch(selectionOf(served.registry, storedRequest(conversion, request)), after, {
      onBatch: (batch) => sink.onBatch(convertBatch(conversion, batch)),
      onEnd: (error) => sink.onEnd(error),
    })
  }

  async #performConverted(conversion: Conversion, caller: Caller, request: ApiRequest): Promise<Answer> {
    const inner = storedRequest(conversion, request)
    /** The served form completed with its own defaults, then brought into the stored form and completed with those. */
    const toStored = (body: unknown): Draft =>
      decodeObject(caller, inner, conversion.stored, conversion.toStored(this.decodeBody(caller, { ...request, body })))
    const answer = await this.#onStoredForm(conversion, caller, request, inner, toStored)
    if (answer.type === 'object') return { ...answer, object: conversion.fromStored(answer.object), cached: undefined }
    if (answer.type !== 'list') return answer
    const entries = answer.list.entries.map((entry) => new ConvertedObject(conversion, entry.object, entry))
    return { type: 'list', list: { ...answer.list, entries } }
  }

  #onStoredForm(
    conversion: Conversion,
    caller: Caller,
    request: ApiRequest,
    inner: ApiRequest,
    toStored: (body: unknown) => Draft,
  ): Promise<Answer> {
    switch (request.verb) {
      case 'create':
        return this.#performStored(caller, { ...inner, body: toStored(request.body) })
      case 'update':
        return this.update(caller, inner, () => toStored(request.body))
      case 'patch':
        if (request.patchType === 'apply') throw notImplemented('server-side apply is not implemented yet')
        return this.update(caller, inner, (old) => {
          if (!old) throw notFound(request.resource, request.name!)
          const before = conversion.fromStored(old)
          return withoutOldVersion(
            toStored(applyPatch(request.patchType as PatchFormat, before, request.body, conversion.served.type)),
            old,
          )
        })
      default:
        return this.#performStored(caller, inner)
    }
  }

  /** The request's body as a complete object of the resource. Throws BadRequest, NotFound. */
  decodeBody(caller: Caller, request: ApiRequest): Draft {
    const { resource, body } = request
    const draft = decodeObject(caller, request, resource, body)
    if (request.name && request.verb !== 'create') {
      if (!draft.metadata.name) draft.metadata.name = request.name
      else if (draft.metadata.name !== request.name) {
        throw badRequest(
          `the name of the object (${draft.metadata.name}) does not match the name on the URL (${request.name})`,
        )
      }
    }
    return draft
  }

  async #create(caller: Caller, request: ApiRequest): Promise<Answer> {
    const { resource, namespace } = request
    const registry = this.registry(resource)
    const draft = this.decodeBody(caller, request)
    if (resource.namespaced && !namespace) throw badRequest('an empty namespace may not be set during creation')
    const admission = this.#admissionRequest(caller, request, 'CREATE', undefined)
    // Admission reads the namespace of the object, which the registry fills in later.
    if (resource.namespaced && !draft.metadata.namespace) draft.metadata.namespace = namespace!
    await admit(this.#options.admission, admission, draft)
    const written = await registry.create(draft, {
      namespace,
      dryRun: admission.dryRun,
      validate: (object) =>
        validateAdmission(this.#options.admission, { ...admission, name: object.metadata.name }, object),
    })
    this.#warn(caller, registry, written.object)
    return answerOf(written, 201)
  }

  /** A PUT or the like: `change` computes the new object from the old one. */
  async update(caller: Caller, request: ApiRequest, change: (old: Stored) => Draft | Promise<Draft>): Promise<Answer> {
    const registry = this.registry(request.resource)
    const { namespace, name, subresource } = request
    const dryRun = request.options?.dryRun === 'All'
    const plugins = this.#options.admission
    const written = await registry.update(
      name!,
      async (old) => {
        const draft = await change(old as Stored)
        if (request.resource.namespaced && !draft.metadata.namespace) draft.metadata.namespace = namespace!
        await admit(plugins, this.#admissionRequest(caller, request, old ? 'UPDATE' : 'CREATE', old), draft)
        return draft
      },
      {
        namespace,
        dryRun,
        ...(subresource && { subresource }),
        validate: (object, old) =>
          validateAdmission(plugins, this.#admissionRequest(caller, request, old ? 'UPDATE' : 'CREATE', old), object),
      },
    )
    this.#warn(caller, registry, written.object)
    return answerOf(written, written.created ? 201 : 200)
  }

  /** `narrow` limits what the patch may change, given the patched and the old object. */
  patch(
    caller: Caller,
    request: ApiRequest,
    narrow: (draft: Draft, old: Stored) => Draft = (draft) => draft,
  ): Promise<Answer> {
    const { resource, patchType, body } = request
    if (patchType === 'apply') throw notImplemented('server-side apply is not implemented yet')
    return this.update(caller, request, (old) => {
      if (!old) throw notFound(resource, request.name!)
      const patched = applyPatch(patchType!, old, body, resource.type)
      const draft = this.decodeBody(caller, { ...request, body: patched })
      return narrow(withoutOldVersion(draft, old), old)
    })
  }

  async #delete(caller: Caller, request: ApiRequest): Promise<Answer> {
    const { resource, namespace, name } = request
    const options = (request.body ?? {}) as DeleteRequest & { dryRun?: string[] }
    const problem = checkDeleteRequest(options)
    if (problem) throw problem
    const dryRun = request.options?.dryRun === 'All' || options.dryRun?.includes('All') === true
    const registry = this.registry(resource)
    const result = await registry.delete(name!, options, {
      namespace,
      dryRun,
      validate: (_object, old) =>
        validateAdmission(this.#options.admission, this.#admissionRequest(caller, request, 'DELETE', old), undefined),
    })
    if (!result.gone || registry.strategy.returnsDeleted) {
      return { type: 'object', code: 200, object: result.object, ...(result.cached && { cached: result.cached }) }
    }
    return {
      type: 'status',
      status: {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Success',
        details: {
          name: name!,
          ...(resource.group && { group: resource.group }),
          kind: resource.plural,
          uid: result.object.metadata.uid,
        },
      },
    }
  }

  async #deleteCollection(caller: Caller, request: ApiRequest): Promise<Answer> {
    const registry = this.registry(request.resource)
    const list = await listObjects(registry, request)
    const queue = [...list.entries]
    const worker = async () => {
      for (let entry = queue.shift(); entry; entry = queue.shift()) {
        const { namespace, name } = entry.object.metadata
        try {
          await this.#delete(caller, { ...request, verb: 'delete', namespace: namespace!, name })
        } catch (err) {
          if (!(err instanceof StatusError && err.reason === 'NotFound')) throw err
        }
      }
    }
    await Promise.all(Array.from({ length: COLLECTION_WORKERS }, worker))
    return { type: 'list', list }
  }

  #admissionRequest(
    caller: Caller,
    request: ApiRequest,
    operation: AdmissionRequest['operation'],
    old: Stored | undefined,
  ): AdmissionRequest {
    return {
      user: caller.user,
      operation,
      resource: request.resource,
      subresource: request.subresource ?? '',
      namespace: request.namespace ?? '',
      name: request.name ?? '',
      dryRun: request.options?.dryRun === 'All',
      old,
    }
  }

  #warn(caller: Caller, registry: Registry, object: Stored) {
    const warnings = registry.strategy.warnings?.(object)
    if (warnings) caller.warnings.push(...warnings)
  }
}

const COLLECTION_WORKERS = 8

/** Unless a patch itself sets a resourceVersion, it fits whatever is there. */
export function withoutOldVersion(draft: Draft, old: KubeObject): Draft {
  if (draft.metadata.resourceVersion === old.metadata.resourceVersion)
    delete (draft.metadata as { resourceVersion?: string }).resourceVersion
  return draft
}

export function answerOf(written: Written, code: number): Answer {
  return { type: 'object', code, object: written.object, ...(written.cached && { cached: written.cached }) }
}

/** Decodes a body for `resource`, obeying `fieldValidation`. Throws BadRequest. */
export function decodeObject(caller: Caller, request: ApiRequest, resource: Resource, body: unknown): Draft {
  const about = `${resource.kind} in version ${JSON.stringify(resource.version)} cannot be handled as a ${resource.kind}`
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw badRequest(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${Array.isArray(body) ? 'array' : typeof body} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    )
  }
  const { apiVersion, kind } = body as Partial<KubeObject>
  if ((kind && kind !== resource.kind) || (apiVersion && apiVersion !== resource.apiVersion)) {
    throw badRequest(
      `the API version in the data (${apiVersion ?? ''}, Kind=${kind ?? ''}) does not match the expected API version (${resource.apiVersion}, Kind=${resource.kind})`,
    )
  }
  let decoded
  try {
    decoded = decode(resource.type, body)
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw badRequest(`${about}: ${cause.message}`, cause)
  }
  const problems = [...decoded.unknown.map((path) => `unknown field ${JSON.stringify(path)}`), ...duplicatesOf(body)]
  if (problems.length > 0 && request.options?.fieldValidation !== 'Ignore') {
    if (request.options?.fieldValidation === 'Strict')
      throw badRequest(`${about}: strict decoding error: ${problems.join(', ')}`)
    caller.warnings.push(...problems)
  }
  const draft = decoded.object as unknown as Draft
  draft.apiVersion = resource.apiVersion
  draft.kind = resource.kind
  ;(draft as { metadata: Partial<Draft['metadata']> }).metadata ??= {}
  return draft
}

/** Where the body's parser noted members that stood twice in one object; a JavaScript object can't show them. */
export const kDuplicates = Symbol('duplicate members')

function duplicatesOf(body: object): string[] {
  return (body as { [kDuplicates]?: string[] })[kDuplicates] ?? []
}
