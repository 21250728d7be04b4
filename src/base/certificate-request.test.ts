import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { noNames } from './alternative-names.ts'
import { parseCertificate } from './certificate.ts'
import { createCertificateRequest, parseCertificateRequest } from './certificate-request.ts'
import { DerError } from './der-reader.ts'
import { pemBlocks } from './pem.ts'
import { systemRandom } from './random.ts'
import { createAuthority, createKeys, isIssuedBy, signCertificate } from './x509.ts'

/** Made with OpenSSL 3.0: the same names, each with a key of another type. */
const foreign = {
  Ed25519: `-----BEGIN CERTIFICATE REQUEST-----
MIIBRzCB+gIBADBgMQswCQYDVQQGEwJERTEVMBMGA1UEChMMc3lzdGVtOm5vZGVz
MQ0wCwYDVQQLEwR1bml0MSswKQYDVQQDHiIAcwB5AHMAdABlAG0AOgBuAG8AZABl
ADoAZwByAPYA3wBlMCowBQYDK2VwAyEA0WWJiu1yXEroIWxb2r+Ao3bl5t99ErsO
lRFSM8IC4NOgZzBlBgkqhkiG9w0BCQ4xWDBWMEcGA1UdEQRAMD6CCWEuZXhhbXBs
ZYcECgAAAYcQ/QAAAAAAAAAAAAAAAAAAAYELYUBiLmV4YW1wbGWGDHNwaWZmZTov
L3gveTALBgNVHQ8EBAMCB4AwBQYDK2VwA0EAnrvCoDE0pel+ruSHdlmtWnhXvPzz
8l9P9L/p3Q5U6bKbVHOpmQfqMqeK8eMQawvZ0IKrffiFwzAhybqzcPI9Dg==
-----END CERTIFICATE REQUEST-----
`,
  'ECDSA P-384': `-----BEGIN CERTIFICATE REQUEST-----
MIIBwTCCAUYCAQAwYDELMAkGA1UEBhMCREUxFTATBgNVBAoTDHN5c3RlbTpub2Rl
czENMAsGA1UECxMEdW5pdDErMCkGA1UEAx4iAHMAeQBzAHQAZQBtADoAbgBvAGQA
ZQA6AGcAcgD2AN8AZTB2MBAGByqGSM49AgEGBSuBBAAiA2IABPyjofvbA7AEmMV/
Vb/t3Uj/Pcryso3wpFSmxF8ntu6x8SarrqkfLweDc9MagTMyISJyZ5B7XrXwOD6U
k3FJyVgf9VUeZjdtx/1vGBiBegpPsOd3Rf2PUsIEEX80JcUW4KBnMGUGCSqGSIb3
DQEJDjFYMFYwRwYDVR0RBEAwPoIJYS5leGFtcGxlhwQKAAABhxD9AAAAAAAAAAAA
AAAAAAABgQthQGIuZXhhbXBsZYYMc3BpZmZlOi8veC95MAsGA1UdDwQEAwIHgDAK
BggqhkjOPQQDAgNpADBmAjEApBG0icTOX0jcQglbmoqSxRCVw/lTXZ+rfRWRzUro
Ltodg3pdmAwDlGPfcUAEGqpfAjEAg4VimiXrozE/jvk2aPV06OTJlj8T/fBdnzFX
dT7ojtPeEEf+2JBG1ChP04fiF0oZ
-----END CERTIFICATE REQUEST-----
`,
  RSA: `-----BEGIN CERTIFICATE REQUEST-----
MIIDDDCCAfQCAQAwYDELMAkGA1UEBhMCREUxFTATBgNVBAoTDHN5c3RlbTpub2Rl
czENMAsGA1UECxMEdW5pdDErMCkGA1UEAx4iAHMAeQBzAHQAZQBtADoAbgBvAGQA
ZQA6AGcAcgD2AN8AZTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAL+2
fRLJulxYbUgHWeMNyrvNKG8w9KeScj9Cuj7KGHMGMEbxdFIqXQrs9S1fva4JmSvY
8z6DvnGP7Kl7Dpm0Ta6VoGUotJj3cJ5mq/Tm/VIVfCSEJ7KvLufRkotkDCE7PDOf
RxlUgaG5ZWI20cUnOBVuK59tYbftYDn5+l0n+5d86fj+seGCPPd7Xkgs7HZt+eC+
6DzuBuls01XuUcd88j/NBYF5jon42tdX37GGSkTUqrfe62J6uscbEPcm9a7jk5ye
3ok8Twegzc1vWWGTALPnt8QDGF1x2bjMgRjADyRL5hc0svbIGNetxIbMT85jxxcQ
elpVcL334NpFzmPnwZECAwEAAaBnMGUGCSqGSIb3DQEJDjFYMFYwRwYDVR0RBEAw
PoIJYS5leGFtcGxlhwQKAAABhxD9AAAAAAAAAAAAAAAAAAABgQthQGIuZXhhbXBs
ZYYMc3BpZmZlOi8veC95MAsGA1UdDwQEAwIHgDANBgkqhkiG9w0BAQsFAAOCAQEA
NmXsz+ZFY0/z7s6MiT/jw3tn9pBLhb9xaEUaQJU8v4QTo2E+NWu/2UoAQfIT+uqG
B9xhGUoQQEseRub4nFz1G32C4ujrb6ovHmGrFURziWZHPzz3jBdBQLVc4ObScNVA
C4q6Ai1JUd3267Kl0EPBzuZXaWT/ud7XuyYNiXwIPxeQgVNRq739HcgchMCEqQNR
85EIxSTMezFXBH0VI4stjHQ6VlEi3vRZOK5MCtmIZ3Yrw7o283PFUeTIM8dkitKq
7yspvgG2UcvskVYRjYmBGwAcYqfaneQ2atbt/YXpvKC1E4oZ/37K3BnVQFIe+uhS
EMAFCrFdcomk1Hb4BJIjKA==
-----END CERTIFICATE REQUEST-----
`,
  'RSA-PSS': `-----BEGIN CERTIFICATE REQUEST-----
MIIDQDCCAfQCAQAwYDELMAkGA1UEBhMCREUxFTATBgNVBAoTDHN5c3RlbTpub2Rl
czENMAsGA1UECxMEdW5pdDErMCkGA1UEAx4iAHMAeQBzAHQAZQBtADoAbgBvAGQA
ZQA6AGcAcgD2AN8AZTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAL+2
fRLJulxYbUgHWeMNyrvNKG8w9KeScj9Cuj7KGHMGMEbxdFIqXQrs9S1fva4JmSvY
8z6DvnGP7Kl7Dpm0Ta6VoGUotJj3cJ5mq/Tm/VIVfCSEJ7KvLufRkotkDCE7PDOf
RxlUgaG5ZWI20cUnOBVuK59tYbftYDn5+l0n+5d86fj+seGCPPd7Xkgs7HZt+eC+
6DzuBuls01XuUcd88j/NBYF5jon42tdX37GGSkTUqrfe62J6uscbEPcm9a7jk5ye
3ok8Twegzc1vWWGTALPnt8QDGF1x2bjMgRjADyRL5hc0svbIGNetxIbMT85jxxcQ
elpVcL334NpFzmPnwZECAwEAAaBnMGUGCSqGSIb3DQEJDjFYMFYwRwYDVR0RBEAw
PoIJYS5leGFtcGxlhwQKAAABhxD9AAAAAAAAAAAAAAAAAAABgQthQGIuZXhhbXBs
ZYYMc3BpZmZlOi8veC95MAsGA1UdDwQEAwIHgDBBBgkqhkiG9w0BAQowNKAPMA0G
CWCGSAFlAwQCAgUAoRwwGgYJKoZIhvcNAQEIMA0GCWCGSAFlAwQCAgUAogMCATAD
ggEBAJpxZLU/ryx6rakTVetesgK2jFXx5TFQ/AYte4d7Bp4U88pX07lc8LBmkLRn
AfkRK5KUkpJB3rMIkjW+6Bxo52SfKX5r+gtu+VW85gNuGAnbsXzPW0RJTnnS0qQk
94s0LI7lGXUekKeNiFLeEiDFFaYCrwzvzpnjkRbd2QV6qbynj6yuv8I6U1OQKGhm
cNUS5UsaULwVfYnj77JZiubE5NLpRuzXnrKt44kBarx8KeZVheEnqD25LX90swdi
uXLopSQ06XPlQCkQdJt3ZKpWROaRJo8qckq5q7XEoOWhSprNSh8DNSUY2/e5A5dV
6g52dAmhalituUdLA4kRhXymGlE=
-----END CERTIFICATE REQUEST-----
`,
}

