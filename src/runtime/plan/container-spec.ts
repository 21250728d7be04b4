/**
 * From a CRI container configuration, its sandbox and its image to the OCI runtime specification, the document that both
 * executors run. Pure: facts about the host come in as `HostFacts`. Defaults are containerd's, so that an image behaves here
 * as it does there.
 */
import type { ContainerConfig, LinuxContainerResources, Mount } from '#contracts/cri/types.ts'
import { MountPropagation, NamespaceMode, ProfileType, SupplementalGroupsPolicy } from '#contracts/cri/enums.ts'
import type { OciImageRunConfig } from '#contracts/oci/image.ts'
import type { OciDevice, OciMount, OciResources, OciRuntimeSpec, OciSeccomp } from '#contracts/oci/runtime-spec.ts'
import { planCapabilities } from './capabilities.ts'
import { defaultDeviceRules, defaultDevices } from './devices.ts'

/** Who the program runs as, in words that only the image's own files can resolve. */
export interface Identity {
  /** `name|uid[:group|gid]`. */
  user: string
  /** Overrides the primary group; empty: as the image says. */
  group: string
  /** Adds the groups that /etc/group lists for the user. */
  mergeGroups: boolean
  extraGroups: number[]
}

export interface HostFacts {
  /** Capability names this daemon holds. */
  capabilities: readonly string[]
  hostDevices(): OciDevice[]
  devicesAt(hostPath: string, containerPath: string): OciDevice[]
}

export interface SandboxPaths {
  /** Namespace files; undefined means the daemon's own. */
  net?: string
  ipc?: string
  uts?: string
  /** A pid namespace shared by the pod. */
  pid?: string
  hostPid: boolean
  hostNetwork: boolean
  shm: string
  hostname: string
  hostnameFile: string
  hostsFile: string
  resolvFile: string
}

export interface SpecInput {
  config: ContainerConfig
  image: OciImageRunConfig
  sandbox: SandboxPaths
  /** The pid namespace of the container that this one debugs (NamespaceMode.TARGET). */
  targetPid?: string
  cgroupPath: string
  rootPath: string
  facts: HostFacts
  /** Layers of an image used as a volume, by directory name and the lowest first. Throws when the image is not there. */
  imageLayers(image: string): readonly string[]
  seccomp?: OciSeccomp
}

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The configuration asks for something this runtime cannot do, or contradicts itself. */
export class InvalidConfigError extends Error {
  override readonly name = 'InvalidConfigError'
}

export function planContainerSpec(input: SpecInput): { spec: OciRuntimeSpec; identity: Identity } {
  const { config, image, sandbox, facts } = input
  const security = config.linux?.securityContext
  const privileged = security?.privileged ?? false
  const capabilities = security?.capabilities
  if (security?.namespaceOptions?.usernsOptions?.mode === NamespaceMode.POD) {
    throw new InvalidConfigError('user namespaces are not supported by this runtime')
  }
  const devices = [...defaultDevices(), ...(privileged ? facts.hostDevices() : [])]
  const deviceRules = privileged ? [{ allow: true, type: 'a' as const, access: 'rwm' }] : defaultDeviceRules()
  for (const { hostPath, containerPath, permissions } of config.devices) {
    for (const device of facts.devicesAt(hostPath, containerPath)) {
      devices.push(device)
      if (!privileged)
        deviceRules.push({
          allow: true,
          type: device.type === 'b' ? 'b' : 'c',
          major: device.major,
          minor: device.minor,
          access: permissions || 'rwm',
        })
    }
  }
  if (config.cdiDevices.length > 0) throw new InvalidConfigError('CDI devices are not supported by this runtime')
  const spec: OciRuntimeSpec = {
    ociVersion: '1.2.0',
    process: {
      ...(config.tty && { terminal: true }),
      user: { uid: 0, gid: 0 },
      args: planArgs(config, image),
      env: planEnv(config, image, sandbox.hostname),
      cwd: config.workingDir || image.WorkingDir || '/',
      capabilities: planCapabilities(
        {
          privileged,
          add: capabilities?.addCapabilities ?? [],
          drop: capabilities?.dropCapabilities ?? [],
          addAmbient: capabilities?.addAmbientCapabilities ?? [],
        },
        facts.capabilities,
      ),
      noNewPrivileges: security?.noNewPrivs ?? false,
      oomScoreAdj: config.linux?.resources?.oomScoreAdj ?? 0,
      ...apparmor(security),
    },
    root: { path: input.rootPath, readonly: security?.readonlyRootfs ?? false },
    mounts: planMounts(input, privileged),
    annotations: config.annotations,
    linux: {
      namespaces: planNamespaces(input),
      devices,
      cgroupsPath: input.cgroupPath,
      resources: { ...planResources(config.linux?.resources), devices: deviceRules },
      maskedPaths: privileged ? [] : (security?.maskedPaths ?? []),
      readonlyPaths: privileged ? [] : (security?.readonlyPaths ?? []),
      ...(input.seccomp && { seccomp: input.seccomp }),
    },
  }
  return { spec, identity: planIdentity(config, image) }
}

