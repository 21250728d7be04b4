/**
 * Which webhooks are to be asked about a request. By their rules they are looked up in a table that is filled as
 * resources and operations occur; what depends on the object itself is decided each time. Where nothing is configured,
 * the answer costs one comparison. Upstream: `plugin/webhook/generic`.
 */
import type { Resource } from '#api/kind.ts'
import type { Environment } from '#cel/environment.ts'
import { forbidden } from '#machinery/status-error.ts'
import type { Api } from '../../api.ts'
import type { Authorizer } from '../../user.ts'
import type { AdmissionRequest } from '../admission.ts'
import { CompiledObjects } from '../matching/compiled-objects.ts'
import { otherForms, type RequestObjects } from '../matching/forms.ts'
import { isExempt, type Rule, ruleMatches } from '../matching/rules.ts'
import { namespaceMatches, objectMatches } from '../matching/selectors.ts'
import { type CompiledWebhook, compileWebhooks } from './compiled-webhook.ts'

/** A webhook with the form of the resource in which it wants to see the object. */
export interface Invocation {
  readonly hook: CompiledWebhook
  readonly form: Resource
  /** Place of the webhook among all. */
  readonly index: number
}

const NONE: readonly Invocation[] = []

export class WebhookSource {
  readonly #api: () => Api
  readonly #authorizer: Authorizer
  readonly #configurations: CompiledObjects<CompiledWebhook[]>
  #byRequest = new Map<Resource, Map<string, readonly Invocation[]>>()
  /** What the table was made from. */
  #made: { configurations: readonly CompiledWebhook[][]; generation: number } | undefined

  /** `configurations` is the resource of the configuration objects. */
  constructor(api: () => Api, configurations: Resource, authorizer: Authorizer, environment: () => Environment) {
    this.#api = api
    this.#authorizer = authorizer
    this.#configurations = new CompiledObjects(
      () => api().registry(configurations),
      (object) => compileWebhooks(object, environment),
    )
  }

  /** Those whose rules match. */
  candidates(request: AdmissionRequest): readonly Invocation[] {
    const configurations = this.#configurations.all
    if (configurations.length === 0 || isExempt(request)) return NONE
    const { generation } = this.#api().catalog
    if (this.#made?.configurations !== configurations || this.#made.generation !== generation) {
      this.#made = { configurations: configurations as CompiledWebhook[][], generation }
      this.#byRequest = new Map()
    }
    const { requested, operation, subresource } = request
    let known = this.#byRequest.get(requested)
    if (!known) this.#byRequest.set(requested, (known = new Map()))
    const key = `${operation}/${subresource}`
    let found = known.get(key)
    if (!found) known.set(key, (found = this.#match(configurations.flat(), request)))
    return found
  }

  #match(hooks: readonly CompiledWebhook[], request: AdmissionRequest): readonly Invocation[] {
    const { requested, operation, subresource } = request
    const matches = (rule: Rule, form: Resource) => ruleMatches(rule, { form, subresource, operation })
    const found: Invocation[] = []
    let others: Resource[] | undefined
    hooks.forEach((hook, index) => {
      const { rules = [], matchPolicy } = hook.webhook
      if (rules.some((rule) => matches(rule, requested))) found.push({ hook, form: requested, index })
      else if (matchPolicy !== 'Exact') {
        others ??= otherForms(this.#api(), request)
        const pairs = rules.flatMap((rule) => others!.map((form) => ({ rule, form })))
        const pair = pairs.find(({ rule, form }) => matches(rule, form))
        if (pair) found.push({ hook, form: pair.form, index })
      }
    })
    return found.length > 0 ? found : NONE
  }

  /**
   * Whether a candidate is to be asked, given the objects as they are now, which are prepared for its form. Throws
   * Forbidden where its conditions fail, NotFound where the namespace is gone.
   */
  shouldAsk({ hook, form }: Invocation, objects: RequestObjects): boolean {
    const api = this.#api()
    const { request, native } = objects
    if (!namespaceMatches(api, hook.namespaceSelector, request, native)) return false
    if (!objectMatches(hook.objectSelector, native, request.old)) return false
    if (hook.conditions.isEmpty) return true
    const { matches, error } = hook.conditions.evaluate({
      request,
      form,
      object: objects.current(form),
      old: objects.old(form),
      namespace: undefined,
      authorizer: this.#authorizer,
    })
    if (error !== undefined) throw forbidden(request.requested, request.name, error)
    return matches === true
  }
}
