/**
 * Who writes a policy with parameters has to be able to read those parameters, or its messages would tell them. Upstream:
 * `authz.go` of the strategies in `pkg/registry/admissionregistration`.
 */
import type { ParamKind, ParamRef } from '#api/admissionregistration/v1.ts'
import type { Resource } from '#api/kind.ts'
import {
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
} from '#api/resources.ts'
import { jsonEqual } from '#base/equal.ts'
import { invalid } from '#machinery/status-error.ts'
import type { Api } from '../../api.ts'
import { forbiddenValue } from '../../registry/object-meta.ts'
import type { Stored } from '../../registry/strategy.ts'
import { type Authorizer, SUPERUSERS, type User } from '../../user.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts'

/** Bindings by their own resource, with that of their policies. */
const policiesOf: ReadonlyMap<Resource, Resource> = new Map<Resource, Resource>([
  [validatingAdmissionPolicyBindings, validatingAdmissionPolicies],
  [mutatingAdmissionPolicyBindings, mutatingAdmissionPolicies],
])

export function paramAccess(api: () => Api, authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'AdmissionPolicyParams',
    validate(request, object) {
      const { resource, subresource, user } = request
      if (resource.group !== 'admissionregistration.k8s.io' || !object || subresource !== '') return
      if (user.groups.includes(SUPERUSERS)) return
      if (resource === validatingAdmissionPolicies || resource === mutatingAdmissionPolicies)
        return checkPolicy(api(), authorizer, request, object)
      const policies = policiesOf.get(resource)
      if (policies) checkBinding(api(), authorizer, request, object, policies)
    },
  }
}

function checkPolicy(api: Api, authorizer: Authorizer, request: AdmissionRequest, { metadata, spec }: Stored) {
  const paramKind = spec.paramKind as ParamKind | undefined
  if (!paramKind || jsonEqual(paramKind, request.old?.spec.paramKind)) return
  const { user } = request
  const attributes = { user, verb: 'get', ...placeOf(api, paramKind), subresource: '', namespace: '*', name: '*' }
  if (authorizer.authorize(attributes).allowed) return
  const which = `(kind=${paramKind.kind}, apiVersion=${paramKind.apiVersion})`
  const why = `user ${goUser(user)} must have "get" permission on all objects of the referenced paramKind ${which}`
  throw refusal(request, metadata.name, 'spec.paramKind', why)
}

function checkBinding(
  api: Api,
  authorizer: Authorizer,
  request: AdmissionRequest,
  { metadata, spec }: Stored,
  policies: Resource,
) {
  const paramRef = spec.paramRef as ParamRef | undefined
  const { old, user } = request
  if (!paramRef) return
  if (jsonEqual(paramRef, old?.spec.paramRef) && spec.policyName === old?.spec.policyName) return
  const registry = api.registry(policies)
  const policy = registry.cache.get(registry.key(undefined, spec.policyName))?.object as Stored | undefined
  const verb = paramRef.name ? 'get' : 'list'
  const { namespace = '', name = '' } = paramRef
  const place = placeOf(api, policy?.spec.paramKind as ParamKind | undefined)
  if (authorizer.authorize({ user, verb, ...place, subresource: '', namespace, name }).allowed) return
  const whole = `user ${goUser(user)} does not have "${verb}" permission for all groups, versions and resources`
  const why = policy
    ? `user ${goUser(user)} does not have "${verb}" permission on the object referenced by paramRef`
    : `unable to get policy ${spec.policyName} to determine minimum required permissions and ${whole}`
  throw refusal(request, metadata.name, 'spec.paramRef', why)
}

/** As far as is known; everything else stands for all. */
function placeOf(api: Api, paramKind: ParamKind | undefined): { group: string; version: string; resource: string } {
  if (!paramKind) return { group: '*', version: '*', resource: '*' }
  const { apiVersion = '', kind = '' } = paramKind
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  return { group, version, resource: api.catalog.ofKind(apiVersion, kind)?.resource.plural ?? '*' }
}

const refusal = ({ resource: { group, kind } }: AdmissionRequest, name: string, field: string, why: string) =>
  invalid({ group, kind }, name, [forbiddenValue(field, why)])

/** As Go prints a user. */
function goUser({ name, uid = '', groups, extra = {} }: User): string {
  const members = Object.entries(extra).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `&{${name} ${uid} [${groups.join(' ')}] map[${members.map(([key, values]) => `${key}:[${values.join(' ')}]`).join(' ')}]}`
}
