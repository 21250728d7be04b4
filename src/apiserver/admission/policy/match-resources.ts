/**
 * Which requests a policy or its binding is about, by rules and selectors. Upstream: `plugin/policy/matching.Matcher`.
 */
import type { MatchResources, NamedRuleWithOperations } from '#api/admissionregistration/v1.ts'
import type { Resource } from '#api/kind.ts'
import type { LabelSelectorObject } from '#machinery/labels.ts'
import { isStatus } from '#machinery/status-error.ts'
import type { Api } from '../../api.ts'
import type { Stored } from '../../registry/strategy.ts'
import type { AdmissionRequest } from '../admission.ts'
import { otherForms } from '../matching/forms.ts'
import { ruleMatches } from '../matching/rules.ts'
import { type CompiledSelector, compileSelector, namespaceMatches, objectMatches } from '../matching/selectors.ts'

export class CompiledMatchResources {
  readonly #rules: readonly NamedRuleWithOperations[]
  readonly #excluded: readonly NamedRuleWithOperations[]
  readonly #isExact: boolean
  readonly #namespaceSelector: CompiledSelector
  readonly #objectSelector: CompiledSelector

  constructor(resources: MatchResources) {
    this.#rules = resources.resourceRules ?? []
    this.#excluded = resources.excludeResourceRules ?? []
    this.#isExact = resources.matchPolicy === 'Exact'
    this.#namespaceSelector = compileSelector(resources.namespaceSelector as LabelSelectorObject | undefined)
    this.#objectSelector = compileSelector(resources.objectSelector as LabelSelectorObject | undefined)
  }

  /** False where no request for this resource and operation can match, whatever its object. */
  mayMatch(api: Api, { requested, operation, subresource, ...request }: AdmissionRequest): boolean {
    if (this.#rules.length === 0) return true
    const forms = this.#isExact ? [] : otherForms(api, { requested, operation, subresource, ...request })
    return this.#rules.some((rule) =>
      [requested, ...forms].some((form) => ruleMatches(rule, { form, subresource, operation })),
    )
  }

  /**
   * The form of the resource in which the request matches; undefined where it does not. Throws NotFound for a namespace
   * that is gone, InternalError for a selector that is none.
   */
  match(api: Api, request: AdmissionRequest, object: Stored | undefined): Resource | undefined {
    if (this.#formOf(this.#excluded, api, request)) return undefined
    const form = this.#rules.length === 0 ? request.requested : this.#formOf(this.#rules, api, request)
    if (!form) return undefined
    const byNamespace = outcome(() => namespaceMatches(api, this.#namespaceSelector, request, object))
    if (byNamespace === false) return undefined
    const byObject = outcome(() => objectMatches(this.#objectSelector, object, request.old))
    if (byObject === false) return undefined
    // What is wrong with a selector concerns those only whom everything else selects.
    for (const found of [byNamespace, byObject]) if (found !== true) throw found
    return form
  }

  #formOf(rules: readonly NamedRuleWithOperations[], api: Api, request: AdmissionRequest): Resource | undefined {
    if (rules.length === 0) return undefined
    const { requested, operation, subresource, name } = request
    const matches = (rule: NamedRuleWithOperations, form: Resource) =>
      ruleMatches(rule, { form, subresource, operation }) &&
      ((rule.resourceNames ?? []).length === 0 || rule.resourceNames!.includes(name))
    if (rules.some((rule) => matches(rule, requested))) return requested
    if (this.#isExact) return undefined
    const forms = otherForms(api, request)
    for (const rule of rules) for (const form of forms) if (matches(rule, form)) return form
    return undefined
  }
}

/** What a selector says, or the error by which it says nothing. */
function outcome(ask: () => boolean): boolean | Error {
  try {
    return ask()
  } catch (err) {
    if (isStatus(err, 'NotFound', 'InternalError')) return err
    throw err
  }
}
