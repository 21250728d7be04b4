import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ClusterRole } from '#api/rbac/v1.ts'
import { clusterRoleBindings, clusterRoles, roleBindings } from '#api/resources.ts'
import type { Client } from '#client/client.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'
import { refusal } from '#testing/refusal.ts'
import { allow, allowUrls } from './policy/rule.ts'

const GROUP = 'rbac.authorization.k8s.io'
const roleRef = (name: string) => ({ apiGroup: GROUP, kind: 'ClusterRole', name })

describe('who hands out what is not theirs', () => {
  let server: TestServer
  let alice: Client
  beforeAll(async () => {
    server = await startTestServer()
    const rules = [allow('create update patch get delete', '*', GROUP), allow('get', 'pods', '', 'a')]
    await server.client.create(clusterRoles, { metadata: { name: 'rb' }, rules } as ClusterRole)
    const subjects = [{ kind: 'User', apiGroup: GROUP, name: 'alice' }]
    await server.client.create(clusterRoleBindings, { metadata: { name: 'rb' }, roleRef: roleRef('rb'), subjects })
    alice = server.clientFor({ name: 'alice', groups: ['dev', 'system:authenticated'] })
  })
  afterAll(() => server.close())

  it('is told all that is missing, the verbs of a resource together', async () => {
    const rules = [allow('get list', 'pods secrets', ['', 'apps']), allowUrls('get', '/x')]
    const error = await refusal(alice.create(clusterRoles, { metadata: { name: 'x' }, rules } as ClusterRole))
    expect(error.toStatus()).toMatchObject({
      reason: 'Forbidden',
      message: `clusterroles.rbac.authorization.k8s.io "x" is forbidden: user "alice" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:
{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}
{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}
{APIGroups:["apps"], Resources:["pods"], Verbs:["get" "list"]}
{APIGroups:["apps"], Resources:["secrets"], Verbs:["get" "list"]}
{NonResourceURLs:["/x"], Verbs:["get"]}`,
      details: { name: 'x', group: GROUP, kind: 'clusterroles' },
    })
  })

  it('is told so of a binding, and what is not there', async () => {
    const bind = (name: string) =>
      refusal(alice.create(clusterRoleBindings, { metadata: { name: 'x' }, roleRef: roleRef(name) }))
    expect((await bind('cluster-admin')).message).toBe(
      `clusterrolebindings.rbac.authorization.k8s.io "x" is forbidden: user "alice" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:
{APIGroups:["*"], Resources:["*"], Verbs:["*"]}
{NonResourceURLs:["*"], Verbs:["*"]}`,
    )
    expect((await bind('none')).message).toBe('clusterrolebindings.rbac.authorization.k8s.io "none" not found')
  })

  it('is told which of the own roles could not be found, too', async () => {
    const lost = { kind: 'User', apiGroup: GROUP, name: 'lost' }
    for (const name of ['rb', 'gone'])
      await server.client.create(clusterRoleBindings, {
        metadata: { name: `lost-${name}` },
        roleRef: roleRef(name),
        subjects: [lost],
      })
    const client = server.clientFor({ name: 'lost', groups: [] })
    const error = await refusal(
      client.create(clusterRoles, { metadata: { name: 'x' }, rules: [allow('get', 'nodes')] } as ClusterRole),
    )
    expect(error.message).toMatch(
      /; resolution errors: \[clusterrole\.rbac\.authorization\.k8s\.io "gone" not found\]$/,
    )
  })

  it('may hand out what is theirs, to the letter', async () => {
    const rules = [allow('get', 'pods', '', 'a')]
    await alice.create(clusterRoles, { metadata: { name: 'mine' }, rules } as ClusterRole)
    await alice.create(roleBindings, { metadata: { namespace: 'default', name: 'mine' }, roleRef: roleRef('mine') })
    expect((await alice.get(clusterRoles, { name: 'mine' })).rules).toEqual(rules)
    await alice.delete(clusterRoles, { name: 'mine' })
  })
})
