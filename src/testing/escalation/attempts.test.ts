/**
 * Everything that somebody might try to get more than was given, each refused. Add a line to one of the lists when you
 * think of another. What is allowed by design is below, so that no attempt fails for the wrong reason.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { FakeClock } from '#base/fake-clock.ts'
import { serviceAccounts } from '#api/resources.ts'
import { startTestServer } from '../test-server.ts'
import { type Attempt, applyPatch, mergePatch, RBAC } from './attempt.ts'
import { assembleCast, type Cast, roleRef, toUser } from './cast.ts'
import { identityAttempts, tokenAttempts } from './identities.ts'
import { nameAttempts } from './names.ts'
import { nodeAttempts } from './nodes.ts'
import { partAttempts } from './parts.ts'
import { pathAttempts } from './paths.ts'
import { roleAttempts } from './roles.ts'

let cast: Cast
beforeAll(async () => {
  cast = await assembleCast()
}, 60_000)
afterAll(() => cast.close())

type Sent = Omit<Attempt, 'says' | 'code'>

async function send({ as, method = 'GET', path, body, headers, token }: Sent) {
  const answer = await cast.server.fetch(path, {
    as: cast.as(as),
    method,
    headers: { ...headers, ...(token && { authorization: `Bearer ${cast.tokens[token]}` }) },
    ...(body && { body: typeof body === 'function' ? body(cast) : body }),
  })
  const text = await answer.text()
  const message = text.startsWith('{') ? ((JSON.parse(text) as { message?: string }).message ?? '') : text
  return { code: answer.status, message }
}

const lists: Readonly<Record<string, readonly Attempt[]>> = {
  'handing out roles': roleAttempts,
  'stretching a name': nameAttempts,
  'reaching other parts': partAttempts,
  'becoming somebody else': identityAttempts,
  'showing a bad token': tokenAttempts,
  'asking for odd paths': pathAttempts,
  'being a node': nodeAttempts,
}

it('makes more than two hundred attempts, each by another name', () => {
  const all = Object.entries(lists).flatMap(([list, attempts]) => attempts.map(({ name }) => `${list}: ${name}`))
  expect(all.length).toBeGreaterThan(200)
  expect(new Set(all).size).toBe(all.length)
})

for (const [list, attempts] of Object.entries(lists)) {
  describe(list, () => {
    it.each(attempts.map((attempt) => [attempt.as, attempt.name, attempt] as const))(
      '%s %s',
      async (_as, _name, attempt) => {
        const { code = 403, says } = attempt
        const answer = await send(attempt)
        expect(answer.code, answer.message).toBe(code)
        expect(
          says.split('|').some((text) => answer.message.includes(text)),
          answer.message,
        ).toBe(true)
      },
    )
  })
}

describe('by design', () => {
  const secretsOf = (namespace: string) => `/api/v1/namespaces/${namespace}/secrets`
  const allowed: readonly Sent[] = [
    {
      name: 'who may create pods may use every account of the namespace',
      as: 'dev',
      method: 'POST',
      path: '/api/v1/namespaces/team-a/pods',
      body: {
        metadata: { name: 'mine' },
        spec: { serviceAccountName: 'robot', containers: [{ name: 'c', image: 'i' }] },
      },
    },
    {
      name: 'who may edit may make tokens of the accounts of the namespace',
      as: 'dev',
      method: 'POST',
      path: '/api/v1/namespaces/team-a/serviceaccounts/robot/token',
      body: {},
    },
    {
      name: 'who may edit may be the accounts of the namespace',
      as: 'dev',
      path: '/api/v1/pods',
      headers: { 'impersonate-user': 'system:serviceaccount:team-a:robot' },
    },
    {
      name: 'who leads a team may give others what the lead has',
      as: 'lead',
      method: 'POST',
      path: `${RBAC}/namespaces/team-a/rolebindings`,
      body: { metadata: { name: 'more' }, roleRef: roleRef('ClusterRole', 'edit'), subjects: [toUser('somebody')] },
    },
    {
      name: 'who writes roles may write what is held',
      as: 'role-writer',
      method: 'POST',
      path: `${RBAC}/clusterroles`,
      body: {
        metadata: { name: 'ok' },
        rules: [{ verbs: ['get'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['a'] }],
      },
    },
    {
      name: 'who may bind a role need not hold it',
      as: 'binder',
      method: 'POST',
      path: `${RBAC}/clusterrolebindings`,
      body: { metadata: { name: 'ok' }, roleRef: roleRef('ClusterRole', 'view'), subjects: [toUser('binder')] },
    },
    {
      name: 'who may escalate a role may put anything in it',
      as: 'escalator',
      method: 'PATCH',
      path: `${RBAC}/clusterroles/mine?fieldManager=x`,
      headers: mergePatch,
      body: { rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] },
    },
    {
      name: 'the garbage collector’s bookkeeping needs no permission on what is granted',
      as: 'role-updater',
      method: 'PATCH',
      path: `${RBAC}/clusterroles/cluster-admin`,
      headers: mergePatch,
      body: { metadata: { finalizers: ['example.com/wait'] } },
    },
    { name: 'who may read one may read it', as: 'named', path: `${secretsOf('team-a')}/open` },
    {
      name: 'who may read one may list it',
      as: 'named',
      path: `${secretsOf('team-a')}?fieldSelector=metadata.name%3Dopen`,
    },
    {
      name: 'a part may be read by the name that all resources have for it',
      as: 'sub-reader',
      path: '/api/v1/namespaces/team-a/pods/web/status',
    },
    {
      name: 'a node may read what its pods need',
      as: 'system:node:n1 in system:nodes',
      path: `${secretsOf('team-a')}/open`,
    },
    {
      name: 'a node may list its pods',
      as: 'system:node:n1 in system:nodes',
      path: '/api/v1/pods?fieldSelector=spec.nodeName%3Dn1',
    },
    {
      name: 'who may be bob may be bob',
      as: 'impersonator',
      path: '/version',
      headers: { 'impersonate-user': 'bob' },
    },
    { name: 'an account may do what is bound to it', as: 'nobody', token: 'robot', path: '/api/v1/pods' },
    { name: 'everybody may see whether the server is well', as: 'nobody', path: '/readyz' },
    {
      name: 'whoever may create and patch may apply',
      as: 'dev',
      method: 'PATCH',
      path: '/api/v1/namespaces/team-a/configmaps/applied?fieldManager=x',
      headers: applyPatch,
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' } },
    },
  ]

  beforeAll(async () => {
    const mine = { metadata: { name: 'mine' }, rules: [] }
    await cast.server.fetch(`${RBAC}/clusterroles`, { method: 'POST', body: mine })
  })

  it.each(allowed.map((sent) => [sent.name, sent] as const))('%s', async (_, sent) => {
    const { code, message } = await send(sent)
    expect(code, message).toBeLessThan(300)
  })
})

it('refuses a token that has expired', async () => {
  const clock = new FakeClock(systemClock.now())
  await using server = await startTestServer({ clock })
  const key = { namespace: 'default', name: 'default' }
  const spec = { expirationSeconds: 600 }
  const { status } = await server.client.createSubresource<{ status: { token: string } }>(
    serviceAccounts,
    key,
    'token',
    { spec },
  )
  const headers = { authorization: `Bearer ${status.token}` }
  const ask = async () => (await server.fetch('/version', { as: 'nobody', headers })).status
  expect(await ask()).toBe(200)
  await clock.advance(600_000)
  expect(await ask()).toBe(401)
})
