import { X509Certificate } from 'node:crypto'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { seededRandom, systemRandom } from './random.ts'
import { createAuthority, isCurrent, issueCertificate } from './x509.ts'

const nowMs = Date.now()
const common = { days: 10, nowMs, random: systemRandom }

describe('certificates', () => {
  it('chain to their authority and say what was asked', () => {
    const ca = createAuthority('test ca', common)
    const { cert } = issueCertificate(ca, {
      ...common,
      commonName: 'system:node:a, "b"',
      organizations: ['system:nodes', 'größe'],
      hosts: ['a.example', '10.0.0.1', 'fd00::1:2'],
      usages: ['client', 'server'],
    })
    const parsed = new X509Certificate(cert)
    expect(parsed.verify(new X509Certificate(ca.cert).publicKey)).toBe(true)
    expect(parsed.checkIssued(new X509Certificate(ca.cert))).toBe(true)
    expect(parsed.checkHost('a.example')).toBe('a.example')
    expect(parsed.checkIP('10.0.0.1')).toBe('10.0.0.1')
    expect(parsed.checkIP('fd00::1:2')).toBeDefined()
    expect(parsed.checkIP('10.0.0.2')).toBeUndefined()
    expect(parsed.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1'])
    expect(parsed.ca).toBe(false)
    expect(new X509Certificate(ca.cert).ca).toBe(true)
    const legacy = parsed.toLegacyObject().subject as unknown as { O: string[]; CN: string }
    expect(legacy).toMatchObject({ CN: 'system:node:a, "b"', O: ['system:nodes', 'größe'] })
  })

  it('are renewed in time and for new hosts', () => {
    const ca = createAuthority('test ca', common)
    const { cert } = issueCertificate(ca, { ...common, commonName: 'x', hosts: ['10.0.0.1'], usages: ['server'] })
    expect(isCurrent(cert, nowMs, 5, ['10.0.0.1'])).toBe(true)
    expect(isCurrent(cert, nowMs, 11)).toBe(false)
    expect(isCurrent(cert, nowMs, 5, ['10.0.0.1', '10.0.0.2'])).toBe(false)
  })

  it('last past 2049', () => {
    const ca = createAuthority('test ca', { days: 365 * 40, nowMs: Date.UTC(2026, 0, 1), random: seededRandom(1) })
    expect(new Date(new X509Certificate(ca.cert).validTo).getUTCFullYear()).toBe(2065)
  })

  it('serve mutual TLS', async () => {
    const ca = createAuthority('test ca', common)
    const server = issueCertificate(ca, { ...common, commonName: 's', hosts: ['127.0.0.1'], usages: ['server'] })
    const client = issueCertificate(ca, { ...common, commonName: 'c', organizations: ['g'], usages: ['client'] })
    const listener = createServer({ ...server, ca: ca.cert, requestCert: true }, (socket: TLSSocket) => {
      socket.end(String(socket.getPeerCertificate().subject.CN))
    })
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    const { port } = listener.address() as { port: number }
    const heard = await new Promise<string>((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', ca: ca.cert, ...client })
      socket.on('data', (data) => resolve(data.toString()))
      socket.on('error', reject)
    })
    listener.close()
    expect(heard).toBe('c')
  })
})
