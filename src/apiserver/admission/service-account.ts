/**
 * Gives every pod a service account and its token volume. Upstream: `plugin/pkg/admission/serviceaccount`.
 */
import type { Container, EphemeralContainer } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { ServiceAccount } from '#api/core/v1/config.ts'
import { pods, serviceAccounts } from '#api/resources.ts'
import { type Clock, sleep } from '#base/clock.ts'
import { forbidden } from '#machinery/status-error.ts'
import type { Api } from '../api.ts'
import type { AdmissionPlugin } from './admission.ts'

const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount'
const TOKEN_SECONDS = 3607
/** Mirror pods come from a node's own manifests and know no API objects. */
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror'

/** In a namespace made a moment ago the account may be about to appear: so often, and so far apart, it is looked for. */
const LOOKUPS = 20
const LOOKUP_PERIOD_MS = 50

export function serviceAccountAdmission(api: () => Api, clock: Clock): AdmissionPlugin {
  const find = (namespace: string, name: string) => {
    const registry = api().registry(serviceAccounts)
    return registry.cache.get(registry.key(namespace, name))?.object as ServiceAccount | undefined
  }
  const waitFor = async (namespace: string, name: string): Promise<ServiceAccount | undefined> => {
    for (let i = 0; i < LOOKUPS; i++) {
      await sleep(clock, LOOKUP_PERIOD_MS)
      const account = find(namespace, name)
      if (account) return account
    }
    return undefined
  }
  return {
    name: 'ServiceAccount',
    admit({ operation, resource, subresource, namespace, name }, object) {
      if (operation !== 'CREATE' || resource !== pods || subresource !== '') return
      const pod = object as unknown as Pod
      if (pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined) return
      const spec = pod.spec as Pod['spec'] & { serviceAccount?: string }
      const accountName = spec.serviceAccountName || spec.serviceAccount || 'default'
      spec.serviceAccountName = accountName
      spec.serviceAccount = accountName
      const account = find(namespace, accountName)
      if (account) return applyAccount(pod, account)
      return waitFor(namespace, accountName).then((late) => {
        if (late) return applyAccount(pod, late)
        throw forbidden(
          resource,
          pod.metadata.name || name,
          `error looking up service account ${namespace}/${accountName}: serviceaccount ${JSON.stringify(accountName)} not found`,
        )
      })
    },
  }
}

function applyAccount(pod: Pod, account: ServiceAccount) {
  const { spec } = pod
  if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length)
    spec.imagePullSecrets = account.imagePullSecrets.map((ref) => ({ ...ref }))
  if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(pod)
}

function mountToken(pod: Pod) {
  const { spec } = pod
  const unmounted = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])].filter(
    (container: Container | EphemeralContainer) =>
      !container.volumeMounts?.some((mount) => mount.mountPath === MOUNT_PATH),
  )
  if (unmounted.length === 0) return
  // Upstream draws a random suffix; the name only has to be unique within the pod.
  let volumeName = 'kube-api-access'
  while (spec.volumes?.some((volume) => volume.name === volumeName)) volumeName += '-x'
  for (const container of unmounted) {
    container.volumeMounts = [
      ...(container.volumeMounts ?? []),
      { name: volumeName, mountPath: MOUNT_PATH, readOnly: true },
    ]
  }
  spec.volumes = [
    ...(spec.volumes ?? []),
    {
      name: volumeName,
      projected: {
        defaultMode: 0o644,
        sources: [
          { serviceAccountToken: { path: 'token', expirationSeconds: TOKEN_SECONDS } },
          { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
          {
            downwardAPI: {
              items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
            },
          },
        ],
      },
    },
  ]
}
