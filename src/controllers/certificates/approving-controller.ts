/**
 * Approves the client certificates of kubelets, of those who may ask for them: a joining node needs the right to create
 * `certificatesigningrequests/nodeclient`, a node that renews its own `.../selfnodeclient`. Upstream: `csrapproving`.
 */
import type { CertificateRequest } from '#base/certificate-request.ts'
import { requestOf } from '#api/certificates/request.ts'
import type { CertificateSigningRequest } from '#api/certificates/v1.ts'
import { certificateSigningRequests, subjectAccessReviews } from '#api/resources.ts'
import { type Controller, reconcileLoop } from '../controller.ts'
import { approve, isDecided } from './approval.ts'
import { KUBELET_CLIENT, kubeletClientProblem } from './signers.ts'

export interface Recognition {
  /** Subresource of certificatesigningrequests that the requester must be allowed to create. */
  permission: 'selfnodeclient' | 'nodeclient'
  message: string
}

/** How often a request whose sender lacks the permission is looked at again: he may be given it. */
const REVIEW_PERIOD_MS = 60_000

export const createApprovingController = (): Controller => ({
  name: 'certificatesigningrequest-approving-controller',
  start(context) {
    const { client, informers, log } = context
    const requests = informers.for(certificateSigningRequests)
    const queue = reconcileLoop(context, {
      name: 'certificatesigningrequest-approving-controller',
      caches: [requests],
      concurrency: 5,
      async reconcile(name, signal) {
        const request = requests.get(undefined, name)
        if (!request || isDecided(request)) return
        const recognized = recognize(request, requestOf(request.spec.request))
        for (const { permission, message } of recognized) {
          const review = await client.create(subjectAccessReviews, reviewOf(request, permission) as never, { signal })
          if (review.status?.allowed) return approve(client, request, message, signal)
        }
        if (recognized.length === 0) return
        log.debug({ request: name, user: request.spec.username }, 'the requester may not have this certificate')
        return { requeueAfterMs: REVIEW_PERIOD_MS }
      },
    })
    const enqueue = ({ metadata }: CertificateSigningRequest) => queue.add(metadata.name)
    requests.handle({ added: enqueue, updated: enqueue })
  },
})

/** The permissions of which one is enough, in the order in which they are asked about; none for what is not a kubelet's. */
export function recognize({ spec }: CertificateSigningRequest, request: CertificateRequest): Recognition[] {
  if (spec.signerName !== KUBELET_CLIENT || kubeletClientProblem(request, spec.usages ?? []) !== undefined) return []
  const asNode: Recognition = {
    permission: 'nodeclient',
    message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
  }
  if (spec.username !== request.subject.commonName) return [asNode]
  const asItself: Recognition = {
    permission: 'selfnodeclient',
    message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
  }
  return [asItself, asNode]
}

function reviewOf({ spec }: CertificateSigningRequest, subresource: string) {
  const { username, uid, groups, extra } = spec
  return {
    metadata: {},
    spec: {
      user: username ?? '',
      ...(uid && { uid }),
      ...(groups && { groups }),
      ...(extra && { extra }),
      resourceAttributes: {
        group: 'certificates.k8s.io',
        resource: 'certificatesigningrequests',
        verb: 'create',
        subresource,
        version: '*',
      },
    },
  }
}
