/** `scale` of the workload kinds: autoscaling/v1 Scale as a view of their replicas. Upstream: the `ScaleREST` types. */
import { Scale } from '#api/autoscaling/v1.ts'
import { deployments, replicaSets, replicationControllers, statefulSets } from '#api/resources.ts'
import { type LabelSelectorObject, selectorFromMap, selectorFromObject } from '#machinery/labels.ts'
import { invalid, notFound, methodNotAllowed } from '#machinery/status-error.ts'
import { type Answer, type ObjectView, resourceKey, type SubresourceHandler } from '../api.ts'
import { decodeObject, patchObject, withoutOldVersion } from '../decode-object.ts'
import type { Draft, Stored } from '../registry/strategy.ts'

/** How a kind says which pods it counts. */
interface Scalable {
  selector(object: Stored): string
}

const byObject: Scalable = {
  selector: (object) => selectorFromObject(object.spec.selector as LabelSelectorObject).toString(),
}
const byMap: Scalable = { selector: (object) => selectorFromMap(object.spec.selector).toString() }

export const scaleHandlers: readonly (readonly [string, SubresourceHandler])[] = (
  [
    [deployments, byObject],
    [replicaSets, byObject],
    [statefulSets, byObject],
    [replicationControllers, byMap],
  ] as const
).map(([resource, scalable]) => [`${resourceKey(resource)}/scale`, scaleHandler(scalable)] as const)

function scaleHandler(scalable: Scalable): SubresourceHandler {
  const scaleOf = (object: Stored): Stored => {
    const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
    const selector = scalable.selector(object)
    return {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
      spec: { replicas: object.spec.replicas ?? 0 },
      status: { replicas: object.status?.replicas ?? 0, ...(selector && { selector }) },
    } as unknown as Stored
  }
  const asScale = (answer: Answer): Answer =>
    answer.type === 'object' ? { type: 'object', code: 200, object: scaleOf(answer.object as Stored) } : answer
  const scaled = (old: Stored, scale: Draft): Draft => {
    const replicas = scale.spec?.replicas ?? 0
    if (replicas < 0) {
      throw invalid({ group: 'autoscaling', kind: 'Scale' }, old.metadata.name, [
        {
          type: 'Invalid',
          field: 'spec.replicas',
          message: `Invalid value: ${replicas}: must be greater than or equal to 0`,
        },
      ])
    }
    const { resourceVersion } = scale.metadata
    return { ...old, metadata: { ...old.metadata, resourceVersion }, spec: { ...old.spec, replicas } } as Draft
  }
  const view: ObjectView = { type: Scale, show: scaleOf, apply: scaled }
  return {
    async perform(api, caller, request) {
      const { verb, resource, name } = request
      if (verb === 'get') return asScale(await api.read(request))
      if (verb === 'update') {
        const replaced = () => decodeObject(caller, request, Scale, request.body)
        return asScale(await api.update(caller, request, replaced, view))
      }
      if (verb === 'patch') {
        const patched = (old: Stored) => {
          if (!old) throw notFound(resource, name!)
          const before = scaleOf(old)
          return withoutOldVersion(patchObject(caller, request, Scale, before), before)
        }
        return asScale(await api.update(caller, request, patched, view))
      }
      throw methodNotAllowed()
    },
  }
}
