/**
 * A request as webhooks are told of it and as expressions see it in `request`: everything but the objects. Upstream:
 * `webhook/request.CreateV1AdmissionReview` and `plugin/cel.CreateAdmissionRequest`.
 */
import type { Resource } from '#api/kind.ts'
import type { AdmissionRequest } from './admission.ts'
import { type GroupVersionKind, kindIn } from './matching/forms.ts'

interface GroupVersionResource {
  group: string
  version: string
  resource: string
}

/** Named as in admission.k8s.io/v1 AdmissionRequest. */
export interface RequestDescription {
  kind: GroupVersionKind
  resource: GroupVersionResource
  subResource?: string
  requestKind: GroupVersionKind
  requestResource: GroupVersionResource
  requestSubResource?: string
  name?: string
  namespace?: string
  operation: string
  userInfo: { username?: string; uid?: string; groups?: readonly string[]; extra?: object }
  dryRun: boolean
  options: object | null
}

/** `form` is the one in which the objects are given. */
export function describeRequest(request: AdmissionRequest, form: Resource): RequestDescription {
  const { requested, subresource, name, namespace, operation, user, dryRun } = request
  return {
    kind: kindIn(request, form),
    resource: resourceOf(form),
    ...(subresource && { subResource: subresource }),
    requestKind: kindIn(request, requested),
    requestResource: resourceOf(requested),
    ...(subresource && { requestSubResource: subresource }),
    ...(name && { name }),
    ...(namespace && { namespace }),
    operation,
    userInfo: {
      ...(user.name && { username: user.name }),
      ...(user.uid && { uid: user.uid }),
      ...(user.groups.length > 0 && { groups: user.groups }),
      ...(user.extra && Object.keys(user.extra).length > 0 && { extra: user.extra }),
    },
    dryRun,
    options: optionsOf(request),
  }
}

const resourceOf = ({ group, version, plural }: Resource) => ({ group, version, resource: plural })

const optionKinds = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions', CONNECT: undefined }
const written = ['dryRun', 'fieldManager', 'fieldValidation'] as const
const deleted = ['gracePeriodSeconds', 'preconditions', 'orphanDependents', 'propagationPolicy', 'dryRun'] as const

/** CreateOptions, UpdateOptions or DeleteOptions; a connection has none. */
function optionsOf({ operation, options }: AdmissionRequest): object | null {
  const kind = optionKinds[operation]
  if (!kind) return null
  const out: Record<string, unknown> = { kind, apiVersion: 'meta.k8s.io/v1' }
  for (const name of operation === 'DELETE' ? deleted : written) {
    const value = (options as Record<string, unknown>)[name]
    if (value !== undefined) out[name] = name === 'dryRun' && typeof value === 'string' ? [value] : value
  }
  return out
}