/** Kubernetes' rule: `command` replaces entrypoint and cmd, `args` alone replace cmd. */
function planArgs({ command, args }: ContainerConfig, image: OciImageRunConfig): string[] {
  const all =
    command.length > 0
      ? [...command, ...args]
      : [...(image.Entrypoint ?? []), ...(args.length > 0 ? args : (image.Cmd ?? []))]
  if (all.length === 0) throw new InvalidConfigError('no command specified')
  return all
}

function planEnv(config: ContainerConfig, image: OciImageRunConfig, hostname: string): string[] {
  const env = new Map<string, string>()
  const set = (entry: string) => env.set(entry.split('=', 1)[0]!, entry)
  set(DEFAULT_PATH)
  set(`HOSTNAME=${hostname}`)
  if (config.tty) set('TERM=xterm')
  for (const entry of image.Env ?? []) set(entry)
  for (const { key, value } of config.envs) set(`${key}=${Buffer.from(value).toString()}`)
  return [...env.values()]
}

function planIdentity(config: ContainerConfig, image: OciImageRunConfig): Identity {
  const security = config.linux?.securityContext
  const user = security?.runAsUser ? String(security.runAsUser.value) : security?.runAsUsername || image.User || '0'
  if (security?.runAsGroup && !security.runAsUser && !security.runAsUsername && !image.User) {
    throw new InvalidConfigError('user group is specified without user')
  }
  return {
    user,
    group: security?.runAsGroup ? String(security.runAsGroup.value) : '',
    mergeGroups: security?.supplementalGroupsPolicy !== SupplementalGroupsPolicy.Strict,
    extraGroups: security?.supplementalGroups ?? [],
  }
}

function planNamespaces({ sandbox, config, targetPid }: SpecInput): OciRuntimeSpec['linux']['namespaces'] {
  const namespaces: OciRuntimeSpec['linux']['namespaces'] = [{ type: 'mount' }, { type: 'cgroup' }]
  if (sandbox.net) namespaces.push({ type: 'network', path: sandbox.net })
  if (sandbox.ipc) namespaces.push({ type: 'ipc', path: sandbox.ipc })
  if (sandbox.uts) namespaces.push({ type: 'uts', path: sandbox.uts })
  const mode = config.linux?.securityContext?.namespaceOptions?.pid ?? NamespaceMode.POD
  if (mode === NamespaceMode.NODE) return namespaces
  if (mode === NamespaceMode.TARGET) {
    if (!targetPid) throw new InvalidConfigError('the target container is not running')
    namespaces.push({ type: 'pid', path: targetPid })
  } else if (mode === NamespaceMode.POD && sandbox.pid) namespaces.push({ type: 'pid', path: sandbox.pid })
  else namespaces.push({ type: 'pid' })
  return namespaces
}

