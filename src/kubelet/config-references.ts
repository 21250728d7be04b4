/** The names of config maps and secrets that a pod refers to anywhere. Pure. Upstream: `VisitPodSecretNames` and its sibling. */
import type { Pod } from '#api/core/v1/pod.ts'
import { allContainers } from './pod-spec.ts'

export interface ConfigReferences {
  configMaps: Set<string>
  secrets: Set<string>
}

export function configReferences(pod: Pod): ConfigReferences {
  const configMaps = new Set<string | undefined>()
  const secrets = new Set<string | undefined>()
  for (const { name } of pod.spec.imagePullSecrets ?? []) secrets.add(name)
  for (const container of allContainers(pod)) {
    for (const source of container.envFrom ?? []) {
      configMaps.add(source.configMapRef?.name)
      secrets.add(source.secretRef?.name)
    }
    for (const { valueFrom } of container.env ?? []) {
      configMaps.add(valueFrom?.configMapKeyRef?.name)
      secrets.add(valueFrom?.secretKeyRef?.name)
    }
  }
  for (const volume of pod.spec.volumes ?? []) {
    configMaps.add(volume.configMap?.name)
    secrets.add(volume.secret?.secretName)
    for (const source of volume.projected?.sources ?? []) {
      configMaps.add(source.configMap?.name)
      secrets.add(source.secret?.name)
    }
  }
  return { configMaps: named(configMaps), secrets: named(secrets) }
}

const named = (names: Set<string | undefined>) =>
  new Set([...names].filter((n): n is string => n !== undefined && n !== ''))
