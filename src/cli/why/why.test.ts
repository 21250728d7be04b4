import { describe, expect, it } from 'vitest'
import { allResources } from '#api/resources.ts'
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from '#api/rbac/v1.ts'
import { explain, type Policy } from './explanation.ts'
import { explanationText, type Verdict } from './explanation-text.ts'
import { questionOf, type Words } from './question.ts'

const rule = (verbs: string, resources: string, more: Partial<PolicyRule> = {}): PolicyRule => ({
  verbs: verbs.split(' '),
  apiGroups: [''],
  resources: resources.split(' '),
  ...more,
})
const clusterRole = (name: string, ...rules: PolicyRule[]) => ({ metadata: { name }, rules }) as ClusterRole
const role = (namespace: string, name: string, ...rules: PolicyRule[]) =>
  ({ metadata: { namespace, name }, rules }) as Role
const jane: Subject = { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' }
const everywhere = (name: string, of: string, ...subjects: Subject[]) =>
  ({ metadata: { name }, roleRef: { kind: 'ClusterRole', name: of }, subjects }) as ClusterRoleBinding
const within = (namespace: string, name: string, of: string, ...subjects: Subject[]) => {
  const [kind = '', roleName = ''] = of.split(' ')
  return { metadata: { namespace, name }, roleRef: { kind, name: roleName }, subjects } as RoleBinding
}

const policy: Policy = {
  clusterRoles: [
    clusterRole('cluster-admin', rule('*', '*', { apiGroups: ['*'] }), { verbs: ['*'], nonResourceURLs: ['*'] }),
    clusterRole('view', rule('get list watch', 'pods services configmaps')),
    clusterRole(
      'edit',
      rule('get list watch', 'pods services'),
      rule('create update delete', 'pods services configmaps'),
    ),
    clusterRole('system:part', rule('delete', 'pods')),
    clusterRole('metrics', { verbs: ['get'], nonResourceURLs: ['/metrics'] }),
  ],
  clusterRoleBindings: [
    everywhere('all-view', 'view', { kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'dev' }),
    everywhere('lost', 'gone', jane),
  ],
  roles: [
    role('team-a', 'pod-killer', rule('delete', 'pods', { resourceNames: ['old'] })),
    role('team-b', 'killer', rule('delete', 'pods')),
  ],
  roleBindings: [
    within('team-a', 'jane', 'Role pod-killer', jane),
    within('team-b', 'jane', 'Role killer', jane),
    within('team-a', 'robot', 'ClusterRole edit', { kind: 'ServiceAccount', name: 'robot' }),
  ],
}

const words: Words = {
  user: 'jane',
  verb: 'delete',
  resource: 'pods',
  name: undefined,
  namespace: 'team-a',
  allNamespaces: false,
  groups: [],
}
const answer = (asked: Partial<Words>, verdict: Verdict = { allowed: false }) => {
  const question = questionOf({ ...words, ...asked }, allResources)
  return explanationText(question, explain(question, policy), verdict)
}

describe('rostrum auth why', () => {
  it('says by which binding and rule something is allowed', () => {
    expect(answer({ verb: 'list', groups: ['dev'] }, { allowed: true }))
      .toBe(`yes: jane may list pods in namespace team-a
  ClusterRoleBinding all-view gives ClusterRole view to Group dev
    allows: get, list, watch on pods, services, configmaps
`)
    expect(answer({ user: 'system:serviceaccount:team-a:robot', verb: 'create' }, { allowed: true })).toContain(
      'RoleBinding team-a/robot gives ClusterRole edit to ServiceAccount robot',
    )
    expect(answer({ name: 'old' }, { allowed: true })).toContain('allows: delete on pods named old')
  })

  it('says what is missing, what comes nearest, and what would do', () => {
    expect(answer({ name: 'new' })).toBe(`no: jane may not delete pods "new" in namespace team-a
what comes nearest:
  RoleBinding team-a/jane gives Role pod-killer to User jane
    allows: delete on pods named old
    but not "new": names are given
  RoleBinding team-b/jane gives Role killer to User jane
    allows: delete on pods
    but only in namespace team-b
  ClusterRoleBinding lost refers to ClusterRole gone, which does not exist
roles that would allow it, if one of them were bound:
  ClusterRole edit
  ClusterRole cluster-admin
  ClusterRole system:part
for example:
  kubectl create rolebinding jane-edit --clusterrole=edit --user=jane -n team-a
`)
  })

  it('knows who has no role at all', () => {
    expect(answer({ user: 'eve', verb: 'get', resource: '/metrics' })).toBe(`no: eve may not get /metrics
  no role is bound to this user or any of its groups
roles that would allow it, if one of them were bound:
  ClusterRole metrics
  ClusterRole cluster-admin
for example:
  kubectl create clusterrolebinding eve-metrics --clusterrole=metrics --user=eve
`)
    expect(answer({ user: 'eve', groups: ['dev'], verb: 'get', resource: 'nodes' })).toContain(
      'none of the 1 bindings for it is about that',
    )
  })

  it('says where no role is needed', () => {
    expect(answer({ groups: ['system:masters'] }, { allowed: true })).toContain(
      'members of system:masters may do everything',
    )
    expect(
      answer({ user: 'system:node:n1', verb: 'get', resource: 'secrets', name: 's' }, { allowed: true }),
    ).toContain('nodes may do so for what their own pods need')
    expect(
      answer(
        { user: 'system:node:n1', verb: 'list', resource: 'secrets' },
        { allowed: false, reason: 'No Object name found' },
      ),
    ).toContain('the API server says: No Object name found')
  })

  it('takes resources by any of their names, and knows where they live', () => {
    const about = (resource: string, more: Partial<Words> = {}) => {
      const {
        group,
        resource: plural,
        subresource,
        namespace,
      } = questionOf({ ...words, namespace: undefined, ...more, resource }, allResources)
      return [plural, group, subresource, namespace]
    }
    expect(about('po')).toEqual(['pods', '', '', 'default'])
    expect(about('Deployment')).toEqual(['deployments', 'apps', '', 'default'])
    expect(about('deployments.apps')).toEqual(['deployments', 'apps', '', 'default'])
    expect(about('pods/log', { namespace: 'x' })).toEqual(['pods', '', 'log', 'x'])
    expect(about('no')).toEqual(['nodes', '', '', ''])
    expect(about('pods', { allNamespaces: true })).toEqual(['pods', '', '', ''])
    expect(() => about('nonsense')).toThrow('there is no resource "nonsense"')
  })

  it('neither obeys names nor lets a shell obey them', () => {
    const evil = clusterRole("$(reboot)'\u001b[2J\n; x", rule('get', 'secrets'))
    const question = questionOf({ ...words, verb: 'get', resource: 'secrets' }, allResources)
    const text = explanationText(question, explain(question, { ...policy, clusterRoles: [evil] }), { allowed: false })
    expect(text).toContain("ClusterRole $(reboot)'\\u001b[2J\\u000a; x\n")
    expect(text).toContain("'--clusterrole=$(reboot)'\\''\\u001b[2J\\u000a; x' --user=jane -n team-a\n")
  })

  it('gives users the groups that they have', () => {
    const groups = (user: string, ...given: string[]) =>
      questionOf({ ...words, user, groups: given }, allResources).user.groups
    expect(groups('jane', 'dev')).toEqual(['dev', 'system:authenticated'])
    expect(groups('system:serviceaccount:ns:robot')).toEqual([
      'system:serviceaccounts',
      'system:serviceaccounts:ns',
      'system:authenticated',
    ])
    expect(groups('system:anonymous')).toEqual(['system:unauthenticated'])
    expect(groups('system:node:n1')).toEqual(['system:nodes', 'system:authenticated'])
  })
})
