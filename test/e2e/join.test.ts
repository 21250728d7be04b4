/** How a node gets its certificates, renews them while it works, and finds back when it has lost them. */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseCertificate } from '#base/certificate.ts'
import { eventually, isRoot, WholeCluster } from './whole-cluster.ts'

/** Long enough for a slow machine to renew in the last fifth of it. */
const LIFETIME_S = 25

describe.skipIf(!isRoot)('a node', () => {
  const cluster = new WholeCluster('join')
  const agentDir = () => join(cluster.dataDir, 'join', 'nodes', 'join-0', 'agent')
  const fileOf = (which: 'client' | 'server') => join(agentDir(), 'pki', `kubelet-${which}-current.pem`)
  const certificateOf = (which: 'client' | 'server') => parseCertificate(readFileSync(fileOf(which), 'utf8'))
  const requests = async () =>
    (JSON.parse(await cluster.ask('get csr -o json')).items as any[]).map(({ spec, status }) => ({
      user: spec.username as string,
      signer: spec.signerName.replace('kubernetes.io/', '') as string,
      isIssued: Boolean(status.certificate),
    }))
  const isReady = async () =>
    (await cluster.object('node join-0')).status.conditions.some(
      (c: { type: string; status: string }) => c.type === 'Ready' && c.status === 'True',
    )

  beforeAll(async () => {
    await cluster.up('--cluster-signing-duration', `${LIFETIME_S}s`)
    await cluster.rostrum(
      'image from-host',
      'rostrum.test/sh:1',
      '/bin/sh',
      '/bin/sleep',
      '/bin/echo',
      '--entrypoint',
      '/bin/sh',
    )
  })
  afterAll(() => cluster.down())

  it('joins with a token that is gone afterwards, and is a node and no more', async () => {
    const all = await requests()
    expect(all).toContainEqual({
      user: expect.stringMatching(/^system:bootstrap:/),
      signer: 'kube-apiserver-client-kubelet',
      isIssued: true,
    })
    expect(all).toContainEqual({ user: 'system:node:join-0', signer: 'kubelet-serving', isIssued: true })
    expect(JSON.parse(await cluster.ask('get secrets -n kube-system -o json')).items).toEqual([])
    expect(certificateOf('client').subject).toEqual({
      commonName: 'system:node:join-0',
      organizations: ['system:nodes'],
    })
    for (const which of ['client', 'server'] as const) expect(statSync(fileOf(which)).mode & 0o777).toBe(0o600)
    const asNode = ['--as', 'system:node:join-0', '--as-group', 'system:nodes']
    expect((await cluster.kubectl(['auth', 'can-i', 'get', 'secrets', '-A', ...asNode])).stdout).toMatch(/^no\b/)
    const drain = await cluster.kubectl(['taint', 'node', 'join-0', 'a=b:NoExecute', ...asNode])
    expect(drain.stderr).toContain('node "join-0" is not allowed to modify taints')
    expect(await cluster.ask('get csr')).toMatch(
      /^NAME +AGE +SIGNERNAME +REQUESTOR +REQUESTEDDURATION +CONDITION\n(csr-\w+ .* Approved,Issued\n)+$/,
    )
  })

  it('renews both certificates while pods run and streams flow', async () => {
    const first = { client: certificateOf('client'), server: certificateOf('server') }
    const agent = cluster.pid('join-0-agent')
    await cluster.apply(`
apiVersion: v1
kind: Pod
metadata: { name: talker }
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: rostrum.test/sh:1
    imagePullPolicy: Never
    args: ["-c", "while :; do echo tick; sleep 1; done"]
`)
    await eventually(
      'the pod to run',
      () => cluster.object('pod talker'),
      (pod) => pod.status.phase === 'Running',
    )
    const following = cluster.kubectl('logs -f talker', { timeoutMs: (LIFETIME_S + 5) * 1000 })
    for (const which of ['client', 'server'] as const)
      await eventually(
        `the ${which} certificate to be renewed`,
        async () => certificateOf(which).notAfterMs,
        (notAfterMs) => notAfterMs > first[which].notAfterMs,
      )
    await eventually(
      'the first certificates to have expired',
      async () => Date.now(),
      (now) => now > Math.max(first.client.notAfterMs, first.server.notAfterMs),
    )
    expect(await cluster.ask('exec talker -- echo still')).toBe('still\n')
    expect(await cluster.ask('logs talker --tail=1')).toBe('tick\n')
    expect(await isReady()).toBe(true)
    expect(cluster.pid('join-0-agent')).toBe(agent)
    expect((await requests()).filter(({ user }) => user.startsWith('system:bootstrap:'))).toHaveLength(1)
    expect((await following).stdout.split('\n').length).toBeGreaterThan(LIFETIME_S / 2)
    await cluster.ask('delete pod talker --now')
  })

  it('finds back with a new token when it has lost everything', async () => {
    const before = cluster.pid('join-0-agent')
    rmSync(join(agentDir(), 'pki'), { recursive: true })
    process.kill(before, 'SIGKILL')
    await eventually(
      'the agent to say what it lacks',
      async () => cluster.logs(),
      (logs) => logs.includes('no bootstrap token to get one with'),
    )
    const { stdout } = await cluster.rostrum('token create', '--ttl', '5m')
    mkdirSync(agentDir(), { recursive: true })
    writeFileSync(join(agentDir(), 'bootstrap-token'), stdout, { mode: 0o600 })
    await eventually(
      'the node to have its certificates again',
      async () => [certificateOf('client'), certificateOf('server')].length,
      () => true,
    )
    await eventually('the node to be Ready', isReady, (ready) => ready)
    expect(await cluster.ask('get --raw /api/v1/nodes/join-0/proxy/healthz')).toBe('ok')
    expect(await cluster.ask('get --raw /api/v1/nodes/join-0/proxy/pods')).toContain('PodList')
    const [id] = stdout.trim().split('.')
    expect((await cluster.rostrum('token list')).stdout).toContain(stdout.trim())
    await cluster.rostrum('token delete', id!)
    expect((await cluster.rostrum('token list')).stdout).toBe('')
  })

  it('does not get what a person has denied', async () => {
    const csr = (name: string, approval: 'approve' | 'deny') => cluster.kubectl(['certificate', approval, name])
    await cluster.apply(
      ['one', 'two']
        .map(
          (name) => `
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: { name: ${name} }
spec:
  request: ${REQUEST}
  signerName: kubernetes.io/kube-apiserver-client
  usages: [client auth]
`,
        )
        .join('---'),
    )
    expect((await csr('one', 'approve')).stdout).toContain('certificatesigningrequest.certificates.k8s.io/one approved')
    expect((await csr('two', 'deny')).stdout).toContain('certificatesigningrequest.certificates.k8s.io/two denied')
    const conditionOf = async (name: string) =>
      (await cluster.ask(`get csr ${name} --no-headers`))
        .trim()
        .split(/\s{2,}/)
        .at(-1)
    await eventually(
      'the certificate',
      () => conditionOf('one'),
      (condition) => condition === 'Approved,Issued',
    )
    expect(await conditionOf('two')).toBe('Denied')
    const described = await cluster.ask('describe csr one')
    expect(described).toMatch(/^Requesting User: +kubernetes-admin$/m)
    expect(described).toMatch(/^ +Common Name: +ann$/m)
  })
})

/** For `CN=ann`, with a key that is nobody's any more. */
const REQUEST =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlISU1IQUNBUUF3RGpFTU1Bb0dBMVVFQXd3RFlXNXVNRmt3RXdZSEtvWkl6ajBDQVFZSUtvWkl6ajBEQVFjRApRZ0FFWC9Ub0RzbDhkRFVHekxSWVlydmoxdmM3VlBIM29pVnBzRXNGWVRMUXI0YVVVUTdMT2lEZGxDZ2hBSFRBCm1SSnRkVmlnSnhUbzBqTEoxNVNFTDVoWXNhQUFNQW9HQ0NxR1NNNDlCQU1DQTBnQU1FVUNJQ0NFeWRFa2s2MmMKakRNSG1LbWg0SWU2alh2aXpPMWZYMjF6b0pQUFFVbGVBaUVBbmNtWWExMUY5dDRxZldmU2paZER5aWhvWmJZYgpnQldWaDdhU1psaDBTTk09Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo='
