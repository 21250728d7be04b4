/**
 * The generic registry: every verb for every kind, over the store and its watch cache, with the kind's Strategy on top.
 * Nothing here knows HTTP or who is asking. Upstream: `apiserver/pkg/registry/generic/registry.Store`.
 *
 * Writers build on the newest accepted value (which may not be durable yet) and are acknowledged only after their own
 * write is durable; readers see durable values only.
 */
import type { KubeObject, Resource } from '#api/kind.ts'
import type { Clock } from '#base/clock.ts'
import { jsonEqual } from '#base/equal.ts'
import { nextTurn } from '#base/next-turn.ts'
import type { Random } from '#base/random.ts'
import {
  alreadyExists,
  conflict,
  invalid,
  notFound,
  OPTIMISTIC_LOCK_MESSAGE,
  StatusError,
} from '#machinery/status-error.ts'
import { CompareFailed, type Revision, type Store, StoreUnavailable } from '#storage/store.ts'
import { keepTimes } from '../apply/keep-times.ts'
import { metadataKeptByStatus } from '../apply/reset-fields.ts'
import { managedFieldsErrors } from '../apply/user-agent.ts'
import { type KindCodec, kindCodec } from './codec.ts'
import { type DeleteRequest, planDeletion } from './deletion.ts'
import {
  generatedName,
  prepareMetaForCreate,
  prepareMetaForUpdate,
  refuseVersion,
  validateMeta,
  validateMetaUpdate,
} from './object-meta.ts'
import type { Draft, Stored, Strategy, StrategyContext } from './strategy.ts'
import { WatchCache } from './watch-cache.ts'
import type { Listed, ObjectCache } from './object-cache.ts'
import { LARGE_BYTES } from '../turns.ts'
import type { User } from '../user.ts'

export interface RegistryOptions {
  resource: Resource
  strategy: Strategy
  store: Store
  clock: Clock
  random: Random
  /** For a resource whose objects are not stored as they are served. */
  form?: StoredForm
}

/** How the objects of a registry are stored, where that is in another form than theirs. */
export interface StoredForm {
  /** Shows the objects as the registry has them. It is started and stopped by whoever made it. */
  readonly cache: ObjectCache
  /** Of what is stored. */
  readonly codec: KindCodec
  /** What is stored, as the registry has it; a promise only where somebody else must be asked. Throws StatusError. */
  read(stored: KubeObject): KubeObject | Promise<KubeObject>
  /** The object as it is to be stored, which `read` turns into what the cache shows. Throws StatusError. */
  write(object: KubeObject): KubeObject | Promise<KubeObject>
  /** Whether what is stored at `key` is what `write` would make of it, so that an update without changes may be left out. */
  isCurrent(key: string): boolean
}

/** Called when it is known whether a write happened that something is held for. */
export type Release = (isWritten: boolean) => void

/**
 * Last checks by admission, with the object as it will be stored. Throws StatusError to refuse. Returns a promise only
 * where it must wait: as long as nobody waits between reading and writing, writers of one object can't collide. What is
 * answered is called when it is known whether the write happened.
 */
export type ValidateAdmission = (
  object: Stored,
  old: Stored | undefined,
) => Release | undefined | void | Promise<Release | undefined | void>

export interface WriteRequest {
  namespace: string | undefined
  dryRun: boolean
  /** Who asks, for kinds that record it. */
  user?: User
  /** What is asked for is so large that others are to be served in between, as they are where an old object is. */
  isLarge?: boolean
  validate?: ValidateAdmission
}

export interface UpdateRequest extends WriteRequest {
  subresource?: string
  /** Takes what validation lets through, but not without a word. */
  warnings?: string[]
  /** The new object is not made from the old one, so that it may undo what its writer has not seen. */
  isReplacement?: boolean
  /** An object that does not exist is created, whatever the strategy says. */
  createsMissing?: boolean
  /** An object that is too large is refused with its managedFields, rather than stored without. */
  keepsManagers?: boolean
}

/** What a write answers with: committed, or as it would have been for a dry run. */
export type Written = { cached: Listed; object: Stored } | { cached: undefined; object: Stored }

