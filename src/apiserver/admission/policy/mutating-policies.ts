/**
 * Mutating admission policies: each pair of policy and binding changes the object in turn. Where something changes the
 * object after a policy has, the policy runs once more if it wishes so. Upstream: `plugin/policy/mutating.dispatcher`.
 */
import type { Mutation } from '#api/admissionregistration/v1.ts'
import { mutatingAdmissionPolicies, mutatingAdmissionPolicyBindings } from '#api/resources.ts'
import { jsonEqual } from '#base/equal.ts'
import { copyJson } from '#base/json.ts'
import type { Environment } from '#cel/environment.ts'
import { StatusError, type StatusReason } from '#machinery/status-error.ts'
import type { Draft, Stored } from '../../registry/strategy.ts'
import { type AdmissionPlugin, type AdmissionRequest, AdmissionRounds } from '../admission.ts'
import { failurePolicyOf, type MatchConditions } from '../expressions/match-conditions.ts'
import { RequestObjects } from '../matching/forms.ts'
import { refused } from '../refusal.ts'
import { PolicyExpressions, type PolicyInput } from './policy-expressions.ts'
import { namespaceOfRequest, policyInvocations, type PolicyInvocation } from './policy-invocations.ts'
import { completeMutated, MutationError, PolicyMutation } from './policy-mutation.ts'
import { type CompiledBinding, type CompiledPolicy, type PolicyHook, PolicySource } from './policy-source.ts'
import type { PolicyOptions } from './validating-policies.ts'

const NAME = 'MutatingAdmissionPolicy'

/** A policy's expressions, ready to be evaluated. */
interface Mutator {
  readonly expressions: PolicyExpressions
  readonly conditions: MatchConditions
  readonly mutations: readonly PolicyMutation[]
  readonly isReinvocable: boolean
}

function compileMutator({ spec }: Stored, base: Environment): Mutator {
  const hasParams = spec.paramKind !== undefined
  const expressions = new PolicyExpressions({ base, hasParams, variables: spec.variables ?? [] })
  const failurePolicy = failurePolicyOf(spec)
  return {
    expressions,
    conditions: expressions.conditions(spec.matchConditions ?? [], failurePolicy),
    mutations: ((spec.mutations ?? []) as Mutation[]).map((mutation) => new PolicyMutation(mutation, expressions)),
    isReinvocable: spec.reinvocationPolicy === 'IfNeeded',
  }
}

/** What is remembered from the first round of a request for the second: pairs of policy and binding with parameters. */
interface Notes {
  /** Those that have run, wish to run again, and have seen the newest change. */
  run: Set<string>
  /** Those of them that a change has come after. */
  again: Set<string>
  /** The object as the last of them left it. */
  left: unknown
}

type Invocation = PolicyInvocation<Mutator>

export function mutatingPolicies(options: PolicyOptions): AdmissionPlugin {
  const source = new PolicySource<Mutator>(options.api, {
    policies: mutatingAdmissionPolicies,
    bindings: mutatingAdmissionPolicyBindings,
    compile: (policy) => compileMutator(policy, options.environment()),
  })
  return {
    name: NAME,
    admit(request, object) {
      const hooks = source.candidates(request)
      if (hooks.length > 0) return dispatch(options, hooks, request, object)
    },
  }
}

async function dispatch(
  options: PolicyOptions,
  hooks: readonly PolicyHook<Mutator>[],
  request: AdmissionRequest,
  object: Draft,
): Promise<void> {
  const api = options.api()
  const objects = new RequestObjects(api, request, object)
  const steps = await policyInvocations(api, hooks, objects)
  const refusals: Refusal[] = []
  for (const step of steps) {
    const isFatal = step.policy.failurePolicy === 'Fail'
    if (step.kind === 'problem' && isFatal) refusals.push({ ...step, reason: '' })
  }
  const invocations = steps.filter((step) => step.kind === 'invoke')
  if (invocations.length > 0) {
    const failed = await mutate(options, invocations, objects)
    refusals.push(...failed.filter(({ policy }) => policy.failurePolicy === 'Fail'))
  }
  if (refusals.length > 0) throw refusalError(request, object, refusals)
}

interface Refusal {
  readonly policy: CompiledPolicy<Mutator>
  readonly binding: CompiledBinding | undefined
  readonly message: string
  readonly reason: StatusReason | ''
}

async function mutate(
  { api, authorizer }: PolicyOptions,
  invocations: readonly Invocation[],
  objects: RequestObjects,
): Promise<Refusal[]> {
  const { request } = objects
  const rounds = (request.rounds ??= new AdmissionRounds())
  let notes = rounds.notes.get(NAME) as Notes | undefined
  if (!notes) rounds.notes.set(NAME, (notes = { run: new Set(), again: new Set(), left: undefined }))
  // Plug-ins of the server itself, or webhooks, have changed something since.
  if (rounds.isSecond && !jsonEqual(notes.left, objects.native)) runAgain(notes)
  const namespace = namespaceOfRequest(api(), objects)
  const failed: Refusal[] = []
  try {
    for (const { policy, binding, form, params } of invocations) {
      const fail = (message: string) => void failed.push({ policy, binding, message, reason: 'Invalid' })
      const { expressions, conditions, mutations, isReinvocable } = policy.evaluator
      const input = async (): Promise<PolicyInput> => {
        await objects.prepare(form)
        return { request, form, object: objects.current(form), old: objects.old(form), namespace, authorizer, params }
      }
      const first = { ...(await input()), namespace: undefined }
      const { matches, error } = conditions.evaluate(first, (evaluation) => expressions.bindings(first, evaluation))
      if (error !== undefined) fail(error)
      if (!matches) continue
      const { namespace: within = '', name: paramName = '' } = params?.metadata ?? {}
      const key = `${policy.name}/${binding.name}/${within}/${paramName}`
      // Nothing runs for the first time in the second round.
      if (rounds.isSecond && !notes.again.has(key)) continue
      const before = copyJson(objects.native!)
      for (const mutation of mutations) {
        try {
          const { object, isStrict } = mutation.apply(api(), await input())
          await objects.replace(form, object, completeMutated(isStrict))
        } catch (err) {
          if (!(err instanceof MutationError)) throw err
          fail(err.message)
        }
      }
      if (!jsonEqual(before, objects.native)) {
        runAgain(notes)
        rounds.wantsSecond = true
      }
      if (isReinvocable) notes.run.add(key)
    }
  } finally {
    notes.left = notes.run.size > 0 || notes.again.size > 0 ? copyJson(objects.native) : undefined
  }
  return failed
}

function runAgain(notes: Notes) {
  for (const key of notes.run) notes.again.add(key)
  notes.run.clear()
}

/** The first refusal gives the message; the code is that of Forbidden, whatever the reason. */
function refusalError(request: AdmissionRequest, object: Draft, refusals: readonly Refusal[]): StatusError {
  const texts = refusals.map(({ policy, binding, message }) =>
    binding
      ? `policy '${policy.name}' with binding '${binding.name}' denied request: ${message}`
      : `policy ${JSON.stringify(policy.name)} denied request: ${message}`,
  )
  const { code, details } = refused(request, object, 'admission request denied by policy')
  const reason = refusals[0]!.reason || 'Forbidden'
  return new StatusError(reason, texts[0]!, {
    code,
    details: { ...details, causes: texts.map((message) => ({ message })) },
  })
}
