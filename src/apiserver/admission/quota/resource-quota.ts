/**
 * Refuses what would use more than a ResourceQuota leaves, and what cannot be counted. Upstream:
 * `apiserver/pkg/admission/plugin/resourcequota`.
 */
import type { StatusError } from '#machinery/status-error.ts'
import { internalError } from '#machinery/status-error.ts'
import type { Api } from '../../api.ts'
import type { Stored } from '../../registry/strategy.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts'
import { refused } from '../refusal.ts'
import { type Amounts, amountsText, NOTHING, ZERO } from './amounts.ts'
import { evaluatorOf } from './evaluators.ts'
import type { Excess } from './quota-account.ts'
import { counts, type QuotaEntry, type QuotaLedger } from './quota-ledger.ts'
import type { Evaluator, ScopeSelector } from './usage.ts'

/**
 * What may be used only where a quota says how much. Upstream: `LimitedResource` of the ResourceQuotaConfiguration.
 */
export interface LimitedResource {
  group: string
  plural: string
  /** Parts of the names of what is limited, e.g. `.storageclass.storage.k8s.io/requests.storage`. */
  matchContains?: readonly string[]
  matchScopes?: readonly ScopeSelector[]
}

/** So often a write that has no room waits for what others may give back. */
const MAX_WAITS = 100

export function resourceQuota(
  api: () => Api,
  ledger: QuotaLedger,
  limited: readonly LimitedResource[] = [],
): AdmissionPlugin {
  const validate = (request: AdmissionRequest, object: Stored, waits: number): void | Promise<void> => {
    const { namespace, resource } = request
    const quotas = ledger.quotasOf(namespace) ?? NO_QUOTAS
    if (quotas.length === 0 && limited.length === 0) return
    const evaluator = evaluatorOf(resource)
    if (!evaluator?.concerns(request, object)) return
    const { context } = ledger
    const charged = quotas.filter(({ account, selectors }) => counts(evaluator, account, selectors, object, context))
    for (const entry of charged) checkStated(request, object, evaluator, entry, context)
    const amounts = evaluator.usage(object, context)
    if (limited.length > 0) checkCovered(request, object, evaluator, amounts, quotas, charged)
    if (charged.length === 0) return
    const key = api().registry(resource).key(namespace, object.metadata.name)
    for (const entry of charged) {
      const excess = entry.account.excess(key, amounts)
      if (!excess) continue
      if (!excess.isPending || waits === 0) throw exceeded(request, object, entry, excess)
      return ledger.changed(namespace).then(() => validate(request, object, waits - 1))
    }
    if (!request.dryRun) request.release = ledger.reserve(namespace, { resource, key, object, evaluator, amounts })
  }

  const checkStated = (
    request: AdmissionRequest,
    object: Stored,
    evaluator: Evaluator,
    { quota, account }: QuotaEntry,
    context: QuotaLedger['context'],
  ) => {
    const names = [...account.hard.keys()].filter((name) => evaluator.bounds(name, context))
    const lacking = evaluator.lacking?.(names, object)
    if (lacking) throw refused(request, object, `failed quota: ${quota.metadata.name}: ${lacking}`)
  }

  const checkCovered = (
    request: AdmissionRequest,
    object: Stored,
    evaluator: Evaluator,
    amounts: Amounts,
    quotas: readonly QuotaEntry[],
    charged: readonly QuotaEntry[],
  ) => {
    const before = request.old ? evaluator.usage(request.old, ledger.context) : NOTHING
    if ([...amounts].every(([name, amount]) => amount.cmp(before.get(name) ?? ZERO) <= 0)) return
    const uncovered = uncoveredNames(request, amounts, limited).filter(
      (name) => !charged.some(({ account }) => account.hard.has(name)),
    )
    if (uncovered.length > 0)
      throw refused(request, object, `insufficient quota to consume: ${uncovered.toSorted().join(',')}`)
    const inScope = (selector: ScopeSelector) => evaluator.inScope?.(selector, object) === true
    const scopes = limited.flatMap(({ matchScopes = [] }) => matchScopes.filter(inScope))
    const covered = new Set(quotas.flatMap(({ selectors }) => selectors.filter(inScope)).map((one) => one.scopeName))
    const open = scopes.filter(({ scopeName }) => !covered.has(scopeName))
    if (open.length > 0)
      throw internalError(`insufficient quota to match these scopes: [${open.map(selectorText).join(' ')}]`)
  }

  return {
    name: 'ResourceQuota',
    validate(request, object) {
      if (!request.namespace || !object || request.operation === 'DELETE' || request.operation === 'CONNECT') return
      if (!request.resource.namespaced) return
      return validate(request, object, MAX_WAITS)
    },
  }
}

const NO_QUOTAS: readonly QuotaEntry[] = []

function exceeded(request: AdmissionRequest, object: Stored, { quota }: QuotaEntry, excess: Excess): StatusError {
  const [requested, used, hard] = [excess.requested, excess.used, excess.hard].map(amountsText)
  const why = `exceeded quota: ${quota.metadata.name}, requested: ${requested}, used: ${used}, limited: ${hard}`
  return refused(request, object, why)
}

const uncoveredNames = ({ resource }: AdmissionRequest, amounts: Amounts, limited: readonly LimitedResource[]) => {
  const mine = limited.filter(({ group, plural }) => group === resource.group && plural === resource.plural)
  const parts = mine.flatMap(({ matchContains = [] }) => matchContains)
  return [...amounts]
    .filter(([name, amount]) => amount.sign > 0 && parts.some((part) => name.includes(part)))
    .map(([name]) => name)
}

/** As Go prints one. */
const selectorText = ({ scopeName, operator, values = [] }: ScopeSelector) =>
  `{${scopeName} ${operator} [${values.join(' ')}]}`