/** How often a write whose base changed underneath it is computed anew before the client is told of the conflict. */
const MAX_RETRIES = 32
/** How many names are tried for a `generateName`. */
const NAME_ATTEMPTS = 8

/** The newest accepted object of a key, and about how many bytes it has. */
interface Latest {
  readonly object: Stored | Promise<Stored>
  readonly revision: Revision
  readonly size: number
}

export class Registry {
  readonly resource: Resource
  readonly strategy: Strategy
  readonly cache: ObjectCache
  readonly #codec: KindCodec
  readonly #form: StoredForm | undefined
  readonly #ownCache: WatchCache | undefined
  readonly #store: Store
  readonly #clock: Clock
  readonly #random: Random

  constructor({ resource, strategy, store, clock, random, form }: RegistryOptions) {
    this.resource = resource
    this.strategy = strategy
    this.#store = store
    this.#clock = clock
    this.#random = random
    this.#form = form
    this.#codec = form?.codec ?? kindCodec(resource.apiVersion, resource.kind, resource.type)
    this.#ownCache = form ? undefined : new WatchCache(store, this.#codec, storagePrefix(resource), clock)
    this.cache = form?.cache ?? this.#ownCache!
  }

  /** Loads what is stored, unless the cache is somebody else's. */
  async start(): Promise<void> {
    await this.#ownCache?.start()
  }

  key(namespace: string | undefined, name: string): string {
    return namespace ? `${this.cache.prefix}${namespace}/${name}` : this.cache.prefix + name
  }

  /** The prefix of all keys of a namespace, or of all. */
  prefix(namespace: string | undefined): string {
    return namespace ? `${this.cache.prefix}${namespace}/` : this.cache.prefix
  }

  /** The newest durable object. Throws NotFound. */
  get(namespace: string | undefined, name: string): Listed {
    const found = this.cache.get(this.key(namespace, name))
    if (!found) throw notFound(this.resource, name)
    return found
  }

  /** The newest accepted object, which the next write builds on. */
  #latest(key: string): Latest | undefined {
    const revision = this.#store.latestRevision(key)
    if (revision === undefined) return undefined
    const cached = this.cache.get(key)
    if (cached?.revision === revision)
      return { object: cached.object as Stored, revision, size: cached.size ?? cached.wire.length }
    const { value, attachment } = this.#store.latest(key)!
    const stored =
      attachment === undefined
        ? this.#codec.decode(value, revision)
        : // Not committed yet, so that it still has whatever resourceVersion its writer sent.
          withVersion(attachment as Stored, revision)
    const object = (this.#form ? this.#form.read(stored) : stored) as Stored | Promise<Stored>
    return { object, revision, size: value.length }
  }

