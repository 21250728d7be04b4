/**
 * Removes certificate requests that nobody needs any more, which would pile up where certificates are renewed often.
 * Upstream: `csrcleaner`.
 */
import type { CertificateSigningRequest } from '#api/certificates/v1.ts'
import { certificateSigningRequests } from '#api/resources.ts'
import { parseCertificate } from '#base/certificate.ts'
import { every } from '#base/clock.ts'
import { DerError } from '#base/der-reader.ts'
import { messageOf } from '#base/errors.ts'
import { isStatus } from '#machinery/status-error.ts'
import type { Controller, ControllerContext } from '../controller.ts'

const HOUR_MS = 3_600_000
const PERIOD_MS = HOUR_MS
const DECIDED_MS = HOUR_MS
const UNDECIDED_MS = 24 * HOUR_MS

export const createRequestCleaner = (): Controller => ({
  name: 'certificatesigningrequest-cleaner-controller',
  async start(context) {
    const { clock, informers, log, signal } = context
    const requests = informers.for(certificateSigningRequests)
    const clean = () =>
      cleanUp(context, requests.list()).catch((thrown: unknown) => {
        if (!signal.aborted) log.warn({ reason: messageOf(thrown) }, 'cannot remove old certificate requests')
      })
    const first = () => {
      if (signal.aborted) return
      void clean()
      const timer = every(clock, PERIOD_MS, () => void clean())
      signal.addEventListener('abort', () => timer.cancel(), { once: true })
    }
    requests.synced(signal).then(first, () => {})
  },
})

async function cleanUp({ client, clock, log, signal }: ControllerContext, all: readonly CertificateSigningRequest[]) {
  for (const request of all) {
    const why = reasonToRemove(request, clock.now())
    if (why === undefined) continue
    const { name, uid } = request.metadata
    log.info({ request: name, why }, 'removing a certificate request')
    try {
      await client.delete(certificateSigningRequests, { name }, { preconditions: { uid } }, { signal })
    } catch (err) {
      if (!isStatus(err, 'NotFound', 'Conflict')) throw err
    }
  }
}

/** Why a request has outlived its use; undefined while it has not. Pure. */
export function reasonToRemove({ metadata, status }: CertificateSigningRequest, nowMs: number): string | undefined {
  const isOlder = (time: string | undefined, ms: number) => time !== undefined && nowMs - Date.parse(time) > ms
  const since = (type: string, ms: number) =>
    status.conditions?.some((condition) => condition.type === type && isOlder(condition.lastUpdateTime, ms)) === true
  if (status.certificate && since('Approved', DECIDED_MS)) return 'its certificate was issued long ago'
  if (since('Denied', DECIDED_MS)) return 'it was denied long ago'
  if (since('Failed', DECIDED_MS)) return 'it failed long ago'
  if (!status.conditions?.length && isOlder(metadata.creationTimestamp, UNDECIDED_MS)) return 'nobody decided upon it'
  if (!status.certificate && since('Approved', UNDECIDED_MS)) return 'nobody signed it'
  const isApproved = status.conditions?.some(({ type }) => type === 'Approved') === true
  return isApproved && status.certificate && hasExpired(status.certificate, nowMs)
    ? 'its certificate has expired'
    : undefined
}

function hasExpired(certificate: string, nowMs: number): boolean {
  try {
    return nowMs > parseCertificate(Buffer.from(certificate, 'base64').toString()).notAfterMs
  } catch (err) {
    if (err instanceof DerError) return false
    throw err
  }
}
