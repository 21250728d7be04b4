/** Strategies of the kinds that hold expressions, which only an API server with an evaluator can judge. */
import {
  mutatingAdmissionPolicies,
  mutatingWebhookConfigurations,
  validatingAdmissionPolicies,
  validatingWebhookConfigurations,
} from '#api/resources.ts'
import { resourceKey } from '#api/kind.ts'
import type { Strategy } from '../registry/strategy.ts'
import { strategies } from './all.ts'
import { mutatingPolicyRules, validatingPolicyRules } from './validation/admission-policies.ts'
import type { ExpressionCompiler } from './validation/check.ts'
import { validateBy } from './validation/rules.ts'
import { webhookConfigurationRules } from './validation/webhooks.ts'

/** By `group/plural`. */
export function admissionStrategies(expressions: ExpressionCompiler): readonly (readonly [string, Strategy])[] {
  return (
    [
      [mutatingAdmissionPolicies, mutatingPolicyRules],
      [validatingAdmissionPolicies, validatingPolicyRules],
      [mutatingWebhookConfigurations, webhookConfigurationRules],
      [validatingWebhookConfigurations, webhookConfigurationRules],
    ] as const
  ).map(([resource, rules]) => {
    const key = resourceKey(resource)
    return [key, { ...strategies.get(key), ...validateBy(rules, expressions) }] as const
  })
}
