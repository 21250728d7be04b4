/**
 * Admission that is configured through the API itself: webhooks and policies, in upstream's order. They come after all
 * plug-ins of the server's own that change objects, and before the counting of quota.
 */
import type { Resource } from '#api/kind.ts'
import { mutatingWebhookConfigurations, validatingWebhookConfigurations } from '#api/resources.ts'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { Environment } from '#cel/environment.ts'
import type { Api } from '../api.ts'
import { createAdmissionEnvironment } from '../cel/admission-environment.ts'
import type { WebhookClient } from '../outbound/webhook-client.ts'
import type { Authorizer } from '../user.ts'
import type { AdmissionPlugin } from './admission.ts'
import { mutatingPolicies } from './policy/mutating-policies.ts'
import { paramAccess } from './policy/param-access.ts'
import { validatingPolicies } from './policy/validating-policies.ts'
import { mutatingWebhooks } from './webhook/mutating-webhooks.ts'
import { validatingWebhooks } from './webhook/validating-webhooks.ts'
import type { WebhookCaller } from './webhook/webhook-call.ts'
import { noWebhookMetrics, type WebhookMetrics } from './webhook/webhook-metrics.ts'
import { WebhookSource } from './webhook/webhook-source.ts'

export interface DynamicAdmissionOptions {
  api: () => Api
  client: WebhookClient
  authorizer: Authorizer
  /** The environment that all expressions start from. */
  environment: () => Environment
  webhookMetrics?: WebhookMetrics | undefined
  clock: Clock
  random: Random
  log: Log
}

export function dynamicAdmission(options: DynamicAdmissionOptions): readonly AdmissionPlugin[] {
  const { api, client, authorizer, clock, random, log, environment, webhookMetrics = noWebhookMetrics } = options
  let conditions: Environment | undefined
  const conditionEnvironment = () =>
    (conditions ??= createAdmissionEnvironment(environment(), { hasParams: false, hasAuthorizer: true }))
  const sourceOf = (configurations: Resource) =>
    new WebhookSource(api, configurations, authorizer, conditionEnvironment)
  const caller: WebhookCaller = { client, random, log, metrics: webhookMetrics, monotonic: () => clock.monotonic() }
  const policies = { api, authorizer, environment }
  return [
    mutatingPolicies(policies),
    mutatingWebhooks(api, sourceOf(mutatingWebhookConfigurations), caller),
    paramAccess(api, authorizer),
    validatingPolicies(policies),
    validatingWebhooks(api, sourceOf(validatingWebhookConfigurations), caller),
  ]
}
