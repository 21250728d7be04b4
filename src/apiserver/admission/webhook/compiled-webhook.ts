/** The webhooks of one configuration object, made ready to be matched. Upstream: `plugin/webhook.WebhookAccessor`. */
import type { MutatingWebhook, ValidatingWebhook } from '#api/admissionregistration/v1.ts'
import type { Environment } from '#cel/environment.ts'
import type { Stored } from '../../registry/strategy.ts'
import { failurePolicyOf, MatchConditions } from '../expressions/match-conditions.ts'
import { type CompiledSelector, compileSelector } from '../matching/selectors.ts'

/** Mutating webhooks have a reinvocationPolicy besides. */
export type Webhook = ValidatingWebhook & Partial<Pick<MutatingWebhook, 'reinvocationPolicy'>>

export interface CompiledWebhook {
  readonly configuration: string
  /** Unique among all webhooks of its sort. */
  readonly uid: string
  readonly webhook: Webhook
  readonly ignoresFailures: boolean
  readonly timeoutMs: number
  readonly namespaceSelector: CompiledSelector
  readonly objectSelector: CompiledSelector
  readonly conditions: MatchConditions
}

const DEFAULT_TIMEOUT_SECONDS = 10

export function compileWebhooks(configuration: Stored, environment: () => Environment): CompiledWebhook[] {
  const { name } = configuration.metadata
  const seen = new Map<string, number>()
  return ((configuration.webhooks ?? []) as Webhook[]).map((webhook) => {
    const before = seen.get(webhook.name) ?? 0
    seen.set(webhook.name, before + 1)
    const failurePolicy = failurePolicyOf(webhook)
    return {
      configuration: name,
      uid: `${name}/${webhook.name}/${before}`,
      webhook,
      ignoresFailures: failurePolicy === 'Ignore',
      timeoutMs: (webhook.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000,
      namespaceSelector: compileSelector(webhook.namespaceSelector),
      objectSelector: compileSelector(webhook.objectSelector),
      conditions: new MatchConditions(webhook.matchConditions ?? [], failurePolicy, environment),
    }
  })
}
