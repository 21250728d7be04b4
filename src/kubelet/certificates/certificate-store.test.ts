import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { seededRandom } from '#base/random.ts'
import { createAuthority, issueCertificate } from '#base/x509.ts'
import { certificateFile, pairIn, signedBy } from './certificate-store.ts'

const random = seededRandom(1)
let dir: string
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'rostrum-certificates-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

describe('a certificate on disk', () => {
  const authority = createAuthority('ca', { days: 1, nowMs: systemClock.now(), random })
  const issue = () =>
    issueCertificate(authority, { commonName: 'x', usages: ['client'], days: 1, nowMs: systemClock.now(), random })

  it('is one file with its key, for its owner only', () => {
    const path = join(dir, 'deep', 'client.pem')
    const store = certificateFile(path)
    expect(store.read()).toBeUndefined()
    const pair = issue()
    store.write(pair)
    expect(store.read()).toEqual(pair)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(dir, 'deep')).mode & 0o777).toBe(0o700)
  })

  it('counts only where the right authority has signed it', () => {
    const store = certificateFile(join(dir, 'x.pem'))
    store.write(issue())
    const other = createAuthority('ca', { days: 1, nowMs: systemClock.now(), random })
    expect(signedBy(store, authority.cert).read()).toEqual(store.read())
    expect(signedBy(store, other.cert).read()).toBeUndefined()
  })

  it('that is damaged or mixed up is as good as none', () => {
    const [one, two] = [issue(), issue()]
    expect(pairIn(one.cert + two.key)).toBeUndefined()
    expect(pairIn(one.cert)).toBeUndefined()
    expect(pairIn(one.key)).toBeUndefined()
    expect(pairIn(`${one.cert.slice(0, 300)}\n${one.key}`)).toBeUndefined()
    const path = join(dir, 'x.pem')
    writeFileSync(path, 'nonsense')
    expect(certificateFile(path).read()).toBeUndefined()
  })
})
