import { X509Certificate } from 'node:crypto'
import { createSecureContext, createServer, type SecureContext, type Server } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import type { CertificateSigningRequest } from '#api/certificates/v1.ts'
import type { Node } from '#api/core/v1/node.ts'
import { certificateSigningRequests, nodes } from '#api/resources.ts'
import { systemClock } from '#base/clock.ts'
import { type AlternativeNames, noNames } from '#base/alternative-names.ts'
import { parseCertificate } from '#base/certificate.ts'
import { createCertificateRequest, parseCertificateRequest } from '#base/certificate-request.ts'
import { FakeClock } from '#base/fake-clock.ts'
import { parseCidr } from '#base/ip.ts'
import { pemBlocks } from '#base/pem.ts'
import { seededRandom } from '#base/random.ts'
import { createAuthority, createKeys, isIssuedBy, issueCertificate, privatePem, signCertificate } from '#base/x509.ts'
import type { Client } from '#client/client.ts'
import { SERVING_KEY_PROOF } from '#contracts/kubelet/serving-key-proof.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { refusal } from '#testing/refusal.ts'
import { createApprovingController, recognize } from './approving-controller.ts'
import { createRequestCleaner, reasonToRemove } from './request-cleaner.ts'
import { createServingApprover } from './serving-approver.ts'
import { judgeServingRequest, type ServingLimits } from './serving-rules.ts'
import { API_SERVER_CLIENT, KUBELET_CLIENT, KUBELET_SERVING, signerRules } from './signers.ts'
import { createSigningController } from './signing-controller.ts'
import { planSigning } from './signing-plan.ts'

const random = seededRandom(1)
const HOUR_MS = 3_600_000
const authority = createAuthority('test ca', { days: 30, nowMs: systemClock.now(), random })

const request = (
  commonName: string,
  organizations: string[],
  names: Partial<AlternativeNames> = {},
  keys = createKeys(),
) => createCertificateRequest(keys, { commonName, organizations }, { ...noNames, ...names })
const parsed = (pem: string) => parseCertificateRequest(pemBlocks(pem)[0]!.bytes)
const base64 = (text: string) => Buffer.from(text).toString('base64')
const ofNode = (names: Partial<AlternativeNames> = {}) => request('system:node:n1', ['system:nodes'], names)
const CLIENT = ['digital signature', 'client auth']
const SERVING = ['digital signature', 'server auth']

describe('the rules of the signers', () => {
  const problem = (signer: string, pem: string, usages: string[]) => signerRules[signer]!(parsed(pem), usages)
  const address = { ipAddresses: ['10.0.0.1'] }

  it.each([
    [API_SERVER_CLIENT, request('ann', ['a', 'b'], { uris: ['x:y'] }), ['client auth'], undefined],
    [
      API_SERVER_CLIENT,
      request('ann', []),
      ['digital signature'],
      'missing required usage for client certificate: client auth',
    ],
    [API_SERVER_CLIENT, request('ann', []), ['client auth', 'any'], 'invalid usage for client certificate: any'],
    [KUBELET_CLIENT, ofNode(), CLIENT, undefined],
    [KUBELET_CLIENT, ofNode(), [...CLIENT, 'key encipherment'], undefined],
    [
      KUBELET_CLIENT,
      ofNode(),
      ['client auth'],
      'usages did not match [client auth digital signature key encipherment]',
    ],
    [
      KUBELET_CLIENT,
      ofNode(),
      [...CLIENT, 'server auth'],
      'usages did not match [client auth digital signature key encipherment]',
    ],
    [KUBELET_CLIENT, ofNode({ dnsNames: ['a'] }), CLIENT, 'DNS subjectAltNames are not allowed'],
    [KUBELET_CLIENT, ofNode({ emailAddresses: ['a'] }), CLIENT, 'Email subjectAltNames are not allowed'],
    [KUBELET_CLIENT, ofNode(address), CLIENT, 'IP subjectAltNames are not allowed'],
    [KUBELET_CLIENT, ofNode({ uris: ['a:b'] }), CLIENT, 'URI subjectAltNames are not allowed'],
    [KUBELET_CLIENT, request('n1', ['system:nodes']), CLIENT, 'subject common name does not begin with system:node:'],
    [
      KUBELET_CLIENT,
      request('system:node:n1', ['system:nodes', 'system:masters']),
      CLIENT,
      'subject organization is not system:nodes',
    ],
    [KUBELET_SERVING, ofNode(address), SERVING, undefined],
    [KUBELET_SERVING, ofNode({ dnsNames: ['n1'] }), [...SERVING, 'key encipherment'], undefined],
    [KUBELET_SERVING, ofNode(), SERVING, 'DNS or IP subjectAltName is required'],
    [KUBELET_SERVING, ofNode({ ...address, uris: ['a:b'] }), SERVING, 'URI subjectAltNames are not allowed'],
    [KUBELET_SERVING, ofNode(address), CLIENT, 'usages did not match [digital signature key encipherment server auth]'],
  ])('%s', (signer, pem, usages, expected) => expect(problem(signer, pem, usages)).toBe(expected))
})