  async create(draft: Draft, { namespace, dryRun, user, isLarge, validate }: WriteRequest): Promise<Written> {
    const { resource, strategy } = this
    const context = { now: this.#clock.now(), subresource: '', dryRun, ...(user && { user }) }
    prepareMetaForCreate(draft, resource, namespace, context.now, this.#random)
    this.#generateName(draft, namespace)
    if (strategy.countsGeneration) draft.metadata.generation = 1
    if (!strategy.keepsStatusOnCreate && strategy.separatesStatus !== false && 'status' in draft) draft.status = {}
    strategy.prepareForCreate?.(draft, context)
    const errors = [
      ...validateMeta(draft, resource, strategy.name),
      ...managedFieldsErrors(draft.metadata.managedFields),
      ...(strategy.validate?.(draft) ?? []),
    ]
    if (errors.length > 0) throw invalid(resource, draft.metadata.name, errors)
    if (isLarge) await nextTurn()
    const key = this.key(namespace, draft.metadata.name)
    const settle = strategy.allocate?.(draft, undefined, context)
    let release: Release | undefined
    let isWritten = false
    try {
      release = (await validate?.(draft, undefined)) ?? undefined
      // What nobody may create is refused to them for that, whatever else stands against it.
      if (!dryRun) refuseVersion(draft)
      const existing = this.#latest(key)
      if (existing) throw this.#exists(draft, await existing.object)
      if (dryRun) return { cached: undefined, object: await this.#preview(draft) }
      const written = await this.#write(key, 0, draft)
      isWritten = true
      return written
    } catch (err) {
      if (err instanceof CompareFailed) throw this.#exists(draft, undefined)
      throw err
    } finally {
      settle?.(isWritten)
      release?.(isWritten)
    }
  }

  /** Fills in a name that nothing has yet, or after some attempts one that something has. */
  #generateName({ metadata }: Draft, namespace: string | undefined) {
    if (metadata.name || !metadata.generateName) return
    for (let attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
      metadata.name = generatedName(metadata.generateName, this.#random)
      if (this.#store.latestRevision(this.key(namespace, metadata.name)) === undefined) return
    }
  }

  #exists(draft: Draft, existing: Stored | undefined): StatusError {
    const { name, generateName } = draft.metadata
    if (existing?.metadata.deletionTimestamp && !generateName) {
      const error = alreadyExists(this.resource, name)
      return new StatusError('AlreadyExists', `object is being deleted: ${error.message}`, { details: error.details! })
    }
    const error = alreadyExists(this.resource, name)
    if (!generateName) return error
    return new StatusError(
      'AlreadyExists',
      `${error.message}, the server was not able to generate a unique name for the object`,
      { details: { ...error.details, retryAfterSeconds: 1 } },
    )
  }

  /**
   * Reads, changes, writes; starts over when the object changed in between, unless the change itself insists on a
   * resourceVersion. `change` gets the newest object (undefined where there is none: only with `createsOnUpdate`) and
   * returns a fresh one, in several turns where it is large; it may be called several times.
   */
  async update(
    name: string,
    change: (old: Stored | undefined, isLarge: boolean) => Draft | Promise<Draft>,
    request: UpdateRequest,
  ): Promise<Written & { created: boolean }> {
    const { namespace, dryRun, validate, subresource = '', isReplacement = false, keepsManagers = false } = request
    const { resource, strategy } = this
    const key = this.key(namespace, name)
    for (let attempt = 0; ; attempt++) {
      const found = this.#latest(key)
      if (!found) {
        if (!(strategy.createsOnUpdate || request.createsMissing) || subresource) throw notFound(resource, name)
        const isLarge = request.isLarge === true
        const draft = await change(undefined, isLarge)
        if (isLarge) await nextTurn()
        if (draft.metadata.resourceVersion || draft.metadata.uid) throw notFound(resource, name)
        return {
          ...(await this.create(draft, { namespace, dryRun, isLarge, ...(validate && { validate }) })),
          created: true,
        }
      }
      const { revision } = found
      const old = found.object instanceof Promise ? await found.object : found.object
      const isLarge = request.isLarge === true || found.size > LARGE_BYTES
      const changed = change(old, isLarge)
      const draft = changed instanceof Promise ? await changed : changed
      if (isLarge) await nextTurn()
      this.#checkPreconditions(draft, old, revision, name, isReplacement)
      this.#prepareUpdate(draft, old, namespace, {
        now: this.#clock.now(),
        subresource,
        dryRun,
        ...(request.warnings && { warnings: request.warnings }),
      })
      if (isLarge) await nextTurn()
      const isSame = keepTimes(draft, old)
      const settle = strategy.allocate?.(draft, old, { now: this.#clock.now(), subresource, dryRun })
      let release: Release | undefined
      let isWritten = false
      try {
        const pending = validate?.(draft, old)
        release = (pending instanceof Promise ? await pending : pending) ?? undefined
        if (isSame ?? this.#isUnchanged(draft, old)) {
          const cached = this.cache.get(key)
          // Answering with a value that is not durable yet would acknowledge somebody else's write too early.
          const isCurrent = !this.#form || this.#form.isCurrent(key)
          if (cached?.revision === revision && isCurrent) return { cached, object: old, created: false }
        }
        if (dryRun) {
          const object = withVersion(await this.#preview(draft), revision)
          return { cached: undefined, object, created: false }
        }
        if (this.#finishesDeletion(draft)) {
          await this.#store.write({ key, expected: revision, value: null })
          strategy.release?.(old)
          return { cached: undefined, object: withVersion(draft, revision), created: false }
        }
        const written = await this.#write(key, revision, draft, keepsManagers)
        isWritten = true
        return { ...written, created: false }
      } catch (err) {
        if (err instanceof CompareFailed && attempt < MAX_RETRIES && !insistsOnVersion(draft)) continue
        throw this.#writeError(err, name)
      } finally {
        settle?.(isWritten)
        release?.(isWritten)
      }
    }
  }

  #checkPreconditions(draft: Draft, old: Stored, revision: Revision, name: string, isReplacement: boolean) {
    const { resourceVersion, uid } = draft.metadata
    if (uid && uid !== old.metadata.uid) {
      throw conflict(
        this.resource,
        name,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
      )
    }
    if (resourceVersion && resourceVersion !== '0') {
      if (resourceVersion !== String(revision)) throw conflict(this.resource, name, OPTIMISTIC_LOCK_MESSAGE)
    } else if ((isReplacement || resourceVersion !== undefined) && this.strategy.needsResourceVersion) {
      throw invalid({ group: this.resource.group, kind: this.resource.plural }, name, [
        {
          type: 'Invalid',
          field: 'metadata.resourceVersion',
          message: 'Invalid value: 0: must be specified for an update',
        },
      ])
    }
  }

  #prepareUpdate(draft: Draft, old: Stored, namespace: string | undefined, context: StrategyContext) {
    const { resource, strategy } = this
    const { subresource } = context
    prepareMetaForUpdate(draft, old, resource, namespace)
    if (strategy.separatesStatus ?? 'status' in resource.type.fields) {
      if (subresource === 'status') keepAllButStatus(draft, old, resource)
      else if (subresource === '') draft.status = old.status
    }
    strategy.prepareForUpdate?.(draft, old, context)
    if (strategy.countsGeneration && subresource !== 'status') {
      const of = strategy.generationOf ?? ((object: Stored) => object.spec)
      if (!jsonEqual(of(draft), of(old))) draft.metadata.generation = (old.metadata.generation ?? 0) + 1
    }
    const errors = [
      ...validateMetaUpdate(draft, old, resource, strategy.name),
      ...managedFieldsErrors(draft.metadata.managedFields),
      ...(strategy.validateUpdate?.(draft, old, context) ?? []),
    ]
    if (errors.length > 0) throw invalid(resource, old.metadata.name, errors)
  }

  #isUnchanged(draft: Draft, old: Stored): boolean {
    const { metadata, ...rest } = draft
    const { metadata: oldMetadata, ...oldRest } = old
    return (
      jsonEqual({ ...metadata, resourceVersion: '' }, { ...oldMetadata, resourceVersion: '' }) &&
      jsonEqual(rest, oldRest)
    )
  }

  #finishesDeletion(draft: Draft): boolean {
    const { deletionTimestamp, finalizers, deletionGracePeriodSeconds } = draft.metadata
    return (
      deletionTimestamp !== undefined &&
      (finalizers?.length ?? 0) === 0 &&
      (deletionGracePeriodSeconds ?? 0) === 0 &&
      !this.strategy.blocksDeletion?.(draft)
    )
  }

