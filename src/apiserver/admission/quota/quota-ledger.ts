/**
 * Keeps the accounts of all ResourceQuotas: from the objects that are there, as the watch caches have them, and from the
 * writes that admission has let through and that are not there yet. Because both are known here, at the same moment, a
 * bound is never exceeded however many writes come at once, and no write is refused for what has just been given back.
 * What an account says is written to the quota's status. Upstream: the evaluator of resource quota admission and the
 * resourcequota controller, which share what they know through that status instead.
 *
 * Invariant: there is an account for every quota in the cache, with every object in the caches that its bounds are about.
 */
import type { ResourceQuota } from '#api/core/v1/namespace.ts'
import { type KubeObject, type Resource, resourceKey } from '#api/kind.ts'
import { resourceQuotas } from '#api/resources.ts'
import { type Clock, every, sleep, type Timer } from '#base/clock.ts'
import { jsonEqual } from '#base/equal.ts'
import type { Log } from '#base/log.ts'
import type { Api } from '../../api.ts'
import type { Stored } from '../../registry/strategy.ts'
import type { CacheEvent, Listed, ObjectCache } from '../../registry/object-cache.ts'
import { cachedObject, cachedObjects } from '../lookup.ts'
import { type Amounts, parseAmounts } from './amounts.ts'
import { boundedBy, evaluatorOf } from './evaluators.ts'
import { QuotaAccount, type Reservation } from './quota-account.ts'
import { QuotaStatusWriter, saysSo } from './quota-status-writer.ts'
import type { Evaluator, ScopeSelector, UsageContext } from './usage.ts'

/** So often every account is worked out anew, should it have missed something. */
const RESYNC_PERIOD_MS = 300_000

/** A quota with its account. */
export interface QuotaEntry {
  readonly quota: ResourceQuota
  readonly account: QuotaAccount
  /** All must hold for an object to be counted. */
  readonly selectors: readonly ScopeSelector[]
}

/** What somebody is about to write. */
export interface PlannedWrite {
  readonly resource: Resource
  /** Of the object in the store. */
  readonly key: string
  readonly object: Stored
  readonly evaluator: Evaluator
  readonly amounts: Amounts
}

interface WriteUnderWay extends PlannedWrite {
  readonly held: Map<QuotaAccount, Reservation>
}

/** What there is to know of a namespace that has quotas. */
class NamespaceBook {
  readonly #entries = new Map<string, QuotaEntry>()
  /** Ordered by name; another array after every change. */
  ordered: readonly QuotaEntry[] = []
  readonly underWay = new Set<WriteUnderWay>()
  /** Objects that will use less at some time, with their caches. */
  readonly ending = new Map<string, { atMs: number; resource: Resource }>()
  readonly waiting: (() => void)[] = []

  get(name: string): QuotaEntry | undefined {
    return this.#entries.get(name)
  }

  set(name: string, entry: QuotaEntry) {
    this.#entries.set(name, entry)
    this.#order()
  }

  delete(name: string) {
    this.#entries.delete(name)
    this.#order()
  }

  #order() {
    this.ordered = [...this.#entries.values()].sort((a, b) => (a.quota.metadata.name < b.quota.metadata.name ? -1 : 1))
  }
}

interface Followed {
  cache: ObjectCache
  cancel: () => void
}

export class QuotaLedger {
  readonly #api: () => Api
  readonly #clock: Clock
  readonly #books = new Map<string, NamespaceBook>()
  readonly #followed = new Map<string, Followed>()
  readonly #writer: QuotaStatusWriter
  readonly #timers: Timer[] = []

  constructor(api: () => Api, clock: Clock, log: Log) {
    this.#api = api
    this.#clock = clock
    this.#writer = new QuotaStatusWriter(api, clock, log)
  }

