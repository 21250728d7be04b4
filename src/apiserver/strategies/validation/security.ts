/** Privileges and confinement of pods and containers, on Linux and Windows. Upstream: `ValidateSecurityContext` and others. */
import { dnsSubdomain } from '#machinery/names.ts'
import { type Check, each, fields, oneOf, type Path, type Problems, range } from './check.ts'
import { sysctlName } from './formats.ts'
import { descendingPath } from './paths.ts'

const MAX_ID = 0x7fff_ffff
const id = range(0, MAX_ID)

const SECCOMP_TYPES = ['Localhost', 'RuntimeDefault', 'Unconfined']

const seccompProfile: Check = (profile, at, to) => {
  const { type, localhostProfile } = profile
  if (!type) to.required(at.at('type'), 'type is required when seccompProfile is set')
  else if (!SECCOMP_TYPES.includes(type)) to.unsupported(at.at('type'), type, SECCOMP_TYPES)
  const place = at.at('localhostProfile')
  if (type === 'Localhost') {
    if (localhostProfile === undefined) to.required(place, 'must be set when seccomp type is Localhost')
    else descendingPath(localhostProfile, place, to)
  } else if (localhostProfile !== undefined)
    to.invalid(place, profile, 'can only be set when seccomp type is Localhost')
}

const MAX_PROFILE = 4095

const appArmorProfile: Check = ({ type, localhostProfile }, at, to) => {
  const place = at.at('localhostProfile')
  if (!type) return to.required(at.at('type'), 'type is required when appArmorProfile is set')
  if (!SECCOMP_TYPES.includes(type)) return to.unsupported(at.at('type'), type, SECCOMP_TYPES)
  if (type !== 'Localhost') {
    if (localhostProfile !== undefined)
      to.invalid(place, localhostProfile, 'can only be set when AppArmor type is Localhost')
    return
  }
  if (localhostProfile === undefined) return to.required(place, 'must be set when AppArmor type is Localhost')
  if (localhostProfile.trim() !== localhostProfile)
    to.invalid(place, localhostProfile, 'must not be padded with whitespace')
  else if (localhostProfile === '') to.required(place, 'must be set when AppArmor type is Localhost')
  if (localhostProfile.length > MAX_PROFILE) to.tooLong(place, MAX_PROFILE)
}

const KIB = 1024
const MAX_CREDENTIAL_BYTES = 64 * KIB
const NETBIOS = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/
const DNS_LABEL = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/
const CONTROL = /[\x00-\x1f\x7f]/

