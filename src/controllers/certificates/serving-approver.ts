/**
 * Approves serving certificates of kubelets that prove to be where they say. What it does not approve it leaves to
 * people: `kubectl certificate approve`. Upstream has no such controller and leaves all of them.
 */
import { requestOf } from '#api/certificates/request.ts'
import type { CertificateSigningRequest } from '#api/certificates/v1.ts'
import { certificateSigningRequests, nodes } from '#api/resources.ts'
import { type Controller, reconcileLoop } from '../controller.ts'
import { approve, isDecided } from './approval.ts'
import { keyProblem } from './key-proof.ts'
import { judgeServingRequest, type ServingLimits } from './serving-rules.ts'
import { KUBELET_SERVING } from './signers.ts'

const MESSAGE = 'Auto approving kubelet serving certificate after its node has shown its key at every address.'
/** Who keeps asking without proof is looked at this often, at first after the shortest delay. */
const MIN_RETRY_MS = 250
const MAX_RETRY_MS = 60_000
/** After this long it is left to people. */
const PATIENCE_MS = 10 * 60_000

export const createServingApprover = (limits: ServingLimits): Controller => ({
  name: 'kubelet-serving-approver',
  start(context) {
    const { client, clock, informers, log } = context
    const requests = informers.for(certificateSigningRequests)
    const allNodes = informers.for(nodes)
    const queue = reconcileLoop(context, {
      name: 'kubelet-serving-approver',
      caches: [requests, allNodes],
      concurrency: 10,
      async reconcile(name, signal) {
        const request = requests.get(undefined, name)
        if (!request || request.spec.signerName !== KUBELET_SERVING || isDecided(request)) return
        const ageMs = clock.now() - Date.parse(request.metadata.creationTimestamp!)
        const later = { requeueAfterMs: Math.min(Math.max(ageMs / 2, MIN_RETRY_MS), MAX_RETRY_MS) }
        const parsed = requestOf(request.spec.request)
        const verdict = judgeServingRequest(request, parsed, allNodes.list(), limits)
        let problem = typeof verdict === 'string' ? verdict : undefined
        if (typeof verdict !== 'string') {
          const { addresses, port } = verdict
          const proofs = addresses.map((address) => keyProblem({ address, port, key: parsed.publicKey }, clock, signal))
          problem = (await Promise.all(proofs)).find((why) => why !== undefined)
        }
        signal.throwIfAborted()
        if (problem === undefined) return approve(client, request, MESSAGE, signal)
        const isOver = ageMs > PATIENCE_MS
        log[isOver ? 'warn' : 'debug']({ request: name, reason: problem }, 'cannot approve a serving certificate')
        return isOver ? undefined : later
      },
    })
    const enqueue = ({ metadata }: CertificateSigningRequest) => queue.add(metadata.name)
    requests.handle({ added: enqueue, updated: enqueue })
    // A request that came before its node said where it is.
    allNodes.handle({
      added: () => {
        for (const request of requests.list()) if (request.spec.signerName === KUBELET_SERVING) enqueue(request)
      },
    })
  },
})
