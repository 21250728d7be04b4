/** What stands behind a subresource, or behind a resource that is computed rather than stored. */
import type { ApiRequest } from '#client/transport.ts'
import type { Answer, Api, Caller } from '../api.ts'

export interface SubresourceHandler {
  /** The request is authorised. Throws StatusError. */
  perform(api: Api, caller: Caller, request: ApiRequest): Promise<Answer>
}

export interface VirtualResource {
  perform(api: Api, caller: Caller, request: ApiRequest): Promise<Answer>
}