  /** Opens the accounts of all quotas, when everything that is stored has been loaded. Ends with the API. */
  start(): void {
    const api = this.#api()
    const { cache } = api.registry(resourceQuotas)
    const forget = api.catalog.subscribe(() => this.#recount((entry) => !this.#isComplete(entry)))
    this.#timers.push(every(this.#clock, RESYNC_PERIOD_MS, () => void this.#resync()))
    cache.follow(cache.prefix, {
      onEvents: (events) => events.forEach((event) => this.#onQuota(event)),
      onEnd: () => {
        for (const timer of this.#timers) timer.cancel()
        forget()
      },
    })
    for (const { object } of cache.list(cache.prefix)) this.#open(object as ResourceQuota)
  }

  /** The quotas of a namespace, ordered by name, with accounts that are true at this moment; undefined where there are none. */
  quotasOf(namespace: string): readonly QuotaEntry[] | undefined {
    const book = this.#books.get(namespace)
    if (!book) return undefined
    if (book.ending.size > 0) this.#expire(book)
    return book.ordered
  }

  get context(): UsageContext {
    const api = this.#api()
    return {
      nowMs: this.#clock.now(),
      find: (resource, namespace, name) => cachedObject(api, resource, namespace, name),
      all: (resource, namespace) => cachedObjects(api, resource, namespace),
    }
  }

  /**
   * Keeps room for a write in the accounts that count its object. The answer gives it back, and is to be called when it is
   * known whether the write happened.
   */
  reserve(namespace: string, write: PlannedWrite): (isWritten: boolean) => void {
    const book = this.#books.get(namespace)
    if (!book) return () => {}
    const underWay: WriteUnderWay = { ...write, held: new Map() }
    book.underWay.add(underWay)
    for (const entry of book.ordered) this.#hold(entry, underWay)
    return (isWritten) => {
      if (!book.underWay.has(underWay)) return
      // A cache that is late will tell of the object only some time later.
      const isLate = this.#followed.get(resourceKey(write.resource))?.cache.isDelayed === true
      if (isWritten && isLate) this.#count(book, write.resource, write.key, write.object)
      this.#settle(book, underWay)
    }
  }

  /** Resolves when room may have become free in a namespace. */
  changed(namespace: string): Promise<void> {
    const book = this.#books.get(namespace)
    return book ? new Promise((resolve) => book.waiting.push(resolve)) : Promise.resolve()
  }

  #hold({ quota, account, selectors }: QuotaEntry, write: WriteUnderWay) {
    if (!counts(write.evaluator, account, selectors, write.object, this.context)) return
    const reservation = { key: write.key, amounts: write.amounts }
    account.reserve(reservation)
    write.held.set(account, reservation)
    this.#writer.changed(quota, account)
  }

  #settle(book: NamespaceBook, write: WriteUnderWay) {
    book.underWay.delete(write)
    for (const { quota, account } of book.ordered) {
      const reservation = write.held.get(account)
      if (reservation && account.release(reservation)) this.#writer.changed(quota, account)
    }
    wake(book)
  }

  #onQuota({ current, previous }: CacheEvent) {
    const [quota, was] = [current?.object, previous?.object] as (ResourceQuota | undefined)[]
    if (!quota) return this.#close(was!)
    const entry = this.#books.get(quota.metadata.namespace!)?.get(quota.metadata.name)
    const isSame = entry?.quota.metadata.uid === quota.metadata.uid && jsonEqual(entry.quota.spec, quota.spec)
    if (!isSame) return this.#open(quota)
    // Only the status has changed; whoever did it, it is made to say what is so.
    if (!saysSo(quota, entry.account)) this.#writer.changed(quota, entry.account)
  }