function planMounts({ config, sandbox, imageLayers }: SpecInput, privileged: boolean): OciMount[] {
  const readOnly = config.linux?.securityContext?.readonlyRootfs ? 'ro' : 'rw'
  const mounts: OciMount[] = [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    {
      destination: '/sys',
      type: 'sysfs',
      source: 'sysfs',
      options: ['nosuid', 'noexec', 'nodev', privileged ? 'rw' : 'ro'],
    },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: ['nosuid', 'noexec', 'nodev', 'relatime', privileged ? 'rw' : 'ro'],
    },
  ]
  const asked = new Set(config.mounts.map((mount) => mount.containerPath.replace(/(.)\/+$/, '$1')))
  const bind = (destination: string, source: string, options: string[]) => {
    if (!asked.has(destination))
      mounts.push({ destination, type: 'bind', source, options: ['rbind', 'rprivate', ...options] })
  }
  bind('/dev/shm', sandbox.shm, ['rw'])
  bind('/etc/hostname', sandbox.hostnameFile, [readOnly])
  bind('/etc/hosts', sandbox.hostsFile, [readOnly])
  bind('/etc/resolv.conf', sandbox.resolvFile, [readOnly])
  // Parents before what is mounted inside of them.
  const depth = ({ containerPath }: Mount) => containerPath.split('/').filter(Boolean).length
  for (const mount of config.mounts.toSorted((a, b) => depth(a) - depth(b)))
    mounts.push(mount.image?.image ? planImageVolume(mount, imageLayers(mount.image.image)) : planVolume(mount))
  return mounts
}

const PROPAGATION: Record<number, string> = {
  [MountPropagation.PROPAGATION_PRIVATE]: 'rprivate',
  [MountPropagation.PROPAGATION_HOST_TO_CONTAINER]: 'rslave',
  [MountPropagation.PROPAGATION_BIDIRECTIONAL]: 'rshared',
}

function planVolume(mount: Mount): OciMount {
  const { containerPath, hostPath, readonly, recursiveReadOnly, propagation } = mount
  if (!containerPath.startsWith('/')) throw new InvalidConfigError(`mount path "${containerPath}" is not absolute`)
  if (mount.uidMappings.length > 0 || mount.gidMappings.length > 0)
    throw new InvalidConfigError('id-mapped mounts are not supported by this runtime')
  if (recursiveReadOnly && (!readonly || propagation !== MountPropagation.PROPAGATION_PRIVATE)) {
    throw new InvalidConfigError(
      `mount "${containerPath}": recursive_read_only requires readonly and private propagation`,
    )
  }
  const options = ['rbind', PROPAGATION[propagation] ?? 'rprivate', recursiveReadOnly ? 'rro' : readonly ? 'ro' : 'rw']
  return { destination: containerPath, type: 'bind', source: hostPath, options }
}

/** The mount type of an image's content: `source` is the path inside, the options are the layers, the lowest first. */
export const IMAGE_MOUNT = 'rostrum-image'

function planImageVolume({ containerPath, imageSubPath }: Mount, layers: readonly string[]): OciMount {
  return { destination: containerPath, type: IMAGE_MOUNT, source: imageSubPath, options: [...layers] }
}

export function planResources(resources: LinuxContainerResources | undefined): OciResources {
  if (!resources) return {}
  const {
    cpuShares,
    cpuQuota,
    cpuPeriod,
    cpusetCpus,
    cpusetMems,
    memoryLimitInBytes,
    memorySwapLimitInBytes,
    hugepageLimits,
    unified,
  } = resources
  return {
    cpu: {
      ...(cpuShares && { shares: cpuShares }),
      ...(cpuQuota && { quota: cpuQuota }),
      ...(cpuPeriod && { period: cpuPeriod }),
      ...(cpusetCpus && { cpus: cpusetCpus }),
      ...(cpusetMems && { mems: cpusetMems }),
    },
    memory: {
      ...(memoryLimitInBytes && { limit: memoryLimitInBytes }),
      // Without an answer from the kubelet a limited container gets no swap, as containerd has it.
      ...((memorySwapLimitInBytes || memoryLimitInBytes) && { swap: memorySwapLimitInBytes || memoryLimitInBytes }),
    },
    ...(hugepageLimits.length > 0 && {
      hugepageLimits: hugepageLimits.map(({ pageSize, limit }) => ({ pageSize, limit })),
    }),
    ...(Object.keys(unified).length > 0 && { unified }),
  }
}

function apparmor(security: NonNullable<ContainerConfig['linux']>['securityContext']): { apparmorProfile?: string } {
  const profile = security?.apparmor
  if (security?.privileged || profile?.profileType !== ProfileType.Localhost) return {}
  return { apparmorProfile: profile.localhostRef.replace(/^localhost\//, '') }
}
