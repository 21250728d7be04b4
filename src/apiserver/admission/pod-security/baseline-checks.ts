/** What the baseline level forbids: known ways out of a container. Upstream: the baseline checks of `pod-security-admission/policy`. */
import {
  type AnyContainer,
  badContainers,
  type Checkable,
  containersOf,
  distinct,
  hasUserNamespace,
  named,
  type PodCheck,
  quoted,
  setters,
  unless,
  type VersionedCheck,
} from './pod-check.ts'

const APPARMOR_ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/'

const appArmorProfile: PodCheck = ({ metadata, spec }) => {
  const isFine = (type: string) => type === 'RuntimeDefault' || type === 'Localhost'
  const ofPod = spec.securityContext?.appArmorProfile?.type
  const isPodBad = ofPod !== undefined && !isFine(ofPod)
  const values = isPodBad ? [ofPod] : []
  const containers = badContainers(spec, ({ securityContext }) => {
    const type = securityContext?.appArmorProfile?.type
    if (type === undefined || isFine(type)) return false
    values.push(type)
    return true
  })
  const annotations = Object.entries(metadata?.annotations ?? {})
    .filter(
      ([key, value]) => key.startsWith(APPARMOR_ANNOTATION) && !/^(|runtime\/default|localhost\/.*)$/s.test(value),
    )
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .toSorted()
  const bad = setters(isPodBad, containers)
  if (annotations.length > 0) bad.push(annotations.length === 1 ? 'annotation' : 'annotations')
  if (bad.length === 0) return undefined
  const all = [...distinct(values), ...annotations]
  return {
    reason: `forbidden AppArmor profile${all.length === 1 ? '' : 's'}`,
    detail: `${bad.join(' and ')} must not set AppArmor profile type to ${quoted(all)}`,
  }
}

const DEFAULT_CAPABILITIES = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
])

const capabilities: PodCheck = ({ spec }) => {
  const foreign = (container: AnyContainer) =>
    (container.securityContext?.capabilities?.add ?? []).filter((name) => !DEFAULT_CAPABILITIES.has(name))
  const containers = badContainers(spec, (container) => foreign(container).length > 0)
  if (containers.length === 0) return undefined
  const names = distinct(containersOf(spec).flatMap(foreign))
  return {
    reason: 'non-default capabilities',
    detail: `${named('container', containers)} must not include ${quoted(names)} in securityContext.capabilities.add`,
  }
}

const hostNamespaces: PodCheck = ({ spec }) => {
  const used = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field])
  if (used.length === 0) return undefined
  return { reason: 'host namespaces', detail: used.map((field) => `${field}=true`).join(', ') }
}

const hostPathVolumes: PodCheck = ({ spec }) => {
  const volumes = (spec.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => name)
  return volumes.length === 0 ? undefined : { reason: 'hostPath volumes', detail: named('volume', volumes) }
}

const hostPorts: PodCheck = ({ spec }) => {
  const used = ({ ports }: AnyContainer) => (ports ?? []).flatMap(({ hostPort }) => (hostPort ? String(hostPort) : []))
  const containers = badContainers(spec, (container) => used(container).length > 0)
  if (containers.length === 0) return undefined
  const ports = distinct(containersOf(spec).flatMap(used))
  const uses = containers.length === 1 ? 'uses' : 'use'
  return {
    reason: 'hostPort',
    detail: `${named('container', containers)} ${uses} hostPort${ports.length === 1 ? '' : 's'} ${ports.join(', ')}`,
  }
}

const hostProbes: PodCheck = ({ spec }) => {
  const hosts = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: AnyContainer) =>
    [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop]
      .flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host])
      .filter((host): host is string => Boolean(host))
  const containers = distinct(badContainers(spec, (container) => hosts(container).length > 0))
  if (containers.length === 0) return undefined
  const all = distinct(containersOf(spec).flatMap(hosts))
  const uses = containers.length === 1 ? 'uses' : 'use'
  return {
    reason: 'probe or lifecycle host',
    detail: `${named('container', containers)} ${uses} ${named('probe or lifecycle host', all)}`,
  }
}

const privileged: PodCheck = ({ spec }) => {
  const containers = badContainers(spec, ({ securityContext }) => securityContext?.privileged === true)
  if (containers.length === 0) return undefined
  return {
    reason: 'privileged',
    detail: `${named('container', containers)} must not set securityContext.privileged=true`,
  }
}

export const procMount: PodCheck = ({ spec }) => {
  const unmasked = ({ securityContext }: AnyContainer) => {
    const value = securityContext?.procMount
    return value === undefined || value === 'Default' ? [] : [value]
  }
  const containers = badContainers(spec, (container) => unmasked(container).length > 0)
  if (containers.length === 0) return undefined
  const values = distinct(containersOf(spec).flatMap(unmasked))
  return {
    reason: 'procMount',
    detail: `${named('container', containers)} must not set securityContext.procMount to ${quoted(values)}`,
  }
}

const SELINUX_TYPES = ['', 'container_t', 'container_init_t', 'container_kvm_t']

