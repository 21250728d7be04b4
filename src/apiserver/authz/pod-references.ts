/**
 * What a node must read to run a pod, and what comes with a volume that the pod claims. Upstream: the `Visit*` functions of
 * `pkg/api/v1/pod` and `pkg/api/v1/persistentvolume`.
 */
import type { Container, EphemeralContainer } from '#api/core/v1/container.ts'
import type { PersistentVolume } from '#api/core/v1/persistent-volume.ts'
import type { Pod } from '#api/core/v1/pod.ts'

/** Resources whose objects a node may read as far as its pods refer to them. */
export type Referenced = 'configmaps' | 'persistentvolumeclaims' | 'resourceclaims' | 'secrets' | 'serviceaccounts'

/** A reference by `resource/namespace/name`, which no part can contain a slash of. */
export const referenceKey = (resource: Referenced, namespace: string, name: string) =>
  `${resource}/${namespace}/${name}`

/** What runs from a file of its node is there for the API to see, and can't give that node access to anything. */
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror'

/** The keys of all that `pod` refers to, each once. */
export function referencesOf(pod: Pod): Set<string> {
  const found = new Set<string>()
  const { metadata, spec, status } = pod
  if (metadata.annotations?.[MIRROR_ANNOTATION] !== undefined) return found
  const add = (resource: Referenced, name: string | undefined) => {
    if (name) found.add(referenceKey(resource, metadata.namespace!, name))
  }
  add('serviceaccounts', spec.serviceAccountName)
  for (const { name } of spec.imagePullSecrets ?? []) add('secrets', name)
  const containers: (Container | EphemeralContainer)[] = [
    ...(spec.initContainers ?? []),
    ...spec.containers,
    ...(spec.ephemeralContainers ?? []),
  ]
  for (const { env, envFrom } of containers) {
    for (const { secretRef, configMapRef } of envFrom ?? []) {
      add('secrets', secretRef?.name)
      add('configmaps', configMapRef?.name)
    }
    for (const { valueFrom } of env ?? []) {
      add('secrets', valueFrom?.secretKeyRef?.name)
      add('configmaps', valueFrom?.configMapKeyRef?.name)
    }
  }
  for (const volume of spec.volumes ?? []) {
    add('configmaps', volume.configMap?.name)
    add('secrets', volume.secret?.secretName)
    for (const source of volume.projected?.sources ?? []) {
      add('secrets', source.secret?.name)
      add('configmaps', source.configMap?.name)
    }
    add('persistentvolumeclaims', volume.persistentVolumeClaim?.claimName)
    if (volume.ephemeral) add('persistentvolumeclaims', `${metadata.name}-${volume.name}`)
    for (const name of secretsOfVolume(volume)) add('secrets', name)
  }
  for (const claim of spec.resourceClaims ?? []) {
    const made = status?.resourceClaimStatuses?.find(({ name }) => name === claim.name)
    add('resourceclaims', claim.resourceClaimName ?? (claim.resourceClaimTemplateName && made?.resourceClaimName))
  }
  add('resourceclaims', status?.extendedResourceClaimStatus?.resourceClaimName)
  return found
}

/** Kinds of volumes that are used with a secret, beside those that are secrets. */
const SECRET_REFERRERS = ['cephfs', 'cinder', 'flexVolume', 'rbd', 'scaleIO', 'iscsi', 'storageos'] as const

type Volume = NonNullable<Pod['spec']['volumes']>[number]

function secretsOfVolume(volume: Volume): (string | undefined)[] {
  return [
    volume.azureFile?.secretName,
    volume.csi?.nodePublishSecretRef?.name,
    ...SECRET_REFERRERS.map((kind) => volume[kind]?.secretRef?.name),
  ]
}

/** The keys of the secrets that a node needs to mount `volume`. */
export function secretsOfPersistentVolume({ spec }: PersistentVolume): Set<string> {
  const found = new Set<string>()
  const ownNamespace = spec.claimRef?.namespace
  const add = (namespace: string | undefined, name: string | undefined) => {
    if (namespace && name) found.add(referenceKey('secrets', namespace, name))
  }
  add(spec.azureFile?.secretNamespace || ownNamespace, spec.azureFile?.secretName)
  for (const kind of SECRET_REFERRERS) {
    const ref: { namespace?: string; name?: string } | undefined = spec[kind]?.secretRef
    // These two always name a namespace.
    const fallback = kind === 'cinder' || kind === 'storageos' ? undefined : ownNamespace
    add(ref?.namespace || fallback, ref?.name)
  }
  // Other secrets of a CSI volume are for controllers only.
  for (const ref of [spec.csi?.nodePublishSecretRef, spec.csi?.nodeStageSecretRef, spec.csi?.nodeExpandSecretRef])
    add(ref?.namespace, ref?.name)
  return found
}
