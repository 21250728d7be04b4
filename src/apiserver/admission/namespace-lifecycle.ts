/**
 * Nothing is created in a namespace that does not exist or is going, and the built-in namespaces stay. Upstream:
 * `plugin/namespace/lifecycle`.
 */
import { namespaces } from '#api/resources.ts'
import { forbidden, notFound, StatusError } from '#machinery/status-error.ts'
import type { Api } from '../api.ts'
import type { AdmissionPlugin } from './admission.ts'

const IMMORTAL = new Set(['default', 'kube-system', 'kube-public'])

export const namespaceLifecycle = (api: () => Api): AdmissionPlugin => ({
  name: 'NamespaceLifecycle',
  admit(request) {
    const { operation, namespace, resource, name } = request
    if (operation !== 'CREATE' || !resource.namespaced || !namespace) return
    // Access reviews tell nothing by failing, so they are answered for any namespace.
    if (resource.group === 'authorization.k8s.io') return
    const registry = api().registry(namespaces)
    const found = registry.cache.get(registry.key(undefined, namespace))
    if (!found) throw notFound(namespaces, namespace)
    if (found.object.metadata.deletionTimestamp) {
      const why = `unable to create new content in namespace ${namespace} because it is being terminated`
      const error = forbidden(resource, name, why)
      throw new StatusError('Forbidden', error.message, {
        details: {
          ...error.details,
          causes: [
            {
              reason: 'NamespaceTerminating',
              message: `namespace ${namespace} is being terminated`,
              field: 'metadata.namespace',
            },
          ],
        },
      })
    }
  },
  validate({ operation, resource, name }) {
    if (operation === 'DELETE' && resource.plural === 'namespaces' && resource.group === '' && IMMORTAL.has(name)) {
      throw forbidden(namespaces, name, 'this namespace may not be deleted')
    }
  },
})
