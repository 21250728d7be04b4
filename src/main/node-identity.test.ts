import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { certificateSigningRequests, nodes, secrets, selfSubjectReviews } from '#api/resources.ts'
import { parseCertificate } from '#base/certificate.ts'
import { systemClock } from '#base/clock.ts'
import { silentLog } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import { CliError } from '#cli/cli-error.ts'
import { Client } from '#client/client.ts'
import { parseKubeconfig } from '#client/kubeconfig.ts'
import { keyHash } from '#kubelet/certificates/cluster-discovery.ts'
import { refusal } from '#testing/refusal.ts'
import { createToken, deleteToken, listTokens } from './bootstrap-tokens.ts'
import { Cluster } from './cluster.ts'
import { hasIdentity, establishIdentity, type NodeIdentityOptions } from './node-identity.ts'
import { issueNodeCertificates } from './pki.ts'
import { createAuthority } from '#base/x509.ts'

let cluster: Cluster
let ca: string
let token: string
let dir: string
let stop: AbortController
beforeAll(async () => {
  cluster = await Cluster.start()
  const data = [...parseKubeconfig(cluster.kubeconfig).clusters.values()][0]!['certificate-authority-data']!
  ca = Buffer.from(data, 'base64').toString()
  token = await createToken(cluster.client, { lifetimeMs: 60_000, description: 'test' }, systemClock, systemRandom)
})
afterAll(() => cluster.close())
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rostrum-node-'))
  stop = new AbortController()
})
afterEach(() => {
  stop.abort(new Error('the test is over'))
  rmSync(dir, { recursive: true, force: true })
})

const joinAs = (nodeName: string, how: Partial<NodeIdentityOptions>) =>
  establishIdentity({
    server: cluster.url,
    nodeName,
    dir: join(dir, 'pki'),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    signal: stop.signal,
    ...how,
  })

describe('a machine that joins', () => {
  it('needs the address, a token and a digest, and afterwards nothing', async () => {
    const { transport, ca: trusted } = await joinAs('n1', { token, caHash: keyHash(ca) })
    expect(trusted).toBe(ca)
    const { status } = await new Client(transport).create(selfSubjectReviews, { metadata: {} } as never)
    expect(status!.userInfo).toMatchObject({
      username: 'system:node:n1',
      groups: ['system:nodes', 'system:authenticated'],
    })
    transport.close()
    for (const name of ['kubelet-client-current.pem', 'ca.crt'])
      expect(statSync(join(dir, 'pki', name)).mode & 0o777).toBe(0o600)
    expect(hasIdentity({ dir: join(dir, 'pki'), nodeName: 'n1', ca }, systemClock)).toBe(true)
    const requests = (await cluster.client.list(certificateSigningRequests)).items.length
    const again = await joinAs('n1', {})
    again.transport.close()
    expect((await cluster.client.list(certificateSigningRequests)).items).toHaveLength(requests)
  })

  it('believes nobody who lacks the key or the token', async () => {
    const other = keyHash(createAuthority('x', { days: 1, nowMs: systemClock.now(), random: systemRandom }).cert)
    await expect(joinAs('n', { token, caHash: other })).rejects.toThrow('does not have the key with this digest')
    const wrong = `${token.split('.')[0]}.0123456789abcdef`
    await expect(joinAs('n', { token: wrong, caHash: keyHash(ca) })).rejects.toThrow(
      'what the cluster says of itself is not signed with this bootstrap token',
    )
    await expect(joinAs('n', { token })).rejects.toMatchObject({ reason: 'usage' })
    await expect(joinAs('n', { caHash: keyHash(ca) })).rejects.toBeInstanceOf(CliError)
  })

  it('is a node, and may do what its own work needs', async () => {
    const { transport } = await joinAs('n2', { token, caHash: keyHash(ca) })
    const client = new Client(transport)
    await client.create(nodes, { metadata: { name: 'n2' } })
    expect((await refusal(client.create(nodes, { metadata: { name: 'n3' } }))).message).toBe(
      'nodes "n3" is forbidden: node "n2" is not allowed to modify node "n3"',
    )
    expect((await refusal(client.list(secrets, { namespace: 'kube-system' }))).reason).toBe('Forbidden')
    // What the service proxy needs.
    await client.list(nodes)
    transport.close()
  })

  it('may begin with credentials that were made for it', async () => {
    // Signed by an authority that the cluster knows nothing of.
    const authority = createAuthority('other', { days: 1, nowMs: systemClock.now(), random: systemRandom })
    const { client } = issueNodeCertificates(authority, 'n4', [], systemClock, systemRandom)
    for (const [name, text] of [
      ['ca.crt', authority.cert],
      ['client.crt', client.cert],
      ['client.key', client.key],
    ] as const)
      writeFileSync(join(dir, name), text)
    const { transport } = await joinAs('n4', { credentials: dir })
    transport.close()
    expect(parseCertificate(readFileSync(join(dir, 'pki/kubelet-client-current.pem'), 'utf8')).subject.commonName).toBe(
      'system:node:n4',
    )
    writeFileSync(join(dir, 'client.key'), authority.key)
    await expect(joinAs('n4', { credentials: dir })).rejects.toThrow('is no certificate for the key')
  })
})

it('tokens are listed while they are good, and removed', async () => {
  const made = await createToken(cluster.client, { lifetimeMs: 0, description: 'for ever' }, systemClock, systemRandom)
  const good = await listTokens(cluster.client, systemClock)
  expect(good).toContainEqual({ token: made, description: 'for ever', usages: ['authentication', 'signing'] })
  expect(good).toContainEqual(expect.objectContaining({ token, description: 'test', expires: expect.any(String) }))
  await deleteToken(cluster.client, made)
  expect((await listTokens(cluster.client, systemClock)).map((one) => one.token)).not.toContain(made)
})
