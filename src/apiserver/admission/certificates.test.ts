import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { certificateSigningRequests, clusterRoleBindings, clusterRoles } from '#api/resources.ts'
import { createInProcessTransport } from '#apiserver/in-process-transport.ts'
import { createCertificateRequest } from '#base/certificate-request.ts'
import { systemClock } from '#base/clock.ts'
import { Client } from '#client/client.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { refusal } from '#testing/refusal.ts'

let cluster: InProcessApi
let alice: Client
beforeEach(async () => {
  cluster = await startInProcessApi()
  alice = new Client(createInProcessTransport(cluster.api, { name: 'alice', groups: [] }, systemClock))
})
afterEach(() => cluster.close())

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const signerName = 'example.com/signer'
const submit = (name: string, signer = signerName, organizations: string[] = []) =>
  cluster.client.create(certificateSigningRequests, {
    metadata: { name },
    spec: {
      request: Buffer.from(createCertificateRequest(key, { commonName: 'c', organizations })).toString('base64'),
      signerName: signer,
      usages: ['client auth'],
    },
  })
const csr = (resources: string[]) => ({
  apiGroups: ['certificates.k8s.io'],
  resources: resources.map((part) => `certificatesigningrequests${part}`),
  verbs: ['get', 'update', 'patch'],
})
const signers = (verb: string, name: string) => ({
  apiGroups: ['certificates.k8s.io'],
  resources: ['signers'],
  resourceNames: [name],
  verbs: [verb],
})
async function grant(name: string, rules: object[]) {
  await cluster.client.create(clusterRoles, { metadata: { name }, rules: rules as never })
  await cluster.client.create(clusterRoleBindings, {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'User', name: 'alice', apiGroup: 'rbac.authorization.k8s.io' }],
  })
}
const approval = { status: { conditions: [{ type: 'Approved', status: 'True', reason: 'r', message: 'm' }] } }
const approve = (name: string) =>
  alice.patch(certificateSigningRequests, { name }, approval, { subresource: 'approval' })

describe('CertificateApproval', () => {
  it('is for those who may approve for the signer', async () => {
    await submit('a')
    await grant('requests', [csr(['', '/approval'])])
    expect((await refusal(approve('a'))).message).toBe(
      'certificatesigningrequests.certificates.k8s.io "a" is forbidden: user not permitted to approve requests with signerName "example.com/signer"',
    )
    await grant('other', [signers('approve', 'example.com/other'), signers('sign', signerName)])
    await refusal(approve('a'))
    await grant('domain', [signers('approve', 'example.com/*')])
    expect((await approve('a')).status).toMatchObject(approval.status)
  })
})

describe('CertificateSigning', () => {
  const sign = (type: string) => {
    const status = { conditions: [{ type, status: 'True', reason: 'r', message: 'm' }] }
    return alice.patch(certificateSigningRequests, { name: 'a' }, { status }, { subresource: 'status' })
  }

  it('is for those who may sign for the signer', async () => {
    await submit('a')
    await grant('requests', [csr(['', '/status'])])
    expect((await refusal(sign('Failed'))).message).toBe(
      'certificatesigningrequests.certificates.k8s.io "a" is forbidden: user not permitted to sign requests with signerName "example.com/signer"',
    )
    await grant('signer', [signers('sign', signerName)])
    expect((await sign('Failed')).status!.conditions).toHaveLength(1)
  })
})

describe('CertificateSubjectRestriction', () => {
  it('keeps the group that may do everything for those who hold the key of the cluster', async () => {
    const err = await refusal(submit('a', 'kubernetes.io/kube-apiserver-client', ['system:masters']))
    expect(err.message).toBe(
      'certificatesigningrequests.certificates.k8s.io "a" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
    )
    await submit('b', 'kubernetes.io/kube-apiserver-client', ['others'])
    expect((await submit('c', signerName, ['system:masters'])).spec.signerName).toBe(signerName)
  })
})
