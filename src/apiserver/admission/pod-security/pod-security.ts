/**
 * Pod security: what a namespace's labels do not allow is refused in pods, and warned of in whatever makes pods. Upstream:
 * `plugin/pkg/admission/security/podsecurity` and `pod-security-admission/admission`.
 */
import type { Namespace } from '#api/core/v1/namespace.ts'
import type { Pod, PodTemplateSpec } from '#api/core/v1/pod.ts'
import type { Resource } from '#api/kind.ts'
import {
  cronJobs,
  daemonSets,
  deployments,
  jobs,
  namespaces,
  pods,
  podTemplates,
  replicaSets,
  replicationControllers,
  statefulSets,
} from '#api/resources.ts'
import { invalid } from '#machinery/status-error.ts'
import type { Api } from '../../api.ts'
import type { Stored } from '../../registry/strategy.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts'
import { cachedObject, cachedObjects } from '../lookup.ts'
import { refused } from '../refusal.ts'
import { namespaceWarnings } from './namespace-warnings.ts'
import type { AnyContainer, Checkable } from './pod-check.ts'
import { isSet, isStricter, MODES, type Policy, policyOf, policyText, PRIVILEGED, samePolicy } from './policy.ts'
import { detailsOf, violationsOf } from './profiles.ts'

/** Upstream: `PodSecurityConfiguration`. */
export interface PodSecurityOptions {
  /** For what a namespace's labels do not say. Default: everything is allowed. */
  defaults?: Policy
  exemptions?: {
    usernames?: readonly string[]
    namespaces?: readonly string[]
    runtimeClasses?: readonly string[]
  }
}

type Template = PodTemplateSpec | undefined

/** Where the pods are described that objects of a resource lead to. */
const templates: ReadonlyMap<Resource, (object: Stored) => Template> = new Map<Resource, (object: Stored) => Template>([
  [podTemplates, (object) => object.template],
  ...[daemonSets, deployments, jobs, replicaSets, replicationControllers, statefulSets].map(
    (resource: Resource) => [resource, (object: Stored) => object.spec.template] as const,
  ),
  [cronJobs, (object) => object.spec.jobTemplate.spec.template],
])

/** They do not change what runs. */
const HARMLESS_SUBRESOURCES = new Set(['binding', 'eviction', 'status'])

