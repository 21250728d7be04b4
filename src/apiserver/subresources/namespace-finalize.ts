/** `namespaces/finalize`: writes `spec.finalizers`, and removes the namespace once none is left. Upstream: `FinalizeREST`. */
import type { SubresourceHandler } from '../api.ts'
import { methodNotAllowed } from '#machinery/status-error.ts'
import type { Draft } from '../registry/strategy.ts'

export const namespaceFinalize: SubresourceHandler = {
  async perform(api, caller, request) {
    if (request.verb !== 'update') throw methodNotAllowed()
    return api.update(caller, request, () => api.decodeBody(caller, request), {
      narrow: (draft, old) => {
        const { resourceVersion } = draft.metadata
        return {
          ...old,
          metadata: { ...old.metadata, resourceVersion },
          spec: { ...old.spec, finalizers: draft.spec?.finalizers ?? [] },
        } as Draft
      },
    })
  },
}
