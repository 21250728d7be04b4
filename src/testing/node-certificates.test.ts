import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { certificateSigningRequests, nodes } from '#api/resources.ts'
import { systemClock } from '#base/clock.ts'
import { parseCertificate } from '#base/certificate.ts'
import { createCertificateRequest } from '#base/certificate-request.ts'
import { FakeClock } from '#base/fake-clock.ts'
import { silentLog } from '#base/log.ts'
import { seededRandom } from '#base/random.ts'
import { createAuthority, createKeys, issueCertificate, type KeyPair } from '#base/x509.ts'
import { createApprovingController } from '#controllers/certificates/approving-controller.ts'
import { createServingApprover } from '#controllers/certificates/serving-approver.ts'
import { createSigningController } from '#controllers/certificates/signing-controller.ts'
import { certificateFile } from '#kubelet/certificates/certificate-store.ts'
import { clientCertificateOf, servingCertificateOf } from '#kubelet/certificates/node-certificates.ts'
import { CertificateRefused, requestCertificate } from '#kubelet/certificates/request-certificate.ts'
import { RotatingCertificate, type RotationOptions } from '#kubelet/certificates/rotating-certificate.ts'
import { type KubeletServer, startKubeletServer } from '#kubelet/server/server.ts'
import { type InProcessApi, startInProcessApi } from './in-process-api.ts'

const HOUR_MS = 3_600_000
const random = seededRandom(1)
let dir: string
let cluster: InProcessApi
const stop = { controller: new AbortController() }
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rostrum-certificates-'))
  stop.controller = new AbortController()
})
afterEach(async () => {
  stop.controller.abort(new Error('the test is over'))
  await cluster?.close()
  rmSync(dir, { recursive: true, force: true })
})

const clientOf = (name: string, ...groups: string[]) =>
  cluster.clientFor({ name, groups: ['system:masters', ...groups] })

async function startSigning(clock: FakeClock, maxLifetimeMs: number): Promise<KeyPair> {
  cluster = await startInProcessApi({ clock })
  const authority = createAuthority('ca', { days: 365, nowMs: clock.now(), random })
  await createApprovingController().start(cluster)
  await createSigningController({ authority, maxLifetimeMs }).start(cluster)
  return authority
}

function rotating(more: Partial<RotationOptions> = {}) {
  const made: KeyPair[] = []
  const asked: (KeyPair | undefined)[] = []
  const rotation = new RotatingCertificate({
    ...clientCertificateOf('n1'),
    store: certificateFile(join(dir, 'client.pem')),
    client(current) {
      asked.push(current)
      return clientOf(current ? 'system:node:n1' : 'system:bootstrap:abcdef', 'system:nodes')
    },
    onCertificate: (pair) => void made.push(pair),
    clock: cluster.clock,
    random,
    log: silentLog,
    signal: stop.controller.signal,
    ...more,
  })
  return { rotation, made, asked }
}

describe('a node\u2019s client certificate', () => {
  it('is asked for with what there is, renewed in time, and found again', async () => {
    const clock = new FakeClock()
    await startSigning(clock, 10 * HOUR_MS)
    const { rotation, made, asked } = rotating()
    const first = await rotation.obtain()
    void rotation.run()
    expect(asked).toEqual([undefined])
    expect(parseCertificate(first.cert)).toMatchObject({
      subject: { commonName: 'system:node:n1', organizations: ['system:nodes'] },
      notAfterMs: clock.now() + 10 * HOUR_MS - 5 * 60_000,
    })
    await clock.advance(6.8 * HOUR_MS)
    expect(made).toHaveLength(1)
    await clock.advance(2.3 * HOUR_MS)
    await cluster.until(() => made.length === 2, [certificateSigningRequests])
    expect(asked[1]).toEqual(first)
    expect(made[1]!.key).not.toBe(first.key)
    expect(readFileSync(join(dir, 'client.pem'), 'utf8')).toBe(made[1]!.cert + made[1]!.key)
    expect(rotating().rotation.current).toEqual(made[1])
    const { items } = await cluster.client.list(certificateSigningRequests)
    expect(items.map(({ spec }) => spec.username).sort()).toEqual(['system:bootstrap:abcdef', 'system:node:n1'])
  })

  it('that has expired is asked for as if there were none', async () => {
    const clock = new FakeClock()
    await startSigning(clock, HOUR_MS)
    await rotating().rotation.obtain()
    await clock.advance(2 * HOUR_MS)
    const { rotation, asked } = rotating()
    expect(rotation.current).toBeUndefined()
    await rotation.obtain()
    expect(asked).toEqual([undefined])
    expect(rotation.current).toBeDefined()
  })

  it('is asked for again and again where that fails', async () => {
    const clock = new FakeClock()
    await startSigning(clock, HOUR_MS)
    let failures = 0
    const { rotation } = rotating({
      client() {
        if (failures++ < 3) throw new Error('there is no token')
        return clientOf('system:bootstrap:abcdef')
      },
    })
    const obtained = rotation.obtain()
    await clock.advance(220)
    expect(failures).toBe(2)
    await clock.advance(440)
    await clock.advance(880)
    await obtained
    expect(failures).toBe(4)
  })

  it('is not waited for where somebody has denied it', async () => {
    cluster = await startInProcessApi()
    const terms = { ...clientCertificateOf('n1'), request: '' }
    terms.request = createCertificateRequest(createKeys(), terms.subject)
    const asked = requestCertificate(cluster.client, terms, cluster.clock, stop.controller.signal)
    const refused = asked.catch((err: unknown) => err)
    const all = cluster.informers.for(certificateSigningRequests)
    const made = await cluster.until(() => all.list()[0], [certificateSigningRequests])
    const conditions = [{ type: 'Denied', status: 'True', reason: 'No', message: 'never' }]
    await cluster.client.update(
      certificateSigningRequests,
      { ...made, status: { conditions } as never },
      { subresource: 'approval' },
    )
    const error = await refused
    expect(error).toBeInstanceOf(CertificateRefused)
    expect((error as Error).message).toMatch('is denied, reason: No, message: never')
  })
})

