import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Resource } from '#api/kind.ts'
import type { ClusterRole, ClusterRoleBinding } from '#api/rbac/v1.ts'
import { clusterRoleBindings, clusterRoles, namespaces, roleBindings, roles } from '#api/resources.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import type { ClusterAuthorizer } from './authorizer.ts'
import { policyKeeper } from './bootstrap-policy.ts'
import { planBinding, planRole } from './policy-plan.ts'
import { defaultPolicy } from './policy/default-policy.ts'
import { allow } from './policy/rule.ts'

const policy = defaultPolicy()
const AUTO_UPDATE = 'rbac.authorization.kubernetes.io/autoupdate'

describe('the built-in roles and bindings', () => {
  let api: InProcessApi
  let restore: () => Promise<void>
  beforeEach(async () => {
    api = await startInProcessApi()
    for (const name of ['kube-system', 'kube-public', 'kube-node-lease'])
      await api.client.create(namespaces, { metadata: { name } })
    restore = policyKeeper(api.client, (api.api.authorizer as ClusterAuthorizer).grants)
    await restore()
  })
  afterEach(() => api.close())

  const count = async () => {
    const resources: Resource[] = [clusterRoles, clusterRoleBindings, roles, roleBindings]
    const lists = resources.map((resource) => api.client.list(resource))
    return (await Promise.all(lists)).map(({ items }) => items.length)
  }
  const role = (name: string) => api.client.get(clusterRoles, { name })
  const binding = (name: string) => api.client.get(clusterRoleBindings, { name })

  it('are all there, marked as what they are', async () => {
    const all = [policy.clusterRoles, policy.clusterRoleBindings, policy.roles, policy.roleBindings]
    expect(await count()).toEqual(all.map((list) => list.length))
    expect((await role('edit')).metadata).toMatchObject({
      labels: {
        'kubernetes.io/bootstrapping': 'rbac-defaults',
        'rbac.authorization.k8s.io/aggregate-to-admin': 'true',
      },
      annotations: { [AUTO_UPDATE]: 'true' },
    })
  })

  it('come back when they are deleted', async () => {
    const before = await count()
    await api.client.delete(clusterRoles, { name: 'system:discovery' })
    await api.client.delete(clusterRoleBindings, { name: 'system:basic-user' })
    await api.client.delete(roles, { namespace: 'kube-system', name: 'system:controller:token-cleaner' })
    await restore()
    expect(await count()).toEqual(before)
  })

  it('are given back what was taken from them, and keep what was added', async () => {
    const scheduler = await role('system:kube-scheduler')
    const extra = allow('get', 'things', 'example.com')
    await api.client.update(clusterRoles, { ...scheduler, rules: [...scheduler.rules!.slice(3), extra] })
    const basic = await binding('system:basic-user')
    const ann = { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'ann' }
    await api.client.update(clusterRoleBindings, { ...basic, subjects: [ann] })
    await restore()
    const { rules } = await role('system:kube-scheduler')
    expect(rules).toContainEqual(extra)
    expect(planRole({ ...scheduler, rules: rules! }, scheduler)).toEqual({ kind: 'nothing' })
    expect((await binding('system:basic-user')).subjects).toEqual([ann, ...basic.subjects!])
  })

  it('are left alone where they say so', async () => {
    const metadata = { annotations: { [AUTO_UPDATE]: 'false' } }
    await api.client.patch(clusterRoles, { name: 'system:discovery' }, { metadata, rules: [] }, { type: 'merge' })
    await api.client.patch(
      clusterRoleBindings,
      { name: 'system:discovery' },
      { metadata, subjects: [] },
      { type: 'merge' },
    )
    await restore()
    expect((await role('system:discovery')).rules ?? []).toEqual([])
    expect((await binding('system:discovery')).subjects ?? []).toEqual([])
  })

  it('are looked at only when something has changed', async () => {
    await restore()
    const { revision } = api.api.store
    for (let i = 0; i < 3; i++) await restore()
    expect(api.api.store.revision).toBe(revision)
  })
})

describe('the plan for a role', () => {
  const wanted = policy.clusterRoles.find(({ metadata }) => metadata.name === 'view')! as ClusterRole
  it('keeps the rules of an aggregated role, and adds the selectors that it lacks', () => {
    const existing: ClusterRole = {
      ...wanted,
      rules: [allow('get', 'pods')],
      aggregationRule: { clusterRoleSelectors: [] },
    }
    expect(planRole(existing, wanted)).toEqual({
      kind: 'update',
      object: { ...existing, aggregationRule: wanted.aggregationRule },
    })
    expect(planRole({ ...wanted, rules: [allow('get', 'pods')] }, wanted)).toEqual({ kind: 'nothing' })
  })

  it('takes away an aggregation that is not meant', () => {
    const plain = policy.clusterRoles.find(({ metadata }) => metadata.name === 'system:discovery')! as ClusterRole
    const existing = { ...plain, aggregationRule: wanted.aggregationRule! }
    expect(planRole(existing, plain)).toEqual({ kind: 'update', object: plain })
  })
})

describe('the plan for a binding', () => {
  it('replaces one that refers to another role', () => {
    const wanted = policy.clusterRoleBindings[0]! as ClusterRoleBinding
    const existing = { ...wanted, roleRef: { ...wanted.roleRef, name: 'other' } }
    expect(planBinding(existing, wanted)).toEqual({ kind: 'replace' })
  })
})