function runAsUserName(name: string): string[] {
  if (name === '') return ['runAsUserName cannot be an empty string']
  if (CONTROL.test(name)) return ['runAsUserName cannot contain control characters']
  const parts = name.split('\\')
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash']
  const user = parts.at(-1)!
  const domain = parts.length === 2 ? parts[0]! : undefined
  const isDomain =
    domain === undefined || NETBIOS.test(domain) || domain.split('.').every((label) => DNS_LABEL.test(label))
  return [
    ...((domain ?? '').length >= 256 ? ["runAsUserName's Domain length must be under 256 characters"] : []),
    ...(isDomain ? [] : ["runAsUserName's Domain doesn't match the NetBios nor the DNS format"]),
    ...(user === '' ? ["runAsUserName's User cannot be empty"] : []),
    ...(user.length > 104 ? ["runAsUserName's User length must not be longer than 104 characters"] : []),
    ...(/^[. ]+$/.test(user) ? ["runAsUserName's User cannot contain only periods or spaces"] : []),
    ...(/["/\\:;|=,+*?<>@[\]]/.test(user)
      ? [`runAsUserName's User cannot contain the following characters: "/\\:;|=,+*?<>@[]`]
      : []),
  ]
}

const windowsOptions = fields({
  gmsaCredentialSpecName: (value: string, at, to) => to.each(at, value, dnsSubdomain(value)),
  gmsaCredentialSpec: (value: string, at, to) => {
    if (value === '') to.invalid(at, value, 'gmsaCredentialSpec cannot be an empty string')
    else if (value.length > MAX_CREDENTIAL_BYTES) to.invalid(at, value, 'gmsaCredentialSpec size must be under 64 KiB')
  },
  runAsUserName: (value: string, at, to) => to.each(at, value, runAsUserName(value)),
})

const sharedFields = { runAsUser: id, runAsGroup: id, seccompProfile, windowsOptions, appArmorProfile }

const containerFields = fields({ ...sharedFields, procMount: oneOf('Default', 'Unmasked') })

/** `hostUsers` is false where the pod has users of its own. */
export const containerSecurity =
  (hostUsers: boolean): Check =>
  (context, at, to) => {
    containerFields(context, at, to)
    if (hostUsers && context.procMount === 'Unmasked') {
      to.invalid(at.at('procMount'), context.procMount, '`hostUsers` must be false to use `Unmasked`')
    }
    if (context.allowPrivilegeEscalation !== false) return
    if (context.privileged) {
      to.invalid(at, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true')
    }
    if (context.capabilities?.add?.includes('CAP_SYS_ADMIN')) {
      to.invalid(at, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN')
    }
  }

const podFields = fields({
  fsGroup: id,
  ...sharedFields,
  supplementalGroups: each(id),
  fsGroupChangePolicy: oneOf('Always', 'OnRootMismatch'),
  supplementalGroupsPolicy: oneOf('Merge', 'Strict'),
  seLinuxChangePolicy: oneOf('MountOption', 'Recursive'),
})

const NET_SYSCTLS = 'net.'
const IPC_SYSCTLS = ['kernel.shm', 'kernel.msg', 'fs.mqueue.']
const isIpc = (name: string) => name === 'kernel.sem' || IPC_SYSCTLS.some((prefix) => name.startsWith(prefix))

export const podSecurity: Check = (spec, at, to) => {
  const context = spec.securityContext
  if (!context) return
  const place = at.at('securityContext')
  podFields(context, place, to)
  if (spec.shareProcessNamespace && spec.hostPID) {
    const why = 'ShareProcessNamespace and HostPID cannot both be enabled'
    to.invalid(place.at('shareProcessNamespace'), true, why)
  }
  const seen = new Set<string>()
  ;(context.sysctls ?? []).forEach(({ name }: { name: string }, i: number) => {
    const nameAt = place.at('sysctls').index(i).at('name')
    const whys = sysctlName(name)
    if (!name) to.required(nameAt)
    else if (whys.length > 0) to.each(nameAt, name, whys)
    else if (seen.has(name)) to.duplicate(nameAt, name)
    const dotted = name.replaceAll('/', '.')
    if (spec.hostNetwork && dotted.startsWith(NET_SYSCTLS)) {
      to.invalid(nameAt, name, "may not be specified when 'hostNetwork' is true")
    }
    if (spec.hostIPC && isIpc(dotted)) to.invalid(nameAt, name, "may not be specified when 'hostIPC' is true")
    seen.add(name)
  })
}

const NOT_ON_WINDOWS = 'cannot be set for a windows pod'
const linuxOnlyOfPods = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
  'seLinuxChangePolicy',
]
const linuxOnlyOfSpecs = ['hostUsers', 'hostPID', 'hostIPC', 'shareProcessNamespace']
const linuxOnlyOfContainers = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
]

export type Visit = (each: (container: Record<string, any>, at: Path) => void) => void

/** What the pod's operating system does not have. */
export function checkOS(spec: Record<string, any>, at: Path, to: Problems, visit: Visit) {
  const name = spec.os?.name
  if (!spec.os) return
  if (!name) return to.required(at.at('os', 'name'))
  if (name !== 'linux' && name !== 'windows') return to.unsupported(at.at('os'), name, ['linux', 'windows'])
  const refuse = (context: Record<string, any> | undefined, keys: readonly string[], place: Path, why: string) => {
    for (const key of keys) if (context?.[key] !== undefined) to.forbidden(place.at(key), why)
  }
  const [onPods, onContainers, why] =
    name === 'linux'
      ? [['windowsOptions'], ['windowsOptions'], 'windows options cannot be set for a linux pod']
      : [linuxOnlyOfPods, linuxOnlyOfContainers, NOT_ON_WINDOWS]
  refuse(spec.securityContext, onPods, at.at('securityContext'), why)
  if (name === 'windows') refuse(spec, linuxOnlyOfSpecs, at, NOT_ON_WINDOWS)
  visit((container, place) => refuse(container.securityContext, onContainers, place.at('securityContext'), why))
}

/** Containers that are processes of a Windows host: all of the pod's or none. */
export function checkHostProcess(spec: Record<string, any>, at: Path, to: Problems, visit: Visit) {
  const ofPod: boolean | undefined = spec.securityContext?.windowsOptions?.hostProcess
  let [containers, hostProcesses] = [0, 0]
  visit((container, place) => {
    containers++
    const own: boolean | undefined = container.securityContext?.windowsOptions?.hostProcess
    if (ofPod !== undefined && own !== undefined && ofPod !== own) {
      const why = `pod hostProcess value must be identical if both are specified, was ${ofPod}`
      to.invalid(place.at('securityContext', 'windowsOptions', 'hostProcess'), own, why)
    }
    if (own ?? ofPod) hostProcesses++
  })
  if (hostProcesses === 0) return
  if (hostProcesses !== containers) {
    const why = 'If pod contains any hostProcess containers then all containers must be HostProcess containers'
    to.invalid(at, '', why)
  }
  if (!spec.hostNetwork) {
    to.invalid(at.at('hostNetwork'), false, 'hostNetwork must be true if pod contains any hostProcess containers')
  }
}
