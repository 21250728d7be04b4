/**
 * Who tries to do more than they may, with the roles that they have; and a cluster with something in it to be had. One
 * server for all attempts: what is refused changes nothing.
 */
import type { ClusterRole, ClusterRoleBinding, PolicyRule, RoleBinding, Subject } from '#api/rbac/v1.ts'
import {
  certificateSigningRequests,
  clusterRoleBindings,
  clusterRoles,
  configMaps,
  nodes,
  persistentVolumes,
  pods,
  roleBindings,
  secrets,
  serviceAccounts,
} from '#api/resources.ts'
import { createCertificateRequest } from '#base/certificate-request.ts'
import { createKeys, type KeyPair } from '#base/x509.ts'
import { createClusterRoleAggregationController } from '#controllers/rbac/cluster-role-aggregation.ts'
import { type SentAs, startTestServer, type TestServer } from '../test-server.ts'
import { allow, allowUrls } from '#apiserver/authz/policy/rule.ts'

const GROUP = 'rbac.authorization.k8s.io'
export const roleRef = (kind: string, name: string) => ({ apiGroup: GROUP, kind, name })
export const toUser = (name: string): Subject => ({ kind: 'User', apiGroup: GROUP, name })

/** What each holds, cluster-wide. */
const held: Readonly<Record<string, readonly PolicyRule[]>> = {
  eve: [],
  'role-writer': [allow('create get update patch delete list', '*', GROUP), allow('get', 'configmaps')],
  binder: [
    allow('create update patch', 'rolebindings clusterrolebindings', GROUP),
    allow('bind', 'clusterroles', GROUP, 'view'),
  ],
  escalator: [
    allow('create update patch get', 'clusterroles roles', GROUP),
    allow('escalate', 'clusterroles', GROUP, 'mine'),
  ],
  'role-updater': [
    allow('get update patch', 'clusterroles roles clusterrolebindings rolebindings leases', [
      GROUP,
      'coordination.k8s.io',
    ]),
  ],
  named: [
    allow('get list watch update patch delete create deletecollection', 'secrets', '', 'open'),
    allow('get', 'pods/log', '', 'web'),
  ],
  starless: [allow('get list', 'pods services configmaps secrets/x')],
  'sub-reader': [allow('get', '*/log */status')],
  'pod-creator': [allow('create get', 'pods')],
  'pod-reader': [allow('get list watch', 'pods')],
  'exec-reader': [allow('get', 'pods/exec pods/attach pods/portforward')],
  impersonator: [allow('impersonate', 'users', '', 'bob')],
  'group-impersonator': [allow('impersonate', 'users groups', '', 'bob dev')],
  'account-impersonator': [allow('impersonate', 'serviceaccounts', '', 'robot')],
  constrained: [
    allow('impersonate:user-info', 'users groups', 'authentication.k8s.io'),
    allow('impersonate-on:user-info:get', 'configmaps'),
  ],
  'node-impersonator': [
    allow('impersonate:associated-node', 'nodes', 'authentication.k8s.io'),
    allow('impersonate-on:associated-node:get', 'secrets'),
  ],
  'token-maker': [allow('create', 'serviceaccounts/token', '', 'robot'), allow('get', 'serviceaccounts')],
  reviewer: [allow('create', 'tokenreviews', 'authentication.k8s.io')],
  'csr-maker': [allow('create get list watch', 'certificatesigningrequests', 'certificates.k8s.io')],
  'csr-approver': [
    allow('get list watch', 'certificatesigningrequests', 'certificates.k8s.io'),
    allow('update patch', 'certificatesigningrequests/approval', 'certificates.k8s.io'),
    allow('approve', 'signers', 'certificates.k8s.io', 'example.com/mine'),
  ],
  'csr-signer': [
    allow('get list watch', 'certificatesigningrequests', 'certificates.k8s.io'),
    allow('update patch', 'certificatesigningrequests/status', 'certificates.k8s.io'),
    allow('sign', 'signers', 'certificates.k8s.io', 'example.com/mine'),
  ],
  'path-reader': [allowUrls('get', '/custom/* /healthz/ping')],
  'status-writer': [allow('get patch update', 'pods/status nodes/status')],
}

/** What each holds in the namespace team-a alone. */
const heldInTeam: Readonly<Record<string, string>> = { viewer: 'view', dev: 'edit', lead: 'admin' }

export interface Cast {
  readonly server: TestServer
  as(who: string): SentAs
  /** Bearer tokens, by what is special about them. */
  readonly tokens: Readonly<Record<string, string>>
  /** Base64 of a request for a certificate. */
  request(commonName: string, organizations: readonly string[]): string
  close(): Promise<void>
}

export async function assembleCast(): Promise<Cast> {
  const server = await startTestServer({ controllers: [createClusterRoleAggregationController()] })
  const { client, informers } = server
  for (const [name, rules] of Object.entries(held)) {
    const metadata = { name: `test:${name}` }
    await client.create(clusterRoles, { metadata, rules: [...rules] } as ClusterRole)
    const subjects = [toUser(name)]
    await client.create(clusterRoleBindings, {
      metadata,
      roleRef: roleRef('ClusterRole', metadata.name),
      subjects,
    } as ClusterRoleBinding)
  }
  for (const name of ['team-a', 'team-b']) await server.createNamespace(name)
  for (const [name, role] of Object.entries(heldInTeam)) {
    const metadata = { namespace: 'team-a', name }
    await client.create(roleBindings, {
      metadata,
      roleRef: roleRef('ClusterRole', role),
      subjects: [toUser(name)],
    } as RoleBinding)
  }
  await rolesFilled(informers)
  const tokens = await fill(server)
  const certificates = new Map<string, KeyPair>()
  const as = (who: string): SentAs => {
    if (who === 'nobody') return 'nobody'
    const [name = '', ...groups] = who.split(' in ')
    const known = certificates.get(who) ?? server.issueClient(name, groups)
    certificates.set(who, known)
    return known
  }
  return { server, as, tokens, request, close: () => server.close() }
}

