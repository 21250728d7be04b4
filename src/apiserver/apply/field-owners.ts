/**
 * Keeps `metadata.managedFields` at every write, and carries out server-side apply. Upstream: `managedfields.FieldManager`,
 * whose chain of managers stands here as the steps of two functions.
 *
 * Invariant: nothing that is handed in is written to but the drafts, and those in `metadata.managedFields` only. Both
 * functions are synchronous unless the write is large, or a custom resource must be converted by a webhook.
 */
import { DecodeError } from '#api/decode.ts'
import type { Clock } from '#base/clock.ts'
import { jsonEqual } from '#base/equal.ts'
import { nextTurn } from '#base/next-turn.ts'
import { badRequest, StatusError } from '#machinery/status-error.ts'
import { timestamp } from '../registry/object-meta.ts'
import type { Draft, Stored } from '../registry/strategy.ts'
import { capUpdaters } from './cap-updaters.ts'
import { ConflictError } from './conflicts.ts'
import { difference, isEmpty, setOf, union } from './field-set.ts'
import { KUBECTL, stillApplied, withLastApplied } from './last-applied.ts'
import type { JsonObject, ManagedKind } from './managed-kind.ts'
import {
  decodeManagers,
  encodeManagers,
  InvalidManagedFields,
  ManagerEntry,
  managerId,
  type Managers,
  type Operation,
  withoutManagers,
} from './managers.ts'
import { reconciled } from './named-fields.ts'
import { NewFields } from './new-fields.ts'
import { NoPathElement } from './path-element.ts'
import type { FieldFilter } from './reset-fields.ts'
import { SharedSets } from './shared-sets.ts'
import { apply, PAUSE, type Steps, update, type Versioned, type Write } from './updater.ts'
import { validationError } from './validate.ts'

