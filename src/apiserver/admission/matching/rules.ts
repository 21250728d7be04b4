/**
 * Rules of webhooks and policies: which resources and operations they are about. Upstream:
 * `admission/plugin/webhook/predicates/rules`.
 */
import type { Resource } from '#api/kind.ts'
import { namespaces } from '#api/resources.ts'
import type { AdmissionRequest, Operation } from '../admission.ts'

/** RuleWithOperations of admissionregistration.k8s.io/v1. */
export interface Rule {
  operations?: readonly string[]
  apiGroups?: readonly string[]
  apiVersions?: readonly string[]
  resources?: readonly string[]
  scope?: string
}

/** What a rule is compared with. */
export interface RuleTarget {
  readonly form: Pick<Resource, 'group' | 'version' | 'plural' | 'namespaced'>
  readonly subresource: string
  readonly operation: Operation
}

export function ruleMatches(rule: Rule, { form, subresource, operation }: RuleTarget): boolean {
  return (
    scopeMatches(rule.scope, form) &&
    includes(rule.operations, operation) &&
    includes(rule.apiGroups, form.group) &&
    includes(rule.apiVersions, form.version) &&
    (rule.resources ?? []).some((pattern) => resourceMatches(pattern, form.plural, subresource))
  )
}

const includes = (list: readonly string[] = [], wanted: string) => list.includes('*') || list.includes(wanted)

function scopeMatches(scope: string | undefined, { namespaced }: RuleTarget['form']): boolean {
  if (scope === undefined || scope === '*') return true
  return scope === 'Namespaced' ? namespaced : scope === 'Cluster' && !namespaced
}

function resourceMatches(pattern: string, plural: string, subresource: string): boolean {
  const slash = pattern.indexOf('/')
  const resource = slash < 0 ? pattern : pattern.slice(0, slash)
  const sub = slash < 0 ? '' : pattern.slice(slash + 1)
  return (resource === '*' || resource === plural) && (sub === '*' || sub === subresource)
}

const EXEMPT = new Set([
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
])

/** What configures admission is not subject to it, or nobody could ever mend a configuration that refuses everything. */
export const isExempt = ({ requested: { group, kind } }: AdmissionRequest): boolean =>
  group === 'admissionregistration.k8s.io' && EXEMPT.has(kind)

/** Whether the request is about a namespace itself, whose own labels count. */
export const isAboutNamespace = ({ resource }: AdmissionRequest): boolean => resource === namespaces
