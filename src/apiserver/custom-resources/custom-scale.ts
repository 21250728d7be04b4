/**
 * The subresource `scale` of custom resources: autoscaling/v1 Scale as a view of the fields that the definition names.
 * Upstream: `ScaleREST` and the validation of scales in `apiextensions-apiserver/pkg/registry/customresource`.
 */
import type { CustomResourceDefinitionSpec, CustomResourceSubresourceScale } from '#api/apiextensions/v1.ts'
import { Scale } from '#api/autoscaling/v1.ts'
import { badRequest, type FieldError, internalError } from '#machinery/status-error.ts'
import type { SubresourceHandler } from '../api.ts'
import type { Path } from '../apply/field-set.ts'
import type { ReplicasPaths } from '../apply/scale-managers.ts'
import { scaleHandler } from '../subresources/scale.ts'
import type { Draft, Stored } from '../registry/strategy.ts'
import { invalidAt } from './field-errors.ts'
import { integerAt, PathError, splitPath, textAt, withValueAt } from './field-path.ts'

const MAX_INT32 = 0x7fff_ffff

/** Where the objects of each version have the number that is wanted, for those who track its owners. */
export function replicasPaths({ group, versions }: CustomResourceDefinitionSpec): ReplicasPaths {
  const paths = new Map<string, Path>()
  for (const { name, subresources } of versions) {
    const { specReplicasPath } = subresources?.scale ?? {}
    if (specReplicasPath)
      paths.set(
        `${group}/${name}`,
        splitPath(specReplicasPath).map((field) => `f:${field}`),
      )
  }
  return (apiVersion) => paths.get(apiVersion)
}

/** `owned` is of the whole definition. */
export function customScaleHandler(scale: CustomResourceSubresourceScale, owned: ReplicasPaths): SubresourceHandler {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale
  const paths = {
    spec: splitPath(specReplicasPath),
    status: splitPath(statusReplicasPath),
    selector: labelSelectorPath ? splitPath(labelSelectorPath) : undefined,
  }
  const show = (object: Stored): Stored => {
    const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
    const selector = paths.selector && read(() => textAt(object, paths.selector!))
    const replicas = read(() => integerAt(object, paths.spec))
    return {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name, ...(namespace && { namespace }), uid, resourceVersion, creationTimestamp },
      spec: { ...(replicas !== 0 && { replicas: replicas ?? NOT_SET }) },
      status: { replicas: read(() => integerAt(object, paths.status)) ?? 0, ...(selector && { selector }) },
    } as unknown as Stored
  }
  const apply = (old: Stored, shown: Draft): Draft => {
    if (shown.spec?.replicas === NOT_SET)
      throw badRequest(`the spec replicas field ${JSON.stringify(specReplicasPath)} cannot be empty`)
    // Whoever leaves out the version does not mind what was there.
    const resourceVersion = shown.metadata.resourceVersion || old.metadata.resourceVersion
    const changed = read(() => withValueAt(old, paths.spec, shown.spec?.replicas ?? 0)) as Draft
    return { ...changed, metadata: { ...old.metadata, resourceVersion } }
  }
  const handler = scaleHandler({ type: Scale, show, apply }, owned)
  return {
    async perform(api, caller, request) {
      if (request.verb === 'get') {
        const answer = await api.read(request)
        if (answer.type === 'object' && read(() => integerAt(answer.object, paths.spec)) === undefined)
          throw internalError(`the spec replicas field ${JSON.stringify(specReplicasPath)} does not exist`)
      }
      return handler.perform(api, caller, request)
    },
  }
}

/** What a patch sees where nobody has said how many; whoever leaves it at that says nothing either. */
const NOT_SET = -(2 ** 31)

/** Throws InternalError for an object that has something else where the scale should be. */
function read<T>(accessor: () => T): T {
  try {
    return accessor()
  } catch (cause) {
    throw cause instanceof PathError ? internalError(cause.message, cause) : cause
  }
}

/** What is wrong with the number of replicas that an object asks for. */
export const scaleSpecErrors = ({ specReplicasPath }: CustomResourceSubresourceScale, object: unknown): FieldError[] =>
  replicaErrors(specReplicasPath, object)

/** What is wrong with the number of replicas that an object reports, and with the selector. */
export function scaleStatusErrors(
  { statusReplicasPath, labelSelectorPath }: CustomResourceSubresourceScale,
  object: unknown,
): FieldError[] {
  const errors = replicaErrors(statusReplicasPath, object)
  if (!labelSelectorPath) return errors
  return [...errors, ...attempt(labelSelectorPath, '', () => void textAt(object, splitPath(labelSelectorPath)))]
}

function replicaErrors(path: string, object: unknown): FieldError[] {
  return attempt(path, 0, () => {
    const replicas = integerAt(object, splitPath(path)) ?? 0
    if (replicas < 0) return invalidAt(path, replicas, 'should be a non-negative integer')
    if (replicas > MAX_INT32) return invalidAt(path, replicas, `should be less than or equal to ${MAX_INT32}`)
    return undefined
  })
}

function attempt(path: string, zero: unknown, check: () => FieldError | undefined | void): FieldError[] {
  try {
    const error = check()
    return error ? [error] : []
  } catch (err) {
    if (err instanceof PathError) return [invalidAt(path, zero, err.message)]
    throw err
  }
}
