/**
 * Signs approved certificate requests with the cluster's authority. One that is approved but breaks its signer's rules is
 * marked as failed, because approval is about who asks, and this is about what. Upstream: `csrsigning`, for all four
 * signers.
 */
import type { CertificateSigningRequest } from '#api/certificates/v1.ts'
import { certificateSigningRequests } from '#api/resources.ts'
import { parseCertificate } from '#base/certificate.ts'
import { type KeyPair, signCertificate } from '#base/x509.ts'
import { formatTime } from '#machinery/time.ts'
import { type Controller, reconcileLoop } from '../controller.ts'
import { planSigning } from './signing-plan.ts'

export interface SigningOptions {
  authority: KeyPair
  /** Certificates live no longer. Default: a year. */
  maxLifetimeMs?: number | undefined
}

const YEAR_MS = 365 * 24 * 3_600_000

export const createSigningController = ({ authority, maxLifetimeMs = YEAR_MS }: SigningOptions): Controller => ({
  name: 'certificatesigningrequest-signing-controller',
  start(context) {
    const { client, clock, informers, random } = context
    const requests = informers.for(certificateSigningRequests)
    const { notAfterMs: authorityNotAfterMs } = parseCertificate(authority.cert)
    const queue = reconcileLoop(context, {
      name: 'certificatesigningrequest-signing-controller',
      caches: [requests],
      concurrency: 5,
      async reconcile(name, signal) {
        const request = requests.get(undefined, name)
        if (!request) return
        const plan = planSigning(request, { nowMs: clock.now(), maxLifetimeMs, authorityNotAfterMs })
        if (plan.kind === 'nothing') return
        const status =
          plan.kind === 'fail'
            ? withFailure(request, plan.message, clock.now())
            : { ...request.status, certificate: base64(signCertificate(authority, random, plan.content)) }
        await client.updateStatus(certificateSigningRequests, { ...request, status }, { signal })
      },
    })
    const enqueue = ({ metadata }: CertificateSigningRequest) => queue.add(metadata.name)
    requests.handle({ added: enqueue, updated: enqueue })
  },
})

const base64 = (text: string) => Buffer.from(text).toString('base64')

function withFailure({ status }: CertificateSigningRequest, message: string, nowMs: number) {
  const failure = {
    type: 'Failed',
    status: 'True',
    reason: 'SignerValidationFailure',
    message,
    lastUpdateTime: formatTime(nowMs),
  }
  return { ...status, conditions: [...(status.conditions ?? []), failure] }
}
