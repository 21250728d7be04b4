import { connect } from 'node:http2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { FakeClock } from '#base/fake-clock.ts'
import { systemRandom } from '#base/random.ts'
import { sequence, set, objectId, utf8String } from '#base/der.ts'
import { createAuthority, issueCertificate, type KeyPair } from '#base/x509.ts'
import type { ClusterRole, ClusterRoleBinding, PolicyRule } from '#api/rbac/v1.ts'
import { clusterRoleBindings, clusterRoles, configMaps, nodes, pods, secrets, serviceAccounts } from '#api/resources.ts'
import { type FetchInit, startTestServer, type TestServer } from '#testing/test-server.ts'
import { allow } from '../authz/policy/rule.ts'
import { uidOf } from './peer-certificate.ts'

const REVIEW = '/apis/authentication.k8s.io/v1/selfsubjectreviews'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

interface Answer {
  code: number
  message?: string
  user?: { username: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> }
}

async function whoami(init: FetchInit = {}, on = server): Promise<Answer> {
  // Bytes, because Node would encode the headers as it does a string.
  const headers = { 'content-type': 'application/json', ...init.headers }
  const answer = await on.fetch(REVIEW, { method: 'POST', body: Buffer.from('{}'), ...init, headers })
  const body = (await answer.json()) as { message?: string; status: { userInfo: NonNullable<Answer['user']> } }
  if (answer.status !== 201) return { code: answer.status, message: body.message! }
  return { code: answer.status, user: body.status.userInfo }
}
const bearer = (token: string): FetchInit => ({ as: 'nobody', headers: { authorization: `Bearer ${token}` } })
const leaf = (
  authority: KeyPair,
  commonName: string,
  organizations: string[] = [],
  nowMs = systemClock.now(),
  days = 1,
) => issueCertificate(authority, { commonName, organizations, usages: ['client'], days, nowMs, random: systemRandom })

/** Lets `user` do more than every user may. */
async function grant(user: string, ...rules: PolicyRule[]) {
  const name = `grant-${user}`
  await server.client.create(clusterRoles, { metadata: { name }, rules } as ClusterRole)
  await server.client.create(clusterRoleBindings, {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: user }],
  } as ClusterRoleBinding)
}

describe('a client certificate', () => {
  it('names a user, its groups, and itself', async () => {
    const { user } = await whoami({ as: server.issueClient('ann', ['dev', 'ops']) })
    expect(user).toMatchObject({ username: 'ann', groups: ['dev', 'ops', 'system:authenticated'] })
    expect(user!.extra!['authentication.kubernetes.io/credential-id']).toEqual([
      expect.stringMatching(/^X509SHA256=[0-9a-f]{64}$/),
    ])
  })

  it('that names nobody is nobody’s', async () => {
    expect((await whoami({ as: leaf(server.pki.authority, '') })).message).toContain('User "system:anonymous" cannot')
  })

  it('of somebody else’s authority is refused, whatever that calls itself', async () => {
    const nowMs = systemClock.now()
    const twin = createAuthority('rostrum', { days: 1, nowMs, random: systemRandom })
    expect((await whoami({ as: leaf(twin, 'kubernetes-admin', ['system:masters']) })).code).toBe(401)
    const self = createAuthority('kubernetes-admin', { days: 1, nowMs, random: systemRandom })
    expect((await whoami({ as: self })).code).toBe(401)
  })

  it('can not make others', async () => {
    const ann = server.issueClient('ann')
    expect((await whoami({ as: leaf(ann, 'kubernetes-admin', ['system:masters']) })).code).toBe(401)
  })

  it('of a server is not one of a client', async () => {
    const { cert, key } = server.pki.serving
    expect((await whoami({ as: { cert, key } })).code).toBe(401)
  })

  it('counts as long as it is valid, on connections that outlive it too', async () => {
    const clock = new FakeClock(systemClock.now())
    await using own = await startTestServer({ clock })
    const as = leaf(own.pki.authority, 'ann', [], clock.now() - 24 * 3600_000 + 60_000)
    expect((await whoami({ as }, own)).user!.username).toBe('ann')
    await clock.advance(61_000)
    expect((await whoami({ as }, own)).code).toBe(401)
  })

  it('may carry one uid', () => {
    const attribute = (oid: string, text: string) => set(sequence(objectId(oid), utf8String(text)))
    const UID = '1.3.6.1.4.1.57683.2'
    expect(uidOf(sequence(attribute('2.5.4.3', 'ann')))).toBeUndefined()
    expect(uidOf(sequence(attribute('2.5.4.3', 'ann'), attribute(UID, 'u-1')))).toBe('u-1')
    expect(() => uidOf(sequence(attribute(UID, 'u-1'), attribute(UID, 'u-2')))).toThrow('one UID')
    expect(() => uidOf(sequence(attribute(UID, '')))).toThrow('one UID')
  })

  it('is that of all streams of an HTTP/2 connection', async () => {
    const { cert, key } = server.issueClient('ann')
    const session = connect(server.url, { ca: server.pki.authority.cert, cert, key })
    const ask = () =>
      new Promise<string>((resolve, reject) => {
        const stream = session.request({ ':method': 'POST', ':path': REVIEW, 'content-type': 'application/json' })
        let text = ''
        stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        stream.on('end', () => resolve(text)).on('error', reject)
        stream.end('{}')
      })
    const answers = await Promise.all([ask(), ask(), ask()])
    session.close()
    for (const answer of answers) expect(JSON.parse(answer).status.userInfo.username).toBe('ann')
  })
})