  /**
   * Deletes, or begins to where finalizers or a grace period keep the object for now. The answer is the object as it was
   * last (`gone`) or as it stays.
   */
  async delete(
    name: string,
    request: DeleteRequest,
    { namespace, dryRun, validate }: WriteRequest,
  ): Promise<{ gone: boolean; object: Stored; cached?: Listed }> {
    const { strategy } = this
    const key = this.key(namespace, name)
    for (let attempt = 0; ; attempt++) {
      const found = this.#latest(key)
      if (!found) throw notFound(this.resource, name)
      const { revision } = found
      const old = found.object instanceof Promise ? await found.object : found.object
      const { uid, resourceVersion } = request.preconditions ?? {}
      const failed = (what: string, wanted: string, actual: string, happened: string) =>
        conflict(
          this.resource,
          name,
          `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${actual}). The object might have been ${happened}`,
        )
      if (uid && uid !== old.metadata.uid) throw failed('UID', uid, old.metadata.uid, 'deleted and then recreated')
      if (resourceVersion && resourceVersion !== String(revision))
        throw failed('ResourceVersion', resourceVersion, String(revision), 'modified')
      const pending = validate?.(old, old)
      if (pending) await pending
      const plan = planDeletion(old, request, strategy, this.#clock.now())
      if (plan.kind === 'nothing') return { gone: false, object: withVersion(old, revision) }
      if (dryRun) return { gone: plan.kind === 'remove', object: withVersion(plan.object, revision) }
      try {
        if (plan.kind === 'remove') {
          const removedAt = await this.#store.write({ key, expected: revision, value: null })
          strategy.release?.(old)
          return { gone: true, object: withVersion(plan.object, removedAt) }
        }
        const written = await this.#write(key, revision, plan.object)
        return { gone: false, object: written.object, ...(written.cached && { cached: written.cached }) }
      } catch (err) {
        if (err instanceof CompareFailed && attempt < MAX_RETRIES) continue
        throw this.#writeError(err, name)
      }
    }
  }

  /** The object as it would be read, had it been written. */
  async #preview(draft: Draft): Promise<Stored> {
    return this.#form ? ((await this.#form.read(await this.#form.write(draft))) as Stored) : draft
  }

