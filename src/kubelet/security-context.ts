/**
 * A container's security context as the runtime takes it: the container's settings over the pod's. Pure. Throws Error with
 * upstream's wording where a pod asks for what can't be granted (runAsNonRoot with a root image and the like).
 * Upstream: `pkg/securitycontext` and `kuberuntime/security_context.go`.
 */
import type { Container, SeccompProfile, SecurityContext } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { NamespaceMode, ProfileType, SupplementalGroupsPolicy } from '#contracts/cri/enums.ts'
import type { CriMessageInit } from '#contracts/cri/types.ts'
import { podDescription } from './pod-spec.ts'

type CriSecurityContext = CriMessageInit<'LinuxContainerSecurityContext'>
type CriProfile = CriMessageInit<'SecurityProfile'>

/** Whom the image runs as. */
export interface ImageUser {
  uid?: number
  username?: string
}

const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
]
const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

/** The container's own settings, and the pod's where it has none. */
export function effectiveSecurityContext(pod: Pod, container: Container): SecurityContext {
  const { runAsUser, runAsGroup, runAsNonRoot, seLinuxOptions } = pod.spec.securityContext ?? {}
  const defined = Object.fromEntries(
    Object.entries(container.securityContext ?? {}).filter(([, value]) => value !== undefined && value !== null),
  )
  return { runAsUser, runAsGroup, runAsNonRoot, seLinuxOptions, ...defined }
}

/** Throws Error unless the container is sure not to run as root, where that is asked for. */
export function verifyNonRoot(pod: Pod, container: Container, image: ImageUser): void {
  const { runAsNonRoot, runAsUser } = effectiveSecurityContext(pod, container)
  if (!runAsNonRoot) return
  const where = `(pod: "${podDescription(pod)}", container: ${container.name})`
  if (runAsUser !== undefined) {
    if (runAsUser === 0) throw new Error(`container's runAsUser breaks non-root policy ${where}`)
    return
  }
  if (image.uid === 0) throw new Error(`container has runAsNonRoot and image will run as root ${where}`)
  if (image.uid === undefined && image.username) {
    throw new Error(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`,
    )
  }
}

export function namespaceOptions(pod: Pod): CriMessageInit<'NamespaceOption'> {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace } = pod.spec
  return {
    network: hostNetwork ? NamespaceMode.NODE : NamespaceMode.POD,
    ipc: hostIPC ? NamespaceMode.NODE : NamespaceMode.POD,
    pid: hostPID ? NamespaceMode.NODE : shareProcessNamespace ? NamespaceMode.POD : NamespaceMode.CONTAINER,
  }
}

/** Groups of every process: the volume group first. */
export function supplementalGroups(pod: Pod): number[] {
  const { fsGroup, supplementalGroups: groups = [] } = pod.spec.securityContext ?? {}
  return [...(fsGroup === undefined ? [] : [fsGroup]), ...groups]
}

export function supplementalGroupsPolicy(pod: Pod): SupplementalGroupsPolicy {
  return pod.spec.securityContext?.supplementalGroupsPolicy === 'Strict'
    ? SupplementalGroupsPolicy.Strict
    : SupplementalGroupsPolicy.Merge
}

export interface SecurityOptions {
  image: ImageUser
  /** Directory that `localhostProfile` names are relative to. */
  seccompRoot: string
  /** The container whose process namespace an ephemeral container enters. */
  targetId?: string
}

export function criSecurityContext(pod: Pod, container: Container, options: SecurityOptions): CriSecurityContext {
  const effective = effectiveSecurityContext(pod, container)
  const namespaces = namespaceOptions(pod)
  if (options.targetId && namespaces.pid === NamespaceMode.CONTAINER) {
    namespaces.pid = NamespaceMode.TARGET
    namespaces.targetId = options.targetId
  }
  const { runAsUser = options.image.uid, runAsGroup } = effective
  const isUnmasked = effective.procMount === 'Unmasked'
  const apparmor = container.securityContext?.appArmorProfile ?? pod.spec.securityContext?.appArmorProfile
  return {
    ...(effective.capabilities && {
      capabilities: {
        addCapabilities: effective.capabilities.add ?? [],
        dropCapabilities: effective.capabilities.drop ?? [],
      },
    }),
    privileged: effective.privileged ?? false,
    namespaceOptions: namespaces,
    ...(effective.seLinuxOptions && { selinuxOptions: effective.seLinuxOptions }),
    ...(runAsUser !== undefined && { runAsUser: { value: runAsUser } }),
    ...(runAsUser === undefined && options.image.username && { runAsUsername: options.image.username }),
    ...(runAsGroup !== undefined && { runAsGroup: { value: runAsGroup } }),
    readonlyRootfs: effective.readOnlyRootFilesystem ?? false,
    supplementalGroups: supplementalGroups(pod),
    supplementalGroupsPolicy: supplementalGroupsPolicy(pod),
    noNewPrivs: effective.allowPrivilegeEscalation === false,
    maskedPaths: isUnmasked ? [] : MASKED_PATHS,
    readonlyPaths: isUnmasked ? [] : READONLY_PATHS,
    seccomp: seccompProfile(
      container.securityContext?.seccompProfile ?? pod.spec.securityContext?.seccompProfile,
      options.seccompRoot,
    ),
    ...(apparmor && { apparmor: profile(apparmor.type, apparmor.localhostProfile ?? '') }),
  }
}

function seccompProfile(wanted: SeccompProfile | undefined, root: string): CriProfile {
  if (wanted?.type === 'Localhost') {
    const name = wanted.localhostProfile
    if (!name) throw new Error('localhostProfile must be set if seccompProfile type is Localhost.')
    if (name.startsWith('/') || name.split('/').includes('..')) {
      throw new Error(`localhostProfile "${name}" must be a path below the node's seccomp directory`)
    }
    return profile('Localhost', `${root}/${name}`)
  }
  return profile(wanted?.type ?? 'Unconfined', '')
}

function profile(type: string, localhostRef: string): CriProfile {
  if (type === 'Localhost') return { profileType: ProfileType.Localhost, localhostRef }
  return { profileType: type === 'RuntimeDefault' ? ProfileType.RuntimeDefault : ProfileType.Unconfined }
}
