/**
 * Nobody hands out what they do not have: who writes a role must hold all of its rules, or may `escalate`; who binds one
 * must hold all of its rules, or may `bind` it. Checked after all changes by admission, whichever way the object is
 * written. Upstream: the `policybased` storages of `pkg/registry/rbac`.
 */
import { jsonEqual } from '#base/equal.ts'
import type { ClusterRole, ClusterRoleBinding, PolicyRule, RoleBinding, RoleRef } from '#api/rbac/v1.ts'
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from '#api/resources.ts'
import { forbidden, notFound } from '#machinery/status-error.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../admission/admission.ts'
import type { Draft, Stored } from '../registry/strategy.ts'
import { SUPERUSERS, type User } from '../user.ts'
import type { ClusterAuthorizer } from './authorizer.ts'
import { allow, allowUrls } from './policy/rule.ts'
import { aggregated } from './rbac-authorizer.ts'
import { compacted, quoted, ruleText, uncovered } from './rule-coverage.ts'

const everything: readonly PolicyRule[] = [allow('*', '*', '*'), allowUrls('*', '*')]

/** The last of the plug-ins that may change an object; it changes none. */
export function escalationCheck(authorizer: ClusterAuthorizer): AdmissionPlugin {
  return {
    name: 'RoleEscalationCheck',
    admit(request, object) {
      const { resource, subresource, user, old } = request
      const isRole = resource === roles || resource === clusterRoles
      if (!isRole && resource !== roleBindings && resource !== clusterRoleBindings) return
      if (subresource !== '' || user.groups.includes(SUPERUSERS)) return
      if (isRole) checkRole(authorizer, request, object as unknown as ClusterRole)
      else if (!old || !changesOnlyBookkeeping(object, old))
        checkBinding(authorizer, request, object as unknown as RoleBinding)
    },
  }
}

function checkRole(authorizer: ClusterAuthorizer, request: AdmissionRequest, role: ClusterRole) {
  const { resource, user, namespace, operation, old } = request
  // Who creates something has not named it to those who decide.
  const name = operation === 'CREATE' ? '' : request.name
  if (may(authorizer, user, 'escalate', resource.plural, namespace, name)) return
  if (old && changesOnlyBookkeeping(role as unknown as Draft, old)) return
  const refuse = (why: string) => forbidden(resource, role.metadata.name ?? '', why)
  const problem = notHeld(authorizer, user, namespace, role.rules ?? [])
  if (problem) throw refuse(problem)
  // What is aggregated may be anything, and can't be taken back by who writes the role.
  const isAggregated = (some: { aggregationRule?: ClusterRole['aggregationRule'] } | undefined) =>
    (some?.aggregationRule?.clusterRoleSelectors?.length ?? 0) > 0
  if (resource !== clusterRoles || (!isAggregated(role) && !isAggregated(old as ClusterRole | undefined))) return
  if (notHeld(authorizer, user, '', everything))
    throw refuse('must have cluster-admin privileges to use the aggregationRule')
}

function checkBinding(
  authorizer: ClusterAuthorizer,
  { resource, user, namespace }: AdmissionRequest,
  { metadata, roleRef }: RoleBinding | ClusterRoleBinding,
) {
  const referred = referredResource(roleRef)
  // Validation refuses it.
  if (!referred || !roleRef.name) return
  if (may(authorizer, user, 'bind', referred.plural, namespace, roleRef.name)) return
  const rules = authorizer.grants.rulesOf(roleRef, namespace)
  if (!rules) throw notFound(resource, roleRef.name)
  const problem = notHeld(authorizer, user, namespace, rules)
  if (problem) throw forbidden(resource, metadata.name ?? '', problem)
}

const referredResource = ({ apiGroup, kind }: RoleRef) =>
  apiGroup !== clusterRoles.group ? undefined : { ClusterRole: clusterRoles, Role: roles }[kind]

function may(
  authorizer: ClusterAuthorizer,
  user: User,
  verb: 'bind' | 'escalate',
  resource: string,
  namespace: string,
  name: string,
): boolean {
  const about = { user, verb, group: clusterRoles.group, version: '*', resource, subresource: '', namespace, name }
  return authorizer.authorize(about).allowed
}

/** What `user` does not hold of `wanted` in `namespace`, in words; undefined where nothing is missing. */
function notHeld(
  { rbac }: ClusterAuthorizer,
  user: User,
  namespace: string,
  wanted: readonly PolicyRule[],
): string | undefined {
  const { rules, errors } = rbac.policyRulesFor(user, namespace)
  const missing = uncovered(rules, wanted)
  if (missing.length === 0) return undefined
  const texts = [...new Set(compacted(missing).map(ruleText))].sort()
  const who = `user ${JSON.stringify(user.name)} (groups=${quoted(user.groups)})`
  const text = `${who} is attempting to grant RBAC permissions not currently held:\n${texts.join('\n')}`
  return errors.length > 0 ? `${text}; resolution errors: [${aggregated(errors)}]` : text
}

/** Such changes are the garbage collector's, which grants nothing by them. */
function changesOnlyBookkeeping(object: Draft, old: Stored): boolean {
  const rest = ({
    metadata: { ownerReferences: _o, finalizers: _f, managedFields: _m, ...metadata },
    ...content
  }: Stored) => ({
    ...content,
    metadata: { ...metadata, resourceVersion: metadata.resourceVersion || old.metadata.resourceVersion },
  })
  return jsonEqual(rest(object), rest(old))
}