export function podSecurity(api: () => Api, options: PodSecurityOptions = {}): AdmissionPlugin {
  const { defaults = PRIVILEGED, exemptions = {} } = options
  const policyOfNamespace = (name: string): Policy | undefined => {
    const namespace = cachedObject(api(), namespaces, undefined, name)
    return namespace && policyOf(namespace.metadata.labels, defaults).policy
  }
  const isExempt = ({ namespace, user }: AdmissionRequest) =>
    exemptions.namespaces?.includes(namespace) || exemptions.usernames?.includes(user.name)
  const runsExempt = ({ spec }: Checkable) =>
    Boolean(spec.runtimeClassName && exemptions.runtimeClasses?.includes(spec.runtimeClassName))

  const warn = (request: AdmissionRequest, policy: Policy, pod: Checkable) => {
    const violations = violationsOf(policy.warn, pod)
    if (violations.length === 0) return
    request.warnings.push(`would violate PodSecurity "${policyText(policy.warn)}": ${detailsOf(violations)}`)
  }

  const validatePod = (request: AdmissionRequest, pod: Stored & Pod) => {
    if (HARMLESS_SUBRESOURCES.has(request.subresource)) return
    const policy = policyOfNamespace(request.namespace)
    if (!policy || (isPrivileged(policy, 'enforce') && isPrivileged(policy, 'warn'))) return
    if (isExempt(request) || runsExempt(pod)) return
    if (request.operation === 'UPDATE' && !isSignificant(pod, request.old as unknown as Pod)) return
    const violations = violationsOf(policy.enforce, pod)
    if (violations.length > 0) {
      const why = `violates PodSecurity "${policyText(policy.enforce)}": ${detailsOf(violations)}`
      throw refused(request, pod, why)
    }
    warn(request, policy, pod)
  }

  const validateTemplate = (request: AdmissionRequest, template: Template) => {
    if (request.subresource !== '' || !template) return
    const policy = policyOfNamespace(request.namespace)
    if (!policy || isPrivileged(policy, 'warn') || isExempt(request) || runsExempt(template)) return
    warn(request, policy, template)
  }

  const validateNamespace = (request: AdmissionRequest, namespace: Namespace) => {
    const { operation, old, subresource } = request
    if (subresource !== '') return
    const { name, labels = {} } = namespace.metadata
    const { policy, errors } = policyOf(labels, defaults)
    const was = old && policyOf(old.metadata.labels, defaults)
    const isNew = JSON.stringify(errors) !== JSON.stringify(was?.errors)
    if (errors.length > 0 && isNew) throw invalid({ group: '', kind: 'Namespace' }, name, errors)
    const isExemptNamespace = exemptions.namespaces?.includes(name) === true
    if (operation === 'UPDATE') {
      const { enforce } = policy
      const before = was!.policy.enforce
      if (samePolicy(enforce, before) || enforce.level === 'privileged') return
      if (enforce.version === before.version && !isStricter(enforce.level, before.level)) return
      if (!isExemptNamespace) {
        const present = cachedObjects(api(), pods, name).filter((pod) => !runsExempt(pod))
        return void request.warnings.push(...namespaceWarnings(name, enforce, present))
      }
    }
    const warning = isExemptNamespace && exemptionWarning(name, labels, policy, defaults)
    if (warning) request.warnings.push(warning)
  }

  return {
    name: 'PodSecurity',
    validate(request, object) {
      const { resource, operation } = request
      if (!object || (operation !== 'CREATE' && operation !== 'UPDATE')) return
      if (resource === pods) return validatePod(request, object as unknown as Stored & Pod)
      if (resource === namespaces) return validateNamespace(request, object as unknown as Namespace)
      const templateOf = templates.get(resource)
      if (templateOf) validateTemplate(request, templateOf(object))
    },
  }
}

const isPrivileged = (policy: Policy, mode: keyof Policy) => policy[mode].level === 'privileged'

/** Of an existing pod only images can change, and ephemeral containers be added. */
function isSignificant({ spec }: Pod, { spec: was }: Pod): boolean {
  const { containers, initContainers = [], ephemeralContainers = [] } = spec
  const before = was.initContainers ?? []
  if (containers.length !== was.containers.length || initContainers.length !== before.length) return true
  const hasNewImage = (container: AnyContainer, i: number, list: readonly AnyContainer[]) =>
    container.image !== list[i]?.image
  if (containers.some((container, i) => hasNewImage(container, i, was.containers))) return true
  if (initContainers.some((container, i) => hasNewImage(container, i, before))) return true
  return ephemeralContainers.some(
    (container) => was.ephemeralContainers?.find(({ name }) => name === container.name)?.image !== container.image,
  )
}

/** Who labels an exempt namespace may think that it has an effect. */
function exemptionWarning(
  name: string,
  labels: Record<string, string>,
  policy: Policy,
  defaults: Policy,
): string | undefined {
  if (MODES.every((mode) => isPrivileged(policy, mode))) return undefined
  const isDefault = (mode: keyof Policy) =>
    samePolicy(policy[mode], defaults[mode]) || (isPrivileged(policy, mode) && isPrivileged(defaults, mode))
  if (MODES.every(isDefault)) return undefined
  const asked = MODES.filter((mode) => !isPrivileged(policy, mode) && isSet(labels, mode))
  const text = asked.map((mode) => `${mode}=${policyText(policy[mode])}`).join(', ')
  return `namespace ${JSON.stringify(name)} is exempt from Pod Security, and the policy (${text}) will be ignored`
}
