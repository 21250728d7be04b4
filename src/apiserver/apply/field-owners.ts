/**
 * Keeps `metadata.managedFields` at every write, and carries out server-side apply. Upstream: `managedfields.FieldManager`,
 * whose chain of managers stands here as the steps of two functions.
 *
 * Invariant: nothing that is handed in is written to but the drafts, and those in `metadata.managedFields` only. Both
 * functions are synchronous unless a custom resource must be converted by a webhook.
 */
import type { Clock } from '#base/clock.ts'
import { jsonEqual } from '#base/equal.ts'
import { badRequest, StatusError } from '#machinery/status-error.ts'
import { timestamp } from '../registry/object-meta.ts'
import type { Draft, Stored } from '../registry/strategy.ts'
import { capUpdaters } from './cap-updaters.ts'
import { ConflictError } from './conflicts.ts'
import { difference, type FieldSet, isEmpty, setOf, union } from './field-set.ts'
import { KUBECTL, stillApplied, withLastApplied } from './last-applied.ts'
import type { JsonObject, ManagedKind } from './managed-kind.ts'
import { InvalidManagedFields, ManagedFieldsCodec, managerId, type Managers, type Operation } from './managers.ts'
import type { MergeSchema } from './merge-schema.ts'
import { reconciled } from './named-fields.ts'
import { NoPathElement } from './path-element.ts'
import type { FieldFilter } from './reset-fields.ts'
import { apply, type Steps, update, type Versioned, type Write } from './updater.ts'
import { validationError } from './validate.ts'

/** A write by somebody. */
export interface OwnedWrite {
  /** The kind in the version of the request, in which all objects are given. */
  readonly kind: ManagedKind
  readonly subresource: string
  /** Empty for somebody unknown. */
  readonly manager: string
  readonly filter: FieldFilter | undefined
}

const BEFORE_FIRST_APPLY = 'before-first-apply'

/** What nobody owns, because nobody decides it. */
const stripped = [
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName'].map((name) => [
    'f:metadata',
    `f:${name}`,
  ]),
  ...['generation', 'managedFields', 'resourceVersion'].map((name) => ['f:metadata', `f:${name}`]),
] as const

export class FieldOwners {
  readonly #clock: Clock
  readonly #codec = new ManagedFieldsCodec()
  /** Sets that fit the schema they were last seen with. */
  readonly #fitting = new WeakMap<FieldSet, MergeSchema>()
  readonly #stripped = setOf(...stripped)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Gives `draft` its managedFields after a write that is not an apply; `live` is undefined where it is to be created.
   * What can't be tracked has no managers afterwards.
   */
  update(write: OwnedWrite, live: Stored | undefined, draft: Draft): void | Promise<void> {
    const settled = this.#guarded(() => settle(this.#update(write, live, draft)), draft)
    if (settled instanceof Promise) return settled.catch((err: unknown) => this.#giveUp(err, draft))
  }

  #guarded<T>(run: () => T, draft: Draft): T | undefined {
    try {
      return run()
    } catch (err) {
      this.#giveUp(err, draft)
      return undefined
    }
  }

