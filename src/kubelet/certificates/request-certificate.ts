/** Asks the API for a certificate and waits until somebody has signed it. Upstream: `client-go/util/certificate/csr`. */
import type { CertificateSigningRequest } from '#api/certificates/v1.ts'
import { certificateSigningRequests } from '#api/resources.ts'
import type { Clock } from '#base/clock.ts'
import type { Client } from '#client/client.ts'
import { StatusError } from '#machinery/status-error.ts'

export interface CertificateWish {
  /** PEM of a PKCS #10 request. */
  request: string
  signerName: string
  usages: readonly string[]
  /** How long it is wanted for; the signer may choose otherwise. */
  lifetimeSeconds?: number | undefined
}

/** Approval may be up to a person. After this long a new request is made. */
const TIMEOUT_MS = 15 * 60_000
/** A watch may end before the answer is there. */
const MAX_WATCH_SECONDS = 300

/** Nobody will sign this request. */
export class CertificateRefused extends Error {
  override readonly name = 'CertificateRefused'
}

/** PEM of the certificate. Throws CertificateRefused; StatusError and whatever else keeps it from the API. */
export async function requestCertificate(
  client: Client,
  { request, signerName, usages, lifetimeSeconds }: CertificateWish,
  clock: Clock,
  signal: AbortSignal,
): Promise<string> {
  const spec = {
    request: Buffer.from(request).toString('base64'),
    signerName,
    usages: [...usages],
    ...(lifetimeSeconds !== undefined && { expirationSeconds: lifetimeSeconds }),
  }
  const made = await client.create(certificateSigningRequests, { metadata: { generateName: 'csr-' }, spec } as never, {
    signal,
  })
  const late = new AbortController()
  const timer = clock.after(TIMEOUT_MS, () =>
    late.abort(new Error(`nobody has signed "${made.metadata.name}" in time`)),
  )
  const untilThen = AbortSignal.any([signal, late.signal])
  try {
    for (let seen = made; ;) {
      const certificate = certificateIn(seen)
      if (certificate !== undefined) return certificate
      await nextChange(client, seen, untilThen)
      untilThen.throwIfAborted()
      seen = await client.get(certificateSigningRequests, made.metadata, { signal: untilThen })
      if (seen.metadata.uid !== made.metadata.uid) throw new CertificateRefused('the request was replaced by another')
    }
  } finally {
    timer.cancel()
  }
}

/** Throws CertificateRefused. */
function certificateIn({ status }: CertificateSigningRequest): string | undefined {
  for (const { type, reason, message } of status.conditions ?? []) {
    if (type !== 'Denied' && type !== 'Failed') continue
    const what = type === 'Denied' ? 'is denied' : 'failed'
    throw new CertificateRefused(
      `certificate signing request ${what}, reason: ${reason ?? ''}, message: ${message ?? ''}`,
    )
  }
  return status.certificate ? Buffer.from(status.certificate, 'base64').toString() : undefined
}

/** Resolves when the request may have changed since it was seen. Rejects where it can't be watched. */
function nextChange(client: Client, { metadata }: CertificateSigningRequest, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: Error) => {
      signal.removeEventListener('abort', stop)
      cancel()
      // What happened while nobody watched shows in the object itself.
      const isOver = error === undefined || (error instanceof StatusError && error.reason === 'Expired')
      if (isOver) resolve()
      else reject(error)
    }
    const stop = () => end()
    let cancel = () => {}
    let isOver = false
    signal.addEventListener('abort', stop, { once: true })
    const stopWatch = client.watch(
      certificateSigningRequests,
      {
        fieldSelector: `metadata.name=${metadata.name}`,
        resourceVersion: metadata.resourceVersion,
        timeoutSeconds: MAX_WATCH_SECONDS,
      },
      {
        onEvents: () => end(),
        onEnd(error) {
          isOver = true
          end(error)
        },
      },
    )
    cancel = stopWatch
    if (isOver) cancel()
    if (signal.aborted) stop()
  })
}