describe('the front proxy', () => {
  const remote = {
    'X-Remote-User': 'zoe',
    'X-Remote-Uid': 'u-7',
    'X-Remote-Group': ['a', 'b,c'],
    'X-Remote-Extra-Example.com%2fScopes': ['read', 'write'],
  }

  it('is believed whom it names', async () => {
    expect((await whoami({ as: server.pki.frontProxy.client, headers: remote })).user).toEqual({
      username: 'zoe',
      uid: 'u-7',
      groups: ['a', 'b,c', 'system:authenticated'],
      extra: { 'example.com/scopes': ['read', 'write'] },
    })
  })

  it('is nobody itself', async () => {
    expect((await whoami({ as: server.pki.frontProxy.client })).code).toBe(401)
    expect((await whoami({ as: server.pki.frontProxy.client, headers: { 'x-remote-user': '' } })).code).toBe(401)
  })

  it('has one name, and its authority makes no users', async () => {
    const { authority } = server.pki.frontProxy
    expect((await whoami({ as: leaf(authority, 'another-proxy'), headers: remote })).code).toBe(401)
    expect((await whoami({ as: leaf(authority, 'kubernetes-admin', ['system:masters']) })).code).toBe(401)
  })

  it('is not whoever sends such headers', async () => {
    const headers = { ...remote, 'X-Remote-Group': ['system:masters'] }
    expect((await whoami({ as: server.issueClient('eve'), headers })).user!.username).toBe('eve')
    expect((await whoami({ as: server.issueClient('front-proxy-client'), headers })).user!.username).toBe(
      'front-proxy-client',
    )
    expect((await whoami({ as: 'nobody', headers })).message).toContain('User "system:anonymous" cannot')
  })

  it('is made known to extension API servers', async () => {
    const key = { namespace: 'kube-system', name: 'extension-apiserver-authentication' }
    expect((await server.client.get(configMaps, key)).data).toEqual({
      'client-ca-file': server.pki.authority.cert,
      'requestheader-allowed-names': '["front-proxy-client"]',
      'requestheader-client-ca-file': server.pki.frontProxy.authority.cert,
      'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
      'requestheader-group-headers': '["X-Remote-Group"]',
      'requestheader-uid-headers': '["X-Remote-Uid"]',
      'requestheader-username-headers': '["X-Remote-User"]',
    })
  })
})