function request(commonName: string, organizations: readonly string[]): string {
  return Buffer.from(createCertificateRequest(createKeys(), { commonName, organizations })).toString('base64')
}

function rolesFilled(informers: TestServer['informers']): Promise<void> {
  const all = informers.for(clusterRoles)
  return new Promise((resolve) => {
    const check = () => {
      const isFull = ['view', 'edit', 'admin'].every((name) => (all.get(undefined, name)?.rules?.length ?? 0) > 10)
      if (isFull) resolve()
    }
    all.handle({ added: check, updated: check })
  })
}

/** Makes what there is to be had. Returns tokens. */
async function fill({ client, pki }: TestServer): Promise<Record<string, string>> {
  for (const namespace of ['team-a', 'team-b', 'kube-system']) {
    for (const name of ['open', 'closed'])
      await client.create(secrets, { metadata: { namespace, name }, stringData: { key: 'value' } } as never)
    await client.create(configMaps, { metadata: { namespace, name: 'settings' }, data: { a: 'b' } })
  }
  for (const [namespace, name] of [
    ['team-a', 'robot'],
    ['team-a', 'other'],
    ['team-b', 'robot'],
    ['kube-system', 'default'],
  ] as const)
    await client.create(serviceAccounts, { metadata: { namespace, name } })
  await client.create(clusterRoleBindings, {
    metadata: { name: 'test:robot' },
    roleRef: roleRef('ClusterRole', 'test:pod-reader'),
    subjects: [{ kind: 'ServiceAccount', namespace: 'team-a', name: 'robot' }],
  } as ClusterRoleBinding)
  for (const name of ['n1', 'n2']) await client.create(nodes, { metadata: { name } })
  const run = (namespace: string, name: string, nodeName: string, more: object = {}) =>
    client.create(pods, {
      metadata: { namespace, name },
      spec: { nodeName, containers: [{ name: 'c', image: 'i' }], ...more },
    } as never)
  await run('team-a', 'web', 'n1', { serviceAccountName: 'robot', imagePullSecrets: [{ name: 'open' }] })
  await run('team-b', 'web', 'n2', {
    serviceAccountName: 'robot',
    volumes: [
      { name: 's', secret: { secretName: 'closed' } },
      { name: 'c', persistentVolumeClaim: { claimName: 'claim' } },
    ],
  })
  await run('team-a', 'gone', 'n1', { serviceAccountName: 'robot' })
  await client.create(persistentVolumes, {
    metadata: { name: 'volume' },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      claimRef: { namespace: 'team-b', name: 'claim' },
      hostPath: { path: '/x' },
    },
  } as never)
  await client.create(certificateSigningRequests, {
    metadata: { name: 'pending' },
    spec: {
      signerName: 'kubernetes.io/kube-apiserver-client',
      usages: ['client auth'],
      request: request('somebody', []),
    },
  } as never)
  const issue = async (name: string, spec: object = {}, namespace = 'team-a') => {
    const key = { namespace, name }
    const answer = await client.createSubresource<{ status: { token: string } }>(serviceAccounts, key, 'token', {
      spec,
    })
    return answer.status.token
  }
  const robot = await issue('robot')
  const [header = '', payload = '', signature = ''] = robot.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const admin = { ...claims, sub: 'system:serviceaccount:kube-system:default' }
  const tokens = {
    robot,
    'for another audience': await issue('robot', { audiences: ['vault'] }),
    'of a pod that is gone': await issue('robot', { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'gone' } }),
    'of an account that is gone': await issue('other'),
    'changed after signing': `${header}.${encode(admin)}.${signature}`,
    'without a signature': `${encode({ alg: 'none', typ: 'JWT' })}.${payload}.`,
    'signed by nothing': `${encode({ alg: 'none', kid: JSON.parse(Buffer.from(header, 'base64url').toString()).kid })}.${payload}.${signature}`,
    // The public key is known to everybody: it must not be taken for a shared secret.
    'signed with the public key': await signedWithPublicKey(
      pki.signingKey.publicKey.export({ type: 'spki', format: 'pem' }) as string,
      admin,
    ),
    'of another cluster': await foreignToken(admin),
  }
  await client.delete(pods, { namespace: 'team-a', name: 'gone' }, { gracePeriodSeconds: 0 })
  await client.delete(serviceAccounts, { namespace: 'team-a', name: 'other' })
  return tokens
}

async function signedWithPublicKey(pem: string, claims: Record<string, unknown>): Promise<string> {
  const { SignJWT } = await import('jose')
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(pem))
}

async function foreignToken(claims: Record<string, unknown>): Promise<string> {
  const { SignJWT } = await import('jose')
  return new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(createKeys().privateKey)
}