describe('a kubelet\u2019s server', () => {
  let server: KubeletServer
  let authority: KeyPair
  afterEach(() => server.close())

  async function startServer() {
    cluster = await startInProcessApi()
    authority = createAuthority('ca', { days: 1, nowMs: systemClock.now(), random })
    const shown = createAuthority('n1', { days: 1, nowMs: systemClock.now(), random })
    server = await startKubeletServer({
      client: cluster.client,
      nodeName: 'n1',
      cri: undefined as never,
      tls: { ...shown, clientCa: authority.cert },
      listen: { address: '127.0.0.1', port: 0 },
      pods: () => [],
      pod: () => undefined,
      summary: () => Promise.reject(new Error('nothing is measured')),
      metrics: () => [],
      config: () => ({}),
      healthError: () => undefined,
      clock: cluster.clock,
      log: silentLog,
    })
  }
  const issue = (commonName: string, organizations: string[]) =>
    issueCertificate(authority, {
      commonName,
      organizations,
      usages: ['client'],
      days: 1,
      nowMs: systemClock.now(),
      random,
    })
  const ask = (path: string, identity: Partial<KeyPair> & { token?: string } = {}) =>
    new Promise<[number, string]>((resolve, reject) => {
      const { token, ...pair } = identity
      const headers = token ? { authorization: `Bearer ${token}` } : {}
      const options = { host: '127.0.0.1', port: server.port, path, headers, rejectUnauthorized: false, agent: false }
      get({ ...options, ...pair } as object, (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (part: string) => (text += part))
        answer.on('end', () => resolve([answer.statusCode!, text]))
      }).on('error', reject)
    })

  it('asks the API server whether somebody may use it', async () => {
    await startServer()
    expect(await ask('/healthz', issue('admin', ['system:masters']))).toEqual([200, 'ok'])
    expect(await ask('/pods', issue('ann', ['a']))).toEqual([
      403,
      'Forbidden (user=ann, verb=get, resource=nodes, subresource(s)=[pods proxy])\n',
    ])
    expect(await ask('/exec/a/b/c', issue('ann', ['a']))).toEqual([
      403,
      'Forbidden (user=ann, verb=get, resource=nodes, subresource(s)=[proxy])\n',
    ])
    expect(await ask('/healthz')).toEqual([401, 'Unauthorized\n'])
    expect(await ask('/healthz', { token: 'unknown' })).toEqual([401, 'Unauthorized\n'])
    const stranger = createAuthority('kube-apiserver-kubelet-client', { days: 1, nowMs: systemClock.now(), random })
    expect(await ask('/healthz', stranger)).toEqual([401, 'Unauthorized\n'])
  })

  it('gets its serving certificate by showing the key, and shows it from then on', async () => {
    await startServer()
    await createSigningController({ authority }).start(cluster)
    await createServingApprover({ reservedNames: [], reservedDomains: [], reservedNetworks: [] }).start(cluster)
    const rotation = new RotatingCertificate({
      ...servingCertificateOf('n1', ['127.0.0.1']),
      store: certificateFile(join(dir, 'serving.pem')),
      client: () => clientOf('system:node:n1', 'system:nodes'),
      onCertificate: (pair) => server.useCertificate(pair),
      onPendingKey: (pair) => server.proveKey(pair),
      clock: cluster.clock,
      random,
      log: silentLog,
      signal: stop.controller.signal,
    })
    const obtained = rotation.obtain()
    await cluster.client.create(nodes, {
      metadata: { name: 'n1' },
      status: {
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port: server.port } },
      },
    } as never)
    const { cert } = await obtained
    const seen = await new Promise<X509Certificate>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: server.port, ca: authority.cert }, () => {
        resolve(socket.getPeerX509Certificate()!)
        socket.destroy()
      })
      socket.on('error', reject)
    })
    expect(seen.fingerprint256).toBe(new X509Certificate(cert).fingerprint256)
    expect(seen.checkIP('127.0.0.1')).toBe('127.0.0.1')
    expect(seen.checkHost('n1')).toBe('n1')
  })
})