  #open(quota: ResourceQuota) {
    const { namespace, name } = quota.metadata
    let book = this.#books.get(namespace!)
    if (!book) this.#books.set(namespace!, (book = new NamespaceBook()))
    const { hard, scopes = [], scopeSelector } = quota.spec
    const entry: QuotaEntry = {
      quota,
      account: new QuotaAccount(parseAmounts(hard)),
      selectors: [
        ...scopes.map((scopeName) => ({ scopeName, operator: 'Exists' })),
        ...(scopeSelector?.matchExpressions ?? []),
      ],
    }
    book.set(name, entry)
    this.#fill(book, entry)
    for (const write of book.underWay) this.#hold(entry, write)
    this.#writer.changed(quota, entry.account)
    wake(book)
  }

  #close({ metadata }: ResourceQuota) {
    const book = this.#books.get(metadata.namespace!)
    if (!book || book.get(metadata.name)?.quota.metadata.uid !== metadata.uid) return
    book.delete(metadata.name)
    if (book.ordered.length === 0) this.#books.delete(metadata.namespace!)
    wake(book)
  }

  /** Counts every object that is there, and nothing else. */
  #fill(book: NamespaceBook, entry: QuotaEntry) {
    const { account, selectors, quota } = entry
    const { context } = this
    const seen = new Set<string>()
    for (const { group, plural } of boundedBy(account.hard, context)) {
      for (const resource of this.#servedAs(group, plural)) {
        const evaluator = evaluatorOf(resource)!
        const registry = this.#api().registry(resource)
        this.#follow(resource, registry.cache)
        for (const { key, object } of registry.cache.list(registry.prefix(quota.metadata.namespace))) {
          if (seen.has(key)) continue
          seen.add(key)
          noteEnd(book, evaluator, resource, key, object, context)
          const isCounted = counts(evaluator, account, selectors, object, context)
          account.setPresent(key, isCounted ? evaluator.usage(object, context) : undefined)
        }
      }
    }
    for (const key of account.presentKeys) if (!seen.has(key)) account.setPresent(key, undefined)
  }

  /** The versions in which a resource is served; each may lack objects that have to be converted to it first. */
  #servedAs(group: string, plural: string): Resource[] {
    return this.#api()
      .catalog.entries.filter(
        ({ resource, served }) => served && resource.group === group && resource.plural === plural,
      )
      .map(({ resource }) => resource)
  }

  #isComplete({ account }: QuotaEntry): boolean {
    return boundedBy(account.hard, this.context).every((counted) => this.#followed.has(resourceKey(counted)))
  }

  /** Once is enough: all versions of a resource tell of the same changes. */
  #follow(resource: Resource, cache: ObjectCache) {
    const id = resourceKey(resource)
    if (this.#followed.has(id)) return
    const cancel = cache.follow(cache.prefix, {
      onEvents: (events) => events.forEach((event) => this.#onObject(resource, cache.prefix, event)),
      onEnd: () => this.#followed.delete(id),
    })
    this.#followed.set(id, { cache, cancel })
  }

  #onObject(resource: Resource, prefix: string, { current, previous }: CacheEvent) {
    const { key } = (current ?? previous)!
    const book = this.#books.get(key.slice(prefix.length, key.indexOf('/', prefix.length)))
    if (!book) return
    this.#count(book, resource, key, current?.object as Stored | undefined)
    for (const write of book.underWay) if (write.object === current?.object) this.#settle(book, write)
    if (!current) wake(book)
  }

  #count(book: NamespaceBook, resource: Resource, key: string, object: Stored | undefined) {
    const evaluator = evaluatorOf(resource)!
    const { context } = this
    const amounts = object && evaluator.usage(object, context)
    if (object) noteEnd(book, evaluator, resource, key, object, context)
    else book.ending.delete(key)
    for (const { quota, account, selectors } of book.ordered) {
      const isCounted = object && counts(evaluator, account, selectors, object, context)
      if (account.setPresent(key, isCounted ? amounts : undefined)) this.#writer.changed(quota, account)
    }
  }

  #expire(book: NamespaceBook) {
    const now = this.#clock.now()
    for (const [key, { atMs, resource }] of book.ending) {
      if (atMs >= now) continue
      book.ending.delete(key)
      const found: Listed | undefined = this.#api().registry(resource).cache.get(key)
      if (found) this.#count(book, resource, key, found.object)
    }
  }

  #recount(isMeant: (entry: QuotaEntry) => boolean) {
    for (const book of this.#books.values()) {
      for (const entry of book.ordered) if (isMeant(entry)) this.#refill(book, entry)
    }
  }

  #refill(book: NamespaceBook, entry: QuotaEntry) {
    this.#fill(book, entry)
    this.#writer.changed(entry.quota, entry.account)
  }

  /** One quota after the other, so that nobody has to wait for all. */
  async #resync(): Promise<void> {
    for (const book of this.#books.values()) {
      this.#expire(book)
      for (const entry of book.ordered) {
        await sleep(this.#clock, 1)
        if (book.get(entry.quota.metadata.name) === entry) this.#refill(book, entry)
      }
      wake(book)
    }
  }
}

/** Whether an account is about an object. */
export function counts(
  evaluator: Evaluator,
  { hard }: QuotaAccount,
  selectors: readonly ScopeSelector[],
  object: Stored,
  context: UsageContext,
): boolean {
  for (const selector of selectors) if (!evaluator.inScope?.(selector, object)) return false
  for (const name of hard.keys()) if (evaluator.bounds(name, context)) return true
  return false
}

function noteEnd(
  book: NamespaceBook,
  evaluator: Evaluator,
  resource: Resource,
  key: string,
  object: KubeObject,
  { nowMs }: UsageContext,
) {
  const atMs = evaluator.endsAt?.(object)
  if (atMs === undefined || atMs < nowMs) book.ending.delete(key)
  else book.ending.set(key, { atMs, resource })
}

function wake(book: NamespaceBook) {
  for (const resolve of book.waiting.splice(0)) resolve()
}
