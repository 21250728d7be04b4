/**
 * Policies with their bindings, those without a binding left out. Which of them a request may concern is looked up in a
 * table that is filled as resources and operations occur. Where there are none, the answer costs two comparisons.
 * Upstream: `plugin/policy/generic.PolicySource`.
 */
import type { MatchResources, ParamKind, ParamRef } from '#api/admissionregistration/v1.ts'
import type { Resource } from '#api/kind.ts'
import type { Api } from '../../api.ts'
import type { Stored } from '../../registry/strategy.ts'
import type { AdmissionRequest } from '../admission.ts'
import { failurePolicyOf, type FailurePolicy } from '../expressions/match-conditions.ts'
import { CompiledObjects } from '../matching/compiled-objects.ts'
import { isExempt } from '../matching/rules.ts'
import { CompiledMatchResources } from './match-resources.ts'

export interface CompiledBinding {
  readonly name: string
  readonly policyName: string
  readonly paramRef: ParamRef | undefined
  readonly validationActions: readonly string[]
  /** undefined: everything that the policy matches. */
  readonly resources: CompiledMatchResources | undefined
}

/** `E` is what evaluates a policy's expressions. */
export interface CompiledPolicy<E> {
  readonly name: string
  readonly paramKind: ParamKind | undefined
  readonly failurePolicy: FailurePolicy
  readonly constraints: CompiledMatchResources
  /** Compiled when first asked for. */
  readonly evaluator: E
}

export interface PolicyHook<E> {
  readonly policy: CompiledPolicy<E>
  readonly bindings: readonly CompiledBinding[]
}

export interface PolicySourceOptions<E> {
  policies: Resource
  bindings: Resource
  /** Makes the evaluator of a policy; it is kept until the policy changes. */
  compile(policy: Stored): E
}

/** Reviews are answered whatever policies say, or the cluster would break. */
const EXCLUDED_GROUPS = new Set(['authentication.k8s.io', 'authorization.k8s.io'])

export class PolicySource<E> {
  readonly #api: () => Api
  readonly #policies: CompiledObjects<CompiledPolicy<E>>
  readonly #bindings: CompiledObjects<CompiledBinding>
  #hooks: readonly PolicyHook<E>[] = []
  #byRequest = new Map<Resource, Map<string, readonly PolicyHook<E>[]>>()
  /** What the hooks were made from. */
  #made: { policies: unknown; bindings: unknown; generation: number } | undefined

  constructor(api: () => Api, { policies, bindings, compile }: PolicySourceOptions<E>) {
    this.#api = api
    this.#policies = new CompiledObjects(
      () => api().registry(policies),
      (object) => compilePolicy(object, compile),
    )
    this.#bindings = new CompiledObjects(() => api().registry(bindings), compileBinding)
  }

  /** Those that the request may concern, in the order of names. */
  candidates(request: AdmissionRequest): readonly PolicyHook<E>[] {
    const [policies, bindings] = [this.#policies.all, this.#bindings.all]
    if (policies.length === 0 || bindings.length === 0) return []
    const { requested, operation, subresource } = request
    if (isExempt(request) || EXCLUDED_GROUPS.has(requested.group)) return []
    const { generation } = this.#api().catalog
    const made = this.#made
    if (made?.policies !== policies || made.bindings !== bindings || made.generation !== generation) {
      this.#made = { policies, bindings, generation }
      this.#hooks = join(policies, bindings)
      this.#byRequest = new Map()
    }
    let known = this.#byRequest.get(requested)
    if (!known) this.#byRequest.set(requested, (known = new Map()))
    const key = `${operation}/${subresource}`
    let found = known.get(key)
    if (!found) {
      found = this.#hooks.filter(({ policy }) => policy.constraints.mayMatch(this.#api(), request))
      known.set(key, found)
    }
    return found
  }
}

function join<E>(
  policies: readonly CompiledPolicy<E>[],
  bindings: readonly CompiledBinding[],
): readonly PolicyHook<E>[] {
  const byPolicy = new Map<string, CompiledBinding[]>()
  for (const binding of bindings)
    byPolicy.set(binding.policyName, [...(byPolicy.get(binding.policyName) ?? []), binding])
  return policies.flatMap((policy) => {
    const own = byPolicy.get(policy.name)
    return own ? [{ policy, bindings: own }] : []
  })
}

function compilePolicy<E>(object: Stored, compile: (policy: Stored) => E): CompiledPolicy<E> {
  const { metadata, spec } = object
  let evaluator: { value: E } | undefined
  return {
    name: metadata.name,
    paramKind: spec.paramKind as ParamKind | undefined,
    failurePolicy: failurePolicyOf(spec),
    constraints: new CompiledMatchResources((spec.matchConstraints ?? {}) as MatchResources),
    get evaluator() {
      return (evaluator ??= { value: compile(object) }).value
    },
  }
}

function compileBinding({ metadata, spec }: Stored): CompiledBinding {
  return {
    name: metadata.name,
    policyName: spec.policyName ?? '',
    paramRef: spec.paramRef as ParamRef | undefined,
    validationActions: spec.validationActions ?? [],
    resources: spec.matchResources && new CompiledMatchResources(spec.matchResources as MatchResources),
  }
}
