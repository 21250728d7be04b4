/**
 * What the restricted level asks for beyond the baseline: no way to become root. Upstream: the restricted checks of
 * `pod-security-admission/policy`.
 */
import { procMount, seccompProfile } from './baseline-checks.ts'
import {
  badContainers,
  containersOf,
  distinct,
  hasUserNamespace,
  named,
  type PodCheck,
  quoted,
  runsOnWindows,
  setters,
  unless,
  type VersionedCheck,
} from './pod-check.ts'

const allowPrivilegeEscalation: PodCheck = ({ spec }) => {
  const containers = badContainers(spec, (c) => c.securityContext?.allowPrivilegeEscalation !== false)
  if (containers.length === 0) return undefined
  return {
    reason: 'allowPrivilegeEscalation != false',
    detail: `${named('container', containers)} must set securityContext.allowPrivilegeEscalation=false`,
  }
}

const capabilities: PodCheck = ({ spec }) => {
  const keeping = badContainers(spec, (c) => !c.securityContext?.capabilities?.drop?.includes('ALL'))
  const forbidden: string[] = []
  const adding = badContainers(spec, ({ securityContext }) => {
    const names = (securityContext?.capabilities?.add ?? []).filter((name) => name !== 'NET_BIND_SERVICE')
    for (const name of names) forbidden.push(name)
    return names.length > 0
  })
  const details = []
  if (keeping.length > 0)
    details.push(`${named('container', keeping)} must set securityContext.capabilities.drop=["ALL"]`)
  if (adding.length > 0) {
    const names = quoted(distinct(forbidden))
    details.push(`${named('container', adding)} must not include ${names} in securityContext.capabilities.add`)
  }
  return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') }
}

const ALLOWED_VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
] as const
const OTHER_VOLUMES = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'gitRepo',
  'nfs',
  'iscsi',
  'glusterfs',
  'rbd',
  'flexVolume',
  'cinder',
  'cephfs',
  'flocker',
  'fc',
  'azureFile',
  'vsphereVolume',
  'quobyte',
  'azureDisk',
  'photonPersistentDisk',
  'portworxVolume',
  'scaleIO',
  'storageos',
] as const

const restrictedVolumes: PodCheck = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter((volume) => !ALLOWED_VOLUMES.some((type) => volume[type]))
  if (bad.length === 0) return undefined
  const types = distinct(bad.map((volume) => OTHER_VOLUMES.find((type) => volume[type]) ?? 'unknown'))
  const volumes = named(
    'volume',
    bad.map(({ name }) => name),
  )
  const uses = bad.length === 1 ? 'uses' : 'use'
  return { reason: 'restricted volume types', detail: `${volumes} ${uses} ${named('restricted volume type', types)}` }
}

const runAsNonRoot: PodCheck = ({ spec }) => {
  const ofPod = spec.securityContext?.runAsNonRoot
  const refusing = badContainers(spec, (c) => c.securityContext?.runAsNonRoot === false)
  const bad = setters(ofPod === false, refusing)
  const reason = 'runAsNonRoot != true'
  if (bad.length > 0) return { reason, detail: `${bad.join(' and ')} must not set securityContext.runAsNonRoot=false` }
  if (ofPod === true) return undefined
  const silent = badContainers(spec, (c) => c.securityContext?.runAsNonRoot === undefined)
  if (silent.length === 0) return undefined
  return { reason, detail: `pod or ${named('container', silent)} must set securityContext.runAsNonRoot=true` }
}

const runAsUser: PodCheck = ({ spec }) => {
  const containers = badContainers(spec, (c) => c.securityContext?.runAsUser === 0)
  const bad = setters(spec.securityContext?.runAsUser === 0, containers)
  if (bad.length === 0) return undefined
  return { reason: 'runAsUser=0', detail: `${bad.join(' and ')} must not set runAsUser=0` }
}

const seccompRequired: PodCheck = (pod) => {
  const wrong = seccompProfile(pod)
  if (wrong || pod.spec.securityContext?.seccompProfile) return wrong
  const silent = containersOf(pod.spec)
    .filter(({ securityContext }) => !securityContext?.seccompProfile)
    .map(({ name }) => name)
  if (silent.length === 0) return undefined
  return {
    reason: 'seccompProfile',
    detail: `pod or ${named('container', silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  }
}

const noBaseline = (id: string) => ({ overrides: [id] })

/** In the order in which findings are told, after those of the baseline. */
export const restrictedChecks: readonly VersionedCheck[] = [
  {
    id: 'allowPrivilegeEscalation',
    versions: [
      { since: 8, check: allowPrivilegeEscalation },
      { since: 25, check: unless(runsOnWindows, allowPrivilegeEscalation) },
    ],
  },
  {
    id: 'capabilities_restricted',
    versions: [
      { since: 22, check: capabilities, ...noBaseline('capabilities_baseline') },
      { since: 25, check: unless(runsOnWindows, capabilities), ...noBaseline('capabilities_baseline') },
    ],
  },
  { id: 'procMount_restricted', versions: [{ since: 35, check: procMount, ...noBaseline('procMount') }] },
  {
    id: 'restrictedVolumes',
    versions: [{ since: 0, check: restrictedVolumes, ...noBaseline('hostPathVolumes') }],
  },
  {
    id: 'runAsNonRoot',
    versions: [
      { since: 0, check: runAsNonRoot },
      { since: 35, check: unless(hasUserNamespace, runAsNonRoot) },
    ],
  },
  {
    id: 'runAsUser',
    versions: [
      { since: 23, check: runAsUser },
      { since: 35, check: unless(hasUserNamespace, runAsUser) },
    ],
  },
  {
    id: 'seccompProfile_restricted',
    versions: [
      { since: 19, check: seccompRequired, ...noBaseline('seccompProfile_baseline') },
      { since: 25, check: unless(runsOnWindows, seccompRequired), ...noBaseline('seccompProfile_baseline') },
    ],
  },
]
