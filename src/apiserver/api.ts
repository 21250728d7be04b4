/**
 * The API, verb by verb, for requests that are already authenticated: authorisation, decoding, admission, registry,
 * subresources. Both ways in (HTTP and the in-process transport) call `perform` and `watch`, so that neither can do what
 * the other may not.
 */
import { type Conversion, conversionOf } from '#api/conversion.ts'
import { type Resource, resourceKey } from '#api/kind.ts'
import { namespaces } from '#api/resources.ts'
import type { Message } from '#api/schema.ts'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import { nextTurn } from '#base/next-turn.ts'
import type { Random } from '#base/random.ts'
import type { ApiRequest, RequestOptions } from '#client/transport.ts'
import { badRequest, notFound, notImplemented } from '#machinery/status-error.ts'
import type { Store } from '#storage/store.ts'
import {
  admit,
  admitDeletion,
  type AdmissionPlugin,
  type AdmissionRequest,
  type Operation,
  validateAdmission,
  validateWrite,
} from './admission/admission.ts'
import { FieldOwners, type OwnedWrite } from './apply/field-owners.ts'
import type { ManagedKind } from './apply/managed-kind.ts'
import { appliedObject, checkAdmitted, ownedWrite, withManagers } from './apply/owned-request.ts'
import { Catalog } from './catalog.ts'
import { requireAllowed } from './authz/refusal.ts'
import { RequestAttributes, type RequestTarget } from './authz/request-attributes.ts'
import { asServed, ConvertedObject, convertBatch, requestedResource, storedRequest } from './converted.ts'
import { type Answer, answerOf } from './answer.ts'
import { deleteEach } from './delete-each.ts'
import { decodeObject, deleteRequestOf, patchInTurns, patchObject, withName } from './decode-object.ts'
import { deprecationOf } from './deprecated-kinds.ts'
import { listObjects } from './list.ts'
import { noMergeKeys, notServed } from './not-served.ts'
import { parseRevision, tooLargeRevision } from './list-options.ts'
import { Registry } from './registry/registry.ts'
import type { Draft, Stored, Strategy } from './registry/strategy.ts'
import { selectionOf } from './selection.ts'
import type { Printer } from './table/printer.ts'
import { inTurns } from './turns.ts'
import type { Authorizer, User } from './user.ts'
import { type BatchSink, WatchGroups } from './watch/watch-groups.ts'

export interface Caller {
  readonly user: User
  /** Names the manager of what is written, where the request does not. */
  readonly userAgent?: string | undefined
  /** Collects messages for `Warning` headers. */
  readonly warnings: string[]
  /** The body is so large that others are to be served in between. */
  readonly isLarge?: boolean
}

/** What stands behind a subresource. */
export interface SubresourceHandler {
  /** The request is authorised. Throws StatusError. */
  perform(api: Api, caller: Caller, request: ApiRequest): Promise<Answer>
}

/** A subresource that shows a part of the object as another kind, by which it is changed and admitted. */
export interface ObjectView {
  readonly type: Message
  show(object: Stored): Stored
  /** `old` with what `shown` says of it. */
  apply(old: Stored, shown: Draft): Draft
}

/** A resource that is computed rather than stored. */
export interface VirtualResource {
  /** The request is authorised. Throws StatusError. */
  perform(api: Api, caller: Caller, request: ApiRequest): Promise<Answer>
}

/** A stored resource's registry and watches. */
export interface Served {
  readonly registry: Registry
  readonly watches: WatchGroups
}

/** A resource with what stands behind it: it is stored, another form of a stored one, or computed. */
export interface CatalogEntry {
  readonly resource: Resource
  readonly served?: Served
  readonly conversion?: Conversion
  readonly virtual?: VirtualResource
  /** Handlers of its own subresources by name, which go before those of `ApiOptions.subresources`. */
  readonly subresources?: ReadonlyMap<string, SubresourceHandler>
  /** How it is shown as a Table. Default: name and age. */
  readonly printer?: Printer
  /** Said to everybody who uses it. */
  readonly warning?: string
  /** How its fields have owners. Default: as its type says. */
  readonly managed?: ManagedKind
}

/** How a write differs from putting what `change` returns in the place of the old object. */
export interface UpdateParts {
  view?: ObjectView
  /** Limits what may be changed, given the new and the old object. */
  narrow?(draft: Draft, old: Stored): Draft
  /** What `change` returns has its managedFields already. */
  isOwned?: boolean
  /** `change` is asked for an object that does not exist, too. */
  createsMissing?: boolean
}

