/**
 * Nothing is created in a namespace that does not exist or is going, and the built-in namespaces stay. Upstream:
 * `plugin/namespace/lifecycle`.
 */
import { localSubjectAccessReviews, namespaces } from '#api/resources.ts'
import { forbidden, notFound, StatusError } from '#machinery/status-error.ts'
import type { Api } from '../api.ts'
import type { AdmissionPlugin } from './admission.ts'
import { cachedObject } from './lookup.ts'
import { refused } from './refusal.ts'

const IMMORTAL = new Set(['default', 'kube-system', 'kube-public'])

export const namespaceLifecycle = (api: () => Api): AdmissionPlugin => ({
  name: 'NamespaceLifecycle',
  admit(request, object) {
    const { operation, namespace, resource } = request
    if (!namespace || !resource.namespaced || operation === 'CONNECT') return
    // Reviews tell nothing by failing, so they are answered for any namespace.
    if (resource === localSubjectAccessReviews) return
    const found = cachedObject(api(), namespaces, undefined, namespace)
    if (!found) throw notFound(namespaces, namespace)
    if (operation !== 'CREATE' || found.metadata.deletionTimestamp === undefined) return
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`
    const { message, details } = refused(request, object, why)
    const cause = {
      reason: 'NamespaceTerminating',
      message: `namespace ${namespace} is being terminated`,
      field: 'metadata.namespace',
    }
    throw new StatusError('Forbidden', message, { details: { ...details, causes: [cause] } })
  },
  admitDeletion({ resource, subresource, name }) {
    if (resource === namespaces && subresource === '' && IMMORTAL.has(name))
      throw forbidden(namespaces, name, 'this namespace may not be deleted')
  },
})