const der = (pem: string) => pemBlocks(pem)[0]!.bytes
const subject = { commonName: 'system:node:n', organizations: ['system:nodes'] }

describe('requests for certificates', () => {
  it.each(Object.entries(foreign))('are read as others make them, with a key of type %s', (_type, pem) => {
    const request = parseCertificateRequest(der(pem))
    expect(request.signatureProblem).toBeUndefined()
    expect(request.subject).toEqual({
      commonName: 'system:node:größe',
      organizations: ['system:nodes'],
      others: [
        ['country', 'DE'],
        ['organizationalUnit', 'unit'],
      ],
    })
    expect(request.names).toEqual({
      dnsNames: ['a.example'],
      ipAddresses: ['10.0.0.1', 'fd00::1'],
      emailAddresses: ['a@b.example'],
      uris: ['spiffe://x/y'],
    })
  })

  it.each([
    ['rsa', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['ec', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['ec 384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['ec 521', generateKeyPairSync('ec', { namedCurve: 'P-521' })],
    ['ed25519', generateKeyPairSync('ed25519')],
  ] as const)('are made for keys of type %s, and signed with the names that they ask for', (_type, key) => {
    const names = { ...noNames, dnsNames: ['n'], ipAddresses: ['10.0.0.1', 'fd00::1'] }
    const request = parseCertificateRequest(der(createCertificateRequest(key, subject, names)))
    expect(request).toMatchObject({ subject, names, signatureProblem: undefined })
    const validity = { days: 1, nowMs: Date.now(), random: systemRandom }
    const authority = createAuthority('test ca', validity)
    const cert = signCertificate(authority, systemRandom, {
      ...request,
      keyUsages: ['digitalSignature', 'decipherOnly'],
      purposes: ['serverAuth'],
      notBeforeMs: 1_700_000_000_000,
      notAfterMs: 1_800_000_000_000,
    })
    expect(isIssuedBy(cert, authority.cert)).toBe(true)
    const read = parseCertificate(cert)
    expect(read).toMatchObject({ subject, names, notBeforeMs: 1_700_000_000_000, notAfterMs: 1_800_000_000_000 })
    expect(read.publicKey.equals(key.publicKey)).toBe(true)
    const parsed = new X509Certificate(cert)
    expect(parsed.ca).toBe(false)
    expect(parsed.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
    expect(parsed.checkIP('10.0.0.1')).toBe('10.0.0.1')
  })

  it('are found out when their sender lacks the key', () => {
    for (const key of [
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
      generateKeyPairSync('ed25519'),
      createKeys(),
    ]) {
      const thief = generateKeyPairSync(
        key.publicKey.asymmetricKeyType as 'rsa',
        {
          modulusLength: 2048,
          namedCurve: 'P-256',
        } as never,
      ) as unknown as typeof key
      const pem = createCertificateRequest({ publicKey: key.publicKey, privateKey: thief.privateKey }, subject)
      expect(parseCertificateRequest(der(pem)).signatureProblem).toMatch(/verification (error|failure)$/)
    }
    const mixed = { publicKey: createKeys().publicKey, privateKey: generateKeyPairSync('ed25519').privateKey }
    expect(parseCertificateRequest(der(createCertificateRequest(mixed, subject))).signatureProblem).toMatch(
      /specifies an Ed25519 public key, but have public key of type \*ecdsa.PublicKey$/,
    )
    const weak = generateKeyPairSync('rsa', { modulusLength: 512 })
    expect(parseCertificateRequest(der(createCertificateRequest(weak, subject))).signatureProblem).toMatch(
      /^crypto\/rsa: 512-bit keys are insecure/,
    )
  })

  it('are refused for keys and names that no certificate is given for', () => {
    const curve = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
    expect(() => parseCertificateRequest(der(createCertificateRequest(curve, subject)))).toThrow(
      'unsupported elliptic curve',
    )
    const dsa = createPublicKey(generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'pem' }))
    const pem = createCertificateRequest({ publicKey: dsa, privateKey: createKeys().privateKey }, subject)
    expect(() => parseCertificateRequest(der(pem))).toThrow('unknown public key algorithm')
    const misleading = createCertificateRequest(createKeys(), subject, { ...noNames, dnsNames: ['a\0.example'] })
    expect(() => parseCertificateRequest(der(misleading))).toThrow('SAN dNSName is malformed')
  })

  it('write an address in one way', () => {
    const mapped = createCertificateRequest(createKeys(), subject, { ...noNames, ipAddresses: ['::ffff:10.0.0.1'] })
    expect(parseCertificateRequest(der(mapped)).names.ipAddresses).toEqual(['10.0.0.1'])
  })

  it('that are damaged are refused, never misread into another error', () => {
    const bytes = der(foreign.RSA)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(bytes.length), (at, flip, end) => {
        const damaged = Buffer.from(bytes.subarray(0, end))
        if (at < damaged.length) damaged[at]! ^= flip
        try {
          expect(parseCertificateRequest(damaged).signatureProblem).toBeDefined()
        } catch (err) {
          expect(err).toBeInstanceOf(DerError)
        }
      }),
      { numRuns: 500 },
    )
  })
})