const object = (spec: Partial<CertificateSigningRequest['spec']>, status: object = {}, createdMs = 0) =>
  ({
    metadata: { name: 'r', creationTimestamp: new Date(createdMs).toISOString() },
    spec: { request: base64(ofNode()), signerName: KUBELET_CLIENT, usages: CLIENT, ...spec },
    status,
  }) as unknown as CertificateSigningRequest
const approved = { conditions: [{ type: 'Approved', status: 'True', lastUpdateTime: '2026-01-01T00:00:00Z' }] }

describe('the lifetime of what is signed', () => {
  const nowMs = Date.UTC(2026, 0, 1)
  const lifetime = (expirationSeconds: number | undefined, maxLifetimeMs: number, authorityNotAfterMs = Infinity) => {
    const plan = planSigning(object({ expirationSeconds }, approved), { nowMs, maxLifetimeMs, authorityNotAfterMs })
    if (plan.kind !== 'sign') throw new Error(plan.kind)
    return [(nowMs - plan.content.notBeforeMs) / 60_000, (plan.content.notAfterMs - nowMs) / 60_000]
  }

  it.each([
    ['what the server allows, where nothing is asked for', undefined, 24 * HOUR_MS, [5, 24 * 60 - 5]],
    ['what is asked for', 3600, 24 * HOUR_MS, [5, 60]],
    ['no more than what the server allows', 86_400 * 2, 24 * HOUR_MS, [5, 24 * 60 - 5]],
    ['ten minutes at least', 60, HOUR_MS, [5, 10]],
    ['less only where the server allows less', 3600, 60_000, [0.5, 1]],
    ['less there also where nothing is asked for', undefined, 60_000, [0.5, 1]],
  ])('is %s', (_what, seconds, maxMs, minutes) => expect(lifetime(seconds, maxMs)).toEqual(minutes))

  it('ends with the authority', () => {
    expect(lifetime(undefined, HOUR_MS, nowMs + 1000)).toEqual([5, 1 / 60])
    expect(() => lifetime(undefined, HOUR_MS, nowMs)).toThrow('refusing to sign a certificate that expired')
  })
})