/** A write by somebody. */
export interface OwnedWrite {
  /** The kind in the version of the request, in which all objects are given. */
  readonly kind: ManagedKind
  readonly subresource: string
  /** Empty for somebody unknown. */
  readonly manager: string
  readonly filter: FieldFilter | undefined
  /** Others are to have their turn in between. Default: false. */
  readonly isLarge?: boolean
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
  readonly #stripped = setOf(...stripped)
  readonly #newFields = new NewFields()
  readonly #sets = new SharedSets()
  #time = { second: Number.NaN, text: '' }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Gives `draft` its managedFields after a write that is not an apply; `live` is undefined where it is to be created.
   * What can't be tracked has no managers afterwards.
   */
  update(write: OwnedWrite, live: Stored | undefined, draft: Draft): void | Promise<void> {
    const settled = this.#guarded(() => settle(this.#update(write, live, draft), write.isLarge), draft)
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
    yield PAUSE
    const managers = this.#startingFrom(write, live, draft)
    delete draft.metadata.managedFields
    // Of objects from a time before anybody was tracked, nobody is until somebody applies.
    if (managers.size === 0 && live) return
    this.#fit(managers, kind)
    const next = comparable(draft)
    yield* this.#record(
      write,
      { kind, object: live ? comparable(live) : {} },
      { kind, object: kind.normalized?.(next) ?? next },
      managers,
    )
    const entries = encodeManagers(managers)
    if (entries) draft.metadata.managedFields = entries
  }

  /** What the client says, or else what the live object says. */
  #startingFrom({ subresource }: OwnedWrite, live: Stored | undefined, draft: Draft): Managers {
    const own = draft.metadata.managedFields
    const known = live?.metadata.managedFields
    if (subresource === '' && own) {
      if (isReset(own)) return new Map()
      const managers = decodedOrNone(own, known)
      if (managers.size > 0) return managers
    }
    return decodedOrNone(known)
  }

  /** As objects have it, made once a second. */
  #now(): string {
    const second = Math.floor(this.#clock.now() / 1000)
    if (this.#time.second !== second) this.#time = { second, text: timestamp(second * 1000) }
    return this.#time.text
  }

  /** Drops managers of versions that are no more, and follows fields that have become atomic. */
  #fit(managers: Managers, kind: ManagedKind) {
    for (const [id, owned] of managers) {
      const { schema } = (owned.apiVersion === kind.apiVersion ? kind : kind.version(owned.apiVersion)) ?? {}
      if (!schema) managers.delete(id)
      else
        managers.set(
          id,
          owned.fitting(schema, (set) => reconciled(set, schema)),
        )
    }
  }

  /** An update, as a change of `managers`. */
  *#record(write: OwnedWrite, live: Versioned, next: Versioned, managers: Managers): Steps<void> {
    const writer = writerOf(write, 'Update')
    const id = managerId(writer)
    const by = { id, filter: write.filter }
    const won = difference(yield* update(live, next, managers, by, this.#newFields), this.#stripped)
    if (!isEmpty(won)) {
      yield PAUSE
      const before = managers.get(id)
      const set = this.#sets.share(before ? union(before.set, won) : won)
      managers.set(id, new ManagerEntry(writer, set, this.#now(), write.kind.schema, id))
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
    return settle(this.#apply(write, live, applied, force), write.isLarge)
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
    yield PAUSE
    const start: JsonObject = live ? withoutManagers(live) : {}
    const wrong = live && validationError(kind.schema, start, { allowDuplicates: true })
    if (wrong !== undefined) throw unexpected(`failed to create typed live object (${objectText(start)}): ${wrong}`)
    const managers = decodedStrictly(live?.metadata.managedFields)
    this.#fit(managers, kind)
    yield PAUSE
    const versioned: Versioned = { kind, object: start }
    if (managers.size === 0 && live)
      yield* this.#record({ ...write, manager: BEFORE_FIRST_APPLY }, { kind, object: {} }, versioned, managers)
    yield PAUSE
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
    yield PAUSE
    const isUnchanged = jsonEqual(object, start)
    const owned = managers.get(id)
    if (owned) {
      const set = this.#sets.share(difference(owned.set, this.#stripped))
      if (isEmpty(set)) managers.delete(id)
      else managers.set(id, owned.owning(set, isUnchanged ? owned.time : this.#now()))
    }
    yield PAUSE
    const entries = encodeManagers(managers)
    const updated = write.manager === KUBECTL ? withLastApplied(object, applied) : object
    return { ...updated, metadata: { ...(updated.metadata as object), ...(entries && { managedFields: entries }) } }
  }
}

/** Why managedFields mean nothing, or undefined. */
export function managersProblem(entries: Stored['metadata']['managedFields']): string | undefined {
  try {
    decodeManagers(entries)
    return undefined
  } catch (err) {
    if (!(err instanceof InvalidManagedFields)) throw err
    return err.message
  }
}

function decodedOrNone(entries: Stored['metadata']['managedFields'], known = entries): Managers {
  try {
    return decodeManagers(entries, known)
  } catch (err) {
    if (!(err instanceof InvalidManagedFields)) throw err
    return new Map()
  }
}

function decodedStrictly(entries: Stored['metadata']['managedFields']): Managers {
  try {
    return decodeManagers(entries)
  } catch (cause) {
    if (!(cause instanceof InvalidManagedFields)) throw cause
    throw unexpected(`failed to decode managed fields: ${cause.message}`, cause)
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
  const { metadata: meta } = object
  const metadata = {
    labels: meta.labels,
    annotations: meta.annotations,
    ownerReferences: meta.ownerReferences,
    finalizers: meta.finalizers,
    generateName: meta.generateName,
    deletionTimestamp: meta.deletionTimestamp,
    deletionGracePeriodSeconds: meta.deletionGracePeriodSeconds,
  }
  return { ...object, apiVersion: undefined, kind: undefined, metadata }
}

/** Runs the steps, with conversions in between, and turns of others where there are to be any. */
function settle<T>(steps: Steps<T>, isLarge = false, converted: JsonObject = {}): T | Promise<T> {
  // The first call starts the steps, and what it passes goes nowhere.
  let step = steps.next(converted)
  while (!step.done) {
    if (step.value === PAUSE) {
      if (isLarge) return nextTurn().then(() => settle(steps, isLarge))
      step = steps.next({})
      continue
    }
    const { from, apiVersion } = step.value
    const answer = convertedTo(from, apiVersion)
    if (answer instanceof Promise) return answer.then((object) => settle(steps, isLarge, object))
    step = steps.next(answer)
  }
  return step.value
}

function convertedTo({ kind, object }: Versioned, apiVersion: string): ReturnType<ManagedKind['convert']> {
  try {
    return kind.convert(object, apiVersion)
  } catch (cause) {
    // What is applied has the right structure by now, but not every text is a time.
    throw cause instanceof DecodeError ? unexpected(cause.message, cause) : cause
  }
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