describe('a bootstrap token', () => {
  const KEY = '0123456789abcdef'
  const data = (fields: Record<string, string>) =>
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, Buffer.from(value).toString('base64')]))
  const make = (
    id: string,
    fields: Record<string, string> = {},
    type = 'bootstrap.kubernetes.io/token',
    name = `bootstrap-token-${id}`,
  ) =>
    server.client.create(secrets, {
      metadata: { namespace: 'kube-system', name },
      type,
      data: data({ 'token-id': id, 'token-secret': KEY, 'usage-bootstrap-authentication': 'true', ...fields }),
    })

  it('is a machine’s that joins', async () => {
    await make('aaaaaa', { 'auth-extra-groups': 'system:bootstrappers:worker,system:bootstrappers:kubeadm:x' })
    await grant('system:bootstrap:aaaaaa', allow('create', 'selfsubjectreviews', 'authentication.k8s.io'))
    expect((await whoami(bearer(`aaaaaa.${KEY}`))).user).toEqual({
      username: 'system:bootstrap:aaaaaa',
      groups: [
        'system:bootstrappers',
        'system:bootstrappers:kubeadm:x',
        'system:bootstrappers:worker',
        'system:authenticated',
      ],
    })
  })

  it.each<[string, string, Record<string, string>, string?]>([
    ['bbbbbb', 'has another key', { 'token-secret': 'fedcba9876543210' }],
    ['cccccc', 'is not for authentication', { 'usage-bootstrap-authentication': 'false' }],
    ['dddddd', 'has expired', { expiration: '2020-01-01T00:00:00Z' }],
    ['eeeeee', 'expires who knows when', { expiration: 'soon' }],
    ['ffffff', 'is of another id', { 'token-id': 'aaaaaa' }],
    ['gggggg', 'claims a group that is not for such', { 'auth-extra-groups': 'system:masters' }],
    [
      'hhhhhh',
      'claims one that looks alike',
      { 'auth-extra-groups': 'system:bootstrappers:x,xsystem:bootstrappers:y' },
    ],
    ['iiiiii', 'is of another type', {}, 'Opaque'],
  ])('%s is refused, which %s', async (id, _, fields, type) => {
    await make(id, fields, type).catch(() => undefined)
    expect((await whoami(bearer(`${id}.${KEY}`))).code).toBe(401)
  })

  it('is refused in another shape', async () => {
    for (const token of [`AAAAAA.${KEY}`, `aaaaaa.${KEY}0`, `aaaaaa.${KEY} `, `aaaaaa.`, `aaaaa.${KEY}`])
      expect((await whoami(bearer(token.replaceAll(' ', '%20')))).code, token).toBe(401)
  })
})

