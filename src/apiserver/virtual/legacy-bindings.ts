/** `POST bindings`, the form of `pods/binding` from before subresources: the pod is named by the object's metadata. */
import type { VirtualResource } from '../api.ts'
import { pods } from '#api/resources.ts'
import { badRequest } from '#machinery/status-error.ts'
import { binding } from '../subresources/binding.ts'

export const legacyBindings: VirtualResource = {
  perform(api, caller, request) {
    const name = (request.body as { metadata?: { name?: string } } | undefined)?.metadata?.name
    if (!name) throw badRequest('name must be provided')
    api.authorize(caller.user, { resource: pods, subresource: 'binding', namespace: request.namespace, name }, 'create')
    return binding.perform(api, caller, { ...request, resource: pods, subresource: 'binding', name })
  },
}
