/** Roles and their bindings. Upstream: `pkg/apis/rbac/validation`. */
import { jsonEqual } from '#base/equal.ts'
import { dnsSubdomain, pathSegment } from '#machinery/names.ts'
import type { Stored } from '../../registry/strategy.ts'
import { type Check, each, fields, first, type Path, type Problems, required, ROOT, strictlyNamed } from './check.ts'
import type { Rules } from './rules.ts'
import { labelSelector } from './selectors.ts'

const GROUP = 'rbac.authorization.k8s.io'

interface PolicyRule {
  verbs?: string[]
  apiGroups?: string[]
  resources?: string[]
  resourceNames?: string[]
  nonResourceURLs?: string[]
}

const policyRule =
  (isNamespaced: boolean): Check =>
  ({ verbs, apiGroups, resources, resourceNames, nonResourceURLs: urls }: PolicyRule, at, to) => {
    if (!verbs?.length) to.required(at.at('verbs'), 'verbs must contain at least one value')
    if (urls) {
      const place = at.at('nonResourceURLs')
      if (isNamespaced) to.invalid(place, urls, 'namespaced rules cannot apply to non-resource URLs')
      if (apiGroups || resources || resourceNames) {
        to.invalid(place, urls, 'rules cannot apply to both regular resources and non-resource URLs')
      }
      return
    }
    if (!apiGroups) to.required(at.at('apiGroups'), 'resource rules must supply at least one api group')
    if (!resources) to.required(at.at('resources'), 'resource rules must supply at least one resource')
  }

export const roleRules: Rules = { valid: fields({ rules: each(policyRule(true)) }) }

const aggregation: Check = ({ clusterRoleSelectors: selectors }, at, to) => {
  const place = at.at('clusterRoleSelectors')
  if (!selectors) to.required(place, 'at least one clusterRoleSelector required if aggregationRule is non-nil')
  else each(labelSelector)(selectors, place, to)
}

export const clusterRoleRules: Rules = {
  valid: fields({ rules: each(policyRule(false)), aggregationRule: aggregation }),
}

const roleName = first(required, strictlyNamed(pathSegment))

function checkRoleRef(
  { apiGroup = '', kind = '', name }: Record<string, string>,
  kinds: readonly string[],
  at: Path,
  to: Problems,
) {
  if (apiGroup !== GROUP) to.unsupported(at.at('apiGroup'), apiGroup, [GROUP])
  if (!kinds.includes(kind)) to.unsupported(at.at('kind'), kind, kinds)
  roleName(name, at.at('name'), to)
}

const subject =
  (isNamespaced: boolean): Check =>
  ({ kind = '', name = '', apiGroup = '', namespace }: Record<string, string>, at, to) => {
    if (!name) to.required(at.at('name'))
    if (kind === 'ServiceAccount') {
      if (name) to.each(at.at('name'), name, dnsSubdomain(name))
      if (apiGroup) to.unsupported(at.at('apiGroup'), apiGroup, [''])
      if (!isNamespaced && !namespace) to.required(at.at('namespace'))
    } else if (kind === 'User' || kind === 'Group') {
      if (apiGroup !== GROUP) to.unsupported(at.at('apiGroup'), apiGroup, [GROUP])
    } else to.unsupported(at.at('kind'), kind, ['ServiceAccount', 'User', 'Group'])
  }

/** As upstream shows it: by the names of its own type. */
const shownRef = ({ apiGroup = '', kind = '', name = '' }: Record<string, string>) => ({
  APIGroup: apiGroup,
  Kind: kind,
  Name: name,
})

const bindingRules = (isNamespaced: boolean, kinds: readonly string[]): Rules => ({
  valid: ({ roleRef = {}, subjects = [] }: Stored, _at, to) => {
    checkRoleRef(roleRef, kinds, ROOT.at('roleRef'), to)
    each(subject(isNamespaced))(subjects, ROOT.at('subjects'), to)
  },
  update({ roleRef }, old, to) {
    if (!jsonEqual(roleRef, old.roleRef)) to.invalid(ROOT.at('roleRef'), shownRef(roleRef), 'cannot change roleRef')
  },
})

export const roleBindingRules = bindingRules(true, ['Role', 'ClusterRole'])
export const clusterRoleBindingRules = bindingRules(false, ['ClusterRole'])
