import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PolicyRule, RoleRef, Subject } from '#api/rbac/v1.ts'
import { clusterRoleBindings, clusterRoles, namespaces, roleBindings, roles } from '#api/resources.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { type Attributes, serviceAccountUser, type User } from '../user.ts'
import { allow, allowUrls } from './policy/rule.ts'

const GROUP = 'rbac.authorization.k8s.io'
const ann: User = { name: 'ann', groups: ['readers', 'system:authenticated'] }
const toUser = (name: string): Subject => ({ kind: 'User', apiGroup: GROUP, name })
const toGroup = (name: string): Subject => ({ kind: 'Group', apiGroup: GROUP, name })

describe('role-based access control', () => {
  let api: InProcessApi
  beforeEach(async () => {
    api = await startInProcessApi()
    for (const name of ['default', 'other']) await api.client.create(namespaces, { metadata: { name } })
  })
  afterEach(() => api.close())

  const clusterRole = (name: string, ...rules: PolicyRule[]) =>
    api.client.create(clusterRoles, { metadata: { name }, rules })
  const role = (namespace: string, name: string, ...rules: PolicyRule[]) =>
    api.client.create(roles, { metadata: { namespace, name }, rules })
  const ref = (kind: string, name: string): RoleRef => ({ apiGroup: GROUP, kind, name })
  const bindEverywhere = (name: string, roleName: string, ...subjects: Subject[]) =>
    api.client.create(clusterRoleBindings, { metadata: { name }, roleRef: ref('ClusterRole', roleName), subjects })
  const bindIn = (namespace: string, name: string, roleRef: RoleRef, ...subjects: Subject[]) =>
    api.client.create(roleBindings, { metadata: { namespace, name }, roleRef, subjects })

  const about = (user: User, verb: string, resource: string, more: Partial<Attributes> = {}): Attributes => ({
    user,
    verb,
    group: '',
    version: 'v1',
    resource,
    subresource: '',
    namespace: '',
    name: '',
    ...more,
  })
  const decide = (...args: Parameters<typeof about>) => api.api.authorizer.authorize(about(...args))

  it('says by which binding something is allowed', async () => {
    await clusterRole('reader', allow('get list', 'pods'))
    await bindEverywhere('readers-read', 'reader', toUser('bob'), toGroup('readers'))
    expect(decide(ann, 'get', 'pods')).toEqual({
      allowed: true,
      reason: 'RBAC: allowed by ClusterRoleBinding "readers-read" of ClusterRole "reader" to Group "readers"',
    })
    expect(decide({ name: 'bob', groups: [] }, 'list', 'pods', { namespace: 'x' }).reason).toBe(
      'RBAC: allowed by ClusterRoleBinding "readers-read" of ClusterRole "reader" to User "bob"',
    )
    expect(decide(ann, 'delete', 'pods')).toEqual({ allowed: false, reason: '' })
  })

  it('keeps what is bound in a namespace there, cluster roles included', async () => {
    await role('default', 'writer', allow('create', 'pods'))
    await bindIn('default', 'ann-writes', ref('Role', 'writer'), toUser('ann'))
    expect(decide(ann, 'create', 'pods', { namespace: 'default' })).toEqual({
      allowed: true,
      reason: 'RBAC: allowed by RoleBinding "ann-writes/default" of Role "writer" to User "ann"',
    })
    expect(decide(ann, 'create', 'pods', { namespace: 'other' }).allowed).toBe(false)
    expect(decide(ann, 'create', 'pods').allowed).toBe(false)
    await clusterRole('everything', allow('*', '*', '*'), allowUrls('*', '*'))
    await bindIn('default', 'ann-everything', ref('ClusterRole', 'everything'), toUser('ann'))
    expect(decide(ann, 'delete', 'secrets', { namespace: 'default' }).allowed).toBe(true)
    expect(decide(ann, 'delete', 'secrets', { namespace: 'other' }).allowed).toBe(false)
    expect(decide(ann, 'get', 'nodes').allowed).toBe(false)
    expect(decide(ann, 'get', '', { path: '/metrics' }).allowed).toBe(false)
  })

  it('takes a service account without a namespace for one of the binding', async () => {
    await role('default', 'writer', allow('create', 'pods'))
    await bindIn('default', 'b', ref('Role', 'writer'), { kind: 'ServiceAccount', name: 'robot' })
    expect(decide(serviceAccountUser('default', 'robot'), 'create', 'pods', { namespace: 'default' })).toEqual({
      allowed: true,
      reason: 'RBAC: allowed by RoleBinding "b/default" of Role "writer" to ServiceAccount "robot/default"',
    })
    expect(decide(serviceAccountUser('other', 'robot'), 'create', 'pods', { namespace: 'default' }).allowed).toBe(false)
  })

  it('follows every change of roles and bindings', async () => {
    const can = () => decide(ann, 'get', 'pods', { namespace: 'default' }).allowed
    const bound = await bindIn('default', 'b', ref('Role', 'r'), toUser('ann'))
    expect(can()).toBe(false)
    await role('default', 'r', allow('list', 'pods'))
    expect(can()).toBe(false)
    await api.client.patch(roles, { namespace: 'default', name: 'r' }, { rules: [allow('get', 'pods')] })
    expect(can()).toBe(true)
    await api.client.update(roleBindings, {
      ...bound,
      subjects: [toUser('bob')],
      metadata: { ...bound.metadata, resourceVersion: '' },
    })
    expect(can()).toBe(false)
    await api.client.patch(roleBindings, bound.metadata, { subjects: [toUser('ann')] }, { type: 'merge' })
    expect(can()).toBe(true)
    await api.client.delete(roles, { namespace: 'default', name: 'r' })
    expect(can()).toBe(false)
    await role('default', 'r', allow('get', 'pods'))
    expect(can()).toBe(true)
    await api.client.delete(roleBindings, bound.metadata)
    expect(can()).toBe(false)
  })

  it('tells what kept roles from being found, once', async () => {
    await bindEverywhere('a', 'gone', toUser('ann'))
    expect(decide(ann, 'get', 'pods').reason).toBe('RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found')
    await bindEverywhere('b', 'gone', toGroup('readers'))
    await bindIn('default', 'c', ref('Role', 'lost'), toUser('ann'))
    expect(decide(ann, 'get', 'pods').reason).toBe('RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found')
    expect(decide(ann, 'get', 'pods', { namespace: 'default' }).reason).toBe(
      'RBAC: [clusterrole.rbac.authorization.k8s.io "gone" not found, role.rbac.authorization.k8s.io "lost" not found]',
    )
  })

  it('does not take one user for another whose name or groups look alike', async () => {
    await clusterRole('reader', allow('get', 'pods'))
    await bindEverywhere('b', 'reader', toGroup('x'))
    expect(decide({ name: 'a', groups: ['x'] }, 'get', 'pods').allowed).toBe(true)
    for (const user of [
      { name: 'a\0x', groups: [] },
      { name: 'a', groups: ['x\0'] },
      { name: 'x', groups: [] },
      { name: 'group:x', groups: ['X'] },
      { name: 'a","x', groups: [] },
    ])
      expect(decide(user, 'get', 'pods').allowed, JSON.stringify(user)).toBe(false)
  })

  it('lists what somebody may do in a namespace', async () => {
    await clusterRole('reader', allow('get', 'pods', '', 'a'), allowUrls('get', '/metrics'))
    await bindEverywhere('b', 'reader', toUser('ann'))
    await role('default', 'writer', allow('create', 'deployments', 'apps'))
    await bindIn('default', 'b', ref('Role', 'writer'), toUser('ann'))
    await bindIn('other', 'b', ref('Role', 'gone'), toUser('ann'))
    const { authorizer } = api.api
    expect(authorizer.rulesFor(ann, 'default')).toEqual({
      resourceRules: [
        { verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: ['a'] },
        { verbs: ['create'], apiGroups: ['apps'], resources: ['deployments'] },
      ],
      nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/metrics'] }],
      incomplete: false,
      errors: [],
    })
    expect(authorizer.rulesFor(ann, 'other')).toMatchObject({
      errors: ['role.rbac.authorization.k8s.io "gone" not found'],
    })
  })
})
