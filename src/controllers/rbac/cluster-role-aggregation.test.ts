import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ClusterRole, PolicyRule } from '#api/rbac/v1.ts'
import { clusterRoles } from '#api/resources.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { aggregatedRules } from './aggregated-rules.ts'
import { createClusterRoleAggregationController } from './cluster-role-aggregation.ts'

const rule = (verb: string): PolicyRule => ({ verbs: [verb], apiGroups: [''], resources: ['pods'] })
const selecting = (...labels: string[]) => ({
  clusterRoleSelectors: labels.map((label) => ({ matchLabels: { [label]: 'true' } })),
})
const role = (name: string, more: Partial<ClusterRole> & { labels?: Record<string, string> } = {}) => {
  const { labels, ...rest } = more
  return { metadata: { name, ...(labels && { labels }) }, ...rest } as ClusterRole
}

describe('the rules of an aggregated role', () => {
  it('come selector by selector, then by name, each once', () => {
    const all = [
      role('c', { labels: { x: 'true' }, rules: [rule('get'), rule('list')] }),
      role('a', { labels: { y: 'true' }, rules: [rule('delete'), rule('get')] }),
      role('b', { labels: { x: 'true' }, rules: [rule('list'), rule('watch')] }),
      role('d', { labels: { x: 'false' }, rules: [rule('*')] }),
      role('e', { rules: [rule('*')] }),
    ]
    const verbs = (aggregated: ClusterRole) => aggregatedRules(aggregated, all)?.map(({ verbs: [verb] }) => verb)
    expect(verbs(role('all', { aggregationRule: selecting('x', 'y') }))).toEqual(['list', 'watch', 'get', 'delete'])
    expect(verbs(role('all', { aggregationRule: selecting('y', 'x') }))).toEqual(['delete', 'get', 'list', 'watch'])
    expect(verbs(role('all', { aggregationRule: { clusterRoleSelectors: [] } }))).toEqual([])
    expect(verbs(role('all', { rules: [rule('get')] }))).toBeUndefined()
  })

  it('are never its own', () => {
    const self = role('self', { labels: { x: 'true' }, rules: [rule('*')], aggregationRule: selecting('x') })
    expect(aggregatedRules(self, [self])).toEqual([])
  })
})

describe('the controller of aggregated roles', () => {
  let api: InProcessApi
  beforeEach(async () => {
    api = await startInProcessApi()
    await createClusterRoleAggregationController().start(api)
  })
  afterEach(() => api.close())

  const verbsOf = (name: string) =>
    api.informers
      .for(clusterRoles)
      .get(undefined, name)
      ?.rules?.map(({ verbs }) => verbs.join())
      .join(' ')
  const until = (test: () => unknown) => api.until(() => Boolean(test()), [clusterRoles])

  it('follows the roles that are selected, through several steps', async () => {
    const { client } = api
    await client.create(
      clusterRoles,
      role('top', { aggregationRule: selecting('to-top'), rules: [rule('*')] }) as never,
    )
    await client.create(
      clusterRoles,
      role('middle', { labels: { 'to-top': 'true' }, aggregationRule: selecting('to-middle') }) as never,
    )
    await until(() => verbsOf('top') === undefined)
    await client.create(clusterRoles, role('leaf', { labels: { 'to-middle': 'true' }, rules: [rule('get')] }) as never)
    await until(() => verbsOf('top') === 'get')
    await client.patch(clusterRoles, { name: 'leaf' }, { rules: [rule('get'), rule('list')] })
    await until(() => verbsOf('top') === 'get list')
    await client.patch(clusterRoles, { name: 'top' }, { rules: [rule('*')] })
    await until(() => verbsOf('top') === 'get list')
    await client.patch(clusterRoles, { name: 'leaf' }, { metadata: { labels: { 'to-middle': null } } })
    await until(() => !verbsOf('top') && !verbsOf('middle'))
  })
})
