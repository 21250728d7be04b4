/** The API server talks to kubelets that it can tell apart from others, and to nobody else in their place. */
import { createServer, type Server } from 'node:https'
import { afterEach, expect, it } from 'vitest'
import { nodes, pods } from '#api/resources.ts'
import { systemClock } from '#base/clock.ts'
import { systemRandom } from '#base/random.ts'
import { createAuthority, issueCertificate, type KeyPair } from '#base/x509.ts'
import { startTestServer, type TestServer } from './test-server.ts'

const validity = { days: 1, nowMs: systemClock.now(), random: systemRandom }
let server: TestServer
let kubelet: Server
afterEach(async () => {
  kubelet.closeAllConnections()
  kubelet.close()
  await server.close()
})

/** A kubelet that shows `identity`, and says who asks it, and a pod on its node. */
async function startKubelet(identity: (authority: KeyPair) => KeyPair): Promise<void> {
  server = await startTestServer()
  const { authority } = server.pki
  kubelet = createServer({ ...identity(authority), ca: authority.cert, requestCert: true }, (req, res) => {
    res.end(
      (req.socket as unknown as { getPeerCertificate(): { subject: { CN: string } } }).getPeerCertificate().subject.CN,
    )
  })
  await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve))
  const { port: Port } = kubelet.address() as { port: number }
  await server.client.create(nodes, {
    metadata: { name: 'n1' },
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port } },
    },
  } as never)
  const containers = [{ name: 'c', image: 'i' }]
  await server.client.create(pods, {
    metadata: { name: 'p', namespace: 'default' },
    spec: { nodeName: 'n1', containers },
  } as never)
}
const logs = async () => {
  const answer = await server.fetch('/api/v1/namespaces/default/pods/p/log')
  return { code: answer.status, text: await answer.text() }
}
const serving = (authority: KeyPair, hosts: string[]) =>
  issueCertificate(authority, { ...validity, commonName: 'system:node:n1', usages: ['server'], hosts })

it('a kubelet with a certificate for its address is asked, and told who asks', async () => {
  await startKubelet((authority) => serving(authority, ['127.0.0.1']))
  expect(await logs()).toEqual({ code: 200, text: 'kube-apiserver-kubelet-client' })
})

it.each([
  ['of an authority of its own', () => serving(createAuthority('other', validity), ['127.0.0.1'])],
  ['that signs itself', () => createAuthority('127.0.0.1', validity)],
  ['for another address', (authority: KeyPair) => serving(authority, ['127.0.0.2', 'n1'])],
])('a kubelet with a certificate %s is not', async (_what, identity) => {
  await startKubelet(identity)
  const { code, text } = await logs()
  expect(code).toBeGreaterThanOrEqual(500)
  expect(JSON.parse(text)).toMatchObject({ kind: 'Status', status: 'Failure' })
  expect(text).not.toContain('kube-apiserver-kubelet-client')
})
