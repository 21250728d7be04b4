/**
 * Fields that nobody can own through a certain endpoint, because the kind's strategy resets them whatever is sent: the
 * status where the object is written, and the specification where its status is.
 * Upstream: `GetResetFields` of the strategies in `pkg/registry`.
 */
import type { Resource } from '#api/kind.ts'
import { EMPTY, type FieldSet, type Path, recursiveDifference, setOf } from './field-set.ts'

/** What of a set can be owned. */
export type FieldFilter = (set: FieldSet) => FieldSet

const spec = ['f:spec']
const status = ['f:status']
const metadata = ['f:metadata']

/** By `group/plural` and, after another slash, subresource; all others are as `pathsOf` says. */
const exceptions: Readonly<Record<string, readonly Path[]>> = {
  '/pods/status': [spec, ['f:metadata', 'f:deletionTimestamp'], ['f:metadata', 'f:ownerReferences']],
  'apps/deployments/status': [spec, ['f:metadata', 'f:labels']],
  'admissionregistration.k8s.io/validatingadmissionpolicies/status': [spec, metadata],
  'apiregistration.k8s.io/apiservices/status': [spec, metadata],
  'flowcontrol.apiserver.k8s.io/flowschemas/status': [spec, metadata],
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations/status': [spec, metadata],
  'networking.k8s.io/servicecidrs/status': [spec, metadata],
  'resource.k8s.io/resourceclaims/status': [spec, metadata],
  'storage.k8s.io/volumeattachments/status': [spec, metadata],
  'certificates.k8s.io/certificatesigningrequests': [spec, status],
  'certificates.k8s.io/certificatesigningrequests/status': [spec, ['f:status', 'f:conditions']],
  'certificates.k8s.io/certificatesigningrequests/approval': [spec, ['f:status', 'f:certificate']],
  '/namespaces/finalize': [status],
}

/** What of metadata a write to `status` does not change, either. */
export function metadataKeptByStatus({ group, plural }: Pick<Resource, 'group' | 'plural'>): readonly string[] {
  const paths = exceptions[`${group}/${plural}/status`] ?? []
  return paths.flatMap(([first, second]) => {
    if (first !== 'f:metadata') return []
    return second === undefined ? wholeMetadata : [second.slice(2)]
  })
}

const wholeMetadata = ['labels', 'annotations', 'finalizers', 'ownerReferences']

const kReset = Symbol('reset fields')
type Known = Resource & { [kReset]?: Map<string, FieldSet> }

/** Undefined where everything can be owned. Worked out once for each resource and kept with it. */
export function resetFilter(resource: Resource, subresource: string, isCustom: boolean): FieldFilter | undefined {
  const known = ((resource as Known)[kReset] ??= new Map())
  let reset = known.get(subresource)
  if (!reset) known.set(subresource, (reset = setOf(...pathsOf(resource, subresource, isCustom))))
  const excluded = reset
  return excluded === EMPTY ? undefined : (set) => recursiveDifference(set, excluded)
}

function pathsOf(resource: Resource, subresource: string, isCustom: boolean): readonly Path[] {
  const { group, plural, subresources } = resource
  const exception = exceptions[`${group}/${plural}${subresource && `/${subresource}`}`]
  if (exception && !isCustom) return exception
  if (!Object.hasOwn(subresources, 'status')) return []
  if (subresource === '') return [status]
  return subresource === 'status' ? [spec, ...(isCustom ? [metadata] : [])] : []
}
