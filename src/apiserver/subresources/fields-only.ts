/**
 * Subresources through which one part of an object is written: `status`, `ephemeralcontainers`, `approval`. The body is
 * the whole object; everything outside that part stays as it is. (For `status` the registry itself sees to that.)
 */
import type { ApiRequest } from '#client/transport.ts'
import { methodNotAllowed } from '#machinery/status-error.ts'
import type { Api, Caller, SubresourceHandler } from '../api.ts'
import type { Answer } from '../answer.ts'
import type { Draft, Stored } from '../registry/strategy.ts'

/**
 * `path` is one field of one top-level field, or nothing for `status` as a whole. With `changesMetadata` labels,
 * annotations and the like may be written along with it.
 */
export function fieldsOnly(
  path?: readonly [string, string],
  { changesMetadata = false }: { changesMetadata?: boolean } = {},
): SubresourceHandler {
  return {
    async perform(api: Api, caller: Caller, request: ApiRequest): Promise<Answer> {
      const narrow = path && ((draft: Draft, old: Stored): Draft => onlyField(draft, old, path, changesMetadata))
      switch (request.verb) {
        case 'get':
          return api.read(request)
        case 'update':
          return api.update(caller, request, () => api.decodeBody(caller, request), narrow ? { narrow } : {})
        case 'patch':
          return api.patch(caller, request, narrow)
        default:
          throw methodNotAllowed()
      }
    },
  }
}

function onlyField(
  draft: Draft,
  old: Stored,
  [outer, inner]: readonly [string, string],
  changesMetadata: boolean,
): Draft {
  const value = draft[outer]?.[inner]
  const { resourceVersion } = draft.metadata
  const { [inner]: _replaced, ...others } = old[outer] ?? {}
  return {
    ...old,
    metadata: changesMetadata ? draft.metadata : { ...old.metadata, resourceVersion },
    // What is left out is meant to go, and refused where it may not.
    [outer]: { ...others, ...(value !== undefined && { [inner]: value }) },
  } as Draft
}
