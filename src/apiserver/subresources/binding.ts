/** `pods/binding`: puts a pod on a node. Upstream: `BindingREST` of `pkg/registry/core/pod/storage`. */
import { Binding, type Pod } from '#api/core/v1/pod.ts'
import {
  badRequest,
  conflict,
  invalid,
  methodNotAllowed,
  notFound,
  OPTIMISTIC_LOCK_MESSAGE,
} from '#machinery/status-error.ts'
import { type SubresourceHandler } from '../api.ts'
import { decodeObject } from '../decode-object.ts'
import { timestamp } from '../registry/object-meta.ts'
import type { Draft, Stored } from '../registry/strategy.ts'

const BINDING = { group: '', plural: 'pods/binding' }

export const binding: SubresourceHandler = {
  async perform(api, caller, request) {
    const { resource, name } = request
    if (request.verb !== 'create') throw methodNotAllowed()
    const body = decodeObject(caller, request, Binding, request.body)
    await api.admit(caller, request, 'CREATE', Binding, body)
    const { target, metadata } = body as unknown as Binding
    if (metadata?.name && metadata.name !== name) throw badRequest('name in URL does not match name in Binding object')
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
    const bound = (old: Stored | undefined): Draft => {
      const pod = old as unknown as Pod
      if (!old) throw notFound(resource, name!)
      if (metadata?.uid && metadata.uid !== pod.metadata.uid) {
        throw conflict(
          resource,
          name!,
          `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${pod.metadata.uid}`,
        )
      }
      if (metadata?.resourceVersion && metadata.resourceVersion !== pod.metadata.resourceVersion)
        throw conflict(resource, name!, OPTIMISTIC_LOCK_MESSAGE)
      if (pod.metadata.deletionTimestamp)
        throw conflict(BINDING, name!, `pod ${name} is being deleted, cannot be assigned to a host`)
      if (pod.spec.nodeName)
        throw conflict(BINDING, name!, `pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`)
      if ((pod.spec.schedulingGates ?? []).length > 0)
        throw conflict(BINDING, name!, `pod ${name} has non-empty .spec.schedulingGates`)
      const { resourceVersion: _any, ...meta } = pod.metadata
      const others = (pod.status.conditions ?? []).filter((c) => c.type !== 'PodScheduled')
      const now = timestamp(api.now())
      return {
        ...pod,
        metadata: {
          ...meta,
          ...(metadata?.annotations && { annotations: { ...meta.annotations, ...metadata.annotations } }),
          ...(metadata?.labels && { labels: { ...meta.labels, ...metadata.labels } }),
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
    }
    const dryRun = request.options?.dryRun === 'All'
    await api.registry(resource).update(name!, bound, { namespace: request.namespace, dryRun, subresource: 'binding' })
    return { type: 'status', status: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } }
  },
}