  #giveUp(err: unknown, draft: Draft) {
    if (!(err instanceof NoPathElement) && !(err instanceof StatusError)) throw err
    delete draft.metadata.managedFields
  }

  *#update(write: OwnedWrite, live: Stored | undefined, draft: Draft): Steps<void> {
    const { kind } = write
    const managers = this.#startingFrom(write, live, draft)
    delete draft.metadata.managedFields
    // Of objects from a time before anybody was tracked, nobody is until somebody applies.
    if (managers.size === 0 && live) return
    this.#fit(managers, kind)
    const before = live?.metadata.managedFields
    const next = comparable(draft)
    yield* this.#record(
      write,
      { kind, object: live ? comparable(live) : {} },
      { kind, object: kind.normalized?.(next) ?? next },
      managers,
    )
    const entries = this.#codec.encode(managers, before)
    if (entries) draft.metadata.managedFields = entries
  }

  /** What the client says, or else what the live object says. */
  #startingFrom({ subresource }: OwnedWrite, live: Stored | undefined, draft: Draft): Managers {
    const own = draft.metadata.managedFields
    if (subresource === '' && own) {
      if (isReset(own)) return new Map()
      const managers = this.#decoded(own)
      if (managers.size > 0) return managers
    }
    return this.#decoded(live?.metadata.managedFields)
  }

  #decoded(entries: Stored['metadata']['managedFields']): Managers {
    try {
      return this.#codec.decode(entries)
    } catch (err) {
      if (!(err instanceof InvalidManagedFields)) throw err
      return new Map()
    }
  }

  /** Drops managers of versions that are no more, and follows fields that have become atomic. */
  #fit(managers: Managers, kind: ManagedKind) {
    for (const [id, owned] of managers) {
      const { schema } = (owned.apiVersion === kind.apiVersion ? kind : kind.version(owned.apiVersion)) ?? {}
      if (!schema) managers.delete(id)
      else if (this.#fitting.get(owned.set) !== schema) {
        const set = reconciled(owned.set, schema)
        this.#fitting.set(set, schema)
        if (set !== owned.set) managers.set(id, { ...owned, set })
      }
    }
  }

  /** An update, as a change of `managers`. */
  *#record(write: OwnedWrite, live: Versioned, next: Versioned, managers: Managers): Steps<void> {
    const won = difference(yield* update(live, next, managers, write), this.#stripped)
    if (!isEmpty(won)) {
      const writer = writerOf(write, 'Update')
      const id = managerId(writer)
      const before = managers.get(id)
      const set = before ? union(won, before.set) : won
      this.#fitting.set(set, write.kind.schema)
      managers.set(id, { ...writer, time: timestamp(this.#clock.now()), set })
    }
    capUpdaters(managers)
  }

  /**
   * What `live` becomes when `applied`, a value of the request's body, is applied to it: with its managedFields, but not
   * yet completed by defaults. Throws BadRequest, Conflict, and what else upstream refuses.
   */
  apply(
    write: OwnedWrite,
    live: Stored | undefined,
    applied: JsonObject,
    force: boolean,
  ): JsonObject | Promise<JsonObject> {
    this.#checkApplied(write.kind, applied)
    return settle(this.#apply(write, live, applied, force))
  }

  #checkApplied(kind: ManagedKind, applied: JsonObject) {
    const { apiVersion, kind: name } = applied
    if (apiVersion !== kind.apiVersion || name !== kind.kind)
      throw badRequest(`invalid object type: ${kindText(String(apiVersion ?? ''), String(name ?? ''))}`)
    const { managedFields } = (applied.metadata ?? {}) as { managedFields?: unknown }
    if (managedFields !== undefined && managedFields !== null) throw badRequest('metadata.managedFields must be nil')
    const wrong = validationError(kind.schema, applied, { allowDuplicates: false })
    if (wrong !== undefined) throw unexpected(`failed to create typed patch object (${objectText(applied)}): ${wrong}`)
  }

  *#apply(write: OwnedWrite, live: Stored | undefined, applied: JsonObject, force: boolean): Steps<JsonObject> {
    const { kind, filter } = write
    const start = live ? withoutManagedFields(live) : {}
    const wrong = live && validationError(kind.schema, start, { allowDuplicates: true })
    if (wrong !== undefined) throw unexpected(`failed to create typed live object (${objectText(start)}): ${wrong}`)
    const managers = this.#decodedStrictly(live?.metadata.managedFields)
    this.#fit(managers, kind)
    const versioned: Versioned = { kind, object: start }
    if (managers.size === 0 && live)
      yield* this.#record({ ...write, manager: BEFORE_FIRST_APPLY }, { kind, object: {} }, versioned, managers)
    const writer = writerOf(write, 'Apply')
    const id = managerId(writer)
    const by: Write = { writer, id, filter }
    const former = new Map(managers)
    let object: JsonObject
    try {
      object = yield* apply(versioned, applied, managers, by, force)
    } catch (err) {
      if (!(err instanceof ConflictError)) throw err
      if (write.manager !== KUBECTL) throw err.toStatusError()
      const left = err.without(stillApplied(kind, start))
      if (left.length > 0) throw new ConflictError(left).toStatusError()
      managers.clear()
      for (const [of, owned] of former) managers.set(of, owned)
      object = yield* apply(versioned, applied, managers, by, true)
    }
    const isUnchanged = jsonEqual(object, start)
    const owned = managers.get(id)
    if (owned) {
      const set = difference(owned.set, this.#stripped)
      this.#fitting.set(set, kind.schema)
      const time = isUnchanged ? owned.time : timestamp(this.#clock.now())
      if (isEmpty(set)) managers.delete(id)
      else managers.set(id, { ...owned, set, time })
    }
    const entries = this.#codec.encode(managers, live?.metadata.managedFields)
    const updated = write.manager === KUBECTL ? withLastApplied(object, applied) : object
    return { ...updated, metadata: { ...(updated.metadata as object), ...(entries && { managedFields: entries }) } }
  }

  #decodedStrictly(entries: Stored['metadata']['managedFields']): Managers {
    try {
      return this.#codec.decode(entries)
    } catch (cause) {
      if (!(cause instanceof InvalidManagedFields)) throw cause
      throw unexpected(`failed to decode managed fields: ${cause.message}`, cause)
    }
  }

  /** Why managedFields mean nothing, or undefined. */
  problemOf(entries: Stored['metadata']['managedFields']): string | undefined {
    try {
      this.#codec.decode(entries)
      return undefined
    } catch (err) {
      if (!(err instanceof InvalidManagedFields)) throw err
      return err.message
    }
  }
}

/** A client's way to say that it wants no managers any more: an empty list, or one entry with nothing in it. */
function isReset(entries: NonNullable<Stored['metadata']['managedFields']>): boolean {
  return entries.length === 0 || (entries.length === 1 && Object.keys(entries[0]!).length === 0)
}

const writerOf = ({ kind, subresource, manager }: OwnedWrite, operation: Operation) => ({
  manager: manager || 'unknown',
  operation,
  subresource,
  apiVersion: kind.apiVersion,
})

/** Without what nobody can own, so that it need not be compared. */
function comparable(object: Draft): JsonObject {
  const {
    name: _name,
    namespace: _namespace,
    creationTimestamp: _creationTimestamp,
    selfLink: _selfLink,
    uid: _uid,
    generation: _generation,
    managedFields: _managedFields,
    resourceVersion: _resourceVersion,
    ...metadata
  } = object.metadata
  return { ...object, apiVersion: undefined, kind: undefined, metadata }
}

function withoutManagedFields(object: Stored): JsonObject {
  const { managedFields: _managedFields, ...metadata } = object.metadata
  return { ...object, metadata }
}

/** Runs the steps, with conversions in between. */
function settle<T>(steps: Steps<T>, converted?: JsonObject): T | Promise<T> {
  // The first call starts the steps, and what it passes goes nowhere.
  let step = steps.next(converted ?? {})
  while (!step.done) {
    const { from, apiVersion } = step.value
    const answer = from.kind.convert(from.object, apiVersion)
    if (answer instanceof Promise) return answer.then((object) => settle(steps, object))
    step = steps.next(answer)
  }
  return step.value
}

/** What upstream says without a reason, as a server error. */
const unexpected = (message: string, cause?: unknown) => new StatusError('', message, { cause })

function kindText(apiVersion: string, kind: string): string {
  const slash = apiVersion.indexOf('/')
  const [group, version] = slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)]
  return `${group}/${version}, Kind=${kind}`
}

function objectText(object: JsonObject): string {
  const { name = '', namespace = '' } = (object.metadata ?? {}) as { name?: string; namespace?: string }
  return `${namespace}/${name}; ${kindText(String(object.apiVersion), String(object.kind))}`
}