export interface ApiOptions {
  store: Store
  /** What is always served; see `Api.catalog` for what comes and goes. */
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

/** Owner of what is always served, in the catalog. */
const BUILT_IN = 'built-in'

export class Api {
  readonly #options: ApiOptions
  /**
   * Everything that is served. Who adds to it gives registries that are started, and stops their caches after taking the
   * entries out, which ends the watches.
   */
  readonly catalog = new Catalog<CatalogEntry>()
  readonly #owners: FieldOwners

  constructor(options: ApiOptions) {
    this.#options = options
    this.#owners = new FieldOwners(options.clock)
    this.catalog.set(
      BUILT_IN,
      options.resources.map((resource) => this.#builtIn(resource)),
    )
  }

  #builtIn(resource: Resource): CatalogEntry {
    const { store, clock, random } = this.#options
    const virtual = this.#options.virtual.get(resourceKey(resource))
    const warning = deprecationOf(resource)
    if (virtual) return { resource, virtual, ...(warning && { warning }) }
    const conversion = conversionOf(resource)
    if (conversion) return { resource, conversion }
    const strategy = this.#options.strategies.get(resourceKey(resource)) ?? {}
    const registry = new Registry({ resource, strategy, store, clock, random })
    const served = { registry, watches: new WatchGroups(registry.cache) }
    return { resource, served, ...(warning && { warning }) }
  }

  /** Loads every watch cache. Must settle before the first request. */
  async start(): Promise<void> {
    await Promise.all(this.catalog.entries.map(({ served }) => served?.registry.start()))
  }

  stop() {
    for (const { served } of this.catalog.entries) served?.registry.cache.stop()
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.#options.clock.now()
  }

  /** Everything that is served now. */
  get resources(): readonly Resource[] {
    return this.catalog.resources
  }

  get store(): Store {
    return this.#options.store
  }

  /** Decides what anybody may do; ask it before doing something on somebody's behalf. */
  get authorizer(): Authorizer {
    return this.#options.authorizer
  }

  /** Throws NotFound for a resource that is not served. */
  entry(resource: Resource): CatalogEntry {
    const found = this.catalog.entryOf(resource)
    if (!found) throw notServed()
    return found
  }

  /** Throws NotFound for a resource that is not stored. */
  served(resource: Resource): Served {
    const entry = this.entry(resource)
    if (entry.conversion) return this.served(entry.conversion.stored)
    if (!entry.served) throw notFound(resource, '')
    return entry.served
  }

  registry(resource: Resource): Registry {
    return this.served(resource).registry
  }

