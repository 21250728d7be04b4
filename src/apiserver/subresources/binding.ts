/** `pods/binding`: puts a pod on a node. Upstream: `BindingREST` of `pkg/registry/core/pod/storage`. */
import { decode } from '#api/decode.ts'
import { Binding, type Pod } from '#api/core/v1/pod.ts'
import { conflict, invalid, notFound, StatusError } from '#machinery/status-error.ts'
import { timestamp } from '../registry/object-meta.ts'
import type { Draft, Stored } from '../registry/strategy.ts'
import type { SubresourceHandler } from './subresource.ts'

export const binding: SubresourceHandler = {
  async perform(api, caller, request) {
    const { resource, name } = request
    if (request.verb !== 'create')
      throw new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource')
    const body = decode(Binding, request.body).object as unknown as Binding
    const { target, metadata } = body
    if (target?.kind && target.kind !== 'Node' && target.kind !== 'Minion') {
      throw invalid({ group: '', kind: 'Binding' }, name!, [
        {
          type: 'NotSupported',
          field: 'target.kind',
          message: `Unsupported value: ${JSON.stringify(target.kind)}: supported values: "Node", "<empty>"`,
        },
      ])
    }
    if (!target?.name)
      throw invalid({ group: '', kind: 'Binding' }, name!, [
        { type: 'Required', field: 'target.name', message: 'Required value' },
      ])
    await api.update(caller, { ...request, verb: 'update' }, (old: Stored) => {
      const pod = old as unknown as Pod
      if (!old) throw notFound(resource, name!)
      if (metadata?.uid && metadata.uid !== pod.metadata.uid) {
        throw conflict(
          resource,
          name!,
          `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${pod.metadata.uid}`,
        )
      }
      if (pod.metadata.deletionTimestamp)
        throw conflict(resource, name!, `pod ${name} is being deleted, cannot be assigned to a host`)
      if (pod.spec.nodeName)
        throw conflict(resource, name!, `pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`)
      if ((pod.spec.schedulingGates ?? []).length > 0)
        throw conflict(resource, name!, `pod ${name} has non-empty .spec.schedulingGates`)
      const { resourceVersion: _any, ...meta } = pod.metadata
      const others = (pod.status.conditions ?? []).filter((c) => c.type !== 'PodScheduled')
      const now = timestamp(api.now())
      return {
        ...pod,
        metadata: {
          ...meta,
          ...(metadata?.annotations && { annotations: { ...meta.annotations, ...metadata.annotations } }),
        },
        spec: { ...pod.spec, nodeName: target.name },
        status: {
          ...pod.status,
          conditions: [
            ...others,
            { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: now },
          ],
        },
      } as unknown as Draft
    })
    return { type: 'status', status: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } }
  },
}
