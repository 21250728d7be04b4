/** Removes bootstrap tokens that have expired. Upstream: `token-cleaner-controller`. */
import { BOOTSTRAP_TOKEN_NAMESPACE, BOOTSTRAP_TOKEN_TYPE, msToExpiration } from '#api/core/v1/bootstrap-token.ts'
import type { Secret } from '#api/core/v1/config.ts'
import { secrets } from '#api/resources.ts'
import { isStatus } from '#machinery/status-error.ts'
import { type Controller, reconcileLoop } from '../controller.ts'

export const createTokenCleaner = (): Controller => ({
  name: 'token-cleaner-controller',
  start(context) {
    const { client, clock, informers, log } = context
    const tokens = informers.for(secrets, {
      namespace: BOOTSTRAP_TOKEN_NAMESPACE,
      fieldSelector: `type=${BOOTSTRAP_TOKEN_TYPE}`,
    })
    const queue = reconcileLoop(context, {
      name: 'token-cleaner-controller',
      caches: [tokens],
      concurrency: 1,
      async reconcile(name, signal) {
        const token = tokens.get(BOOTSTRAP_TOKEN_NAMESPACE, name)
        if (!token) return
        const leftMs = msToExpiration(token, clock.now())
        if (leftMs === undefined) return
        if (leftMs > 0) return { requeueAfterMs: leftMs }
        const { metadata } = token
        log.info({ secret: name }, 'removing a bootstrap token that has expired')
        try {
          await client.delete(secrets, metadata, { preconditions: { uid: metadata.uid } }, { signal })
        } catch (err) {
          if (!isStatus(err, 'NotFound', 'Conflict')) throw err
        }
      },
    })
    const enqueue = ({ metadata }: Secret) => queue.add(metadata.name)
    tokens.handle({ added: enqueue, updated: enqueue })
  },
})