const seLinuxOptions =
  (allowed: readonly string[]): PodCheck =>
  ({ spec }) => {
    const types: string[] = []
    let [hasUser, hasRole] = [false, false]
    const isBad = (options: { type?: string; user?: string; role?: string } | undefined) => {
      if (!options) return false
      const { type = '', user, role } = options
      const isForeign = !allowed.includes(type)
      if (isForeign) types.push(type)
      if (user) hasUser = true
      if (role) hasRole = true
      return isForeign || Boolean(user) || Boolean(role)
    }
    const isPodBad = isBad(spec.securityContext?.seLinuxOptions)
    const containers = badContainers(spec, ({ securityContext }) => isBad(securityContext?.seLinuxOptions))
    const bad = setters(isPodBad, containers)
    if (bad.length === 0) return undefined
    const what = [
      ...(types.length > 0 ? [named('type', distinct(types))] : []),
      ...(hasUser ? ['user may not be set'] : []),
      ...(hasRole ? ['role may not be set'] : []),
    ]
    return {
      reason: 'seLinuxOptions',
      detail: `${bad.join(' and ')} set forbidden securityContext.seLinuxOptions: ${what.join('; ')}`,
    }
  }

const SECCOMP_OF_POD = 'seccomp.security.alpha.kubernetes.io/pod'
const SECCOMP_OF_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/'

/** Before there were fields there were annotations. */
const seccompAnnotations: PodCheck = ({ metadata, spec }) => {
  const keys = [SECCOMP_OF_POD, ...containersOf(spec).map(({ name }) => SECCOMP_OF_CONTAINER + name)]
  const forbidden = distinct(
    keys.flatMap((key) => {
      const value = metadata?.annotations?.[key]
      if (value === undefined || /^(runtime\/default|docker\/default|localhost\/.*)$/s.test(value)) return []
      return [`${key}=${JSON.stringify(value)}`]
    }),
  )
  if (forbidden.length === 0) return undefined
  const noun = forbidden.length === 1 ? 'annotation' : 'annotations'
  return { reason: 'seccompProfile', detail: `forbidden ${noun} ${forbidden.join(', ')}` }
}

const isFineSeccomp = (type: string) => type === 'RuntimeDefault' || type === 'Localhost'

export const seccompProfile: PodCheck = ({ spec }) => {
  const ofPod = spec.securityContext?.seccompProfile?.type
  const isPodBad = ofPod !== undefined && !isFineSeccomp(ofPod)
  const values = isPodBad ? [ofPod] : []
  const containers = badContainers(spec, ({ securityContext }) => {
    const type = securityContext?.seccompProfile?.type
    if (type === undefined || isFineSeccomp(type)) return false
    values.push(type)
    return true
  })
  const bad = setters(isPodBad, containers)
  if (bad.length === 0) return undefined
  return {
    reason: 'seccompProfile',
    detail: `${bad.join(' and ')} must not set securityContext.seccompProfile.type to ${quoted(distinct(values))}`,
  }
}

/** Those that are kept apart between pods, by the version that began to allow them. */
const SYSCTLS: readonly { since: number; names: readonly string[] }[] = [
  {
    since: 0,
    names: [
      'kernel.shm_rmid_forced',
      'net.ipv4.ip_local_port_range',
      'net.ipv4.tcp_syncookies',
      'net.ipv4.ping_group_range',
      'net.ipv4.ip_unprivileged_port_start',
    ],
  },
  { since: 27, names: ['net.ipv4.ip_local_reserved_ports'] },
  {
    since: 29,
    names: [
      'net.ipv4.tcp_keepalive_time',
      'net.ipv4.tcp_fin_timeout',
      'net.ipv4.tcp_keepalive_intvl',
      'net.ipv4.tcp_keepalive_probes',
    ],
  },
  { since: 32, names: ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'] },
]

const sysctls =
  (allowed: ReadonlySet<string>): PodCheck =>
  ({ spec }) => {
    const forbidden = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !allowed.has(name))
    return forbidden.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: forbidden.join(', ') }
  }

const sysctlVersions = SYSCTLS.map(({ since }) => ({
  since,
  check: sysctls(new Set(SYSCTLS.filter((other) => other.since <= since).flatMap(({ names }) => names))),
}))

const windowsHostProcess: PodCheck = ({ spec }: Checkable) => {
  const isPod = spec.securityContext?.windowsOptions?.hostProcess === true
  const containers = badContainers(spec, ({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true)
  const bad = setters(isPod, containers)
  if (bad.length === 0) return undefined
  return {
    reason: 'hostProcess',
    detail: `${bad.join(' and ')} must not set securityContext.windowsOptions.hostProcess=true`,
  }
}

/** In the order in which findings are told. */
export const baselineChecks: readonly VersionedCheck[] = [
  { id: 'appArmorProfile', versions: [{ since: 0, check: appArmorProfile }] },
  { id: 'capabilities_baseline', versions: [{ since: 0, check: capabilities }] },
  { id: 'hostNamespaces', versions: [{ since: 0, check: hostNamespaces }] },
  { id: 'hostPathVolumes', versions: [{ since: 0, check: hostPathVolumes }] },
  { id: 'hostPorts', versions: [{ since: 0, check: hostPorts }] },
  { id: 'hostProbesAndHostLifecycle', versions: [{ since: 34, check: hostProbes }] },
  { id: 'privileged', versions: [{ since: 0, check: privileged }] },
  {
    id: 'procMount',
    versions: [
      { since: 0, check: procMount },
      { since: 35, check: unless(hasUserNamespace, procMount) },
    ],
  },
  {
    id: 'seLinuxOptions',
    versions: [
      { since: 0, check: seLinuxOptions(SELINUX_TYPES) },
      { since: 31, check: seLinuxOptions([...SELINUX_TYPES, 'container_engine_t']) },
    ],
  },
  {
    id: 'seccompProfile_baseline',
    versions: [
      { since: 0, check: seccompAnnotations },
      { since: 19, check: seccompProfile },
    ],
  },
  { id: 'sysctls', versions: sysctlVersions },
  { id: 'windowsHostProcess', versions: [{ since: 0, check: windowsHostProcess }] },
]