describe('a service account’s token', () => {
  const issue = async (name: string, spec: object = {}) => {
    const key = { namespace: 'default', name }
    if (!(await server.client.find(serviceAccounts, key)))
      await server.client.create(serviceAccounts, { metadata: key })
    const answer = await server.client.createSubresource<{ status: { token: string; expirationTimestamp: string } }>(
      serviceAccounts,
      key,
      'token',
      { spec },
    )
    return answer.status
  }
  const claims = (token: string) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())

  it('of a pod that says nothing else is good for a year, for those who never read it again', async () => {
    await server.client.create(nodes, { metadata: { name: 'n' } })
    await server.client.create(pods, {
      metadata: { namespace: 'default', name: 'p' },
      spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
    } as never)
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'p' }
    const { token, expirationTimestamp } = await issue('default', { expirationSeconds: 3607, boundObjectRef })
    const { exp, iat, 'kubernetes.io': bound } = claims(token)
    expect(exp - iat).toBe(365 * 24 * 3600)
    expect(bound.warnafter - iat).toBe(3607)
    expect(Math.abs(Date.parse(expirationTimestamp) / 1000 - iat - 3607)).toBeLessThanOrEqual(1)
    for (const spec of [
      { expirationSeconds: 3607 },
      { expirationSeconds: 3600, boundObjectRef },
      { expirationSeconds: 3607, boundObjectRef, audiences: ['vault'] },
    ]) {
      const plain = claims((await issue('default', spec)).token)
      expect(plain.exp - plain.iat, JSON.stringify(spec)).toBe(spec.expirationSeconds)
      expect(plain['kubernetes.io'].warnafter).toBeUndefined()
    }
    const { user } = await whoami(bearer(token))
    expect(user!.extra).toEqual({
      'authentication.kubernetes.io/credential-id': [`JTI=${claims(token).jti}`],
      'authentication.kubernetes.io/node-name': ['n'],
      'authentication.kubernetes.io/node-uid': [bound.node.uid],
      'authentication.kubernetes.io/pod-name': ['p'],
      'authentication.kubernetes.io/pod-uid': [bound.pod.uid],
    })
  })

  it('may be bound to a node, and dies with it', async () => {
    await server.client.create(nodes, { metadata: { name: 'mortal' } })
    const { token } = await issue('of-node', { boundObjectRef: { kind: 'Node', apiVersion: 'v1', name: 'mortal' } })
    expect((await whoami(bearer(token))).user!.extra).toMatchObject({
      'authentication.kubernetes.io/node-name': ['mortal'],
    })
    await server.client.delete(nodes, { name: 'mortal' })
    expect((await whoami(bearer(token))).code).toBe(401)
  })

  it('is read from a WebSocket’s protocols, where there is another to be answered', async () => {
    const { token } = await issue('browser')
    const offer = (...protocols: string[]) =>
      server.fetch('/api/v1/namespaces/default/pods/none/exec?command=x', {
        as: 'nobody',
        headers: {
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
          'sec-websocket-protocol': protocols.join(', '),
        },
      })
    const encoded = (text: string) => `base64url.bearer.authorization.k8s.io.${Buffer.from(text).toString('base64url')}`
    const message = async (answer: Response) => ((await answer.json()) as { message: string }).message
    expect(await message(await offer(encoded(token), 'v5.channel.k8s.io'))).toContain(
      'User "system:serviceaccount:default:browser" cannot get resource "pods/exec"',
    )
    expect((await offer(encoded(token))).status).toBe(401)
    expect((await offer(encoded(token), encoded(token), 'v5.channel.k8s.io')).status).toBe(401)
    expect((await offer(encoded('wrong'), 'v5.channel.k8s.io')).status).toBe(401)
    expect((await offer('base64url.bearer.authorization.k8s.io.!!', 'v5.channel.k8s.io')).status).toBe(401)
    expect(await message(await offer('v5.channel.k8s.io'))).toContain('User "system:anonymous" cannot')
  })

  it('can be told from forgeries by others', async () => {
    const reader = server.issueClient('system:serviceaccount:default:reader', ['system:serviceaccounts'])
    const get = async (path: string) => {
      const answer = await server.fetch(path, { as: reader })
      expect(answer.headers.get('cache-control')).toBe('public, max-age=3600')
      return (await answer.json()) as Record<string, any>
    }
    const found = await get('/.well-known/openid-configuration')
    const { token } = await issue('checked')
    expect(found).toMatchObject({ issuer: claims(token).iss, id_token_signing_alg_values_supported: ['ES256'] })
    expect(found.jwks_uri).toBe(`${found.issuer}/openid/v1/jwks`)
    const { keys } = await get('/openid/v1/jwks')
    const { createLocalJWKSet, jwtVerify } = await import('jose')
    const verified = await jwtVerify(token, createLocalJWKSet({ keys }), { issuer: found.issuer })
    expect(verified.payload.sub).toBe('system:serviceaccount:default:checked')
    expect((await server.fetch('/openid/v1/jwks', { as: 'nobody' })).status).toBe(403)
  })
})