  async #write(key: string, expected: number, draft: Draft, keepsManagers = false): Promise<Written> {
    let revision: number
    const converted = this.#form?.write(draft) ?? draft
    const stored = converted instanceof Promise ? await converted : converted
    try {
      revision = await this.#store.write({ key, expected, value: this.#codec.encode(stored), attachment: stored })
    } catch (err) {
      if (err instanceof RangeError && draft.metadata.managedFields && !keepsManagers) {
        // Who manages what may be the larger part, and can be done without.
        delete draft.metadata.managedFields
        return this.#write(key, expected, draft)
      }
      if (err instanceof RangeError)
        throw new StatusError('RequestEntityTooLarge', `Request entity too large: ${err.message}`, { cause: err })
      throw err instanceof CompareFailed ? err : this.#writeError(err, draft.metadata.name)
    }
    const pending = this.cache.prepare(key)
    if (pending) await pending
    const cached = this.cache.get(key)
    if (cached?.revision === revision) return { cached, object: cached.object as Stored }
    // Somebody has already written the next version; this one is still what the caller wrote.
    return { cached: undefined, object: withVersion(draft, revision) }
  }

  #writeError(err: unknown, name: string): unknown {
    if (err instanceof CompareFailed)
      return err.current ? conflict(this.resource, name, OPTIMISTIC_LOCK_MESSAGE) : notFound(this.resource, name)
    if (err instanceof StoreUnavailable)
      return new StatusError('ServiceUnavailable', `the store cannot take writes: ${err.message}`, { cause: err })
    return err
  }
}

/** Where the objects of a resource are stored; ends with a slash. */
export const storagePrefix = ({ group, plural }: Pick<Resource, 'group' | 'plural'>) =>
  `/registry/${group ? `${group}/` : ''}${plural}/`

function keepAllButStatus(draft: Draft, old: Stored, resource: Resource) {
  const isKept = (field: string) => !['status', 'metadata', 'apiVersion', 'kind'].includes(field)
  for (const field of Object.keys(draft)) if (isKept(field) && old[field] === undefined) delete draft[field]
  for (const field of Object.keys(old)) if (isKept(field)) draft[field] = old[field]
  const [meta, was] = [draft.metadata, old.metadata] as unknown as Record<string, unknown>[]
  for (const field of metadataKeptByStatus(resource)) {
    if (was![field] === undefined) delete meta![field]
    else meta![field] = was![field]
  }
}

function insistsOnVersion(draft: Draft): boolean {
  const version = draft.metadata.resourceVersion
  return Boolean(version) && version !== '0'
}

function withVersion<T extends KubeObject>(object: T, revision: number): T {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } }
}
