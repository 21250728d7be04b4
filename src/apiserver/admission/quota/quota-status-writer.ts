/**
 * Writes what accounts say to the status of their quotas. Of each quota one write is under way at a time; what changes
 * meanwhile goes with the next. The first one is begun before the write that it is about, and so is seen no later.
 */
import type { ResourceQuota } from '#api/core/v1/namespace.ts'
import { resourceQuotas } from '#api/resources.ts'
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import { jsonEqual } from '#base/equal.ts'
import type { Log } from '#base/log.ts'
import { isStatus, notFound } from '#machinery/status-error.ts'
import type { Api, Caller } from '../../api.ts'
import type { Draft, Stored } from '../../registry/strategy.ts'
import { SUPERUSERS } from '../../user.ts'
import { amountTexts, parseAmounts, sameAmounts } from './amounts.ts'
import type { QuotaAccount } from './quota-account.ts'

const RETRY_MS = 1000

export class QuotaStatusWriter {
  readonly #api: () => Api
  readonly #clock: Clock
  readonly #log: Log
  /** Accounts whose status is being written; `true` where it has to be written again. */
  readonly #busy = new Map<QuotaAccount, boolean>()

  constructor(api: () => Api, clock: Clock, log: Log) {
    this.#api = api
    this.#clock = clock
    this.#log = log
  }

  /** The account may differ from what the status of its quota says. */
  changed(quota: ResourceQuota, account: QuotaAccount): void {
    if (this.#busy.has(account)) this.#busy.set(account, true)
    else {
      this.#busy.set(account, false)
      // After all that happens at the same moment.
      queueMicrotask(() => void this.#write(quota, account))
    }
  }

  async #write(quota: ResourceQuota, account: QuotaAccount): Promise<void> {
    const { namespace, name } = quota.metadata
    const caller: Caller = { user: { name: 'system:apiserver', groups: [SUPERUSERS] }, warnings: [] }
    const options = { fieldManager: 'kube-apiserver' }
    const request = {
      verb: 'update',
      resource: resourceQuotas,
      namespace,
      name,
      subresource: 'status',
      options,
    } as const
    let delayMs = 0
    try {
      await this.#api().update(caller, request, (old) => withStatus(quota, old!, account))
    } catch (err) {
      // It is gone, and its account will be.
      if (isStatus(err, 'NotFound')) return void this.#busy.delete(account)
      this.#log.warn({ quota: `${namespace}/${name}`, reason: messageOf(err) }, 'cannot write the status of a quota')
      this.#busy.set(account, true)
      delayMs = RETRY_MS
    }
    const isStale = this.#busy.get(account)
    this.#busy.delete(account)
    if (!isStale) return
    if (delayMs === 0) this.changed(quota, account)
    else this.#clock.after(delayMs, () => this.changed(quota, account))
  }
}

/** Throws NotFound for another quota of the same name. An object that is the same as before is not written. */
function withStatus(quota: ResourceQuota, old: Stored, account: QuotaAccount): Draft {
  if (old.metadata.uid !== quota.metadata.uid) throw notFound(resourceQuotas, quota.metadata.name)
  const { resourceVersion: _any, ...metadata } = old.metadata
  if (saysSo({ ...quota, status: old.status }, account)) return { ...old, metadata } as Draft
  const status = { hard: { ...quota.spec.hard }, used: amountTexts(account.used) }
  return { ...old, metadata, status } as unknown as Draft
}

/** Whether the status of a quota is what it should be. */
export function saysSo({ spec, status }: Pick<ResourceQuota, 'spec' | 'status'>, { used }: QuotaAccount): boolean {
  if (!status?.used && used.size > 0) return false
  return jsonEqual(status?.hard ?? {}, spec.hard ?? {}) && sameAmounts(parseAmounts(status?.used), used)
}
