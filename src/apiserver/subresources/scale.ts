/** `scale` of the workload kinds: autoscaling/v1 Scale as a view of their replicas. Upstream: the `ScaleREST` types. */
import { Scale } from '#api/autoscaling/v1.ts'
import { deployments, replicaSets, replicationControllers, statefulSets } from '#api/resources.ts'
import { type LabelSelectorObject, selectorFromMap, selectorFromObject } from '#machinery/labels.ts'
import { invalid, notFound, methodNotAllowed } from '#machinery/status-error.ts'
import { type ObjectView, type SubresourceHandler } from '../api.ts'
import { resourceKey } from '#api/kind.ts'
import { type Answer } from '../answer.ts'
import { decodeObject, patchObject, withName } from '../decode-object.ts'
import { managersAfterScale, managersOfScale, type ReplicasPaths } from '../apply/scale-managers.ts'
import type { Draft, Stored } from '../registry/strategy.ts'

const inSpec: ReplicasPaths = () => ['f:spec', 'f:replicas']

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
).map(([resource, scalable]) => [`${resourceKey(resource)}/scale`, scaleHandler(builtInScale(scalable))] as const)

function builtInScale(scalable: Scalable): ObjectView {
  const scaleOf = (object: Stored): Stored => {
    const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
    const selector = scalable.selector(object)
    return {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
      spec: { ...(object.spec.replicas && { replicas: object.spec.replicas }) },
      status: { replicas: object.status?.replicas ?? 0, ...(selector && { selector }) },
    } as unknown as Stored
  }
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
  return { type: Scale, show: scaleOf, apply: scaled }
}

/** A Scale as `view` shows it; `paths` says where the objects have the number of replicas. */
export function scaleHandler(view: ObjectView, paths: ReplicasPaths = inSpec): SubresourceHandler {
  const asScale = (answer: Answer): Answer =>
    answer.type === 'object' ? { type: 'object', code: 200, object: view.show(answer.object as Stored) } : answer
  const owned = withOwners(view, paths)
  return {
    async perform(api, caller, request) {
      const { verb, resource, name } = request
      if (verb === 'get') return asScale(await api.read(request))
      if (verb === 'update') {
        const replaced = () => withName(decodeObject(caller, request, Scale, request.body), name)
        return asScale(await api.update(caller, request, replaced, { view: owned }))
      }
      if (verb === 'patch') {
        const isOwned = request.patchType === 'apply'
        const patched = (old: Stored | undefined) => {
          if (!old) throw notFound(resource, name!)
          if (isOwned) return api.applied(caller, request, owned.show(old), { type: Scale })
          return patchObject(caller, request, Scale, view.show(old))
        }
        return asScale(await api.update(caller, request, patched, { view: owned, isOwned }))
      }
      throw methodNotAllowed()
    },
  }
}

/** The view with the managers of what it shows, which is not for clients to see. */
function withOwners(view: ObjectView, paths: ReplicasPaths): ObjectView {
  return {
    type: view.type,
    show(object) {
      const scale = view.show(object)
      const managedFields = managersOfScale(object.metadata.managedFields, paths)
      return managedFields ? { ...scale, metadata: { ...scale.metadata, managedFields } } : scale
    },
    apply(old, scale) {
      const draft = view.apply(old, scale)
      const { managedFields } = scale.metadata
      const owners = managersAfterScale(old.metadata.managedFields, managedFields, old.apiVersion, paths)
      const { managedFields: _before, ...metadata } = draft.metadata
      return { ...draft, metadata: { ...metadata, ...(owners && { managedFields: owners }) } } as Draft
    },
  }
}
