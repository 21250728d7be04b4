/** Which Secrets a pod refers to, each in its own namespace. Upstream: `podutil.VisitPodSecretNames`. */
import type { Container, EphemeralContainer } from './container.ts'
import type { Pod } from './pod.ts'
import type { Volume } from './volume.ts'

type Spec = Pick<Pod['spec'], 'containers' | 'initContainers' | 'ephemeralContainers' | 'volumes' | 'imagePullSecrets'>

/** Names, some of them perhaps several times. */
export function secretNamesOf(spec: Spec): string[] {
  const containers = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]
  return [
    ...(spec.imagePullSecrets ?? []).map(({ name }) => name),
    ...containers.flatMap(containerSecretNames),
    ...(spec.volumes ?? []).flatMap(volumeSecretNames),
  ].filter((name): name is string => Boolean(name))
}

/** What the environment of a container is read from. */
export const containerSecretNames = (container: Container | EphemeralContainer): (string | undefined)[] => [
  ...(container.envFrom ?? []).map(({ secretRef }) => secretRef?.name),
  ...(container.env ?? []).map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
]

/** Sources that name a Secret by a reference. */
const REFERRING = ['cephfs', 'cinder', 'flexVolume', 'rbd', 'scaleIO', 'iscsi', 'storageos'] as const

const volumeSecretNames = (volume: Volume): (string | undefined)[] => [
  volume.secret?.secretName,
  volume.azureFile?.secretName,
  volume.csi?.nodePublishSecretRef?.name,
  ...(volume.projected?.sources ?? []).map(({ secret }) => secret?.name),
  ...REFERRING.map((source) => volume[source]?.secretRef?.name),
]
