/**
 * Validating admission policies: each binding says what becomes of a denial, that the request is refused, that its client
 * is warned, or that the audit log has it. Upstream: `plugin/policy/validating.dispatcher`.
 */
import { validatingAdmissionPolicies, validatingAdmissionPolicyBindings } from '#api/resources.ts'
import type { Environment } from '#cel/environment.ts'
import { statusCodes, StatusError, type StatusReason } from '#machinery/status-error.ts'
import type { Api } from '../../api.ts'
import type { Stored } from '../../registry/strategy.ts'
import type { Authorizer } from '../../user.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts'
import { RequestObjects } from '../matching/forms.ts'
import { refused } from '../refusal.ts'
import { namespaceOfRequest, policyInvocations } from './policy-invocations.ts'
import { type CompiledBinding, type CompiledPolicy, type PolicyHook, PolicySource } from './policy-source.ts'
import { type Denial, PolicyValidator } from './policy-validator.ts'

export interface PolicyOptions {
  api: () => Api
  authorizer: Authorizer
  /** The environment that all expressions start from. */
  environment: () => Environment
}

type Hook = PolicyHook<PolicyValidator>

export function validatingPolicies(options: PolicyOptions): AdmissionPlugin {
  const source = new PolicySource<PolicyValidator>(options.api, {
    policies: validatingAdmissionPolicies,
    bindings: validatingAdmissionPolicyBindings,
    compile: (policy) => new PolicyValidator(policy, options.environment()),
  })
  return {
    name: 'ValidatingAdmissionPolicy',
    validate(request, object) {
      const hooks = source.candidates(request)
      if (hooks.length > 0) return dispatch(options, hooks, request, object)
    },
  }
}

async function dispatch(
  { api, authorizer }: PolicyOptions,
  hooks: readonly Hook[],
  request: AdmissionRequest,
  object: Stored | undefined,
): Promise<void> {
  const objects = new RequestObjects(api(), request, object)
  const steps = await policyInvocations(api(), hooks, objects)
  const refusals: StatusError[] = []
  const namespace = steps.some(({ kind }) => kind === 'invoke') ? namespaceOfRequest(api(), objects) : undefined
  for (const step of steps) {
    const { policy, binding } = step
    if (step.kind === 'problem') {
      const isFatal = policy.failurePolicy === 'Fail'
      if (isFatal) refusals.push(refusal(request, object, policy, binding, { message: step.message, reason: '' }))
      continue
    }
    const { form, params } = step
    const shown = { object: objects.current(form), old: objects.old(form) }
    const input = { request, form, ...shown, namespace, authorizer, params }
    const { denials, failures } = policy.evaluator.validate(input)
    const { validationActions } = step.binding
    for (const denial of denials) {
      if (validationActions.includes('Deny')) refusals.push(refusal(request, object, policy, binding, denial))
      if (validationActions.includes('Warn')) request.warnings.push(warning(policy, step.binding, denial))
    }
    for (const failure of failures) refusals.push(refusal(request, object, policy, binding, failure))
  }
  if (refusals.length > 0) throw refusals[0]!
}

type Policy = CompiledPolicy<PolicyValidator>

const warning = ({ name }: Policy, binding: CompiledBinding, { message }: Denial): string =>
  `Validation failed for ValidatingAdmissionPolicy '${name}' with binding '${binding.name}': ${message}`

function refusal(
  request: AdmissionRequest,
  object: Stored | undefined,
  { name }: Policy,
  binding: CompiledBinding | undefined,
  { message, reason }: Denial,
): StatusError {
  const by = binding ? ` with binding '${binding.name}'` : ''
  const why = `ValidatingAdmissionPolicy '${name}'${by} denied request: ${message}`
  const error = refused(request, object, why)
  const shown = (reason || 'Invalid') as StatusReason
  const code = Object.hasOwn(ALLOWED, shown) ? statusCodes[shown] : statusCodes.Invalid
  return new StatusError(shown, error.message, { code, details: { ...error.details, causes: [{ message: why }] } })
}

/** Reasons that validations may give. */
const ALLOWED = { Forbidden: true, Unauthorized: true, RequestEntityTooLarge: true, Invalid: true }