describe('acting as somebody else', () => {
  const as = (headers: Record<string, string | string[]>, sender: FetchInit['as'] = 'admin'): FetchInit => ({
    as: sender,
    headers,
  })

  it.each<[Record<string, string | string[]>, object]>([
    [{ 'Impersonate-User': 'bob' }, { username: 'bob', groups: ['system:authenticated'] }],
    [
      {
        'impersonate-user': 'bob',
        'impersonate-group': ['a', 'b,c'],
        'impersonate-uid': '7',
        'Impersonate-Extra-Acme.com%2fx': ['y', 'z'],
      },
      { username: 'bob', uid: '7', groups: ['a', 'b,c', 'system:authenticated'], extra: { 'acme.com/x': ['y', 'z'] } },
    ],
    [
      { 'Impersonate-User': 'system:node:n1' },
      { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] },
    ],
    [
      { 'Impersonate-User': 'system:serviceaccount:ns:robot' },
      {
        username: 'system:serviceaccount:ns:robot',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated'],
      },
    ],
    [
      { 'Impersonate-User': 'system:serviceaccount:ns:robot', 'Impersonate-Group': 'a' },
      { username: 'system:serviceaccount:ns:robot', groups: ['a', 'system:authenticated'] },
    ],
    [
      { 'Impersonate-User': 'system:serviceaccount:bad' },
      { username: 'system:serviceaccount:bad', groups: ['system:authenticated'] },
    ],
    [{ 'Impersonate-User': 'jörg' }, { username: 'jörg', groups: ['system:authenticated'] }],
    [
      { 'Impersonate-User': 'bob', 'Impersonate-Group': 'system:masters' },
      { username: 'bob', groups: ['system:masters', 'system:authenticated'] },
    ],
  ])('by %j', async (headers, user) => {
    const sent = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        typeof value === 'string' ? Buffer.from(value).toString('latin1') : value,
      ]),
    )
    expect((await whoami(as(sent))).user).toEqual(user)
  })

  it('may be nobody', async () => {
    expect((await whoami(as({ 'Impersonate-User': 'system:anonymous' }))).message).toContain(
      'User "system:anonymous" cannot create',
    )
    const answer = await server.fetch('/version', as({ 'Impersonate-User': 'system:anonymous' }))
    expect(answer.status).toBe(200)
  })

  it('is a user, or nothing', async () => {
    expect((await whoami(as({ 'Impersonate-Group': 'system:masters' }))).message).toBe(
      'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"system:masters"}, Extra:map[string][]string(nil)} without impersonating a user name',
    )
    expect((await whoami(as({ 'Impersonate-Uid': '3' }))).code).toBe(400)
    expect((await whoami(as({ 'Impersonate-Extra-foo': 'bar' }))).message).toContain(
      'Extra:map[string][]string{"foo":[]string{"bar"}}}',
    )
    expect((await whoami(as({ 'Impersonate-User': '' }))).user!.username).toBe('kubernetes-admin')
  })

  it('takes away what the sender may do', async () => {
    const headers = { 'Impersonate-User': 'bob' }
    const answer = await server.fetch('/api/v1/pods', { headers })
    expect(answer.status).toBe(403)
    expect(((await answer.json()) as { message: string }).message).toContain('User "bob" cannot list resource "pods"')
    expect((await server.fetch('/metrics', { headers })).status).toBe(403)
  })

  it('is refused by the name of the least that would be enough', async () => {
    const eve = server.issueClient('eve')
    const refusal = async (user: string) => {
      const answer = await server.fetch('/api/v1/namespaces/x/pods', as({ 'Impersonate-User': user }, eve))
      expect(answer.status).toBe(403)
      return ((await answer.json()) as { message: string }).message
    }
    for (const [user, mode] of [
      ['bob', 'user-info'],
      ['system:anonymous', 'user-info'],
      ['system:node:n1', 'arbitrary-node'],
      ['system:serviceaccount:x:y', 'serviceaccount'],
    ] as const)
      expect(await refusal(user)).toBe(
        `pods is forbidden: User "eve" cannot impersonate-on:${mode}:list resource "pods" in API group "" in the namespace "x"`,
      )
  })

  it('may be limited to a user and to what is done as that user', async () => {
    await grant(
      'limited',
      allow('impersonate:user-info', 'users', 'authentication.k8s.io', 'bob'),
      allow('impersonate-on:user-info:create', 'selfsubjectreviews', 'authentication.k8s.io'),
    )
    const limited = server.issueClient('limited')
    expect((await whoami(as({ 'Impersonate-User': 'bob' }, limited))).user!.username).toBe('bob')
    expect((await whoami(as({ 'Impersonate-User': 'carl' }, limited))).message).toBe(
      'users.authentication.k8s.io "carl" is forbidden: User "limited" cannot impersonate:user-info resource "users" in API group "authentication.k8s.io" at the cluster scope',
    )
    expect((await whoami(as({ 'Impersonate-User': 'bob', 'Impersonate-Group': 'g' }, limited))).message).toContain(
      'cannot impersonate:user-info resource "groups"',
    )
    const list = await server.fetch('/api/v1/pods', as({ 'Impersonate-User': 'bob' }, limited))
    expect(((await list.json()) as { message: string }).message).toContain('cannot impersonate-on:user-info:list')
  })

  it('in the limited way never reaches superusers', async () => {
    await grant(
      'wide',
      allow('impersonate:user-info', '*', 'authentication.k8s.io'),
      allow('impersonate-on:user-info:create', '*', '*'),
    )
    const wide = server.issueClient('wide')
    const groups = (...names: string[]) => as({ 'Impersonate-User': 'bob', 'Impersonate-Group': names }, wide)
    expect((await whoami(groups('a', 'b', 'c', 'd'))).user!.groups).toEqual([
      'a',
      'b',
      'c',
      'd',
      'system:authenticated',
    ])
    expect((await whoami(groups('a', 'system:masters'))).message).toContain(
      'impersonating the system:masters group is not allowed',
    )
    expect((await whoami(groups(''))).message).toContain('impersonating the empty string group is not allowed')
    const extra = (key: string, value: string) =>
      as({ 'Impersonate-User': 'bob', [`Impersonate-Extra-${key}`]: value }, wide)
    expect((await whoami(extra('acme.io%2fx', 'y'))).user!.extra).toEqual({ 'acme.io/x': ['y'] })
    expect((await whoami(extra('plain', 'y'))).message).toContain('must be a domain-prefixed path')
    expect((await whoami(extra('acme.io%2fx', ''))).message).toContain('the empty string value in extra')
  })

  it('lets a pod be the node that it runs on, and no other', async () => {
    await server.client.create(nodes, { metadata: { name: 'home' } })
    await server.client.create(serviceAccounts, { metadata: { namespace: 'default', name: 'agent' } })
    await server.client.create(pods, {
      metadata: { namespace: 'default', name: 'agent' },
      spec: { nodeName: 'home', serviceAccountName: 'agent', containers: [{ name: 'c', image: 'i' }] },
    } as never)
    await grant(
      'system:serviceaccount:default:agent',
      allow('impersonate:associated-node', 'nodes', 'authentication.k8s.io'),
      allow('impersonate-on:associated-node:create', 'selfsubjectreviews', 'authentication.k8s.io'),
    )
    const token = await server.client.createSubresource<{ status: { token: string } }>(
      serviceAccounts,
      { namespace: 'default', name: 'agent' },
      'token',
      {
        spec: { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'agent' } },
      },
    )
    const authorization = `Bearer ${token.status.token}`
    const asNode = (name: string) => whoami(as({ authorization, 'Impersonate-User': `system:node:${name}` }, 'nobody'))
    expect((await asNode('home')).user).toEqual({
      username: 'system:node:home',
      groups: ['system:nodes', 'system:authenticated'],
    })
    expect((await asNode('away')).message).toContain('cannot impersonate-on:arbitrary-node:create')
  })

  it('in the older way needs a permission for each thing', async () => {
    await grant(
      'older',
      allow('impersonate', 'users', '', 'bob'),
      allow('impersonate', 'groups', '', 'a'),
      allow('impersonate', 'userextras/acme.io/x', 'authentication.k8s.io', 'y'),
      allow('impersonate', 'uids', 'authentication.k8s.io', '7'),
    )
    const older = server.issueClient('older')
    const user = { 'Impersonate-User': 'bob' }
    const all = { ...user, 'Impersonate-Group': 'a', 'Impersonate-Uid': '7', 'Impersonate-Extra-acme.io%2fx': 'y' }
    expect((await whoami(as(all, older))).user).toMatchObject({ username: 'bob', uid: '7' })
    const refused: Record<string, string | string[]>[] = [
      { 'Impersonate-Group': 'b' },
      { 'Impersonate-Group': ['a', 'system:masters'] },
      { 'Impersonate-Uid': '8' },
      { 'Impersonate-Extra-acme.io%2fx': ['y', 'z'] },
      { 'Impersonate-Extra-acme.io%2fy': 'y' },
    ]
    for (const more of refused)
      expect((await whoami(as({ ...user, ...more }, older))).code, JSON.stringify(more)).toBe(403)
  })
})
