/**
 * Objects that every namespace has: the ServiceAccount `default`, and the ConfigMap `kube-root-ca.crt` by which pods
 * verify the API server. Upstream: the serviceaccount and root-ca-certificate-publisher controllers.
 */
import type { Namespace } from '#api/core/v1/namespace.ts'
import type { KubeObject, Resource } from '#api/kind.ts'
import { configMaps, namespaces, serviceAccounts } from '#api/resources.ts'
import type { Informer } from '#client/informer.ts'
import { isStatus } from '#machinery/status-error.ts'
import { type Controller, type ControllerContext, reconcileLoop } from '../controller.ts'
import { isNamespaceTerminating } from '../pod-creation.ts'
import { semanticEqual } from '../semantic-equal.ts'

export const ROOT_CA_CONFIG_MAP = 'kube-root-ca.crt'
const DESCRIPTION = 'kubernetes.io/description'
const ROOT_CA_DESCRIPTION =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.'

export const createServiceAccountController = (): Controller => ({
  name: 'serviceaccount',
  start: (context) =>
    keepInEveryNamespace(context, 'serviceaccount', serviceAccounts, 'default', async (namespace, existing, signal) => {
      if (existing) return
      await context.client.create(serviceAccounts, { metadata: { name: 'default', namespace } }, { signal })
    }),
})

export interface RootCaPublisherOptions {
  /** PEM. */
  caBundle: string
}

export const createRootCaPublisher = ({ caBundle }: RootCaPublisherOptions): Controller => ({
  name: 'root-ca-certificate-publisher',
  start: (context) =>
    keepInEveryNamespace(context, 'root-ca', configMaps, ROOT_CA_CONFIG_MAP, async (namespace, existing, signal) => {
      const data = { 'ca.crt': caBundle }
      const annotations = { ...existing?.metadata.annotations, [DESCRIPTION]: ROOT_CA_DESCRIPTION }
      if (!existing) {
        const draft = { metadata: { name: ROOT_CA_CONFIG_MAP, namespace, annotations }, data }
        await context.client.create(configMaps, draft, { signal })
      } else if (!semanticEqual(existing.data, data) || !existing.metadata.annotations?.[DESCRIPTION]) {
        await context.client.update(
          configMaps,
          { ...existing, metadata: { ...existing.metadata, annotations }, data },
          { signal },
        )
      }
    }),
})

/** Calls `ensure` for each active namespace, and again whenever the object of that name changes or goes. */
function keepInEveryNamespace<T extends KubeObject>(
  context: ControllerContext,
  name: string,
  resource: Resource<T>,
  objectName: string,
  ensure: (namespace: string, existing: T | undefined, signal: AbortSignal) => Promise<void>,
): void {
  const allNamespaces: Informer<Namespace> = context.informers.for(namespaces)
  const objects = context.informers.for(resource, { fieldSelector: `metadata.name=${objectName}` })
  const queue = reconcileLoop(context, {
    name,
    caches: [allNamespaces, objects],
    concurrency: 20,
    async reconcile(namespace, signal) {
      const found = allNamespaces.get(undefined, namespace)
      if (!found || found.metadata.deletionTimestamp || found.status.phase === 'Terminating') return
      try {
        await ensure(namespace, objects.get(namespace, objectName), signal)
      } catch (err) {
        // It exists, and our copy will show it; or its namespace is about to go.
        if (!isStatus(err, 'AlreadyExists', 'NotFound') && !isNamespaceTerminating(err)) throw err
      }
    },
  })
  const enqueue = ({ metadata }: Namespace) => queue.add(metadata.name)
  allNamespaces.handle({ added: enqueue, updated: enqueue })
  const enqueueOwner = ({ metadata }: T) => queue.add(metadata.namespace!)
  objects.handle({ updated: enqueueOwner, deleted: enqueueOwner })
}