  get watchCounts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { resource, served } of this.catalog.entries) {
      const key = resourceKey(resource)
      if (served) counts.set(key, (counts.get(key) ?? 0) + served.watches.size)
    }
    return counts
  }

  /** Throws Forbidden. */
  authorize(user: User, request: RequestTarget, verb: string) {
    requireAllowed(this.authorizer, new RequestAttributes(user, request, verb))
  }

  /** Everything but watches and connections. Throws StatusError. */
  async perform(caller: Caller, request: ApiRequest): Promise<Answer> {
    // Who creates something names it in the object, if at all.
    const isCreation = request.verb === 'create' && !request.subresource
    this.authorize(caller.user, isCreation ? { ...request, name: undefined } : request, request.verb)
    return this.performAuthorized(caller, request)
  }

  /** `perform` for a request that `authorize` has let through, by which time its body need not have been there yet. */
  async performAuthorized(caller: Caller, asked: ApiRequest): Promise<Answer> {
    const entry = this.entry(asked.resource)
    const request = entry.resource === asked.resource ? asked : { ...asked, resource: entry.resource }
    if (entry.warning) caller.warnings.push(entry.warning)
    if (request.patchType === 'strategic' && request.resource.type.schema) throw noMergeKeys()
    if (request.resource.namespaced && !request.namespace && request.verb !== 'list' && request.verb !== 'watch') {
      throw badRequest(
        request.verb === 'create'
          ? 'an empty namespace may not be set during creation'
          : 'an empty namespace may not be set when a resource name is provided',
      )
    }
    if (request.subresource && !Object.hasOwn(request.resource.subresources, request.subresource)) throw notServed()
    if (entry.virtual) return entry.virtual.perform(this, caller, request)
    if (entry.conversion) return this.#performConverted(entry.conversion, caller, request)
    return this.#performStored(caller, request)
  }

  /** A request that is authorised, for a resource in its stored form. */
  async #performStored(caller: Caller, request: ApiRequest): Promise<Answer> {
    if (request.subresource) {
      const { resource, subresource } = request
      const handler =
        this.entry(resource).subresources?.get(subresource) ??
        this.#options.subresources.get(`${resourceKey(resource)}/${subresource}`) ??
        this.#options.subresources.get(`*/${subresource}`)
      if (!handler) throw notImplemented(`subresource ${subresource} of ${resource.plural} is not implemented yet`)
      return handler.perform(this, caller, request)
    }
    switch (request.verb) {
      case 'get':
        return this.read(request)
      case 'list':
        return { type: 'list', list: await listObjects(this.registry(request.resource), request) }
      case 'create': {
        const draft = this.decodeBody(caller, request)
        const pending = this.#own(caller, request, undefined, draft)
        if (pending) await pending
        if (caller.isLarge) await nextTurn()
        return this.#create(caller, request, draft)
      }
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

  /**
   * The object that the request names, for requests that are authorised already; a promise only where it has to be
   * converted by somebody else. Throws NotFound.
   */
  read({ resource, namespace, name, options }: ApiRequest): Answer | Promise<Answer> {
    if (options?.resourceVersion) this.#checkReached(options.resourceVersion)
    const registry = this.registry(resource)
    const found = (): Answer => {
      const cached = registry.get(namespace, name!)
      return { type: 'object', code: 200, object: cached.object, cached }
    }
    if (!registry.cache.isDelayed) return found()
    return Promise.resolve(registry.cache.prepare(registry.key(namespace, name!))).then(found)
  }

  /** Throws BadRequest, Timeout. Reads show the newest durable state, so any revision that has happened is in it. */
  #checkReached(resourceVersion: string) {
    const asked = parseRevision(resourceVersion) ?? 0
    if (asked > this.#options.store.revision) throw tooLargeRevision(asked, this.#options.store.revision)
  }

  /** Starts a watch from `request.options.resourceVersion` (a number here). Throws StatusError. */
  watch(caller: Caller, request: ApiRequest, after: number, sink: BatchSink): () => void {
    this.authorize(caller.user, request, 'watch')
    const { conversion } = this.entry(request.resource)
    const served = this.served(request.resource)
    if (!conversion) return served.watches.watch(selectionOf(served.registry, request), after, sink)
    return served.watches.watch(selectionOf(served.registry, storedRequest(conversion, request)), after, {
      fanOut: sink.fanOut,
      onBatch: (batch) => sink.onBatch(convertBatch(conversion, batch)),
      onEnd: (error) => sink.onEnd(error),
    })
  }

  async #performConverted(conversion: Conversion, caller: Caller, request: ApiRequest): Promise<Answer> {
    const inner = storedRequest(conversion, request)
    const answer = await this.#onStoredForm(conversion, caller, request, inner).catch((err: unknown) => {
      throw asServed(conversion, err)
    })
    if (answer.type === 'object') return { ...answer, object: conversion.fromStored(answer.object), cached: undefined }
    if (answer.type !== 'list') return answer
    const entries = answer.list.entries.map((entry) => new ConvertedObject(conversion, entry.object, entry))
    return { type: 'list', list: { ...answer.list, entries } }
  }

  async #onStoredForm(conversion: Conversion, caller: Caller, request: ApiRequest, inner: ApiRequest): Promise<Answer> {
    /** The served form, completed with its own defaults, brought into the stored form and completed with those. */
    const toStored = (served: Draft): Draft =>
      decodeObject(caller, inner, conversion.stored.type, conversion.toStored(served))
    const fromStored = (old: Stored | undefined) => old && (conversion.fromStored(old) as Stored)
    /** Owners are worked out in the served form, with all that the stored one has filled in. */
    const owned = (served: Draft, old?: Stored): Draft | Promise<Draft> => {
      const stored = toStored(served)
      const complete = conversion.fromStored(stored) as Draft
      const pending = this.#own(caller, request, fromStored(old), complete)
      return pending ? pending.then(() => withManagers(stored, complete)) : withManagers(stored, complete)
    }
    switch (request.verb) {
      case 'create':
        return this.#create(caller, inner, await owned(this.decodeBody(caller, request)))
      case 'update':
        return this.update(caller, inner, (old) => owned(this.decodeBody(caller, request), old), { isOwned: true })
      case 'patch': {
        if (request.patchType === 'apply') {
          const parts = { isOwned: true, createsMissing: !request.subresource }
          return this.update(
            caller,
            inner,
            async (old, isLarge) => toStored(await this.applied(caller, request, fromStored(old), { isLarge })),
            parts,
          )
        }
        const patched = (old: Stored | undefined) => {
          if (!old) throw notFound(request.resource, request.name!)
          return owned(patchObject(caller, request, conversion.served.type, conversion.fromStored(old)), old)
        }
        return this.update(caller, inner, patched, { isOwned: true })
      }
      default:
        return this.#performStored(caller, inner)
    }
  }

  /** The request's body as a complete object of the resource. Throws BadRequest, NotFound. */
  decodeBody(caller: Caller, request: ApiRequest): Draft {
    const draft = decodeObject(caller, request, request.resource.type, request.body)
    return request.verb === 'create' ? draft : withName(draft, request.name)
  }

  #ownedWrite(caller: Caller, request: ApiRequest, type: Message): OwnedWrite {
    const custom = type === request.resource.type ? this.entry(request.resource).managed : undefined
    return ownedWrite(caller, request, type, custom)
  }

  /** Gives `draft`, which is of `type`, its managedFields; `old` is undefined where it is to be created. */
  #own(
    caller: Caller,
    request: ApiRequest,
    old: Stored | undefined,
    draft: Draft,
    type = request.resource.type,
  ): void | Promise<void> {
    return this.#owners.update(this.#ownedWrite(caller, request, type), old, draft)
  }

  /** The request's body applied to `old`, complete and with its managedFields. Throws BadRequest, Conflict, Invalid. */
  applied(
    caller: Caller,
    request: ApiRequest,
    old: Stored | undefined,
    { type = request.resource.type, isLarge = false } = {},
  ): Draft | Promise<Draft> {
    const write = { ...this.#ownedWrite(caller, request, type), isLarge }
    return appliedObject(this.#owners, caller, request, write, type, old)
  }

  /** `draft` has its managedFields. */
  async #create(caller: Caller, request: ApiRequest, draft: Draft): Promise<Answer> {
    const { resource, namespace } = request
    const registry = this.registry(resource)
    const named = { ...request, name: draft.metadata.name ?? '' }
    const admission = this.#admissionRequest(caller, named, 'CREATE', undefined)
    // Admission reads the namespace of the object, which the registry fills in later.
    if (resource.namespaced && !draft.metadata.namespace) draft.metadata.namespace = namespace!
    const { managedFields } = draft.metadata
    const pending = admit(this.#options.admission, admission, draft)
    if (pending) await pending
    checkAdmitted(caller, managedFields, draft)
    const written = await registry.create(draft, {
      namespace,
      dryRun: admission.dryRun,
      user: caller.user,
      isLarge: caller.isLarge === true,
      validate: (object) =>
        validateWrite(this.#options.admission, { ...admission, name: object.metadata.name }, object),
    })
    this.#warn(caller, registry, written.object)
    return answerOf(written, 201)
  }

  /**
   * Admission of a request that creates nothing that is stored: a review, or a subresource such as pods/binding. Changes
   * `object`, which is of `type`; `check` has its say before those do who only look at it. Throws StatusError.
   */
  async admit(
    caller: Caller,
    request: ApiRequest,
    operation: 'CREATE' | 'CONNECT',
    type: Message,
    object: Draft,
    check?: () => void,
  ): Promise<void> {
    const plugins = this.#options.admission
    const admission = this.#admissionRequest(caller, request, operation, undefined, type)
    await admit(plugins, admission, object)
    check?.()
    await validateAdmission(plugins, admission, object)
  }

  /**
   * A PUT or the like: `change` computes the new object from the old one, or the new view where there is one. `old` is
   * undefined only where a missing object may be created.
   */
  async update(
    caller: Caller,
    request: ApiRequest,
    change: (old: Stored | undefined, isLarge: boolean) => Draft | Promise<Draft>,
    { view, narrow, isOwned = false, createsMissing = false }: UpdateParts = {},
  ): Promise<Answer> {
    const registry = this.registry(request.resource)
    let before: Stored | undefined
    const { namespace, name, subresource } = request
    const dryRun = request.options?.dryRun === 'All'
    const plugins = this.#options.admission
    const type = view?.type ?? request.resource.type
    const shown = (old: Stored | undefined) => (old && view ? view.show(old) : old)
    const admissionRequest = (old: Stored | undefined) =>
      this.#admissionRequest(caller, request, old ? 'UPDATE' : 'CREATE', shown(old), type)
    const whole = (old: Stored | undefined, draft: Draft, managedFields: Draft['metadata']['managedFields']) => {
      checkAdmitted(caller, managedFields, draft)
      return view && old ? view.apply(old, draft) : draft
    }
    const admitted = (changed: Draft, old: Stored | undefined): Draft | Promise<Draft> => {
      if (!old) this.authorize(caller.user, request, 'create')
      const draft = narrow && old ? withManagers(narrow(changed, old), changed) : changed
      if (request.resource.namespaced && !draft.metadata.namespace) draft.metadata.namespace = namespace!
      const { managedFields } = draft.metadata
      const pending = admit(plugins, admissionRequest(old), draft)
      return pending ? pending.then(() => whole(old, draft, managedFields)) : whole(old, draft, managedFields)
    }
    const owned = (draft: Draft, old: Stored | undefined): Draft | Promise<Draft> => {
      const pending = isOwned ? undefined : this.#own(caller, request, shown(old), draft, type)
      return pending ? pending.then(() => admitted(draft, old)) : admitted(draft, old)
    }
    const written = await registry.update(
      name!,
      (old, isLarge) => {
        before = old
        if (!old) this.authorize(caller.user, request, 'create')
        const changed = change(old, isLarge)
        if (isLarge) return inTurns(changed, (draft) => owned(draft, old))
        return changed instanceof Promise ? changed.then((draft) => owned(draft, old)) : owned(changed, old)
      },
      {
        namespace,
        dryRun,
        ...(subresource && { subresource }),
        isReplacement: request.verb === 'update',
        warnings: caller.warnings,
        isLarge: caller.isLarge === true,
        createsMissing,
        keepsManagers: request.patchType === 'apply',
        validate: (object, old) => validateWrite(plugins, admissionRequest(old), view ? view.show(object) : object),
      },
    )
    // What other subresources write is rarely what a human wrote.
    if (!subresource || subresource === 'scale') this.#warn(caller, registry, written.object, before)
    return answerOf(written, written.created ? 201 : 200)
  }

  /** `narrow` limits what the patch may change, given the patched and the old object. */
  patch(caller: Caller, request: ApiRequest, narrow?: UpdateParts['narrow']): Promise<Answer> {
    const { resource, name } = request
    const parts: UpdateParts = narrow ? { narrow } : {}
    if (request.patchType === 'apply') {
      const createsMissing = !request.subresource
      return this.update(caller, request, (old, isLarge) => this.applied(caller, request, old, { isLarge }), {
        ...parts,
        isOwned: true,
        createsMissing,
      })
    }
    const patched = (old: Stored | undefined, isLarge: boolean) => {
      if (!old) throw notFound(resource, name!)
      return (isLarge ? patchInTurns : patchObject)(caller, request, resource.type, old)
    }
    return this.update(caller, request, patched, parts)
  }

  /** `asked` is what the caller asked for, where that was more than this one object. */
  async #delete(caller: Caller, request: ApiRequest, asked = request): Promise<Answer> {
    const { resource, namespace, name } = request
    const options = deleteRequestOf(request)
    const dryRun = options.dryRun?.includes('All') === true
    const registry = this.registry(resource)
    const { deletionWarning } = registry.strategy
    if (deletionWarning && !options.propagationPolicy && options.orphanDependents === undefined)
      caller.warnings.push(deletionWarning)
    const result = await registry.delete(name!, options, {
      namespace,
      dryRun,
      validate: (_object, old) => {
        const admission = this.#admissionRequest(caller, asked, 'DELETE', old)
        return admitDeletion(this.#options.admission, { ...admission, options, dryRun })
      },
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
    await deleteEach(list.entries, ({ namespace, name }) =>
      this.#delete(caller, { ...request, verb: 'delete', namespace: namespace!, name }, request),
    )
    return { type: 'list', list }
  }

  #admissionRequest(
    caller: Caller,
    request: ApiRequest,
    operation: Operation,
    old: Stored | undefined,
    type: Message = request.resource.type,
  ): AdmissionRequest {
    return {
      user: caller.user,
      operation,
      resource: request.resource,
      requested: requestedResource(request),
      subresource: request.subresource ?? '',
      type,
      // A namespace is in itself, as far as admission goes.
      namespace: request.namespace ?? (request.resource === namespaces ? request.name : undefined) ?? '',
      name: request.name ?? '',
      dryRun: request.options?.dryRun === 'All',
      old,
      options: request.options ?? NO_OPTIONS,
      warnings: caller.warnings,
    }
  }

  #warn(caller: Caller, registry: Registry, object: Stored, old?: Stored) {
    const warnings = registry.strategy.warnings?.(object, old)
    if (warnings) for (const warning of warnings) caller.warnings.push(warning)
  }
}

const NO_OPTIONS: Readonly<RequestOptions> = {}