describe('old requests', () => {
  const nowMs = Date.UTC(2026, 0, 10)
  const at = (agoMs: number) => new Date(nowMs - agoMs).toISOString()
  const condition = (type: string, agoMs: number) => ({ type, status: 'True', lastUpdateTime: at(agoMs) })
  const certificate = (untilMs: number) =>
    base64(
      signCertificate(authority, random, {
        ...parsed(ofNode()),
        keyUsages: [],
        purposes: [],
        notBeforeMs: 0,
        notAfterMs: untilMs,
      }),
    )
  const later = certificate(nowMs + HOUR_MS)

  it.each([
    [
      'issued',
      { conditions: [condition('Approved', 61 * 60_000)], certificate: later },
      'its certificate was issued long ago',
    ],
    ['issued lately', { conditions: [condition('Approved', 59 * 60_000)], certificate: later }, undefined],
    [
      'expired',
      { conditions: [condition('Approved', 60_000)], certificate: certificate(nowMs - 1000) },
      'its certificate has expired',
    ],
    ['denied', { conditions: [condition('Denied', 2 * HOUR_MS)] }, 'it was denied long ago'],
    ['failed', { conditions: [condition('Failed', 2 * HOUR_MS)] }, 'it failed long ago'],
    ['pending', {}, 'nobody decided upon it'],
    ['unsigned', { conditions: [condition('Approved', 25 * HOUR_MS)] }, 'nobody signed it'],
    ['still unsigned', { conditions: [condition('Approved', 23 * HOUR_MS)] }, undefined],
    ['with a condition of its own', { conditions: [condition('Other', 25 * HOUR_MS)] }, undefined],
  ])('%s', (_what, status, why) => expect(reasonToRemove(object({}, status, nowMs - 25 * HOUR_MS), nowMs)).toBe(why))
})

describe('a request for a serving certificate', () => {
  const limits: ServingLimits = {
    reservedNames: ['kubernetes.default'],
    reservedDomains: ['svc', 'cluster.local'],
    reservedNetworks: [parseCidr('10.96.0.0/16'), parseCidr('10.244.0.0/16')],
  }
  const node = (name: string, ...addresses: string[]) =>
    ({
      metadata: { name },
      status: {
        addresses: addresses.map((address) => ({ type: 'InternalIP', address })),
        daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      },
    }) as unknown as Node
  const judge = (
    names: Partial<AlternativeNames>,
    {
      name = 'n1',
      user = `system:node:${name}`,
      groups = ['system:nodes'],
      all = [node(name, '192.0.2.1', 'fd00:0::1')],
    }: { name?: string; user?: string; groups?: string[]; all?: Node[] } = {},
  ) => {
    const pem = request(`system:node:${name}`, ['system:nodes'], names)
    const spec = { request: base64(pem), signerName: KUBELET_SERVING, usages: SERVING, username: user, groups }
    return judgeServingRequest(object(spec), parsed(pem), all, limits)
  }
  const address = { ipAddresses: ['192.0.2.1'] }

  it('of a node for its own name and addresses is left to be proven', () => {
    const names = { dnsNames: ['n1'], ipAddresses: ['192.0.2.1', 'fd00::1'] }
    expect(judge(names)).toEqual({ addresses: ['192.0.2.1', 'fd00::1'], port: 10250 })
  })

  it.each([
    ['of somebody else', address, { user: 'system:node:n2' }, 'the requester is not the node that it is for'],
    ['of no node', address, { groups: [] }, 'the requester is not the node that it is for'],
    ['before the node is there', address, { all: [] }, 'node "n1" has not said where its kubelet listens'],
    ['for a name alone', { dnsNames: ['n1'] }, {}, 'it has no address'],
    ['for another name', { ...address, dnsNames: ['n2'] }, {}, '"n2" is not the name of the node'],
    ['for another address', { ipAddresses: ['192.0.2.2'] }, {}, '192.0.2.2 is not an address of the node'],
    [
      'for an address that two claim',
      address,
      { all: [node('n1', '192.0.2.1'), node('n2', '::ffff:192.0.2.1', '192.0.2.1')] },
      'another node has the address 192.0.2.1 too',
    ],
    [
      'for the address of a Service',
      { ipAddresses: ['10.96.0.1'] },
      { all: [node('n1', '10.96.0.1')] },
      '10.96.0.1 is an address of Services or pods',
    ],
    [
      'of a node that is called as the API server is',
      { ...address, dnsNames: ['kubernetes.default.svc'] },
      { name: 'kubernetes.default.svc' },
      '"kubernetes.default.svc" is the name of something else',
    ],
    [
      'for more names than a node has',
      { ipAddresses: Array.from({ length: 17 }, (_, i) => `192.0.2.${i}`) },
      {},
      'it has too many names',
    ],
  ])('%s is not approved', (_what, names, who, why) => expect(judge(names, who)).toBe(why))
})

