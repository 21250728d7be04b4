/**
 * What of the policies applies to a request: every pair of policy and binding that matches, once for each parameter.
 * What is wrong with their configuration is an error of the policy, which its failure policy decides upon. Upstream:
 * `plugin/policy/generic.PolicyDispatcher`.
 */
import type { KubeObject, Resource } from '#api/kind.ts'
import { StatusError } from '#machinery/status-error.ts'
import type { Api } from '../../api.ts'
import type { Stored } from '../../registry/strategy.ts'
import type { RequestObjects } from '../matching/forms.ts'
import { isAboutNamespace } from '../matching/rules.ts'
import { namespaceOf } from '../matching/selectors.ts'
import { collectParams, ConfigurationError, paramEntry } from './policy-params.ts'
import type { CompiledBinding, CompiledPolicy, PolicyHook } from './policy-source.ts'

export interface PolicyInvocation<E> {
  readonly policy: CompiledPolicy<E>
  readonly binding: CompiledBinding
  /** The form in which the policy wants to see the object; the objects are prepared for it. */
  readonly form: Resource
  readonly params: Stored | undefined
}

export interface PolicyProblem<E> {
  readonly policy: CompiledPolicy<E>
  readonly binding: CompiledBinding | undefined
  readonly message: string
}

export type PolicyStep<E> =
  | ({ readonly kind: 'invoke' } & PolicyInvocation<E>)
  | ({ readonly kind: 'problem' } & PolicyProblem<E>)

/** In the order of policies, bindings and parameters. */
export async function policyInvocations<E>(
  api: Api,
  hooks: readonly PolicyHook<E>[],
  objects: RequestObjects,
): Promise<readonly PolicyStep<E>[]> {
  const steps: PolicyStep<E>[] = []
  const { request, native } = objects
  for (const { policy, bindings } of hooks) {
    let form: Resource | undefined
    try {
      form = policy.constraints.match(api, request, native)
      if (form && policy.paramKind) paramEntry(api, policy.paramKind)
    } catch (err) {
      const message = `failed to configure policy: ${configuration(err)}`
      steps.push({ kind: 'problem', policy, binding: undefined, message })
      continue
    }
    if (!form) continue
    for (const binding of bindings) {
      try {
        if (binding.resources && !binding.resources.match(api, request, native)) continue
        const params = await collectParams(api, policy.paramKind, binding.paramRef, request.namespace)
        await objects.prepare(form)
        for (const one of params) steps.push({ kind: 'invoke', policy, binding, form, params: one })
      } catch (err) {
        steps.push({ kind: 'problem', policy, binding, message: `failed to configure binding: ${configuration(err)}` })
      }
    }
  }
  return steps
}

/** The text of what is wrong with a configuration; whatever else it is, it is not swallowed. */
function configuration(err: unknown): string {
  if (err instanceof ConfigurationError || err instanceof StatusError) return err.message
  throw err
}

/** What expressions see in `namespaceObject`. A namespace is not shown to be in itself. Throws NotFound. */
export function namespaceOfRequest(api: Api, { request }: RequestObjects): KubeObject | undefined {
  if (request.namespace === '' || isAboutNamespace(request)) return undefined
  return namespaceOf(api, request.namespace)
}
