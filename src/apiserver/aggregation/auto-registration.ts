/**
 * APIServices of what this server serves itself: those of built-in groups are made and mended when it starts, those of
 * custom resources follow their definitions. Pure. Upstream: `kube-aggregator/pkg/controllers/autoregister` and
 * `pkg/controlplane/controller/crdregistration`.
 */
import type { APIService } from '#api/apiregistration/v1.ts'
import type { CustomResourceDefinition } from '#api/apiextensions/v1.ts'
import type { Resource } from '#api/kind.ts'
import { jsonEqual } from '#base/equal.ts'
import { builtInPriority } from '../discovery/groups.ts'

export const MANAGED = 'kube-aggregator.kubernetes.io/automanaged'
/** Made and mended when the server starts; afterwards they are the user's. */
const ON_START = 'onstart'
/** Always as their definitions want them. */
const ALWAYS = 'true'

const CUSTOM_GROUP_PRIORITY = 1000
const CUSTOM_VERSION_PRIORITY = 100

export interface WantedService {
  readonly name: string
  readonly label: string
  readonly spec: APIService['spec']
}

const wanted = (group: string, version: string, label: string, groupPriority: number, versionPriority: number) => ({
  name: `${version}.${group}`,
  label,
  spec: {
    ...(group && { group }),
    version,
    groupPriorityMinimum: groupPriority,
    versionPriority,
  } as APIService['spec'],
})

/** By name. The group that APIServices are themselves in has none. */
export function builtInServices(resources: readonly Resource[]): ReadonlyMap<string, WantedService> {
  const out = new Map<string, WantedService>()
  for (const { group, version } of resources) {
    const priority = builtInPriority(group, version)
    if (!priority || group === 'apiregistration.k8s.io') continue
    const service = wanted(group, version, ON_START, priority.group, priority.version)
    out.set(service.name, service)
  }
  return out
}

export function customServices(definitions: readonly CustomResourceDefinition[]): ReadonlyMap<string, WantedService> {
  const out = new Map<string, WantedService>()
  for (const { spec } of definitions) {
    for (const { name: version, served } of spec.versions ?? []) {
      if (!served || builtInPriority(spec.group, version)) continue
      const service = wanted(spec.group, version, ALWAYS, CUSTOM_GROUP_PRIORITY, CUSTOM_VERSION_PRIORITY)
      out.set(service.name, service)
    }
  }
  return out
}

export type RegistrationStep =
  | { kind: 'create'; wanted: WantedService }
  | { kind: 'update'; existing: APIService; wanted: WantedService }
  | { kind: 'delete'; existing: APIService }

/**
 * What to do for `wanted` to be there. Only what carries the label of `sort` is changed or deleted; what somebody has
 * made or taken over is left alone.
 */
export function planRegistration(
  services: ReadonlyMap<string, WantedService>,
  existing: readonly APIService[],
  sort: 'onStart' | 'always',
): RegistrationStep[] {
  const label = sort === 'onStart' ? ON_START : ALWAYS
  const byName = new Map(existing.map((service) => [service.metadata.name, service]))
  const steps: RegistrationStep[] = []
  for (const service of services.values()) {
    const found = byName.get(service.name)
    if (!found) steps.push({ kind: 'create', wanted: service })
    else if (found.metadata.labels?.[MANAGED] === label && !jsonEqual(found.spec, service.spec)) {
      steps.push({ kind: 'update', existing: found, wanted: service })
    }
  }
  for (const service of existing) {
    const isOurs = service.metadata.labels?.[MANAGED] === label
    if (isOurs && !services.has(service.metadata.name)) steps.push({ kind: 'delete', existing: service })
  }
  return steps
}