describe('certificate controllers', () => {
  let cluster: InProcessApi
  let listener: Server | undefined
  afterEach(async () => {
    listener?.close()
    listener = undefined
    await cluster.close()
  })
  const clientOf = (name: string, ...groups: string[]) =>
    cluster.clientFor({ name, groups: ['system:masters', ...groups] })
  const submit = (client: Client, name: string, pem: string, signerName: string, usages: string[]) =>
    client.create(certificateSigningRequests, {
      metadata: { name },
      spec: { request: base64(pem), signerName, usages },
    } as never)
  const until = (name: string, test: (request: CertificateSigningRequest) => unknown) => {
    const informer = cluster.informers.for(certificateSigningRequests)
    return cluster.until(() => {
      const found = informer.get(undefined, name)
      return found && test(found) ? found : undefined
    }, [certificateSigningRequests])
  }
  const certificateOf = ({ status }: CertificateSigningRequest) => Buffer.from(status.certificate!, 'base64').toString()

  it('give a joining kubelet its client certificate', async () => {
    cluster = await startInProcessApi()
    await createApprovingController().start(cluster)
    await createSigningController({ authority }).start(cluster)
    await submit(clientOf('system:bootstrap:abcdef'), 'join', ofNode(), KUBELET_CLIENT, CLIENT)
    const issued = await until('join', ({ status }) => status.certificate)
    expect(issued.spec.username).toBe('system:bootstrap:abcdef')
    expect(issued.status.conditions).toMatchObject([
      {
        type: 'Approved',
        status: 'True',
        reason: 'AutoApproved',
        message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
      },
    ])
    const cert = certificateOf(issued)
    expect(isIssuedBy(cert, authority.cert)).toBe(true)
    expect(parseCertificate(cert).subject).toEqual({ commonName: 'system:node:n1', organizations: ['system:nodes'] })
    expect(new X509Certificate(cert).keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  })

  it('tell a node that renews from one that joins', () => {
    const of = (username: string) =>
      recognize(object({ username }), parsed(ofNode())).map(({ permission }) => permission)
    expect(of('system:node:n1')).toEqual(['selfnodeclient', 'nodeclient'])
    expect(of('system:node:n2')).toEqual(['nodeclient'])
    expect(recognize(object({ usages: ['any'] }), parsed(ofNode()))).toEqual([])
  })

  it('sign what was approved by hand, and mark what breaks the rules', async () => {
    cluster = await startInProcessApi()
    await createApprovingController().start(cluster)
    await createSigningController({ authority }).start(cluster)
    const ann = clientOf('ann')
    for (const [name, usages] of [
      ['good', ['client auth']],
      ['bad', ['client auth', 'server auth']],
    ] as const) {
      const made = await submit(ann, name, request('ann', ['team']), API_SERVER_CLIENT, [...usages])
      expect(made.spec).toMatchObject({ username: 'ann', groups: ['system:masters'] })
      const conditions = [{ type: 'Approved', status: 'True', reason: 'ByHand' }]
      const approved = await cluster.client.update(
        certificateSigningRequests,
        { ...made, metadata: { ...made.metadata, annotations: { by: 'hand' } }, status: { conditions } as never },
        { subresource: 'approval' },
      )
      expect(approved.metadata.annotations).toEqual({ by: 'hand' })
    }
    expect(parseCertificate(certificateOf(await until('good', ({ status }) => status.certificate))).subject).toEqual({
      commonName: 'ann',
      organizations: ['team'],
    })
    const failed = await until('bad', ({ status }) => status.conditions?.length === 2)
    expect(failed.status.conditions![1]).toMatchObject({
      type: 'Failed',
      status: 'True',
      reason: 'SignerValidationFailure',
      message: 'invalid usage for client certificate: server auth',
    })
    expect(failed.status.certificate).toBeUndefined()
  })

  it('find a decision where it was made: none is taken back', async () => {
    cluster = await startInProcessApi()
    const made = await submit(clientOf('ann'), 'decided', request('ann', []), API_SERVER_CLIENT, ['client auth'])
    const decide = (conditions: object[]) =>
      cluster.client.update(
        certificateSigningRequests,
        { ...made, metadata: { ...made.metadata, resourceVersion: '' }, status: { conditions } as never },
        { subresource: 'approval' },
      )
    await decide([{ type: 'Denied', status: 'True', reason: 'No' }])
    expect((await refusal(decide([]))).message).toBe(
      'CertificateSigningRequest.certificates.k8s.io "decided" is invalid: status.conditions: Forbidden: updates may not remove a condition of type "Denied"',
    )
    const slash = submit(clientOf('ann'), 'a/b', request('ann', []), API_SERVER_CLIENT, ['client auth'])
    expect((await refusal(slash)).message).toMatch('metadata.name: Invalid value: "a/b": may not contain \'/\'')
  })

  it('approve a serving certificate once its node shows the key at its address', async () => {
    cluster = await startInProcessApi()
    await createServingApprover({ reservedNames: [], reservedDomains: [], reservedNetworks: [] }).start(cluster)
    const keys = createKeys()
    const pem = request('system:node:n1', ['system:nodes'], { ipAddresses: ['127.0.0.1'] }, keys)
    const validity = { days: 1, nowMs: systemClock.now(), random }
    const proof = createAuthority('proof', validity, keys)
    const other = issueCertificate(authority, { ...validity, commonName: 'n1', usages: ['server'] })
    // Somebody answers there, at first without the key: the approver keeps looking for a while.
    const asked: string[] = []
    const SNICallback = (name: string, done: (err: null, context: SecureContext) => void) => {
      asked.push(name)
      const shown = asked.length < 2 ? other : { cert: proof.cert, key: privatePem(keys.privateKey) }
      done(null, createSecureContext(shown))
    }
    listener = createServer({ SNICallback: SNICallback as never }, (socket) => socket.on('error', () => {}))
    listener.on('tlsClientError', () => {})
    await new Promise<void>((resolve) => listener!.listen(0, '127.0.0.1', resolve))
    const { port } = listener.address() as { port: number }
    await cluster.client.create(nodes, {
      metadata: { name: 'n1' },
      status: {
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port: port } },
      },
    } as never)
    const node = clientOf('system:node:n1', 'system:nodes')
    await submit(node, 'serving', pem, KUBELET_SERVING, SERVING)
    const done = await until('serving', ({ status }) => status.conditions?.length === 1)
    expect(done.status.conditions![0]).toMatchObject({ type: 'Approved', reason: 'AutoApproved' })
    expect(asked).toEqual([SERVING_KEY_PROOF, SERVING_KEY_PROOF])
  })

  it('remove what is no longer needed, every hour', async () => {
    const clock = new FakeClock()
    cluster = await startInProcessApi({ clock })
    await submit(cluster.client, 'old', request('ann', []), API_SERVER_CLIENT, ['client auth'])
    await createRequestCleaner().start(cluster)
    await cluster.informers.for(certificateSigningRequests).synced()
    await clock.advance(23 * HOUR_MS)
    await submit(cluster.client, 'new', request('ann', []), API_SERVER_CLIENT, ['client auth'])
    await clock.advance(2 * HOUR_MS)
    await cluster.until(
      () => cluster.informers.for(certificateSigningRequests).list().length === 1,
      [certificateSigningRequests],
    )
    expect(cluster.informers.for(certificateSigningRequests).list()[0]!.metadata.name).toBe('new')
  })
})
