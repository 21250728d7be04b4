import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseCertificate } from '#base/certificate.ts'
import { FakeClock } from '#base/fake-clock.ts'
import { seededRandom } from '#base/random.ts'
import { isIssuedBy } from '#base/x509.ts'
import { ensurePki, pkiDirectory, pkiInMemory } from './pki.ts'

const DAY_MS = 86_400_000
const random = seededRandom(1)

describe('the keys of a cluster', () => {
  it('are there from the first start, for their owner only', () => {
    const dir = mkdtempSync(join(tmpdir(), 'rostrum-pki-'))
    try {
      const made = ensurePki(pkiDirectory(join(dir, 'pki')), ['10.0.0.1'], new FakeClock(), random)
      expect(statSync(join(dir, 'pki')).mode & 0o777).toBe(0o700)
      expect(statSync(join(dir, 'pki', 'front-proxy-client.key')).mode & 0o777).toBe(0o600)
      const read = ensurePki(pkiDirectory(join(dir, 'pki')), ['10.0.0.1'], new FakeClock(), random)
      expect({ ...read, signingKey: undefined }).toEqual({ ...made, signingKey: undefined })
      expect(read.signingKey.keyId).toBe(made.signingKey.keyId)
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  it('say who they are for, and who trusts them', () => {
    const pki = ensurePki(pkiInMemory(), ['10.0.0.1', 'kubernetes'], new FakeClock(), random)
    for (const { cert } of [pki.serving, pki.kubeletClient, pki.admin])
      expect(isIssuedBy(cert, pki.authority.cert)).toBe(true)
    expect(isIssuedBy(pki.frontProxy.client.cert, pki.frontProxy.authority.cert)).toBe(true)
    expect(isIssuedBy(pki.frontProxy.client.cert, pki.authority.cert)).toBe(false)
    expect(parseCertificate(pki.serving.cert).names).toMatchObject({
      dnsNames: ['kubernetes'],
      ipAddresses: ['10.0.0.1'],
    })
    const subjectOf = ({ cert }: { cert: string }) => parseCertificate(cert).subject
    expect(subjectOf(pki.admin)).toEqual({ commonName: 'kubernetes-admin', organizations: ['system:masters'] })
    expect(subjectOf(pki.frontProxy.client)).toEqual({ commonName: 'front-proxy-client', organizations: [] })
  })

  it('are renewed a month before they expire, for new names, and with their authority', async () => {
    const clock = new FakeClock()
    const files = pkiInMemory()
    const ensure = (hosts: string[]) => ensurePki(files, hosts, clock, random)
    const first = ensure(['10.0.0.1'])
    expect(ensure(['10.0.0.1']).admin).toEqual(first.admin)
    const moved = ensure(['10.0.0.1', '10.0.0.2'])
    expect(moved.serving).not.toEqual(first.serving)
    expect(moved.admin).toEqual(first.admin)

    await clock.advance(336 * DAY_MS)
    const later = ensure(['10.0.0.1'])
    expect(later.authority).toEqual(first.authority)
    expect(parseCertificate(later.admin.cert).notAfterMs).toBe(clock.now() + 365 * DAY_MS)
    expect(later.kubeletClient).not.toEqual(first.kubeletClient)

    files.write('ca.crt', '')
    const another = ensure(['10.0.0.1'])
    expect(isIssuedBy(another.admin.cert, another.authority.cert)).toBe(true)
    expect(another.frontProxy).toEqual(later.frontProxy)
  })
})
