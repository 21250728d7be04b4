import { connect } from 'node:tls'
import { expect, it } from 'vitest'
import { FakeClock } from '#base/fake-clock.ts'
import { silentLog } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import { startTestServer } from '#testing/test-server.ts'
import { startCertificateRenewal } from './certificate-renewal.ts'
import { ensurePki, type Pki, pkiInMemory } from './pki.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

it('what the server shows is renewed in time, without a restart', async () => {
  await using server = await startTestServer()
  const files = pkiInMemory()
  const madeMs = Date.UTC(2026, 0, 1)
  const pki = ensurePki(files, ['127.0.0.1'], new FakeClock(madeMs), systemRandom)
  const clock = new FakeClock(madeMs + 334 * DAY_MS)
  const shown = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false }, () => {
        resolve(socket.getPeerX509Certificate()!.toString())
        socket.destroy()
      })
      socket.on('error', reject)
    })
  const renewals: Pki[] = []
  const renewal = startCertificateRenewal({
    files,
    hosts: ['127.0.0.1'],
    pki,
    onRenewal(fresh) {
      renewals.push(fresh)
      server.apiServer.useCertificates(fresh)
    },
    clock,
    random: systemRandom,
    log: silentLog,
  })
  expect(await shown()).toBe(server.pki.serving.cert)
  await clock.advance(20 * HOUR_MS)
  expect(renewals).toEqual([])
  await clock.advance(2 * DAY_MS)
  expect(renewals).toHaveLength(1)
  expect(renewals[0]!.serving).not.toEqual(pki.serving)
  expect(await shown()).toBe(renewals[0]!.serving.cert)
  renewal.cancel()
})
